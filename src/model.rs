//! The stack file as it is written: every value with its place, nothing decided yet.

pub mod at;
pub mod build;
pub mod command;
pub mod configuration;
pub mod deployment;
pub mod form;
pub mod label;
pub mod layer;
pub mod meaning;
pub mod network;
pub mod one_or_more;
pub mod ready;
pub mod route;
pub mod schema;
pub mod service;
pub mod storage;
pub mod systemd;
pub mod text;
pub mod union;
pub mod value;
pub mod variable;
pub mod version;

use self::at::At;
use self::deployment::{Deployment, Documentation, Rollback, Validation};
use self::layer::{Additive, Dented, Keyed, Map, Section, layered};
use self::network::{Network, NetworkUse};
use self::route::Middleware;
use self::service::Service;
use self::storage::{Secret, StackFile, Volume};
use self::systemd::PlainUnit;
use self::text::{Name, RelativePath};
use self::union::Assignments;
use self::value::size::Size;
use self::value::unit_name::SliceName;
use self::variable::{EnvValue, Plain};
use self::version::FormatVersion;

layered! {
    /// One YAML file: services, and what they share.
    pub struct Stack {
        /// The version of the format (1).
        #[schemars(range(min = 1, max = 1))]
        pub version: Option<At<FormatVersion>>,
        /// Files whose contents lie under this one, beside it.
        pub include: Additive<RelativePath>,
        /// What the stack is called and what it needs.
        pub stack: Section<StackInfo>,
        /// What people keep about it.
        pub metadata: Section<Metadata>,
        /// What all of its services share.
        pub shared: Section<Shared>,
        /// The services.
        pub services: Keyed<Service>,
        /// The networks that the stack owns; one that is only used is external and must exist.
        pub networks: Map<Section<Network>>,
        /// The volumes that the stack owns.
        pub volumes: Map<Section<Volume>>,
        /// The secrets that the stack uses, and where each comes from.
        pub secrets: Map<Section<Secret>>,
        /// Configuration files, which are placed on the host by content and mounted.
        #[serde(alias = "configs")]
        #[schemars(extend("x-alias" = ["configs"]))]
        pub files: Map<StackFile>,
        /// Plain systemd units that the stack brings along, by their full names.
        pub units: Map<Section<PlainUnit>>,
        /// Middlewares of Traefik that the stack defines.
        pub middlewares: Map<Middleware>,
        /// How it is brought up.
        pub deployment: Section<Deployment>,
        /// What is checked once it is up.
        pub validation: Section<Validation>,
        /// How it is taken back by hand.
        pub rollback: Section<Rollback>,
        /// What people should know.
        pub documentation: Section<Documentation>,
        /// Whether something of it was left out.
        #[serde(rename = "$stackwright::Dented")]
        #[schemars(skip)]
        pub dented: Dented,
    }
}

layered! {
    /// What a stack is called and what it needs.
    pub struct StackInfo {
        /// Its name; the name of the file where it is left out.
        pub name: Option<At<Name>>,
        /// What it is for, in a sentence.
        pub description: Option<At<String>>,
        /// The version of its contents, for people.
        pub version: Option<Plain>,
        /// Who wrote it.
        pub author: Option<At<String>>,
        /// Other stacks that must be up first.
        pub requires: Additive<Name>,
        /// Whether it is to be there (yes); `reconcile` removes a stack that is not to be.
        pub deployed: Option<At<bool>>,
    }
}

layered! {
    /// What people keep about a stack.
    pub struct Metadata {
        /// How much it matters: `tier-1` (critical), `tier-2` (important), `tier-3` (standard).
        pub criticality: Option<At<Criticality>>,
        /// Its kind, for catalogues.
        pub category: Option<At<String>>,
        /// Where more is written about it.
        pub documentation: Option<At<String>>,
        /// Decisions that it follows.
        pub adr_references: Additive<String>,
        /// Anything else that people look for.
        pub tags: Additive<String>,
    }
}

/// How much a stack matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Criticality {
    /// Critical.
    #[serde(rename = "tier-1")]
    Tier1,
    /// Important.
    #[serde(rename = "tier-2")]
    Tier2,
    /// Standard.
    #[serde(rename = "tier-3")]
    Tier3,
}

layered! {
    /// What all services of a stack share.
    pub struct Shared {
        /// The networks of every service that names none of its own, in their order.
        pub networks: Keyed<NetworkUse>,
        /// Variables of every service.
        pub environment: Assignments<EnvValue>,
        /// Secrets of Podman that services may refer to.
        pub secrets: Additive<Name>,
        /// Labels of every container.
        pub labels: Assignments<Plain>,
        /// Whether all services run in one pod, named after the stack, and share its network.
        pub pod: Option<At<bool>>,
        /// The slice of every service.
        pub slice: Option<At<SliceName>>,
        /// What all services together may use.
        pub resources: Section<SharedResources>,
    }
}

layered! {
    /// What all services of a stack together may use.
    pub struct SharedResources {
        /// Memory, in mebibytes.
        #[schemars(range(min = 1))]
        pub total_memory_mb: Option<At<u64>>,
        /// Memory.
        pub total_memory: Option<At<Size>>,
        /// Shares of the processors.
        #[schemars(range(min = 2))]
        pub total_cpu_shares: Option<At<u64>>,
    }
}
