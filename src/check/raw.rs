//! Raw keys: known to Quadlet and systemd, not said by the language, and writable.

use super::{View, did_you_mean};
use crate::capability::{quadlet, raw, systemd};
use crate::model::layer::Map;
use crate::model::systemd::RawValue;
use crate::report::code::raw as code;
use crate::report::human::escape;
use crate::report::{Diagnostic, Findings};
use crate::source::Span;

/// Checks the raw keys of all services.
pub fn check(view: &View<'_>, findings: &mut Findings) {
    for (_, configuration) in view.configured() {
        let Some(keys) = configuration.quadlet.get() else { continue };
        let container: Vec<&str> = quadlet::CONTAINER.iter().map(|key| key.name).collect();
        let own: Vec<&str> = quadlet::QUADLET.iter().map(|key| key.name).collect();
        section("Unit", &keys.unit, systemd::UNIT, raw::UNIT, findings);
        section("Container", &keys.container, &container, raw::CONTAINER, findings);
        section("Service", &keys.service, systemd::SERVICE, raw::SERVICE, findings);
        section("Install", &keys.install, systemd::INSTALL, raw::INSTALL, findings);
        section("Quadlet", &keys.quadlet, &own, &[], findings);
    }
}

fn section(
    name: &str,
    keys: &Map<RawValue>,
    known: &[&str],
    language: &[(&str, &str)],
    findings: &mut Findings,
) {
    for (key, span, value) in keys.iter() {
        key_rule(name, key, span, known, language, findings);
        for value in &value.0 {
            let bad = value.value.chars().find(|c| c.is_control());
            if bad.is_some() || value.value.ends_with('\\') {
                let message = match bad {
                    Some(c) => format!("the character `{}` in `{key}`", escape(&c.to_string())),
                    None => format!("`{key}` ends in a backslash, which takes in the next line"),
                };
                let diagnostic = Diagnostic::new(&code::RAW_VALUE, value.span, message);
                findings.add(diagnostic.help("a unit file holds one value in one line"));
            }
        }
    }
}

fn key_rule(
    section: &str,
    key: &str,
    span: Span,
    known: &[&str],
    language: &[(&str, &str)],
    findings: &mut Findings,
) {
    if let Some((_, own)) = language.iter().find(|(raw, _)| *raw == key) {
        let message = format!("`{key}` is what the language calls `{own}`");
        let diagnostic = Diagnostic::new(&code::SHADOWED_RAW_KEY, span, message);
        findings.add(diagnostic.help(format!("write `{own}` under `configuration`")));
    } else if raw::FORBIDDEN.contains(&key) {
        let message = format!("`{key}` decides what the unit is, it is not the stack's to give");
        let diagnostic = Diagnostic::new(&code::FORBIDDEN_RAW_KEY, span, message);
        findings.add(diagnostic.help("take it away"));
    } else if !known.contains(&key) {
        let shown = escape(key);
        let message = format!("`{shown}` is no key of `[{section}]`");
        let help = elsewhere(key)
            .or_else(|| did_you_mean(key, known.iter().copied(), findings))
            .unwrap_or_else(|| "look it up in podman-systemd.unit(5)".to_owned());
        findings.add(Diagnostic::new(&code::UNKNOWN_RAW_KEY, span, message).help(help));
    }
}

/// The section that a key belongs to, where that is another one.
fn elsewhere(key: &str) -> Option<String> {
    let quadlet = |keys: quadlet::Keys| quadlet::find(keys, key).is_some();
    let section = match key {
        _ if quadlet(quadlet::CONTAINER) => "Container",
        _ if systemd::SERVICE.contains(&key) => "Service",
        _ if systemd::UNIT.contains(&key) => "Unit",
        _ if systemd::INSTALL.contains(&key) => "Install",
        _ if quadlet(quadlet::QUADLET) => "Quadlet",
        _ => return None,
    };
    Some(format!("put it under `{section}`"))
}
