//! What services use is declared, and what is declared is used.

use std::collections::BTreeSet;

use super::{View, did_you_mean};
use crate::model::text::ObjectName;
use crate::model::value::mount::Source;
use crate::report::code::names as code;
use crate::report::{Code, Diagnostic, Findings};
use crate::source::Span;

/// Checks volumes, files and units; networks and secrets have rules of their own.
pub fn check(view: &View<'_>, findings: &mut Findings) {
    contents(view, findings);
    if view.incomplete {
        return;
    }
    for (_, configuration) in view.configured() {
        for mount in configuration.volumes.iter() {
            let Source::Volume(name) = &mount.0.source else { continue };
            if view.stack.volumes.get(name).is_none() && !view.is_lost("volumes", name) {
                let help = format!("add `{name}:` under `volumes`; a folder is `./{name}`");
                let known = view.stack.volumes.iter().map(|(name, _, _)| name);
                let help = did_you_mean(name, known, findings).unwrap_or(help);
                undeclared("volume", name, mount.span, &code::UNDECLARED_VOLUME, help, findings);
            }
        }
        for file in configuration.files.iter().filter_map(|file| file.name.as_ref()) {
            let name = file.as_str();
            if view.stack.files.get(name).is_none() && !view.is_lost("files", name) {
                let help = format!("add `{name}:` under `files`");
                let known = view.stack.files.iter().map(|(name, _, _)| name);
                let help = did_you_mean(name, known, findings).unwrap_or(help);
                undeclared("file", name, file.span, &code::UNDECLARED_FILE, help, findings);
            }
        }
    }
    if !view.stack.dented.0 && !view.services.is_empty() {
        unused(view, findings);
    }
}

fn undeclared(
    kind: &str,
    name: &str,
    span: Span,
    code: &'static Code,
    help: String,
    findings: &mut Findings,
) {
    let message = format!("{kind} `{name}` is not declared");
    findings.add(Diagnostic::new(code, span, message).help(help));
}

/// Files and units have their text inline or in a file, and not both.
fn contents(view: &View<'_>, findings: &mut Findings) {
    let files = view.stack.files.iter().map(|(name, span, file)| {
        let (content, source) = (file.0.content.as_ref(), file.0.source.as_ref());
        let (content, source) = (content.map(|at| at.span), source.map(|at| at.span));
        ("file", name, span, content, source, file.0.dented.0)
    });
    let units = view.stack.units.iter().map(|(name, span, unit)| {
        let unit = unit.get();
        let content = unit.and_then(|unit| unit.content.as_ref()).map(|at| at.span);
        let source = unit.and_then(|unit| unit.source.as_ref()).map(|at| at.span);
        ("unit", name, span, content, source, unit.is_some_and(|unit| unit.dented.0))
    });
    for (kind, name, span, content, source, dented) in files.chain(units) {
        let diagnostic = match (content, source) {
            (Some(content), Some(source)) => {
                let message = format!("{kind} `{name}` has its text inline and in a file");
                let diagnostic = Diagnostic::new(&code::ONE_CONTENT, source, message);
                diagnostic.label(content, "the text inline").help("keep one of the two")
            }
            (None, None) if !dented && !view.incomplete => {
                let message = format!("{kind} `{name}` has no text");
                let diagnostic = Diagnostic::new(&code::ONE_CONTENT, span, message);
                diagnostic.help("add `content:`, or `source:` with a file beside the stack file")
            }
            _ => continue,
        };
        findings.add(diagnostic);
    }
}

fn unused(view: &View<'_>, findings: &mut Findings) {
    let mut volumes = BTreeSet::new();
    let mut networks = BTreeSet::new();
    let mut files = BTreeSet::new();
    for (_, configuration) in view.configured() {
        volumes.extend(configuration.volumes.iter().filter_map(|mount| match &mount.0.source {
            Source::Volume(name) => Some(name.as_str()),
            _ => None,
        }));
        networks.extend(configuration.networks.iter().map(|network| network.name.as_str()));
        files.extend(
            configuration.files.iter().filter_map(|file| Some(file.name.as_ref()?.as_str())),
        );
    }
    let shared = view.stack.shared.get().into_iter().flat_map(|shared| shared.networks.iter());
    networks.extend(shared.map(|network| network.name.as_str()));
    let stack = view.stack;
    let declared = stack.volumes.iter().map(|(name, span, _)| ("volume", name, span, &volumes));
    let declared =
        declared.chain(stack.networks.iter().map(|(n, s, _)| ("network", n, s, &networks)));
    let declared = declared.chain(stack.files.iter().map(|(n, s, _)| ("file", n, s, &files)));
    let is_name = |name: &str| name.parse::<ObjectName>().is_ok();
    let unused = declared.filter(|(_, name, _, used)| !used.contains(name) && is_name(name));
    for (kind, name, span, _) in unused {
        let message = format!("{kind} `{name}` is used by no service");
        findings.add(Diagnostic::new(&code::UNUSED, span, message).help("take it away, or use it"));
    }
}
