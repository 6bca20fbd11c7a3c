//! What stands in the way of a plan, found before anything is touched: all of it at once.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use serde::Serialize;

use crate::apply::links;
use crate::apply::secrets::Settled;
use crate::host::change::{Fault, Host, Listening};
use crate::host::units::{Active, UnitState};
use crate::plan::{Observed, facts};
use crate::state::{FileSet, Places, Store};
use crate::unit_file::facts::Facts;

/// The room that must be left beside what is written, for journals and links.
const SPARE_ROOM: u64 = 1 << 20;

/// Something that stands in the way.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Refusal {
    /// What was found, before what was expected.
    pub what: String,
    /// What to do about it.
    pub help: String,
}

/// What is looked at.
pub struct Request<'r> {
    /// The host.
    pub host: Host<'r>,
    /// Its folders.
    pub places: &'r Places,
    /// What is kept about the stack.
    pub store: &'r Store<'r>,
    /// The stack.
    pub stack: &'r str,
    /// What is installed.
    pub from: &'r FileSet,
    /// What is to be installed.
    pub to: &'r FileSet,
    /// What is seen on the host.
    pub observed: &'r Observed,
    /// What is known about secrets, and which will be made.
    pub secrets: &'r Settled,
    /// Whether the services belong to a user, and not to the machine.
    pub of_user: bool,
}

/// Looks at everything; an empty list lets the plan pass.
pub fn preflight(request: &Request<'_>) -> Result<Vec<Refusal>, Fault> {
    let (old, new) = (facts(request.from), facts(request.to));
    let mut refusals = Vec::new();
    refusals.extend(lingering(request)?);
    refusals.extend(strangers(request)?);
    refusals.extend(names(request, &new));
    refusals.extend(ports(&old, &new, request.observed, &request.host.machine.listening()?));
    refusals.extend(networks(request, &new));
    refusals.extend(secrets(request, &new)?);
    refusals.extend(room(request)?);
    refusals.sort();
    refusals.dedup();
    Ok(refusals)
}

/// The services of a user who does not linger end with the last login.
fn lingering(request: &Request<'_>) -> Result<Option<Refusal>, Fault> {
    if !request.of_user || request.host.machine.lingers()? {
        return Ok(None);
    }
    let user = request.host.machine.user();
    Ok(Some(Refusal {
        what: format!("the services of {user} end with the last login, they must live on"),
        help: format!("run `loginctl enable-linger {user}` once"),
    }))
}

fn strangers(request: &Request<'_>) -> Result<Vec<Refusal>, Fault> {
    let links = links::links(request.places, request.store, request.stack, request.to);
    let folder = request.places.inside(request.store.folder());
    let found = links::strangers(request.host.files, &links, &folder)?;
    let refusal = |path: std::path::PathBuf| Refusal {
        what: format!("{} is there and is not of this stack", path.display()),
        help: "move it away, or rename what the stack file calls so".to_owned(),
    };
    Ok(found.into_iter().map(refusal).collect())
}

/// A name of systemd has one owner.
fn names(request: &Request<'_>, new: &BTreeMap<String, Facts>) -> Vec<Refusal> {
    let folders = [request.store.folder().to_owned(), request.places.quadlet.join(request.stack)];
    let owner = |state: &UnitState| {
        let file = state.source.as_ref().or(state.fragment.as_ref())?;
        let mut plain = new.values().filter(|facts| !facts.is_quadlet());
        let is_link = plain.any(|facts| request.places.units.join(&facts.file) == *file);
        let is_ours = is_link || folders.iter().any(|folder| file.starts_with(folder));
        (state.is_loaded && !is_ours).then(|| file.display().to_string())
    };
    let mut refusals = Vec::new();
    for service in new.keys() {
        let Some(state) = request.observed.states.get(service) else { continue };
        if state.is_masked {
            refusals.push(Refusal {
                what: format!("{service} is masked, it must be free to start"),
                help: format!("run `systemctl unmask {service}`, with `--user` for a user's"),
            });
        } else if let Some(file) = owner(state) {
            refusals.push(Refusal {
                what: format!("{service} is made from {file}, which is not of this stack"),
                help: "rename the service, or move that file away".to_owned(),
            });
        }
    }
    refusals
}

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

fn ports(
    old: &BTreeMap<String, Facts>,
    new: &BTreeMap<String, Facts>,
    observed: &Observed,
    listening: &[Listening],
) -> Vec<Refusal> {
    let published = |facts: &Facts| -> Vec<Published> {
        facts.ports.iter().filter_map(|port| Published::parse(port)).collect()
    };
    // What a service of this stack listens on now is free when that one is restarted.
    let running = old.values().filter(|facts| {
        let state = observed.states.get(&facts.service);
        let is_replaced = observed.drifted.replaced.contains(&facts.service);
        is_replaced || state.is_some_and(|state| state.active != Active::Inactive)
    });
    let own: Vec<Published> = running.flat_map(published).collect();
    let foreign: Vec<&Listening> =
        listening.iter().filter(|one| !own.iter().any(|port| port.meets(one))).collect();
    let mut refusals = Vec::new();
    for facts in new.values() {
        for port in published(facts) {
            for taken in foreign.iter().filter(|one| port.meets(one)) {
                let kind = if taken.udp { "udp" } else { "tcp" };
                refusals.push(Refusal {
                    what: format!(
                        "port {}/{kind} is taken by something else, {} publishes it",
                        taken.port, facts.service
                    ),
                    help: "give the service another port, or end what listens there".to_owned(),
                });
            }
        }
    }
    refusals
}

fn networks(request: &Request<'_>, new: &BTreeMap<String, Facts>) -> Vec<Refusal> {
    let made: BTreeSet<&String> = new.values().filter_map(|facts| facts.name.as_ref()).collect();
    let mut refusals = Vec::new();
    for facts in new.values() {
        for network in &facts.networks {
            if !request.observed.networks.contains_key(network) && !made.contains(network) {
                refusals.push(Refusal {
                    what: format!("there is no network {network}, which {} joins", facts.service),
                    help: format!(
                        "run `podman network create {network}`, or apply its stack first"
                    ),
                });
            }
        }
    }
    refusals
}

fn secrets(request: &Request<'_>, new: &BTreeMap<String, Facts>) -> Result<Vec<Refusal>, Fault> {
    let (known, made) = (&request.secrets.known, &request.secrets.new);
    let needed = new.values().flat_map(|facts| &facts.secrets);
    let unknown = needed.filter(|name| !known.contains(*name) && !made.contains(*name));
    let unknown: BTreeSet<String> = unknown.cloned().collect();
    if unknown.is_empty() {
        return Ok(Vec::new());
    }
    let there = request.host.containers.secrets_of(&unknown)?;
    let mut refusals = Vec::new();
    for facts in new.values() {
        for secret in facts.secrets.intersection(&unknown) {
            if !there.iter().any(|one| one.name == *secret) {
                refusals.push(Refusal {
                    what: format!("there is no secret {secret}, which {} takes", facts.service),
                    help: format!(
                        "make it by `podman secret create {secret} FILE`, or say in the stack \
                         file where it comes from"
                    ),
                });
            }
        }
    }
    Ok(refusals)
}

fn room(request: &Request<'_>) -> Result<Option<Refusal>, Fault> {
    let needed = request.to.size() * 2 + SPARE_ROOM;
    let room = request.host.files.room(&request.places.stacks)?;
    Ok((room < needed).then(|| Refusal {
        what: format!(
            "{} KiB are free on the disk of {}, {} KiB are needed",
            room >> 10,
            request.places.stacks.display(),
            needed >> 10
        ),
        help: "make room on that disk".to_owned(),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listening(address: &str, port: u16, udp: bool) -> Listening {
        Listening { address: address.parse().unwrap(), port, udp }
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
