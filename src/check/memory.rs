//! Memory: limits of a service that contradict each other, and the budget of a stack.

use super::View;
use crate::model::meaning;
use crate::model::value::size::Size;
use crate::report::code::health as code;
use crate::report::{Diagnostic, Findings};

/// Checks the limits of all services and their sum.
pub fn check(view: &View<'_>, findings: &mut Findings) {
    for (service, configuration) in view.configured() {
        let Some(memory) = configuration.memory else { continue };
        let below = [
            (configuration.memory_high, "memory_high", &code::MEMORY_HIGH),
            (configuration.memory_reservation, "memory_reservation", &code::MEMORY_RESERVATION),
        ];
        for (limit, name, code) in below {
            let Some(limit) = limit.filter(|limit| limit.value > memory.value) else { continue };
            let message = format!("`{name}` of `{}` is {limit}, its memory {memory}", service.name);
            let diagnostic = Diagnostic::new(code, limit.span, message);
            let help = format!("write {memory} or less");
            findings.add(diagnostic.label(memory.span, "the memory").help(help));
        }
    }
    budget(view, findings);
}

fn budget(view: &View<'_>, findings: &mut Findings) {
    let shared = view.stack.shared.get().and_then(|shared| shared.resources.get());
    let Some(resources) = shared else { return };
    let in_megabytes =
        resources.total_memory_mb.map(|at| (at.value.saturating_mul(1 << 20), at.span));
    let in_bytes = resources.total_memory.map(|at| (at.value.0, at.span));
    if let (Some((a, first)), Some((b, second))) = (in_megabytes, in_bytes)
        && a != b
    {
        let message = format!("a budget of {} beside one of {}", Size(b), Size(a));
        let diagnostic = Diagnostic::new(&code::TWO_BUDGETS, second, message);
        findings.add(diagnostic.label(first, "the other one").help("keep one of the two"));
        return;
    }
    let Some((budget, span)) = in_megabytes.or(in_bytes) else { return };
    let used = |(service, memory): (_, u64)| {
        let containers = meaning::units(service).len() as u64;
        memory.saturating_mul(containers)
    };
    let limits = view.services.iter().filter_map(|service| {
        let memory = meaning::configuration(service).memory?;
        Some((&service.value, memory.value.0))
    });
    let sum = limits.map(used).fold(0_u64, u64::saturating_add);
    if sum > budget {
        let message = format!(
            "the services may use {} of memory, {} more than the {} that the stack shares out",
            Size(sum),
            Size(sum - budget),
            Size(budget)
        );
        let help = format!("raise the budget to {}, or lower `memory` of a service", Size(sum));
        findings.add(Diagnostic::new(&code::MEMORY_BUDGET, span, message).help(help));
    }
}
