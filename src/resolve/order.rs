//! In which order the services of a stack start.

use crate::check::{Checked, Need, graph};
use crate::graph::Graph;
use crate::model::meaning;

/// In which order services start, and what they wait for.
#[derive(Debug)]
pub struct Order {
    /// The names of the services, by their places in the file.
    pub names: Vec<String>,
    /// How long each may take until it is ready, in seconds.
    pub seconds: Vec<u64>,
    /// The edges, by the places of services.
    pub needs: Vec<Need>,
    /// Services that can start together, phase after phase.
    pub phases: Vec<Vec<usize>>,
    /// The chain of services that decides how long the whole start takes.
    pub critical_path: Vec<usize>,
    graph: Graph,
}

/// Settles the order of a stack.
pub fn order(checked: &Checked) -> Order {
    let services: Vec<_> = checked.stack().services.iter().collect();
    let names = services.iter().map(|service| service.name.to_string()).collect();
    let seconds: Vec<u64> =
        services.iter().map(|service| meaning::needed_seconds(service).unwrap_or(1)).collect();
    let needs = checked.needs().to_vec();
    let graph = graph(services.len(), &needs);
    let (phases, critical_path) = (graph.phases(), graph.critical_path(&seconds));
    Order { names, seconds, needs, phases, critical_path, graph }
}

impl Order {
    /// The place of a service.
    pub fn place(&self, name: &str) -> Option<usize> {
        self.names.iter().position(|known| known == name)
    }

    /// All that must be up before a service, in the order of their start.
    pub fn needs_of(&self, place: usize) -> Vec<usize> {
        self.graph.needs(place)
    }

    /// All that needs a service, in the order of their start.
    pub fn needed_by(&self, place: usize) -> Vec<usize> {
        self.graph.needed_by(place)
    }

    /// The same order for some of the services alone.
    pub fn restricted(&self, places: &[usize]) -> Order {
        let new = |old: usize| places.iter().position(|place| *place == old);
        let needs = self
            .needs
            .iter()
            .filter_map(|need| Some(Need { from: new(need.from)?, to: new(need.to)?, ..*need }));
        let needs: Vec<Need> = needs.collect();
        let graph = graph(places.len(), &needs);
        let names = places.iter().filter_map(|place| self.names.get(*place).cloned()).collect();
        let seconds: Vec<u64> =
            places.iter().filter_map(|place| self.seconds.get(*place).copied()).collect();
        let (phases, critical_path) = (graph.phases(), graph.critical_path(&seconds));
        Order { names, seconds, needs, phases, critical_path, graph }
    }
}
