//! How a service runs: all that Compose, Podman and systemd let a user say about a container.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::at::At;
use super::build::Build;
use super::command::Command;
use super::layer::{Additive, Keyed, List, Map, Section, layered};
use super::network::NetworkUse;
use super::ready::{HealthCheck, ReadyCriterion};
use super::route::{Route, TraefikLabels};
use super::storage::{FileUse, Port, SecretUse, VolumeUse};
use super::systemd::{Quadlet, Systemd};
use super::text::{AbsolutePath, Alias, GroupName, HostName, ObjectName, RelativePath};
use super::union::Assignments;
use super::value::address::Address;
use super::value::cpu::Cpus;
use super::value::device::Device;
use super::value::duration::Duration;
use super::value::image::ImageRef;
use super::value::restart::Restart;
use super::value::size::Size;
use super::value::ulimit::Ulimit;
use super::value::user::UserSpec;
use super::variable::{EnvValue, Plain};

/// In place of a group: all groups of the person who runs the container.
pub const KEEP_GROUPS: &str = "keep-groups";

layered! {
    /// How a service runs.
    pub struct Configuration {
        /// The image, with its registry and a tag or a digest.
        pub image: Option<At<ImageRef>>,
        /// The day on which the digest of the image was looked up, such as `2026-11-01`.
        #[schemars(regex(pattern = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"))]
        pub image_pinned_on: Option<At<String>>,
        /// How the image is built, instead of being pulled.
        pub build: Section<Build>,
        /// When the image is pulled.
        pub pull_policy: Option<At<PullPolicy>>,
        /// The platform of the image, such as `linux/arm64`.
        #[schemars(regex(pattern = "^[a-z0-9]+/[a-z0-9_]+(/[a-z0-9]+)?$"))]
        pub platform: Option<At<String>>,
        /// Whether `podman auto-update` renews the container, and where it looks.
        pub auto_update: Option<At<AutoUpdate>>,

        /// The name of the container. Without it, that is the name of the service; or `NAME-1`
        /// where Podman might take the name for the beginning of an ID, as it does with `db`.
        pub container_name: Option<At<ObjectName>>,
        /// What the container calls itself.
        pub hostname: Option<At<HostName>>,
        /// The command, as one text or as a list of words.
        pub command: Option<At<Command>>,
        /// What runs in place of the image's own entry point.
        pub entrypoint: Option<At<Command>>,
        /// The folder in which the command starts.
        pub working_dir: Option<At<AbsolutePath>>,
        /// Variables of the container; `${name}` of a secret gives the secret.
        pub environment: Assignments<EnvValue>,
        /// Files beside the stack file with variables, one `NAME=value` a line.
        pub env_file: Additive<RelativePath>,
        /// Secrets that the container gets, as files or as variables.
        pub secrets: Keyed<SecretUse>,
        /// Configuration files of the stack that the container sees.
        pub files: Keyed<FileUse>,
        /// The time zone, such as `Europe/Oslo`, or `local`.
        #[schemars(regex(pattern = "^[A-Za-z0-9_+/-]+$"))]
        pub timezone: Option<At<String>>,

        /// Ports of this machine that lead to ports of the container.
        pub ports: Additive<Port>,
        /// Ports of the container that other containers may use; for information.
        pub expose: Additive<super::value::port::PortRange>,
        /// The networks in their order; the first gives the default route. In place of
        /// `shared.networks`, not in addition.
        pub networks: List<NetworkUse>,
        /// A network of another kind: `host`, `none`, `pasta`, `service:NAME`.
        #[schemars(regex(pattern = "^(host|none|private|(pasta|slirp4netns)(:.+)?\
            |(service|container):.+)$"))]
        pub network_mode: Option<At<String>>,
        /// DNS servers.
        pub dns: Additive<Address>,
        /// Domains in which short host names are looked up.
        pub dns_search: Additive<HostName>,
        /// Options of the resolver, such as `ndots:1`.
        pub dns_options: Additive<String>,
        /// More lines of the hosts file, as `name:address`.
        pub extra_hosts: Additive<Alias>,

        /// What the container sees of this machine's folders and of volumes.
        pub volumes: Keyed<VolumeUse>,
        /// Folders in memory, as `/path` or `/path:size=64m`.
        #[schemars(inner(regex(pattern = "^/")))]
        pub tmpfs: Additive<String>,
        /// Devices of this machine.
        pub devices: Additive<Device>,
        /// The size of `/dev/shm`.
        pub shm_size: Option<At<Size>>,
        /// Whether the container's own files cannot be written.
        pub read_only: Option<At<bool>>,

        /// The memory that the container may use at most.
        #[serde(alias = "mem_limit")]
        #[schemars(extend("x-alias" = ["mem_limit"]))]
        pub memory: Option<At<Size>>,
        /// The memory above which the kernel slows the container down.
        pub memory_high: Option<At<Size>>,
        /// The memory that the kernel tries to leave to the container.
        #[serde(alias = "mem_reservation")]
        #[schemars(extend("x-alias" = ["mem_reservation"]))]
        pub memory_reservation: Option<At<Size>>,
        /// The swap that the container may use beside its memory.
        pub memory_swap: Option<At<Size>>,
        /// How many processors the container may use: `1.5`, `150%`.
        pub cpus: Option<At<Cpus>>,
        /// Its share of the processors against others, 1024 being the usual one.
        #[schemars(range(min = 2, max = 262_144))]
        pub cpu_shares: Option<At<u32>>,
        /// The processors it may use, such as `0-3` or `0,2`.
        #[schemars(regex(pattern = "^[0-9]+(-[0-9]+)?(,[0-9]+(-[0-9]+)?)*$"))]
        pub cpuset: Option<At<String>>,
        /// How many processes it may have; -1 for any number.
        #[schemars(range(min = -1, max = 4_194_304))]
        pub pids_limit: Option<At<i64>>,
        /// Limits of its processes, such as `nofile: 65536`.
        pub ulimits: Map<At<Ulimit>>,
        /// How readily the kernel ends it when memory is short.
        #[schemars(range(min = -1000, max = 1000))]
        pub oom_score_adj: Option<At<i64>>,

        /// The user that the container's process runs as.
        pub user: Option<At<UserSpec>>,
        /// More groups of that user, by name or number; `keep-groups` keeps those of the person.
        pub group_add: Additive<GroupName>,
        /// How users of the container map to users of this machine, as `keep-id:uid=1000,gid=1000`.
        #[schemars(regex(pattern = "^(auto|host|keep-id|nomap|private|ns:/.+)(:.+)?$"))]
        pub userns: Option<At<String>>,
        /// Single ranges of user ids, as `container:host:count`.
        #[schemars(inner(regex(pattern = "^[+@]?[0-9]+:[@]?[0-9]+(:[0-9]+)?$")))]
        pub uid_map: Additive<String>,
        /// Single ranges of group ids, as `container:host:count`.
        #[schemars(inner(regex(pattern = "^[+@]?[0-9]+:[@]?[0-9]+(:[0-9]+)?$")))]
        pub gid_map: Additive<String>,
        /// Privileges and protections.
        pub security: Section<Security>,
        /// Capabilities that the container gets, as Compose writes them.
        pub cap_add: Additive<Capability>,
        /// Capabilities that the container loses, as Compose writes them.
        pub cap_drop: Additive<Capability>,
        /// Whether the container is hardly separated from this machine at all.
        pub privileged: Option<At<bool>>,
        /// Kernel settings of the container.
        pub sysctls: Assignments<Plain>,
        /// Whether a small init runs as its first process.
        pub init: Option<At<bool>>,
        /// Whether its standard input stays open.
        pub stdin_open: Option<At<bool>>,
        /// Whether it gets a terminal.
        pub tty: Option<At<bool>>,
        /// The namespace of its inter-process communication: `private`, `host`, `shareable`.
        #[schemars(regex(pattern = "^(private|host|shareable|none|(container|ns):.+)$"))]
        pub ipc: Option<At<String>>,
        /// The namespace of its processes: `private`, `host`.
        #[schemars(regex(pattern = "^(private|host|(container|ns):.+)$"))]
        pub pid: Option<At<String>>,

        /// Labels of the container, for other tools.
        pub labels: Assignments<Plain>,
        /// Annotations of the container, for the runtime.
        pub annotations: Assignments<Plain>,
        /// Where its output goes.
        pub logging: Section<Logging>,
        /// Routes of Traefik, one router for one service.
        pub traefik_labels: Section<TraefikLabels>,
        /// Routes of Traefik, any number of them by name.
        pub routes: Map<Route>,

        /// How to tell that it works.
        #[serde(alias = "healthcheck")]
        #[schemars(extend("x-alias" = ["healthcheck"]))]
        pub health_check: Section<HealthCheck>,
        /// What must hold, beside its health, before others may start.
        pub ready_criteria: List<ReadyCriterion>,
        /// Whether it runs to its end once, as a job.
        pub oneshot: Option<At<bool>>,
        /// When it is started again.
        pub restart: Option<At<Restart>>,
        /// The pause before it is started again.
        pub restart_delay: Option<At<Duration>>,
        /// How long its start may take, until it is ready.
        pub start_timeout: Option<At<Duration>>,
        /// How long its end may take, before it is killed.
        #[serde(alias = "stop_grace_period")]
        #[schemars(extend("x-alias" = ["stop_grace_period"]))]
        pub stop_timeout: Option<At<Duration>>,
        /// The signal that ends it, such as `SIGTERM`.
        #[schemars(regex(pattern = "^(SIG)?[A-Z0-9+-]+$"))]
        pub stop_signal: Option<At<String>>,
        /// What only systemd knows: slice, weights, order to units outside of the stack.
        pub systemd: Section<Systemd>,
        /// Raw keys of the Quadlet unit, for what the language lacks.
        pub quadlet: Section<Quadlet>,
    }
}

impl Configuration {
    /// The capabilities that it gets, and those that it loses, each named once.
    pub fn capabilities(&self) -> (Vec<String>, Vec<String>) {
        let security = self.security.get().map(|security| &security.value);
        let both = |own: &Additive<Capability>, more: Option<&Additive<Capability>>| {
            let more = more.into_iter().flat_map(Additive::iter);
            let mut seen = BTreeSet::new();
            let bare = own.iter().chain(more).map(|capability| capability.bare());
            bare.filter(|name| seen.insert(name.clone())).collect()
        };
        (
            both(&self.cap_add, security.map(|security| &security.capabilities)),
            both(&self.cap_drop, security.map(|security| &security.drop_capabilities)),
        )
    }

    /// Whether it is hardly separated from the machine at all.
    pub fn is_privileged(&self) -> bool {
        let security = self.security.get().and_then(|security| security.privileged);
        security.or(self.privileged).is_some_and(|privileged| privileged.value)
    }
}

/// When an image is pulled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum PullPolicy {
    /// At every start.
    Always,
    /// When it is not there.
    Missing,
    /// Never: it must be there.
    Never,
    /// When the registry has a newer one.
    Newer,
}

/// Where `podman auto-update` looks for a newer image.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum AutoUpdate {
    /// In the registry.
    Registry,
    /// Among the images of this machine.
    Local,
    /// Nowhere: it is not renewed.
    Disabled,
}

layered! {
    /// Privileges and protections of a container.
    pub struct Security {
        /// Whether the container is hardly separated from this machine at all.
        pub privileged: Option<At<bool>>,
        /// Capabilities that it gets.
        pub capabilities: Additive<Capability>,
        /// Capabilities that it loses; `ALL` for all.
        pub drop_capabilities: Additive<Capability>,
        /// Whether its processes cannot gain privileges.
        pub no_new_privileges: Option<At<bool>>,
        /// Whether SELinux does not separate it, for the container that holds a socket.
        pub label_disable: Option<At<bool>>,
        /// The SELinux type of its processes, such as `container_runtime_t`.
        #[schemars(regex(pattern = "^[a-zA-Z0-9_.]+$"))]
        pub label_type: Option<At<String>>,
        /// The file with its system call filter, or `unconfined`.
        #[schemars(regex(pattern = "^(unconfined|/.+)$"))]
        pub seccomp: Option<At<String>>,
        /// The name of its AppArmor profile, or `unconfined`.
        #[schemars(regex(pattern = "^[A-Za-z0-9_.-]+$"))]
        pub apparmor: Option<At<String>>,
        /// Paths that are hidden from it.
        pub mask: Additive<AbsolutePath>,
        /// Paths that Podman hides and it sees all the same; `ALL` for all.
        #[schemars(inner(regex(pattern = "^(ALL|/.+)$")))]
        pub unmask: Additive<String>,
        /// The namespace of its control groups: `private`, `host`.
        #[schemars(regex(pattern = "^(private|host)$"))]
        pub cgroupns: Option<At<String>>,
    }
}

/// A capability of the kernel, with or without `CAP_`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(transparent)]
pub struct Capability(pub String);

impl Capability {
    /// The name without `CAP_`, in capital letters.
    pub fn bare(&self) -> String {
        let name = self.0.to_ascii_uppercase();
        name.strip_prefix("CAP_").map_or(name.clone(), str::to_owned)
    }
}

impl schemars::JsonSchema for Capability {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Capability".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "pattern": "^[A-Za-z][A-Za-z_-]*$",
            "examples": ["CAP_NET_ADMIN", "NET_BIND_SERVICE", "ALL"],
        })
    }
}

layered! {
    /// Where the output of a container goes.
    pub struct Logging {
        /// The log driver: `journald`, `k8s-file`, `none`, `passthrough`.
        #[schemars(regex(pattern = "^(journald|k8s-file|json-file|none|passthrough)$"))]
        pub driver: Option<At<String>>,
        /// Options of the log driver, such as `tag`.
        pub options: Assignments<Plain>,
    }
}
