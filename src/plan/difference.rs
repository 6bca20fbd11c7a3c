//! How two texts of a unit differ, as people read it.

use similar::TextDiff;

/// How many lines around a change are shown.
const CONTEXT: usize = 2;

/// A unified difference; nothing but a mark tells where lines were added and taken away.
pub fn unified(name: &str, before: &str, after: &str) -> String {
    let difference = TextDiff::from_lines(before, after);
    difference.unified_diff().context_radius(CONTEXT).header(name, name).to_string()
}
