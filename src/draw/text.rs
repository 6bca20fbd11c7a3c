//! The start order as plain text.

use std::fmt::Write as _;

use super::{Column, Picture, count};

/// Lists the phases and, where it is a path at all, the critical path.
///
/// Nodes on or behind a cycle follow under a heading of their own.
pub fn draw(picture: &Picture) -> String {
    let mut blocks: Vec<String> =
        picture.columns().iter().map(|column| block(picture, column)).collect();
    let critical: Vec<&str> =
        picture.critical_nodes().iter().map(|node| picture.name(*node)).collect();
    if !critical.is_empty() {
        blocks.push(format!("# Critical path: {}\n", critical.join(" -> ")));
    }
    blocks.join("\n")
}

fn block(picture: &Picture, column: &Column) -> String {
    let services = count(column.nodes.len(), "service");
    let mut block = match column.phase {
        Some(phase) => format!("# Phase {phase} (parallel: {services})\n"),
        None => format!("# No phase (on or behind a cycle: {services})\n"),
    };
    for node in &column.nodes {
        let _ = writeln!(block, "{}", picture.name(*node));
    }
    block
}

#[cfg(test)]
mod tests {
    use super::super::{Picture, example};
    use super::draw;

    #[test]
    fn five_services() {
        let expected = "\
# Phase 1 (parallel: 2 services)
immich-postgres
immich-redis

# Phase 2 (parallel: 1 service)
immich-server

# Phase 3 (parallel: 2 services)
immich-ml
immich-web

# Critical path: immich-postgres -> immich-server -> immich-ml
";
        assert_eq!(draw(&example::immich()), expected);
    }

    #[test]
    fn a_critical_path_of_one_node_is_none() {
        let mut picture = example::immich();
        picture.critical = vec![1];
        assert!(draw(&picture).ends_with("immich-ml\nimmich-web\n"));
        assert_eq!(draw(&Picture::default()), "");
    }

    #[test]
    fn a_cycle_is_not_dropped() {
        let expected = "\n\n# No phase (on or behind a cycle: 2 services)\nloop\nend\n";
        assert!(draw(&example::awkward()).ends_with(expected));
    }
}
