//! A tree held against the shapes of the schema: every value that does not fit is told.

use std::collections::BTreeMap;
use std::fmt::Write;

use regex_lite::Regex;

use super::advice;
use super::shape::{Key, Kinds, Shape, ShapeId, Shapes};
use super::tree::{Entry, NodeId, Scalar, Style, Tree, Value};
use super::words::{kind_of, plain_number, truth_value};
use crate::model::value::excerpt;
use crate::model::value::nearest::nearest;
use crate::report::code::{secrets, shape as code, text};
use crate::report::human::escape;
use crate::report::{Code, Diagnostic, Findings};
use crate::source::Span;

/// Checks the whole tree; returns which nodes must not be read any further.
pub fn walk(
    tree: &Tree,
    shapes: &Shapes,
    declared: &dyn Fn(&str) -> bool,
    findings: &mut Findings,
) -> Vec<bool> {
    let bad = vec![false; tree.nodes.len()];
    let (patterns, path, outer) = Default::default();
    let mut walker =
        Walker { tree, shapes, declared, findings, bad, patterns, path, outer, grown: 0 };
    if let Some(root) = tree.root {
        walker.node(root, shapes.root);
    }
    walker.bad
}

struct Walker<'w> {
    tree: &'w Tree,
    shapes: &'w Shapes,
    declared: &'w dyn Fn(&str) -> bool,
    findings: &'w mut Findings,
    bad: Vec<bool>,
    /// The patterns that were needed so far.
    patterns: BTreeMap<&'static str, Option<Regex>>,
    /// How long the texts are together that variables made.
    grown: usize,
    /// The keys and items that lead to the node.
    path: Vec<Step>,
    /// The mappings around the node, to say where a misplaced key belongs.
    outer: Vec<ShapeId>,
}

/// How long all texts that variables made may be together, each counted where an alias repeats it.
const GROWN_MAX: usize = 32 << 20;

/// Among how many keys of an item its name is looked for; a hostile one has a million of them.
const NAME_WITHIN: usize = 20;

/// A key under its first name, with what it was given as.
type Given<'k> = (&'k str, Entry);

enum Step {
    Key(NodeId),
    Item(NodeId, usize),
}

impl Walker<'_> {
    fn node(&mut self, id: NodeId, shape_id: ShapeId) {
        let shapes = self.shapes;
        let Some(shape) = shapes.get(shape_id) else { return };
        if shape.kinds == Kinds::ANY || shape.kinds == Kinds::default() {
            return;
        }
        let tree = self.tree;
        let good = match tree.value(id) {
            Value::Broken | Value::Alias(_) => false,
            Value::Map(entries) => {
                self.accepts(id, shape, Kinds::MAP) && self.map(id, entries, shape, shape_id)
            }
            Value::Seq(items) => {
                self.accepts(id, shape, Kinds::LIST) && self.list(id, items, shape)
            }
            Value::Scalar(scalar) => self.scalar(id, scalar, shape),
        };
        if !good && let Some(flag) = self.bad.get_mut(id.index()) {
            *flag = true;
        }
    }

    fn add(&mut self, code: &'static Code, span: Span, message: String, help: Option<String>) {
        self.findings.add(Diagnostic::new(code, span, message).maybe_help(help));
    }

    fn accepts(&mut self, id: NodeId, shape: &Shape, kind: Kinds) -> bool {
        if shape.kinds.meets(kind) {
            return true;
        }
        let message = format!(
            "{}{} is expected",
            self.subject(&format!("{} here", kind.words())),
            shape.kinds.words()
        );
        let help = advice::for_collection(shape, self.shapes, kind, self.first_word(id));
        self.add(&code::WRONG_KIND, self.tree.head(id), message, help);
        false
    }

    /// The first key of a mapping, or the first item of a list.
    fn first_word(&self, id: NodeId) -> Option<&str> {
        let entry = self.tree.entries(id).first().map(|entry| entry.key);
        self.tree.scalar_text(entry.or(self.tree.items(id).first().copied())?)
    }

    /// "a list here in `services.web`, " for the beginning of a message.
    fn subject(&self, found: &str) -> String {
        let path = self.path();
        if path.is_empty() { format!("{found}, ") } else { format!("{found} in `{path}`, ") }
    }

    fn list(&mut self, id: NodeId, items: &[NodeId], shape: &Shape) -> bool {
        if items.len() < shape.items_min && !self.tree.truncated {
            let message = self.subject("an empty list") + "at least one item is expected";
            self.add(&code::OUT_OF_RANGE, self.tree.head(id), message, advice::like(shape));
            return false;
        }
        if let Some(item_shape) = shape.items {
            for (place, item) in items.iter().enumerate() {
                self.path.push(Step::Item(*item, place));
                self.node(*item, item_shape);
                self.path.pop();
            }
        }
        true
    }

    fn map(&mut self, id: NodeId, entries: &[Entry], shape: &Shape, shape_id: ShapeId) -> bool {
        let mut given: Vec<Given<'_>> = Vec::with_capacity(entries.len());
        self.outer.push(shape_id);
        for entry in entries {
            let Some(key) = self.tree.scalar_text(entry.key) else { continue };
            match shape.key(key) {
                Some(known) => {
                    let name = known.second_name_of.unwrap_or(key);
                    if self.is_second(name, key, entry.key, &given) {
                        self.mark(entry.value);
                        continue;
                    }
                    given.push((name, *entry));
                    self.value(*entry, known.shape);
                }
                None => self.other(*entry, key, shape),
            }
        }
        self.outer.pop();
        self.missing(id, &given, shape)
    }

    fn mark(&mut self, id: NodeId) {
        if let Some(flag) = self.bad.get_mut(id.index()) {
            *flag = true;
        }
    }

    /// Whether a key was given already under its other name.
    fn is_second(&mut self, name: &str, key: &str, node: NodeId, given: &[Given<'_>]) -> bool {
        let Some((_, first)) = given.iter().find(|(other, _)| *other == name) else { return false };
        let above = excerpt(self.tree.scalar_text(first.key).unwrap_or(name));
        let first = self.tree.span(first.key);
        let message = format!("`{key}` says the same as `{above}` above it");
        let diagnostic = Diagnostic::new(&text::DUPLICATE_KEY, self.tree.span(node), message)
            .label(first, "given first here")
            .help("keep one of the two");
        self.findings.add(diagnostic);
        true
    }

    fn value(&mut self, entry: Entry, shape: ShapeId) {
        let nullable = self.shapes.get(shape).is_some_and(|shape| shape.kinds.meets(Kinds::NULL));
        if nullable && self.tree.is_null(entry.value) {
            return;
        }
        self.path.push(Step::Key(entry.key));
        self.node(entry.value, shape);
        self.path.pop();
    }

    /// A key that the shape does not know by name.
    fn other(&mut self, entry: Entry, key: &str, shape: &Shape) {
        if shape.closed && key.starts_with("x-") {
            return;
        }
        if let Some(value) = shape.other_keys {
            return match key.chars().find(|c| c.is_control()) {
                Some(c) => {
                    self.mark(entry.value);
                    self.control_character(entry.key, c, "no name can hold it");
                }
                None => self.value(entry, value),
            };
        }
        if !shape.closed {
            return;
        }
        self.mark(entry.value);
        let place = self.path();
        let place = if place.is_empty() { String::new() } else { format!(" in `{place}`") };
        let message = format!("unknown key `{}`{place}", escape(key));
        // A file can hold wrong keys by the hundred thousand, and looking for what each one may
        // mean is the costly part.
        let helps = !self.findings.is_full();
        let help = helps.then(|| self.unknown_key_help(key, shape));
        self.add(&code::UNKNOWN_KEY, self.tree.span(entry.key), message, help);
    }

    fn unknown_key_help(&self, key: &str, shape: &Shape) -> String {
        let inner = |outer: &Key| self.shapes.get(outer.shape);
        let has_key = |outer: &&Key| inner(outer).is_some_and(|inner| inner.key(key).is_some());
        if let Some(section) = shape.keys.iter().find(has_key) {
            return format!("put it under `{}`", section.name);
        }
        if let Some(near) = nearest(key, shape.keys.iter().map(|key| key.name)) {
            return format!("did you mean `{near}`?");
        }
        let mut near = shape.keys.iter().filter_map(|outer| {
            Some((outer.name, nearest(key, inner(outer)?.keys.iter().map(|key| key.name))?))
        });
        if let Some((section, near)) = near.next() {
            return format!("did you mean `{near}`, under `{section}`?");
        }
        let mut around = self.outer.iter().rev().skip(1).filter_map(|id| self.shapes.get(*id));
        if around.any(|outer| outer.key(key).is_some()) {
            return "it belongs further out: indent it less".to_owned();
        }
        match shape.keys.len() {
            0..=12 => {
                let known: Vec<String> =
                    shape.first_names().map(|name| format!("`{name}`")).collect();
                format!("known here: {}", known.join(", "))
            }
            _ => "take it away; a key of your own begins with `x-`".to_owned(),
        }
    }

    /// Tells keys that are missing; says whether all that are required can be read.
    fn missing(&mut self, id: NodeId, given: &[Given<'_>], shape: &Shape) -> bool {
        let mut whole = true;
        for name in shape.required {
            let found = given.iter().find(|(key, _)| key == name).map(|(_, entry)| entry.value);
            let is_bad = |id: NodeId| self.bad.get(id.index()).copied().unwrap_or(true);
            whole &= found.is_some_and(|value| !is_bad(value));
            if found.is_none() && !self.tree.truncated {
                let message = format!("`{}` has no `{name}`", self.path());
                let help = Some(format!("add `{name}:`"));
                self.add(&code::MISSING_KEY, self.tree.head(id), message, help);
            }
        }
        whole
    }

    fn control_character(&mut self, id: NodeId, c: char, why: &str) {
        let message = format!("the control character `{}`, {why}", escape(&c.to_string()));
        let help = Some("take it out".to_owned());
        self.add(&code::CONTROL_CHARACTER, self.tree.span(id), message, help);
    }

    /// Whether a text that variables made may be read once more: aliases repeat what was weighed
    /// before it had grown.
    fn has_room(&mut self, id: NodeId, text: &str) -> bool {
        let before = self.grown;
        self.grown = before.saturating_add(text.len());
        if before <= GROWN_MAX && self.grown > GROWN_MAX {
            let message = format!("variables and aliases make texts of {GROWN_MAX} bytes and more");
            let help = Some("repeat smaller values".to_owned());
            self.add(&text::TOO_MANY_VALUES, self.tree.span(id), message, help);
        }
        self.grown <= GROWN_MAX
    }

    fn scalar(&mut self, id: NodeId, scalar: &Scalar, shape: &Shape) -> bool {
        let text = self.tree.read(&scalar.text);
        if scalar.style == Style::Secret {
            return shape.secret || self.misplaced_secret(id, text);
        }
        if scalar.style == Style::Expanded && !self.has_room(id, text) {
            return false;
        }
        let kinds = kind_of(text, scalar.style);
        if let Some(c) = text.chars().find(|c| *c == '\0' || ('\u{80}'..='\u{9f}').contains(c)) {
            self.control_character(id, c, "no value can hold it");
            return false;
        }
        // A form reads numbers from their text, so `0440` and `017` are no riddles to it.
        let formed =
            shape.form.is_some() && kinds.meets(Kinds::NUMBER) && shape.kinds.meets(Kinds::INT);
        if !formed && !shape.kinds.meets(kinds) {
            self.wrong_scalar(id, text, kinds, shape);
            return false;
        }
        if kinds == Kinds::NULL {
            return true;
        }
        self.text(id, text, shape) && self.number(id, text, shape)
    }

    fn misplaced_secret(&mut self, id: NodeId, name: &str) -> bool {
        let span = self.tree.span(id);
        if (self.declared)(name) {
            let message =
                format!("secret `{name}` in `{}`, it would be written to a file", self.path());
            let help = "give a secret to a variable, or mount it as a file under `secrets`";
            self.add(&secrets::SECRET_IN_TEXT, span, message, Some(help.into()));
        } else {
            let message = format!("`{name}` is not set, and no secret can stand here");
            let help = format!("set it, or write `${{{name}:-default}}`");
            self.add(&code::SECRET_MISPLACED, span, message, Some(help));
        }
        false
    }

    fn wrong_scalar(&mut self, id: NodeId, text: &str, kinds: Kinds, shape: &Shape) {
        let span = self.tree.span(id);
        let shown = excerpt(text);
        if let Some(form) = shape.form
            && kinds != Kinds::NULL
            && let Err(error) = (form.check)(text)
        {
            let span = self.part(id, text, error.at.as_ref());
            return self.add(form.code, span, error.message, error.help);
        }
        let path = self.path();
        let wanted = shape.kinds.words();
        if kinds == Kinds::TEXT && advice::is_quoted_in_vain(shape, text) {
            let message = format!("a text in `{path}`, {wanted} is expected");
            let help = format!("write `{shown}` without quotes");
            return self.add(&code::WRONG_KIND, span, message, Some(help));
        }
        if shape.kinds.meets(Kinds::BOOL)
            && let Some(value) = truth_value(text)
        {
            let message = format!("`{shown}` is a text in YAML 1.2, `true` or `false` is expected");
            return self.add(&code::AMBIGUOUS, span, message, Some(format!("write `{value}`")));
        }
        if shape.kinds.meets(Kinds::INT)
            && let Some(number) = plain_number(text)
        {
            let message = format!("`{shown}` is read differently by other YAML readers");
            return self.add(&code::AMBIGUOUS, span, message, Some(format!("write `{number}`")));
        }
        let found = match kinds {
            Kinds::NULL => "nothing".to_owned(),
            _ => format!("`{shown}`"),
        };
        let message = format!("{found} in `{path}`, {wanted} is expected");
        let help = advice::for_scalar(shape, self.shapes, text, kinds);
        self.add(&code::WRONG_KIND, span, message, help);
    }

    fn text(&mut self, id: NodeId, text: &str, shape: &Shape) -> bool {
        if let Some(form) = shape.form {
            let Err(error) = (form.check)(text) else { return true };
            let span = self.part(id, text, error.at.as_ref());
            self.add(form.code, span, error.message, error.help);
            return false;
        }
        if !shape.choices.is_empty() && !shape.choices.contains(&text) {
            self.not_a_choice(id, text, shape);
            return false;
        }
        if shape.assignment && !text.contains('=') {
            let message = format!("`{}` has no `=`", escape(text));
            let help = format!("write `{0}=value`, or `{0}=${{{0}}}` to pass it on", escape(text));
            self.add(&code::FORM, self.tree.span(id), message, Some(help));
            return false;
        }
        if shape.pattern.is_some_and(|pattern| !self.matches(pattern, text)) {
            let shown = excerpt(text);
            let message = format!("`{shown}` in `{}` is not of the right form", self.path());
            self.add(&code::FORM, self.tree.span(id), message, advice::for_form(shape));
            return false;
        }
        if text.chars().count() < shape.length_min {
            let message = format!("an empty text in `{}`", self.path());
            self.add(&code::OUT_OF_RANGE, self.tree.span(id), message, advice::like(shape));
            return false;
        }
        true
    }

    /// Whether a text matches a pattern of the schema, which a test has seen to be one.
    fn matches(&mut self, pattern: &'static str, text: &str) -> bool {
        let known = self.patterns.entry(pattern).or_insert_with(|| Regex::new(pattern).ok());
        known.as_ref().is_none_or(|known| known.is_match(text))
    }

    fn not_a_choice(&mut self, id: NodeId, text: &str, shape: &Shape) {
        let shown = excerpt(text);
        let words: Vec<String> = shape.choices.iter().map(|choice| format!("`{choice}`")).collect();
        let message = format!("`{shown}` is not known here, {} are", words.join(", "));
        let near = nearest(text, shape.choices.iter().copied());
        let help = near.map(|near| format!("did you mean `{near}`?"));
        self.add(&code::NOT_A_CHOICE, self.tree.span(id), message, help);
    }

    fn number(&mut self, id: NodeId, text: &str, shape: &Shape) -> bool {
        if shape.form.is_some() || (shape.min.is_none() && shape.max.is_none()) {
            return true;
        }
        let Ok(number) = text.parse::<f64>() else { return true };
        let low = shape.min.is_some_and(|min| number < min);
        let high = shape.max.is_some_and(|max| number > max);
        if !low && !high {
            return true;
        }
        let message = match (low, shape.min, shape.max) {
            (true, Some(min), _) => {
                format!("`{}` in `{}` is below {min}", escape(text), self.path())
            }
            (_, _, Some(max)) => format!("`{}` in `{}` is above {max}", escape(text), self.path()),
            _ => String::new(),
        };
        self.add(&code::OUT_OF_RANGE, self.tree.span(id), message, advice::for_bounds(shape));
        false
    }

    /// The guilty part of a text, where the text stands in the file as it is.
    fn part(&self, id: NodeId, text: &str, range: Option<&std::ops::Range<usize>>) -> Span {
        let span = self.tree.span(id);
        let Some(range) = range else { return span };
        let written = self.tree.source.slice(span);
        let quotes = usize::from(written.starts_with(['"', '\'']));
        let as_is = written.get(quotes..quotes + text.len()) == Some(text);
        let is_own = span.source == self.tree.id;
        if !as_is || !is_own || range.is_empty() {
            return span;
        }
        span.part(&(range.start + quotes..range.end + quotes))
    }

    /// The name of an item, for its path; looked for where people write it, among its first keys.
    fn item_name(&self, item: NodeId) -> Option<&str> {
        let mut first = self.tree.entries(item).iter().take(NAME_WITHIN);
        let name = first.find(|entry| self.tree.scalar_text(entry.key) == Some("name"))?;
        self.tree.scalar_text(name.value).filter(|_| !self.tree.is_null(name.value))
    }

    /// Where the node stands, as `services.web.configuration.ports[0]`.
    fn path(&self) -> String {
        let mut path = String::new();
        for step in &self.path {
            match step {
                Step::Key(key) => {
                    let dot = if path.is_empty() { "" } else { "." };
                    path.push_str(dot);
                    path.push_str(&excerpt(self.tree.scalar_text(*key).unwrap_or("?")));
                }
                Step::Item(item, place) => match self.item_name(*item) {
                    Some(name) => {
                        path.push('.');
                        path.push_str(&excerpt(name));
                    }
                    None => {
                        let _infallible = write!(path, "[{place}]");
                    }
                },
            }
        }
        path
    }
}
