//! What was left out of a stack because it is wrong, so that nobody says that it is missing.

use std::collections::BTreeSet;

use super::tree::{Entry, Tree, Value};
use crate::model::Stack;

/// The sections that were left out, as `networks`, and what was left out of them, as
/// `networks.front`.
pub fn names(tree: &Tree, bad: &[bool]) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let Some(root) = tree.root.filter(|_| bad.contains(&true)) else { return names };
    let is_bad = |entry: &&Entry| bad.get(entry.value.index()).copied().unwrap_or(true);
    let key = |entry: &Entry| match tree.scalar_text(entry.key).unwrap_or("") {
        "configs" => "files".to_owned(),
        key => key.to_owned(),
    };
    for section in tree.entries(root) {
        if is_bad(&section) {
            names.insert(key(section));
        }
        let inner = tree.entries(section.value).iter().filter(is_bad);
        names.extend(inner.map(|inner| format!("{}.{}", key(section), key(inner))));
    }
    names
}

/// Whether a service was left out, so that its name is no longer known.
pub fn has_service(tree: &Tree, stack: &Stack) -> bool {
    let given = tree.root.and_then(|root| tree.get(root, "services"));
    given.is_some_and(|id| match tree.value(id) {
        Value::Seq(items) => items.len() > stack.services.iter().len(),
        _ => !tree.is_null(id),
    })
}
