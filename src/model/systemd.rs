//! What only systemd knows, raw keys, and plain units that a stack brings along.

use super::at::At;
use super::layer::{Additive, Dented, Map, layered};
use super::text::RelativePath;
use super::value::unit_name::{SliceName, SocketName, UnitName};

layered! {
    /// What only systemd knows of a service.
    pub struct Systemd {
        /// The slice that it runs in, such as `apps.slice`.
        pub slice: Option<At<SliceName>>,
        /// Its share of the processors, 100 being the usual one.
        #[schemars(range(min = 1, max = 10_000))]
        pub cpu_weight: Option<At<u32>>,
        /// The same while the machine starts.
        #[schemars(range(min = 1, max = 10_000))]
        pub startup_cpu_weight: Option<At<u32>>,
        /// Its share of the disks, 100 being the usual one.
        #[schemars(range(min = 1, max = 10_000))]
        pub io_weight: Option<At<u32>>,
        /// The same while the machine starts.
        #[schemars(range(min = 1, max = 10_000))]
        pub startup_io_weight: Option<At<u32>>,
        /// What becomes of the unit when the kernel ends one of its processes for memory.
        pub oom_policy: Option<At<OomPolicy>>,
        /// How kind its processes are to others, from -20 to 19.
        #[schemars(range(min = -20, max = 19))]
        pub nice: Option<At<i64>>,
        /// Units outside of the stack that are started with it, and whose failure is no matter.
        pub wants: Additive<UnitName>,
        /// Units outside of the stack that must run for it.
        pub requires: Additive<UnitName>,
        /// Units outside of the stack that it starts after.
        pub after: Additive<UnitName>,
        /// Units outside of the stack that it starts before.
        pub before: Additive<UnitName>,
        /// Units outside of the stack that it stops and restarts with.
        pub part_of: Additive<UnitName>,
        /// Sockets that systemd holds and hands over.
        pub sockets: Additive<SocketName>,
        /// What tells systemd that it is up.
        pub notify: Option<At<Notify>>,
        /// Whether it is started with the machine (true).
        pub start_at_boot: Option<At<bool>>,
    }
}

/// What becomes of a unit when the kernel ends one of its processes for memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum OomPolicy {
    /// It goes on.
    Continue,
    /// It is stopped.
    Stop,
    /// All of its processes are killed.
    Kill,
}

/// What tells systemd that a container is up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Notify {
    /// Podman, as soon as its process runs.
    Started,
    /// Podman, as soon as its health check succeeds.
    Healthy,
    /// The process inside, by `sd_notify`.
    Container,
}

layered! {
    /// Raw keys of a Quadlet unit, section by section.
    pub struct Quadlet {
        /// Keys of `[Unit]`.
        #[serde(rename = "Unit")]
        pub unit: Map<RawValue>,
        /// Keys of `[Container]`.
        #[serde(rename = "Container")]
        pub container: Map<RawValue>,
        /// Keys of `[Service]`.
        #[serde(rename = "Service")]
        pub service: Map<RawValue>,
        /// Keys of `[Install]`.
        #[serde(rename = "Install")]
        pub install: Map<RawValue>,
        /// Keys of `[Quadlet]`.
        #[serde(rename = "Quadlet")]
        pub quadlet: Map<RawValue>,
    }
}

/// The values of a raw key: one, or several for a key that may be given more than once.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RawValue(pub Vec<At<String>>);

impl super::layer::Layer for RawValue {
    fn lay_over(&mut self, _under: &Self) {}
    fn laws(path: &str, table: &mut Vec<(String, super::layer::Law)>) {
        table.push((path.into(), super::layer::Law::Replace));
    }
}

impl<'de> serde::Deserialize<'de> for RawValue {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let values = super::one_or_more::OneOrMore::<At<String>>::deserialize(deserializer)?;
        Ok(Self(values.0))
    }
}

impl schemars::JsonSchema for RawValue {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "RawValue".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "The value of a raw key, or a list for a key that is given repeatedly.",
            "type": ["string", "number", "boolean", "array"],
            "items": { "type": ["string", "number", "boolean"] },
        })
    }
}

layered! {
    /// A plain systemd unit that the stack brings along: a socket, a timer, a service.
    pub struct PlainUnit {
        /// The text of the unit.
        pub content: Option<At<String>>,
        /// A file with the text, beside the stack file.
        pub source: Option<At<RelativePath>>,
        /// Whether it is started with the machine.
        pub start_at_boot: Option<At<bool>>,
        /// Whether something of it was left out.
        #[serde(rename = "$stackwright::Dented")]
        #[schemars(skip)]
        pub dented: Dented,
    }
}
