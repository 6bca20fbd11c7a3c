//! A look at a host: the services of two sets of files, and what Podman has.

use std::collections::{BTreeMap, BTreeSet};

use crate::host::change::{Fault, Host};
use crate::host::containers::Stock;
use crate::plan::{Observed, STACK_LABEL};

/// Looks at all that a plan needs to know about some services of a stack.
pub fn observe(
    host: Host<'_>,
    stack: &str,
    services: &BTreeSet<String>,
) -> Result<Observed, Fault> {
    let Stock { mut containers, images, networks } = host.containers.stock()?;
    containers.retain(|one| one.labels.get(STACK_LABEL).is_some_and(|name| name == stack));
    let networks = networks.into_iter().map(|network| network.name).collect();
    Ok(Observed { states: states(host, services)?, containers, images, networks })
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
