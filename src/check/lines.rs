//! Texts that a unit file or a request holds in one line, where nothing can stand for a line break.

use super::View;
use crate::model::at::At;
use crate::model::configuration::Configuration;
use crate::model::layer::Map;
use crate::model::variable::Plain;
use crate::report::code::shape as code;
use crate::report::human::escape;
use crate::report::{Diagnostic, Findings};
use crate::source::Span;

/// Checks the texts that their form does not keep to one line already.
pub fn check(view: &View<'_>, findings: &mut Findings) {
    let stack = view.stack;
    for (_, _, secret) in stack.secrets.iter() {
        one_line(secret.get().and_then(|secret| secret.file.as_ref()), findings);
    }
    for (_, _, volume) in stack.volumes.iter() {
        let Some(volume) = volume.get() else { continue };
        one_line(&volume.device, findings);
        one_line_each(&volume.options, findings);
    }
    for (_, _, middleware) in stack.middlewares.iter() {
        one_line(&middleware.kind, findings);
        one_line_each(&middleware.options, findings);
    }
    let tests = stack.validation.get().into_iter().flat_map(|validation| validation.tests.iter());
    tests.for_each(|test| one_line_each(&test.headers, findings));
    for (_, configuration) in view.configured() {
        let criteria = configuration.ready_criteria.iter();
        criteria.for_each(|criterion| one_line_each(&criterion.headers, findings));
        container(configuration, findings);
        routes(configuration, findings);
    }
}

fn container(configuration: &Configuration, findings: &mut Findings) {
    one_line(configuration.build.get().and_then(|build| build.0.target.as_ref()), findings);
    one_line(configuration.dns_options.iter(), findings);
    one_line_each(&configuration.sysctls, findings);
    if let Some(logging) = configuration.logging.get() {
        one_line_each(&logging.options, findings);
    }
}

fn routes(configuration: &Configuration, findings: &mut Findings) {
    if let Some(labels) = configuration.traefik_labels.get() {
        one_line(&labels.router_rule, findings);
        one_line(&labels.router_entrypoints, findings);
        one_line(labels.middlewares.iter(), findings);
        one_line(&labels.tls_certresolver, findings);
    }
    for (_, _, route) in configuration.routes.iter() {
        one_line(&route.rule, findings);
        one_line(route.entrypoints.iter(), findings);
        one_line(route.middlewares.iter(), findings);
        one_line(&route.tls_certresolver, findings);
    }
}

fn one_line<'t>(texts: impl IntoIterator<Item = &'t At<String>>, findings: &mut Findings) {
    texts.into_iter().for_each(|text| line(&text.value, text.span, findings));
}

/// The same for names and values, as the names in a list of `NAME=value` are texts too.
fn one_line_each(options: &Map<Plain>, findings: &mut Findings) {
    for (name, span, value) in options.iter() {
        line(name, span, findings);
        line(&value.0.value, value.0.span, findings);
    }
}

fn line(text: &str, span: Span, findings: &mut Findings) {
    if let Some(c) = text.chars().find(|c| c.is_control()) {
        let shown = escape(c.encode_utf8(&mut [0; 4])).into_owned();
        let message = format!("the control character `{shown}`, one line is all that fits here");
        let diagnostic = Diagnostic::new(&code::CONTROL_CHARACTER, span, message);
        findings.add(diagnostic.help("take it out"));
    }
}
