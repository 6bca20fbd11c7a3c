//! What can be asked of a service beyond its health, and where that is asked.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::change::{Fault, Held};

/// What a unit that asks its own service writes in front of the last answer when the time is up.
pub const NOT_READY: &str = "not ready in time: ";

/// A question that is asked again and again until the answer is right or the time is up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Probe {
    /// The question.
    pub ask: Ask,
    /// How long it may take from the start of the service on, in milliseconds.
    pub timeout: u64,
    /// The pause between two tries, in milliseconds; where nothing is said, it is short, and in
    /// proportion to what a try takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<u64>,
}

/// A question to a service. Pages and ports are those of its own network, whatever is published.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case")]
pub enum Ask {
    /// Whether a page answers.
    Page {
        /// Its address.
        url: String,
        /// The status that the answer must have.
        status: u16,
        /// A regular expression that the answer must match.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        body: Option<String>,
        /// Headers of the request.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        headers: Vec<(String, String)>,
    },
    /// Whether a port takes a connection.
    Port {
        /// Its number.
        port: u16,
    },
    /// Whether a line was written since the start.
    Log {
        /// A regular expression that the line must match.
        pattern: String,
    },
    /// Whether a command inside the container ends well.
    Command {
        /// Its words.
        words: Vec<String>,
        /// What it must say, spaces around it aside.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        answer: Option<String>,
    },
    /// Whether a server that speaks the protocol of Redis answers a ping.
    Ping {
        /// Its port.
        port: u16,
        /// What it must answer.
        answer: String,
    },
    /// Whether a name has an address.
    Name {
        /// The name.
        name: String,
    },
}

/// The run of a service that is asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked {
    /// The name of its unit.
    pub service: String,
    /// The name of its container; empty for the machine itself.
    pub container: String,
    /// The mark of the run.
    pub invocation: String,
    /// When it began, on the clock of [`super::change::Machine::now`].
    pub began: Duration,
}

/// Who asks services.
pub trait Probes: Sync {
    /// Asks one question after the other, each until its answer is right. The end comes as a
    /// [`super::units::Wake::Answered`]; nobody is asked any more when what is returned is dropped.
    fn watch(&self, asked: &Asked, probes: &[Probe]) -> Result<Box<dyn Held>, Fault>;
}
