//! A Compose file as types; `Serialize` gives each its place in the file.

use indexmap::IndexMap;
use serde::{Serialize, Serializer};

/// A text in which Compose would expand variables.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Text(String);

impl Text {
    /// A text that stays as it is: a dollar is written twice.
    pub fn new(text: &str) -> Self {
        Self(text.replace('$', "$$"))
    }

    /// What a variable holds that has to be given.
    pub fn given(variable: &str) -> Self {
        Self(format!("${{{variable}:?set it in .env}}"))
    }

    /// A path in the home directory of the person who runs Compose.
    pub fn home(path: &str) -> Self {
        Self(format!("${{HOME}}{}", path.replace('$', "$$")))
    }
}

impl Serialize for Text {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<T: AsRef<str> + ?Sized> From<&T> for Text {
    fn from(text: &T) -> Self {
        Self::new(text.as_ref())
    }
}

/// Names with texts, in their order.
pub type Texts = IndexMap<String, Text>;

/// Declares types whose fields are left out where they hold nothing.
macro_rules! parts {
    ($(
        $(#[doc = $doc:literal])+
        pub struct $name:ident {
            $($(#[$attribute:meta])+ pub $field:ident: $type:ty,)+
        }
    )+) => {
        $(
            $(#[doc = $doc])+
            #[derive(Debug, Default, Clone, Serialize)]
            #[allow(clippy::struct_field_names, reason = "the names are those of Compose")]
            pub struct $name {
                $(
                    $(#[$attribute])+
                    #[serde(skip_serializing_if = "Part::is_absent")]
                    pub $field: $type,
                )+
            }
        )+
    };
}

/// Whether a field is left out.
trait Part {
    fn is_absent(&self) -> bool;
}

impl<T> Part for Option<T> {
    fn is_absent(&self) -> bool {
        self.is_none()
    }
}

impl<T> Part for Vec<T> {
    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

impl<V> Part for IndexMap<String, V> {
    fn is_absent(&self) -> bool {
        self.is_empty()
    }
}

parts! {
    /// One file.
    pub struct File {
        /// The name of the project.
        pub name: Option<String>,
        /// What `podman-compose` alone reads.
        #[serde(rename = "x-podman")]
        pub x_podman: Option<PodmanCompose>,
        /// What runs.
        pub services: IndexMap<String, Service>,
        /// The networks that services join.
        pub networks: IndexMap<String, Network>,
        /// The volumes that services mount.
        pub volumes: IndexMap<String, Volume>,
        /// The secrets that services get as files.
        pub secrets: IndexMap<String, Secret>,
    }

    /// What `podman-compose` alone reads.
    pub struct PodmanCompose {
        /// Whether all services share a pod.
        pub in_pod: Option<bool>,
    }

    /// One service.
    pub struct Service {
        /// The image.
        pub image: Option<Text>,
        /// How the image is built.
        pub build: Option<Build>,
        /// The platform of the image.
        pub platform: Option<Text>,
        /// When the image is pulled.
        pub pull_policy: Option<&'static str>,
        /// The name of the container.
        pub container_name: Option<Text>,
        /// What the container calls itself.
        pub hostname: Option<Text>,
        /// What runs in place of the image's entry point; an empty list clears that.
        pub entrypoint: Option<Vec<Text>>,
        /// The command.
        pub command: Option<Vec<Text>>,
        /// The folder in which it starts.
        pub working_dir: Option<Text>,
        /// What must have come first.
        pub depends_on: IndexMap<String, Dependency>,
        /// When it is started again.
        pub restart: Option<String>,
        /// Variables.
        pub environment: Texts,
        /// Secrets as files.
        pub secrets: Vec<SecretUse>,
        /// Ports of the machine.
        pub ports: Vec<Text>,
        /// Ports for other containers.
        pub expose: Vec<Text>,
        /// The networks that it joins.
        pub networks: IndexMap<String, Membership>,
        /// A network of another kind.
        pub network_mode: Option<Text>,
        /// DNS servers.
        pub dns: Vec<Text>,
        /// Domains of short names.
        pub dns_search: Vec<Text>,
        /// Options of the resolver.
        pub dns_opt: Vec<Text>,
        /// More lines of the hosts file.
        pub extra_hosts: Vec<Text>,
        /// What it sees of folders and volumes.
        pub volumes: Vec<Mount>,
        /// Folders in memory.
        pub tmpfs: Vec<Text>,
        /// Devices.
        pub devices: Vec<Text>,
        /// The size of `/dev/shm`.
        pub shm_size: Option<Text>,
        /// Whether its own files cannot be written.
        pub read_only: Option<bool>,
        /// The most memory.
        pub mem_limit: Option<Text>,
        /// The memory that is left to it.
        pub mem_reservation: Option<Text>,
        /// The most memory and swap together.
        pub memswap_limit: Option<Text>,
        /// How many processors.
        pub cpus: Option<f64>,
        /// Its share of the processors.
        pub cpu_shares: Option<u32>,
        /// Which processors.
        pub cpuset: Option<Text>,
        /// How many processes.
        pub pids_limit: Option<i64>,
        /// Limits of its processes.
        pub ulimits: IndexMap<String, Ulimit>,
        /// How readily the kernel ends it.
        pub oom_score_adj: Option<i64>,
        /// User and group.
        pub user: Option<Text>,
        /// More groups.
        pub group_add: Vec<Text>,
        /// How its users map to those of the machine.
        pub userns_mode: Option<Text>,
        /// Whether it is hardly separated from the machine.
        pub privileged: Option<bool>,
        /// Capabilities that it gets.
        pub cap_add: Vec<Text>,
        /// Capabilities that it loses.
        pub cap_drop: Vec<Text>,
        /// Protections.
        pub security_opt: Vec<Text>,
        /// Kernel settings.
        pub sysctls: Texts,
        /// The namespace of its control groups.
        pub cgroup: Option<Text>,
        /// The namespace of its inter-process communication.
        pub ipc: Option<Text>,
        /// The namespace of its processes.
        pub pid: Option<Text>,
        /// Whether a small init runs first.
        pub init: Option<bool>,
        /// Whether its input stays open.
        pub stdin_open: Option<bool>,
        /// Whether it gets a terminal.
        pub tty: Option<bool>,
        /// Labels.
        pub labels: Texts,
        /// Annotations.
        pub annotations: Texts,
        /// Where its output goes.
        pub logging: Option<Logging>,
        /// How to tell that it works.
        pub healthcheck: Option<Healthcheck>,
        /// The signal that ends it.
        pub stop_signal: Option<Text>,
        /// How long its end may take.
        pub stop_grace_period: Option<String>,
        /// How many of it run.
        pub deploy: Option<Deploy>,
    }

    /// How an image is built.
    pub struct Build {
        /// The folder that is sent to the build.
        pub context: Option<Text>,
        /// The Containerfile.
        pub dockerfile: Option<Text>,
        /// Arguments.
        pub args: Texts,
        /// The stage to stop at.
        pub target: Option<Text>,
        /// More names of the image.
        pub tags: Vec<Text>,
        /// Labels of the image.
        pub labels: Texts,
    }

    /// What a service waits for.
    pub struct Dependency {
        /// What must have been reached.
        pub condition: Option<&'static str>,
    }

    /// A secret as a file.
    pub struct SecretUse {
        /// Which one.
        pub source: Option<String>,
        /// Its name below `/run/secrets`, or its whole path.
        pub target: Option<Text>,
    }

    /// How a service joins a network.
    pub struct Membership {
        /// More names in it.
        pub aliases: Vec<Text>,
        /// The fixed address.
        pub ipv4_address: Option<Text>,
        /// The fixed address of IPv6.
        pub ipv6_address: Option<Text>,
        /// In which order networks are joined, the highest first.
        pub priority: Option<usize>,
    }

    /// What a service sees at a path.
    pub struct Mount {
        /// `bind` or `volume`.
        pub r#type: Option<&'static str>,
        /// The folder or the volume.
        pub source: Option<Text>,
        /// Where it sees it.
        pub target: Option<Text>,
        /// Whether it cannot be written.
        pub read_only: Option<bool>,
        /// What is said about a folder.
        pub bind: Option<Bind>,
        /// What is said about a volume.
        pub volume: Option<VolumeOptions>,
    }

    /// What is said about a mounted folder.
    pub struct Bind {
        /// How mounts below it spread.
        pub propagation: Option<Text>,
        /// Whether a missing folder is made; Podman refuses it, and so does this.
        pub create_host_path: Option<bool>,
        /// The label of SELinux.
        pub selinux: Option<Text>,
    }

    /// What is said about a mounted volume.
    pub struct VolumeOptions {
        /// Whether it is not filled with what the image has there.
        pub nocopy: Option<bool>,
    }

    /// Two limits.
    pub struct Ulimit {
        /// The one in force.
        pub soft: Option<i64>,
        /// The largest one.
        pub hard: Option<i64>,
    }

    /// Where output goes.
    pub struct Logging {
        /// The driver.
        pub driver: Option<Text>,
        /// Its options.
        pub options: Texts,
    }

    /// How to tell that a service works.
    pub struct Healthcheck {
        /// The command, behind `CMD` or `CMD-SHELL`.
        pub test: Vec<Text>,
        /// The pause between two checks.
        pub interval: Option<String>,
        /// How long one check may take.
        pub timeout: Option<String>,
        /// How many must fail.
        pub retries: Option<u32>,
        /// How long failures do not count.
        pub start_period: Option<String>,
        /// Whether there is none.
        pub disable: Option<bool>,
    }

    /// How many of a service run.
    pub struct Deploy {
        /// That it is a number.
        pub mode: Option<&'static str>,
        /// The number.
        pub replicas: Option<u32>,
    }

    /// A network.
    pub struct Network {
        /// Its name outside of this file.
        pub name: Option<Text>,
        /// Whether it must exist.
        pub external: Option<bool>,
        /// The driver.
        pub driver: Option<Text>,
        /// Options of the driver.
        pub driver_opts: Texts,
        /// Its addresses.
        pub ipam: Option<Ipam>,
        /// Whether it has no way to the outside.
        pub internal: Option<bool>,
        /// Whether containers in it get addresses of IPv6.
        pub enable_ipv6: Option<bool>,
        /// Labels.
        pub labels: Texts,
    }

    /// The addresses of a network.
    pub struct Ipam {
        /// Its subnets.
        pub config: Vec<Subnet>,
    }

    /// A subnet.
    pub struct Subnet {
        /// Its addresses.
        pub subnet: Option<Text>,
        /// The address of the machine in it.
        pub gateway: Option<Text>,
        /// The addresses for containers without a fixed one.
        pub ip_range: Option<Text>,
    }

    /// A volume.
    pub struct Volume {
        /// Its name outside of this file.
        pub name: Option<Text>,
        /// Whether it must exist.
        pub external: Option<bool>,
        /// The driver.
        pub driver: Option<Text>,
        /// Options of the driver.
        pub driver_opts: Texts,
        /// Labels.
        pub labels: Texts,
    }

    /// Where a secret comes from.
    pub struct Secret {
        /// A file.
        pub file: Option<Text>,
    }
}
