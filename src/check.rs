//! The rules that a stack must keep; what passed them can no longer be blamed on the user.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::graph::{Edge, Graph};
use crate::load::expand::Mentions;
use crate::load::{Loaded, attach, env_file};
use crate::model::Stack;
use crate::model::at::At;
use crate::model::configuration::Configuration;
use crate::model::meaning;
use crate::model::service::{Condition, Service};
use crate::model::text::RelativePath;
use crate::model::value::nearest::did_you_mean;
use crate::report::Findings;
use crate::source::{SourceId, Span};
use crate::threads::both;

pub mod compose;
pub mod declared;
pub mod health;
pub mod image;
pub mod lines;
pub mod memory;
pub mod mounts;
pub mod names;
pub mod networks;
pub mod order;
pub mod phases;
pub mod ports;
pub mod raw;
pub mod routes;
pub mod secrets;
pub mod security;
pub mod target;
pub mod tests;
pub mod together;

pub use target::{Kind, Target};

/// `from` needs `to` to have reached something before it starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// The service that waits.
    pub from: usize,
    /// The service that it waits for.
    pub to: usize,
    /// What it waits for.
    pub condition: Condition,
    /// Where that is said.
    pub span: Span,
}

/// A stack that kept all rules that forbid to go on.
#[derive(Debug)]
pub struct Checked {
    loaded: Loaded,
    name: String,
    needs: Vec<Need>,
}

impl Checked {
    /// The stack as written.
    pub fn stack(&self) -> &Stack {
        &self.loaded.stack
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it is to be there.
    pub fn is_deployed(&self) -> bool {
        let deployed = self.stack().stack.get().and_then(|info| info.deployed);
        deployed.is_none_or(|deployed| deployed.value)
    }

    /// The name of its file.
    pub fn origin(&self) -> &str {
        &self.loaded.origin
    }

    /// The folder of its file, as an absolute path.
    pub fn folder(&self) -> &Path {
        &self.loaded.folder
    }

    /// What a file beside the stack file holds, with its variables expanded if it is a template.
    pub fn file(&self, path: &RelativePath, is_template: bool) -> Option<&[u8]> {
        self.loaded.attachments.files.get(&attach::key(path, is_template)).map(Vec::as_slice)
    }

    /// The variables of an env file beside the stack file.
    pub fn env_file(&self, path: &str) -> &[env_file::Line] {
        self.loaded.attachments.env_files.get(path).map_or(&[], Vec::as_slice)
    }

    /// The variables that its files name, with what stands for those that are not set.
    pub fn variables(&self) -> &Mentions {
        &self.loaded.variables
    }

    /// The edges of its graph, by the places of services in the file.
    pub fn needs(&self) -> &[Need] {
        &self.needs
    }
}

/// A stack with what the rules look up again and again.
pub struct View<'c> {
    /// What the files say.
    pub stack: &'c Stack,
    /// The name of the stack.
    pub name: &'c str,
    /// The beginning of the stack file.
    pub head: Span,
    /// The services in their order.
    pub services: Vec<&'c At<Service>>,
    /// The places of services by their names.
    pub places: BTreeMap<&'c str, usize>,
    /// The edges between services that are there.
    pub needs: Vec<Need>,
    /// Whether something was not read, so that nothing can be said to be missing or unused.
    pub incomplete: bool,
    /// Whether places in this text are a pattern's and not the user's.
    pub patterns: &'c BTreeSet<SourceId>,
    /// The contents of files beside the stack file.
    pub loaded: &'c Loaded,
}

impl<'c> View<'c> {
    /// Looks at a loaded stack.
    pub fn new(loaded: &'c Loaded, patterns: &'c BTreeSet<SourceId>) -> Self {
        let stack = &loaded.stack;
        let services: Vec<&At<Service>> = stack.services.iter().collect();
        let mut places = BTreeMap::new();
        for (place, service) in services.iter().enumerate() {
            places.entry(service.name.as_str()).or_insert(place);
        }
        let needs = needs(&services, &places);
        let name = stack_name(loaded);
        let (head, incomplete) = (loaded.head, loaded.incomplete);
        Self { stack, name, head, services, places, needs, incomplete, patterns, loaded }
    }

    /// The service of that name.
    pub fn service(&self, name: &str) -> Option<&'c At<Service>> {
        self.places.get(name).and_then(|place| self.services.get(*place)).copied()
    }

    /// The services with how they run.
    pub fn configured(&self) -> impl Iterator<Item = (&'c At<Service>, &'c Configuration)> {
        self.services.iter().map(|service| (*service, meaning::configuration(service)))
    }

    /// Whether a name of a section is not known because it was left out as wrong.
    pub fn is_lost(&self, section: &str, name: &str) -> bool {
        let lost = &self.loaded.lost;
        lost.contains(section) || lost.contains(&format!("{section}.{name}"))
    }

    /// Whether the user said it, and no pattern.
    pub fn is_own(&self, span: Span) -> bool {
        !self.patterns.contains(&span.source)
    }

    /// The service that a misspelt name may mean; not looked for once nobody would read it.
    pub fn did_you_mean(&self, name: &str, findings: &Findings) -> Option<String> {
        did_you_mean(name, self.names(), findings)
    }

    /// The names of all services.
    pub fn names(&self) -> impl Iterator<Item = &'c str> {
        self.services.iter().map(|service| service.name.as_str())
    }
}

/// What to do about the name of a service that is not there and is like no other.
pub fn add_or_drop(name: &str) -> String {
    format!("add a service `{name}`, or take the name away")
}

/// The name that a stack gives itself, or that of its file.
pub fn stack_name(loaded: &Loaded) -> &str {
    let info = loaded.stack.stack.get();
    let name = info.and_then(|info| info.name.as_ref());
    name.map_or(loaded.file_name.as_str(), |name| name.as_str())
}

fn needs(services: &[&At<Service>], places: &BTreeMap<&str, usize>) -> Vec<Need> {
    let mut needs = Vec::new();
    for (from, service) in services.iter().enumerate() {
        for dependency in service.dependencies.iter() {
            let to = places.get(dependency.name.as_str()).copied();
            let Some((to, target)) = to.and_then(|to| Some((to, services.get(to)?))) else {
                continue;
            };
            let condition = meaning::condition(dependency, target);
            needs.push(Need { from, to, condition, span: dependency.name.span });
        }
    }
    needs
}

/// The graph of a stack's services.
pub fn graph(services: usize, needs: &[Need]) -> Graph {
    let edges = needs.iter().map(|need| Edge { from: need.from, to: need.to });
    Graph::new(services, edges)
}

/// Runs all rules over one stack; what they say is added to the findings.
pub fn check(view: &View<'_>, target: Target, findings: &mut Findings) {
    let mut more = Findings::default();
    both(|| services(view, findings), || settings(view, target, &mut more));
    findings.append(more);
}

/// The rules about services as such: how they are called, what they need, whether they work.
fn services(view: &View<'_>, findings: &mut Findings) {
    names::check(view, findings);
    lines::check(view, findings);
    order::check(view, findings);
    phases::check(view, findings);
    tests::check(view, findings);
    health::check(view, findings);
    memory::check(view, findings);
}

/// The rules about what services are given.
fn settings(view: &View<'_>, target: Target, findings: &mut Findings) {
    image::check(view, target, findings);
    ports::check(view, findings);
    networks::check(view, findings);
    declared::check(view, findings);
    secrets::check(view, findings);
    mounts::check(view, findings);
    security::check(view, findings);
    raw::check(view, findings);
    routes::check(view, target.kind, findings);
    match target.kind {
        Kind::Quadlet => target::units(view, target, findings),
        Kind::Compose => compose::check(view, findings),
        Kind::Traefik | Kind::Docs => {}
    }
}

/// A stack about which nothing was said that forbids to go on.
pub fn pass(loaded: Loaded, patterns: &BTreeSet<SourceId>, findings: &Findings) -> Option<Checked> {
    if findings.has_errors() {
        return None;
    }
    let view = View::new(&loaded, patterns);
    let (name, needs) = (view.name.to_owned(), view.needs.clone());
    Some(Checked { loaded, name, needs })
}
