//! The links by which Quadlet and systemd find the units of a stack; all lead through the one link
//! that is switched.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::host::change::{Entry, Fault, Files};
use crate::state::{FileSet, Places, Store};
use crate::unit_file::facts::Facts;

/// The links that a set of files needs, with where each leads.
pub fn links(places: &Places, store: &Store<'_>, stack: &str, set: &FileSet) -> Links {
    let current = store.current_link();
    let mut links = BTreeMap::new();
    if !set.units.is_empty() {
        links.insert(places.quadlet.join(stack), current.join("units"));
    }
    for (name, text) in &set.plain {
        let unit = places.units.join(name);
        for target in Facts::of(name, text).wanted_by {
            let wants = places.units.join(format!("{target}.wants"));
            links.insert(wants.join(name), unit.clone());
        }
        links.insert(unit, current.join("plain").join(name));
    }
    links
}

/// Links, with where each leads.
pub type Links = BTreeMap<PathBuf, PathBuf>;

/// What stands in the place of a link and is not ours.
pub fn strangers(
    files: &dyn Files,
    links: &Links,
    store: &Store<'_>,
) -> Result<Vec<PathBuf>, Fault> {
    let mut strangers = Vec::new();
    for (path, target) in links {
        match files.entry(path)? {
            None => {}
            Some(Entry::Link(found)) if found == *target || leads_into(&found, store) => {}
            Some(_) => strangers.push(path.clone()),
        }
    }
    Ok(strangers)
}

fn leads_into(target: &Path, store: &Store<'_>) -> bool {
    target.starts_with(store.folder())
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
