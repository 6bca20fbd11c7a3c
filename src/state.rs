//! What is kept on a host about a stack: its generations, which of them is in use, what is being
//! done to it, and what was done before.
//!
//! ```text
//! <stacks>/<stack>/current -> generations/<n>-<digest>
//!                  generations/<n>-<digest>/{units,plain,manifest.json}
//!                  files/<digest>/<name>
//!                  lock  journal  history
//! ```

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub mod assessed;
pub mod history;
pub mod journal;
pub mod manifest;
pub mod places;
pub mod store;

pub use assessed::{Assessed, Risk};
pub use history::{Entry, Met, Sought, Verdict};
pub use journal::{Action, Journal, Phase};
pub use manifest::{Manifest, Settings};
pub use places::Places;
pub use store::{Damage, Generation, Store};

/// The files of a stack, as they are to be installed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileSet {
    /// Units for Quadlet, by the names of their files.
    pub units: BTreeMap<String, String>,
    /// Units for systemd itself.
    pub plain: BTreeMap<String, String>,
    /// Configuration files, by `<digest>/<name>`.
    pub files: BTreeMap<String, ConfigurationFile>,
}

/// A file that services mount.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigurationFile {
    /// What it holds.
    pub bytes: Vec<u8>,
    /// Its permissions.
    pub mode: u32,
}

impl FileSet {
    /// All units, those of Quadlet and the plain ones.
    pub fn all_units(&self) -> impl Iterator<Item = (&str, &str)> {
        let units = self.units.iter().chain(&self.plain);
        units.map(|(name, text)| (name.as_str(), text.as_str()))
    }

    /// How many bytes it has.
    pub fn size(&self) -> u64 {
        let texts = self.all_units().map(|(_, text)| text.len());
        let files = self.files.values().map(|file| file.bytes.len());
        texts.chain(files).sum::<usize>() as u64
    }
}

/// The name of a generation: its number, and the beginning of the digest of what it holds.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct GenerationName {
    /// Counted from one, and never used twice.
    pub number: u64,
    /// The beginning of the digest.
    pub digest: String,
}

impl std::fmt::Display for GenerationName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}-{}", self.number, self.digest)
    }
}

impl From<GenerationName> for String {
    fn from(name: GenerationName) -> Self {
        name.to_string()
    }
}

impl TryFrom<String> for GenerationName {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let parts = text.split_once('-');
        let parsed = parts.and_then(|(number, digest)| {
            let is_hex = digest.len() == DIGEST_LENGTH
                && digest
                    .bytes()
                    .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
            let number = number.parse().ok().filter(|number| is_hex && *number > 0)?;
            Some(Self { number, digest: digest.to_owned() })
        });
        parsed
            .filter(|name| name.to_string() == text)
            .ok_or_else(|| format!("`{text}` is no generation"))
    }
}

/// How many characters of a digest are in a name.
const DIGEST_LENGTH: usize = 12;

/// The digest of some bytes, in hexadecimal digits.
pub fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}
