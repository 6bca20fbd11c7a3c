//! What is told while something is done, and how it ends.

use std::time::Duration;

use serde::Serialize;

use crate::host::change::Fault;
use crate::state::GenerationName;

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case")]
pub enum Event {
    /// A step begins.
    Step {
        /// Which.
        step: Step,
    },
    /// An image is being fetched.
    Pulling {
        /// Which.
        image: String,
    },
    /// An image could not be fetched, and is tried once more.
    PullAgain {
        /// Which.
        image: String,
        /// Why.
        why: String,
        /// After how many seconds.
        pause: u64,
    },
    /// An image is there.
    Pulled {
        /// Which.
        image: String,
    },
    /// A service is told to stop.
    Stopping {
        /// Which.
        service: String,
    },
    /// A service has stopped.
    Stopped {
        /// Which.
        service: String,
    },
    /// A service is told to start.
    Starting {
        /// Which.
        service: String,
    },
    /// A service runs, and is asked whether it is ready.
    Asking {
        /// Which.
        service: String,
    },
    /// A service is up.
    Ready {
        /// Which.
        service: String,
        /// After how many milliseconds.
        milliseconds: u64,
    },
    /// Something failed.
    Failed {
        /// What is known about it.
        failure: Failure,
    },
    /// A test of the stack succeeded.
    Passed {
        /// Its name.
        test: String,
    },
    /// Something is worth knowing, and stops nothing.
    Note {
        /// What.
        text: String,
    },
}

/// A step of an operation.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// An operation that was cut short is put back.
    #[default]
    Recover,
    /// Images are fetched.
    Pull,
    /// The commands of the stack before a change run.
    Before,
    /// Files are written.
    Stage,
    /// It is tried what Quadlet makes of the new files.
    Rehearse,
    /// Services that go are stopped.
    StopFirst,
    /// The new files are put in the place of the old ones.
    Switch,
    /// systemd reads its units anew.
    Reload,
    /// It is looked whether every unit is known.
    Verify,
    /// Services that change are stopped.
    Stop,
    /// Services are started.
    Start,
    /// It is waited whether all stays up.
    Settle,
    /// It is tested whether all works.
    Test,
    /// The commands of the stack after a change run.
    After,
    /// All is put back.
    Restore,
    /// What is no longer needed is taken away.
    Tidy,
}

/// Why something did not succeed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Failure {
    /// At which step.
    pub step: Step,
    /// The service that it is about.
    pub service: Option<String>,
    /// What happened.
    pub why: String,
    /// What the service wrote last.
    pub log: Vec<String>,
    /// What its health checks said last.
    pub health: Vec<String>,
    /// Services that are down because of it.
    pub down: Vec<String>,
    /// Whether somebody asked for it.
    pub interrupted: bool,
}

impl Failure {
    /// One that is about no service.
    pub fn at(step: Step, why: impl Into<String>) -> Self {
        Self { step, service: None, why: why.into(), ..Self::default() }
    }

    /// Somebody asked to stop.
    pub fn interrupted(step: Step) -> Self {
        Self { interrupted: true, ..Self::at(step, "it was interrupted") }
    }
}

/// Makes a fault a failure of a step.
pub fn at(step: Step) -> impl Fn(Fault) -> Failure {
    move |fault| Failure::at(step, fault.to_string())
}

/// How an operation ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// All was as it should be.
    Nothing,
    /// It was done.
    Done {
        /// The generation in use.
        generation: Option<GenerationName>,
        /// How long it took.
        took: Duration,
    },
    /// It failed before anything changed.
    Refused(Failure),
    /// It failed, and all is as before.
    Restored(Failure),
    /// It failed, and not all is as before: the failures name what is down.
    NotRestored {
        /// Why it failed.
        failure: Failure,
        /// Why it could not be put back; nothing where that was not wanted.
        why: Option<Failure>,
    },
}
