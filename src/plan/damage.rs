//! What somebody changed by hand of what a unit was installed with.

use std::path::Path;

use super::Scene;
use crate::unit_file::facts::Facts;

impl Scene<'_> {
    /// The file of a unit, or one that it mounts, that somebody changed after it was installed.
    pub(super) fn damaged(&self, facts: &Facts) -> Option<&Path> {
        let from = self.request.from?;
        let text = from.set.all_units().find(|(file, _)| *file == facts.file).map(|(_, text)| text);
        let paths = from.damage.iter().map(|damage| damage.path.as_path());
        let mut paths = paths.filter(|path| {
            let is_unit = path.file_name().is_some_and(|name| name == facts.file.as_str());
            is_unit || text.zip(mounted(path)).is_some_and(|(text, part)| text.contains(&part))
        });
        paths.next()
    }
}

/// The part of a unit's text that names a configuration file, which stands by its content.
fn mounted(path: &Path) -> Option<String> {
    let folder = path.parent()?;
    let is_kept = folder.parent()?.file_name()? == "files";
    is_kept.then(|| Some(format!("/files/{}/", folder.file_name()?.to_str()?))).flatten()
}
