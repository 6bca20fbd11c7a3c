//! A large file read in two halves, by two threads: most of it is one list of services.
//!
//! Each half is read by the same parser as a whole file. A line that begins an item of a block list
//! ends all that stands open further in (YAML 1.2.2, 8.2.1), so that the file may be cut there.
//! Where anything is to be told of a half, or one is no list, the file is read as a whole.

use std::sync::Arc;

use super::{DEPTH_MAX, ENTRIES_MAX, VALUES_MAX, part};
use crate::load::tree::{Entry, NodeId, Tree, Value};
use crate::report::Findings;
use crate::source::{Source, SourceId};
use crate::threads::both;

/// From this number of bytes on, a file is worth the while of two threads.
const LARGE: usize = 32 << 10;

/// The line above the services.
const HEAD: &str = "services:\n";

/// Where a file is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Cut {
    /// Where the key of the list stands.
    key: usize,
    /// Where the second half begins.
    at: usize,
    /// Where the first half ends: behind the indentation of the second one, up to which the parser
    /// takes what stands open to reach.
    end: usize,
}

/// The tree of a large file that ends with its services.
pub(super) fn parse(id: SourceId, source: &Arc<Source>) -> Option<Tree> {
    if source.text.len() < LARGE {
        return None;
    }
    let middle = source.text.len() / 2;
    let cut = cuts(&source.text)?.find(|cut| cut.at >= middle)?;
    read(id, source, cut)
}

fn read(id: SourceId, source: &Arc<Source>, cut: Cut) -> Option<Tree> {
    let (first, second) = (source.text.get(..cut.end)?, source.text.get(cut.at..)?);
    let half = |start, text, depth| {
        let mut findings = Findings::default();
        let tree = part(id, source, start, text, depth, &mut findings);
        findings.iter().next().is_none().then_some(tree)
    };
    // The second half stands one level deeper than it looks.
    let (first, second) =
        both(|| half(0, first, DEPTH_MAX), || half(cut.at, second, DEPTH_MAX - 1));
    join(first?, second?, cut.key)
}

/// The places where a file may be cut: the items of its services, unless something stands below.
fn cuts(text: &str) -> Option<impl Iterator<Item = Cut>> {
    let above = if text.starts_with(HEAD) { 0 } else { text.find("\nservices:\n")? + 1 };
    let list = above + HEAD.len();
    let indent = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let is_item = |line: &str| line.trim_start_matches(' ').starts_with("- ");
    let says = |line: &&str| !matches!(line.trim_start().as_bytes().first(), None | Some(b'#'));
    let body = text.get(list..)?;
    let first = body.lines().find(says).filter(|line| is_item(line))?;
    let outer = indent(first);
    let belongs = |line: &str| indent(line) > outer || (indent(line) == outer && is_item(line));
    if !body.lines().filter(says).all(belongs) {
        return None;
    }
    let starts = body.split_inclusive('\n').scan(list, |next, line| {
        let start = *next;
        *next += line.len();
        Some((start, line))
    });
    let items = starts.filter(move |(_, line)| indent(line) == outer && is_item(line));
    Some(items.skip(1).map(move |(at, _)| Cut { key: above, at, end: at + outer }))
}

/// Puts the items of the second tree behind those of the first one.
fn join(mut first: Tree, mut second: Tree, key: usize) -> Option<Tree> {
    let root = first.root?;
    let Entry { key: last, value: list } = *first.entries(root).last()?;
    let is_list = matches!(first.value(list), Value::Seq(_));
    let is_whole = second.root.is_some_and(|root| root.index() == 0);
    if !is_list || !is_whole || first.span(last).start as usize != key {
        return None;
    }
    // The first node of the second tree is the list itself.
    let before = first.nodes.len() - 1;
    let end = second.nodes.first()?.span.end;
    let mut items = first.items(list).to_vec();
    items.extend(second.items(second.root?).iter().map(|item| item.behind(before)));
    let values = first.values + second.values;
    if items.len() > ENTRIES_MAX || values > VALUES_MAX {
        return None;
    }
    for node in second.nodes.iter_mut().skip(1) {
        if !shift(&mut node.value, before) {
            return None;
        }
    }
    first.nodes.extend(second.nodes.into_iter().skip(1));
    first.comments.append(&mut second.comments);
    first.values = values;
    close(&mut first, list, end, Some(items));
    close(&mut first, root, end, None);
    Some(first)
}

/// Lets a value name nodes where they will be; an alias could name one that is in the other half.
fn shift(value: &mut Value, before: usize) -> bool {
    match value {
        Value::Seq(items) => {
            items.iter_mut().for_each(|item| *item = item.behind(before));
        }
        Value::Map(entries) => {
            for Entry { key, value } in entries.iter_mut() {
                (*key, *value) = (key.behind(before), value.behind(before));
            }
        }
        Value::Alias(_) => return false,
        Value::Scalar(_) | Value::Broken => {}
    }
    true
}

fn close(tree: &mut Tree, id: NodeId, end: u32, items: Option<Vec<NodeId>>) {
    let Some(node) = tree.nodes.get_mut(id.index()) else { return };
    node.span.end = node.span.end.max(end);
    if let Some(items) = items {
        node.value = Value::Seq(items.into());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Sources;

    /// Reads a text at once and at every place where it may be cut; says how many those are.
    fn compare(text: &str) -> usize {
        let mut sources = Sources::default();
        let id = sources.add("stack.yml", text.to_owned());
        let source = Arc::clone(sources.get(id).unwrap());
        let whole = part(id, &source, 0, &source.text, DEPTH_MAX, &mut Findings::default());
        let mut read_so = 0;
        for cut in cuts(text).into_iter().flatten() {
            let Some(tree) = read(id, &source, cut) else { continue };
            assert_eq!(tree.nodes, whole.nodes, "{cut:?} {text}");
            assert_eq!((tree.values, tree.root), (whole.values, whole.root));
            assert_eq!(tree.comments, whole.comments);
            assert!(!tree.truncated && !whole.truncated);
            read_so += 1;
        }
        read_so
    }

    #[test]
    fn halves_make_the_same_tree_as_the_whole() {
        let text = "\
# first
stack: { name: a }
services:

  # stackwright: allow SW001 about the first
  - name: a
    configuration:
      command: |
        - not an item
      \"quoted\": \"a \\n b\"

  - name: b
    list: [1, 2, {x: y}]
    anchor: &here 1
    text: >-
      folded
      - lines
  # stackwright: allow SW002
  - { name: c, plain: many
      lines }
  - name: d
    empty:
  - name: e
    kept: |+
      many

  - name: f
    folded: >+
      lines

";
        assert_eq!(compare(text), 5);
        let flat = |line: &str| line.strip_prefix("  ").unwrap_or(line).to_owned() + "\n";
        assert_eq!(compare(&text.lines().map(flat).collect::<String>()), 5);
        assert_eq!(compare(text.trim_end()), 5);
        assert_eq!(compare(&text.replace('\n', "\r\n")), 0, "its key is not found");
    }

    #[test]
    fn what_belongs_to_both_halves_is_read_as_a_whole() {
        let items = |middle: &str| format!("services:\n  - name: a\n{middle}  - name: b\n");
        for (middle, halves) in [
            ("", 1),
            ("    x: &a 1\n    y: *a\n", 1),
            ("    x: \"open\n", 0),
            ("    x: [\n", 0),
            ("other: 1\n", 0),
            (" other\n", 0),
        ] {
            assert_eq!(compare(&items(middle)), halves, "{middle}");
        }
        assert_eq!(compare(&(items("    x: &a 1\n") + "    y: *a\n")), 0);
        assert_eq!(compare(&format!("a: |\n services:\n{}", items(""))), 1);
        assert_eq!(compare(&format!("a: \"\n{}b: \"\n", items(""))), 0);
        assert_eq!(compare(&format!("a: |\n  x\n{}b: 1\n", items(""))), 0);
    }

    #[test]
    fn limits_are_those_of_the_whole() {
        let deep = |levels: usize| "[".repeat(levels) + &"]".repeat(levels);
        let file = |levels| format!("services:\n  - a\n  - {}\n", deep(levels));
        assert_eq!(compare(&file(10)), 1);
        assert_eq!(compare(&file(DEPTH_MAX)), 0);
        let many = format!("services:\n{}", "  - a\n".repeat(ENTRIES_MAX + 1));
        let mut sources = Sources::default();
        let id = sources.add("stack.yml", many);
        let source = Arc::clone(sources.get(id).unwrap());
        assert!(parse(id, &source).is_none());
    }
}
