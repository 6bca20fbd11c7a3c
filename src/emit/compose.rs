//! A stack as Compose files: one, or a base and one for each group that are laid over each other.

mod build;
mod file;
mod mount;
mod secret;
mod service;
mod shared;

use std::collections::{BTreeMap, BTreeSet};

use super::{File, UNIT_MODE, yaml};
use crate::resolve::mount::Source;
use crate::resolve::network::Joined;
use crate::resolve::{Resolved, Service};

/// The group whose services belong to the base.
const CORE: &str = "core";

/// The files of a stack, in the order of their paths.
pub fn emit(stack: &Resolved<'_>) -> Vec<File> {
    let services = first_of_each(stack);
    let bundles = bundles(&services);
    let mut files: Vec<File> = bundles
        .iter()
        .map(|bundle| {
            let text = written(stack, &content(stack, bundle));
            File { path: bundle.path.clone(), contents: text.into_bytes(), mode: UNIT_MODE }
        })
        .collect();
    if let Some(example) = secret::example(stack) {
        let path = ".env.example".to_owned();
        files.push(File { path, contents: example.into_bytes(), mode: UNIT_MODE });
    }
    files.extend(stack.files.values().map(super::configuration_file));
    files.sort_by(|a, b| a.path.cmp(&b.path));
    files
}

/// The services, of several replicas the first one alone: Compose counts them itself.
fn first_of_each<'s, 'c>(stack: &'s Resolved<'c>) -> Vec<&'s Service<'c>> {
    let mut seen = BTreeSet::new();
    stack.services.iter().filter(|service| seen.insert(service.written.name.as_str())).collect()
}

/// One Compose file: its services, and whether it declares networks and volumes.
struct Bundle<'s, 'c> {
    path: String,
    services: Vec<&'s Service<'c>>,
    declares: bool,
}

/// The base holds the services that belong to no group or to the core, and what these need; the
/// file of a group holds the rest of what the group needs, so that base and group are complete.
///
/// What more than one group needs is in the base too: a service that stands in two files which are
/// laid over each other has its lists twice in one tool, and is refused by the other.
fn bundles<'s, 'c>(services: &[&'s Service<'c>]) -> Vec<Bundle<'s, 'c>> {
    let groups = services.iter().flat_map(|service| service.written.groups.iter());
    let groups: BTreeSet<&str> = groups.map(|at| at.as_str()).collect();
    let whole =
        |path: &str| Bundle { path: path.into(), services: services.to_vec(), declares: true };
    if groups.is_empty() {
        return vec![whole("compose.yml")];
    }
    let is_in = |service: &Service<'_>, group: &str| {
        service.written.groups.iter().any(|own| own.as_str() == group)
    };
    let is_core = |service: &Service<'_>| service.written.groups.is_empty() || is_in(service, CORE);
    let needed = Needed::new(services);
    let mut base = needed.with(services.iter().filter(|service| is_core(service)));
    let parts = groups
        .into_iter()
        .filter(|group| *group != CORE)
        .map(|group| (group, needed.with(services.iter().filter(|service| is_in(service, group)))));
    let parts: Vec<(&str, BTreeSet<&str>)> = parts.collect();
    let mut once = BTreeSet::new();
    for name in parts.iter().flat_map(|(_, names)| names.iter()) {
        if !once.insert(*name) {
            base.insert(*name);
        }
    }
    let pick = |is_picked: &dyn Fn(&str) -> bool| -> Vec<&'s Service<'c>> {
        let picked = services.iter().filter(|one| is_picked(one.written.name.as_str()));
        picked.copied().collect()
    };
    let core = pick(&|name| base.contains(name));
    let core = Bundle { path: "compose.base.yml".into(), services: core, declares: true };
    let mut bundles = vec![whole("compose.all.yml"), core];
    bundles.extend(parts.iter().map(|(group, names)| Bundle {
        path: format!("compose.{group}.yml"),
        services: pick(&|name| names.contains(name) && !base.contains(name)),
        declares: false,
    }));
    bundles
}

/// What each service needs directly.
struct Needed<'c>(BTreeMap<&'c str, Vec<&'c str>>);

impl<'c> Needed<'c> {
    fn new(services: &[&Service<'c>]) -> Self {
        let needs = services.iter().map(|service| {
            let mode = service.configuration.network_mode.as_ref();
            let shares = mode.and_then(|mode| mode.value.strip_prefix("service:"));
            let needs = service.needs.iter().map(|needed| needed.name).chain(shares);
            (service.written.name.as_str(), needs.collect())
        });
        Self(needs.collect())
    }

    /// The names of services, and of all that they need.
    fn with<'s>(&self, services: impl Iterator<Item = &'s &'s Service<'c>>) -> BTreeSet<&'c str>
    where
        'c: 's,
    {
        let mut names = BTreeSet::new();
        let mut open: Vec<&'c str> =
            services.map(|service| service.written.name.as_str()).collect();
        while let Some(name) = open.pop() {
            if names.insert(name) {
                open.extend(self.0.get(name).into_iter().flatten());
            }
        }
        names
    }
}

/// What stands in a file.
fn content(stack: &Resolved<'_>, bundle: &Bundle<'_, '_>) -> file::File {
    let mut content = file::File { name: Some(project(stack.name)), ..file::File::default() };
    for one in &bundle.services {
        let name = one.written.name.to_string();
        content.services.insert(name, service::service(stack, one));
    }
    content.secrets = secret::sources(stack, &bundle.services).into_iter().collect();
    if bundle.declares {
        // In a pod of all services, mapped users and networks of their own would not work.
        content.x_podman = Some(file::PodmanCompose { in_pod: Some(false) });
        networks(stack, &mut content);
        volumes(stack, &mut content);
    }
    content
}

/// The name of the project: Compose takes no dots in it.
fn project(name: &str) -> String {
    name.replace('.', "-")
}

fn networks(stack: &Resolved<'_>, content: &mut file::File) {
    for network in &stack.networks {
        content.networks.insert(network.name.to_owned(), shared::network(network));
    }
    for service in &stack.services {
        let Joined::Networks(joined) = &service.joined else { continue };
        for member in joined.iter().filter(|member| member.unit.is_none()) {
            let network = || shared::external_network(member.podman_name);
            content.networks.entry(member.name.to_owned()).or_insert_with(network);
        }
    }
}

fn volumes(stack: &Resolved<'_>, content: &mut file::File) {
    for volume in &stack.volumes {
        content.volumes.insert(volume.name.to_owned(), shared::volume(volume));
    }
    for mount in stack.services.iter().flat_map(|service| &service.mounts) {
        if let Source::External(name) = mount.source {
            let volume = || shared::external_volume(name);
            content.volumes.entry(volume_key(stack, name).to_owned()).or_insert_with(volume);
        }
    }
}

/// The name used in the file for a volume that somebody else makes.
fn volume_key<'s>(stack: &'s Resolved<'_>, podman_name: &'s str) -> &'s str {
    let mut declared = stack.stack.volumes.iter();
    let is_it = |volume: Option<&crate::model::at::At<crate::model::storage::Volume>>| {
        let given = volume.and_then(|volume| volume.name.as_ref());
        let external = volume.and_then(|volume| volume.external).is_some_and(|at| at.value);
        external && given.is_some_and(|given| given.as_str() == podman_name)
    };
    declared.find(|(_, _, volume)| is_it(volume.get())).map_or(podman_name, |(key, _, _)| key)
}

fn written(stack: &Resolved<'_>, content: &file::File) -> String {
    let version = env!("CARGO_PKG_VERSION");
    let head = format!(
        "# Made by stackwright {version} from {}, for Compose.\n\
         # A change made here is lost with the next one made there.\n",
        stack.origin
    );
    head + &yaml::document(&serde_json::to_value(content).unwrap_or_default())
}
