//! How a stack is brought up, checked afterwards, taken back, and explained to people.

use serde::Deserialize;

use super::at::At;
use super::command::Command;
use super::layer::{Additive, Dented, List, Section, layered};
use super::text::{Name, Regex, Url};
use super::union::Assignments;
use super::value::duration::Duration;
use super::variable::Plain;

layered! {
    /// How a stack is brought up.
    pub struct Deployment {
        /// Whether services start as their dependencies allow, one after another, or all at once.
        pub strategy: Option<At<Strategy>>,
        /// The phases, where somebody wrote them down; they must agree with the dependencies.
        pub phases: List<Phase>,
        /// How many services start at the same time at most.
        #[schemars(range(min = 1, max = 1000))]
        pub max_parallel: Option<At<u32>>,
        /// Who holds services back until what they wait for has met its ready criteria.
        pub gate: Option<At<Gate>>,
        /// How long things may take.
        pub timeouts: Section<Timeouts>,
        /// What becomes of a deployment that fails.
        pub failure_handling: Section<FailureHandling>,
        /// Commands of this machine that are run around a deployment.
        pub hooks: Section<Hooks>,
        /// Whether something of it was left out.
        #[serde(rename = "$stackwright::Dented")]
        #[schemars(skip)]
        pub dented: Dented,
    }
}

/// In which order services start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Strategy {
    /// Each as soon as what it needs is up.
    DependencyOrdered,
    /// One after another.
    Sequential,
    /// All at once; dependencies still hold.
    Parallel,
}

/// Who holds services back until what they wait for has met its ready criteria.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Gate {
    /// `apply`, as long as it runs.
    Apply,
    /// The units themselves, at every start of the machine too.
    Boot,
}

layered! {
    /// Services that start together.
    #[schemars(extend("required" = ["services"]))]
    pub struct Phase {
        /// Its number, counted from one.
        #[schemars(range(min = 1, max = 10_000))]
        pub phase: Option<At<u32>>,
        /// What it brings up.
        pub name: Option<At<String>>,
        /// Its services.
        pub services: List<Name>,
        /// Whether its services start at the same time.
        pub parallel: Option<At<bool>>,
    }
}

layered! {
    /// How long a deployment may take.
    pub struct Timeouts {
        /// One service, until it is ready.
        pub per_service_deployment: Option<At<Duration>>,
        /// The whole stack.
        pub total_stack_deployment: Option<At<Duration>>,
        /// The pause between two looks at a service; kept for old files, nothing is polled.
        pub health_check_poll_interval: Option<At<Duration>>,
        /// How long services must stay up before the deployment counts as done.
        pub settle: Option<At<Duration>>,
    }
}

layered! {
    /// What becomes of a deployment that fails.
    pub struct FailureHandling {
        /// Whether all is put back, left as it is, or held for a look.
        pub strategy: Option<At<OnFailure>>,
        /// In which order services are stopped; kept for old files, what needs another always stops
        /// before it.
        pub rollback_order: Option<At<RollbackOrder>>,
        /// Whether the logs of what failed are kept.
        pub preserve_logs: Option<At<bool>>,
        /// Whether volumes that the deployment made are removed again when it is put back (no).
        pub cleanup_volumes: Option<At<bool>>,
    }
}

/// What becomes of a deployment that fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OnFailure {
    /// All is put back as it was.
    Rollback,
    /// What is up stays up.
    LeavePartial,
    /// All is held, for a look at what failed.
    PauseForDebug,
}

/// In which order services are stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RollbackOrder {
    /// The last one first.
    Reverse,
    /// The first one first.
    Forward,
}

layered! {
    /// Commands of this machine that are run around a deployment.
    pub struct Hooks {
        /// Before anything changes; a failure stops the deployment.
        pub before: List<Command>,
        /// After all is up.
        pub after: List<Command>,
        /// After a failure, when all is put back.
        pub on_failure: List<Command>,
    }
}

layered! {
    /// What is checked once a stack is up.
    pub struct Validation {
        /// The tests, in their order.
        pub tests: List<Test>,
    }
}

/// What a test does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum TestType {
    /// Asks for a page.
    HttpGet,
    /// Connects to a port.
    Tcp,
    /// Asks a database.
    SqlQuery,
    /// Asks a cache whether it lives.
    RedisPing,
    /// Runs a command in a container.
    Command,
    /// Looks for a line in the log.
    LogPattern,
}

layered! {
    /// One test.
    #[schemars(extend("required" = ["type"]))]
    pub struct Test {
        /// What it shows.
        pub name: Option<At<String>>,
        /// What it does.
        #[serde(rename = "type")]
        pub kind: Option<At<TestType>>,
        /// The service that is tested.
        pub target: Option<At<Name>>,
        /// The page (`http_get`), with the name of a service as its host.
        pub url: Option<At<Url>>,
        /// The status that the page must have (`http_get`; 200).
        #[schemars(range(min = 100, max = 599))]
        pub expected_status: Option<At<u32>>,
        /// A regular expression that the page must match (`http_get`).
        pub expected_body: Option<At<Regex>>,
        /// Headers of the request (`http_get`).
        pub headers: Assignments<Plain>,
        /// The question (`sql_query`).
        pub query: Option<At<String>>,
        /// The answer that must come (`sql_query`, `redis_ping`, `command`).
        pub expected: Option<At<String>>,
        /// The port (`tcp`).
        #[schemars(range(min = 1, max = 65_535))]
        pub port: Option<At<u32>>,
        /// The command (`command`).
        pub command: Option<At<Command>>,
        /// The regular expression (`log_pattern`).
        pub pattern: Option<At<Regex>>,
        /// How long it may take.
        pub timeout: Option<At<Duration>>,
        /// Whether something of it was left out.
        #[serde(rename = "$stackwright::Dented")]
        #[schemars(skip)]
        pub dented: Dented,
    }
}

layered! {
    /// How a stack is taken back by hand; `rollback` itself needs none of it.
    pub struct Rollback {
        /// The steps, in their order.
        pub steps: List<RollbackStep>,
        /// What is never removed.
        pub preserve: Additive<Preserved>,
    }
}

layered! {
    /// One step of taking a stack back.
    pub struct RollbackStep {
        /// What it does, for people.
        pub name: Option<At<String>>,
        /// Services that it stops, in their order.
        pub services: List<Name>,
        /// What it does, beside stopping services.
        pub action: Option<At<RollbackAction>>,
    }
}

/// What a step of taking a stack back does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RollbackAction {
    /// Stops services.
    StopServices,
    /// Takes the units away.
    DeleteQuadlets,
    /// Lets systemd read its units anew.
    DaemonReload,
    /// Looks whether a container still runs.
    CheckNoContainersRunning,
}

/// What is never removed when a stack is taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Preserved {
    /// Volumes, with their data.
    Volumes,
    /// Networks.
    Networks,
    /// Secrets.
    Secrets,
}

layered! {
    /// What people should know.
    pub struct Documentation {
        /// What to do once the stack is up.
        pub post_deployment: Additive<String>,
        /// What goes wrong now and then, and what helps.
        pub troubleshooting: List<Trouble>,
    }
}

layered! {
    /// Something that goes wrong now and then.
    pub struct Trouble {
        /// What is seen.
        pub issue: Option<At<String>>,
        /// What helps.
        pub solution: Option<At<String>>,
    }
}
