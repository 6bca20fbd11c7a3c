//! Files of a real disk: whole, in place and flushed, or not there at all.

#![expect(clippy::disallowed_methods, reason = "this is the place that changes the disk")]

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::fs::OFlags;

use super::super::change::{Entry, Fault, Files, Held, LockError};
use super::{fault, lock};

/// How large a file that is read may be; what is larger is none of ours.
const SIZE_MAX: u64 = 64 << 20;

/// Begins the names of files on their way. It ends in no word that Quadlet or systemd reads, and
/// nothing is added behind it that could.
const PASSING: &str = ".stackwright-";

/// The files of this machine.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealFiles;

impl Files for RealFiles {
    fn entry(&self, path: &Path) -> Result<Option<Entry>, Fault> {
        let looked = fs::symlink_metadata(path).and_then(|metadata| {
            let kind = metadata.file_type();
            Ok(match kind {
                _ if kind.is_symlink() => Entry::Link(fs::read_link(path)?),
                _ if kind.is_file() => Entry::File,
                _ if kind.is_dir() => Entry::Folder,
                _ => Entry::Other,
            })
        });
        if_there(looked).map_err(|error| fault::at("look at", path, &error))
    }

    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, Fault> {
        if_there(read(path)).map_err(|error| fault::at("read", path, &error))
    }

    fn list(&self, folder: &Path) -> Result<Vec<String>, Fault> {
        let names = fs::read_dir(folder).and_then(|entries| {
            let name = |entry: fs::DirEntry| entry.file_name().to_string_lossy().into_owned();
            entries.map(|entry| entry.map(name)).collect::<io::Result<Vec<String>>>()
        });
        let names = if_there(names).map_err(|error| fault::at("list", folder, &error))?;
        let mut names = names.unwrap_or_default();
        names.sort();
        Ok(names)
    }

    fn make_folder(&self, path: &Path) -> Result<(), Fault> {
        make_folder(path).map_err(|error| fault::at("make the folder", path, &error))
    }

    fn write_new(&self, path: &Path, bytes: &[u8], mode: u32) -> Result<(), Fault> {
        write_new(path, bytes, mode).map_err(|error| fault::at("write", path, &error))
    }

    fn replace(&self, path: &Path, bytes: &[u8], mode: u32) -> Result<(), Fault> {
        put(path, |passing| write_new(passing, bytes, mode))
            .map_err(|error| fault::at("write", path, &error))
    }

    fn append(&self, path: &Path, bytes: &[u8]) -> Result<(), Fault> {
        append(path, bytes).map_err(|error| fault::at("add to", path, &error))
    }

    fn link(&self, path: &Path, target: &Path) -> Result<(), Fault> {
        put(path, |passing| symlink(target, passing))
            .map_err(|error| fault::at("make the link", path, &error))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), Fault> {
        let done = fs::rename(from, to).and_then(|()| {
            keep_names(parent(to))?;
            if parent(from) == parent(to) { Ok(()) } else { keep_names(parent(from)) }
        });
        let verb = || format!("give {} the name", from.display());
        done.map_err(|error| fault::at(&verb(), to, &error))
    }

    fn remove(&self, path: &Path) -> Result<(), Fault> {
        let done = fs::remove_file(path).and_then(|()| keep_names(parent(path)));
        if_there(done).map(drop).map_err(|error| fault::at("remove", path, &error))
    }

    fn remove_folder(&self, path: &Path) -> Result<(), Fault> {
        let done = fs::symlink_metadata(path).and_then(|metadata| {
            if !metadata.is_dir() {
                return Err(io::Error::other("it is no folder"));
            }
            fs::remove_dir_all(path)?;
            keep_names(parent(path))
        });
        if_there(done).map(drop).map_err(|error| fault::at("remove the folder", path, &error))
    }

    fn keep_names(&self, folder: &Path) -> Result<(), Fault> {
        keep_names(folder).map_err(|error| fault::at("flush the folder", folder, &error))
    }

    fn room(&self, folder: &Path) -> Result<u64, Fault> {
        let there = folder.ancestors().find(|folder| fs::metadata(folder).is_ok());
        let there = there.filter(|folder| !folder.as_os_str().is_empty());
        let disk = rustix::fs::statvfs(there.unwrap_or(Path::new(".")));
        let disk = disk.map_err(|error| fault::at("measure the room in", folder, &error.into()))?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    fn lock(&self, path: &Path, wait: Duration) -> Result<Box<dyn Held>, LockError> {
        lock::take(path, wait)
    }
}

/// Nothing where the path leads nowhere.
fn if_there<T>(done: io::Result<T>) -> io::Result<Option<T>> {
    match done {
        Ok(done) => Ok(Some(done)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// How a last link is never followed, and a pipe never waited for.
fn as_it_is() -> i32 {
    (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed()
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let file = OpenOptions::new().read(true).custom_flags(as_it_is()).open(path)?;
    let metadata = file.metadata()?;
    if !metadata.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let mut bytes = Vec::new();
    file.take(SIZE_MAX + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > SIZE_MAX {
        true => Err(io::Error::other(format!("it is larger than {SIZE_MAX} bytes"))),
        false => Ok(bytes),
    }
}

/// The folder that a path lies in.
fn parent(path: &Path) -> &Path {
    let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty());
    parent.unwrap_or(Path::new("."))
}

fn make_folder(path: &Path) -> io::Result<()> {
    let mut missing: Vec<&Path> = Vec::new();
    for folder in path.ancestors().filter(|folder| !folder.as_os_str().is_empty()) {
        match fs::metadata(folder) {
            Ok(metadata) if metadata.is_dir() => break,
            Ok(_) => return Err(rustix::io::Errno::NOTDIR.into()),
            Err(error) if error.kind() == io::ErrorKind::NotFound => missing.push(folder),
            Err(error) => return Err(error),
        }
    }
    for folder in missing.into_iter().rev() {
        // Whatever the mask of this process, nobody else gets to write there.
        match DirBuilder::new().mode(0o755).create(folder) {
            // Another process was faster.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => {}
            made => made?,
        }
        keep_names(parent(folder))?;
    }
    Ok(())
}

/// Writes and flushes a file that must not be there yet; one half written is taken away again.
fn write_new(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600).custom_flags(as_it_is());
    let mut file = options.open(path)?;
    let written = file
        .write_all(bytes)
        // The mask of this process takes from what a file is made with, and not from this.
        .and_then(|()| file.set_permissions(Permissions::from_mode(mode)))
        .and_then(|()| file.sync_all());
    if written.is_err() {
        let _as_far_as_it_goes = fs::remove_file(path);
    }
    written
}

/// Makes something under a passing name beside its place and moves it there.
fn put(path: &Path, make: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    let folder = parent(path);
    let passing = passing_name(folder);
    make(&passing)?;
    let moved = fs::rename(&passing, path);
    if moved.is_err() {
        let _as_far_as_it_goes = fs::remove_file(&passing);
    }
    moved.and_then(|()| keep_names(folder))
}

/// A name that nobody has.
fn passing_name(folder: &Path) -> PathBuf {
    let number = RandomState::new().hash_one(std::process::id());
    folder.join(format!("{PASSING}{number:016x}"))
}

fn append(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.append(true).custom_flags(as_it_is());
    let (mut file, is_new) = match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            (options.create_new(true).mode(0o600).open(path)?, true)
        }
        opened => (opened?, false),
    };
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no regular file"));
    }
    let before = file.metadata()?.len();
    if let Err(error) = file.write_all(bytes).and_then(|()| file.sync_data()) {
        // Half a record at the end would be taken for a part of the next one.
        let _as_far_as_it_goes = file.set_len(before);
        return Err(error);
    }
    if is_new { keep_names(parent(path)) } else { Ok(()) }
}

fn keep_names(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}
