//! Which services belong to the part of a stack that was asked for.

use std::collections::BTreeSet;

use crate::check::{Checked, graph};

/// The places of the services of some groups, and of all that these need; all where none is given.
pub fn chosen(checked: &Checked, groups: &[String]) -> Vec<usize> {
    let services = &checked.stack().services;
    let count = services.iter().len();
    if groups.is_empty() {
        return (0..count).collect();
    }
    let graph = graph(count, checked.needs());
    let mut places = BTreeSet::new();
    for (place, service) in services.iter().enumerate() {
        let is_in = |group: &str| groups.iter().any(|wanted| wanted == group);
        if service.groups.iter().any(|group| is_in(group.as_str())) {
            places.insert(place);
            places.extend(graph.needs(place));
        }
    }
    places.into_iter().collect()
}
