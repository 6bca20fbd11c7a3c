//! Volumes that a deployment makes, where the stack says that they go with one that fails.

use std::collections::{BTreeMap, BTreeSet};

use super::{Event, Scene};
use crate::host::change::{Fault, Host};
use crate::plan::STACK_LABEL;
use crate::unit_file::facts::Facts;

/// The volumes of some units that are not there.
pub fn missing(host: Host<'_>, facts: &BTreeMap<String, Facts>) -> Result<BTreeSet<String>, Fault> {
    let known: BTreeSet<String> =
        host.containers.volumes()?.into_iter().map(|volume| volume.name).collect();
    let units = facts.values().filter(|facts| facts.file.ends_with(".volume"));
    let names = units.filter_map(|facts| facts.name.clone());
    Ok(names.filter(|name| !known.contains(name)).collect())
}

/// Removes those of some volumes that carry the mark of the stack. All is back as it was by then:
/// what goes wrong is told and spoils nothing.
pub fn drop_made(scene: &Scene<'_>, names: &BTreeSet<String>) {
    if names.is_empty() {
        return;
    }
    let containers = scene.host.containers;
    let removed = containers.volumes().and_then(|volumes| {
        let is_made = |name: &str, stack: Option<&String>| {
            names.contains(name) && stack.is_some_and(|stack| stack == scene.stack)
        };
        let mut made = volumes.iter().filter(|one| is_made(&one.name, one.labels.get(STACK_LABEL)));
        made.try_for_each(|volume| containers.remove_volume(&volume.name))
    });
    if let Err(fault) = removed {
        (scene.tell)(&Event::Note { text: fault.to_string() });
    }
}
