//! What was done to a stack, one line each; a line that is not whole is passed over.

use std::collections::{BTreeMap, BTreeSet};

use serde::de::DeserializeOwned;
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

/// A run of a service in which it was ready.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Met {
    /// The mark of the run.
    pub run: String,
    /// What tells the questions that it was asked from others.
    pub asked: String,
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
    /// The services that were asked beside their health and were ready, by their units.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ready: BTreeMap<String, Met>,
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
            ready: BTreeMap::new(),
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

/// The last operation in a history.
pub fn last(bytes: &[u8]) -> Option<Entry> {
    newest_first(&String::from_utf8_lossy(bytes)).next()
}

/// A run of which it is asked whether the service was ready in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sought {
    /// The run, and what was asked.
    pub met: Met,
    /// Since when it is, in seconds since 1970; 0 where nobody knows.
    pub since: u64,
}

/// By how much the clock of the day may have been put right meanwhile, in seconds.
const CLOCK: u64 = 86_400;

/// Which services a history knows to have been ready in a run, asked the same: by their units. What
/// ended long before a run began is not looked at.
pub fn met(bytes: &[u8], runs: &BTreeMap<String, Sought>) -> BTreeSet<String> {
    /// As much of an entry as matters here.
    #[derive(Deserialize)]
    struct Known {
        began: u64,
        milliseconds: u64,
        #[serde(default)]
        ready: BTreeMap<String, Met>,
    }
    let mut known = BTreeSet::new();
    let oldest = |known: &BTreeSet<String>| {
        let open = runs.iter().filter(|(service, _)| !known.contains(*service));
        open.map(|(_, sought)| sought.since).min()
    };
    for Known { began, milliseconds, ready } in newest_first(&String::from_utf8_lossy(bytes)) {
        let end = began.saturating_add(milliseconds / 1000).saturating_add(CLOCK);
        if oldest(&known).is_none_or(|since| end < since) {
            break;
        }
        let is_meant = |(service, met): &(String, Met)| {
            runs.get(service).is_some_and(|sought| sought.met == *met)
        };
        known.extend(ready.into_iter().filter(is_meant).map(|(service, _)| service));
    }
    known
}

fn newest_first<T: DeserializeOwned>(text: &str) -> impl Iterator<Item = T> {
    let lines = text.lines().rev().filter_map(open);
    lines.filter_map(|line| serde_json::from_str(line).ok())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::Action;

    fn met(run: &str) -> Met {
        Met { run: run.to_owned(), asked: "a".to_owned() }
    }

    fn entry(ready: &[(&str, &str)]) -> String {
        let ready = ready.iter().map(|(service, run)| ((*service).to_owned(), met(run)));
        let journal = Journal::new(Action::Apply, None, None);
        Entry { ready: ready.collect(), ..Entry::of(&journal, Verdict::Done) }.line()
    }

    fn sought(history: &str, runs: &[(&str, Met)], since: u64) -> Vec<String> {
        let runs = runs
            .iter()
            .map(|(service, met)| ((*service).to_owned(), Sought { met: met.clone(), since }));
        super::met(history.as_bytes(), &runs.collect()).into_iter().collect()
    }

    #[test]
    fn what_ended_long_before_a_run_is_not_looked_at() {
        // It began when time did.
        let history = entry(&[("a", "1")]);
        for (since, known) in [(0, 1), (CLOCK, 1), (CLOCK + 1, 0)] {
            assert_eq!(sought(&history, &[("a", met("1"))], since).len(), known, "{since}");
        }
    }

    #[test]
    fn who_was_ready_is_known_of_just_that_run_and_those_questions() {
        let history = [entry(&[("a", "1"), ("b", "2")]), entry(&[("b", "3")]), entry(&[])].concat();
        let known = |runs: &[(&str, Met)]| sought(&history, runs, 0);
        assert_eq!(known(&[("a", met("1")), ("b", met("3"))]), ["a", "b"]);
        assert_eq!(known(&[("a", met("2")), ("b", met("2"))]), ["b"]);
        assert_eq!(known(&[("b", Met { asked: "b".to_owned(), ..met("3") })]), [""; 0]);
        // What is cut off tells nothing, and takes nothing else with it.
        let cut = history.len() - 3;
        assert_eq!(last(&history.as_bytes()[..cut]).unwrap().ready["b"], met("3"));
        assert_eq!(last(b""), None);
    }
}
