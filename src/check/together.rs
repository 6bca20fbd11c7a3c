//! Stacks that are checked together share one machine: names, ports, and who needs whom.

use std::collections::BTreeMap;

use super::ports::{Mapping, mappings, taken};
use super::{View, did_you_mean, names};
use crate::graph::{Edge, Graph};
use crate::model::meaning;
use crate::report::code::{names as code, order};
use crate::report::{Code, Diagnostic, Findings};
use crate::source::Span;

/// Checks what no stack can see alone; `all_known` says that no other stacks exist.
pub fn check(views: &[View<'_>], all_known: bool, findings: &mut Findings) {
    requires(views, all_known, findings);
    if views.len() < 2 {
        return;
    }
    let stacks = views.iter().map(|view| (view.name.to_owned(), name_span(view)));
    collide(&[stacks.collect()], &code::STACK_COLLISION, "stack", findings);
    let containers = |view: &View<'_>| -> Vec<(String, Span)> {
        view.services.iter().flat_map(|service| meaning::containers(service)).collect()
    };
    let containers: Vec<_> = views.iter().map(containers).collect();
    collide_across(&containers, &code::CONTAINER_COLLISION, "container", findings);
    let units = |view: &View<'_>| -> Vec<(String, Span)> {
        let is_own = |what: &str| !what.starts_with("service");
        let units = names::unit_names(view).into_iter().filter(|(_, _, what)| is_own(what));
        units.map(|(unit, span, _)| (unit, span)).collect()
    };
    let units: Vec<_> = views.iter().map(units).collect();
    collide_across(&units, &code::OBJECT_COLLISION, "unit", findings);
    let mut all: Vec<Mapping<'_>> = Vec::new();
    for (stack, view) in views.iter().enumerate() {
        all.extend(mappings(view).into_iter().map(|mapping| Mapping { stack, ..mapping }));
    }
    taken(&all, |a, b| a.stack != b.stack, findings);
}

fn name_span(view: &View<'_>) -> Span {
    let info = view.stack.stack.get();
    info.and_then(|info| info.name.as_ref()).map_or(view.head, |name| name.span)
}

/// Tells names that two stacks have; what one stack has twice is told by its own rules.
fn collide_across(
    stacks: &[Vec<(String, Span)>],
    code: &'static Code,
    kind: &str,
    findings: &mut Findings,
) {
    let mut seen: BTreeMap<String, (usize, Span)> = BTreeMap::new();
    for (stack, names) in stacks.iter().enumerate() {
        for (name, span) in names {
            match seen.get(&name.to_lowercase()) {
                Some((other, first)) if *other != stack => {
                    findings.add(collision(name, *span, *first, code, kind));
                }
                Some(_) => {}
                None => {
                    seen.insert(name.to_lowercase(), (stack, *span));
                }
            }
        }
    }
}

fn collide(
    stacks: &[Vec<(String, Span)>],
    code: &'static Code,
    kind: &str,
    findings: &mut Findings,
) {
    let single: Vec<Vec<(String, Span)>> =
        stacks.iter().flatten().map(|one| vec![one.clone()]).collect();
    collide_across(&single, code, kind, findings);
}

fn collision(name: &str, span: Span, first: Span, code: &'static Code, kind: &str) -> Diagnostic {
    let message = format!("two stacks have a {kind} `{name}`");
    Diagnostic::new(code, span, message).label(first, "the other one").help("give one another name")
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
                Some(to) => edges.push((Edge { from, to: *to }, name.span)),
                None if all_known => {
                    let message = format!("stack `{name}` is not among the stacks checked here");
                    let help = did_you_mean(name.as_str(), places.keys().copied(), findings);
                    let diagnostic = Diagnostic::new(&order::UNKNOWN_STACK, name.span, message);
                    findings.add(diagnostic.maybe_help(help));
                }
                None => {}
            }
        }
    }
    let graph = Graph::new(views.len(), edges.iter().map(|(edge, _)| *edge));
    for cycle in graph.cycles() {
        let names = cycle.iter().chain(cycle.first());
        let names = names.filter_map(|place| Some(views.get(*place)?.name));
        let path = names.collect::<Vec<_>>().join(" -> ");
        let first = cycle.first().zip(cycle.get(1).or(cycle.first()));
        let edge = first.map(|(from, to)| Edge { from: *from, to: *to });
        let span = edges.iter().find(|(other, _)| Some(*other) == edge).map(|(_, span)| *span);
        let message = format!("circle of stacks: {path}");
        let diagnostic = Diagnostic::new(&order::STACK_CYCLE, span.unwrap_or_default(), message);
        findings.add(diagnostic.help("take one of these requirements away"));
    }
}
