//! Names: given twice, reserved, colliding as units, and what DNS makes of them.

use std::collections::BTreeMap;

use super::View;
use crate::model::at::At;
use crate::model::meaning;
use crate::model::text::{EnvName, Name};
use crate::model::value::ValueError;
use crate::model::value::is_hidden;
use crate::model::value::unit_name::UnitName;
use crate::report::code::{names as code, shape};
use crate::report::human::escape;
use crate::report::{Code, Diagnostic, Findings};
use crate::source::Span;

/// Unit names that systemd or Podman bring along; see `quoting` of unit names in systemd.unit(5).
const RESERVED: [&str; 12] = [
    "default",
    "system",
    "user",
    "dbus",
    "init",
    "basic",
    "podman",
    "podman-restart",
    "podman-auto-update",
    "systemd",
    "shutdown",
    "timers",
];

/// Checks the names of services, of what they declare, and of their units.
pub fn check(view: &View<'_>, findings: &mut Findings) {
    twice(view, findings);
    for service in &view.services {
        let name = service.name.as_str();
        let span = service.name.span;
        if RESERVED.contains(&name) {
            let message = format!("`{name}` is a unit of systemd or Podman itself");
            let diagnostic = Diagnostic::new(&code::RESERVED_NAME, span, message);
            findings.add(diagnostic.help(format!("call it `{name}-app`, or by what it is for")));
        }
        if name.contains(['_', '.']) {
            let message = format!("`{name}` is no host name: `_` and `.` mean nothing in DNS");
            let help = format!("call it `{}`", name.replace(['_', '.'], "-"));
            findings.add(Diagnostic::new(&code::NOT_A_DNS_LABEL, span, message).help(help));
        }
        replicas(service, findings);
    }
    units(view, findings);
    containers(view, findings);
    ids(view, findings);
    same_objects(view, findings);
    keys(view, findings);
    hidden(view, findings);
}

fn twice(view: &View<'_>, findings: &mut Findings) {
    let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
    for service in &view.services {
        let span = service.name.span;
        if let Some(first) = seen.get(service.name.as_str()) {
            let message = format!("two services are called `{}`", service.name);
            let diagnostic = Diagnostic::new(&code::DUPLICATE_NAME, span, message);
            findings.add(diagnostic.label(*first, "the first one").help("give one another name"));
        } else {
            seen.insert(service.name.as_str(), span);
        }
    }
}

/// What there can be only one of does not go with several replicas.
fn replicas(service: &crate::model::service::Service, findings: &mut Findings) {
    let Some(count) = service.replicas.filter(|count| count.value > 1) else { return };
    let configuration = meaning::configuration(service);
    let name = configuration.container_name.as_ref().map(|name| (name.span, "a container name"));
    let hostname = configuration.hostname.as_ref().map(|name| (name.span, "a host name"));
    let ports = configuration.ports.iter().filter(|port| port.0.host.is_some());
    let ports = ports.map(|port| (port.span, "a fixed port"));
    let addresses = configuration.networks.iter().flat_map(|network| {
        let more = &network.more;
        [more.ip.map(|at| at.span), more.ip6.map(|at| at.span), more.mac.as_ref().map(|at| at.span)]
    });
    let addresses = addresses.flatten().map(|span| (span, "a fixed address"));
    for (span, what) in name.into_iter().chain(hostname).chain(ports).chain(addresses) {
        let message = format!("{what} for {} replicas of `{}`", count.value, service.name);
        let diagnostic = Diagnostic::new(&code::NOT_FOR_REPLICAS, span, message)
            .label(count.span, "the replicas")
            .help("leave it out, or write the services out one by one");
        findings.add(diagnostic);
    }
}

/// Every unit that the stack becomes, by its full name, with what it is made from.
pub fn unit_names(view: &View<'_>) -> Vec<(String, Span, String)> {
    let mut units = Vec::new();
    for service in &view.services {
        for name in meaning::units(service) {
            let what = format!("service `{}`", service.name);
            units.push((format!("{name}.service"), service.name.span, what));
        }
        if meaning::configuration(service).build.get().is_some() {
            let name = format!("{}-build.service", service.name);
            units.push((name, service.name.span, format!("build of `{}`", service.name)));
        }
    }
    for (name, span, network) in view.stack.networks.iter() {
        let external = network.get().and_then(|network| network.external);
        if !external.is_some_and(|external| external.value) {
            units.push((format!("{name}-network.service"), span, format!("network `{name}`")));
        }
    }
    for (name, span, volume) in view.stack.volumes.iter() {
        let external = volume.get().and_then(|volume| volume.external);
        if !external.is_some_and(|external| external.value) {
            units.push((format!("{name}-volume.service"), span, format!("volume `{name}`")));
        }
    }
    let plain = view.stack.units.iter();
    units.extend(plain.map(|(name, span, _)| (name.to_owned(), span, format!("unit `{name}`"))));
    units
}

/// The networks and volumes that the stack owns: their kind, their name in Podman, and where.
pub fn objects<'v>(view: &'v View<'_>) -> Vec<(&'static str, &'v str, Span)> {
    let networks = view.stack.networks.iter().filter_map(|(key, span, network)| {
        let network = network.get();
        let external = network.and_then(|network| network.external).is_some_and(|at| at.value);
        let name = network.and_then(|network| network.name.as_ref());
        (!external).then(|| ("network", name.map_or(key, |name| name.as_str()), span))
    });
    let volumes = view.stack.volumes.iter().filter_map(|(key, span, volume)| {
        let volume = volume.get();
        let external = volume.and_then(|volume| volume.external).is_some_and(|at| at.value);
        let name = volume.and_then(|volume| volume.name.as_ref());
        (!external).then(|| ("volume", name.map_or(key, |name| name.as_str()), span))
    });
    networks.chain(volumes).collect()
}

/// Two networks or two volumes with one name in Podman.
fn same_objects(view: &View<'_>, findings: &mut Findings) {
    let mut seen: BTreeMap<(&str, &str), Span> = BTreeMap::new();
    for (kind, name, span) in objects(view) {
        let Some(first) = seen.insert((kind, name), span) else { continue };
        let message = format!("two {kind}s are called `{name}` in Podman");
        let diagnostic = Diagnostic::new(&code::DUPLICATE_NAME, span, message);
        findings.add(diagnostic.label(first, "the first one").help("give one another `name`"));
    }
}

fn units(view: &View<'_>, findings: &mut Findings) {
    let mut seen: BTreeMap<String, (Span, String)> = BTreeMap::new();
    for (unit, span, what) in unit_names(view) {
        let folded = unit.to_lowercase();
        match seen.get(&folded) {
            Some((_, first)) if *first == what => {} // Two services of one name are told as such.
            Some((place, first)) => {
                let message = format!("{what} and {first} would both be `{unit}`");
                let diagnostic = Diagnostic::new(&code::UNIT_COLLISION, span, message);
                findings.add(diagnostic.label(*place, "this one").help("give one another name"));
            }
            None => {
                seen.insert(folded, (span, what));
            }
        }
    }
}

/// Two services whose containers would have one name, though the services have not.
fn containers(view: &View<'_>, findings: &mut Findings) {
    let mut seen: BTreeMap<String, (&At<Name>, Span)> = BTreeMap::new();
    for service in &view.services {
        for (name, span) in meaning::containers(service) {
            match seen.get(&name.to_lowercase()) {
                // Without a name of its own, a container is called like its unit, which is told.
                Some((other, first)) if *first == other.span && span == service.name.span => {}
                Some((other, first)) => {
                    let message = format!("the container of `{other}` is called `{name}` too");
                    let diagnostic = Diagnostic::new(&code::CONTAINER_COLLISION, span, message);
                    let help = "give one of them another `container_name`";
                    findings.add(diagnostic.label(*first, "the other one").help(help));
                }
                None => {
                    seen.insert(name.to_lowercase(), (&service.name, span));
                }
            }
        }
    }
}

/// Names that a user gave to containers and that Podman may take for something else.
fn ids(view: &View<'_>, findings: &mut Findings) {
    for service in &view.services {
        let own = meaning::configuration(service).container_name.as_ref();
        let Some(name) = own.filter(|name| meaning::reads_as_id(name.as_str())) else { continue };
        let message = format!("`{}` reads as the beginning of a container's ID", name.as_str());
        let usual = meaning::usual_container(service.name.as_str());
        let help = if usual == service.name.as_str() {
            format!("leave it out, and the container is called `{usual}`")
        } else {
            let name = &service.name;
            format!(
                "leave it out: the container is called `{usual}` then, and `{name}` on its networks"
            )
        };
        findings.add(Diagnostic::new(&code::READS_AS_ID, name.span, message).help(help));
    }
}

/// The forms of keys that the user chooses.
fn keys(view: &View<'_>, findings: &mut Findings) {
    let stack = view.stack;
    let mut form = |key: &str, span: Span, code: &'static Code, error: Option<ValueError>| {
        if let Some(error) = error {
            let message = format!("the key `{}`: {}", escape(key), error.message);
            // A key without quotes stands in the file as it is, so the guilty part is known.
            let as_is = span.range().len() == key.len();
            let span = error.at.filter(|_| as_is).map_or(span, |at| span.part(&at));
            findings.add(Diagnostic::new(code, span, message).maybe_help(error.help));
        }
    };
    let object = |key: &str| key.parse::<crate::model::text::ObjectName>().err();
    let name = |key: &str| key.parse::<Name>().err();
    let variable = |key: &str| key.parse::<EnvName>().err();
    stack.networks.iter().for_each(|(key, at, _)| form(key, at, &shape::NAME, object(key)));
    stack.volumes.iter().for_each(|(key, at, _)| form(key, at, &shape::NAME, object(key)));
    stack.secrets.iter().for_each(|(key, at, _)| form(key, at, &shape::NAME, object(key)));
    stack.files.iter().for_each(|(key, at, _)| form(key, at, &shape::NAME, name(key)));
    stack.middlewares.iter().for_each(|(key, at, _)| form(key, at, &shape::NAME, name(key)));
    for (key, at, _) in stack.units.iter() {
        form(key, at, &shape::UNIT, key.parse::<UnitName>().err());
    }
    let shared = stack.shared.get().into_iter().flat_map(|shared| shared.environment.iter());
    let own = view.configured().flat_map(|(_, one)| one.environment.iter());
    shared.chain(own).for_each(|(key, at, _)| {
        form(key, at, &shape::VARIABLE_NAME, variable(key));
    });
    for (_, configuration) in view.configured() {
        for (key, at, _) in configuration.routes.iter() {
            form(key, at, &shape::NAME, name(key));
        }
    }
}

/// Characters that hide or turn a text around: a person reads one thing, a machine another.
fn hidden(view: &View<'_>, findings: &mut Findings) {
    let stack = view.stack.stack.get();
    let texts =
        stack.into_iter().flat_map(|info| [info.description.as_ref(), info.author.as_ref()]);
    let services = view.services.iter().map(|service| service.description.as_ref());
    let texts: Vec<_> =
        texts.chain(services).flatten().map(|at| (at.value.as_str(), at.span)).collect();
    let routes = view.configured().flat_map(|(_, configuration)| {
        let labels = configuration.traefik_labels.get();
        let rule = labels.and_then(|labels| labels.router_rule.as_ref());
        let rules = configuration.routes.iter().filter_map(|(_, _, route)| route.rule.as_ref());
        rule.into_iter().chain(rules).map(|at| (at.value.as_str(), at.span))
    });
    for (text, span) in texts.into_iter().chain(routes) {
        if let Some(c) = text.chars().find(|c| is_hidden(*c) && !matches!(c, '\n' | '\t')) {
            let message =
                format!("the character {} hides or turns the text around it", c.escape_unicode());
            let diagnostic = Diagnostic::new(&code::INVISIBLE_CHARACTER, span, message);
            findings.add(diagnostic.help("take it out"));
        }
    }
}
