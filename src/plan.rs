//! What has to be done to a host so that it runs other files than now, as plain data.
//!
//! A plan is made from files and from what is seen on the host, never from a stack: applying,
//! taking back, repairing and removing are the same call with other arguments.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::host::containers::{Container, Image, Owned, Stock};
use crate::host::units::UnitState;
use crate::state::{Action, FileSet, Generation, GenerationName, Settings};
use crate::unit_file::facts::Facts;

pub use drifted::Drifted;

mod damage;
pub mod difference;
mod drifted;
mod images;
pub mod order;
pub mod pin;

/// The label of a container that tells its stack.
pub const STACK_LABEL: &str = "stackwright.stack";
/// The label of a container that tells what its unit said when it was started.
pub const DIGEST_LABEL: &str = "stackwright.digest";

/// What is wanted, and what is there.
pub struct Request<'r> {
    /// What is done.
    pub action: Action,
    /// The stack.
    pub stack: &'r str,
    /// What is installed.
    pub from: Option<&'r Generation>,
    /// What is to be installed; nothing where all goes.
    pub to: Option<(&'r FileSet, &'r Settings)>,
    /// The name of what is to be installed, where it is installed in part or was before.
    pub to_name: Option<&'r GenerationName>,
    /// What is seen on the host.
    pub observed: &'r Observed,
    /// Secrets of Podman that have or will have another value than the services know.
    pub rotated: &'r BTreeSet<String>,
}

/// What is seen on the host.
#[derive(Debug, Clone, Default)]
pub struct Observed {
    /// The state of every service of either side, by name.
    pub states: BTreeMap<String, UnitState>,
    /// The containers of the stack.
    pub containers: Vec<Container>,
    /// All other containers.
    pub strangers: Vec<Container>,
    /// The images that are there.
    pub images: Vec<Image>,
    /// The networks of Podman that are there, by name.
    pub networks: BTreeMap<String, Owned>,
    /// What is to be brought back.
    pub drifted: Drifted,
}

impl Observed {
    /// What Podman has of it.
    pub fn stock(&self) -> Stock {
        let (containers, images) = (self.containers.clone(), self.images.clone());
        Stock { containers, images, networks: self.networks.values().cloned().collect() }
    }
}

/// What will be done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// Of this format.
    pub version: u32,
    /// What is done.
    pub action: Action,
    /// The stack.
    pub stack: String,
    /// The generation that it starts from: another one in use makes the plan stale.
    pub from: Option<GenerationName>,
    /// The beginning of the digest of what is wanted; nothing where all goes.
    pub to: Option<String>,
    /// Whether files are written.
    pub installs: bool,
    /// Whether systemd must read its units anew.
    pub reloads: bool,
    /// What becomes of each unit, in the order of their names.
    pub units: Vec<UnitChange>,
    /// Images that are fetched first.
    pub pull: Vec<String>,
    /// Services that stop while the old units are still known.
    pub stop_first: Vec<String>,
    /// Services that stop when the new units are known.
    pub stop: Vec<String>,
    /// Networks of Podman that are taken away between stop and start: a definition that changed
    /// changes nothing of a network that is there.
    pub drop_networks: Vec<String>,
    /// Names that go back to the images that they stood for, which have lost them since.
    #[serde(default)]
    pub tags: BTreeMap<String, String>,
    /// Services that start, each when what it needs is up.
    pub start: Vec<String>,
    /// What somebody should know before it is done.
    pub notes: Vec<String>,
}

/// What becomes of a unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UnitChange {
    /// Its file.
    pub file: String,
    /// Its service.
    pub service: String,
    /// What becomes of its file.
    pub sign: Sign,
    /// What becomes of its service.
    pub effect: Effect,
    /// Why.
    pub why: String,
    /// How the file differs, as a unified difference.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub difference: Option<String>,
}

/// What becomes of the file of a unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Sign {
    /// It is new.
    Added,
    /// It changes.
    Changed,
    /// It goes.
    Removed,
    /// It stays.
    Same,
}

impl Sign {
    /// It as one character.
    pub fn symbol(self) -> char {
        match self {
            Self::Added => '+',
            Self::Changed => '~',
            Self::Removed => '-',
            Self::Same => '=',
        }
    }
}

/// What becomes of a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// It starts.
    Start,
    /// It stops and starts again.
    Restart,
    /// It stops.
    Stop,
    /// Nothing.
    Nothing,
}

/// The version of the format.
pub const VERSION: u32 = 1;

impl Plan {
    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        let services = [&self.stop_first, &self.stop, &self.start, &self.drop_networks, &self.pull];
        let is_idle = self.tags.is_empty() && services.iter().all(|list| list.is_empty());
        is_idle && !self.installs && !self.reloads
    }

    /// Leaves all services as they are: only files change.
    pub fn only_install(&mut self) {
        self.reloads = false;
        self.tags.clear();
        for list in [
            &mut self.pull,
            &mut self.stop_first,
            &mut self.stop,
            &mut self.drop_networks,
            &mut self.start,
        ] {
            list.clear();
        }
        for unit in &mut self.units {
            unit.effect = Effect::Nothing;
            if unit.sign == Sign::Same {
                unit.why.clear();
            }
        }
    }
}

/// The facts about all units of a set, by service.
pub fn facts(set: &FileSet) -> BTreeMap<String, Facts> {
    let units = set.all_units().map(|(file, text)| Facts::of(file, text));
    units.map(|facts| (facts.service.clone(), facts)).collect()
}

/// Makes the plan.
pub fn plan(request: &Request<'_>) -> Plan {
    let empty = FileSet::default();
    let old = facts(request.from.map_or(&empty, |from| &from.set));
    let new = facts(request.to.map_or(&empty, |(set, _)| set));
    let scene = Scene { request, old: &old, new: &new };
    let reasons = scene.reasons();
    let running = |service: &String| scene.runs(service);
    let stopped: BTreeSet<String> = reasons.keys().filter(|one| running(one)).cloned().collect();
    let drop_networks = scene.dropped_networks();
    let stop_first: BTreeSet<&String> =
        stopped.iter().filter(|service| scene.stops_first(service)).collect();
    let starts = |facts: &Facts| {
        let service = &facts.service;
        let is_wanted = facts.starts_by_itself() || stopped.contains(service);
        is_wanted && (stopped.contains(service) || !running(service))
    };
    let start: Vec<String> =
        new.values().filter(|facts| starts(facts)).map(|facts| facts.service.clone()).collect();
    let drifted = &request.observed.drifted;
    let damaged = request.from.is_some_and(|from| !from.damage.is_empty()) || drifted.links;
    let from = request.from.map(|from| from.name.clone());
    let installs = damaged || from.as_ref() != request.to_name || request.to_name.is_none();
    let installs = installs && (request.to.is_some() || request.from.is_some());
    let units = scene.changes(&reasons, &start);
    let tags = scene.tags();
    let mut notes = scene.notes(&drop_networks, &stopped);
    notes.extend(scene.image_notes(&tags));
    Plan {
        version: VERSION,
        action: request.action,
        stack: request.stack.to_owned(),
        to: request.to_name.map(|name| name.digest.clone()),
        installs,
        reloads: installs || scene.is_unread() || drifted.is_unread || !drifted.masks.is_empty(),
        pull: scene.missing_images(&tags),
        stop_first: stop_first.iter().map(|service| (*service).clone()).collect(),
        stop: stopped.iter().filter(|one| !stop_first.contains(one)).cloned().collect(),
        notes,
        drop_networks,
        tags,
        start,
        from,
        units,
    }
}

/// Both sides of a plan.
struct Scene<'s> {
    request: &'s Request<'s>,
    old: &'s BTreeMap<String, Facts>,
    new: &'s BTreeMap<String, Facts>,
}

impl Scene<'_> {
    fn state(&self, service: &str) -> Option<&UnitState> {
        self.request.observed.states.get(service)
    }

    fn runs(&self, service: &str) -> bool {
        self.state(service).is_some_and(UnitState::is_up)
    }

    /// The services that cannot go on as they are, with why.
    fn reasons(&self) -> BTreeMap<String, String> {
        let mut reasons = BTreeMap::new();
        for (service, old) in self.old {
            let why = match self.new.get(service) {
                None => Some("it is no longer part of the stack".to_owned()),
                Some(new) => self.reason(old, new),
            };
            if let Some(why) = why {
                reasons.insert(service.clone(), why);
            }
        }
        // What was started from another text than the one that is installed.
        for (service, new) in self.new {
            if !reasons.contains_key(service) && self.is_outdated(new) {
                reasons.insert(service.clone(), "its container is of another unit".to_owned());
            }
        }
        // systemd takes a network for there that was taken away behind its back.
        for (service, new) in self.new.iter().filter(|(_, new)| self.has_lost_network(new)) {
            let name = new.name.clone().unwrap_or_default();
            reasons.entry(service.clone()).or_insert(format!("the network {name} is gone"));
        }
        for (service, why) in &self.request.observed.drifted.services {
            if self.new.contains_key(service) && !reasons.contains_key(service) {
                reasons.insert(service.clone(), why.clone());
            }
        }
        let mut open: Vec<String> = reasons.keys().cloned().collect();
        while let Some(changed) = open.pop() {
            let dependents = self.old.values().chain(self.new.values());
            for facts in dependents.filter(|facts| facts.requires.contains(&changed)) {
                if !reasons.contains_key(&facts.service) {
                    let why = format!("it needs {changed}");
                    reasons.insert(facts.service.clone(), why);
                    open.push(facts.service.clone());
                }
            }
        }
        reasons
    }

    fn has_lost_network(&self, facts: &Facts) -> bool {
        let networks = &self.request.observed.networks;
        let is_gone = facts.name.as_ref().is_some_and(|name| !networks.contains_key(name));
        facts.file.ends_with(".network") && is_gone && self.runs(&facts.service)
    }

    fn reason(&self, old: &Facts, new: &Facts) -> Option<String> {
        if let Some(path) = self.damaged(old) {
            let name = path.file_name().unwrap_or_default().display();
            return Some(format!("{name} was changed by hand"));
        }
        // Podman changes nothing of a volume that is there.
        if old.file.ends_with(".volume") && old.name == new.name {
            return None;
        }
        if old.digest != new.digest {
            return Some("its unit changed".to_owned());
        }
        if self.has_other_image(new) {
            return Some("it runs another image than it did then".to_owned());
        }
        let mut rotated = new.secrets.intersection(self.request.rotated);
        rotated.next().map(|secret| format!("the secret {secret} has another value"))
    }

    /// Whether its container was made by a unit that said something else.
    fn is_outdated(&self, facts: &Facts) -> bool {
        let Some(name) = facts.name.as_ref().filter(|_| facts.file.ends_with(".container")) else {
            return false;
        };
        let containers = &self.request.observed.containers;
        let container = containers.iter().find(|one| one.name == *name && one.is_running);
        let digest = container.and_then(|container| container.labels.get(DIGEST_LABEL));
        digest.is_some_and(|digest| *digest != facts.digest)
    }

    /// A unit that goes, or that is called otherwise in Podman, can be ended in order only as long
    /// as systemd has its old text.
    fn stops_first(&self, service: &str) -> bool {
        match (self.old.get(service), self.new.get(service)) {
            (Some(old), Some(new)) => old.name != new.name,
            (Some(_), None) => true,
            _ => false,
        }
    }

    /// The networks that go or have another definition.
    fn dropped_networks(&self) -> Vec<String> {
        let networks = self.old.values().filter(|facts| facts.file.ends_with(".network"));
        let changed = networks.filter(|old| {
            let new = self.new.get(&old.service);
            let drifted = &self.request.observed.drifted.networks;
            new.is_none_or(|new| old.digest != new.digest || old.name != new.name)
                || old.name.as_ref().is_some_and(|name| drifted.contains(name))
        });
        let names = changed.filter_map(|facts| facts.name.clone());
        // One that was there before any unit spoke of it belongs to somebody else.
        let is_ours = |name: &String| {
            let network = self.request.observed.networks.get(name);
            let owner = network.and_then(|network| network.labels.get(STACK_LABEL));
            owner.is_some_and(|owner| owner == self.request.stack)
        };
        names.filter(is_ours).collect()
    }

    /// Whether systemd knows units otherwise than they are installed.
    fn is_unread(&self) -> bool {
        let Some(from) = self.request.from.filter(|_| self.request.to.is_some()) else {
            return false;
        };
        let folder = from.name.to_string();
        self.new
            .values()
            .filter(|facts| facts.is_quadlet())
            .any(|facts| !self.state(&facts.service).is_some_and(|state| state.comes_from(&folder)))
    }

    fn changes(&self, reasons: &BTreeMap<String, String>, start: &[String]) -> Vec<UnitChange> {
        let services: BTreeSet<&String> = self.old.keys().chain(self.new.keys()).collect();
        let texts = |set: Option<&FileSet>, file: &str| {
            set.and_then(|set| set.units.get(file).or_else(|| set.plain.get(file)).cloned())
        };
        let change = |service: &String| {
            let (old, new) = (self.old.get(service), self.new.get(service));
            let file = new.or(old).map(|facts| facts.file.clone()).unwrap_or_default();
            let before = texts(self.request.from.map(|from| &from.set), &file);
            let after = texts(self.request.to.map(|(set, _)| set), &file);
            let sign = match (&before, &after) {
                (None, _) => Sign::Added,
                (_, None) => Sign::Removed,
                (before, after) if before == after => Sign::Same,
                _ => Sign::Changed,
            };
            let (is_up, starts) = (self.runs(service), start.contains(service));
            let effect = match (is_up && reasons.contains_key(service), starts) {
                (true, true) => Effect::Restart,
                (true, false) => Effect::Stop,
                (false, true) => Effect::Start,
                (false, false) => Effect::Nothing,
            };
            let why = match (reasons.get(service), sign, effect) {
                (Some(why), ..) => why.clone(),
                (None, Sign::Added, _) if new.is_some_and(|new| self.damaged(new).is_some()) => {
                    "its installed file is gone".to_owned()
                }
                (None, Sign::Added, _) => "it is new".to_owned(),
                (None, Sign::Changed, _) if file.ends_with(".volume") => {
                    "what is there stays as it is".to_owned()
                }
                (None, Sign::Changed, _) => "only its description changed".to_owned(),
                (None, _, Effect::Start) => "it does not run".to_owned(),
                _ => String::new(),
            };
            let difference = (sign == Sign::Changed).then(|| {
                difference::unified(&file, &before.unwrap_or_default(), &after.unwrap_or_default())
            });
            UnitChange { file, service: service.clone(), sign, effect, why, difference }
        };
        services.into_iter().map(change).collect()
    }

    /// Whether another generation would hold the same files.
    fn only_settings_differ(&self) -> bool {
        let (Some(from), Some((set, settings))) = (self.request.from, self.request.to) else {
            return false;
        };
        from.set == *set && from.manifest.settings != *settings
    }

    /// Networks whose definition changes without effect, because nothing of ours made them.
    fn kept_networks(&self, dropped: &[String]) -> Vec<String> {
        let networks = self.new.values().filter(|facts| facts.file.ends_with(".network"));
        let changed = networks.filter(|new| {
            let old = self.old.get(&new.service);
            old.is_some_and(|old| old.digest != new.digest && old.name == new.name)
        });
        let names = changed.filter_map(|facts| facts.name.as_ref());
        let stays = |name: &&String| {
            self.request.observed.networks.contains_key(*name) && !dropped.contains(name)
        };
        let note = |name: &String| {
            format!("the network {name} stays as it is: it was there before the stack was")
        };
        names.filter(stays).map(note).collect()
    }

    fn notes(&self, dropped: &[String], stopped: &BTreeSet<String>) -> Vec<String> {
        let mut notes = Vec::new();
        let stays =
            |name: &&String| self.new.values().any(|facts| facts.name.as_ref() == Some(name));
        for network in dropped.iter().filter(stays) {
            let users = self.new.values().filter(|facts| stopped.contains(&facts.service));
            let users = users.filter(|facts| facts.file.ends_with(".container"));
            let names: Vec<&str> = users.map(|facts| facts.service.as_str()).collect();
            let names = if names.is_empty() { "nothing".to_owned() } else { names.join(", ") };
            notes.push(format!("the network {network} is made anew, which interrupts {names}"));
        }
        notes.extend(self.kept_networks(dropped));
        for (service, old) in self.old.iter().filter(|(_, old)| old.file.ends_with(".volume")) {
            let name = old.name.as_deref().unwrap_or(service);
            match self.new.get(service) {
                Some(new) if new.digest != old.digest => notes.push(format!(
                    "the volume {name} keeps its old options: Podman changes none of a volume \
                     that is there"
                )),
                None => notes.push(format!("the volume {name} stays, with its data")),
                Some(_) => {}
            }
        }
        let masks = self.request.observed.drifted.masks.iter();
        notes.extend(masks.map(|path| format!("the mask {} is taken away", path.display())));
        if self.only_settings_differ() {
            let note = "only how it is brought up changes: that is kept, and nothing restarts";
            notes.push(note.to_owned());
        }
        let damage = self.request.from.map_or(&[][..], |from| &from.damage);
        notes.extend(damage.iter().map(|damage| format!("{damage}, and is put right")));
        notes
    }
}
