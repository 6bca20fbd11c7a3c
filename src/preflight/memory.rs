//! Memory: what a stack may take and wants kept, against what there is beside all that runs.

use super::{Finding, Scene, code, size};

/// Judges both sums.
pub fn judge(scene: &Scene<'_>) -> Vec<Finding> {
    let Some(memory) = scene.seen.known.memory else { return Vec::new() };
    let states = &scene.request.observed.states;
    // What runs already has its part.
    let down = scene
        .asks
        .iter()
        .filter(|(service, _)| states.get(*service).is_none_or(|state| !state.is_up()));
    let kept: u64 = down.filter_map(|(_, asks)| asks.kept_memory).sum();
    let allowed: u64 = scene.asks.values().filter_map(|asks| asks.memory).sum();
    let sums = [
        (kept, memory.available, "is left beside all that runs, services want", "kept for them"),
        (allowed, memory.total, "is all that there is, services may take", "together"),
    ];
    let more = sums.into_iter().filter(|(asked, there, ..)| asked > there);
    let finding = |(asked, there, is, for_what): (u64, u64, &str, &str)| {
        let what = format!("{} of memory {is} {} {for_what}", size(there), size(asked));
        let help = "lower `memory` or `memory_reservation`, or stop something";
        Finding::new(&code::MEMORY, what, help)
    };
    more.map(finding).collect()
}
