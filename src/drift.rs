//! What differs between what a stack file says, what is installed, what systemd has loaded, and
//! what runs; told with what it means and what would mend it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::Serialize;

use crate::host::containers::{Image, Inspected, Owned};
use crate::host::units::{Details, UnitState};
use crate::plan::{Drifted, facts};
use crate::state::{FileSet, Generation};

mod call;
mod container;
mod files;
mod loaded;
mod moment;
mod object;
pub mod routes;
mod service;
mod settings;

/// What is known about one stack.
pub struct Request<'r> {
    /// The stack.
    pub stack: &'r str,
    /// Its file.
    pub origin: &'r Path,
    /// Whether the services are those of the machine.
    pub is_system: bool,
    /// Where units of the same name would go before those of Quadlet.
    pub units: &'r Path,
    /// What its file would generate now; nothing where there is no file any more.
    pub wanted: Option<&'r FileSet>,
    /// Variables that its file had when it was applied and that are not the same here, so that
    /// what it would generate is not known.
    pub strange: &'r [String],
    /// What is installed.
    pub installed: Option<&'r Generation>,
    /// Links that should be there and are not, or lead elsewhere.
    pub lost_links: &'r [PathBuf],
    /// Files beside those of Quadlet that change them, each with the file that it changes.
    pub drop_ins: &'r [(String, PathBuf)],
    /// The states of its services.
    pub states: &'r BTreeMap<String, UnitState>,
    /// What systemd would do with them.
    pub details: &'r BTreeMap<String, Details>,
    /// Its containers, and those that have their names.
    pub containers: &'r BTreeMap<&'r str, &'r Inspected>,
    /// The variables that an image brings along, by its mark.
    pub variables: &'r BTreeMap<String, Vec<String>>,
    /// The images that are there.
    pub images: &'r [Image],
    /// The networks of Podman.
    pub networks: &'r [Owned],
    /// The volumes of Podman.
    pub volumes: &'r [Owned],
    /// The secrets of Podman.
    pub secrets: &'r [Owned],
    /// When somebody changed a container while it ran, by its mark.
    pub changed: &'r dyn Fn(&str) -> Option<String>,
    /// Which layers are looked at.
    pub layers: &'r [Layer],
}

impl Request<'_> {
    /// Something that is not as it should be, and that `reconcile` brings back.
    fn item(
        &self,
        layer: Layer,
        subject: &str,
        aspect: &str,
        (wanted, actual): (impl Into<String>, impl Into<String>),
        meaning: &str,
    ) -> Item {
        Item {
            subject: subject.to_owned(),
            aspect: aspect.to_owned(),
            layer,
            state: State::Drift,
            wanted: wanted.into(),
            actual: actual.into(),
            meaning: meaning.to_owned(),
            mend: self.reconcile(),
            since: None,
            remedy: Remedy::Nothing,
        }
    }

    /// What mends it, in a word for a shell.
    fn reconcile(&self) -> String {
        let system = if self.is_system { " --system" } else { "" };
        if self.installed.is_some() {
            return format!("stackwright reconcile {}{system}", self.stack);
        }
        let path = self.origin.to_string_lossy();
        let path = shlex::try_quote(&path).unwrap_or_default();
        format!("stackwright apply {path}{system}")
    }

    /// A call of systemd for a shell.
    fn systemctl(&self, words: &str) -> String {
        let user = if self.is_system { "" } else { "--user " };
        format!("systemctl {user}{words}")
    }
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
    /// What brings it back.
    #[serde(skip)]
    pub remedy: Remedy,
}

/// What brings something back, beside the files of the stack.
#[derive(Debug, Clone, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Remedy {
    /// Nothing that this program would do by itself, or nothing more than it does anyhow.
    #[default]
    Nothing,
    /// The service starts again.
    Restart(String),
    /// The service starts again, in the place of a container of its name.
    Replace(String),
    /// The network is made anew by its service.
    Network(String, String),
    /// The links are made anew.
    Links,
    /// The link that forbids a service to start is taken away.
    Unmask(PathBuf),
    /// systemd reads its units anew.
    Reload,
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

impl StackDrift {
    /// Adds items that others found.
    pub fn add(&mut self, items: Vec<Item>) {
        self.items.extend(items);
        self.items.sort();
        self.state = self.items.iter().map(|item| item.state).max().unwrap_or(State::Match);
    }

    /// What a plan has to bring back.
    pub fn drifted(&self) -> Drifted {
        let mut drifted = Drifted::default();
        for item in &self.items {
            let mut restart = |service: &String| {
                let why = format!("{} of {} drifted", item.aspect, item.subject);
                drifted.services.entry(service.clone()).or_insert(why);
            };
            match &item.remedy {
                Remedy::Nothing => {}
                Remedy::Restart(service) => restart(service),
                Remedy::Replace(service) => {
                    restart(service);
                    drifted.replaced.insert(service.clone());
                }
                Remedy::Network(service, name) => {
                    restart(service);
                    drifted.networks.insert(name.clone());
                }
                Remedy::Links => drifted.links = true,
                Remedy::Unmask(path) => {
                    drifted.masks.insert(path.clone());
                }
                Remedy::Reload => drifted.is_unread = true,
            }
        }
        drifted
    }
}

/// Compares the layers of one stack.
pub fn drift(request: &Request<'_>) -> StackDrift {
    let mut items = Vec::new();
    let looked = |layer| request.layers.contains(&layer);
    if looked(Layer::Files) {
        items.extend(files::wanted(request));
    }
    if looked(Layer::Installed) {
        items.extend(files::installed(request));
    }
    let facts = request.installed.map(|one| facts(&one.set)).unwrap_or_default();
    if looked(Layer::Loaded) {
        items.extend(facts.values().flat_map(|facts| loaded::loaded(request, facts)));
    }
    if looked(Layer::Running) {
        items.extend(facts.values().flat_map(|facts| service::running(request, facts)));
    }
    items.sort();
    items.dedup();
    let state = items.iter().map(|item| item.state).max().unwrap_or(State::Match);
    StackDrift { stack: request.stack.to_owned(), state, items }
}

/// The last part of a path.
fn name_of(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
