//! What was done to a stack, one line each; a line that is not whole is passed over.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::journal::{Action, open, seal};
use super::{Assessed, GenerationName, Journal};

/// How an operation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It was done.
    Done,
    /// It failed, and all was put back.
    Restored,
    /// It failed, and not all could be put back, or was to be.
    NotRestored,
}

/// One operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// What was done.
    pub action: Action,
    /// How it ended.
    pub verdict: Verdict,
    /// The generation before.
    pub from: Option<GenerationName>,
    /// The generation that it was about.
    pub to: Option<GenerationName>,
    /// When it began, in seconds since 1970.
    pub began: u64,
    /// Who began it.
    pub user: String,
    /// How long it took, in milliseconds.
    pub milliseconds: u64,
    /// How long each step took, in milliseconds, as far as it came.
    #[serde(default)]
    pub phases: BTreeMap<String, u64>,
    /// How long each service took to be ready, in milliseconds.
    #[serde(default)]
    pub services: BTreeMap<String, u64>,
    /// The images that the services have, by service.
    #[serde(default)]
    pub images: BTreeMap<String, String>,
    /// The patterns of the services that were to start, where they have one.
    #[serde(default)]
    pub patterns: BTreeMap<String, String>,
    /// How the host was and what was at stake, where that was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assessed: Option<Assessed>,
    /// The service that failed.
    #[serde(default)]
    pub failed: Option<String>,
    /// Why it failed.
    #[serde(default)]
    pub cause: Option<String>,
    /// What the failed service said last.
    #[serde(default)]
    pub log: Vec<String>,
}

impl Entry {
    /// What is known from a journal alone, of an operation that a crash ended.
    pub fn of(journal: &Journal, verdict: Verdict) -> Self {
        Self {
            action: journal.action,
            verdict,
            from: journal.from.clone(),
            to: journal.to.clone(),
            began: journal.began,
            user: journal.user.clone(),
            milliseconds: 0,
            phases: BTreeMap::new(),
            services: BTreeMap::new(),
            images: BTreeMap::new(),
            patterns: BTreeMap::new(),
            assessed: journal.assessed.clone(),
            failed: None,
            cause: None,
            log: Vec::new(),
        }
    }

    /// It as a line.
    pub fn line(&self) -> String {
        seal(&serde_json::to_string(self).unwrap_or_default())
    }
}

/// The operations in a history, the oldest first.
pub fn parse(bytes: &[u8]) -> Vec<Entry> {
    let text = String::from_utf8_lossy(bytes);
    text.lines().filter_map(open).filter_map(|line| serde_json::from_str(line).ok()).collect()
}
