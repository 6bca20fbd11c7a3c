//! The values of labels, and labels as the nested configuration that a file would have.

use std::collections::BTreeMap;

use super::keys::{Known, Step, check};
use super::table::Kind;

/// A configuration as a file would have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tree {
    /// Settings or named things.
    Map(BTreeMap<String, Tree>),
    /// One after the other.
    List(Vec<Tree>),
    /// A text.
    Text(String),
    /// A whole number.
    Number(i64),
    /// A truth value.
    Bool(bool),
}

/// A setting on the way to a [`Tree`]; the key of a child has its case and its place in order.
#[derive(Debug, Default)]
struct Branch {
    value: Option<Tree>,
    off: bool,
    list: bool,
    children: BTreeMap<String, (String, Branch)>,
}

/// The labels as a file would have them; what Traefik does not know is left out.
pub fn decode<'a>(labels: impl IntoIterator<Item = (&'a str, &'a str)>) -> Tree {
    // Traefik reads them in this order, and the first spelling of a name stands.
    let mut labels: Vec<_> = labels.into_iter().collect();
    labels.sort_unstable();
    let mut root = Branch::default();
    for (key, value) in labels {
        if let Some(known) = check(key).ok().filter(Known::is_routing) {
            root.put(&known, value);
        }
    }
    root.finish().unwrap_or_else(|| Tree::Map(BTreeMap::new()))
}

impl Branch {
    fn put(&mut self, known: &Known, value: &str) {
        let mut branch = self;
        for step in &known.steps {
            let (key, spelling) = match step {
                Step::Field(name) => ((*name).to_owned(), *name),
                Step::Name(name) => (name.to_ascii_lowercase(), *name),
                Step::Index(index) => (format!("{index:010}"), ""),
            };
            branch.list |= matches!(step, Step::Index(_));
            let fresh = || (spelling.to_owned(), Self::default());
            branch = &mut branch.children.entry(key).or_insert_with(fresh).1;
        }
        match known.kind {
            Kind::Switch => branch.off = is_off(value),
            kind => branch.value = leaf(kind, value),
        }
        // An empty list says nothing, and a switch is a map even with nothing below.
        branch.off |= known.kind != Kind::Switch && branch.value.is_none();
    }

    fn finish(self) -> Option<Tree> {
        if self.off {
            return None;
        }
        if self.value.is_some() && self.children.is_empty() {
            return self.value;
        }
        let children = self.children.into_values();
        let children = children.filter_map(|(name, child)| Some((name, child.finish()?)));
        if self.list {
            return Some(Tree::List(children.map(|(_, child)| child).collect()));
        }
        Some(Tree::Map(children.collect()))
    }
}

/// The value in a file; what is not of its kind stays text.
fn leaf(kind: Kind, value: &str) -> Option<Tree> {
    let text = || Tree::Text(value.to_owned());
    Some(match kind {
        Kind::Bool => truth(value).map_or_else(text, Tree::Bool),
        Kind::Number => value.parse().map_or_else(|_| text(), Tree::Number),
        Kind::List if value.is_empty() => return None,
        Kind::List => {
            Tree::List(value.split(',').map(|item| Tree::Text(item.trim().to_owned())).collect())
        }
        Kind::Text | Kind::Port | Kind::Duration | Kind::Switch | Kind::Free => text(),
    })
}

/// Whether labels keep their container from Traefik.
pub fn is_hidden<'a>(mut labels: impl Iterator<Item = (&'a str, &'a str)>) -> bool {
    labels.any(|(key, value)| {
        let name = key.strip_prefix("traefik.").unwrap_or_default();
        name.eq_ignore_ascii_case("enable") && truth(value) == Some(false)
    })
}

/// Whether a value takes away what it stands at, with all that is below.
fn is_off(value: &str) -> bool {
    !value.is_empty() && !value.eq_ignore_ascii_case("true")
}

/// Whether a value is what its key wants; else what is found and what is expected.
pub fn check_value(known: &Known, value: &str) -> Result<(), String> {
    let expected = match known.kind {
        Kind::Bool if truth(value).is_none() => "`true` or `false`",
        Kind::Number if value.parse::<i64>().is_err() => "a whole number",
        Kind::Port if !value.parse::<u16>().is_ok_and(|port| port > 0) => "a port from 1 to 65535",
        Kind::Duration if !is_duration(value) => "a time such as `30s` or `1m30s`",
        Kind::Switch if is_off(value) && !value.eq_ignore_ascii_case("false") => {
            "`true`, or `false` to turn it off"
        }
        Kind::List if value.split(',').any(|item| item.trim().is_empty()) => {
            // What else is in the list may be a secret.
            let found = if value.trim().is_empty() { "nothing" } else { "an empty item" };
            return Err(format!("found {found}, expected texts with commas between them"));
        }
        _ => return Ok(()),
    };
    Err(format!("found {}, expected {expected}", quoted(value)))
}

fn quoted(value: &str) -> String {
    const MOST: usize = 40;
    let mut shown: String = value.chars().take(MOST).flat_map(char::escape_debug).collect();
    match shown.len() {
        0 => return "nothing".to_owned(),
        _ if value.chars().nth(MOST).is_some() => shown.push('…'),
        _ => {}
    }
    format!("`{shown}`")
}

/// A truth value as Go reads it.
fn truth(value: &str) -> Option<bool> {
    match value {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Some(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Some(false),
        _ => None,
    }
}

/// Whether Go reads a time here, or Traefik a number of seconds.
fn is_duration(value: &str) -> bool {
    if value.parse::<i64>().is_ok() {
        return true;
    }
    let mut rest = value.strip_prefix(['-', '+']).unwrap_or(value);
    if rest.is_empty() {
        return false;
    }
    while !rest.is_empty() {
        let unit = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
        let number = rest.strip_suffix(unit).unwrap_or_default();
        if number.parse::<f64>().is_err() {
            return false;
        }
        let units = ["ns", "us", "µs", "μs", "ms", "s", "m", "h"];
        let Some(behind) = units.iter().find_map(|name| unit.strip_prefix(name)) else {
            return false;
        };
        rest = behind;
    }
    true
}
