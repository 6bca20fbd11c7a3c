//! What a generation consists of, and how it is to be brought up; it holds no contents.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::{DIGEST_LENGTH, FileSet, digest};
use crate::host::probe::Probe;

/// The version of the format.
pub const VERSION: u32 = 1;

/// What is written beside the units of a generation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Of this format.
    pub version: u32,
    /// The stack.
    pub stack: String,
    /// The program that made it.
    pub made_by: String,
    /// The digests of its files, by their paths from the folder of the generation on; those of
    /// configuration files begin with `files/`.
    pub files: BTreeMap<String, String>,
    /// How it is brought up.
    pub settings: Settings,
}

/// How a stack is brought up, as far as it says so.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// The stack file.
    pub origin: PathBuf,
    /// What was laid over it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub overlays: Vec<PathBuf>,
    /// The files that its variables were read from, where they were named.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env_files: Vec<PathBuf>,
    /// The variables that it had from the environment, each with a mark of its value.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, String>,
    /// The version of Podman that its units are written for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub podman: Option<String>,
    /// The folder of patterns, where it was named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patterns_from: Option<PathBuf>,
    /// How many services start at the same time at most; 0 is as many as may.
    pub max_parallel: usize,
    /// How long one service may take, in seconds, where the unit says nothing or more.
    pub service_seconds: Option<u64>,
    /// How long all may take together.
    pub total_seconds: Option<u64>,
    /// How long services must stay up before all counts as done.
    pub settle_seconds: u64,
    /// What becomes of a failure.
    pub on_failure: OnFailure,
    /// Whether the logs of what failed are kept.
    pub preserve_logs: bool,
    /// Whether volumes that a deployment makes go with it when it fails and is put back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub drop_volumes: bool,
    /// How many generations are kept.
    pub keep: usize,
    /// The patterns of services, where they have one, for the history.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub patterns: BTreeMap<String, String>,
    /// Commands that run before anything changes.
    pub before: Vec<Vec<String>>,
    /// What services are asked before they count as ready, by their units.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub ready: BTreeMap<String, Ready>,
    /// What is asked once all is up.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tests: Vec<Test>,
    /// Commands that run when all is up.
    pub after: Vec<Vec<String>>,
    /// Commands that run after a failure, when all is put back.
    pub after_failure: Vec<Vec<String>>,
}

/// What a service is asked beside its health before it counts as ready.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    /// The name of its container.
    pub container: String,
    /// The questions, in their order.
    pub probes: Vec<Probe>,
    /// The units that wait for the answers.
    pub awaited_by: BTreeSet<String>,
    /// Whether its unit asks itself: then it is ready when it is up, and nobody else asks.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_unit: bool,
}

impl Ready {
    /// What tells these questions from others.
    pub fn mark(&self) -> String {
        mark(&serde_json::to_string(&self.probes).unwrap_or_default())
    }
}

/// What is asked to see whether a stack works.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Test {
    /// What it shows.
    pub name: String,
    /// The unit of the service that is asked.
    pub service: String,
    /// Its container.
    pub container: String,
    /// The question.
    pub probe: Probe,
    /// Whether the stack does not name it: it follows from what it says, and no deployment is
    /// held up by it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_implied: bool,
}

/// What becomes of a deployment that fails.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnFailure {
    /// All is put back as it was.
    #[default]
    Rollback,
    /// What is up stays up.
    Leave,
    /// All is held for a look at what failed.
    Pause,
}

impl Settings {
    /// The variables of another environment that are not there or have another value.
    pub fn strange(&self, environment: &BTreeMap<String, String>) -> Vec<String> {
        let is_same = |(name, known): &(&String, &String)| {
            environment.get(*name).is_some_and(|value| mark(value) == **known)
        };
        let strange = self.variables.iter().filter(|variable| !is_same(variable));
        strange.map(|(name, _)| name.clone()).collect()
    }
}

/// What tells a value of a variable from another one.
pub fn mark(value: &str) -> String {
    digest(value.as_bytes()).chars().take(DIGEST_LENGTH).collect()
}

impl Manifest {
    /// That of some files.
    pub fn of(stack: &str, set: &FileSet, settings: Settings) -> Self {
        let mut files = BTreeMap::new();
        for (folder, texts) in [("units", &set.units), ("plain", &set.plain)] {
            for (name, text) in texts {
                files.insert(format!("{folder}/{name}"), digest(text.as_bytes()));
            }
        }
        for (name, file) in &set.files {
            files.insert(format!("files/{name}"), digest(&file.bytes));
        }
        let made_by = env!("CARGO_PKG_VERSION").to_owned();
        Self { version: VERSION, stack: stack.to_owned(), made_by, files, settings }
    }

    /// It as text.
    pub fn text(&self) -> String {
        serde_json::to_string_pretty(self).unwrap_or_default() + "\n"
    }

    /// The digest that tells two generations apart: what they hold, and how they are brought up.
    pub fn digest(&self) -> String {
        let same_program = Self { made_by: String::new(), ..self.clone() };
        digest(same_program.text().as_bytes())
    }

    /// The beginning of the digest, as it stands in the name of a generation.
    pub fn mark(&self) -> String {
        self.digest().chars().take(DIGEST_LENGTH).collect()
    }

    /// Whether one is not spoilt, but of a newer program.
    pub fn is_newer(bytes: &[u8]) -> bool {
        version(bytes).is_some_and(|version| version > VERSION)
    }

    /// Reads one; an error tells what is wrong with it.
    pub fn parse(bytes: &[u8]) -> Result<Self, String> {
        match version(bytes) {
            Some(VERSION) | None => {
                serde_json::from_slice(bytes).map_err(|error| error.to_string())
            }
            Some(other) => Err(format!("it has version {other} and this program knows {VERSION}")),
        }
    }
}

/// The version that one tells, whatever else it holds.
fn version(bytes: &[u8]) -> Option<u32> {
    #[derive(Deserialize)]
    struct Versioned {
        version: u32,
    }
    serde_json::from_slice::<Versioned>(bytes).ok().map(|one| one.version)
}
