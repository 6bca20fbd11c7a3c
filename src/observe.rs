//! A look at a host: the services of two sets of files, and what Podman has.

use std::collections::{BTreeMap, BTreeSet};

use crate::host::change::{Fault, Host};
use crate::host::containers::{Container, Stock};
use crate::plan::{Observed, STACK_LABEL};

/// Looks at all that a plan needs to know about some services of a stack.
pub fn observe(
    host: Host<'_>,
    stack: &str,
    services: &BTreeSet<String>,
) -> Result<Observed, Fault> {
    let Stock { containers, images, networks } = host.containers.stock()?;
    let is_own = |one: &Container| one.labels.get(STACK_LABEL).is_some_and(|name| name == stack);
    let (containers, strangers) = containers.into_iter().partition(is_own);
    let networks = networks.into_iter().map(|network| (network.name.clone(), network)).collect();
    let states = states(host, services)?;
    Ok(Observed { states, containers, strangers, images, networks, ..Observed::default() })
}

/// The states of services by their names.
pub fn states(
    host: Host<'_>,
    services: &BTreeSet<String>,
) -> Result<BTreeMap<String, crate::host::units::UnitState>, Fault> {
    let names: Vec<&str> = services.iter().map(String::as_str).collect();
    let states = host.units.states(&names)?;
    Ok(services.iter().cloned().zip(states).collect())
}

/// All units that stop when some services are stopped.
pub fn dependents(host: Host<'_>, services: &[&String]) -> Result<BTreeSet<String>, Fault> {
    let mut all = BTreeSet::new();
    let mut open: Vec<String> = services.iter().map(|name| (*name).clone()).collect();
    while let Some(name) = open.pop() {
        for dependent in host.units.dependents(&name)? {
            if all.insert(dependent.clone()) {
                open.push(dependent);
            }
        }
    }
    Ok(all)
}
