//! A tree held against its shapes, and what is left of it read into the model.

use serde::de::DeserializeOwned;

use super::decode::decode;
use super::shape::Shapes;
use super::tree::Tree;
use super::walk::walk;
use crate::report::code::shape as code;
use crate::report::human::escape;
use crate::report::{Diagnostic, Findings};
use crate::threads::{are_there, both};

/// Reads a tree without what is bad in it, which is told; says also which of its nodes are bad.
///
/// Most trees have none: where threads share the work, it is read while it is still checked, and
/// again only where that was in vain.
pub fn read<T: DeserializeOwned + Send>(
    tree: &Tree,
    shapes: &Shapes,
    declared: &(dyn Fn(&str) -> bool + Sync),
    findings: &mut Findings,
) -> (Option<T>, Vec<bool>) {
    let early = || are_there().then(|| decode(tree, &vec![false; tree.nodes.len()]).ok()).flatten();
    let (early, bad) = both(early, || walk(tree, shapes, declared, findings));
    let root = tree.root.filter(|root| bad.get(root.index()) == Some(&false));
    let Some(root) = root else { return (None, bad) };
    let early = early.filter(|_| !bad.contains(&true));
    let read = early.map_or_else(|| decode(tree, &bad), Ok).map_err(|error| {
        let message = format!("the file cannot be read: {}", escape(&error.0));
        findings.add(Diagnostic::new(&code::UNEXPECTED, tree.head(root), message));
    });
    (read.ok(), bad)
}
