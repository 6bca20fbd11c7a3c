//! Ports of the machine: taken twice, too low, or without a network to lead to.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::View;
use crate::model::at::At;
use crate::model::storage::Port;
use crate::model::text::Name;
use crate::model::value::port::Protocol;
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
            let help = match mode.value.as_str() {
                "host" => "take `ports` away: the ports of the machine are its own".to_owned(),
                other => match other.split_once(':') {
                    Some(("service", name)) => format!("map them at `{name}`, whose network it is"),
                    _ => "take `ports` away, or `network_mode`".to_owned(),
                },
            };
            findings.add(diagnostic.label(mode.span, "the network mode").help(help));
        }
    }
    taken(&mappings(view), false, findings);
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
///
/// A sweep over the ports in their order: of all mappings that listen alike, the one that reaches
/// furthest is enough to know, so the cost does not grow with how many share a port.
pub fn taken(all: &[Mapping<'_>], across_stacks: bool, findings: &mut Findings) {
    let host = |mapping: &Mapping<'_>| mapping.port.0.host.unwrap_or(mapping.port.0.container);
    let mut order: Vec<&Mapping<'_>> = all.iter().collect();
    order.sort_by_key(|mapping| (host(mapping).first, mapping.span));
    let mut reaches: BTreeMap<(Protocol, Listeners), Reach<'_>> = BTreeMap::new();
    for mapping in order {
        let (protocol, address) = (mapping.port.0.protocol, mapping.port.0.address);
        let asked = asks(address).into_iter().flatten();
        let furthest = asked.filter_map(|listeners| {
            let other = reaches.get(&(protocol, listeners))?.furthest(mapping, across_stacks)?;
            (host(other).last >= host(mapping).first).then_some(other)
        });
        if let Some(other) = furthest.min_by_key(|other| other.span) {
            let (first, second) =
                if other.span <= mapping.span { (other, mapping) } else { (mapping, other) };
            findings.add(clash(first, second));
        }
        for listeners in joins(address).into_iter().flatten() {
            reaches.entry((protocol, listeners)).or_default().take(mapping);
        }
    }
}

/// Mappings that are asked for together, because they listen on the same addresses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Listeners {
    /// All there are.
    Everyone,
    /// Those on all addresses.
    Everywhere,
    /// Those on any address of IPv4.
    SomeV4,
    /// Those on all addresses of IPv4.
    AllV4,
    /// Those on one address.
    On(IpAddr),
}

/// Whom a mapping of that address can collide with; `::` takes IPv4 too.
fn asks(address: Option<IpAddr>) -> [Option<Listeners>; 3] {
    use Listeners::{AllV4, Everyone, Everywhere, On, SomeV4};
    match address.map(|address| address.to_canonical()) {
        None => [Some(Everyone), None, None],
        Some(all) if all.is_unspecified() && all.is_ipv6() => [Some(Everyone), None, None],
        Some(all) if all.is_unspecified() => [Some(SomeV4), Some(Everywhere), None],
        Some(one) if one.is_ipv4() => [Some(On(one)), Some(AllV4), Some(Everywhere)],
        Some(one) => [Some(On(one)), Some(Everywhere), None],
    }
}

/// Among whom a mapping of that address is found.
fn joins(address: Option<IpAddr>) -> [Option<Listeners>; 3] {
    use Listeners::{AllV4, Everyone, Everywhere, On, SomeV4};
    match address.map(|address| address.to_canonical()) {
        None => [Some(Everyone), Some(Everywhere), None],
        Some(all) if all.is_unspecified() && all.is_ipv6() => {
            [Some(Everyone), Some(Everywhere), None]
        }
        Some(all) if all.is_unspecified() => [Some(Everyone), Some(SomeV4), Some(AllV4)],
        Some(one) if one.is_ipv4() => [Some(Everyone), Some(SomeV4), Some(On(one))],
        Some(one) => [Some(Everyone), Some(On(one)), None],
    }
}

/// The mapping that reaches furthest, and the furthest one of another stack than that.
#[derive(Default)]
struct Reach<'m> {
    best: Option<&'m Mapping<'m>>,
    other: Option<&'m Mapping<'m>>,
}

impl<'m> Reach<'m> {
    fn take(&mut self, mapping: &'m Mapping<'m>) {
        let last = |mapping: &Mapping<'_>| mapping.port.0.host.map_or(0, |host| host.last);
        let further =
            |than: Option<&Mapping<'_>>| than.is_none_or(|than| last(mapping) > last(than));
        if further(self.best) {
            if self.best.is_some_and(|best| best.stack != mapping.stack) {
                self.other = self.best;
            }
            self.best = Some(mapping);
        } else if self.best.is_some_and(|best| best.stack != mapping.stack) && further(self.other) {
            self.other = Some(mapping);
        }
    }

    fn furthest(&self, mapping: &Mapping<'_>, across_stacks: bool) -> Option<&'m Mapping<'m>> {
        match self.best {
            Some(best) if across_stacks && best.stack == mapping.stack => self.other,
            best => best,
        }
    }
}

fn clash(first: &Mapping<'_>, second: &Mapping<'_>) -> Diagnostic {
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
