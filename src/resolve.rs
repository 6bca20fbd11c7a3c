//! A checked stack with every default filled in and every name settled; nothing here can fail.

pub mod file;
pub mod labels;
pub mod mount;
pub mod network;
pub mod order;
pub mod part;
pub mod ready;
pub mod service;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::check::Checked;
use crate::model::Stack;
use crate::model::{meaning, service as model};
use crate::threads::each;

pub use file::{File, Plain};
pub use network::Network;
pub use order::{Order, order};
pub use part::Part;
pub use service::Service;

/// A stack, or a part of it, that can be written for any target.
#[derive(Debug)]
pub struct Resolved<'c> {
    /// Its name.
    pub name: &'c str,
    /// Where it comes from: the name of the stack file.
    pub origin: &'c str,
    /// The folder of the stack file.
    pub folder: &'c Path,
    /// What it says itself.
    pub stack: &'c Stack,
    /// Its containers, replicas one by one, in the order of the file.
    pub services: Vec<Service<'c>>,
    /// The networks that it owns and uses.
    pub networks: Vec<Network<'c>>,
    /// The volumes that it owns and uses, by the names used in the file.
    pub volumes: Vec<mount::Volume<'c>>,
    /// The configuration files that its services mount, by name.
    pub files: BTreeMap<&'c str, File<'c>>,
    /// Plain units that it brings along.
    pub units: Vec<Plain<'c>>,
    /// Whether all services run in one pod.
    pub in_pod: bool,
}

impl Resolved<'_> {
    /// The absolute path of what stands beside the stack file.
    pub fn beside(&self, path: &str) -> String {
        mount::plain_path(&self.folder.join(path).to_string_lossy())
    }
}

/// Settles a stack, or a part of it.
pub fn resolve<'c>(checked: &'c Checked, part: Part<'_>) -> Resolved<'c> {
    let stack = checked.stack();
    let places = part::chosen(checked, part);
    let files = file::files(checked);
    let scene = service::Scene::new(checked, &files);
    let services = each(&places, |place| service::containers(&scene, *place));
    let services: Vec<Service<'c>> = services.into_iter().flatten().collect();
    let networks = network::owned(checked, &services, part.is_all());
    let volumes = mount::owned(stack, &services, part.is_all());
    let used: BTreeSet<&str> = services.iter().flat_map(Service::mounted_files).collect();
    let files = match part.is_all() {
        true => files,
        false => files.into_iter().filter(|(name, _)| used.contains(name)).collect(),
    };
    // A socket whose service is left out would have nothing to start.
    let held = sockets(stack.services.iter().map(|service| &service.value));
    let kept = sockets(services.iter().map(|service| service.written));
    let mut units = file::units(checked);
    units.retain(|unit| !held.contains(unit.name) || kept.contains(unit.name));
    Resolved {
        name: checked.name(),
        origin: checked.origin(),
        folder: checked.folder(),
        stack,
        services,
        networks,
        volumes,
        files,
        units,
        in_pod: stack.shared.get().and_then(|shared| shared.pod).is_some_and(|pod| pod.value),
    }
}

/// The sockets that services take over.
fn sockets<'c>(services: impl Iterator<Item = &'c model::Service>) -> BTreeSet<&'c str> {
    let systemd = services.filter_map(|service| meaning::configuration(service).systemd.get());
    systemd.flat_map(|systemd| systemd.sockets.iter()).map(|socket| socket.as_str()).collect()
}
