//! What a kernel tells about how its host is. What it does not tell is not there.

use std::path::PathBuf;

/// How a host is.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vitals {
    /// In how much of the last minute all work stood still for want of memory, in percent.
    pub memory_stall: Option<u32>,
    /// In how much of it all work waited for a disk, in percent.
    pub io_stall: Option<u32>,
    /// The disks that were asked for, each once; those that nobody can write to are left out.
    pub disks: Vec<Disk>,
    /// What measures a temperature and knows which one is critical.
    pub sensors: Vec<Sensor>,
}

/// A disk.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disk {
    /// A folder on it.
    pub folder: PathBuf,
    /// How much this user could have at most, in bytes.
    pub size: u64,
    /// How much of that is free for this user.
    pub free: u64,
}

/// What measures a temperature, in thousandths of a degree Celsius.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sensor {
    /// What it is called.
    pub name: String,
    /// What it measures now.
    pub now: i64,
    /// What it must not reach.
    pub critical: i64,
}
