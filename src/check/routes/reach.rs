//! Whether Traefik reaches what its routers lead to: a network in common, and a port that is there.

use std::collections::BTreeSet;

use super::said::{Said, Thing};
use crate::check::{View, did_you_mean};
use crate::model::configuration::Configuration;
use crate::model::meaning;
use crate::model::value::port::PortRange;
use crate::report::code::routes as code;
use crate::report::human::escape;
use crate::report::{Diagnostic, Findings, Severity};
use crate::source::Span;

/// Checks the ways from Traefik to the services of one stack that need nothing of other stacks.
pub fn ports(said: &Said<'_>, findings: &mut Findings) {
    // The ports of another container's network are told of there.
    if said.configuration.network_mode.is_some() {
        return;
    }
    let configuration = said.configuration;
    let exposed = configuration.expose.iter().map(|range| range.value);
    let mapped = configuration.ports.iter().map(|port| port.0.container);
    let known: Vec<PortRange> = exposed.chain(mapped).collect();
    for (_, service) in said.of("services") {
        let label = service.settings.get("loadBalancer.servers[0].port");
        let port = label.and_then(|label| Some((label.text().parse::<u16>().ok()?, label.span())));
        let Some((port, span)) = port.filter(|_| !known.is_empty()) else { continue };
        if !known.iter().any(|range| (range.first..=range.last).contains(&port)) {
            other_port(configuration, port, span, findings);
        }
    }
}

/// A port of which the service does not tell, though it tells of others.
fn other_port(configuration: &Configuration, port: u16, span: Span, findings: &mut Findings) {
    let message = format!("port {port}, of which the service does not tell");
    let diagnostic = Diagnostic::new(&code::OTHER_PORT, span, message);
    let outside = configuration.ports.iter().find(|mapping| {
        mapping.0.host.is_some_and(|host| (host.first..=host.last).contains(&port))
    });
    let diagnostic = match (outside, configuration.expose.iter().next()) {
        (Some(mapping), _) => {
            let host = mapping.0.host.map_or(port, |host| host.first);
            let inside = mapping.0.container.first.saturating_add(port.saturating_sub(host));
            let message = format!("port {port} is one of this machine, and none of the container");
            let diagnostic = Diagnostic::new(&code::OTHER_PORT, span, message);
            let help = format!("Traefik speaks to the container itself: write {inside}");
            diagnostic.label(mapping.span, "mapped here").help(help)
        }
        (None, Some(exposed)) => {
            let help = format!("write one that it tells of, or add {port} to `expose`");
            diagnostic.label(exposed.span, "it tells of this one").help(help)
        }
        // Who publishes one port, such as 22, need not tell of those that only Traefik uses.
        (None, None) => {
            let help = format!("add {port} to `expose`, if the container listens there");
            diagnostic.severity(Severity::Hint).help(help)
        }
    };
    findings.add(diagnostic);
}

/// Checks that a network joins the services to Traefik, where Traefik is among what is read here.
pub fn networks(views: &[View<'_>], all: &[Said<'_>], findings: &mut Findings) {
    let all: Vec<&Said<'_>> = all.iter().filter(|said| !said.view.incomplete).collect();
    for said in &all {
        named(said, findings);
    }
    let proxies = views.iter().flat_map(|view| {
        let proxies = view.configured().filter(|(_, configuration)| is_traefik(configuration));
        proxies.map(move |(service, configuration)| (service, joined(view, configuration)))
    });
    let proxies: Vec<_> = proxies.collect();
    let Some((proxy, _)) = proxies.first() else { return };
    // One whose networks are not known may reach everything.
    let theirs: Option<Vec<_>> = proxies.iter().map(|(_, networks)| networks.as_ref()).collect();
    let Some(theirs) = theirs else { return };
    let theirs: BTreeSet<&str> = theirs.into_iter().flatten().copied().collect();
    for said in all.iter().filter(|said| !is_traefik(said.configuration)) {
        let Some(own) = joined(said.view, said.configuration) else { continue };
        let elsewhere = |name: String| name.contains('@') && !name.ends_with("@docker");
        let leads = |router: &Thing| !router.text("service").is_some_and(elsewhere);
        let has_route = said.of("routers").any(|(_, router)| leads(router));
        if !has_route || own.iter().any(|network| theirs.contains(network)) {
            continue;
        }
        let name = &said.service.name;
        let message = format!("`{name}` has a route, and is in no network that Traefik is in");
        let span = said.configuration.networks.span().unwrap_or(name.span);
        let diagnostic = Diagnostic::new(&code::UNREACHED, span, message);
        let help = match theirs.first() {
            Some(network) => format!("let it join `{network}`"),
            None => "let both join one network".to_owned(),
        };
        findings.add(diagnostic.label(proxy.name.span, "Traefik").help(help));
    }
}

/// A network in which Traefik is told to look is one that the service is in.
fn named(said: &Said<'_>, findings: &mut Findings) {
    let Some((label, own)) = said.network.as_ref().zip(joined(said.view, said.configuration))
    else {
        return;
    };
    let network = label.text();
    if !own.contains(network.as_str()) {
        let shown = escape(&network).into_owned();
        let message = format!("`{}` is in no network `{shown}`", said.service.name);
        let help = did_you_mean(&network, own.iter().copied(), findings);
        let help =
            help.unwrap_or_else(|| "name one of its networks, as Podman knows it".to_owned());
        findings.add(Diagnostic::new(&code::UNREACHED, label.span(), message).help(help));
    }
}

fn is_traefik(configuration: &Configuration) -> bool {
    let image = configuration.image.as_ref();
    image.is_some_and(|image| image.path.rsplit('/').next() == Some("traefik"))
}

/// The networks of a service by their names in Podman; nothing where that cannot be told.
fn joined<'v>(view: &'v View<'_>, configuration: &'v Configuration) -> Option<BTreeSet<&'v str>> {
    let shared = view.stack.shared.get();
    if shared.and_then(|shared| shared.pod).is_some_and(|pod| pod.value) {
        return None;
    }
    match configuration.network_mode.as_ref().map(|mode| mode.value.as_str()) {
        None => {}
        Some("none") => return Some(BTreeSet::new()),
        Some(mode) => {
            let other = view.service(mode.strip_prefix("service:")?)?;
            let other = meaning::configuration(other);
            return other.network_mode.is_none().then(|| joined(view, other))?;
        }
    }
    let name = |name: &'v str| {
        let network = view.stack.networks.get(name).and_then(|network| network.get());
        network.and_then(|network| network.name.as_ref()).map_or(name, |given| given.as_str())
    };
    let own = configuration.networks.iter();
    let shared = shared.into_iter().flat_map(|shared| shared.networks.iter());
    let used: BTreeSet<&str> = match configuration.networks.is_empty() {
        true => shared.map(|network| name(network.name.as_str())).collect(),
        false => own.map(|network| name(network.name.as_str())).collect(),
    };
    Some(if used.is_empty() { BTreeSet::from([name(view.name)]) } else { used })
}
