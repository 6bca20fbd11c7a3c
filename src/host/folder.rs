//! A folder of generated files: what would change in it, and writing just that.

#![expect(clippy::disallowed_methods, reason = "this is the place that writes generated files")]

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use rustix::fd::OwnedFd;
use rustix::fs::{AtFlags, Mode, OFlags, openat, renameat, unlinkat};
use rustix::io::Errno;

use crate::threads::each;

/// What is known about a file of the folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// It is not there yet.
    New,
    /// It is there and differs.
    Changed,
    /// It is there, just so.
    Same,
    /// It was generated once and is no longer.
    Obsolete,
}

/// A file as it should be.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<'w> {
    /// Its path from the folder on.
    pub path: &'w str,
    /// What it holds.
    pub contents: &'w [u8],
    /// Its permissions.
    pub mode: u32,
}

/// Lists what was generated, so that nothing else is ever taken away.
const LIST: &str = ".stackwright";

/// A unit of ours holds this, whoever lost the list.
const MARK: &[u8] = b"[X-Stackwright]";

/// How large a list or a file that is compared may be.
const SIZE_MAX: u64 = 64 << 20;

/// What would have to be done to make a folder hold the files; `all` of what it should hold.
pub fn compare(
    folder: &Path,
    wanted: &[Wanted<'_>],
    all: bool,
) -> io::Result<Vec<(String, State)>> {
    let before = generated_before(folder)?;
    let place = Place::open(folder)?;
    let state = |file: &Wanted<'_>| {
        let state = place.as_ref().map_or(Ok(State::New), |place| {
            place.state(file, before.contains(file.path)).map_err(|error| at(file.path, &error))
        });
        Ok((file.path.to_owned(), state?))
    };
    let mut states = each(wanted, state).into_iter().collect::<io::Result<Vec<_>>>()?;
    let kept: BTreeSet<&str> = wanted.iter().map(|file| file.path).collect();
    for path in before.iter().filter(|path| all && !kept.contains(path.as_str())) {
        if has_folders(folder, parent(path), false)?
            && fs::symlink_metadata(folder.join(path)).is_ok()
        {
            states.push((path.clone(), State::Obsolete));
        }
    }
    states.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(states)
}

fn at(path: &str, error: &io::Error) -> io::Error {
    io::Error::other(format!("`{path}`: {error}"))
}

/// Whether the folders from `outer` down to `inner` are there, or made where that is wanted; a link
/// among them could lead anywhere.
fn has_folders(outer: &Path, inner: &Path, is_made: bool) -> io::Result<bool> {
    let mut place = outer.to_owned();
    for part in inner.components() {
        place.push(part);
        match fs::symlink_metadata(&place) {
            Ok(metadata) if metadata.is_dir() => {}
            Ok(_) => {
                let message = format!("`{}` is no folder", place.display());
                return Err(io::Error::other(message));
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound && is_made => {
                fs::create_dir(&place)?;
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        }
    }
    Ok(true)
}

/// The folder of a file.
fn parent(path: &str) -> &Path {
    Path::new(path).parent().unwrap_or(Path::new(""))
}

/// A folder that is there. It is held open, so that the system looks its path up once, and not
/// for each of its files.
struct Place<'p> {
    path: &'p Path,
    open: OwnedFd,
}

impl<'p> Place<'p> {
    /// The folder, where there is one.
    fn open(path: &'p Path) -> io::Result<Option<Self>> {
        let flags = OFlags::DIRECTORY | OFlags::PATH | OFlags::CLOEXEC;
        match rustix::fs::open(path, flags, Mode::empty()) {
            Ok(open) => Ok(Some(Self { path, open })),
            Err(Errno::NOENT) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn state(&self, file: &Wanted<'_>, is_ours: bool) -> io::Result<State> {
        if !has_folders(self.path, parent(file.path), false)? {
            return Ok(State::New);
        }
        let Some((metadata, contents)) = self.read(file.path)? else { return Ok(State::New) };
        if metadata.is_dir() {
            return Err(io::Error::other("there is a folder in its place"));
        }
        let same_mode = mode(&metadata) == file.mode;
        if metadata.is_file() && same_mode && contents == file.contents {
            return Ok(State::Same);
        }
        let has_mark = || contents.windows(MARK.len()).any(|part| part == MARK);
        match is_ours || has_mark() {
            true => Ok(State::Changed),
            false => Err(io::Error::other("it is there and was not generated, move it away")),
        }
    }

    /// What is at a path, no link followed, with what it holds where it is a file.
    fn read(&self, path: &str) -> io::Result<Option<(fs::Metadata, Vec<u8>)>> {
        // A pipe would hang the open of one that waits.
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = match openat(&self.open, path, flags, Mode::empty()) {
            Ok(file) => File::from(file),
            Err(Errno::NOENT) => return Ok(None),
            Err(error) => {
                let metadata = fs::symlink_metadata(self.path.join(path))?;
                return match metadata.is_file() {
                    true => Err(error.into()),
                    false => Ok(Some((metadata, Vec::new()))),
                };
            }
        };
        let metadata = file.metadata()?;
        let mut contents = Vec::new();
        if metadata.is_file() && metadata.len() <= SIZE_MAX {
            // Its length is known, so its end need not be looked for.
            contents.reserve_exact(usize::try_from(metadata.len()).unwrap_or(0));
            file.take(metadata.len()).read_to_end(&mut contents)?;
        }
        Ok(Some((metadata, contents)))
    }

    /// Writes a file beside its place and moves it there: a reader sees the old one or the new one.
    fn replace(&self, path: &str, contents: &[u8], mode: u32) -> io::Result<()> {
        let path = Path::new(path);
        let mut name = std::ffi::OsString::from(".");
        name.push(path.file_name().unwrap_or_default());
        name.push(format!(".{}.new", std::process::id()));
        let beside = path.with_file_name(name);
        let _left_over = unlinkat(&self.open, &beside, AtFlags::empty());
        self.create(&beside, contents, mode)?;
        Ok(renameat(&self.open, &beside, &self.open, path)?)
    }

    /// Writes a file where there is none.
    fn create(&self, path: &Path, contents: &[u8], wanted: u32) -> io::Result<()> {
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let file = openat(&self.open, path, flags, Mode::from_raw_mode(wanted))?;
        let mut file = File::from(file);
        file.write_all(contents)?;
        // The mask of the process may have taken some of it, which is rare and cheap to see.
        if mode(&file.metadata()?) != wanted {
            file.set_permissions(fs::Permissions::from_mode(wanted))?;
        }
        Ok(())
    }

    /// Writes the list of what is generated, where it says something else.
    fn put_list(&self, paths: &BTreeSet<String>) -> io::Result<()> {
        let text: String = paths.iter().map(|path| format!("{path}\n")).collect();
        let known = fs::read(self.path.join(LIST));
        if known.is_ok_and(|known| known == text.as_bytes()) {
            return Ok(());
        }
        self.replace(LIST, text.as_bytes(), 0o644)
    }
}

fn mode(metadata: &fs::Metadata) -> u32 {
    metadata.permissions().mode() & 0o7777
}

/// The paths that the list names and that lie in the folder.
fn generated_before(folder: &Path) -> io::Result<BTreeSet<String>> {
    let path = folder.join(LIST);
    let text = match fs::symlink_metadata(&path) {
        Ok(metadata) if metadata.is_file() && metadata.len() <= SIZE_MAX => {
            fs::read_to_string(&path)?
        }
        Ok(_) => return Err(io::Error::other(format!("`{LIST}` is no list of files"))),
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => {
            return Err(io::Error::other("it is no folder"));
        }
        Err(error) => return Err(error),
    };
    let is_inside = |path: &&str| {
        let plain = |part: &str| !matches!(part, "" | "." | "..");
        path.split('/').all(plain)
    };
    Ok(text.lines().filter(is_inside).map(str::to_owned).collect())
}

/// Makes the folder `inner` below `outer` hold the files, of which [`compare`] told the states;
/// what it held before by us goes, where these are `all` that it should hold.
pub fn write(
    outer: &Path,
    inner: &Path,
    wanted: &[Wanted<'_>],
    states: &[(String, State)],
    all: bool,
) -> io::Result<()> {
    fs::create_dir_all(outer)?;
    has_folders(outer, inner, true)?;
    let folder = outer.join(inner);
    let Some(place) = Place::open(&folder)? else {
        return Err(io::ErrorKind::NotFound.into());
    };
    let state_of = |path: &str| {
        let place = states.binary_search_by(|(known, _)| known.as_str().cmp(path)).ok();
        place.and_then(|place| states.get(place)).map(|(_, state)| *state)
    };
    let own = wanted.iter().map(|file| file.path.to_owned());
    let mut list = generated_before(&folder)?;
    list.extend(own.clone());
    // Written down before it is there: what is listed and is not there does no harm.
    place.put_list(&list)?;
    for file in wanted {
        let written = match state_of(file.path) {
            Some(State::New) => {
                has_folders(&folder, parent(file.path), true)?;
                place.create(Path::new(file.path), file.contents, file.mode)
            }
            Some(State::Changed) => place.replace(file.path, file.contents, file.mode),
            _ => Ok(()),
        };
        written.map_err(|error| at(file.path, &error))?;
    }
    for (path, _) in states.iter().filter(|(_, state)| *state == State::Obsolete) {
        fs::remove_file(folder.join(path)).map_err(|error| at(path, &error))?;
        remove_empty_parents(&folder, path);
    }
    if all {
        place.put_list(&own.collect())?;
    }
    Ok(())
}

fn remove_empty_parents(folder: &Path, path: &str) {
    let mut parent = Path::new(path).parent();
    while let Some(inner) = parent.filter(|inner| !inner.as_os_str().is_empty()) {
        let full: PathBuf = folder.join(inner);
        if fs::remove_dir(full).is_err() {
            return;
        }
        parent = inner.parent();
    }
}
