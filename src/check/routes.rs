//! Routes: labels that Traefik knows, and what it makes of them.

use std::ops::Range;

mod claims;
mod middleware;
mod names;
mod reach;
mod said;

use super::{Kind, View};
use crate::capability::traefik::keys::{self, Known, Step, Unknown, Why};
use crate::capability::traefik::label::check_value;
use crate::capability::traefik::rule;
use crate::model::at::At;
use crate::model::label::Label;
use crate::model::layer::Map;
use crate::model::meaning;
use crate::model::variable::Plain;
use crate::report::code::routes as code;
use crate::report::human::escape;
use crate::report::{Diagnostic, Findings, Severity};
use crate::source::Span;
use said::{Said, said};

/// Checks what Traefik reads of one stack.
pub fn check(view: &View<'_>, kind: Kind, findings: &mut Findings) {
    if let Some(shared) = view.stack.shared.get() {
        labels(&shared.labels, findings);
    }
    for (service, configuration) in view.configured() {
        labels(&configuration.labels, findings);
        for (name, _, route) in meaning::routes(service) {
            if let Some(text) = &route.rule {
                rule_text(text, rule::Kind::Http, findings);
            }
            if let (Some(resolver), None) = (&route.tls_certresolver, route.tls) {
                let message = format!("route `{}` speaks TLS because of this", escape(name));
                let diagnostic =
                    Diagnostic::new(&code::RESOLVER_WITHOUT_TLS, resolver.span, message);
                findings.add(diagnostic.severity(Severity::Hint).help("say `tls: true` too"));
            }
        }
    }
    middleware::check(view, findings);
    names::of_stack(view, findings);
    for said in said(view) {
        without_tls(&said, findings);
        reach::ports(&said, findings);
        if kind == Kind::Traefik {
            in_a_file(&said, findings);
        }
    }
}

/// Checks what Traefik makes of all stacks together.
pub fn together(views: &[View<'_>], all_known: bool, findings: &mut Findings) {
    let all: Vec<Said<'_>> = views.iter().flat_map(said).collect();
    claims::check(&all, findings);
    names::check(views, &all, all_known, findings);
    reach::networks(views, &all, findings);
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
                let help = nearest.map(|near| format!("did you mean `{}`?", escape(&near)));
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
        let help = problem.help.map(|help| escape(&help).into_owned());
        findings.add(Diagnostic::new(code, span, message).maybe_help(help));
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

/// A router that asks for a certificate, and is not to speak TLS.
fn without_tls(said: &Said<'_>, findings: &mut Findings) {
    for (id, router) in said.of("routers") {
        let resolver = router.settings.get("tls.certResolver");
        let off = router.settings.get("tls").filter(|_| router.setting("tls").is_none());
        let Some((resolver, off)) = resolver.zip(off) else { continue };
        let message = format!("{id} has a certificate resolver and no TLS");
        let diagnostic = Diagnostic::new(&code::RESOLVER_WITHOUT_TLS, resolver.span(), message);
        let help = "turn TLS on, or take the resolver away";
        findings.add(diagnostic.label(off.span(), "turned off here").help(help));
    }
}

/// What labels may leave out, and a file may not.
fn in_a_file(said: &Said<'_>, findings: &mut Findings) {
    for (id, router) in said.of("routers").filter(|(id, _)| id.protocol != "udp") {
        let name = escape(&id.name);
        let rule = router.settings.get("rule");
        let place = rule.map_or(router.place, Label::span);
        if rule.is_none() {
            let message = format!("route `{name}` has no rule");
            let diagnostic = Diagnostic::new(&code::ROUTE_WITHOUT_RULE, place, message);
            findings.add(diagnostic.help("say which host it is for: ``Host(`app.example.org`)``"));
        }
        if !said.has_port((id, router)) {
            let message =
                format!("route `{name}` does not say which port of the container it means");
            let diagnostic = Diagnostic::new(&code::ROUTE_WITHOUT_PORT, place, message);
            findings.add(diagnostic.help("add `port`"));
        }
        if let Some(mode) = &said.configuration.network_mode
            && !mode.value.starts_with("service:")
        {
            let message = format!("route `{name}` leads to a container without a name");
            let diagnostic = Diagnostic::new(&code::ROUTE_WITHOUT_NAME, mode.span, message);
            let help = "let the service join a network that Traefik is in";
            findings.add(diagnostic.label(place, "the route").help(help));
        }
    }
}
