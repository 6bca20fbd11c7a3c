//! What differs between what a stack file says, what is installed, what systemd has loaded, and
//! what runs; told with what it means and what would mend it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::Serialize;

use crate::host::containers::{Image, Inspected, Owned};
use crate::host::units::{Active, UnitState};
use crate::plan::{difference, facts};
use crate::state::{FileSet, Generation};
use crate::unit_file::facts::Facts;
use moment::moment;

mod call;
mod moment;

/// What is known about one stack.
pub struct Request<'r> {
    /// The stack.
    pub stack: &'r str,
    /// What its file would generate now; nothing where there is no file any more.
    pub wanted: Option<&'r FileSet>,
    /// What is installed.
    pub installed: Option<&'r Generation>,
    /// Links that should be there and are not, or lead elsewhere.
    pub lost_links: &'r [PathBuf],
    /// The states of its services.
    pub states: &'r BTreeMap<String, UnitState>,
    /// The calls by which systemd starts them.
    pub calls: &'r BTreeMap<String, Vec<String>>,
    /// Its containers, and those that have their names.
    pub containers: &'r [Inspected],
    /// The images that are there.
    pub images: &'r [Image],
    /// The networks of Podman.
    pub networks: &'r [Owned],
    /// The volumes of Podman.
    pub volumes: &'r [Owned],
    /// The secrets of Podman.
    pub secrets: &'r [Owned],
    /// Which layers are looked at.
    pub layers: &'r [Layer],
}

/// Between which two things something differs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Layer {
    /// The stack file and what is installed.
    Files,
    /// What was installed and what is there now.
    Installed,
    /// What is installed and what systemd has loaded.
    Loaded,
    /// What systemd has loaded and what runs.
    Running,
}

/// How something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// As it should be.
    Match,
    /// Worth a look.
    Warning,
    /// Not as it should be.
    Drift,
}

/// One difference.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
pub struct Item {
    /// What it is about: a unit, a container, a network.
    pub subject: String,
    /// What of it, such as `environment`.
    pub aspect: String,
    /// Between which two things.
    pub layer: Layer,
    /// How bad it is.
    pub state: State,
    /// How it should be.
    pub wanted: String,
    /// How it is.
    pub actual: String,
    /// What that means.
    pub meaning: String,
    /// What would mend it.
    pub mend: String,
    /// Since when, where the host knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
}

/// What is to be said about one stack.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct StackDrift {
    /// Its name.
    pub stack: String,
    /// The worst of its items.
    pub state: State,
    /// What differs; none where all is as it should be.
    pub items: Vec<Item>,
}

/// Compares the layers of one stack.
pub fn drift(request: &Request<'_>) -> StackDrift {
    let mut items = Vec::new();
    let looked = |layer| request.layers.contains(&layer);
    if looked(Layer::Files) {
        items.extend(files(request));
    }
    if looked(Layer::Installed) {
        items.extend(installed(request));
    }
    let facts = request.installed.map(|one| facts(&one.set)).unwrap_or_default();
    if looked(Layer::Loaded) {
        items.extend(facts.values().flat_map(|facts| loaded(request, facts)));
    }
    if looked(Layer::Running) {
        items.extend(facts.values().flat_map(|facts| running(request, facts)));
    }
    items.sort();
    items.dedup();
    let state = items.iter().map(|item| item.state).max().unwrap_or(State::Match);
    StackDrift { stack: request.stack.to_owned(), state, items }
}

/// How to bring all back.
fn reconcile(request: &Request<'_>) -> String {
    format!("stackwright apply {}", request.stack)
}

fn files(request: &Request<'_>) -> Vec<Item> {
    let Some(wanted) = request.wanted else {
        let item = Item {
            subject: request.stack.to_owned(),
            aspect: "stack file".to_owned(),
            layer: Layer::Files,
            state: State::Warning,
            wanted: "a stack file".to_owned(),
            actual: "it is gone".to_owned(),
            meaning: "the stack goes on as it was applied last".to_owned(),
            mend: format!("bring the file back, or run `stackwright remove {}`", request.stack),
            since: None,
        };
        return vec![item];
    };
    let empty = FileSet::default();
    let known = request.installed.map_or(&empty, |one| &one.set);
    let texts = |set: &FileSet| -> BTreeMap<String, String> {
        set.all_units().map(|(name, text)| (name.to_owned(), text.to_owned())).collect()
    };
    let (old, new) = (texts(known), texts(wanted));
    let names: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
    let item = |name: &String, state, wanted: &str, actual: String, meaning: &str| Item {
        subject: name.clone(),
        aspect: "unit".to_owned(),
        layer: Layer::Files,
        state,
        wanted: wanted.to_owned(),
        actual,
        meaning: meaning.to_owned(),
        mend: reconcile(request),
        since: None,
    };
    let compare = |name: &String| match (old.get(name), new.get(name)) {
        (None, Some(_)) => Some(item(
            name,
            State::Drift,
            "installed",
            "missing".to_owned(),
            "the stack file has it and it was never applied",
        )),
        (Some(_), None) => Some(item(
            name,
            State::Drift,
            "removed",
            "installed".to_owned(),
            "the stack file no longer has it",
        )),
        (Some(old), Some(new)) if old != new => {
            let same = Facts::of(name, old).digest == Facts::of(name, new).digest;
            let (state, meaning) = match same {
                true => (State::Warning, "only its description differs, nothing would restart"),
                false => (State::Drift, "the stack file changed since it was applied"),
            };
            let text = difference::unified(name, old, new);
            Some(item(name, state, "as the stack file says", text, meaning))
        }
        _ => None,
    };
    names.into_iter().filter_map(compare).collect()
}

fn installed(request: &Request<'_>) -> Vec<Item> {
    let mend = reconcile(request);
    let damage = request.installed.map_or(&[][..], |one| &one.damage).iter().map(|damage| Item {
        subject: name_of(&damage.path),
        aspect: "installed file".to_owned(),
        layer: Layer::Installed,
        state: State::Drift,
        wanted: "as it was applied".to_owned(),
        actual: damage.what.to_owned(),
        meaning: format!("{} is not what was installed", damage.path.display()),
        mend: mend.clone(),
        since: None,
    });
    let links = request.lost_links.iter().map(|path| Item {
        subject: name_of(path),
        aspect: "link".to_owned(),
        layer: Layer::Installed,
        state: State::Drift,
        wanted: "a link to the generation in use".to_owned(),
        actual: "it is gone or leads elsewhere".to_owned(),
        meaning: format!("systemd does not find the units through {}", path.display()),
        mend: mend.clone(),
        since: None,
    });
    damage.chain(links).collect()
}

fn name_of(path: &std::path::Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn loaded(request: &Request<'_>, facts: &Facts) -> Vec<Item> {
    let Some(state) = request.states.get(&facts.service) else { return Vec::new() };
    let folder = request.installed.map(|one| one.name.to_string()).unwrap_or_default();
    let item = |aspect: &str, wanted: String, actual: String, meaning: &str, mend: String| Item {
        subject: facts.service.clone(),
        aspect: aspect.to_owned(),
        layer: Layer::Loaded,
        state: State::Drift,
        wanted,
        actual,
        meaning: meaning.to_owned(),
        mend,
        since: None,
    };
    let mut items = Vec::new();
    if state.is_masked {
        let mend = format!("systemctl --user unmask {}", facts.service);
        let (wanted, actual) = ("free to start".to_owned(), "masked".to_owned());
        items.push(item("masked", wanted, actual, "systemd will never start it", mend));
    } else if !state.is_loaded {
        let (wanted, actual) = ("loaded".to_owned(), "not known to systemd".to_owned());
        let meaning = "systemd cannot start it again";
        items.push(item("unit", wanted, actual, meaning, reconcile(request)));
    } else if let Some(source) = state.source.as_ref().filter(|_| facts.is_quadlet())
        && !state.comes_from(&folder)
    {
        let (wanted, actual) = (format!("from generation {folder}"), source.display().to_string());
        let meaning = "systemd has another text than the one that is installed";
        items.push(item("source", wanted, actual, meaning, reconcile(request)));
    }
    for path in state.drop_ins.iter().filter(|path| is_of_this_unit(path, facts)) {
        let (wanted, actual) = ("no changes".to_owned(), path.display().to_string());
        let meaning = "a file beside the unit changes it";
        let mend = format!("take {} away, or say it in the stack file", path.display());
        items
            .push(Item { state: State::Warning, ..item("drop-in", wanted, actual, meaning, mend) });
    }
    items
}

/// Drop-ins for all units of a kind are the host's own matter.
fn is_of_this_unit(path: &std::path::Path, facts: &Facts) -> bool {
    let folder = path.parent().map(name_of).unwrap_or_default();
    folder == format!("{}.d", facts.service) || folder == format!("{}.d", facts.file)
}

fn running(request: &Request<'_>, facts: &Facts) -> Vec<Item> {
    let mut items = Vec::new();
    let state = request.states.get(&facts.service);
    let item = |aspect: &str, wanted: &str, actual: String, meaning: &str| Item {
        subject: facts.service.clone(),
        aspect: aspect.to_owned(),
        layer: Layer::Running,
        state: State::Drift,
        wanted: wanted.to_owned(),
        actual,
        meaning: meaning.to_owned(),
        mend: reconcile(request),
        since: None,
    };
    if let Some(state) = state {
        let is_down = !state.runs();
        if facts.starts_by_itself() && is_down {
            let actual = format!("{:?} ({})", state.active, state.result).to_lowercase();
            items.push(item("state", "active", actual, "the service does not run"));
        }
        if state.restarts > 0 {
            let actual = state.restarts.to_string();
            let meaning = "it ended and was started again by itself";
            items.push(Item { state: State::Warning, ..item("restarts", "0", actual, meaning) });
        }
    }
    let named = facts.name.as_deref();
    match facts.file.rsplit('.').next() {
        Some("container") => {
            let container = request.containers.iter().find(|one| Some(one.name.as_str()) == named);
            let runs = state.is_some_and(|state| state.active == Active::Active);
            match container {
                Some(container) => items.extend(of_container(request, facts, container)),
                None if runs && facts.starts_by_itself() && !is_job(state) => {
                    let meaning = "systemd takes the service for running without its container";
                    items.push(item("container", "there", "missing".to_owned(), meaning));
                }
                None => {}
            }
        }
        Some("network") => {
            let used = state.is_some_and(|state| state.active == Active::Active);
            items.extend(owned(request, facts, request.networks, "network", used));
        }
        Some("volume") => {
            let used = state.is_some_and(|state| state.active == Active::Active);
            items.extend(owned(request, facts, request.volumes, "volume", used));
        }
        _ => {}
    }
    items
}

/// A job that ended well leaves no container behind.
fn is_job(state: Option<&UnitState>) -> bool {
    state.is_some_and(|state| state.sub == "exited")
}

fn owned(
    request: &Request<'_>,
    facts: &Facts,
    known: &[Owned],
    kind: &str,
    is_used: bool,
) -> Option<Item> {
    let name = facts.name.clone()?;
    let there = known.iter().find(|one| one.name == name);
    let item = |aspect: &str, wanted: &str, actual: &str, meaning: &str| Item {
        subject: name.clone(),
        aspect: aspect.to_owned(),
        layer: Layer::Running,
        state: State::Drift,
        wanted: wanted.to_owned(),
        actual: actual.to_owned(),
        meaning: meaning.to_owned(),
        mend: reconcile(request),
        since: None,
    };
    match there {
        None if is_used => Some(item(kind, "there", "missing", "what uses it cannot start again")),
        Some(one) => {
            let label = crate::plan::STACK_LABEL;
            let owner = one.labels.get(label).map_or("nobody", String::as_str);
            (owner != request.stack).then(|| {
                item("owner", request.stack, owner, "it was made by something else than the stack")
            })
        }
        None => None,
    }
}

fn of_container(request: &Request<'_>, facts: &Facts, container: &Inspected) -> Vec<Item> {
    let since = Some(container.created.clone()).filter(|since| !since.is_empty());
    let item = |aspect: &str, wanted: String, actual: String, meaning: &str| Item {
        subject: container.name.clone(),
        aspect: aspect.to_owned(),
        layer: Layer::Running,
        state: State::Drift,
        wanted,
        actual,
        meaning: meaning.to_owned(),
        mend: reconcile(request),
        since: since.clone(),
    };
    let mut items = Vec::new();
    let command = request.calls.get(&facts.service).map_or(&[][..], Vec::as_slice);
    for (aspect, wanted, actual) in call::differences(command, &container.command) {
        let meaning = "the container was not started as its unit says";
        items.push(item(aspect, wanted, actual, meaning));
    }
    if matches!(container.status.as_str(), "paused" | "exited" | "created" | "stopped") {
        let meaning = "the container does not run";
        items.push(item("state", "running".to_owned(), container.status.clone(), meaning));
    }
    if container.health.as_deref() == Some("unhealthy") {
        let meaning = "its own health check fails";
        items.push(item("health", "healthy".to_owned(), "unhealthy".to_owned(), meaning));
    }
    let wanted = facts.image.as_ref();
    let present = wanted.and_then(|name| request.images.iter().find(|one| one.has_name(name)));
    if let Some(image) = present.filter(|image| short(&image.id) != short(&container.image_id)) {
        let meaning = "the name of the image stands for another one now";
        let (wanted, actual) = (short(&image.id), short(&container.image_id));
        items.push(item("image", wanted, actual, meaning));
    }
    items.extend(call::limits(&container.command, container).into_iter().map(
        |(aspect, wanted, actual)| {
            item(aspect, wanted, actual, "it was changed while the container ran")
        },
    ));
    for secret in request.secrets.iter().filter(|one| facts.secrets.contains(&one.name)) {
        let changed = secret.version.split_once(' ').and_then(|(_, when)| moment(when));
        if changed.is_some_and(|changed| moment(&container.created).is_some_and(|it| it < changed))
        {
            let (wanted, actual) = (format!("{} of now", secret.name), "an older one".to_owned());
            let meaning = "the secret changed after the container was started";
            items.push(item("secret", wanted, actual, meaning));
        }
    }
    items
}

fn short(id: &str) -> String {
    id.trim_start_matches("sha256:").chars().take(12).collect()
}
