//! Ports of the machine: taken twice, too low, or without a network to lead to.

use super::View;
use crate::model::at::At;
use crate::model::storage::Port;
use crate::model::text::Name;
use crate::report::code::names as code;
use crate::report::{Diagnostic, Findings};
use crate::source::Span;

/// Checks the ports of all services.
pub fn check(view: &View<'_>, findings: &mut Findings) {
    for (service, configuration) in view.configured() {
        for port in configuration.ports.iter() {
            low(port, findings);
        }
        let mode = configuration.network_mode.as_ref();
        let no_network =
            mode.filter(|mode| !matches!(mode_kind(mode), "private" | "pasta" | "slirp4netns"));
        if let (Some(mode), Some(port)) = (no_network, configuration.ports.iter().next()) {
            let message = format!("`{}` maps ports and has no network of its own", service.name);
            let diagnostic = Diagnostic::new(&code::PORTS_WITHOUT_NETWORK, port.span, message);
            findings.add(diagnostic.label(mode.span, "the network mode").help("take one away"));
        }
    }
    taken(&mappings(view), |_, _| true, findings);
}

/// The word before the colon of a network mode.
pub fn mode_kind(mode: &str) -> &str {
    mode.split(':').next().unwrap_or(mode)
}

fn low(port: &At<Port>, findings: &mut Findings) {
    let Some(host) = port.0.host.filter(|host| host.first < 1024) else { return };
    let message = format!("port {} is below 1024, a rootless user may not have it", host.first);
    let diagnostic = Diagnostic::new(&code::LOW_PORT, port.span, message);
    findings.add(diagnostic.help(
        "take a port from 1024 on, hold it by a socket unit, or lower \
         `net.ipv4.ip_unprivileged_port_start`",
    ));
}

/// A mapping with whose it is.
pub struct Mapping<'m> {
    /// The stack, where several are checked together.
    pub stack: usize,
    /// The name of the stack.
    pub stack_name: &'m str,
    /// The service.
    pub service: &'m At<Name>,
    /// The mapping.
    pub port: &'m Port,
    /// Where it stands.
    pub span: Span,
}

/// All mappings of a stack that take ports of the machine.
pub fn mappings<'m>(view: &'m View<'m>) -> Vec<Mapping<'m>> {
    let mut all = Vec::new();
    for (service, configuration) in view.configured() {
        for port in configuration.ports.iter().filter(|port| port.0.host.is_some()) {
            let (stack, stack_name) = (0, view.name);
            let (service, span) = (&service.name, port.span);
            all.push(Mapping { stack, stack_name, service, port: &port.value, span });
        }
    }
    all
}

/// Tells mappings that take a port which another one has; each is told once.
pub fn taken(
    all: &[Mapping<'_>],
    concerns: impl Fn(&Mapping<'_>, &Mapping<'_>) -> bool,
    findings: &mut Findings,
) {
    let range =
        |mapping: &Mapping<'_>| mapping.port.0.host.map_or((0, 0), |host| (host.first, host.last));
    let mut order: Vec<usize> = (0..all.len()).collect();
    order.sort_by_key(|place| all.get(*place).map(|mapping| (range(mapping).0, *place)));
    // A sweep over the ports: only ranges that are still open can overlap with the next one.
    let mut open: Vec<usize> = Vec::new();
    for place in order {
        let Some(mapping) = all.get(place) else { continue };
        open.retain(|other| {
            all.get(*other).is_some_and(|other| range(other).1 >= range(mapping).0)
        });
        let clash = open.iter().filter_map(|other| Some((*other, all.get(*other)?)));
        let clash = clash.filter(|(_, other)| other.port.0.clashes(&mapping.port.0));
        let first =
            clash.filter(|(_, other)| concerns(mapping, other)).map(|(place, _)| place).min();
        if let Some(first) = first.and_then(|first| all.get(first)) {
            let (first, second) =
                if first.span <= mapping.span { (first, mapping) } else { (mapping, first) };
            findings.add(clash_of(first, second));
        }
        open.push(place);
    }
}

fn clash_of(first: &Mapping<'_>, second: &Mapping<'_>) -> Diagnostic {
    let host = first.port.0.host.unwrap_or(first.port.0.container);
    let own = second.port.0.host.unwrap_or(second.port.0.container);
    let shared = own.first.max(host.first);
    let protocol = second.port.0.protocol;
    let owner = match first.stack == second.stack {
        true => format!("`{}`", first.service),
        false => format!("`{}` of stack `{}`", first.service, first.stack_name),
    };
    let message = format!("port {shared}/{protocol} is taken by {owner}");
    Diagnostic::new(&code::PORT_TAKEN, second.span, message)
        .label(first.span, format!("`{}` takes it here", first.service))
        .help(format!("give `{}` another port of the machine", second.service))
}
