//! What can be changed on a host, behind one small interface with a real and an in-memory form.
//!
//! Every operation is one step that can fail, or be the last one that a dying process did.

use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::containers::Containers;
use super::known::{Asked, Known, Listening};
use super::probe::Probes;
use super::units::Units;
use super::vitals::Vitals;

/// A host that can be changed.
#[derive(Clone, Copy)]
pub struct Host<'h> {
    /// Its files.
    pub files: &'h dyn Files,
    /// Its service manager.
    pub units: &'h dyn Units,
    /// Its containers.
    pub containers: &'h dyn Containers,
    /// Who asks its services whether they are ready.
    pub probes: &'h dyn Probes,
    /// The rest of it.
    pub machine: &'h dyn Machine,
}

/// Why an operation was not done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What was to be done, such as `write /srv/x`.
    pub doing: String,
    /// What the system said.
    pub why: String,
    /// What kind of trouble it is.
    pub kind: FaultKind,
}

/// What kind of trouble a fault is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// There is no room left.
    NoSpace,
    /// This user may not.
    Denied,
    /// Nothing can be written there.
    ReadOnly,
    /// What it needs is not there, such as a bus or a program.
    Missing,
    /// It took longer than it may.
    TimedOut,
    /// Anything else.
    Other,
}

impl Fault {
    /// A fault that is none of the special kinds.
    pub fn other(doing: impl Into<String>, why: impl fmt::Display) -> Self {
        Self { doing: doing.into(), why: why.to_string(), kind: FaultKind::Other }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot {}: {}", self.doing, self.why)
    }
}

impl std::error::Error for Fault {}

/// What stands at a path, without following a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A regular file.
    File,
    /// A folder.
    Folder,
    /// A symbolic link, with the path that it holds.
    Link(PathBuf),
    /// Something else.
    Other,
}

/// Files and folders; what a method promises is on the disk when it returns.
pub trait Files: Sync {
    /// What stands at a path; nothing where nothing does.
    fn entry(&self, path: &Path) -> Result<Option<Entry>, Fault>;

    /// Reads a regular file; nothing where there is none. A link is not followed.
    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, Fault>;

    /// The names in a folder, sorted; none where there is no such folder.
    fn list(&self, folder: &Path) -> Result<Vec<String>, Fault>;

    /// Makes a folder, and those it lies in, where they are missing.
    fn make_folder(&self, path: &Path) -> Result<(), Fault>;

    /// Writes a file that must not be there yet, with its permissions. The name itself is kept
    /// only after [`Files::keep_names`].
    fn write_new(&self, path: &Path, bytes: &[u8], mode: u32) -> Result<(), Fault>;

    /// Puts a whole file in the place of another, or of none: old or new at every instant.
    fn replace(&self, path: &Path, bytes: &[u8], mode: u32) -> Result<(), Fault>;

    /// Adds bytes at the end of a file, which is made where it is missing.
    fn append(&self, path: &Path, bytes: &[u8]) -> Result<(), Fault>;

    /// Makes a symbolic link, in the place of another or of none: old or new at every instant.
    fn link(&self, path: &Path, target: &Path) -> Result<(), Fault>;

    /// Gives a file or folder another name, on the same disk.
    fn rename(&self, from: &Path, to: &Path) -> Result<(), Fault>;

    /// Takes a file or a link away; done where there is none.
    fn remove(&self, path: &Path) -> Result<(), Fault>;

    /// Takes a folder away with all in it, following no link; done where there is none.
    fn remove_folder(&self, path: &Path) -> Result<(), Fault>;

    /// Keeps the names in a folder through a power cut.
    fn keep_names(&self, folder: &Path) -> Result<(), Fault>;

    /// The room that is left on the disk of a folder, or of the nearest one above that is there.
    fn room(&self, folder: &Path) -> Result<u64, Fault>;

    /// Takes a lock that the kernel gives back when the process ends, however it ends.
    fn lock(&self, path: &Path, wait: Duration) -> Result<Box<dyn Held>, LockError>;
}

/// Something that is held until this is dropped, such as a lock.
pub trait Held: Send {}

/// Why a lock was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LockError {
    /// Another process holds it.
    Held,
    /// It cannot be taken at all.
    Fault(Fault),
}

/// A command of the stack that runs around a deployment.
#[derive(Debug, Clone)]
pub struct HookCall<'c> {
    /// The program and its arguments.
    pub command: &'c [String],
    /// Variables beside those of this process.
    pub variables: &'c [(String, String)],
    /// What it can read.
    pub input: &'c [u8],
    /// The folder that it runs in.
    pub folder: &'c Path,
    /// How long it may take.
    pub timeout: Duration,
}

/// The rest of a host: its clocks, its user, what is known of it, and signals to this process.
pub trait Machine: Sync {
    /// The time since some fixed moment, which no setting of the clock changes.
    fn now(&self) -> Duration;

    /// The time of day, in seconds since 1970.
    fn wall_time(&self) -> u64;

    /// Bytes that nobody can guess.
    fn random(&self, length: usize) -> Result<Vec<u8>, Fault>;

    /// The name of the user who runs this.
    fn user(&self) -> String;

    /// What is known of it, as far as that can be found out.
    fn known(&self, asked: &Asked<'_>) -> Result<Known, Fault>;

    /// Who listens on a port, where this user may know.
    fn holder(&self, listening: &Listening) -> Option<String>;

    /// How it is, with the disks of some folders.
    fn vitals(&self, folders: &[&Path]) -> Vitals;

    /// Whether somebody asked this process to stop, since it began.
    fn interrupted(&self) -> bool;

    /// Runs a command of the stack; an error tells how it ended and what it said last.
    fn hook(&self, call: &HookCall<'_>) -> Result<(), Fault>;
}
