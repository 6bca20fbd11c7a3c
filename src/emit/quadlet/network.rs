//! A network that the stack owns, as the fields of its template.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{STACK_LABEL, pairs};
use crate::emit::template::Fields;
use crate::model::network as model;
use crate::model::value::address::{Address, AddressRange, Subnet};
use crate::resolve::{Network, Resolved};

/// The fields of a network's unit.
pub fn fields(stack: &Resolved<'_>, network: &Network<'_>) -> Fields {
    let mut fields = Fields::default();
    fields.set("description", format!("Network {} of {}", network.name, stack.name));
    fields.set("name", network.podman_name);
    let mut labels = vec![format!("{STACK_LABEL}={}", stack.name)];
    if let Some(written) = network.written {
        fields.maybe("driver", written.driver.as_ref());
        addresses(written, &mut fields);
        for (name, switch) in [
            ("ipv6", written.ipv6),
            ("internal", written.internal),
            ("disable_dns", written.disable_dns),
        ] {
            fields.maybe(name, switch.filter(|switch| switch.value));
        }
        fields.list("dns", written.dns.iter().map(ToString::to_string));
        fields.maybe("interface", written.interface.as_ref());
        let isolate = written.isolate.map(|isolate| format!("isolate={isolate}"));
        fields.list("options", isolate.into_iter().chain(pairs(&written.options)));
        labels.extend(pairs(&written.labels));
    }
    fields.list("labels", labels);
    fields
}

/// One subnet with all that belongs to it.
type Part = (Subnet, Option<Address>, Option<AddressRange>);

/// Subnets, gateways and ranges are three lists, in which the first belongs to the first: where one
/// is left out before another that is given, what Podman would take is written out.
fn addresses(written: &model::Network, fields: &mut Fields) {
    let first = written.subnet.map(|subnet| {
        (subnet.value, written.gateway.map(|at| at.value), written.ip_range.map(|at| at.value))
    });
    let more = written.more_subnets.iter().map(|at| &at.value);
    let more = more.map(|more| (more.subnet, more.gateway, more.ip_range));
    let parts: Vec<Part> = first.into_iter().chain(more).collect();
    let gateways = parts.iter().rposition(|(_, gateway, _)| gateway.is_some());
    let ranges = parts.iter().rposition(|(_, _, range)| range.is_some());
    let up_to = |last: Option<usize>| last.map_or(0, |last| last + 1);
    fields.list("subnets", parts.iter().map(|(subnet, _, _)| subnet.to_string()));
    let gateways = parts.iter().take(up_to(gateways)).map(|(subnet, gateway, _)| {
        gateway.map_or_else(|| usual_gateway(*subnet), |gateway| gateway.to_string())
    });
    fields.list("gateways", gateways);
    let ranges = parts.iter().take(up_to(ranges)).map(|(subnet, _, range)| {
        range.map_or_else(|| subnet.to_string(), |range| range.to_string())
    });
    fields.list("ranges", ranges);
}

/// The first address of a subnet, which Podman takes where nothing is said.
fn usual_gateway(subnet: Subnet) -> String {
    match subnet.address {
        IpAddr::V4(address) => Ipv4Addr::from(u32::from(address).saturating_add(1)).to_string(),
        IpAddr::V6(address) => Ipv6Addr::from(u128::from(address).saturating_add(1)).to_string(),
    }
}
