//! Secrets: declared, used as what they can be, and never written down as they are.

use std::collections::{BTreeMap, BTreeSet};

use super::{View, did_you_mean};
use crate::model::at::At;
use crate::model::configuration::Configuration;
use crate::model::layer::Map;
use crate::model::service::Service;
use crate::model::storage::{Secret, SecretType, SecretUse};
use crate::model::text::{EnvName, Name};
use crate::model::value::excerpt;
use crate::model::variable::EnvValue;
use crate::report::code::{names, secrets as code, shape};
use crate::report::{Diagnostic, Findings};
use crate::source::Span;

/// Checks the secrets of the stack and how services get them.
pub fn check(view: &View<'_>, findings: &mut Findings) {
    let declared = declared(view);
    for (name, _, secret) in view.stack.secrets.iter() {
        if let Some(secret) = secret.get() {
            sources(name, &secret.value, findings);
        }
    }
    let shared = view.stack.shared.get().map(|shared| &shared.environment.0);
    if let Some(shared) = shared {
        environment(view, &declared, shared, findings);
    }
    for (service, configuration) in view.configured() {
        environment(view, &declared, &configuration.environment, findings);
        uses(view, &declared, service, configuration, findings);
    }
    unused(view, findings);
}

/// The names of the secrets that the stack declares.
fn declared<'v>(view: &'v View<'_>) -> BTreeSet<&'v str> {
    let shared = view.stack.shared.get().into_iter().flat_map(|shared| shared.secrets.iter());
    let own = view.stack.secrets.iter().map(|(name, _, _)| name);
    own.chain(shared.map(|name| name.as_str())).collect()
}

fn sources(name: &str, secret: &Secret, findings: &mut Findings) {
    let external = secret.external.filter(|external| external.value).map(|at| at.span);
    let given = [
        ("external", external),
        ("file", secret.file.as_ref().map(|at| at.span)),
        ("environment", secret.environment.as_ref().map(|at| at.span)),
        ("generate", secret.generate.as_ref().filter(|at| at.on).map(|at| at.span)),
    ];
    let mut given = given.into_iter().filter_map(|(what, span)| Some((what, span?)));
    let (Some((first, place)), Some((second, span))) = (given.next(), given.next()) else { return };
    let message = format!("secret `{name}` comes from `{first}` and from `{second}`");
    let diagnostic = Diagnostic::new(&code::TWO_SOURCES, span, message);
    findings.add(diagnostic.label(place, "the other source").help("keep one of the two"));
}

fn environment(
    view: &View<'_>,
    declared: &BTreeSet<&str>,
    variables: &Map<EnvValue>,
    findings: &mut Findings,
) {
    for (name, span, value) in variables.iter() {
        match value {
            EnvValue::Secret(secret) => assumed(view, declared, secret, findings),
            EnvValue::Text(text) if is_password(name) && !is_switch(&text.value) => {
                let message = format!("`{name}` is written down as it is");
                let diagnostic = Diagnostic::new(&code::PLAIN_PASSWORD, span, message).private();
                let secret = name.to_ascii_lowercase();
                findings
                    .add(diagnostic.help(format!(
                        "make it a secret of Podman and write `${{{secret}}}` here"
                    )));
            }
            EnvValue::Text(_) | EnvValue::Unset(_) => {}
        }
    }
}

fn assumed(
    view: &View<'_>,
    declared: &BTreeSet<&str>,
    secret: &At<String>,
    findings: &mut Findings,
) {
    let name = secret.value.as_str();
    if is_known(view, declared, name) {
        return;
    }
    let message =
        format!("`{name}` is no variable and not declared, it is taken as a secret of Podman");
    let near = did_you_mean(name, declared.iter().copied(), findings);
    let help = near.unwrap_or_else(|| format!("declare it: `{name}: {{}}` under `secrets`"));
    findings.add(Diagnostic::new(&code::ASSUMED_SECRET, secret.span, message).help(help));
}

/// Whether a secret is declared, or may be where nothing could be read.
fn is_known(view: &View<'_>, declared: &BTreeSet<&str>, name: &str) -> bool {
    let lost = view.is_lost("secrets", name) || view.is_lost("shared", "secrets");
    view.incomplete || declared.contains(name) || lost
}

/// Whether a value only switches something, as in `MARIADB_RANDOM_ROOT_PASSWORD: yes`.
fn is_switch(value: &str) -> bool {
    let words = ["", "0", "1", "yes", "no", "true", "false", "on", "off"];
    words.iter().any(|word| word.eq_ignore_ascii_case(value))
}

/// Whether a variable's name says that its value is a secret, and not where one is.
fn is_password(name: &str) -> bool {
    let name = name.to_ascii_uppercase();
    let ends =
        ["PASSWORD", "PASSWD", "_PASS", "SECRET", "TOKEN", "API_KEY", "APIKEY", "PRIVATE_KEY"];
    ends.iter().any(|end| name.ends_with(end))
}

fn uses(
    view: &View<'_>,
    declared: &BTreeSet<&str>,
    service: &Service,
    configuration: &Configuration,
    findings: &mut Findings,
) {
    let mut targets: BTreeMap<String, Span> = BTreeMap::new();
    for secret in configuration.secrets.iter() {
        known(view, declared, &secret.name, findings);
        parts(secret, findings);
        let is_variable = secret.more.kind.is_some_and(|kind| kind.value == SecretType::Env);
        let target = secret.more.target.as_ref().map_or(secret.name.as_str(), |at| at.as_str());
        if !is_variable {
            continue;
        }
        let own = configuration.environment.0.0.get(target).map(|(span, _)| *span);
        if let Some(first) = own.or(targets.get(target).copied()) {
            let message = format!("variable `{target}` of `{}` is given twice", service.name);
            let diagnostic = Diagnostic::new(&code::VARIABLE_TWICE, secret.name.span, message);
            findings.add(diagnostic.label(first, "given here").help("keep one of the two"));
        }
        targets.insert(target.to_owned(), secret.name.span);
    }
}

fn known(view: &View<'_>, declared: &BTreeSet<&str>, name: &At<Name>, findings: &mut Findings) {
    if is_known(view, declared, name.as_str()) {
        return;
    }
    let message = format!("secret `{name}` is not declared");
    let near = did_you_mean(name.as_str(), declared.iter().copied(), findings);
    let help = near.unwrap_or_else(|| format!("add `{name}: {{}}` under `secrets`"));
    findings.add(Diagnostic::new(&names::UNDECLARED_SECRET, name.span, message).help(help));
}

/// Owner and mode are a file's; the target of a variable is a variable's name.
fn parts(secret: &SecretUse, findings: &mut Findings) {
    let more = &secret.more;
    let is_variable = more.kind.is_some_and(|kind| kind.value == SecretType::Env);
    if is_variable {
        let file_parts = [
            more.uid.map(|at| ("uid", at.span)),
            more.gid.map(|at| ("gid", at.span)),
            more.mode.map(|at| ("mode", at.span)),
        ];
        for (name, span) in file_parts.into_iter().flatten() {
            let message = format!("`{name}` of a secret that comes as a variable");
            let diagnostic = Diagnostic::new(&code::SECRET_PARTS, span, message);
            findings.add(diagnostic.help("take it away, or write `type: file`"));
        }
    }
    let Some(target) = &more.target else { return };
    if is_variable {
        if let Err(error) = target.value.parse::<EnvName>() {
            let diagnostic = Diagnostic::new(&shape::VARIABLE_NAME, target.span, error.message);
            findings.add(diagnostic.maybe_help(error.help));
        }
    } else if target.value.contains(['\0', ',', '\n', '\r']) || target.value.is_empty() {
        let message = format!("`{}` cannot be the path of a secret", excerpt(&target.value));
        let diagnostic = Diagnostic::new(&code::SECRET_PARTS, target.span, message);
        findings.add(diagnostic.help("write a path without commas and line breaks"));
    }
}

fn unused(view: &View<'_>, findings: &mut Findings) {
    if view.incomplete || view.stack.dented.0 || view.services.is_empty() {
        return;
    }
    let of = |map: &Map<EnvValue>| -> Vec<String> {
        let secret = |value: &EnvValue| match value {
            EnvValue::Secret(secret) => Some(secret.value.clone()),
            _ => None,
        };
        map.iter().filter_map(|(_, _, value)| secret(value)).collect()
    };
    let mut used: BTreeSet<String> = BTreeSet::new();
    used.extend(view.stack.shared.get().map(|shared| of(&shared.environment)).unwrap_or_default());
    for (_, configuration) in view.configured() {
        used.extend(of(&configuration.environment));
        used.extend(configuration.secrets.iter().map(|secret| secret.name.to_string()));
    }
    let shared = view.stack.shared.get().into_iter().flat_map(|shared| shared.secrets.iter());
    let shared = shared.map(|name| (name.as_str(), name.span));
    let own = view.stack.secrets.iter().map(|(name, span, _)| (name, span));
    for (name, span) in own.chain(shared).filter(|(name, _)| !used.contains(*name)) {
        let message = format!("secret `{name}` is used by no service");
        findings
            .add(Diagnostic::new(&names::UNUSED, span, message).help("take it away, or use it"));
    }
}
