//! Which services belong to the part of a stack that was asked for.

use std::collections::BTreeSet;

use crate::check::{Checked, graph};

/// A part of a stack, with all that it needs; the whole of it where nothing is named.
#[derive(Debug, Clone, Copy, Default)]
pub struct Part<'p> {
    /// The services of these groups.
    pub groups: &'p [String],
    /// These services.
    pub services: &'p [String],
}

impl Part<'_> {
    /// Whether it is the whole stack.
    pub fn is_all(self) -> bool {
        self.groups.is_empty() && self.services.is_empty()
    }
}

/// The places of the services of a part, and of all that these need.
pub fn chosen(checked: &Checked, part: Part<'_>) -> Vec<usize> {
    let services = &checked.stack().services;
    let count = services.iter().len();
    if part.is_all() {
        return (0..count).collect();
    }
    let graph = graph(count, checked.needs());
    let mut places = BTreeSet::new();
    for (place, service) in services.iter().enumerate() {
        let is_in = |group: &str| part.groups.iter().any(|wanted| wanted == group);
        let is_named = part.services.iter().any(|name| name == service.name.as_str());
        if is_named || service.groups.iter().any(|group| is_in(group.as_str())) {
            places.insert(place);
            places.extend(graph.needs(place));
        }
    }
    places.into_iter().collect()
}
