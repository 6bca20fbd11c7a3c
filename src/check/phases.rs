//! Phases and steps that somebody wrote down, held against the services and their dependencies.

use std::collections::BTreeMap;

use super::View;
use crate::model::at::At;
use crate::model::deployment::Phase;
use crate::model::text::Name;
use crate::report::code::order as code;
use crate::report::{Code, Diagnostic, Findings};
use crate::source::Span;

/// Where a service stands in the phases.
#[derive(Clone, Copy)]
struct Slot {
    phase: usize,
    place: usize,
    parallel: bool,
    span: Span,
}

/// Checks `deployment.phases` and `rollback.steps`.
pub fn check(view: &View<'_>, findings: &mut Findings) {
    let steps = view.stack.rollback.get().into_iter().flat_map(|rollback| rollback.steps.iter());
    for name in steps.flat_map(|step| step.services.iter()) {
        known(view, name, &code::ROLLBACK_UNKNOWN_SERVICE, "a rollback step", findings);
    }
    let Some(deployment) = view.stack.deployment.get() else { return };
    if deployment.phases.is_empty() {
        return;
    }
    if !deployment.dented.0 {
        numbers(deployment.phases.iter(), findings);
    }
    let slots = slots(view, deployment.phases.iter(), findings);
    if view.incomplete {
        return;
    }
    if !deployment.dented.0 {
        missing(view, &slots, deployment.phases.span().unwrap_or(view.head), findings);
    }
    order(view, &slots, findings);
}

/// Tells a name that is no service.
fn known(
    view: &View<'_>,
    name: &At<Name>,
    code: &'static Code,
    place: &str,
    findings: &mut Findings,
) -> bool {
    let known = view.places.contains_key(name.as_str());
    if !known && !view.incomplete {
        let message = format!("{place} names `{name}`, which is no service of this stack");
        let help = view.did_you_mean(name.as_str(), findings);
        let help = help.unwrap_or_else(|| super::add_or_drop(name.as_str()));
        findings.add(Diagnostic::new(code, name.span, message).help(help));
    }
    known
}

fn numbers<'p>(phases: impl Iterator<Item = &'p At<Phase>>, findings: &mut Findings) {
    for (place, phase) in (1_u32..).zip(phases) {
        if let Some(number) = phase.phase.filter(|number| number.value != place) {
            let message = format!("phase {} stands where phase {place} would", number.value);
            let diagnostic = Diagnostic::new(&code::PHASE_NUMBERS, number.span, message);
            findings.add(diagnostic.help(format!("write `phase: {place}`")));
        }
    }
}

fn slots<'v, 'p>(
    view: &View<'v>,
    phases: impl Iterator<Item = &'p At<Phase>>,
    findings: &mut Findings,
) -> BTreeMap<&'p str, Slot> {
    let mut slots: BTreeMap<&str, Slot> = BTreeMap::new();
    for (phase, written) in phases.enumerate() {
        let parallel = written.parallel.is_none_or(|parallel| parallel.value);
        for (place, name) in written.services.iter().enumerate() {
            if !known(view, name, &code::PHASE_UNKNOWN_SERVICE, "a phase", findings) {
                continue;
            }
            let slot = Slot { phase, place, parallel, span: name.span };
            if let Some(first) = slots.get(name.as_str()) {
                let message = format!("`{name}` stands in the phases twice");
                let diagnostic = Diagnostic::new(&code::PHASE_REPEATS, name.span, message);
                findings.add(diagnostic.label(first.span, "and here").help("keep one of the two"));
            } else {
                slots.insert(name.as_str(), slot);
            }
        }
    }
    slots
}

fn missing(view: &View<'_>, slots: &BTreeMap<&str, Slot>, span: Span, findings: &mut Findings) {
    let names = view.services.iter().map(|service| &service.name);
    for name in names.filter(|name| !slots.contains_key(name.as_str())) {
        let message = format!("`{name}` stands in no phase");
        let help =
            format!("add `{name}` to a phase, or leave `phases` out: they follow by themselves");
        let diagnostic = Diagnostic::new(&code::PHASE_MISSES, name.span, message);
        findings.add(diagnostic.label(span, "the phases begin here").help(help));
    }
}

fn order(view: &View<'_>, slots: &BTreeMap<&str, Slot>, findings: &mut Findings) {
    for need in view.needs.iter().filter(|need| need.from != need.to) {
        let name = |place: usize| Some(view.services.get(place)?.name.as_str());
        let (Some(from), Some(to)) = (name(need.from), name(need.to)) else { continue };
        let (Some(later), Some(earlier)) = (slots.get(from), slots.get(to)) else { continue };
        let in_turn = !later.parallel && earlier.place < later.place;
        let good = earlier.phase < later.phase || (earlier.phase == later.phase && in_turn);
        if good {
            continue;
        }
        let message = format!(
            "`{from}` stands in phase {} and needs `{to}` of phase {}",
            later.phase + 1,
            earlier.phase + 1
        );
        let diagnostic = Diagnostic::new(&code::PHASE_ORDER, later.span, message)
            .label(need.span, format!("`{from}` needs `{to}`"))
            .help(format!("put `{from}` into a later phase than `{to}`, or leave `phases` out"));
        findings.add(diagnostic);
    }
}
