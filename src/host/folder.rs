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

/// What would have to be done to make a folder hold the files.
pub fn compare(folder: &Path, wanted: &[Wanted<'_>]) -> io::Result<Vec<(String, State)>> {
    let mut states = Vec::new();
    for file in wanted {
        states.push((file.path.to_owned(), state(&folder.join(file.path), file)?));
    }
    let kept: BTreeSet<&str> = wanted.iter().map(|file| file.path).collect();
    for path in generated_before(folder) {
        let is_there = fs::symlink_metadata(folder.join(&path)).is_ok();
        if !kept.contains(path.as_str()) && is_there {
            states.push((path, State::Obsolete));
        }
    }
    states.sort_by(|a, b| a.0.cmp(&b.0));
    Ok(states)
}

fn state(path: &Path, file: &Wanted<'_>) -> io::Result<State> {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(State::New),
        Err(error) => return Err(error),
    };
    if metadata.is_dir() {
        return Err(io::Error::other("there is a folder in its place"));
    }
    let same_size = metadata.is_file() && metadata.len() == file.contents.len() as u64;
    let same_mode = metadata.permissions().mode() & 0o7777 == file.mode;
    match same_size && same_mode && fs::read(path)? == file.contents {
        true => Ok(State::Same),
        false => Ok(State::Changed),
    }
}

/// The paths that the list names and that lie in the folder.
fn generated_before(folder: &Path) -> Vec<String> {
    let text = fs::read_to_string(folder.join(LIST)).unwrap_or_default();
    let is_inside = |path: &&str| {
        let plain = |part: &str| !matches!(part, "" | "." | "..");
        path.split('/').all(plain)
    };
    text.lines().filter(is_inside).map(str::to_owned).collect()
}

/// Makes the folder `inner` below `outer` hold the files, and nothing that it held before by us.
pub fn write(
    outer: &Path,
    inner: &Path,
    wanted: &[Wanted<'_>],
) -> io::Result<Vec<(String, State)>> {
    fs::create_dir_all(outer)?;
    make_folders(outer, inner)?;
    let folder = outer.join(inner);
    let states = compare(&folder, wanted)?;
    let state_of = |path: &str| {
        let place = states.binary_search_by(|(known, _)| known.as_str().cmp(path)).ok();
        place.and_then(|place| states.get(place)).map(|(_, state)| *state)
    };
    let mut list: Vec<String> = generated_before(&folder);
    list.extend(wanted.iter().map(|file| file.path.to_owned()));
    list.sort();
    list.dedup();
    // Written down before it is there: what is listed and is not there does no harm.
    put_list(&folder, &list)?;
    for file in wanted {
        let path = folder.join(file.path);
        match state_of(file.path) {
            Some(State::New) => {
                make_folders(&folder, Path::new(file.path).parent().unwrap_or(Path::new("")))?;
                create(&path, file.contents, file.mode)?;
            }
            Some(State::Changed) => replace(&path, file.contents, file.mode)?,
            _ => {}
        }
    }
    for (path, _) in states.iter().filter(|(_, state)| *state == State::Obsolete) {
        fs::remove_file(folder.join(path))?;
        remove_empty_parents(&folder, path);
    }
    let paths: Vec<String> = wanted.iter().map(|file| file.path.to_owned()).collect();
    put_list(&folder, &paths)?;
    Ok(states)
}

fn put_list(folder: &Path, paths: &[String]) -> io::Result<()> {
    let text: String = paths.iter().map(|path| format!("{path}\n")).collect();
    let path = folder.join(LIST);
    if fs::read(&path).is_ok_and(|known| known == text.as_bytes()) {
        return Ok(());
    }
    replace(&path, text.as_bytes(), 0o644)
}

/// Makes folders one by one; a link in their place could lead anywhere.
fn make_folders(outer: &Path, inner: &Path) -> io::Result<()> {
    let mut path = outer.to_owned();
    for part in inner.components() {
        path.push(part);
        match fs::symlink_metadata(&path) {
            Ok(metadata) if metadata.is_dir() => {}
            Ok(_) => {
                let message = format!("`{}` is no folder", path.display());
                return Err(io::Error::other(message));
            }
            Err(_) => fs::create_dir(&path)?,
        }
    }
    Ok(())
}

/// Writes a file beside its place and moves it there: a reader sees the old one or the new one.
fn replace(path: &Path, contents: &[u8], mode: u32) -> io::Result<()> {
    let mut name = std::ffi::OsString::from(".");
    name.push(path.file_name().unwrap_or_default());
    name.push(".new");
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
