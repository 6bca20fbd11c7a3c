//! Writing a generation that was written before, for whoever goes on with what was cut short.

use std::path::Path;

use super::{MANIFEST, Store};
use crate::host::change::Fault;
use crate::state::{FileSet, GenerationName, Manifest};

impl Store<'_> {
    /// Writes a generation once more that is neither named nor staged whole: what puts a stack back
    /// takes it away, and may have come to an end in the middle of that.
    pub fn stage_again(
        &self,
        name: &GenerationName,
        set: &FileSet,
        manifest: &Manifest,
    ) -> Result<(), Fault> {
        match self.files.entry(&self.generation_folder(name))? {
            Some(_) => Ok(()),
            None if self.is_staged(set, manifest, name)? => self.put_files(set),
            None => self.write(set, manifest, name),
        }
    }

    fn is_staged(
        &self,
        set: &FileSet,
        manifest: &Manifest,
        name: &GenerationName,
    ) -> Result<bool, Fault> {
        let folder = self.staged_folder(name);
        let is_same = |path: &Path, text: &str| -> Result<bool, Fault> {
            Ok(self.files.read(&folder.join(path))?.is_some_and(|known| known == text.as_bytes()))
        };
        for (kind, texts) in [("units", &set.units), ("plain", &set.plain)] {
            for (file, text) in texts {
                if !is_same(&Path::new(kind).join(file), text)? {
                    return Ok(false);
                }
            }
        }
        is_same(Path::new(MANIFEST), &manifest.text())
    }
}
