//! The files of a stack: as its stack file would have them, as they were installed, as they are.

use std::collections::{BTreeMap, BTreeSet};

use super::{Item, Layer, Remedy, Request, State, name_of};
use crate::plan::difference;
use crate::state::FileSet;
use crate::unit_file::facts::Facts;

/// What the stack file says, against what is installed.
pub fn wanted(request: &Request<'_>) -> Vec<Item> {
    if !request.strange.is_empty() {
        return vec![unknown(request)];
    }
    let Some(wanted) = request.wanted else { return vec![gone(request)] };
    let empty = FileSet::default();
    let known = request.installed.map_or(&empty, |one| &one.set);
    let texts = |set: &FileSet| -> BTreeMap<String, String> {
        set.all_units().map(|(name, text)| (name.to_owned(), text.to_owned())).collect()
    };
    let (mut old, new) = (texts(known), texts(wanted));
    let damage = request.installed.map_or(&[][..], |one| &one.damage);
    // What was changed by hand says nothing about what the stack file said.
    let damaged: BTreeSet<String> = damage.iter().map(|damage| name_of(&damage.path)).collect();
    old.retain(|name, _| !damaged.contains(name));
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let names = names.into_iter().filter(|name| !damaged.contains(*name));
    let compare = |name: &String| {
        let (state, wanted, actual, meaning) = match (old.get(name), new.get(name)) {
            (None, Some(_)) => {
                let meaning = "the stack file has it and it was never applied";
                (State::Drift, "installed", "missing".to_owned(), meaning)
            }
            (Some(_), None) => {
                let meaning = "the stack file no longer has it";
                (State::Drift, "removed", "installed".to_owned(), meaning)
            }
            (Some(old), Some(new)) if old != new => {
                let same = Facts::of(name, old).digest == Facts::of(name, new).digest;
                let (state, meaning) = match same {
                    true => (State::Warning, "only its description differs, nothing restarts"),
                    false => (State::Drift, "the stack file changed since it was applied"),
                };
                let text = difference::unified(name, old, new);
                (state, "as the stack file says", text, meaning)
            }
            _ => return None,
        };
        let item = request.item(Layer::Files, name, "unit", (wanted, actual), meaning);
        Some(Item { state, ..item })
    };
    names.filter_map(compare).collect()
}

fn gone(request: &Request<'_>) -> Item {
    Item {
        subject: request.stack.to_owned(),
        aspect: "stack file".to_owned(),
        layer: Layer::Files,
        state: State::Warning,
        wanted: request.origin.display().to_string(),
        actual: "it is gone".to_owned(),
        meaning: "the stack goes on as it was applied last".to_owned(),
        mend: format!("bring the file back, or run `stackwright remove {}`", request.stack),
        since: None,
        remedy: Remedy::Nothing,
    }
}

fn unknown(request: &Request<'_>) -> Item {
    Item {
        subject: request.stack.to_owned(),
        aspect: "variables".to_owned(),
        layer: Layer::Files,
        state: State::Warning,
        wanted: "as they were when it was applied".to_owned(),
        actual: format!("{} not set here, or to another value", request.strange.join(", ")),
        meaning: "what its file says here is not what was meant, so the two are not compared"
            .to_owned(),
        mend: "set them, say `--env-file`, or name the stack file to have it read as it is here"
            .to_owned(),
        since: None,
        remedy: Remedy::Nothing,
    }
}

/// What was installed, against what is there.
pub fn installed(request: &Request<'_>) -> Vec<Item> {
    let item = |path: &std::path::Path, aspect: &str, wanted: &str, actual: &str, remedy| {
        let meaning = match aspect {
            "link" => format!("systemd does not find the units through {}", path.display()),
            _ => format!("{} is not what was installed", path.display()),
        };
        let (subject, sides) = (name_of(path), (wanted, actual));
        let item = request.item(Layer::Installed, &subject, aspect, sides, &meaning);
        Item { remedy, ..item }
    };
    let damage = request.installed.map_or(&[][..], |one| &one.damage).iter().map(|damage| {
        let wanted = "as it was applied";
        item(&damage.path, "installed file", wanted, damage.what, Remedy::Nothing)
    });
    let links = request.lost_links.iter().map(|path| {
        let (wanted, actual) = ("a link to the generation in use", "it is gone or leads elsewhere");
        item(path, "link", wanted, actual, Remedy::Links)
    });
    damage.chain(links).collect()
}
