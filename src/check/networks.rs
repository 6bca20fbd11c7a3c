//! Networks: declared or not, their subnets, and fixed addresses in them.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use super::ports::mode_kind;
use super::{View, did_you_mean};
use crate::model::at::At;
use crate::model::configuration::Configuration;
use crate::model::network::{Network, NetworkUse};
use crate::model::service::Service;
use crate::model::value::address::{Address, AddressRange, Subnet};
use crate::report::code::names as code;
use crate::report::{Diagnostic, Findings};
use crate::source::Span;

/// Checks the networks of the stack and how services join them.
pub fn check(view: &View<'_>, findings: &mut Findings) {
    let known = known(view);
    let mut addresses: BTreeMap<(&str, IpAddr), (&str, Span)> = BTreeMap::new();
    for (service, configuration) in view.configured() {
        joined_twice(service, configuration, findings);
        for network in configuration.networks.iter() {
            declared(view, &known, network, findings);
            let more = &network.more;
            for address in [more.ip, more.ip6].into_iter().flatten() {
                fits(view, network, address, findings);
                let key = (network.name.as_str(), address.value.0);
                let own = (service.name.as_str(), address.span);
                match addresses.get(&key) {
                    Some((other, first)) => {
                        let message =
                            format!("{address} in `{}` is taken by `{other}`", network.name);
                        let diagnostic =
                            Diagnostic::new(&code::ADDRESS_TAKEN, address.span, message);
                        let help =
                            format!("give one of them another address in `{}`", network.name);
                        findings.add(diagnostic.label(*first, "taken here").help(help));
                    }
                    None => {
                        addresses.insert(key, own);
                    }
                }
            }
        }
        if let (Some(mode), Some(span)) =
            (&configuration.network_mode, configuration.networks.span())
        {
            let message = format!("`{}` joins networks and has a network mode", service.name);
            let diagnostic = Diagnostic::new(&code::TWO_NETWORK_MODES, mode.span, message);
            let help = "take `networks` away, or `network_mode`";
            findings.add(diagnostic.label(span, "the networks").help(help));
        }
        if let Some(mode) = &configuration.network_mode {
            shared_service(view, mode, findings);
        }
    }
    shared(view, findings);
    subnets(view, findings);
}

fn joined_twice(service: &Service, configuration: &Configuration, findings: &mut Findings) {
    let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
    for network in configuration.networks.iter() {
        let name = &network.name;
        if let Some(first) = seen.insert(name.as_str(), name.span) {
            let message = format!("`{}` joins `{name}` twice", service.name);
            let diagnostic = Diagnostic::new(&code::DUPLICATE_NAME, name.span, message);
            findings.add(diagnostic.label(first, "joined first here").help("keep one of the two"));
        }
    }
}

/// `network_mode: service:NAME` names a service that is there.
fn shared_service(view: &View<'_>, mode: &At<String>, findings: &mut Findings) {
    let Some(name) = mode.value.strip_prefix("service:").filter(|_| mode_kind(mode) == "service")
    else {
        return;
    };
    if !view.incomplete && view.service(name).is_none() {
        let message = format!("the network of `{name}`, which is no service of this stack");
        let help = view.did_you_mean(name, findings);
        let diagnostic = Diagnostic::new(&code::UNKNOWN_NETWORK_SERVICE, mode.span, message);
        findings.add(diagnostic.maybe_help(help));
    }
}

/// The names of the networks that a service may join.
fn known<'v>(view: &'v View<'_>) -> BTreeSet<&'v str> {
    let shared = view.stack.shared.get().into_iter().flat_map(|shared| shared.networks.iter());
    let owned = view.stack.networks.iter().map(|(name, _, _)| name);
    owned.chain(shared.map(|network| network.name.as_str())).collect()
}

fn declared(
    view: &View<'_>,
    known: &BTreeSet<&str>,
    network: &NetworkUse,
    findings: &mut Findings,
) {
    let name = network.name.as_str();
    let lost = view.is_lost("networks", name) || view.is_lost("shared", "networks");
    if view.incomplete || known.contains(name) || lost {
        return;
    }
    let message = format!("network `{name}` is not declared");
    let declare = || format!("add `{name}:` under `networks`, with `external: true` if it exists");
    let help = did_you_mean(name, known.iter().copied(), findings).unwrap_or_else(declare);
    let span = network.name.span;
    findings.add(Diagnostic::new(&code::UNDECLARED_NETWORK, span, message).help(help));
}

/// A fixed address in `shared.networks` would be the same for every service.
fn shared(view: &View<'_>, findings: &mut Findings) {
    let networks = view.stack.shared.get().into_iter().flat_map(|shared| shared.networks.iter());
    for network in networks {
        let fixed = network.more.ip.or(network.more.ip6);
        if let Some(address) = fixed.filter(|_| view.services.len() > 1) {
            let message = format!("{address} in `{}` for every service at once", network.name);
            let diagnostic = Diagnostic::new(&code::ADDRESS_TAKEN, address.span, message);
            findings.add(diagnostic.help("give the address to one service, under its `networks`"));
        }
    }
}

fn fits(view: &View<'_>, used: &NetworkUse, address: At<Address>, findings: &mut Findings) {
    let Some(network) = view.stack.networks.get(used.name.as_str()) else { return };
    let network = network.get().map(|network| &network.value);
    if network.is_none_or(|network| subnets_of(network).next().is_none()) {
        no_subnet(view, used, network, address, findings);
    }
    let few = |network: &&Network| network.more_subnets.iter().len() <= COMPARED_MAX;
    let Some(network) = network.filter(few) else { return };
    let same_family =
        |subnet: &(Subnet, Span)| subnet.0.address.is_ipv4() == address.value.0.is_ipv4();
    let subnets: Vec<(Subnet, Span)> = subnets_of(network).filter(same_family).collect();
    let inside = subnets.iter().any(|(subnet, _)| subnet.contains(address.value.0));
    if let (false, Some((subnet, span))) = (inside, subnets.first()) {
        let message = format!("{address} lies outside of {subnet}, the subnet of `{}`", used.name);
        let diagnostic = Diagnostic::new(&code::OUTSIDE_SUBNET, address.span, message);
        findings.add(diagnostic.label(*span, "the subnet").help("give an address of the subnet"));
        return;
    }
    if let Some(gateway) = network.gateway.as_ref().filter(|at| at.value == address.value) {
        let message = format!("{address} is the address of the machine itself in `{}`", used.name);
        let diagnostic = Diagnostic::new(&code::ADDRESS_TAKEN, address.span, message);
        let help = "give another address of the subnet";
        findings.add(diagnostic.label(gateway.span, "the gateway").help(help));
        return;
    }
    let range = network.ip_range.as_ref().filter(|range| range.value.contains(address.value.0));
    if let Some(range) = range {
        let message = format!("{address} lies in {range}, which is given to others as they come");
        let diagnostic = Diagnostic::new(&code::ADDRESS_IN_RANGE, address.span, message);
        findings
            .add(diagnostic.label(range.span, "the range").help("give an address outside of it"));
    }
}

/// Podman chooses a subnet where none is given, and then no fixed address can be known to fit.
fn no_subnet(
    view: &View<'_>,
    used: &NetworkUse,
    network: Option<&Network>,
    address: At<Address>,
    findings: &mut Findings,
) {
    let external = network.and_then(|network| network.external).is_some_and(|at| at.value);
    if !external && !view.stack.dented.0 {
        let message = format!("{address} in `{}`, which has no subnet of its own", used.name);
        let diagnostic = Diagnostic::new(&code::OUTSIDE_SUBNET, address.span, message);
        findings.add(diagnostic.help(format!("give `{}` a `subnet` with that address", used.name)));
    }
}

fn subnets_of(network: &Network) -> impl Iterator<Item = (Subnet, Span)> {
    let first = network.subnet.as_ref().map(|subnet| (subnet.value, subnet.span));
    let more = network.more_subnets.iter().map(|more| (more.value.subnet, more.span));
    first.into_iter().chain(more)
}

/// Gateways and ranges lie in their subnet; subnets of different networks do not overlap.
fn subnets(view: &View<'_>, findings: &mut Findings) {
    let mut all: Vec<(Subnet, Span, &str)> = Vec::new();
    for (name, _, network) in view.stack.networks.iter() {
        let Some(network) = network.get() else { continue };
        parts(network, findings);
        all.extend(subnets_of(network).map(|(subnet, span)| (subnet, span, name)));
    }
    // Of two subnets one lies in the other or they share nothing: so in this order, the next one
    // can only lie in the last one that lies in no other itself.
    all.sort_by_key(|(subnet, span, _)| (subnet.address, subnet.prefix, *span));
    let mut outer: Option<&(Subnet, Span, &str)> = None;
    for one in &all {
        let Some(other) = outer.filter(|outer| outer.0.overlaps(&one.0)) else {
            outer = Some(one);
            continue;
        };
        let (first, second) = if other.1 <= one.1 { (other, one) } else { (one, other) };
        let (subnet, span, name) = second;
        let message = format!("{subnet} of `{name}` overlaps with a subnet of `{}`", first.2);
        let diagnostic = Diagnostic::new(&code::SUBNETS_OVERLAP, *span, message);
        let help = "give one of the networks another subnet";
        findings.add(diagnostic.label(first.1, "the other one").help(help));
    }
}

/// How many subnets of a network an address is looked for in; no machine has a tenth of it.
const COMPARED_MAX: usize = 1000;

fn parts(network: &Network, findings: &mut Findings) {
    let Some(subnet) = &network.subnet else { return };
    let outside = |address: IpAddr| !subnet.value.contains(address);
    let gateway = network.gateway.as_ref().filter(|gateway| outside(gateway.value.0));
    let range = network.ip_range.as_ref().filter(|range| match range.value {
        AddressRange::Span(first, last) => outside(first) || outside(last),
        AddressRange::Subnet(part) => outside(part.address) || part.prefix < subnet.value.prefix,
    });
    let gateway = gateway.map(|gateway| (gateway.to_string(), gateway.span));
    let range = range.map(|range| (range.to_string(), range.span));
    for (found, span) in gateway.into_iter().chain(range) {
        let message = format!("{found} lies outside of {subnet}");
        let diagnostic = Diagnostic::new(&code::OUTSIDE_SUBNET, span, message);
        let help = "give addresses of the subnet";
        findings.add(diagnostic.label(subnet.span, "the subnet").help(help));
    }
}
