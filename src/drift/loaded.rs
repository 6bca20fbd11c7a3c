//! What is installed, against what systemd has loaded.

use std::path::Path;

use super::{Item, Layer, Remedy, Request, State, name_of};
use crate::host::units::UnitState;
use crate::unit_file::facts::Facts;

/// The differences of one unit.
pub fn loaded(request: &Request<'_>, facts: &Facts) -> Vec<Item> {
    let Some(state) = request.states.get(&facts.service) else { return Vec::new() };
    let mut items = Vec::new();
    if state.is_masked {
        items.push(masked(request, facts, state));
    } else if !state.is_loaded {
        let meaning = "systemd cannot start it again";
        let wanted = "loaded".to_owned();
        let item = item(request, facts, "unit", wanted, "not known to systemd".to_owned(), meaning);
        items.push(Item { remedy: Remedy::Reload, ..item });
    } else {
        let origin = origin(request, facts, state);
        let details = request.details.get(&facts.service);
        if origin.is_none() && details.is_some_and(|details| details.is_outdated) {
            let (wanted, actual) = ("as on the disk", "read before files of it changed");
            let meaning = "its files or those beside it changed, and systemd was not told";
            let (wanted, actual) = (wanted.to_owned(), actual.to_owned());
            let item = item(request, facts, "reload", wanted, actual, meaning);
            items.push(Item { remedy: Remedy::Reload, ..item });
        }
        items.extend(origin);
    }
    let own = state.drop_ins.iter().filter(|path| is_of_this_unit(path, facts));
    let beside = request.drop_ins.iter().filter(|(file, _)| *file == facts.file);
    items.extend(own.chain(beside.map(|(_, path)| path)).map(|path| {
        let (wanted, actual) = ("no changes".to_owned(), path.display().to_string());
        let item = item(request, facts, "drop-in", wanted, actual, "a file beside it changes it");
        let mend = format!("take {} away, or say it in the stack file", path.display());
        Item { state: State::Warning, mend, ..item }
    }));
    items
}

fn item(
    request: &Request<'_>,
    facts: &Facts,
    aspect: &str,
    wanted: String,
    actual: String,
    meaning: &str,
) -> Item {
    request.item(Layer::Loaded, &facts.service, aspect, (wanted, actual), meaning)
}

/// A mask in the folder of units can be taken away; one that is gone after the next start of the
/// machine, or that somebody else made, is theirs.
fn masked(request: &Request<'_>, facts: &Facts, state: &UnitState) -> Item {
    let (wanted, actual) = ("free to start".to_owned(), "masked".to_owned());
    let item = item(request, facts, "masked", wanted, actual, "systemd will never start it");
    let own = request.units.join(&facts.service);
    match state.fragment.as_ref().is_none_or(|path| *path == own) {
        true => Item { remedy: Remedy::Unmask(own), ..item },
        false => {
            Item { mend: request.systemctl(&format!("unmask --runtime {}", facts.service)), ..item }
        }
    }
}

/// Whether it was made from the file that is installed.
fn origin(request: &Request<'_>, facts: &Facts, state: &UnitState) -> Option<Item> {
    let folder = request.installed.map(|one| one.name.to_string()).unwrap_or_default();
    if !facts.is_quadlet() || state.comes_from(&folder) {
        return None;
    }
    let from = format!("from generation {folder}");
    if let Some(source) = &state.source {
        let actual = source.display().to_string();
        let meaning = "systemd has another text than the one that is installed";
        let item = item(request, facts, "source", from, actual, meaning);
        return Some(Item { remedy: Remedy::Reload, ..item });
    }
    let path = state.fragment.as_ref()?;
    let meaning = "a unit of this name goes before the one that is installed";
    let item = item(request, facts, "override", from, path.display().to_string(), meaning);
    let reload = request.systemctl("daemon-reload");
    let path = path.to_string_lossy();
    let path = shlex::try_quote(&path).unwrap_or_default();
    let mend = format!("move {path} away, and run `{reload}`");
    Some(Item { mend, ..item })
}

/// Drop-ins for all units of a kind are the host's own matter.
fn is_of_this_unit(path: &Path, facts: &Facts) -> bool {
    let folder = path.parent().map(name_of).unwrap_or_default();
    folder == format!("{}.d", facts.service) || folder == format!("{}.d", facts.file)
}
