//! Ready criteria and tests: each has the parts of its type, and names services that are there.

use std::collections::BTreeSet;

use super::View;
use crate::model::at::At;
use crate::model::deployment::{Test, TestType};
use crate::model::meaning;
use crate::model::ready::{ReadyCriterion, ReadyType};
use crate::model::service::Service;
use crate::model::text::Url;
use crate::report::code::health as code;
use crate::report::{Diagnostic, Findings};
use crate::source::Span;

/// Checks the ready criteria of all services and the tests of the stack.
pub fn check(view: &View<'_>, findings: &mut Findings) {
    for (service, configuration) in view.configured() {
        for criterion in configuration.ready_criteria.iter() {
            ready(view, service, criterion, findings);
        }
    }
    let tests = view.stack.validation.get().into_iter().flat_map(|all| all.tests.iter());
    let tests: Vec<&At<Test>> = tests.collect();
    if tests.is_empty() {
        return;
    }
    let hosts = hosts(view);
    for test in tests {
        self::test(view, test, &hosts, findings);
    }
}

/// The names that a container answers to, beside the names of services.
fn hosts(view: &View<'_>) -> BTreeSet<String> {
    let mut hosts = BTreeSet::new();
    for (service, configuration) in view.configured() {
        hosts.extend(meaning::containers(service).into_iter().map(|(name, _)| name));
        hosts.extend(configuration.hostname.as_ref().map(ToString::to_string));
        for network in configuration.networks.iter() {
            hosts.extend(network.more.aliases.iter().map(ToString::to_string));
        }
    }
    hosts
}

/// A part that a type may have: its name, and where it is given.
type Part = (&'static str, Option<Span>);

fn ready(
    view: &View<'_>,
    service: &Service,
    criterion: &At<ReadyCriterion>,
    findings: &mut Findings,
) {
    let Some(kind) = criterion.kind else { return };
    let c = &criterion.value;
    let parts: [Part; 7] = [
        ("pattern", c.pattern.as_ref().map(|at| at.span)),
        ("url", c.url.as_ref().map(|at| at.span)),
        ("expected_status", c.expected_status.map(|at| at.span)),
        ("expected_body", c.expected_body.as_ref().map(|at| at.span)),
        ("headers", c.headers.iter().next().map(|(_, span, _)| span)),
        ("port", c.port.map(|at| at.span)),
        ("command", c.command.as_ref().map(|at| at.span)),
    ];
    let of_page: &[&str] = &["expected_status", "expected_body", "headers"];
    let (word, needed, allowed): (_, &[&'static str], _) = match kind.value {
        ReadyType::HealthCheck => ("health_check", &[], &[][..]),
        ReadyType::LogPattern => ("log_pattern", &["pattern"], &[][..]),
        ReadyType::HttpEndpoint => ("http_endpoint", &["url"], of_page),
        ReadyType::Tcp => ("tcp", &["port"], &[][..]),
        ReadyType::Command => ("command", &["command"], &[][..]),
    };
    fit(At::new(word, kind.span), needed, allowed, &parts, view.incomplete || c.dented.0, findings);
    let other = c.url.as_ref().filter(|url| !url.as_str().starts_with("http://"));
    if let Some(url) = other.filter(|_| kind.value == ReadyType::HttpEndpoint) {
        let message = "a page inside a container is asked for by `http`";
        let diagnostic = Diagnostic::new(&code::NOT_BY_HTTP, url.span, message);
        findings.add(diagnostic.help("write `http://`, or look at the port alone by `type: tcp`"));
    }
    let unread = view.incomplete || service.dented.0;
    let is_known = meaning::health(service).is_some() || unread;
    if kind.value == ReadyType::HealthCheck && !is_known {
        let message = format!("`{}` has no health check to look at", service.name);
        let diagnostic = Diagnostic::new(&code::NO_HEALTH_CHECK, kind.span, message);
        findings.add(diagnostic.help("give it a `health_check` with a command"));
    }
}

fn test(view: &View<'_>, test: &At<Test>, hosts: &BTreeSet<String>, findings: &mut Findings) {
    let Some(kind) = test.kind else { return };
    let t = &test.value;
    let parts: [Part; 10] = [
        ("target", t.target.as_ref().map(|at| at.span)),
        ("url", t.url.as_ref().map(|at| at.span)),
        ("query", t.query.as_ref().map(|at| at.span)),
        ("port", t.port.map(|at| at.span)),
        ("command", t.command.as_ref().map(|at| at.span)),
        ("pattern", t.pattern.as_ref().map(|at| at.span)),
        ("expected_status", t.expected_status.map(|at| at.span)),
        ("expected_body", t.expected_body.as_ref().map(|at| at.span)),
        ("headers", t.headers.iter().next().map(|(_, span, _)| span)),
        ("expected", t.expected.as_ref().map(|at| at.span)),
    ];
    let of_page: &[&str] = &["target", "expected_status", "expected_body", "headers"];
    let (word, needed, allowed): (_, &[&'static str], &[&str]) = match kind.value {
        TestType::HttpGet => ("http_get", &["url"], of_page),
        TestType::Tcp => ("tcp", &["target", "port"], &[]),
        TestType::SqlQuery => ("sql_query", &["target", "query"], &["expected"]),
        TestType::RedisPing => ("redis_ping", &["target"], &["expected"]),
        TestType::Command => ("command", &["target", "command"], &["expected"]),
        TestType::LogPattern => ("log_pattern", &["target", "pattern"], &[]),
    };
    fit(At::new(word, kind.span), needed, allowed, &parts, view.incomplete || t.dented.0, findings);
    if let Some(target) = &t.target {
        named(view, target.as_str(), target.span, findings);
    }
    if let Some(url) = &t.url {
        host(view, url, hosts, findings);
    }
}

/// Tells parts that the type needs and that are not there, and parts that it has no use for.
fn fit(
    word: At<&str>,
    needed: &[&'static str],
    allowed: &[&str],
    parts: &[Part],
    dented: bool,
    findings: &mut Findings,
) {
    for (name, given) in parts {
        match given {
            None if needed.contains(name) && !dented => {
                let message = format!("`{word}` without `{name}`");
                let diagnostic = Diagnostic::new(&code::CRITERION_PARTS, word.span, message);
                findings.add(diagnostic.help(format!("add `{name}:`")));
            }
            Some(span) if !needed.contains(name) && !allowed.contains(name) => {
                let message = format!("`{name}` has no meaning for `{word}`");
                let diagnostic = Diagnostic::new(&code::CRITERION_PARTS, *span, message);
                findings.add(diagnostic.help("take it away, or change the type"));
            }
            _ => {}
        }
    }
}

fn named(view: &View<'_>, name: &str, span: Span, findings: &mut Findings) {
    if view.incomplete || view.places.contains_key(name) {
        return;
    }
    let message = format!("`{name}` is no service of this stack");
    let help = view.did_you_mean(name, findings).unwrap_or_else(|| super::add_or_drop(name));
    findings.add(Diagnostic::new(&code::TEST_UNKNOWN_SERVICE, span, message).help(help));
}

/// A host without a dot is meant as a service; one with a dot may be anywhere.
fn host(view: &View<'_>, url: &At<Url>, hosts: &BTreeSet<String>, findings: &mut Findings) {
    let host = url.host();
    if !host.contains(['.', ':']) && host != "localhost" && !hosts.contains(host) {
        named(view, host, url.span, findings);
    }
}
