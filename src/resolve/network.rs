//! The networks that containers join, and those that the stack owns.

use std::collections::BTreeSet;

use super::service::Service;
use crate::check::Checked;
use crate::model::at::At;
use crate::model::configuration::Configuration;
use crate::model::network::{self as model, NetworkUse};

/// How a container reaches others.
#[derive(Debug, Clone)]
pub enum Joined<'c> {
    /// Networks, in their order.
    Networks(Vec<Membership<'c>>),
    /// The network of another service, by the name of its unit and of its container.
    Of {
        /// The name of the unit, without its suffix.
        unit: String,
        /// The name of the container.
        container: String,
    },
    /// Something else that Podman knows: `host`, `none`, `pasta`.
    Mode(&'c str),
}

/// A network that a container joins.
#[derive(Debug, Clone)]
pub struct Membership<'c> {
    /// The name used in the file.
    pub name: &'c str,
    /// Its name in Podman.
    pub podman_name: &'c str,
    /// The name of the unit that makes it, without its suffix; none for one that must exist.
    pub unit: Option<&'c str>,
    /// What is said beside the name.
    pub written: Option<&'c NetworkUse>,
}

/// A network that the stack owns.
#[derive(Debug)]
pub struct Network<'c> {
    /// The name used in the file, and of its unit.
    pub name: &'c str,
    /// Its name in Podman.
    pub podman_name: &'c str,
    /// What is said about it; nothing about the one that a stack has without asking.
    pub written: Option<&'c At<model::Network>>,
}

/// What a service joins: its own networks, those that all share, or the one named after the stack.
pub fn joined<'c>(
    checked: &'c Checked,
    configuration: &'c Configuration,
    containers: &dyn Fn(&str) -> Option<(String, String)>,
) -> Joined<'c> {
    if let Some(mode) = &configuration.network_mode {
        let of = mode.value.strip_prefix("service:").and_then(containers);
        return match of {
            Some((unit, container)) => Joined::Of { unit, container },
            None => Joined::Mode(mode.value.as_str()),
        };
    }
    let stack = checked.stack();
    let own: Vec<&NetworkUse> = configuration.networks.iter().map(|at| &at.value).collect();
    let shared = stack.shared.get().into_iter().flat_map(|shared| shared.networks.iter());
    let used = if own.is_empty() { shared.map(|at| &at.value).collect() } else { own };
    if used.is_empty() {
        return Joined::Networks(vec![membership(checked, checked.name(), None)]);
    }
    let member = |used: &'c NetworkUse| membership(checked, used.name.as_str(), Some(used));
    Joined::Networks(used.into_iter().map(member).collect())
}

fn membership<'c>(
    checked: &'c Checked,
    name: &'c str,
    written: Option<&'c NetworkUse>,
) -> Membership<'c> {
    let declared = checked.stack().networks.get(name);
    let network = declared.and_then(|network| network.get());
    let podman_name = podman_name(name, network);
    let external = network.and_then(|network| network.external).is_some_and(|at| at.value);
    // The one that is joined without a word about networks is the stack's own.
    let is_owned = (declared.is_some() && !external) || (declared.is_none() && written.is_none());
    Membership { name, podman_name, unit: is_owned.then_some(name), written }
}

fn podman_name<'c>(name: &'c str, network: Option<&'c At<model::Network>>) -> &'c str {
    let given = network.and_then(|network| network.name.as_ref());
    given.map_or(name, |given| given.as_str())
}

/// The networks that a stack owns: all of them, or those that some services join.
pub fn owned<'c>(checked: &'c Checked, services: &[Service<'c>], all: bool) -> Vec<Network<'c>> {
    let joined = services.iter().flat_map(|service| match &service.joined {
        Joined::Networks(networks) => networks.as_slice(),
        _ => &[],
    });
    let used: BTreeSet<&str> = joined.filter_map(|member| member.unit).collect();
    let declared = &checked.stack().networks;
    let mut networks: Vec<Network<'c>> = Vec::new();
    for (name, _, network) in declared.iter() {
        let written = network.get();
        let external = written.and_then(|network| network.external).is_some_and(|at| at.value);
        if !external && (all || used.contains(name)) {
            networks.push(Network { name, podman_name: podman_name(name, written), written });
        }
    }
    let own = checked.name();
    if used.contains(own) && declared.get(own).is_none() {
        networks.push(Network { name: own, podman_name: own, written: None });
    }
    networks
}
