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
use super::interrupts::Interrupts;
use super::{fault, lock};

/// How large a file that is read may be; what is larger is none of ours.
const SIZE_MAX: u64 = 64 << 20;

/// Begins the names of files on their way. It ends in no word that Quadlet or systemd reads, and
/// nothing is added behind it that could.
const PASSING: &str = ".stackwright-";

/// The files of this machine.
#[derive(Debug, Clone, Default)]
pub struct RealFiles {
    /// What ends the wait for a lock.
    pub interrupts: Option<Interrupts>,
}

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
        let disk = rustix::fs::statvfs(nearest(folder));
        let disk = disk.map_err(|error| fault::at("measure the room in", folder, &error.into()))?;
        Ok(disk.f_bavail.saturating_mul(disk.f_frsize))
    }

    fn lock(&self, path: &Path, wait: Duration) -> Result<Box<dyn Held>, LockError> {
        lock::take(path, wait, self.interrupts.as_ref())
    }
}

/// A folder, or the nearest one above it that is there.
pub fn nearest(folder: &Path) -> &Path {
    let there = folder.ancestors().find(|folder| fs::metadata(folder).is_ok());
    there.filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
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

#[cfg(test)]
mod tests {
    use super::super::super::change::FaultKind;
    use super::*;
    use std::os::unix::fs::MetadataExt;
    use std::process::Command;

    const FILES: RealFiles = RealFiles { interrupts: None };

    fn mode(path: &Path) -> u32 {
        fs::symlink_metadata(path).unwrap().mode() & 0o7777
    }

    /// Runs a test of this file again, in a program of its own that another one starts.
    fn again(starter: &[&str], own: &Path, test: &str) {
        let mut again = Command::new(starter[0]);
        again.args(&starter[1..]).arg(own).arg("--exact");
        again.arg(format!("host::real::files::tests::{test}")).env("FILES_AGAIN", "1");
        let output = again.env("TMPDIR", own.parent().unwrap()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && said.contains("1 passed"), "{said}");
    }

    /// This program, where every user gets to.
    fn own() -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o777)).unwrap();
        // By another program: a child that is started meanwhile would hold the copy open for
        // writing, and nothing runs what somebody writes.
        let own = std::env::current_exe().unwrap();
        let copied = Command::new("cp").arg(own).arg(folder.path().join("it")).status();
        assert!(copied.unwrap().success());
        folder
    }

    fn is_again() -> bool {
        std::env::var_os("FILES_AGAIN").is_some()
    }

    #[test]
    fn a_file_is_there_as_a_whole_with_its_mode() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        assert_eq!(FILES.read(&path), Ok(None));
        for wanted in [0o644, 0o600, 0o666, 0o400] {
            FILES.write_new(&path, b"one", wanted).unwrap();
            assert_eq!(mode(&path), wanted);
            assert_eq!(FILES.read(&path).unwrap().unwrap(), b"one");
            let fault = FILES.write_new(&path, b"two", 0o644).unwrap_err();
            assert_eq!(fault.why, "it is there already");
            assert_eq!(FILES.read(&path).unwrap().unwrap(), b"one");
            FILES.replace(&path, b"two", 0o640).unwrap();
            assert_eq!((mode(&path), FILES.read(&path).unwrap().unwrap()), (0o640, b"two".into()));
            FILES.remove(&path).unwrap();
            FILES.remove(&path).unwrap();
        }
        let inner = folder.path().join("a/b/c");
        FILES.make_folder(&inner).unwrap();
        FILES.make_folder(&inner).unwrap();
        assert_eq!(mode(&inner) & 0o022, 0, "others can write there");
        FILES.write_new(&inner.join("z"), b"", 0o644).unwrap();
        FILES.write_new(&inner.join("a"), b"", 0o644).unwrap();
        assert_eq!(FILES.list(&inner).unwrap(), ["a", "z"]);
        assert_eq!(FILES.list(&inner.join("none")).unwrap(), Vec::<String>::new());
        FILES.remove_folder(&folder.path().join("a")).unwrap();
        FILES.remove_folder(&folder.path().join("a")).unwrap();
        assert_eq!(FILES.list(folder.path()).unwrap(), Vec::<String>::new(), "something is left");
    }

    #[test]
    fn the_mask_of_the_process_takes_nothing() {
        let own = own();
        for mask in ["0000", "0027", "0077"] {
            let script = format!("umask {mask}; exec \"$0\" \"$@\"");
            let test = "a_file_is_there_as_a_whole_with_its_mode";
            again(&["sh", "-c", &script], &own.path().join("it"), test);
        }
    }

    #[test]
    fn a_link_is_never_followed() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        FILES.make_folder(&at("kept")).unwrap();
        FILES.write_new(&at("kept/file"), b"kept", 0o644).unwrap();
        FILES.link(&at("link"), &at("kept/file")).unwrap();
        FILES.link(&at("folder"), Path::new("kept")).unwrap();
        assert_eq!(FILES.entry(&at("link")), Ok(Some(Entry::Link(at("kept/file")))));
        assert_eq!(FILES.entry(&at("kept")), Ok(Some(Entry::Folder)));
        assert_eq!(FILES.entry(&at("kept/file")), Ok(Some(Entry::File)));
        assert_eq!(FILES.entry(&at("none")), Ok(None));
        assert_eq!(FILES.read(&at("link")).unwrap_err().why, "it is a link");
        assert_eq!(FILES.append(&at("link"), b"more").unwrap_err().why, "it is a link");
        FILES.write_new(&at("link"), b"new", 0o644).unwrap_err();
        assert!(FILES.remove_folder(&at("folder")).is_err());
        assert!(matches!(FILES.lock(&at("link"), Duration::ZERO), Err(LockError::Fault(_))));
        FILES.make_folder(&at("tree")).unwrap();
        FILES.link(&at("tree/out"), &at("kept")).unwrap();
        FILES.remove_folder(&at("tree")).unwrap();
        FILES.replace(&at("link"), b"new", 0o644).unwrap();
        assert_eq!(FILES.entry(&at("link")), Ok(Some(Entry::File)));
        FILES.link(&at("folder"), Path::new("elsewhere")).unwrap();
        assert_eq!(FILES.entry(&at("folder")), Ok(Some(Entry::Link("elsewhere".into()))));
        FILES.remove(&at("folder")).unwrap();
        assert_eq!(FILES.read(&at("kept/file")).unwrap().unwrap(), b"kept");
        assert_eq!(FILES.list(folder.path()).unwrap(), ["kept", "link"]);
        // A link in the place of a folder that is none, and a pipe that nobody writes to.
        assert!(FILES.link(&at("kept"), Path::new("x")).is_err());
        let pipe = at("pipe");
        assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        assert_eq!(FILES.entry(&pipe), Ok(Some(Entry::Other)));
        assert!(FILES.read(&pipe).is_err() && FILES.append(&pipe, b"x").is_err());
        assert_eq!(FILES.list(folder.path()).unwrap(), ["kept", "link", "pipe"]);
    }

    #[test]
    fn bytes_are_added_and_names_changed() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        FILES.append(&at("journal"), b"one\n").unwrap();
        FILES.append(&at("journal"), b"two\n").unwrap();
        assert_eq!(FILES.read(&at("journal")).unwrap().unwrap(), b"one\ntwo\n");
        assert_eq!(mode(&at("journal")) & 0o177, 0, "others can read it");
        FILES.make_folder(&at("old")).unwrap();
        FILES.rename(&at("old"), &at("new")).unwrap();
        FILES.rename(&at("journal"), &at("new/journal")).unwrap();
        assert_eq!(FILES.list(&at("new")).unwrap(), ["journal"]);
        let fault = FILES.rename(&at("old"), &at("older")).unwrap_err();
        assert_eq!(fault.kind, FaultKind::Missing);
        FILES.keep_names(&at("new")).unwrap();
        assert_eq!(FILES.keep_names(&at("old")).unwrap_err().kind, FaultKind::Missing);
        let (here, above) = (FILES.room(&at("new")), FILES.room(&at("new/not/there")));
        assert!(here.unwrap() > 0 && above.unwrap() > 0);
    }

    /// A small disk, which only root can have; none is told aloud.
    fn small_disk() -> Option<tempfile::TempDir> {
        let folder = tempfile::tempdir().unwrap();
        let options = "size=64k,nr_inodes=16,mode=755";
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(folder.path());
        if mount.output().is_ok_and(|output| output.status.success()) {
            return Some(folder);
        }
        let said = b"SKIPPED: this test needs a disk of its own; run it as root\n";
        io::stderr().write_all(said).unwrap();
        None
    }

    fn umount(folder: &Path) {
        assert!(Command::new("umount").arg(folder).status().unwrap().success());
    }

    #[test]
    fn a_full_disk_keeps_what_it_has() {
        let Some(folder) = small_disk() else { return };
        let at = |name: &str| folder.path().join(name);
        FILES.write_new(&at("kept"), b"old", 0o644).unwrap();
        FILES.append(&at("journal"), b"one\n").unwrap();
        let much = vec![b'x'; 100 << 10];
        let faults = [
            FILES.write_new(&at("new"), &much, 0o644),
            FILES.replace(&at("kept"), &much, 0o644),
            FILES.append(&at("journal"), &much),
        ];
        let kept = [FILES.read(&at("kept")), FILES.read(&at("journal"))];
        let names = FILES.list(folder.path());
        umount(folder.path());
        for fault in faults {
            let fault = fault.unwrap_err();
            assert_eq!(fault.kind, FaultKind::NoSpace);
            assert_eq!(fault.why, "there is no space left on its disk");
        }
        assert_eq!(kept.map(|kept| kept.unwrap().unwrap()), [b"old".to_vec(), b"one\n".to_vec()]);
        assert_eq!(names.unwrap(), ["journal", "kept"]);
    }

    #[test]
    fn a_disk_that_is_read_alone_says_so() {
        let Some(folder) = small_disk() else { return };
        let at = |name: &str| folder.path().join(name);
        FILES.write_new(&at("kept"), b"old", 0o644).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-o", "remount,ro"]).arg(folder.path());
        assert!(mount.status().unwrap().success());
        let faults = [
            FILES.write_new(&at("new"), b"", 0o644),
            FILES.replace(&at("kept"), b"", 0o644),
            FILES.append(&at("kept"), b"x"),
            FILES.link(&at("link"), Path::new("kept")),
            FILES.make_folder(&at("a/b")),
            FILES.remove(&at("kept")),
        ];
        umount(folder.path());
        for fault in faults {
            assert_eq!(fault.unwrap_err().kind, FaultKind::ReadOnly);
        }
    }

    #[test]
    fn what_this_user_may_not_is_told() {
        if rustix::process::getuid().is_root() && !is_again() {
            let own = own();
            let starter = ["setpriv", "--reuid=65534", "--clear-groups"];
            return again(&starter, &own.path().join("it"), "what_this_user_may_not_is_told");
        }
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        FILES.write_new(&at("kept"), b"old", 0o000).unwrap();
        fs::set_permissions(folder.path(), Permissions::from_mode(0o555)).unwrap();
        let faults = [
            FILES.write_new(&at("new"), b"", 0o644),
            FILES.replace(&at("kept"), b"", 0o644),
            FILES.append(&at("kept"), b"x"),
            FILES.remove(&at("kept")),
            FILES.read(&at("kept")).map(drop),
        ];
        fs::set_permissions(folder.path(), Permissions::from_mode(0o755)).unwrap();
        for fault in faults {
            let fault = fault.unwrap_err();
            assert_eq!((fault.kind, fault.why.as_str()), (FaultKind::Denied, "this user may not"));
        }
    }
}
