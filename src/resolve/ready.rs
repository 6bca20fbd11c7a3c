//! What a service is asked beside its health before it counts as ready, and who asks it.

use super::{Resolved, Service};
use crate::host::probe::{Ask, Probe};
use crate::model::at::At;
use crate::model::deployment::Gate;
use crate::model::ready::{ReadyCriterion, ReadyType};
use crate::model::union::Assignments;
use crate::model::value::duration::Duration;
use crate::model::variable::Plain;

/// How long a service may take that says nothing, in seconds, which is systemd's own default.
const START_SECONDS: u64 = 90;

/// No pause is shorter than this, in milliseconds.
const SHORTEST: u64 = 10;

/// The status of a page where nothing is said.
pub const GOOD: u16 = 200;

/// Whether the unit of a service asks it itself. One that runs to its end is not there to be asked.
pub fn gates(resolved: &Resolved<'_>, service: &Service<'_>) -> bool {
    let deployment = resolved.stack.deployment.get();
    let gate = deployment.and_then(|deployment| deployment.gate);
    gate.is_some_and(|gate| gate.value == Gate::Boot) && !service.is_job
}

/// The questions to a service, in their order.
pub fn probes(service: &Service<'_>) -> Vec<Probe> {
    let start = service.start_seconds.unwrap_or(START_SECONDS).saturating_mul(1000);
    let criteria = service.configuration.ready_criteria.iter();
    let probes = criteria.filter_map(|criterion| {
        let ask = ask(criterion)?;
        let interval = criterion.interval.map(|time| milliseconds(time).max(SHORTEST));
        let timeout = criterion.timeout.map_or(start, milliseconds);
        Some(Probe { ask, timeout, interval })
    });
    probes.collect()
}

/// A length of time in whole milliseconds.
pub fn milliseconds(time: At<Duration>) -> u64 {
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
            headers: headers(&criterion.headers),
        },
        ReadyType::Tcp => Ask::Port { port: small(criterion.port?.value) },
        ReadyType::Command => {
            Ask::Command { words: criterion.command.as_ref()?.words().to_vec(), answer: None }
        }
    })
}

/// Headers of a request by their names.
pub fn headers(headers: &Assignments<Plain>) -> Vec<(String, String)> {
    headers.iter().map(|(name, _, value)| (name.to_owned(), value.0.value.clone())).collect()
}

/// A number that its schema keeps small.
pub fn small(number: u32) -> u16 {
    u16::try_from(number).unwrap_or(u16::MAX)
}
