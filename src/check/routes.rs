//! Routes: labels that Traefik knows, and what a file for it has to say.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::{Kind, View};
use crate::capability::traefik::keys::{self, Known, Step, Unknown, Why};
use crate::capability::traefik::label::check_value;
use crate::capability::traefik::rule::{self, PathClaim};
use crate::model::at::At;
use crate::model::layer::Map;
use crate::model::meaning;
use crate::model::service::Service;
use crate::model::variable::Plain;
use crate::report::code::routes as code;
use crate::report::human::escape;
use crate::report::{Diagnostic, Findings};
use crate::source::Span;

/// Checks what Traefik reads.
pub fn check(view: &View<'_>, kind: Kind, findings: &mut Findings) {
    if let Some(shared) = view.stack.shared.get() {
        labels(&shared.labels, findings);
    }
    for (service, configuration) in view.configured() {
        labels(&configuration.labels, findings);
        for (_, route) in meaning::routes(service) {
            if let Some(text) = &route.rule {
                rule_text(text, rule::Kind::Http, findings);
            }
        }
        if kind == Kind::Traefik {
            in_a_file(service, findings);
        }
    }
}

/// Labels that are given in the words of Traefik.
fn labels(labels: &Map<Plain>, findings: &mut Findings) {
    for (name, span, Plain(value)) in labels.iter() {
        if !name.starts_with("traefik.") {
            continue;
        }
        match keys::check(name) {
            Ok(known) => {
                if let Err(message) = check_value(&known, &value.value) {
                    let message = format!("`{}`: {message}", escape(name));
                    findings.add(Diagnostic::new(&code::LABEL_VALUE, value.span, message));
                }
                if let Some(kind) = rule_kind(&known) {
                    rule_text(value, kind, findings);
                }
            }
            Err(Unknown { why: Why::Unread, .. }) => {}
            Err(Unknown { why, nearest, .. }) => {
                let name = escape(name);
                let message = match why {
                    Why::Version1 => format!("`{name}` is of Traefik 1, later ones pass over it"),
                    Why::FileOnly => format!("`{name}`: only a file can say that to Traefik"),
                    Why::Unfinished => format!("`{name}` ends before it names a setting"),
                    _ => format!("Traefik knows no label `{name}`"),
                };
                let help = nearest.map(|nearest| format!("did you mean `{nearest}`?"));
                findings.add(Diagnostic::new(&code::UNKNOWN_LABEL, span, message).maybe_help(help));
            }
        }
    }
}

/// Of which kind a label's rule is, where the label is one.
fn rule_kind(known: &Known<'_>) -> Option<rule::Kind> {
    match known.steps.as_slice() {
        [Step::Field("http"), Step::Field("routers"), _, Step::Field("rule")] => {
            Some(rule::Kind::Http)
        }
        [Step::Field("tcp"), Step::Field("routers"), _, Step::Field("rule")] => {
            Some(rule::Kind::Tcp)
        }
        _ => None,
    }
}

/// Tells what Traefik would say about a rule, each at its place.
fn rule_text(text: &At<String>, kind: rule::Kind, findings: &mut Findings) {
    for problem in rule::parse(&text.value, kind).problems {
        let code = match problem.severity {
            rule::Severity::Error => &code::RULE,
            rule::Severity::Warning => &code::ODD_RULE,
        };
        let span = part(text, &problem.at);
        let message = escape(&problem.message).into_owned();
        findings.add(Diagnostic::new(code, span, message).maybe_help(problem.help));
    }
}

/// A part of a text, where the text stands in the file as it is.
fn part(text: &At<String>, at: &Range<usize>) -> Span {
    let written = text.span.range().len();
    match written.checked_sub(text.value.len()) {
        Some(0) if !at.is_empty() => text.span.part(at),
        // In quotes, and nothing in it is escaped.
        Some(2) if !at.is_empty() => text.span.part(&(at.start + 1..at.end + 1)),
        _ => text.span,
    }
}

/// A route that claims requests.
struct Claimed<'v> {
    stack: &'v str,
    route: String,
    entrypoints: BTreeSet<String>,
    priority: Option<i64>,
    span: Span,
}

impl Claimed<'_> {
    /// Whether Traefik could send the same requests to both.
    fn meets(&self, other: &Self) -> bool {
        let any = self.entrypoints.is_empty() || other.entrypoints.is_empty();
        let ordered = self.priority.is_some() && self.priority != other.priority;
        (any || !self.entrypoints.is_disjoint(&other.entrypoints)) && !ordered
    }
}

/// Among how many routes with the same claim a route is compared; hostile input has thousands.
const COMPARED: usize = 8;

/// Tells requests that two routes claim, also of two stacks.
pub fn claimed_twice(views: &[View<'_>], findings: &mut Findings) {
    let mut seen: BTreeMap<(Option<String>, PathClaim, Vec<String>), Vec<Claimed<'_>>> =
        BTreeMap::new();
    for view in views {
        for service in &view.services {
            for (name, route) in meaning::routes(service) {
                let Some(text) = &route.rule else { continue };
                let parsed = rule::parse(&text.value, rule::Kind::Http);
                for claim in parsed.rule.iter().flat_map(rule::claims) {
                    let claimed = Claimed {
                        stack: view.name,
                        route: name.to_owned(),
                        entrypoints: route.entrypoints.iter().map(ToString::to_string).collect(),
                        priority: route.priority.map(|priority| priority.value),
                        span: part(text, &claim.at),
                    };
                    let known = seen.entry((claim.host, claim.path, claim.others)).or_default();
                    let first = known.iter().take(COMPARED).find(|first| first.meets(&claimed));
                    if let Some(first) = first {
                        tell_claimed(first, &claimed, findings);
                    }
                    known.push(claimed);
                }
            }
        }
    }
}

fn tell_claimed(first: &Claimed<'_>, second: &Claimed<'_>, findings: &mut Findings) {
    let of = match first.stack == second.stack {
        true => String::new(),
        false => format!(" of stack `{}`", first.stack),
    };
    let (route, other) = (&second.route, &first.route);
    let message = format!("route `{route}` claims the same requests as route `{other}`{of}");
    let diagnostic = Diagnostic::new(&code::CLAIMED_TWICE, second.span, message);
    let help = "give one of them another host, path or entry point, or both a `priority`";
    findings.add(diagnostic.label(first.span, "the other one").help(help));
}

/// What labels may leave out, and a file may not.
fn in_a_file(service: &Service, findings: &mut Findings) {
    let configuration = meaning::configuration(service);
    for (name, route) in meaning::routes(service) {
        let place = route.rule.as_ref().map_or(service.name.span, |rule| rule.span);
        if route.rule.is_none() {
            let message = format!("route `{name}` has no rule");
            let diagnostic = Diagnostic::new(&code::ROUTE_WITHOUT_RULE, place, message);
            findings.add(diagnostic.help("say which host it is for: ``Host(`app.example.org`)``"));
        }
        if meaning::route_port(&route, configuration).is_none() {
            let message =
                format!("route `{name}` does not say which port of the container it means");
            let diagnostic = Diagnostic::new(&code::ROUTE_WITHOUT_PORT, place, message);
            findings.add(diagnostic.help("add `port`"));
        }
        if let Some(mode) = &configuration.network_mode
            && !mode.value.starts_with("service:")
        {
            let message = format!("route `{name}` leads to a container without a name");
            let diagnostic = Diagnostic::new(&code::ROUTE_WITHOUT_NAME, mode.span, message);
            let help = "let the service join a network that Traefik is in";
            findings.add(diagnostic.label(place, "the route").help(help));
        }
    }
}
