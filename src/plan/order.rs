//! Which services wait for which, among those that are started or stopped.

use std::collections::{BTreeMap, BTreeSet};

use crate::unit_file::facts::Facts;

/// The services that each of some waits for among them: these must have started, whatever becomes
/// of them. A service that waits for one outside of them through others inside does not wait here:
/// systemd holds it back.
pub fn order(
    facts: &BTreeMap<String, Facts>,
    start: &[String],
) -> BTreeMap<String, BTreeSet<String>> {
    let chosen: BTreeSet<&String> = start.iter().collect();
    let waits = start.iter().map(|service| {
        // Nothing is known about a unit of somebody else: systemd has its order.
        let after = facts.get(service).into_iter().flat_map(|facts| &facts.after);
        let after = after.filter(|name| chosen.contains(name)).cloned().collect();
        (service.clone(), after)
    });
    waits.collect()
}

/// Some services, each before those that it waits for when they start: a stop waits only for the
/// stops that systemd was told of before.
pub fn last_first(facts: &BTreeMap<String, Facts>, stop: &[String]) -> Vec<String> {
    let mut open = order(facts, stop);
    let mut sorted = Vec::new();
    while !open.is_empty() {
        let awaited: BTreeSet<&String> = open.values().flatten().collect();
        let free = open.keys().filter(|name| !awaited.contains(name)).cloned();
        let mut free: Vec<String> = free.collect();
        if free.is_empty() {
            // They wait for each other in a circle.
            free = open.keys().cloned().collect();
        }
        open.retain(|name, _| !free.contains(name));
        sorted.extend(free);
    }
    sorted
}
