//! The real disk, read with limits: no pipe, no device, no file of unknown size.

#![expect(clippy::disallowed_methods, reason = "this is the place that touches the disk")]

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};

use super::{Listed, Look, ReadError};

/// The disk of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct Disk;

impl Look for Disk {
    fn read(&self, path: &Path, limit: u64) -> Result<Vec<u8>, ReadError> {
        // A pipe would hang the open, so the kind is looked at first and once more when open.
        let kind = fs::metadata(path).map_err(|error| refused(&error))?.file_type();
        not_a_file(kind).map_or(Ok(()), Err)?;
        read_file(File::open(path).map_err(|error| refused(&error))?, limit)
    }

    fn read_inside(&self, folder: &Path, path: &Path, limit: u64) -> Result<Vec<u8>, ReadError> {
        let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
        let directory = OFlags::DIRECTORY | OFlags::PATH | OFlags::CLOEXEC;
        let root = rustix::fs::openat(CWD, folder, directory, Mode::empty());
        let root = root.map_err(|error| refused(&error.into()))?;
        // The kernel follows the links and refuses the first step that leaves the folder, which
        // cannot be had by comparing paths: a link may change between the look and the read.
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        let file = openat2(&root, path, flags, Mode::empty(), ResolveFlags::BENEATH);
        match file {
            Ok(file) => read_file(File::from(file), limit),
            Err(rustix::io::Errno::XDEV) => Err(ReadError::Outside),
            Err(error) => Err(refused(&error.into())),
        }
    }

    fn list(&self, folder: &Path) -> Vec<Listed> {
        let entries = fs::read_dir(folder).into_iter().flatten().flatten();
        let listed = entries.map(|entry| Listed {
            is_folder: entry.file_type().is_ok_and(|kind| kind.is_dir()),
            path: entry.path(),
        });
        let mut listed: Vec<Listed> = listed.collect();
        listed.sort();
        listed
    }

    fn identity(&self, path: &Path) -> PathBuf {
        path.canonicalize().unwrap_or_else(|_| path.to_owned())
    }
}

fn read_file(file: File, limit: u64) -> Result<Vec<u8>, ReadError> {
    let metadata = file.metadata().map_err(|error| refused(&error))?;
    not_a_file(metadata.file_type()).map_or(Ok(()), Err)?;
    if metadata.size() > limit {
        return Err(ReadError::TooLarge(limit));
    }
    let mut bytes = Vec::with_capacity(usize::try_from(metadata.size()).unwrap_or(0));
    // Files of /proc and files that grow say less than they hold.
    file.take(limit + 1).read_to_end(&mut bytes).map_err(|error| refused(&error))?;
    if bytes.len() as u64 > limit {
        return Err(ReadError::TooLarge(limit));
    }
    Ok(bytes)
}

fn not_a_file(kind: fs::FileType) -> Option<ReadError> {
    let kind = match kind {
        kind if kind.is_file() => return None,
        kind if kind.is_dir() => "a folder",
        kind if kind.is_fifo() => "a pipe",
        kind if kind.is_socket() => "a socket",
        _ => "a device",
    };
    Some(ReadError::NotAFile(kind))
}

fn refused(error: &io::Error) -> ReadError {
    match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => ReadError::NotFound,
        io::ErrorKind::PermissionDenied => {
            ReadError::Refused("this user may not read it".to_owned())
        }
        _ if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
            ReadError::Refused("its links lead in a circle".to_owned())
        }
        _ => ReadError::Refused(error.to_string()),
    }
}

/// How many bytes files hold together, as far as that is known.
pub fn size(files: &[PathBuf]) -> u64 {
    let known = files.iter().filter_map(|file| fs::metadata(file).ok());
    known.filter(fs::Metadata::is_file).map(|file| file.len()).fold(0, u64::saturating_add)
}

/// How many processors this process may use. What the standard library asks beside this, such as
/// the limits of its cgroup, takes as long as to make a thread.
pub fn processors() -> usize {
    rustix::thread::sched_getaffinity(None).map_or(1, |set| set.count() as usize)
}

/// The variables of this process that are text.
///
/// A shell that nobody logged in to lacks the folder for sockets, whose place is known.
pub fn environment() -> BTreeMap<String, String> {
    let text = |value: std::ffi::OsString| value.into_string().ok();
    let variables = std::env::vars_os();
    let mut variables: BTreeMap<String, String> =
        variables.filter_map(|(name, value)| Some((text(name)?, text(value)?))).collect();
    variables
        .entry("XDG_RUNTIME_DIR".to_owned())
        .or_insert_with(|| format!("/run/user/{}", rustix::process::getuid().as_raw()));
    variables
}

/// Where this program lies, where the system tells it.
pub fn program() -> Option<PathBuf> {
    std::env::current_exe().ok()
}

/// The number of the user who runs this.
pub fn user() -> u32 {
    rustix::process::getuid().as_raw()
}

/// Writes a file as a whole, making its folder first; for completions and man pages.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, bytes)
}

/// Writes a file that was not there, making its folder first; another one stays as it is.
pub fn create(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut file = File::options().write(true).create_new(true).open(path)?;
    file.write_all(bytes).inspect_err(|_| {
        // Half of a file is worse than none, and nobody else has it yet.
        let _gone = fs::remove_file(path);
    })
}

/// The device and inode of an open file, to tell whether two names mean one file.
pub fn same_file(a: &Path, b: &Path) -> bool {
    match (fs::metadata(a), fs::metadata(b)) {
        (Ok(a), Ok(b)) => a.dev() == b.dev() && a.ino() == b.ino(),
        _ => false,
    }
}
