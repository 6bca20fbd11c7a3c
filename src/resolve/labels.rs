//! The labels of a container as they are written, the network for Traefik among them.

use std::collections::BTreeMap;

use super::network::Joined;
use crate::check::Checked;
use crate::model::label;
use crate::model::meaning;
use crate::model::service::Service;

/// Labels by their names.
pub type Labels = BTreeMap<String, String>;

/// The labels of a container.
pub fn labels(checked: &Checked, service: &Service, joined: &Joined<'_>) -> Labels {
    let labels = label::labels(checked.stack(), service).into_iter();
    let mut labels: Labels = labels.map(|(name, label)| (name, label.text())).collect();
    if let Joined::Networks(networks) = joined
        && networks.len() > 1
        && !meaning::routes(service).is_empty()
    {
        // Traefik would take the address in any of them. It is of another stack most of the time,
        // so that a network which must exist is the likelier one to lead to it.
        let outer = networks.iter().find(|network| network.unit.is_none());
        let network = outer.or(networks.first()).map(|network| network.podman_name.to_owned());
        let key = "traefik.docker.network".to_owned();
        labels.entry(key).or_insert(network.unwrap_or_default());
    }
    labels
}
