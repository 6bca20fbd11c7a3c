//! What is being done to a stack right now, for whoever comes after a crash.
//!
//! A journal is one file, written whole before anything changes. What has become of it is told by
//! its name: a rename needs no room on the disk, and there is no torn record.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::{Assessed, GenerationName, digest};

/// The version of the format.
const VERSION: u32 = 1;

/// How far an operation got.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// It began: all is to be put back.
    Begun,
    /// It is done: only tidying up is left.
    Committed,
    /// It could not be put back, which was told.
    Failed,
}

impl Phase {
    /// All of them, the one that counts first.
    pub const ALL: [Self; 3] = [Self::Begun, Self::Committed, Self::Failed];

    /// The name of the file.
    pub fn file(self) -> &'static str {
        match self {
            Self::Begun => "journal",
            Self::Committed => "journal.committed",
            Self::Failed => "journal.failed",
        }
    }
}

/// What is done to a stack.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// A generation is brought up.
    Apply,
    /// An older one is.
    Rollback,
    /// All is taken away.
    Remove,
}

impl Action {
    /// It as a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Apply => "apply",
            Self::Rollback => "rollback",
            Self::Remove => "remove",
        }
    }
}

/// What somebody must know to put a stack back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journal {
    /// Of this format.
    pub version: u32,
    /// What is done.
    pub action: Action,
    /// The generation in use before, if there was one.
    pub from: Option<GenerationName>,
    /// The generation to come; none where all is taken away.
    pub to: Option<GenerationName>,
    /// Whether that one was made for this, and is of no use when this fails.
    pub is_fresh: bool,
    /// Whether only files are put in place, and nothing is started.
    pub only_installs: bool,
    /// The services that ran before, with the marks of their runs: one that still is in that run
    /// was not touched.
    pub active: BTreeMap<String, String>,
    /// Those of them that were not up, but tried again and again to be.
    pub trying: BTreeSet<String>,
    /// Units that are not of the stack and stop together with its services, with the marks of
    /// their runs.
    pub others: BTreeMap<String, String>,
    /// The networks of Podman that were there before, with what tells one from the next of its
    /// name.
    pub networks: BTreeMap<String, String>,
    /// The volumes of Podman that were not there before, and are to go again.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub volumes: BTreeSet<String>,
    /// The secrets of Podman that get another value; the one before is put aside.
    #[serde(default)]
    pub rotated: BTreeSet<String>,
    /// The images that ran before, by service.
    #[serde(default)]
    pub images: BTreeMap<String, String>,
    /// What the names of images stood for that the stack uses, before and after.
    #[serde(default)]
    pub image_names: BTreeMap<String, String>,
    /// How the host was and what was at stake, where that was looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assessed: Option<Assessed>,
    /// When it began, in seconds since 1970.
    pub began: u64,
    /// Who began it.
    pub user: String,
}

impl Journal {
    /// A new one.
    pub fn new(action: Action, from: Option<GenerationName>, to: Option<GenerationName>) -> Self {
        Self {
            version: VERSION,
            action,
            from,
            to,
            is_fresh: false,
            only_installs: false,
            active: BTreeMap::new(),
            trying: BTreeSet::new(),
            others: BTreeMap::new(),
            networks: BTreeMap::new(),
            volumes: BTreeSet::new(),
            rotated: BTreeSet::new(),
            images: BTreeMap::new(),
            image_names: BTreeMap::new(),
            assessed: None,
            began: 0,
            user: String::new(),
        }
    }

    /// It as the bytes of a file.
    pub fn bytes(&self) -> Vec<u8> {
        seal(&serde_json::to_string(self).unwrap_or_default()).into_bytes()
    }

    /// Reads one; nothing where the file is not what was written.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        let text = open(std::str::from_utf8(bytes).ok()?.strip_suffix('\n')?)?;
        let journal: Self = serde_json::from_str(text).ok()?;
        (journal.version == VERSION).then_some(journal)
    }
}

/// How many characters of a digest seal a line.
const SEAL_LENGTH: usize = 16;

/// A line that tells whether it is whole.
pub fn seal(text: &str) -> String {
    let digest = digest(text.as_bytes());
    format!("{} {text}\n", digest.get(..SEAL_LENGTH).unwrap_or_default())
}

/// What a line says, if it is whole.
pub fn open(line: &str) -> Option<&str> {
    let (sum, text) = line.split_once(' ')?;
    (digest(text.as_bytes()).get(..SEAL_LENGTH) == Some(sum)).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_is_read_whole_or_not_at_all() {
        let to = GenerationName::try_from("2-0123456789ab".to_owned()).unwrap();
        let journal = Journal::new(Action::Apply, None, Some(to));
        let bytes = journal.bytes();
        assert_eq!(Journal::parse(&bytes), Some(journal));
        for length in 0..bytes.len() {
            assert_eq!(Journal::parse(&bytes[..length]), None, "{length} bytes");
        }
        for place in 0..bytes.len() * 8 {
            let mut other = bytes.clone();
            other[place / 8] ^= 1 << (place % 8);
            assert_eq!(Journal::parse(&other), None, "bit {place}");
        }
    }
}
