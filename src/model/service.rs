//! A service: what runs, what it needs first, and which defaults it takes from a pattern.

use std::borrow::Cow;

use serde::Deserialize;

use super::at::At;
use super::configuration::Configuration;
use super::layer::{Additive, Dented, HasKey, Keyed, Layer, Section, layered};
use super::text::Name;
use super::union::{Long, either};

layered! {
    /// One service of a stack; it becomes a container of the same name.
    #[schemars(extend("required" = ["name"]))]
    pub struct Service {
        /// The name: of the unit, of the container, and of the host in the stack's networks.
        pub name: At<Name>,
        /// What the service is for, in a sentence.
        pub description: Option<At<String>>,
        /// A pattern whose defaults the service takes where it says nothing itself.
        pub pattern: Option<At<Name>>,
        /// The services that must be up first: a name, or a name with a condition.
        #[serde(alias = "depends_on")]
        #[schemars(extend("x-alias" = ["depends_on"]))]
        pub dependencies: Keyed<Dependency>,
        /// The groups that the service belongs to, for deploying a part of a stack.
        #[serde(alias = "profiles")]
        #[schemars(extend("x-alias" = ["profiles"]))]
        pub groups: Additive<Name>,
        /// How many of it run, as `name-1`, `name-2` and so on.
        #[schemars(range(min = 1, max = 100))]
        pub replicas: Option<At<u32>>,
        /// How it runs.
        pub configuration: Section<Configuration>,
        /// Whether something of it was left out.
        #[serde(rename = "$stackwright::Dented")]
        #[schemars(skip)]
        pub dented: Dented,
    }
}

impl HasKey for Service {
    const KEY: &'static str = "name";

    fn key(&self) -> Cow<'_, str> {
        self.name.as_str().into()
    }

    fn merge(&mut self, under: &Self) {
        self.lay_over(under);
    }
}

/// What a dependency must have reached before the dependent starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Condition {
    /// It was started.
    #[serde(alias = "service_started")]
    Started,
    /// Its health check succeeded.
    #[serde(alias = "service_healthy")]
    Healthy,
    /// Its health check succeeded, and so did its ready criteria.
    Ready,
    /// It ran to its end without an error.
    #[serde(alias = "service_completed_successfully")]
    Completed,
}

impl Condition {
    /// The word for it in every output.
    pub fn word(self) -> &'static str {
        match self {
            Self::Started => "started",
            Self::Healthy => "healthy",
            Self::Ready => "ready",
            Self::Completed => "completed",
        }
    }
}

impl schemars::JsonSchema for Condition {
    fn schema_name() -> Cow<'static, str> {
        "Condition".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "What a dependency must have reached: `started`, `healthy` (its health \
                check succeeded), `ready` (so did its ready criteria), `completed` (it ran to its \
                end without an error). Compose's words are understood too.",
            "type": "string",
            "enum": ["started", "healthy", "ready", "completed", "service_started",
                     "service_healthy", "service_completed_successfully"],
        })
    }
}

/// A service that must be up first.
#[derive(Debug, Clone, PartialEq)]
pub struct Dependency {
    /// Its name.
    pub name: At<Name>,
    /// What it must have reached; decided by what it says of itself where nothing is given.
    pub condition: Option<At<Condition>>,
}

impl HasKey for Dependency {
    const KEY: &'static str = "name";

    fn key(&self) -> Cow<'_, str> {
        self.name.as_str().into()
    }
}

layered! {
    /// A dependency with its condition.
    #[schemars(extend("required" = ["name"]))]
    pub struct DependencyLong {
        /// The name of the service that must be up first.
        #[serde(alias = "service")]
        #[schemars(extend("x-alias" = ["service"]))]
        pub name: Option<At<Name>>,
        /// What it must have reached.
        pub condition: Option<At<Condition>>,
    }
}

either! {
    /// The name of a service, or a name with a condition.
    Dependency = short At<Name>, long DependencyLong
}

impl From<At<Name>> for Dependency {
    fn from(name: At<Name>) -> Self {
        Self { name, condition: None }
    }
}

impl Long<DependencyLong> for Dependency {
    fn long(DependencyLong { name, condition }: DependencyLong) -> Option<Self> {
        Some(Self { name: name?, condition })
    }
}
