//! What is known of a machine beside its files, services and containers, as plain data.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;
use std::path::{Path, PathBuf};

/// What is to be found out beside what is always told.
#[derive(Debug, Default)]
pub struct Asked<'a> {
    /// Paths of the host.
    pub paths: BTreeSet<&'a Path>,
    /// Names of hosts.
    pub names: BTreeSet<&'a str>,
    /// Whether the clock is set by others, which takes its time to find out.
    pub clock: bool,
}

/// What is known of a machine, and of what its user may.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// The user's name.
    pub user: String,
    /// The user's number.
    pub uid: u32,
    /// Whether the user's services live on when nobody is logged in.
    pub lingers: bool,
    /// How many numbers of users and groups this user may give away; nothing where another
    /// directory than the usual files knows.
    pub sub_ids: Option<u64>,
    /// The folder for the user's sockets that the environment names.
    pub runtime_folder: PathBuf,
    /// What the kernel limits for this user's services, such as `cpu`; nothing where it is not
    /// known.
    pub controllers: Option<BTreeSet<String>>,
    /// The first port that this user may listen on.
    pub first_port: u16,
    /// How much memory there is, and how much of it is left, in bytes.
    pub memory: Option<Memory>,
    /// Whether the clock is set by others; nothing where it is not known or belongs to another
    /// machine.
    pub is_clock_set: Option<bool>,
    /// What programs may be made for, in the words of images, such as `amd64`.
    pub architectures: BTreeSet<String>,
    /// Whether SELinux forbids what its labels do not allow.
    pub enforces_labels: bool,
    /// The addresses of this machine.
    pub addresses: BTreeSet<IpAddr>,
    /// What is listened on.
    pub listening: Vec<Listening>,
    /// The names that were asked for with their addresses; nothing is said of one whose servers do
    /// not answer.
    pub names: BTreeMap<String, BTreeSet<IpAddr>>,
    /// The paths that were asked for, and the folder for sockets; nothing is said of one that does
    /// not exist.
    pub paths: BTreeMap<PathBuf, Standing>,
}

/// Memory, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// All of it.
    pub total: u64,
    /// What is left beside all that runs.
    pub available: u64,
}

/// What stands at a path, all links followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// This user may not know.
    Hidden,
    /// Something.
    There(Owner),
}

/// Whose something is, and who may do what with it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Owner {
    /// The number of its user.
    pub uid: u32,
    /// Its permissions.
    pub mode: u32,
    /// Whether its group is the user's own.
    pub is_own_group: bool,
    /// Whether this user, or one of the numbers that this user may give away, may read it.
    pub is_readable: bool,
    /// Its label of SELinux, where it has one.
    pub label: Option<String>,
    /// Whether its file system writes each change to another place.
    pub copies_on_write: bool,
}

/// A port that something listens on.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listening {
    /// The address; unspecified where it is all of them.
    pub address: IpAddr,
    /// The port.
    pub port: u16,
    /// Whether it is UDP, and not TCP.
    pub udp: bool,
    /// The number of the user who listens.
    pub uid: u32,
    /// The number of the socket.
    pub socket: u64,
}
