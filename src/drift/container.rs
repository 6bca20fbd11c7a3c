//! A container, against the call by which its unit would start it.

use super::{Item, Layer, Remedy, Request, call, moment::moment, settings};
use crate::host::containers::Inspected;
use crate::host::units::Active;
use crate::plan::STACK_LABEL;
use crate::unit_file::facts::Facts;

/// The variables that Podman sets by itself.
const OWN_VARIABLES: [&str; 6] = ["container", "HOME", "HOSTNAME", "TERM", "PATH", "NOTIFY_SOCKET"];

/// How a container that should run can be without running.
const AT_REST: [&str; 5] = ["paused", "exited", "created", "stopped", "configured"];

/// The differences of a container.
pub fn of(request: &Request<'_>, facts: &Facts, one: &Inspected) -> Vec<Item> {
    let state = request.states.get(&facts.service);
    let mut found = Found { request, facts, one, items: Vec::new() };
    let call = request.details.get(&facts.service).map_or(&[][..], |details| &details.call);
    let meaning = match one.labels.get(STACK_LABEL) {
        Some(_) => "the container was not started as its unit says",
        None => "somebody else started a container of this name, and not as its unit says",
    };
    for (aspect, wanted, actual) in call::differences(call, &one.command) {
        found.add(aspect, wanted, actual, meaning);
    }
    match state.map(|state| (state.active, state.is_up())) {
        Some((Active::Active, _)) => found.rest(),
        Some((_, false)) => found.beside(),
        _ => {}
    }
    found.image();
    found.changed();
    found.secrets();
    found.items
}

/// What was found of one container.
struct Found<'f> {
    request: &'f Request<'f>,
    facts: &'f Facts,
    one: &'f Inspected,
    items: Vec<Item>,
}

impl Found<'_> {
    fn add(&mut self, aspect: &str, wanted: String, actual: String, meaning: &str) {
        let sides = (wanted, actual);
        let item = self.request.item(Layer::Running, &self.one.name, aspect, sides, meaning);
        let since = Some(self.one.created.clone()).filter(|since| !since.is_empty());
        let remedy = Remedy::Restart(self.facts.service.clone());
        self.items.push(Item { since, remedy, ..item });
    }

    /// The next start of the service takes its place.
    fn beside(&mut self) {
        let meaning = "a container of this name is there, and its service does not run";
        let actual = format!("{} without it", self.one.status);
        self.add("container", "with its service".to_owned(), actual, meaning);
        if let Some(item) = self.items.last_mut() {
            item.remedy = Remedy::Replace(self.facts.service.clone());
        }
    }

    fn rest(&mut self) {
        let status = self.one.status.as_str();
        if AT_REST.contains(&status) {
            let running = "running".to_owned();
            self.add("state", running, status.to_owned(), "the container does not run");
        }
        if self.one.health.as_deref() == Some("unhealthy") {
            let (wanted, actual) = ("healthy".to_owned(), "unhealthy".to_owned());
            self.add("health", wanted, actual, "its own health check fails");
        }
    }

    fn image(&mut self) {
        let name = self.facts.image.as_ref();
        let Some(name) = name else { return };
        let present = self.request.images.iter().find(|image| image.has_name(name));
        let actual = short(&self.one.image_id);
        match present {
            Some(image) if short(&image.id) != actual => {
                let meaning = "the name of the image stands for another one now";
                self.add("image", short(&image.id), actual, meaning);
            }
            None if !self.request.images.is_empty() => {
                let meaning = "no image has the name any more that the unit starts";
                self.add("image", name.clone(), actual, meaning);
            }
            _ => {}
        }
    }

    /// What can be changed of a container while it runs.
    fn changed(&mut self) {
        let known = self.items.len();
        let meaning = "it was changed while the container ran";
        for (aspect, wanted, actual) in settings::differences(self.one) {
            self.add(aspect, wanted, actual, meaning);
        }
        let variables = self.request.variables.get(&self.one.image_id);
        for (wanted, actual) in settings::variables(self.one, variables, &OWN_VARIABLES) {
            self.add("environment", wanted, actual, meaning);
        }
        if self.items.len() > known
            && let Some(since) = (self.request.changed)(&self.one.id)
        {
            let changed = self.items.iter_mut().skip(known);
            changed.for_each(|item| item.since = Some(since.clone()));
        }
    }

    fn secrets(&mut self) {
        for name in &self.facts.secrets {
            let secret = self.request.secrets.iter().find(|one| one.name == *name);
            let Some(secret) = secret else {
                let (wanted, actual) = (name.clone(), "it is gone".to_owned());
                self.add("secret", wanted, actual, "the container could not start again");
                continue;
            };
            let changed = secret.version.split_once(' ').map(|(_, when)| when.to_owned());
            let when = changed.as_deref().and_then(moment);
            let began = moment(&self.one.created);
            if when.is_some_and(|changed| began.is_some_and(|began| began < changed)) {
                let (wanted, actual) = (format!("{name} of now"), "an older one".to_owned());
                self.add("secret", wanted, actual, "the secret changed after the container began");
                if let Some(item) = self.items.last_mut() {
                    item.since = changed;
                }
            }
        }
    }
}

fn short(id: &str) -> String {
    id.trim_start_matches("sha256:").chars().take(12).collect()
}
