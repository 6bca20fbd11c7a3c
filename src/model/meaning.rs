//! What follows from a service as it is written: its health, its readiness, its time to start.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::OnceLock;

use super::Stack;
use super::at::At;
use super::command::HealthCommand;
use super::configuration::Configuration;
use super::layer::Additive;
use super::ready::HealthCheck;
use super::route::{Route, TraefikLabels};
use super::service::{Condition, Dependency, Service};
use super::systemd::Notify;
use super::value::duration::Duration;
use super::value::port::PortRange;
use crate::source::Span;

/// The pause between two checks where none is given, as Podman has it.
const INTERVAL: Duration = Duration::from_secs(30);
/// How long one check may take where nothing is given, as Podman has it.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How many checks must fail where nothing is given, as Podman has it.
const RETRIES: u32 = 3;
/// How long a start may take where nothing else decides.
const START: Duration = Duration::from_secs(90);
/// What a start takes beside the health check: making the container, the first check.
const MARGIN_SECONDS: u64 = 30;

/// A health check with every default filled in.
#[derive(Debug, Clone, Copy)]
pub struct Health<'s> {
    /// What is run.
    pub command: &'s At<HealthCommand>,
    /// The pause between two checks.
    pub interval: Duration,
    /// How long one check may take.
    pub timeout: Duration,
    /// How many checks in a row must fail.
    pub retries: u32,
    /// How long failures do not count.
    pub start_period: Duration,
}

impl Health<'_> {
    /// How long it can take until the check has said whether the start succeeded.
    pub fn window_seconds(&self) -> u64 {
        let once = self.interval.seconds_rounded_up() + self.timeout.seconds_rounded_up();
        self.start_period.seconds_rounded_up() + once * u64::from(self.retries)
    }
}

/// How a service runs; a service without a configuration says nothing.
pub fn configuration(service: &Service) -> &Configuration {
    static NOTHING: OnceLock<Configuration> = OnceLock::new();
    match service.configuration.get() {
        Some(configuration) => &configuration.value,
        None => NOTHING.get_or_init(Configuration::default),
    }
}

/// The health check of a service; none where it has no command, or is switched off.
pub fn health(service: &Service) -> Option<Health<'_>> {
    let check = &configuration(service).health_check.get()?.value;
    if check.disable.is_some_and(|disable| disable.value) {
        return None;
    }
    let command = check.command.as_ref()?;
    if matches!(command.value, HealthCommand::None) {
        return None;
    }
    let HealthCheck { interval, timeout, retries, start_period, .. } = check;
    Some(Health {
        command,
        interval: interval.map_or(INTERVAL, |at| at.value),
        timeout: timeout.map_or(TIMEOUT, |at| at.value),
        retries: retries.map_or(RETRIES, |at| at.value),
        start_period: start_period.map_or(Duration::from_secs(0), |at| at.value),
    })
}

/// Whether a service is a job that runs to its end.
pub fn is_job(service: &Service) -> bool {
    configuration(service).oneshot.is_some_and(|oneshot| oneshot.value)
}

/// Whether a service tells systemd that it is up as soon as it is started, whatever its health.
pub fn tells_at_start(service: &Service) -> bool {
    let notify = configuration(service).systemd.get().and_then(|systemd| systemd.notify);
    notify.is_some_and(|notify| notify.value == Notify::Started)
}

/// What a dependency must have reached, decided by what it says of itself where nothing is given.
pub fn condition(dependency: &Dependency, target: &Service) -> Condition {
    if let Some(condition) = dependency.condition {
        return condition.value;
    }
    if is_job(target) {
        Condition::Completed
    } else if !configuration(target).ready_criteria.is_empty() {
        Condition::Ready
    } else if health(target).is_some() && !tells_at_start(target) {
        Condition::Healthy
    } else {
        Condition::Started
    }
}

/// The limit of a service's start that somebody gave, and where.
pub fn given_start_timeout(stack: &Stack, service: &Service) -> Option<At<Duration>> {
    let deployment = stack.deployment.get().and_then(|deployment| deployment.timeouts.get());
    let shared = deployment.and_then(|timeouts| timeouts.per_service_deployment);
    configuration(service).start_timeout.or(shared)
}

/// How long a service may take until it is ready, in seconds.
pub fn start_seconds(stack: &Stack, service: &Service) -> u64 {
    if let Some(given) = given_start_timeout(stack, service) {
        return given.value.seconds_rounded_up();
    }
    let needed = needed_seconds(service).map_or(0, |needed| needed + MARGIN_SECONDS);
    needed.max(START.seconds_rounded_up())
}

/// How long health and ready criteria can need, in seconds, where a service has any.
pub fn needed_seconds(service: &Service) -> Option<u64> {
    let criteria = configuration(service).ready_criteria.iter();
    let criteria = criteria.filter_map(|one| Some(one.timeout?.value.seconds_rounded_up()));
    health(service).map(|health| health.window_seconds()).into_iter().chain(criteria).max()
}

/// The names of the containers of a service: its own, or one for each replica.
pub fn containers(service: &Service) -> Vec<(String, Span)> {
    let own = configuration(service).container_name.as_ref();
    let numbered = |number| (format!("{}-{number}", service.name), service.name.span);
    match service.replicas {
        Some(count) if count.value > 1 => (1..=count.value).map(numbered).collect(),
        _ => match own {
            Some(name) => vec![(name.as_str().to_owned(), name.span)],
            None => vec![(usual_container(service.name.as_str()).into_owned(), service.name.span)],
        },
    }
}

/// The name of the one container of a service that gives it none.
pub fn usual_container(service: &str) -> Cow<'_, str> {
    match reads_as_id(service) {
        true => Cow::Owned(format!("{service}-1")),
        false => Cow::Borrowed(service),
    }
}

/// The name of the pod of a stack that wants one.
pub fn pod(stack: &str) -> Cow<'_, str> {
    match reads_as_id(stack) {
        true => Cow::Owned(format!("{stack}-pod")),
        false => Cow::Borrowed(stack),
    }
}

/// Whether Podman may take a name for the beginning of an ID. Where nothing is called `db`, it
/// means the one container whose ID begins so: `podman run --replace --name db` and the
/// `podman rm -f -i db` of Quadlet's units then take a stranger away. Upper case counts as lower
/// case up to Podman 5.4, and `_` stands for any one character in every version.
pub fn reads_as_id(name: &str) -> bool {
    name.bytes().all(|byte| byte.is_ascii_hexdigit() || byte == b'_')
}

/// The names of the units of a service, without `.service`.
pub fn units(service: &Service) -> Vec<String> {
    match service.replicas {
        Some(count) if count.value > 1 => {
            (1..=count.value).map(|number| format!("{}-{number}", service.name)).collect()
        }
        _ => vec![service.name.as_str().to_owned()],
    }
}

/// The name of the environment variable that stands for something with a name of its own.
pub fn environment_name(name: &str) -> String {
    let letter = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    let start = if name.starts_with(|c: char| c.is_ascii_digit()) { "_" } else { "" };
    name.chars().fold(start.to_owned(), |mut variable, c| {
        variable.push(letter(c));
        variable
    })
}

/// The routes of a service by their names, with the places of these: that of `traefik_labels`,
/// which is called like the service, and those that have names of their own.
pub fn routes(service: &Service) -> Vec<(&str, Span, Cow<'_, Route>)> {
    let configuration = configuration(service);
    let simple = configuration.traefik_labels.get().map(|at| &at.value);
    let simple = simple.filter(|simple| simple.enabled.is_none_or(|enabled| enabled.value));
    let (own, place) = (service.name.as_str(), service.name.span);
    let single = simple.map(|simple| (own, place, Cow::Owned(single_route(simple))));
    let named = configuration.routes.iter();
    let named = named.map(|(name, place, route)| (name, place, Cow::Borrowed(route)));
    single.into_iter().chain(named).collect()
}

/// The one route of `traefik_labels` in the form of those that have names.
fn single_route(simple: &TraefikLabels) -> Route {
    let entrypoints = simple.router_entrypoints.iter().flat_map(|list| {
        let names = list.value.split(',').map(str::trim).filter(|name| !name.is_empty());
        names.map(|name| At::new(name.to_owned(), list.span))
    });
    Route {
        rule: simple.router_rule.clone(),
        entrypoints: Additive(entrypoints.collect()),
        middlewares: simple.middlewares.clone(),
        tls: simple.tls,
        tls_certresolver: simple.tls_certresolver.clone(),
        port: simple.port,
        scheme: simple.scheme,
        priority: simple.priority,
        ..Route::default()
    }
}

/// The port that a route without one leads to: the only one that the service tells of.
pub fn only_port(configuration: &Configuration) -> Option<u16> {
    match ports(configuration).as_slice() {
        [only] if only.first == only.last => Some(only.first),
        _ => None,
    }
}

/// The ports of the container that a service tells of, each once.
pub fn ports(configuration: &Configuration) -> Vec<PortRange> {
    let exposed = configuration.expose.iter().map(|range| range.value);
    let mapped = configuration.ports.iter().map(|port| port.0.container);
    let all: BTreeSet<PortRange> = exposed.chain(mapped).collect();
    all.into_iter().collect()
}
