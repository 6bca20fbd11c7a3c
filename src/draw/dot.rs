//! The start order as a Graphviz graph.

use std::fmt::Write as _;

use super::{Column, Picture};

/// Draws one cluster per phase; an arrow leads from a dependency to the service that waits.
///
/// A note becomes a tooltip and a condition a label, except "started", the usual one.
pub fn draw(picture: &Picture) -> String {
    let mut out = format!(
        "digraph {} {{\n  rankdir=LR;\n  fontname=\"sans-serif\";\n",
        quoted(picture.title)
    );
    out.push_str("  node [shape=box, style=rounded, fontname=\"sans-serif\"];\n");
    out.push_str("  edge [fontname=\"sans-serif\", fontsize=10];\n");
    for column in picture.columns() {
        cluster(&mut out, picture, &column);
    }
    for node in picture.critical_nodes() {
        let _ = writeln!(out, "  {} [style=\"rounded,bold\"];", quoted(picture.name(*node)));
    }
    for arrow in picture.arrows() {
        let mut traits = Vec::new();
        if arrow.condition != "started" {
            traits.push(format!("label={}", quoted(arrow.condition)));
        }
        if arrow.critical {
            traits.push("style=bold".to_owned());
        }
        let (tail, head) = (quoted(picture.name(arrow.tail)), quoted(picture.name(arrow.head)));
        let _ = writeln!(out, "  {tail} -> {head}{};", listed(&traits));
    }
    out.push_str("}\n");
    out
}

fn cluster(out: &mut String, picture: &Picture, column: &Column) {
    if let Some(phase) = column.phase {
        let _ = writeln!(out, "  subgraph cluster_phase_{phase} {{\n    label=\"phase {phase}\";");
    }
    for node in column.nodes.iter().filter_map(|node| picture.nodes.get(*node)) {
        let tooltip = node.note.map(|note| format!("tooltip={}", quoted(note)));
        let _ = writeln!(out, "    {}{};", quoted(node.name), listed(tooltip.as_slice()));
    }
    if column.phase.is_some() {
        out.push_str("  }\n");
    }
}

fn listed(traits: &[String]) -> String {
    if traits.is_empty() { String::new() } else { format!(" [{}]", traits.join(", ")) }
}

/// A quoted string; Graphviz reads backslash escapes and HTML entities in labels.
fn quoted(text: &str) -> String {
    let text = text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("\"{}\"", text.replace('&', "&amp;"))
}

#[cfg(test)]
mod tests {
    use super::super::example;
    use super::draw;

    #[test]
    fn five_services() {
        let expected = r#"digraph "immich" {
  rankdir=LR;
  fontname="sans-serif";
  node [shape=box, style=rounded, fontname="sans-serif"];
  edge [fontname="sans-serif", fontsize=10];
  subgraph cluster_phase_1 {
    label="phase 1";
    "immich-postgres" [tooltip="ready in at most 1m45s"];
    "immich-redis";
  }
  subgraph cluster_phase_2 {
    label="phase 2";
    "immich-server";
  }
  subgraph cluster_phase_3 {
    label="phase 3";
    "immich-ml";
    "immich-web";
  }
  "immich-postgres" [style="rounded,bold"];
  "immich-server" [style="rounded,bold"];
  "immich-ml" [style="rounded,bold"];
  "immich-postgres" -> "immich-server" [label="healthy", style=bold];
  "immich-redis" -> "immich-server";
  "immich-server" -> "immich-ml" [label="ready", style=bold];
  "immich-server" -> "immich-web";
}
"#;
        assert_eq!(draw(&example::immich()), expected);
    }

    #[test]
    fn names_are_escaped_and_a_cycle_stays_outside() {
        let dot = draw(&example::awkward());
        let name = r#""say \"hi\" \\ <b>&amp;amp;#1;""#;
        assert!(
            dot.contains(&format!(
                "    {name} [tooltip=\"a\\nb \\\"<>&amp;\"];\n  }}\n    \"loop\""
            ))
        );
        assert!(dot.ends_with("  \"loop\" -> \"loop\" [label=\"completed\"];\n}\n"));
    }
}
