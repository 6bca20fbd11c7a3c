//! Which services wait for which, among those that are started.

use std::collections::{BTreeMap, BTreeSet};

use crate::unit_file::facts::Facts;

/// What a service waits for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Waits {
    /// These must have started, whatever becomes of them.
    pub after: BTreeSet<String>,
    /// These must be up.
    pub requires: BTreeSet<String>,
}

/// What each of some services waits for among them. A service that waits for one outside of them
/// through others inside does not wait here: systemd holds it back.
pub fn order(facts: &BTreeMap<String, Facts>, start: &[String]) -> BTreeMap<String, Waits> {
    let chosen: BTreeSet<&String> = start.iter().collect();
    let among = |names: &BTreeSet<String>| -> BTreeSet<String> {
        names.iter().filter(|name| chosen.contains(name)).cloned().collect()
    };
    let waits = start.iter().map(|service| {
        // Nothing is known about a unit of somebody else: systemd has its order.
        let Some(facts) = facts.get(service) else { return (service.clone(), Waits::default()) };
        let after = among(&facts.after);
        let requires = after.intersection(&facts.requires).cloned().collect();
        (service.clone(), Waits { after, requires })
    });
    waits.collect()
}

/// The length of the longest chain of services by what each took, with its last member.
pub fn longest_chain(
    waits: &BTreeMap<String, Waits>,
    took: &BTreeMap<String, u64>,
) -> Option<(u64, String)> {
    let mut ends: BTreeMap<&str, u64> = BTreeMap::new();
    let mut open: Vec<&String> = waits.keys().collect();
    while !open.is_empty() {
        let known = |name: &String| !waits.contains_key(name) || ends.contains_key(name.as_str());
        let (ready, later): (Vec<&String>, Vec<&String>) = open
            .iter()
            .partition(|name| waits.get(**name).is_some_and(|w| w.after.iter().all(known)));
        if ready.is_empty() {
            return None;
        }
        for name in ready {
            let before = waits.get(name).into_iter().flat_map(|waits| &waits.after);
            let before = before.filter_map(|other| ends.get(other.as_str())).max().copied();
            let own = took.get(name).copied().unwrap_or(0);
            ends.insert(name, before.unwrap_or(0) + own);
        }
        open = later;
    }
    let (name, end) = ends.into_iter().max_by_key(|(_, end)| *end)?;
    Some((end, name.to_owned()))
}
