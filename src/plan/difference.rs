//! How two texts of a unit differ, as people read it.

use similar::TextDiff;

/// How many lines around a change are shown.
const CONTEXT: usize = 2;

/// Lines that differ because others do.
const DIGESTS: [&str; 2] = ["Label=stackwright.digest=", "Digest="];

/// A unified difference; nothing but a mark tells where lines were added and taken away.
pub fn unified(name: &str, before: &str, after: &str) -> String {
    let (before, after) = (without_digests(before), without_digests(after));
    let difference = TextDiff::from_lines(&before, &after);
    difference.unified_diff().context_radius(CONTEXT).header(name, name).to_string()
}

fn without_digests(text: &str) -> String {
    let is_digest = |line: &&str| DIGESTS.iter().any(|start| line.starts_with(start));
    text.split_inclusive('\n').filter(|line| !is_digest(line)).collect()
}
