//! The service manager as the applier sees it: jobs that end, and states that change.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use super::change::Fault;

/// How a unit is, in the manager's words.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Active {
    /// It runs, or did what it had to do and stays so.
    Active,
    /// It does not run.
    #[default]
    Inactive,
    /// It ended by a failure.
    Failed,
    /// It is on its way up, or waits for the next attempt.
    Activating,
    /// It is on its way down.
    Deactivating,
    /// It reads its configuration anew.
    Reloading,
}

/// What the manager knows about a unit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnitState {
    /// Whether its file was found and understood.
    pub is_loaded: bool,
    /// How it is.
    pub active: Active,
    /// The same in more detail, such as `auto-restart`.
    pub sub: String,
    /// How it ended last, such as `success`, `exit-code`, `timeout` or `oom-kill`.
    pub result: String,
    /// The file that a generator made it from, all links followed.
    pub source: Option<PathBuf>,
    /// Its file.
    pub fragment: Option<PathBuf>,
    /// Files that change it.
    pub drop_ins: Vec<PathBuf>,
    /// The mark of the present run, another one after each start.
    pub invocation: String,
    /// How often it was started again by itself.
    pub restarts: u32,
    /// Whether it is forbidden to start.
    pub is_masked: bool,
}

impl UnitState {
    /// Whether it runs as it should.
    pub fn runs(&self) -> bool {
        matches!(self.active, Active::Active | Active::Reloading)
    }

    /// Whether it runs, or is on its way up or down.
    pub fn is_up(&self) -> bool {
        !matches!(self.active, Active::Inactive | Active::Failed)
    }

    /// Whether a generator made it from a file below a folder of this name.
    pub fn comes_from(&self, folder: &str) -> bool {
        let source = self.source.as_ref();
        source.is_some_and(|path| path.components().any(|part| part.as_os_str() == folder))
    }
}

/// A unit that ended by a failure, which nobody has taken note of.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FailedUnit {
    /// Its name.
    pub name: String,
    /// Whether it is one of the machine, and not of a user.
    pub of_machine: bool,
}

/// What the manager would do with a unit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Details {
    /// The call by which it is started, word by word.
    pub call: Vec<String>,
    /// Whether its file is another one than the manager knows.
    pub is_outdated: bool,
    /// Since when it is in its state, in microseconds since 1970; 0 where that is not known.
    pub since: u64,
}

/// The mark of a job.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Job(pub String);

/// How a job ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum JobResult {
    /// As it should.
    Done,
    /// Somebody called it off.
    Canceled,
    /// It took too long.
    Timeout,
    /// The unit failed.
    Failed,
    /// Something that the unit needs failed.
    Dependency,
    /// There was nothing to do, or a condition was not met.
    Skipped,
}

/// What ended a wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wake {
    /// A job ended.
    Ended {
        /// The job.
        job: Job,
        /// Its unit.
        unit: String,
        /// How.
        result: JobResult,
    },
    /// A unit is no longer as it was.
    Changed(String),
    /// What was asked of a service has its answer.
    Answered {
        /// The service.
        service: String,
        /// The mark of its run.
        invocation: String,
        /// Whether all is as it must be; an error tells what was answered last instead.
        result: Result<(), String>,
    },
    /// Somebody asks this process to stop.
    Interrupted,
    /// The time is up.
    TimeUp,
}

/// A service manager. Names are those of units, such as `db.service`.
pub trait Units: Sync {
    /// The version of the manager, its first number alone.
    fn manager_version(&self) -> Result<u32, Fault>;

    /// Reads all units anew, running the generators.
    fn reload(&self) -> Result<(), Fault>;

    /// What is known about units; a unit without a file is there too, and not loaded.
    fn states(&self, names: &[&str]) -> Result<Vec<UnitState>, Fault>;

    /// What the manager would do with units whose states are known; nothing where it does not tell.
    fn details(&self, names: &[&str], states: &[&UnitState]) -> Result<Vec<Details>, Fault>;

    /// How much memory units use, in bytes, where that is counted.
    fn memory(&self, names: &[&str]) -> Result<Vec<Option<u64>>, Fault>;

    /// All units in memory that have a file, with whether they are active.
    fn in_memory(&self) -> Result<BTreeMap<String, bool>, Fault>;

    /// Units with a file that have failed: those of the user and, as far as these are told, those
    /// of the machine.
    fn failed(&self) -> Result<Vec<FailedUnit>, Fault>;

    /// Units that stop when a unit is stopped, whoever they belong to.
    fn dependents(&self, name: &str) -> Result<Vec<String>, Fault>;

    /// Units that have a job which has not ended.
    fn busy(&self) -> Result<Vec<String>, Fault>;

    /// Orders a start; the end comes as a [`Wake::Ended`].
    fn start(&self, name: &str) -> Result<Job, Fault>;

    /// Orders a stop; the end comes as a [`Wake::Ended`].
    fn stop(&self, name: &str) -> Result<Job, Fault>;

    /// Calls the unfinished job of a unit off, if it has one.
    fn cancel(&self, name: &str) -> Result<(), Fault>;

    /// Forgets that a unit failed, and how often.
    fn reset_failed(&self, name: &str) -> Result<(), Fault>;

    /// Waits for what happens next, until a moment on the clock of [`super::change::Machine::now`].
    fn wait(&self, until: Duration) -> Result<Wake, Fault>;

    /// The last lines that a unit wrote in its present or last run.
    fn log(&self, name: &str, lines: usize) -> Result<Vec<String>, Fault>;
}
