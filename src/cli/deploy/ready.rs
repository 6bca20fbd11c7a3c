//! What the services of a stack are asked before they count as ready.

use std::collections::BTreeMap;

use crate::host::probe::{Ask, Probe};
use crate::model::at::At;
use crate::model::ready::{ReadyCriterion, ReadyType};
use crate::model::service::Condition;
use crate::model::value::duration::Duration;
use crate::resolve::{Resolved, Service};
use crate::state::manifest::Ready;

/// How long a service may take that says nothing, in seconds, which is systemd's own default.
const START_SECONDS: u64 = 90;

/// The pause between two tries where nothing is said, in milliseconds: a question by the network
/// costs next to nothing, and a command is a process in the container.
const BY_NETWORK: u64 = 50;
const BY_COMMAND: u64 = 500;

/// No pause is shorter than this, in milliseconds.
const SHORTEST: u64 = 10;

/// The status of a page where nothing is said.
const GOOD: u16 = 200;

/// The questions to all services that have any, by their units.
pub fn ready(resolved: &Resolved<'_>) -> BTreeMap<String, Ready> {
    let questions = resolved.services.iter().filter_map(|service| {
        let probes: Vec<Probe> = probes(service);
        let waits = |other: &&Service<'_>| {
            other.needs.iter().any(|need| {
                need.name == service.written.name.as_str() && need.condition == Condition::Ready
            })
        };
        let awaited_by = resolved.services.iter().filter(waits).map(unit).collect();
        let container = service.container.clone();
        (!probes.is_empty()).then(|| (unit(service), Ready { container, probes, awaited_by }))
    });
    questions.collect()
}

fn unit(service: &Service<'_>) -> String {
    format!("{}.service", service.unit)
}

fn probes(service: &Service<'_>) -> Vec<Probe> {
    let start = service.start_seconds.unwrap_or(START_SECONDS).saturating_mul(1000);
    let criteria = service.configuration.ready_criteria.iter();
    let probes = criteria.filter_map(|criterion| {
        let ask = ask(criterion)?;
        let usual = if matches!(ask, Ask::Command { .. }) { BY_COMMAND } else { BY_NETWORK };
        let interval = criterion.interval.map_or(usual, milliseconds).max(SHORTEST);
        let timeout = criterion.timeout.map_or(start, milliseconds);
        Some(Probe { ask, timeout, interval })
    });
    probes.collect()
}

fn milliseconds(time: At<Duration>) -> u64 {
    u64::try_from(time.as_std().as_millis()).unwrap_or(u64::MAX)
}

/// The question of a criterion; none for health, which systemd waits for.
fn ask(criterion: &ReadyCriterion) -> Option<Ask> {
    Some(match criterion.kind?.value {
        ReadyType::HealthCheck => return None,
        ReadyType::LogPattern => Ask::Log { pattern: criterion.pattern.as_ref()?.to_string() },
        ReadyType::HttpEndpoint => Ask::Page {
            url: criterion.url.as_ref()?.to_string(),
            status: criterion.expected_status.map_or(GOOD, |status| small(status.value)),
            body: criterion.expected_body.as_ref().map(ToString::to_string),
            headers: headers(criterion),
        },
        ReadyType::Tcp => Ask::Port { port: small(criterion.port?.value) },
        ReadyType::Command => Ask::Command { words: criterion.command.as_ref()?.words().to_vec() },
    })
}

fn headers(criterion: &ReadyCriterion) -> Vec<(String, String)> {
    let headers = criterion.headers.iter();
    headers.map(|(name, _, value)| (name.to_owned(), value.0.value.clone())).collect()
}

/// A number that its schema keeps small.
fn small(number: u32) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}
