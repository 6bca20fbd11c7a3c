//! Drawings of a stack's start order: one plain picture, one function per format.

pub mod dot;
mod layout;
pub mod mermaid;
pub mod svg;
pub mod text;

use std::collections::BTreeSet;

/// What all formats draw; the numbers are indices into `nodes`.
#[derive(Clone, Debug, Default)]
pub struct Picture<'a> {
    /// What the drawing is about, for readers that announce it and as the graph's name.
    pub title: &'a str,
    /// The services.
    pub nodes: Vec<Node<'a>>,
    /// The start order in layers, as `Graph::phases` gives it.
    pub phases: Vec<Vec<usize>>,
    /// The dependencies to draw.
    pub edges: Vec<Line>,
    /// The chain to stress, in start order.
    pub critical: Vec<usize>,
}

/// A service in a picture.
#[derive(Clone, Copy, Debug)]
pub struct Node<'a> {
    /// The name as the stack gives it.
    pub name: &'a str,
    /// A remark for formats with tooltips, such as the image.
    pub note: Option<&'a str>,
}

/// A dependency in a picture: `from` needs `to`.
#[derive(Clone, Copy, Debug)]
pub struct Line {
    /// The service that waits.
    pub from: usize,
    /// The service it waits for.
    pub to: usize,
    /// What it waits for: "started", "healthy", "ready" or "completed".
    pub condition: &'static str,
}

/// A phase to draw or, last and without a number, the nodes that are in no phase.
struct Column {
    phase: Option<usize>,
    nodes: Vec<usize>,
}

/// A line turned to the start order: from the dependency to the service that waits.
#[derive(Clone, Copy)]
struct Arrow {
    tail: usize,
    head: usize,
    condition: &'static str,
    critical: bool,
}

impl<'a> Picture<'a> {
    fn name(&self, node: usize) -> &'a str {
        self.nodes.get(node).map_or("", |node| node.name)
    }

    /// Every node exactly once, so that no format drops a service that a cycle keeps from starting.
    fn columns(&self) -> Vec<Column> {
        let mut left: BTreeSet<usize> = (0..self.nodes.len()).collect();
        let mut columns = Vec::new();
        for (phase, nodes) in (1..).zip(&self.phases) {
            let nodes = nodes.iter().copied().filter(|node| left.remove(node)).collect();
            columns.push(Column { phase: Some(phase), nodes });
        }
        if !left.is_empty() {
            columns.push(Column { phase: None, nodes: left.into_iter().collect() });
        }
        columns
    }

    /// The lines between known nodes, in the given order.
    fn arrows(&self) -> Vec<Arrow> {
        let steps: BTreeSet<(usize, usize)> =
            self.critical.iter().copied().zip(self.critical.iter().copied().skip(1)).collect();
        let known = |line: &&Line| line.from.max(line.to) < self.nodes.len();
        let arrow = |line: &Line| Arrow {
            tail: line.to,
            head: line.from,
            condition: line.condition,
            critical: steps.contains(&(line.to, line.from)),
        };
        self.edges.iter().filter(known).map(arrow).collect()
    }

    /// The critical path, or nothing where a single node is all there is to stress.
    fn critical_nodes(&self) -> &[usize] {
        if self.critical.len() > 1 { &self.critical } else { &[] }
    }
}

impl Column {
    fn heading(&self) -> String {
        self.phase.map_or_else(|| "no phase".to_owned(), |phase| format!("phase {phase}"))
    }
}

fn count(number: usize, noun: &str) -> String {
    let plural = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{plural}")
}

#[cfg(test)]
mod example {
    use super::{Line, Node, Picture};

    fn node<'a>(name: &'a str, note: Option<&'a str>) -> Node<'a> {
        Node { name, note }
    }

    /// The five services that the tests of all formats draw.
    pub(super) fn immich() -> Picture<'static> {
        let line = |from, to, condition| Line { from, to, condition };
        Picture {
            title: "immich",
            nodes: vec![
                node("immich-postgres", Some("ready in at most 1m45s")),
                node("immich-redis", None),
                node("immich-server", None),
                node("immich-ml", None),
                node("immich-web", None),
            ],
            phases: vec![vec![0, 1], vec![2], vec![3, 4]],
            edges: vec![
                line(2, 0, "healthy"),
                line(2, 1, "started"),
                line(3, 2, "ready"),
                line(4, 2, "started"),
            ],
            critical: vec![0, 2, 3],
        }
    }

    /// Names that every format must escape, and a cycle behind phase 1.
    pub(super) fn awkward() -> Picture<'static> {
        let line = |from, to| Line { from, to, condition: "completed" };
        Picture {
            title: "a \"b\" <c> & d",
            nodes: vec![
                node("say \"hi\" \\ <b>&amp;#1;", Some("a\nb \"<>&")),
                node("loop", None),
                node("end", None),
            ],
            phases: vec![vec![0, 7]],
            edges: vec![line(1, 0), line(1, 2), line(2, 1), line(1, 1), line(9, 0)],
            critical: vec![0],
        }
    }
}
