//! The links by which Quadlet and systemd find the units of a stack; all lead through the one link
//! that is switched.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::host::change::{Entry, Fault, Files};
use crate::state::{FileSet, Places, Store};
use crate::unit_file::facts::Facts;

/// The links that a set of files needs, with where each leads.
pub fn links(places: &Places, store: &Store<'_>, stack: &str, set: &FileSet) -> Links {
    let current = places.inside(&store.current_link());
    let mut links = BTreeMap::new();
    if !set.units.is_empty() {
        links.insert(places.quadlet.join(stack), current.join("units"));
    }
    for (name, text) in &set.plain {
        let unit = places.units.join(name);
        for target in Facts::of(name, text).wanted_by {
            let wants = places.units.join(format!("{target}.wants"));
            links.insert(wants.join(name), places.inside(&unit));
        }
        links.insert(unit, current.join("plain").join(name));
    }
    links
}

/// Links, with where each leads.
pub type Links = BTreeMap<PathBuf, PathBuf>;

/// What stands in the place of a link and leads elsewhere than into the folder of our stack.
pub fn strangers(files: &dyn Files, links: &Links, folder: &Path) -> Result<Vec<PathBuf>, Fault> {
    let mut strangers = Vec::new();
    for (path, target) in links {
        match files.entry(path)? {
            None => {}
            Some(Entry::Link(found)) if found == *target || found.starts_with(folder) => {}
            Some(_) => strangers.push(path.clone()),
        }
    }
    Ok(strangers)
}

/// Makes the links that are missing. They lead nowhere as long as the unit is not in use, which
/// nobody minds.
pub fn make(files: &dyn Files, links: &Links) -> Result<(), Fault> {
    for (path, target) in links {
        if files.entry(path)? == Some(Entry::Link(target.clone())) {
            continue;
        }
        if let Some(folder) = path.parent() {
            files.make_folder(folder)?;
        }
        files.link(path, target)?;
    }
    Ok(())
}

/// Takes the links away that are no longer needed, if they are still as they were made.
pub fn remove(files: &dyn Files, old: &Links, kept: &Links) -> Result<(), Fault> {
    for (path, target) in old.iter().filter(|(path, _)| !kept.contains_key(*path)) {
        if files.entry(path)? == Some(Entry::Link(target.clone())) {
            files.remove(path)?;
        }
    }
    Ok(())
}
