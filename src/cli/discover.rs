//! From what the user names to stack files: paths, folders, and names in `stacks/`.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::output;
use crate::check::Checked;
use crate::host::disk::Disk;
use crate::host::{Look, ReadError};
use crate::model::value::nearest::nearest;
use crate::resolve::Part;

/// How deep folders are searched.
const DEPTH_MAX: usize = 8;
/// How much of a file is looked at to see whether it is a stack file.
const SNIFFED_MAX: u64 = 8 << 20;

/// The stack files behind a name, and whether a whole folder was named.
pub struct Found {
    /// The files, in the order of their names.
    pub files: Vec<PathBuf>,
    /// Whether a folder was named.
    pub is_folder: bool,
}

/// The stack files behind all names, each once, and whether a whole folder was named; nothing, and
/// told, where a name has none.
pub fn all(paths: &[PathBuf], look: &dyn Look) -> Option<(Vec<PathBuf>, bool)> {
    let found: Vec<Found> = paths.iter().map(|path| stack_files(path, look)).collect();
    let mut named = paths.iter().zip(&found);
    if let Some((path, _)) = named.find(|(_, found)| found.files.is_empty()) {
        output::error(&format!("no stack file in `{}`", path.display()));
        return None;
    }
    let all_known = found.iter().any(|found| found.is_folder);
    let mut files: Vec<PathBuf> = found.into_iter().flat_map(|found| found.files).collect();
    let mut seen = std::collections::BTreeSet::new();
    files.retain(|file| seen.insert(look.identity(file)));
    Some((files, all_known))
}

/// The stack files that a path means: itself, or all in a folder.
pub fn stack_files(path: &Path, look: &dyn Look) -> Found {
    if is_folder(path, look) {
        let mut files = Vec::new();
        search(path, DEPTH_MAX, look, &mut files);
        return Found { files, is_folder: true };
    }
    Found { files: vec![named(path, look)], is_folder: false }
}

/// One stack: a path, or a name that is looked up in `stacks/`.
pub fn named(path: &Path, look: &dyn Look) -> PathBuf {
    let is_name = path.components().count() == 1 && path.extension().is_none();
    // Whether it is a file is seen without reading it, however large it is.
    let known = !is_name || matches!(look.read(path, 0), Ok(_) | Err(ReadError::TooLarge(_)));
    if known {
        return path.to_owned();
    }
    let name = path.to_string_lossy();
    let stacks = Path::new("stacks");
    let places = [
        stacks.join(format!("{name}.yml")),
        stacks.join(format!("{name}.yaml")),
        stacks.join(path).join("stack.yml"),
        stacks.join(path).join("stack.yaml"),
    ];
    let exists = |place: &PathBuf| !matches!(look.read(place, 0), Err(ReadError::NotFound));
    places.into_iter().find(exists).unwrap_or_else(|| path.to_owned())
}

/// A folder that an option names.
pub fn folder(name: &str) -> Result<PathBuf, String> {
    let path = PathBuf::from(name);
    match is_folder(&path, &Disk) {
        true => Ok(path),
        false => Err("there is no such folder".to_owned()),
    }
}

fn is_folder(path: &Path, look: &dyn Look) -> bool {
    matches!(look.read(path, 0), Err(ReadError::NotAFile("a folder")))
}

fn search(folder: &Path, depth: usize, look: &dyn Look, files: &mut Vec<PathBuf>) {
    for entry in look.list(folder) {
        let name = entry.path.file_name().map(|name| name.to_string_lossy().into_owned());
        let name = name.unwrap_or_default();
        if name.starts_with('.') {
            continue;
        }
        if entry.is_folder {
            if depth > 0 {
                search(&entry.path, depth - 1, look, files);
            }
        } else if is_stack_name(&name) && is_stack(&entry.path, look) {
            files.push(entry.path);
        }
    }
}

/// Overlays are parts of a stack and make no sense alone.
fn is_stack_name(name: &str) -> bool {
    let stem = name.strip_suffix(".yml").or_else(|| name.strip_suffix(".yaml"));
    stem.is_some_and(|stem| !stem.ends_with(".overlay") && stem != "overlay")
}

/// Whether a file begins as a stack file does; what cannot be read is one that tells so.
fn is_stack(path: &Path, look: &dyn Look) -> bool {
    match look.read(path, SNIFFED_MAX) {
        Ok(bytes) => looks_like_stack(&String::from_utf8_lossy(&bytes)),
        Err(ReadError::NotAFile(_) | ReadError::NotFound) => false,
        Err(_) => true,
    }
}

/// A stack file has `stack:`, or `services:` as a list; Compose has them as a mapping.
fn looks_like_stack(text: &str) -> bool {
    let mut lines = text.lines();
    while let Some(line) = lines.next() {
        if line.starts_with("stack:") {
            return true;
        }
        if let Some(rest) = line.strip_prefix("services:") {
            let rest = rest.trim();
            let says = |line: &&str| {
                let line = line.trim();
                !line.is_empty() && !line.starts_with('#')
            };
            let next = lines.clone().find(says);
            let is_list = |text: &str| text.trim_start().starts_with(['-', '[']);
            let found = if rest.is_empty() || rest.starts_with('#') { next } else { Some(rest) };
            if found.is_some_and(is_list) {
                return true;
            }
        }
    }
    false
}

/// What is wrong with the part that was asked for. Without a stack that could be read, nothing is
/// known about its groups and services.
pub fn unknown(part: Part<'_>, stacks: &[Checked]) -> Option<String> {
    let services = || stacks.iter().flat_map(|stack| stack.stack().services.iter());
    let groups = services().flat_map(|service| service.groups.iter().map(|group| group.as_str()));
    let names = services().map(|service| service.name.as_str());
    let group = stranger(part.groups, groups.collect());
    let group = group.map(|name| format!("no service belongs to group {name}"));
    let service = || {
        let name = stranger(part.services, names.collect())?;
        Some(format!("there is no service {name}"))
    };
    group.or_else(service).filter(|_| !stacks.is_empty())
}

/// The first name that is not known, with the nearest one that is.
fn stranger(wanted: &[String], known: BTreeSet<&str>) -> Option<String> {
    let unknown = wanted.iter().find(|name| !known.contains(name.as_str()))?;
    let near = nearest(unknown, known);
    let near = near.map(|near| format!(", did you mean `{near}`?")).unwrap_or_default();
    Some(format!("`{unknown}`{near}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::memory::Memory;

    #[test]
    fn stack_files_are_told_from_others() {
        for (text, expected) in [
            ("stack:\n  name: a\n", true),
            ("# c\nservices:\n\n  # x\n  - name: a\n", true),
            ("services: [{name: a}]\n", true),
            ("services:\n  web:\n    image: x\n", false),
            ("scrape_configs: []\n", false),
            ("", false),
        ] {
            assert_eq!(looks_like_stack(text), expected, "{text}");
        }
    }

    #[test]
    fn names_are_looked_up_in_stacks() {
        let look = Memory::with([("stacks/a.yml", ""), ("stacks/b/stack.yaml", ""), ("c", "")]);
        for (name, expected) in [
            ("a", "stacks/a.yml"),
            ("b", "stacks/b/stack.yaml"),
            ("c", "c"),
            ("none", "none"),
            ("x/y.yml", "x/y.yml"),
        ] {
            assert_eq!(named(Path::new(name), &look), Path::new(expected));
        }
    }
}
