//! Stacks that are checked together share one machine: names, ports, and who needs whom.

use std::collections::{BTreeMap, BTreeSet};

use super::ports::{Mapping, mappings, taken};
use super::{View, did_you_mean, mounts, names, routes};
use crate::graph::{Edge, Graph};
use crate::model::at::At;
use crate::model::meaning;
use crate::model::text::Name;
use crate::report::code::{names as code, order};
use crate::report::{Code, Diagnostic, Findings};
use crate::source::Span;

/// Checks what no stack can see alone; `all_known` says that no other stacks exist.
pub fn check(views: &[View<'_>], all_known: bool, findings: &mut Findings) {
    requires(views, all_known, findings);
    mounts::labels(views, findings);
    routes::together(views, all_known, findings);
    if views.len() < 2 {
        return;
    }
    stack_names(views, findings);
    owned_twice(views, findings);
    let mut all: Vec<Mapping<'_>> = Vec::new();
    for (stack, view) in views.iter().enumerate() {
        all.extend(mappings(view).into_iter().map(|mapping| Mapping { stack, ..mapping }));
    }
    taken(&all, true, findings);
}

fn name_span(view: &View<'_>) -> Span {
    let info = view.stack.stack.get();
    info.and_then(|info| info.name.as_ref()).map_or(view.head, |name| name.span)
}

fn stack_names(views: &[View<'_>], findings: &mut Findings) {
    let mut seen: BTreeMap<&str, Span> = BTreeMap::new();
    for view in views {
        let span = name_span(view);
        let Some(first) = seen.insert(view.name, span) else { continue };
        let message = format!("two stacks are called `{}`", view.name);
        let help = "give one of them a name of its own, by `name:` under `stack:`";
        let diagnostic = Diagnostic::new(&code::STACK_COLLISION, span, message);
        findings.add(diagnostic.label(first, "the other one").help(help));
    }
}

/// Something of which a machine has one: its kind of collision, what it is, and where.
struct Owned {
    code: &'static Code,
    /// What tells it from others.
    identity: String,
    /// What people call it.
    what: String,
    span: Span,
}

/// Containers, then networks and volumes, then units; the first of them is what people know.
fn owned(view: &View<'_>) -> Vec<Owned> {
    let containers = view.services.iter().flat_map(|service| meaning::containers(service));
    let containers = containers.map(|(name, span)| {
        let (identity, what) = (format!("container {name}"), format!("container `{name}`"));
        Owned { code: &code::CONTAINER_COLLISION, identity, what, span }
    });
    let objects = names::objects(view).into_iter().map(|(kind, name, span)| {
        let (identity, what) = (format!("{kind} {name}"), format!("{kind} `{name}`"));
        Owned { code: &code::OBJECT_COLLISION, identity, what, span }
    });
    let units = names::unit_names(view).into_iter().map(|(unit, span, what)| {
        let is_object = what.starts_with("network") || what.starts_with("volume");
        let code = if is_object { &code::OBJECT_COLLISION } else { &code::UNIT_COLLISION };
        Owned { code, identity: format!("unit {unit}"), what, span }
    });
    containers.chain(objects).chain(units).collect()
}

/// Tells what two stacks have; what one stack has twice is told by its own rules.
fn owned_twice(views: &[View<'_>], findings: &mut Findings) {
    let mut seen: BTreeMap<String, (usize, Span)> = BTreeMap::new();
    let mut told: BTreeSet<Span> = BTreeSet::new();
    for (stack, view) in views.iter().enumerate() {
        for Owned { code, identity, what, span } in owned(view) {
            let identity = identity.to_lowercase();
            match seen.get(&identity) {
                Some((other, first)) if *other != stack && told.insert(span) => {
                    let other = views.get(*other).map_or("", |view| view.name);
                    let message = format!("stack `{other}` has a {what} too");
                    let help = match code.id == code::OBJECT_COLLISION.id {
                        true => "give one another name, or say `external: true` in one of them",
                        false => "give one of the two another name",
                    };
                    let diagnostic = Diagnostic::new(code, span, message);
                    findings.add(diagnostic.label(*first, "the other one").help(help));
                }
                Some(_) => {}
                None => {
                    seen.insert(identity, (stack, span));
                }
            }
        }
    }
}

/// Stacks require stacks that are there, and never in a circle.
fn requires(views: &[View<'_>], all_known: bool, findings: &mut Findings) {
    let places: BTreeMap<&str, usize> =
        views.iter().enumerate().map(|(place, view)| (view.name, place)).collect();
    let mut edges: Vec<(Edge, Span)> = Vec::new();
    for (from, view) in views.iter().enumerate() {
        let required = view.stack.stack.get().into_iter().flat_map(|info| info.requires.iter());
        for name in required {
            match places.get(name.as_str()) {
                Some(to) => {
                    edges.push((Edge { from, to: *to }, name.span));
                    if let Some(diagnostic) = absent(view, views.get(*to), name) {
                        findings.add(diagnostic);
                    }
                }
                None if all_known => {
                    let message = format!("stack `{name}` is not among the stacks checked here");
                    let help = did_you_mean(name.as_str(), places.keys().copied(), findings);
                    let look = || "take it away, or check the file of that stack too".to_owned();
                    let diagnostic = Diagnostic::new(&order::UNKNOWN_STACK, name.span, message);
                    findings.add(diagnostic.help(help.unwrap_or_else(look)));
                }
                None => {}
            }
        }
    }
    let graph = Graph::new(views.len(), edges.iter().map(|(edge, _)| *edge));
    for cycle in graph.cycles() {
        circle(views, &cycle, &edges, findings);
    }
}

/// A stack that is to be there requires one that is not to be.
fn absent(view: &View<'_>, other: Option<&View<'_>>, name: &At<Name>) -> Option<Diagnostic> {
    let marked = |view: &View<'_>| {
        let deployed = view.stack.stack.get()?.deployed?;
        (!deployed.value).then_some(deployed.span)
    };
    let mark = marked(other?)?;
    if marked(view).is_some() {
        return None;
    }
    let message = format!("stack `{name}` is marked `deployed: false`, and is required here");
    let diagnostic = Diagnostic::new(&order::REQUIRED_STACK_ABSENT, name.span, message);
    let diagnostic = diagnostic.label(mark, "it is not to be there");
    Some(diagnostic.help("take that mark away, or mark this stack too"))
}

fn circle(views: &[View<'_>], cycle: &[usize], edges: &[(Edge, Span)], findings: &mut Findings) {
    let name = |place: &usize| views.get(*place).map_or("", |view| view.name);
    let hops = cycle.iter().zip(cycle.iter().cycle().skip(1));
    let mut steps = hops.filter_map(|(from, to)| {
        let edge = Edge { from: *from, to: *to };
        let (_, span) = edges.iter().find(|(other, _)| *other == edge)?;
        Some((*span, format!("`{}` requires `{}`", name(from), name(to))))
    });
    let Some((span, step)) = steps.next() else { return };
    let path: Vec<&str> = cycle.iter().chain(cycle.first()).map(name).collect();
    let message = match cycle {
        [only] => format!("stack `{}` requires itself", name(only)),
        _ => format!("stacks require each other in a circle: {}", path.join(" -> ")),
    };
    let mut diagnostic = Diagnostic::new(&order::STACK_CYCLE, span, message);
    if cycle.len() > 1 {
        diagnostic = diagnostic.note(step);
    }
    for (span, step) in steps {
        diagnostic = diagnostic.label(span, step);
    }
    findings.add(diagnostic.help("take one of these requirements away"));
}
