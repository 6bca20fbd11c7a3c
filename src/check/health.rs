//! Health checks and the time that a start may take.

use super::{View, graph};
use crate::model::at::At;
use crate::model::command::HealthCommand;
use crate::model::meaning::{self, Health};
use crate::model::ready::{HealthCheck, OnUnhealthy, ReadyType};
use crate::model::service::Service;
use crate::model::systemd::Notify;
use crate::model::value::duration::Duration;
use crate::model::value::restart::Restart;
use crate::report::code::{health as code, shape};
use crate::report::{Diagnostic, Findings};

/// Checks the health checks and time-outs of all services, and those of the stack.
pub fn check(view: &View<'_>, findings: &mut Findings) {
    for service in &view.services {
        let configuration = meaning::configuration(service);
        if let Some(check) = configuration.health_check.get() {
            complete(view, service, check, findings);
        }
        if let Some(health) = meaning::health(service) {
            overlap(view, &health, configuration.health_check.get(), findings);
            start(view, service, &health, findings);
        }
        no_time("start_timeout", configuration.start_timeout, "5m", findings);
        ready(view, service, findings);
        job(view, service, findings);
        stays_down(service, findings);
        notify(view, service, findings);
    }
    deployment(view, findings);
}

fn complete(view: &View<'_>, service: &Service, check: &At<HealthCheck>, findings: &mut Findings) {
    let disabled = check.disable.is_some_and(|disable| disable.value);
    let unread = view.incomplete || check.dented.0;
    if check.command.is_none() && !disabled && !unread && view.is_own(check.span) {
        let message = format!("the health check of `{}` has no command", service.name);
        let diagnostic = Diagnostic::new(&code::HEALTH_WITHOUT_COMMAND, check.span, message);
        findings
            .add(diagnostic.help("add `command:`, such as `curl -f http://localhost/ || exit 1`"));
    }
    if let Some(command) = check.command.as_ref().filter(|_| !unread) {
        words(command, findings);
    }
    let times = [
        ("interval", check.interval),
        ("timeout", check.timeout),
        ("start_interval", check.start_interval),
    ];
    for (name, time) in times {
        no_time(name, time, "10s", findings);
    }
}

/// The words of a health command that it cannot be made of.
fn words(command: &At<HealthCommand>, findings: &mut Findings) {
    let HealthCommand::Exec(words) = &command.value else { return };
    let message = match words.first().map(String::as_str) {
        Some("CMD-SHELL") => "`CMD-SHELL` takes exactly one text",
        None => "a health check without a program",
        Some(_) => return,
    };
    let diagnostic = Diagnostic::new(&shape::COMMAND, command.span, message);
    findings.add(diagnostic.help("write the whole command as one text instead of a list"));
}

/// Tells a time that must be longer than nothing.
fn no_time(name: &str, time: Option<At<Duration>>, usual: &str, findings: &mut Findings) {
    if let Some(time) = time.filter(|time| time.as_std().is_zero()) {
        let message = format!("`{name}` of no time at all");
        let diagnostic = Diagnostic::new(&code::ZERO_TIME, time.span, message);
        findings.add(diagnostic.help(format!("write `{name}: {usual}`, or leave it out")));
    }
}

fn overlap(
    view: &View<'_>,
    health: &Health<'_>,
    check: Option<&At<HealthCheck>>,
    findings: &mut Findings,
) {
    // Nobody can mend what a pattern says.
    let given = check.into_iter().flat_map(|check| [check.timeout, check.interval]).flatten();
    let Some(given) = given.into_iter().find(|given| view.is_own(given.span)) else { return };
    if health.timeout > health.interval {
        let message = format!(
            "one check may take {}, the next one is due after {}",
            health.timeout, health.interval
        );
        let diagnostic = Diagnostic::new(&code::CHECKS_OVERLAP, given.span, message);
        findings.add(diagnostic.help("shorten `timeout`, or lengthen `interval`"));
    }
}

fn start(view: &View<'_>, service: &Service, health: &Health<'_>, findings: &mut Findings) {
    let Some(given) = meaning::given_start_timeout(view.stack, service) else { return };
    let needed = health.window_seconds();
    if given.value.seconds_rounded_up() >= needed || given.value.as_std().is_zero() {
        return;
    }
    let window = Duration::from_secs(needed);
    let message = format!(
        "the start of `{}` may take {given}, its health check can need {window}",
        service.name
    );
    let sum = format!(
        "{} + {} x ({} + {}) = {window}",
        health.start_period, health.retries, health.interval, health.timeout
    );
    let diagnostic = Diagnostic::new(&code::START_TOO_SHORT, given.span, message)
        .label(health.command.span, sum)
        .help(format!("allow {window} or more, or let the check fail sooner"));
    findings.add(diagnostic);
}

fn ready(view: &View<'_>, service: &Service, findings: &mut Findings) {
    let given = meaning::given_start_timeout(view.stack, service);
    let window = meaning::health(service).map(|health| health.window_seconds());
    for criterion in meaning::configuration(service).ready_criteria.iter() {
        let Some(timeout) = criterion.timeout else { continue };
        let seconds = timeout.seconds_rounded_up();
        if let Some(given) = given.filter(|given| given.seconds_rounded_up() < seconds) {
            let message = format!("{timeout} to be ready, {given} to start in all");
            let diagnostic = Diagnostic::new(&code::READY_TOO_LONG, timeout.span, message);
            let help = format!("raise `start_timeout` to {timeout}, or lower this one");
            findings.add(diagnostic.label(given.span, "the start in all").help(help));
        }
        let is_health = criterion.kind.is_some_and(|kind| kind.value == ReadyType::HealthCheck);
        if let Some(window) = window.filter(|window| is_health && seconds < *window) {
            let window = Duration::from_secs(window);
            let message = format!("{timeout} to be healthy, the health check can need {window}");
            let diagnostic = Diagnostic::new(&code::READY_TOO_SHORT, timeout.span, message);
            findings.add(diagnostic.help(format!("allow {window} or more")));
        }
        no_time("timeout", Some(timeout), "1m", findings);
    }
}

fn job(view: &View<'_>, service: &Service, findings: &mut Findings) {
    // A pattern may say that its services are always started again; a job is not.
    let restart = meaning::configuration(service).restart;
    let Some(restart) = restart.filter(|restart| view.is_own(restart.span)) else { return };
    if meaning::is_job(service) && matches!(restart.value, Restart::Always | Restart::UnlessStopped)
    {
        let message = format!("the job `{}` would be started again when it ends", service.name);
        let diagnostic = Diagnostic::new(&code::JOB_RESTARTS, restart.span, message);
        findings.add(diagnostic.help("write `restart: on-failure` or `restart: no`"));
    }
}

/// A container that is stopped for its health, and then counts as ended well.
fn stays_down(service: &Service, findings: &mut Findings) {
    let configuration = meaning::configuration(service);
    let check = configuration.health_check.get();
    let stops = check
        .and_then(|check| check.on_failure)
        .filter(|action| action.value == OnUnhealthy::Stop && meaning::health(service).is_some());
    let restart =
        configuration.restart.filter(|restart| matches!(restart.value, Restart::OnFailure(_)));
    let (Some(stops), Some(restart)) = (stops, restart) else { return };
    let message = format!("`{}` is stopped when unhealthy, and not started again", service.name);
    let diagnostic = Diagnostic::new(&code::UNHEALTHY_STAYS_DOWN, stops.span, message);
    let help = "write `restart: always`, or `on_failure: kill`";
    findings.add(diagnostic.label(restart.span, "a stop is no failure").help(help));
}

/// Telling systemd about a health that nobody looks at would never happen.
fn notify(view: &View<'_>, service: &Service, findings: &mut Findings) {
    let systemd = meaning::configuration(service).systemd.get();
    let notify = systemd.and_then(|systemd| systemd.notify);
    let wants_health = notify.filter(|notify| notify.value == Notify::Healthy);
    let unread = view.incomplete || service.dented.0;
    if let Some(notify) = wants_health.filter(|_| meaning::health(service).is_none() && !unread) {
        let message = format!("`{}` tells of its health, and has no health check", service.name);
        let diagnostic = Diagnostic::new(&code::NO_HEALTH_CHECK, notify.span, message);
        findings.add(diagnostic.help("add a `health_check`, or take `notify` away"));
    }
}

/// The longest chain of waiting against the time that the whole deployment may take.
fn deployment(view: &View<'_>, findings: &mut Findings) {
    let timeouts = view.stack.deployment.get().and_then(|deployment| deployment.timeouts.get());
    let each = timeouts.and_then(|timeouts| timeouts.per_service_deployment);
    no_time("per_service_deployment", each, "5m", findings);
    let Some(total) = timeouts.and_then(|timeouts| timeouts.total_stack_deployment) else { return };
    no_time("total_stack_deployment", Some(total), "15m", findings);
    let needed = |service: &&At<Service>| meaning::needed_seconds(service).unwrap_or(0);
    let weights: Vec<u64> = view.services.iter().map(needed).collect();
    let chain = graph(view.services.len(), &view.needs).critical_path(&weights);
    let sum: u64 = chain.iter().filter_map(|place| weights.get(*place)).sum();
    if total.seconds_rounded_up() >= sum || total.as_std().is_zero() {
        return;
    }
    let names = chain.iter().filter_map(|place| Some(view.services.get(*place)?.name.as_str()));
    let path = names.collect::<Vec<_>>().join(" -> ");
    let window = Duration::from_secs(sum);
    let message = format!("{total} for the stack, its longest chain can need {window}: {path}");
    let diagnostic = Diagnostic::new(&code::DEPLOYMENT_TOO_SHORT, total.span, message);
    findings.add(diagnostic.help(format!("allow {window} or more")));
}
