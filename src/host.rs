//! The outside world as the rest of the program sees it: what may be read, what may be changed,
//! and how either can fail.

use std::fmt;
use std::path::{Path, PathBuf};

pub mod change;
pub mod containers;
pub mod disk;
pub mod folder;
pub mod known;
pub mod memory;
pub mod probe;
pub mod real;
pub mod units;
pub mod vitals;

/// Why a file was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadError {
    /// There is no such file.
    NotFound,
    /// It is something else than a regular file.
    NotAFile(&'static str),
    /// It is larger than the limit, in bytes.
    TooLarge(u64),
    /// Links or `..` lead out of the folder that it must stay in.
    Outside,
    /// The system refused, in its own words.
    Refused(String),
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound => f.write_str("there is no such file"),
            Self::NotAFile(kind) => write!(f, "it is {kind}, a regular file is needed"),
            Self::TooLarge(limit) => write!(f, "it is larger than {limit} bytes"),
            Self::Outside => f.write_str("it lies outside of the stack's folder"),
            Self::Refused(why) => f.write_str(why),
        }
    }
}

/// What can be looked at, and never changed.
pub trait Look {
    /// Reads a regular file of at most `limit` bytes.
    fn read(&self, path: &Path, limit: u64) -> Result<Vec<u8>, ReadError>;

    /// The same for a file that must lie inside `folder`, after all links are followed.
    fn read_inside(&self, folder: &Path, path: &Path, limit: u64) -> Result<Vec<u8>, ReadError>;

    /// The files and folders in a folder, in the order of their names; none where it is no folder.
    fn list(&self, folder: &Path) -> Vec<Listed>;

    /// The file that a path means in the end, to tell two names of one file from two files.
    fn identity(&self, path: &Path) -> PathBuf;
}

/// An entry of a folder.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Listed {
    /// Its path, beginning with that of the folder.
    pub path: PathBuf,
    /// Whether it is a folder itself, and no link to one.
    pub is_folder: bool,
}
