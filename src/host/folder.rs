//! A folder of generated files: what would change in it, and writing just that.

#![expect(clippy::disallowed_methods, reason = "this is the place that writes generated files")]

use std::collections::BTreeSet;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

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
    let mut states = Vec::new();
    for file in wanted {
        let is_ours = before.contains(file.path);
        let state = state(folder, file, is_ours).map_err(|error| at(file.path, &error))?;
        states.push((file.path.to_owned(), state));
    }
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

fn state(folder: &Path, file: &Wanted<'_>, is_ours: bool) -> io::Result<State> {
    if !has_folders(folder, parent(file.path), false)? {
        return Ok(State::New);
    }
    let path = folder.join(file.path);
    let metadata = match fs::symlink_metadata(&path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(State::New),
        Err(error) => return Err(error),
    };
    if metadata.is_dir() {
        return Err(io::Error::other("there is a folder in its place"));
    }
    let is_small = metadata.is_file() && metadata.len() <= SIZE_MAX;
    let contents = if is_small { fs::read(&path)? } else { Vec::new() };
    let same_mode = metadata.permissions().mode() & 0o7777 == file.mode;
    if metadata.is_file() && same_mode && contents == file.contents {
        return Ok(State::Same);
    }
    let has_mark = contents.windows(MARK.len()).any(|part| part == MARK);
    match is_ours || has_mark {
        true => Ok(State::Changed),
        false => Err(io::Error::other("it is there and was not generated, move it away")),
    }
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
    let state_of = |path: &str| {
        let place = states.binary_search_by(|(known, _)| known.as_str().cmp(path)).ok();
        place.and_then(|place| states.get(place)).map(|(_, state)| *state)
    };
    let own = wanted.iter().map(|file| file.path.to_owned());
    let mut list = generated_before(&folder)?;
    list.extend(own.clone());
    // Written down before it is there: what is listed and is not there does no harm.
    put_list(&folder, &list)?;
    for file in wanted {
        let path = folder.join(file.path);
        let written = match state_of(file.path) {
            Some(State::New) => {
                has_folders(&folder, parent(file.path), true)?;
                create(&path, file.contents, file.mode)
            }
            Some(State::Changed) => replace(&path, file.contents, file.mode),
            _ => Ok(()),
        };
        written.map_err(|error| at(file.path, &error))?;
    }
    for (path, _) in states.iter().filter(|(_, state)| *state == State::Obsolete) {
        fs::remove_file(folder.join(path)).map_err(|error| at(path, &error))?;
        remove_empty_parents(&folder, path);
    }
    if all {
        put_list(&folder, &own.collect())?;
    }
    Ok(())
}

fn put_list(folder: &Path, paths: &BTreeSet<String>) -> io::Result<()> {
    let text: String = paths.iter().map(|path| format!("{path}\n")).collect();
    let path = folder.join(LIST);
    if fs::read(&path).is_ok_and(|known| known == text.as_bytes()) {
        return Ok(());
    }
    replace(&path, text.as_bytes(), 0o644)
}

/// Writes a file beside its place and moves it there: a reader sees the old one or the new one.
fn replace(path: &Path, contents: &[u8], mode: u32) -> io::Result<()> {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(format!(".{}.new", std::process::id()));
    let beside = path.with_file_name(name);
    let _left_over = fs::remove_file(&beside);
    create(&beside, contents, mode)?;
    fs::rename(&beside, path)
}

/// Writes a file where there is none.
fn create(path: &Path, contents: &[u8], mode: u32) -> io::Result<()> {
    let mut file = fs::File::create_new(path)?;
    file.write_all(contents)?;
    file.set_permissions(fs::Permissions::from_mode(mode))
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
