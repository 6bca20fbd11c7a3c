//! Dependencies: on what is not there, on themselves, in circles, with conditions that never come.

use super::{Need, View, graph};
use crate::model::meaning;
use crate::model::service::{Condition, Service};
use crate::report::code::order as code;
use crate::report::{Diagnostic, Findings};

/// Checks the dependencies of all services.
pub fn check(view: &View<'_>, findings: &mut Findings) {
    for service in &view.services {
        unknown(view, service, findings);
        repeated(service, findings);
    }
    for need in &view.needs {
        condition(view, need, findings);
    }
    cycles(view, findings);
}

fn unknown(view: &View<'_>, service: &Service, findings: &mut Findings) {
    if view.incomplete {
        return;
    }
    for dependency in service.dependencies.iter() {
        let name = dependency.name.as_str();
        if view.places.contains_key(name) {
            continue;
        }
        let message =
            format!("`{}` needs `{name}`, which is no service of this stack", service.name);
        let add = || format!("add a service `{name}`, or name its stack in `stack.requires`");
        let help = view.did_you_mean(name, findings).unwrap_or_else(add);
        let span = dependency.name.span;
        findings.add(Diagnostic::new(&code::UNKNOWN_DEPENDENCY, span, message).help(help));
    }
}

fn repeated(service: &Service, findings: &mut Findings) {
    let mut seen = std::collections::BTreeMap::new();
    for dependency in service.dependencies.iter() {
        let span = dependency.name.span;
        if let Some(first) = seen.insert(dependency.name.as_str(), span) {
            let message = format!("`{}` needs `{}` twice", service.name, dependency.name);
            let diagnostic = Diagnostic::new(&code::REPEATED_DEPENDENCY, span, message);
            findings.add(diagnostic.label(first, "named first here").help("keep one of the two"));
        }
    }
}

fn condition(view: &View<'_>, need: &Need, findings: &mut Findings) {
    let (Some(from), Some(to)) = (view.services.get(need.from), view.services.get(need.to)) else {
        return;
    };
    if need.from == need.to {
        return;
    }
    let dependencies = &from.dependencies;
    let (from, name) = (&from.name, &to.name);
    let has_health = meaning::health(to).is_some();
    let has_criteria = !meaning::configuration(to).ready_criteria.is_empty();
    let job = meaning::is_job(to);
    let unread = view.incomplete || to.dented.0;
    let (code, message, help) = match need.condition {
        Condition::Completed if !job && !unread => (
            &code::NEVER_COMPLETES,
            format!("`{from}` waits for the end of `{name}`, which runs on"),
            format!("give `{name}` `oneshot: true`, or write `started`"),
        ),
        Condition::Healthy | Condition::Ready if job => (
            &code::JOB_WITHOUT_HEALTH,
            format!("`{from}` waits for the health of `{name}`, which is a job"),
            "write `completed`".to_owned(),
        ),
        Condition::Healthy if !has_health && !unread => (
            &code::NO_HEALTH_TO_WAIT_FOR,
            format!("`{from}` waits for `{name}` to be healthy, which has no health check"),
            format!("give `{name}` a `health_check`, or write `started`"),
        ),
        Condition::Ready if !has_health && !has_criteria && !unread => (
            &code::NO_HEALTH_TO_WAIT_FOR,
            format!("`{from}` waits for `{name}` to be ready, which does not say what ready is"),
            format!("give `{name}` a `health_check` or `ready_criteria`, or write `started`"),
        ),
        Condition::Healthy if meaning::tells_at_start(to) => (
            &code::NOTIFIES_EARLIER,
            format!("`{from}` waits for `{name}`, whose `notify` does not wait for its health"),
            format!("take `notify` of `{name}` away, or write `healthy` there"),
        ),
        _ => return,
    };
    // An explicit condition alone can be wrong: the usual one follows from the service.
    let find = || dependencies.iter().find(|one| one.name.span == need.span);
    let said = (!findings.is_full()).then(find).flatten();
    let span = said.and_then(|one| one.condition).map_or(need.span, |condition| condition.span);
    let diagnostic = Diagnostic::new(code, span, message).help(help);
    findings.add(diagnostic.label(to.name.span, format!("`{name}` stands here")));
}

fn cycles(view: &View<'_>, findings: &mut Findings) {
    for (number, cycle) in graph(view.services.len(), &view.needs).cycles().iter().enumerate() {
        let names: Vec<&str> = cycle
            .iter()
            .filter_map(|place| Some(view.services.get(*place)?.name.as_str()))
            .collect();
        let Some(first) = names.first().copied() else { continue };
        let hops = cycle.iter().zip(cycle.iter().cycle().skip(1)).take(PRINTED_MAX);
        let hops: Vec<&Need> = hops.filter_map(|(from, to)| need(view, *from, *to)).collect();
        let Some(start) = hops.first() else { continue };
        if cycle.len() == 1 {
            let message = format!("`{first}` needs itself");
            let diagnostic = Diagnostic::new(&code::SELF_DEPENDENCY, start.span, message);
            findings.add(diagnostic.help("take the dependency away"));
            continue;
        }
        let path = path(&names, first);
        let mut diagnostic =
            Diagnostic::new(&code::CYCLE, start.span, format!("circular dependency: {path}"))
                .note(hop(&names, 0))
                .help("take one of these dependencies away");
        let shown = if number < PRINTED_MAX { PRINTED_MAX } else { 1 };
        for (place, need) in hops.iter().enumerate().take(shown).skip(1) {
            diagnostic = diagnostic.label(need.span, hop(&names, place));
        }
        findings.add(diagnostic);
    }
}

/// How many services of a circle are printed by name, and of how many circles with their places.
const PRINTED_MAX: usize = 20;

/// The dependency of one service on another; the needs stand in the order of who has them.
fn need<'v>(view: &'v View<'_>, from: usize, to: usize) -> Option<&'v Need> {
    let first = view.needs.partition_point(|need| need.from < from);
    let own = view.needs.iter().skip(first).take_while(|need| need.from == from);
    own.into_iter().find(|need| need.to == to)
}

fn path(names: &[&str], first: &str) -> String {
    if names.len() <= PRINTED_MAX {
        return format!("{} -> {first}", names.join(" -> "));
    }
    let shown = names.iter().take(PRINTED_MAX).copied().collect::<Vec<_>>().join(" -> ");
    format!("{shown} -> ({} more) -> {first}", names.len() - PRINTED_MAX)
}

fn hop(names: &[&str], place: usize) -> String {
    let from = names.get(place).copied().unwrap_or("");
    let to = names.get((place + 1) % names.len()).copied().unwrap_or("");
    format!("`{from}` needs `{to}`")
}
