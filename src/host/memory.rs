//! A disk in memory, for tests, benchmarks and fuzzing.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use super::{Listed, Look, ReadError};

/// Files by their paths.
#[derive(Debug, Clone, Default)]
pub struct Memory {
    /// The contents.
    pub files: BTreeMap<PathBuf, Vec<u8>>,
}

impl Memory {
    /// A disk with these files.
    pub fn with<'a>(files: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let files = files.into_iter().map(|(path, text)| (path.into(), text.into()));
        Self { files: files.collect() }
    }
}

impl Look for Memory {
    fn read(&self, path: &Path, limit: u64) -> Result<Vec<u8>, ReadError> {
        let bytes = self.files.get(&self.identity(path)).ok_or(ReadError::NotFound)?;
        match bytes.len() as u64 > limit {
            true => Err(ReadError::TooLarge(limit)),
            false => Ok(bytes.clone()),
        }
    }

    fn read_inside(&self, folder: &Path, path: &Path, limit: u64) -> Result<Vec<u8>, ReadError> {
        let path = self.identity(&folder.join(path));
        match path.starts_with(self.identity(folder)) {
            true => self.read(&path, limit),
            false => Err(ReadError::Outside),
        }
    }

    fn list(&self, folder: &Path) -> Vec<Listed> {
        let inside = |path: &PathBuf| {
            let rest = path.strip_prefix(folder).ok()?;
            let mut parts = rest.components();
            let first = folder.join(parts.next()?);
            Some(Listed { path: first, is_folder: parts.next().is_some() })
        };
        let mut listed: Vec<Listed> = self.files.keys().filter_map(inside).collect();
        listed.sort();
        listed.dedup();
        listed
    }

    fn identity(&self, path: &Path) -> PathBuf {
        let mut plain = PathBuf::new();
        for part in path.components() {
            match part {
                Component::CurDir => {}
                Component::ParentDir => {
                    plain.pop();
                }
                part => plain.push(part),
            }
        }
        plain
    }
}
