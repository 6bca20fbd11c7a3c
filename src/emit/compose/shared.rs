//! Networks and volumes in the words of Compose.

use super::file::{Ipam, Network, Subnet, Text, Volume};
use super::service::{on, pairs};
use crate::model::network as written;
use crate::model::storage;
use crate::resolve;
use crate::resolve::mount;

/// A network that must exist.
pub fn external_network(podman_name: &str) -> Network {
    Network { name: Some(Text::from(podman_name)), external: Some(true), ..Network::default() }
}

/// A network that the stack owns.
pub fn network(network: &resolve::Network<'_>) -> Network {
    let name = Some(Text::from(network.podman_name));
    let Some(written) = network.written else { return Network { name, ..Network::default() } };
    let mut driver_opts = pairs(&written.options);
    if let Some(isolate) = written.isolate {
        driver_opts.insert("isolate".to_owned(), Text::from(&isolate.to_string()));
    }
    if let Some(interface) = &written.interface {
        // The name by which Docker knows it, and Podman too.
        let key = "com.docker.network.bridge.name".to_owned();
        driver_opts.insert(key, Text::from(&interface.value));
    }
    Network {
        name,
        external: None,
        driver: written.driver.as_ref().map(|driver| Text::from(&driver.value)),
        driver_opts,
        ipam: addresses(&written.value),
        internal: on(written.internal),
        enable_ipv6: on(written.ipv6),
        labels: pairs(&written.labels),
    }
}

fn addresses(network: &written::Network) -> Option<Ipam> {
    fn text(value: Option<impl ToString>) -> Option<Text> {
        value.map(|value| Text::from(&value.to_string()))
    }
    let first = network.subnet.map(|subnet| Subnet {
        subnet: text(Some(subnet)),
        gateway: text(network.gateway),
        ip_range: text(network.ip_range),
    });
    let more = network.more_subnets.iter().map(|more| Subnet {
        subnet: text(Some(more.subnet)),
        gateway: text(more.gateway),
        ip_range: text(more.ip_range),
    });
    let config: Vec<Subnet> = first.into_iter().chain(more).collect();
    (!config.is_empty()).then_some(Ipam { config })
}

/// A volume that must exist.
pub fn external_volume(podman_name: &str) -> Volume {
    Volume { name: Some(Text::from(podman_name)), external: Some(true), ..Volume::default() }
}

/// A volume that the stack owns.
pub fn volume(volume: &mount::Volume<'_>) -> Volume {
    let name = Some(Text::from(volume.podman_name));
    let Some(written) = volume.written else { return Volume { name, ..Volume::default() } };
    Volume {
        name,
        external: None,
        driver: written.driver.as_ref().map(|driver| Text::from(&driver.value)),
        driver_opts: volume_options(&written.value),
        labels: pairs(&written.labels),
    }
}

fn volume_options(volume: &storage::Volume) -> super::file::Texts {
    let mut options = pairs(&volume.options);
    let given = [
        ("type", volume.kind.as_ref().map(ToString::to_string)),
        ("device", volume.device.as_ref().map(ToString::to_string)),
        ("image", volume.image.as_ref().map(ToString::to_string)),
    ];
    for (name, value) in given {
        if let Some(value) = value {
            options.insert(name.to_owned(), Text::from(&value));
        }
    }
    options
}
