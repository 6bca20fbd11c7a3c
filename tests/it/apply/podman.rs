//! Podman in memory: images, and what services make by starting.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use stackwright::host::containers::{Container, Image, Owned, PullError};
use stackwright::host::units::Active;

use super::host::World;
use super::unit::{Unit, quadlet};

#[derive(Debug, Clone, Default)]
pub struct Podman {
    /// The images that are there, by their names, with their marks.
    pub images: BTreeMap<String, String>,
    /// Those that a registry has.
    pub registry: BTreeMap<String, String>,
    /// What goes wrong the next times that an image is pulled.
    pub pull_errors: BTreeMap<String, VecDeque<PullError>>,
    /// Where those that fetch images meet.
    pub meeting: Option<Arc<Meeting>>,
    /// Networks and volumes with what they were made from.
    pub networks: BTreeMap<String, Owned>,
    pub volumes: BTreeMap<String, Owned>,
    pub secrets: BTreeMap<String, (Owned, Vec<u8>)>,
}

/// A place where so many must come before any goes on.
#[derive(Debug)]
pub struct Meeting {
    size: usize,
    /// How many are there, and were at most.
    there: Mutex<(usize, usize)>,
    news: Condvar,
}

impl Meeting {
    pub fn of(size: usize) -> Self {
        Self { size, there: Mutex::default(), news: Condvar::new() }
    }

    /// Waits for the others, and then a moment for one too many.
    pub fn attend(&self) {
        let mut there = self.there.lock().unwrap();
        there.0 += 1;
        there.1 = there.1.max(there.0);
        self.news.notify_all();
        let limit = Duration::from_secs(10);
        let lacks = |there: &mut (usize, usize)| there.1 < self.size;
        drop(self.news.wait_timeout_while(there, limit, lacks).unwrap());
        std::thread::sleep(Duration::from_millis(30));
        self.there.lock().unwrap().0 -= 1;
    }

    pub fn most(&self) -> usize {
        self.there.lock().unwrap().1
    }
}

impl Podman {
    pub fn images(&self) -> Vec<Image> {
        let mut images: BTreeMap<&String, Vec<String>> = BTreeMap::new();
        for (name, id) in &self.images {
            images.entry(id).or_default().push(name.clone());
        }
        images.into_iter().map(|(id, names)| Image { id: id.clone(), names }).collect()
    }

    pub fn pull(&mut self, image: &str) -> Result<(), PullError> {
        if let Some(error) = self.pull_errors.get_mut(image).and_then(VecDeque::pop_front) {
            return Err(error);
        }
        let unknown = || PullError { is_passing: false, why: format!("{image}: manifest unknown") };
        let id = self.registry.get(image).ok_or_else(unknown)?.clone();
        self.images.insert(image.to_owned(), id);
        Ok(())
    }
}

/// What something was made from; comments and descriptions make no difference.
pub fn definition(text: &str) -> String {
    let says_nothing = |line: &&str| line.starts_with("Description=") || *line == "[Unit]";
    let lines = text.lines().filter(|line| !says_nothing(line));
    lines.map(|line| format!("{line}\n")).collect()
}

impl World {
    /// Whether a container finds its image and its networks.
    pub fn can_have(&self, unit: &Unit) -> bool {
        if unit.section != Some("Container") {
            return true;
        }
        let mut networks = unit.lines.all("Container", "Network").into_iter();
        self.image_of(unit).is_some()
            && networks.all(|network| {
                let name = match quadlet(network) {
                    None => Some(network.to_owned()),
                    Some((service, _)) => {
                        let unit = self.manager.units.get(&service);
                        unit.and_then(Unit::name).map(str::to_owned)
                    }
                };
                name.is_some_and(|name| self.podman.networks.contains_key(&name))
            })
    }

    /// The image that a unit names, as that name stands now.
    pub fn image_of(&self, unit: &Unit) -> Option<String> {
        self.podman.images.get(unit.lines.one("Container", "Image")?).cloned()
    }

    /// The secrets that a unit takes, with their values.
    pub fn secrets_of(&self, unit: &Unit) -> BTreeMap<String, Vec<u8>> {
        let named = unit.lines.all("Container", "Secret").into_iter();
        let named = named.filter_map(|secret| secret.split(',').next());
        let value = |name: &str| Some((name.to_owned(), self.podman.secrets.get(name)?.1.clone()));
        named.filter_map(value).collect()
    }

    /// What a unit fetches that wants the newest image at each start.
    pub fn pull_anew(&mut self, unit: &Unit) {
        let image = unit.lines.one("Container", "Image").unwrap_or_default();
        if matches!(unit.lines.one("Container", "Pull"), Some("newer" | "always")) {
            drop(self.podman.pull(image));
        }
    }

    /// What a service leaves in Podman when it starts; what is there is not changed.
    pub fn has_started(&mut self, unit: &Unit) {
        let things = match unit.section {
            Some("Network") => &mut self.podman.networks,
            Some("Volume") => &mut self.podman.volumes,
            _ => return,
        };
        let name = unit.name().unwrap().to_owned();
        let made = Owned {
            name: name.clone(),
            labels: unit.labels(),
            version: definition(&unit.text),
            ..Owned::default()
        };
        things.entry(name).or_insert(made);
    }

    pub fn containers(&self) -> Vec<Container> {
        let runs = self.manager.runs.iter();
        let has_one = runs.filter(|(_, run)| {
            run.unit.section == Some("Container")
                && (matches!(run.active, Active::Active | Active::Deactivating)
                    || run.sub == "start")
        });
        let container = |(service, run): (&String, &super::manager::Run)| Container {
            is_healthy: None,
            id: format!("{service}/{}", run.invocation),
            name: run.unit.name().unwrap_or(service).to_owned(),
            image_id: run.image.clone(),
            labels: run.unit.labels(),
            is_running: true,
        };
        has_one.map(container).collect()
    }

    /// Whether some container is in a network.
    pub fn network_is_used(&self, name: &str) -> bool {
        let of_units: BTreeSet<&String> = {
            let is_it = |unit: &Unit| unit.section == Some("Network") && unit.name() == Some(name);
            let runs = self.manager.runs.iter().filter(|(_, run)| is_it(&run.unit));
            let units = self.manager.units.iter().filter(|(_, unit)| is_it(unit));
            runs.map(|(name, _)| name).chain(units.map(|(name, _)| name)).collect()
        };
        let containers = self.containers();
        self.manager.runs.iter().any(|(service, run)| {
            let is_there = containers.iter().any(|one| one.id.starts_with(&format!("{service}/")));
            is_there
                && run.unit.lines.all("Container", "Network").into_iter().any(|network| {
                    network == name
                        || quadlet(network).is_some_and(|(service, _)| of_units.contains(&service))
                })
        })
    }
}
