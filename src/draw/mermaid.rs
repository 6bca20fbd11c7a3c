//! The start order as a Mermaid flowchart, which GitHub shows in Markdown.

use std::fmt::Write as _;

use super::{Arrow, Column, Picture};

/// Draws one subgraph per phase; an arrow leads from a dependency to the service that waits.
///
/// The usual condition "started" is a dotted arrow, any other one a labelled solid arrow. Notes
/// are left out: Mermaid shows tooltips only on links.
pub fn draw(picture: &Picture) -> String {
    let mut out = String::from("flowchart LR\n");
    if !picture.title.is_empty() {
        let _ = writeln!(out, "  accTitle: {}", escaped(picture.title));
    }
    for column in picture.columns() {
        subgraph(&mut out, picture, &column);
    }
    let arrows = picture.arrows();
    for Arrow { tail, head, condition, .. } in &arrows {
        let _ = match *condition {
            "started" => writeln!(out, "  n{tail} -.-> n{head}"),
            condition => writeln!(out, "  n{tail} -->|{condition}| n{head}"),
        };
    }
    stress(&mut out, picture.critical_nodes(), &arrows);
    out
}

fn subgraph(out: &mut String, picture: &Picture, column: &Column) {
    if let Some(phase) = column.phase {
        let _ = writeln!(out, "  subgraph phase{phase}[\"phase {phase}\"]");
    }
    for node in &column.nodes {
        let _ = writeln!(out, "    n{node}[\"{}\"]", escaped(picture.name(*node)));
    }
    if column.phase.is_some() {
        out.push_str("  end\n");
    }
}

fn stress(out: &mut String, critical: &[usize], arrows: &[Arrow]) {
    if critical.is_empty() {
        return;
    }
    let nodes: Vec<String> = critical.iter().map(|node| format!("n{node}")).collect();
    out.push_str("  classDef critical stroke:#d4730b,stroke-width:3px\n");
    let _ = writeln!(out, "  class {} critical", nodes.join(","));
    let numbered = arrows.iter().enumerate().filter(|(_, arrow)| arrow.critical);
    let links: Vec<String> = numbered.map(|(number, _)| number.to_string()).collect();
    if !links.is_empty() {
        let links = links.join(",");
        let _ = writeln!(out, "  linkStyle {links} stroke:#d4730b,stroke-width:3px");
    }
}

/// Mermaid's entities for everything that means something to it, to Markdown or to HTML.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '"' => out.push_str("#quot;"),
            '&' => out.push_str("#amp;"),
            '<' => out.push_str("#lt;"),
            '>' => out.push_str("#gt;"),
            '#' | ';' | ':' | '`' | '\\' | '*' | '%' => {
                let _ = write!(out, "#{};", u32::from(letter));
            }
            control if control.is_control() => out.push(' '),
            plain => out.push(plain),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::super::example;
    use super::draw;

    #[test]
    fn five_services() {
        let expected = r#"flowchart LR
  accTitle: immich
  subgraph phase1["phase 1"]
    n0["immich-postgres"]
    n1["immich-redis"]
  end
  subgraph phase2["phase 2"]
    n2["immich-server"]
  end
  subgraph phase3["phase 3"]
    n3["immich-ml"]
    n4["immich-web"]
  end
  n0 -->|healthy| n2
  n1 -.-> n2
  n2 -->|ready| n3
  n2 -.-> n4
  classDef critical stroke:#d4730b,stroke-width:3px
  class n0,n2,n3 critical
  linkStyle 0,2 stroke:#d4730b,stroke-width:3px
"#;
        assert_eq!(draw(&example::immich()), expected);
    }

    #[test]
    fn names_are_escaped_and_a_cycle_stays_outside() {
        let mermaid = draw(&example::awkward());
        let name = "say #quot;hi#quot; #92; #lt;b#gt;#amp;amp#59;#35;1#59;";
        assert!(mermaid.contains(&format!("    n0[\"{name}\"]\n  end\n    n1[\"loop\"]\n")));
        assert!(mermaid.ends_with("  n1 -->|completed| n1\n"));
    }
}
