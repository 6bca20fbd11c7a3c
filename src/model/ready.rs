//! Health checks, and what else must hold before a service counts as ready.

use serde::Deserialize;

use super::at::At;
use super::command::{Command, HealthCommand};
use super::layer::{Dented, layered};
use super::text::{Regex, Url};
use super::union::Assignments;
use super::value::duration::Duration;
use super::variable::Plain;

layered! {
    /// How to tell that a service works.
    pub struct HealthCheck {
        /// What is run inside the container; it works when that ends well.
        #[serde(alias = "test")]
        #[schemars(extend("x-alias" = ["test"]))]
        pub command: Option<At<HealthCommand>>,
        /// The pause between two checks (30s).
        pub interval: Option<At<Duration>>,
        /// How long one check may take (30s).
        pub timeout: Option<At<Duration>>,
        /// How many checks in a row must fail (3).
        #[schemars(range(min = 1, max = 1000))]
        pub retries: Option<At<u32>>,
        /// How long failures do not count after the start (none).
        pub start_period: Option<At<Duration>>,
        /// The pause between two checks until the first one succeeds.
        #[serde(alias = "startup_interval")]
        #[schemars(extend("x-alias" = ["startup_interval"]))]
        pub start_interval: Option<At<Duration>>,
        /// What becomes of a container that turns unhealthy.
        pub on_failure: Option<At<OnUnhealthy>>,
        /// Whether there is no check at all, also not the one of the image.
        pub disable: Option<At<bool>>,
        /// Whether something of it was left out.
        #[serde(rename = "$stackwright::Dented")]
        #[schemars(skip)]
        pub dented: Dented,
    }
}

/// What becomes of a container that turns unhealthy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OnUnhealthy {
    /// Nothing; it is only shown.
    None,
    /// It is killed, and started again as its restart policy says.
    Kill,
    /// It is stopped, and started again as its restart policy says.
    Stop,
}

/// What a ready criterion looks at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ReadyType {
    /// The health check succeeded.
    HealthCheck,
    /// A line of the log matches.
    LogPattern,
    /// A page answers, asked from inside the container's network.
    HttpEndpoint,
    /// A port accepts a connection, tried from inside the container's network.
    Tcp,
    /// A command inside the container ends well.
    Command,
}

layered! {
    /// One thing that must hold before a service counts as ready.
    #[schemars(extend("required" = ["type"]))]
    pub struct ReadyCriterion {
        /// What is looked at.
        #[serde(rename = "type")]
        pub kind: Option<At<ReadyType>>,
        /// How long it may take from the start on.
        pub timeout: Option<At<Duration>>,
        /// The pause between two tries (25ms, or as long as a command takes, up to 1s).
        pub interval: Option<At<Duration>>,
        /// The regular expression that a line of the log must match (`log_pattern`).
        pub pattern: Option<At<Regex>>,
        /// The page that must answer (`http_endpoint`).
        pub url: Option<At<Url>>,
        /// The status that the answer must have (`http_endpoint`; 200).
        #[schemars(range(min = 100, max = 599))]
        pub expected_status: Option<At<u32>>,
        /// A regular expression that the answer must match (`http_endpoint`).
        pub expected_body: Option<At<Regex>>,
        /// Headers of the request (`http_endpoint`).
        pub headers: Assignments<Plain>,
        /// The port that must accept a connection (`tcp`).
        #[schemars(range(min = 1, max = 65_535))]
        pub port: Option<At<u32>>,
        /// The command that must end well (`command`).
        pub command: Option<At<Command>>,
        /// Whether something of it was left out.
        #[serde(rename = "$stackwright::Dented")]
        #[schemars(skip)]
        pub dented: Dented,
    }
}
