//! Ports that are published on the host: who has them, and whether this user may.

use std::collections::BTreeMap;
use std::net::IpAddr;

use super::{Finding, Request, Scene, code};
use crate::host::known::{Known, Listening};
use crate::host::units::Active;
use crate::unit_file::facts::Facts;

/// A port, or a range of them, that is published on the host.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Published {
    address: Option<IpAddr>,
    first: u16,
    last: u16,
    udp: bool,
}

impl Published {
    /// Reads `[ADDRESS:]HOST:CONTAINER[/PROTOCOL]`; nothing where Podman chooses the port.
    fn parse(text: &str) -> Option<Self> {
        let (ports, protocol) = text.split_once('/').unwrap_or((text, "tcp"));
        let (before, _container) = ports.rsplit_once(':')?;
        let (address, host) = match before.rsplit_once(':') {
            Some((address, host)) => (Some(address), host),
            None => (None, before),
        };
        let address = match address {
            Some(text) => Some(text.trim_start_matches('[').trim_end_matches(']').parse().ok()?),
            None => None,
        };
        let (first, last) = host.split_once('-').unwrap_or((host, host));
        let (first, last) = (first.parse().ok()?, last.parse().ok()?);
        Some(Self { address, first, last, udp: protocol == "udp" })
    }

    fn meets(&self, listening: &Listening) -> bool {
        let everywhere = |address: &IpAddr| address.is_unspecified();
        let same_address = self.address.is_none_or(|own| {
            own == listening.address || everywhere(&own) || everywhere(&listening.address)
        });
        let in_range = (self.first..=self.last).contains(&listening.port);
        self.udp == listening.udp && in_range && same_address
    }
}

/// The ports that a unit publishes.
fn published(facts: &Facts) -> Vec<Published> {
    facts.ports.iter().filter_map(|port| Published::parse(port)).collect()
}

/// What others listen on; the ports of services of this stack are free when those are restarted.
fn foreign<'k>(
    request: &Request<'_>,
    old: &BTreeMap<String, Facts>,
    known: &'k Known,
) -> Vec<&'k Listening> {
    let running = old.values().filter(|facts| {
        let state = request.observed.states.get(&facts.service);
        let is_replaced = request.observed.drifted.replaced.contains(&facts.service);
        is_replaced || state.is_some_and(|state| state.active != Active::Inactive)
    });
    let own: Vec<Published> = running.flat_map(published).collect();
    let listening = known.listening.iter();
    listening.filter(|one| !own.iter().any(|port| port.meets(one))).collect()
}

/// Who has the ports that are needed.
pub fn holders(
    request: &Request<'_>,
    (old, new): (&BTreeMap<String, Facts>, &BTreeMap<String, Facts>),
    known: &Known,
) -> BTreeMap<Listening, String> {
    let needed: Vec<Published> = new.values().flat_map(published).collect();
    let foreign = foreign(request, old, known).into_iter();
    let taken = foreign.filter(|one| needed.iter().any(|port| port.meets(one)));
    let named = taken.filter_map(|one| Some((one.clone(), request.host.machine.holder(one)?)));
    named.collect()
}

/// Judges each port of each service.
pub fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let known = &scene.seen.known;
    let foreign = foreign(scene.request, scene.old, known);
    let mut findings = Vec::new();
    for facts in scene.new.values() {
        for port in published(facts) {
            findings.extend(low(&port, facts, known));
            for taken in foreign.iter().filter(|one| port.meets(one)) {
                findings.push(told(taken, facts, scene));
            }
        }
    }
    findings
}

fn told(taken: &Listening, facts: &Facts, scene: &Scene<'_>) -> Finding {
    let kind = if taken.udp { "udp" } else { "tcp" };
    let known = &scene.seen.known;
    let holder = match scene.seen.holders.get(taken) {
        Some(holder) => holder.clone(),
        None if taken.uid == known.uid => "something else".to_owned(),
        None if taken.uid == 0 => "a process of root".to_owned(),
        None => format!("a process of user {}", taken.uid),
    };
    let (port, service) = (taken.port, &facts.service);
    let what = format!("port {port}/{kind} is taken by {holder}, {service} publishes it");
    let help = "give the service another port, or end what listens there";
    Finding::new(&code::PORT_TAKEN, what, help)
}

fn low(port: &Published, facts: &Facts, known: &Known) -> Option<Finding> {
    let (from, service) = (known.first_port, &facts.service);
    (port.first < from).then(|| {
        let first = port.first;
        let what = format!("{service} publishes port {first}, this user may listen from {from} on");
        let help = format!(
            "give it a port from {from} on, or run `sudo sysctl \
             net.ipv4.ip_unprivileged_port_start={first}`"
        );
        Finding::new(&code::LOW_PORT, what, help)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listening(address: &str, port: u16, udp: bool) -> Listening {
        Listening { address: address.parse().unwrap(), port, udp, uid: 0, socket: 0 }
    }

    #[test]
    fn a_published_port_meets_who_listens_there() {
        let meets = |text: &str, address, port, udp| {
            Published::parse(text).unwrap().meets(&listening(address, port, udp))
        };
        assert!(meets("8080:80", "127.0.0.1", 8080, false));
        assert!(meets("127.0.0.1:8080:80", "0.0.0.0", 8080, false));
        assert!(meets("0.0.0.0:8000-8010:80-90", "192.0.2.1", 8005, false));
        assert!(meets("[::1]:53:53/udp", "::1", 53, true));
        assert!(!meets("127.0.0.1:8080:80", "127.0.0.2", 8080, false));
        assert!(!meets("8080:80", "127.0.0.1", 8080, true));
        assert!(!meets("8080:80", "127.0.0.1", 80, false));
        assert_eq!(Published::parse("80"), None);
    }
}
