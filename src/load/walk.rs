//! A tree held against the shapes of the schema: every value that does not fit is told.

use super::shape::{Kinds, Shape, ShapeId, Shapes};
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
    let mut walker =
        Walker { tree, shapes, declared, findings, bad, path: Vec::new(), outer: vec![] };
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
    /// The keys and items that lead to the node.
    path: Vec<Step>,
    /// The mappings around the node, to say where a misplaced key belongs.
    outer: Vec<ShapeId>,
}

enum Step {
    Key(NodeId),
    Item(NodeId, usize),
}

impl<'w> Walker<'w> {
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
        self.add(&code::WRONG_KIND, self.tree.head(id), message, like(shape));
        false
    }

    /// "a list here in `services.web`, " for the beginning of a message.
    fn subject(&self, found: &str) -> String {
        let path = self.path();
        if path.is_empty() { format!("{found}, ") } else { format!("{found} in `{path}`, ") }
    }

    fn list(&mut self, id: NodeId, items: &[NodeId], shape: &Shape) -> bool {
        if items.len() < shape.items_min && !self.tree.truncated {
            let message =
                format!("{}at least {} expected", self.subject("an empty list"), shape.items_min);
            self.add(&code::OUT_OF_RANGE, self.tree.head(id), message, like(shape));
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
        let mut given: Vec<(&str, Span)> = Vec::with_capacity(entries.len());
        self.outer.push(shape_id);
        for entry in entries {
            let Some(key) = self.tree.scalar_text(entry.key) else { continue };
            match shape.keys.get(key) {
                Some((value, alias)) => {
                    let name = alias.as_deref().unwrap_or(key);
                    if self.is_second(name, key, entry.key, &given) {
                        self.mark(entry.value);
                        continue;
                    }
                    given.push((name, self.tree.span(entry.key)));
                    self.value(entry, *value);
                }
                None => self.other(entry, key, shape),
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
    fn is_second(&mut self, name: &str, key: &str, node: NodeId, given: &[(&str, Span)]) -> bool {
        let Some((_, first)) = given.iter().find(|(other, _)| *other == name) else { return false };
        let message = format!("`{key}` says the same as a key above it");
        let diagnostic = Diagnostic::new(&text::DUPLICATE_KEY, self.tree.span(node), message)
            .label(*first, "given first here")
            .help("keep one of the two");
        self.findings.add(diagnostic);
        true
    }

    fn value(&mut self, entry: &Entry, shape: ShapeId) {
        let nullable = self.shapes.get(shape).is_some_and(|shape| shape.kinds.meets(Kinds::NULL));
        if nullable && self.tree.is_null(entry.value) {
            return;
        }
        self.path.push(Step::Key(entry.key));
        self.node(entry.value, shape);
        self.path.pop();
    }

    /// A key that the shape does not know by name.
    fn other(&mut self, entry: &Entry, key: &str, shape: &Shape) {
        if shape.closed && key.starts_with("x-") {
            return;
        }
        if let Some(value) = shape.other_keys {
            return self.value(entry, value);
        }
        if !shape.closed {
            return;
        }
        self.mark(entry.value);
        let place = self.path();
        let place = if place.is_empty() { String::new() } else { format!(" in `{place}`") };
        let message = format!("unknown key `{}`{place}", escape(key));
        let help = self.unknown_key_help(key, shape);
        self.add(&code::UNKNOWN_KEY, self.tree.span(entry.key), message, help);
    }

    fn unknown_key_help(&self, key: &str, shape: &Shape) -> Option<String> {
        let section = shape.keys.iter().find(|(_, (inner, _))| {
            self.shapes.get(*inner).is_some_and(|inner| inner.keys.contains_key(key))
        });
        if let Some((name, _)) = section {
            return Some(format!("put it under `{name}`"));
        }
        if let Some(near) = nearest(key, shape.keys.keys().map(AsRef::as_ref)) {
            return Some(format!("did you mean `{near}`?"));
        }
        let mut around = self.outer.iter().rev().skip(1).filter_map(|id| self.shapes.get(*id));
        if around.any(|outer| outer.keys.contains_key(key)) {
            return Some("it belongs further out: indent it less".to_owned());
        }
        match shape.keys.len() {
            0..=12 => {
                let known = shape.keys.iter().filter(|(_, (_, alias))| alias.is_none());
                let known: Vec<String> = known.map(|(name, _)| format!("`{name}`")).collect();
                Some(format!("known here: {}", known.join(", ")))
            }
            _ => None,
        }
    }

    fn missing(&mut self, id: NodeId, given: &[(&str, Span)], shape: &Shape) -> bool {
        if self.tree.truncated {
            return true;
        }
        let has = |name: &str| given.iter().any(|(key, _)| *key == name);
        let missing: Vec<&Box<str>> = shape.required.iter().filter(|name| !has(name)).collect();
        for name in &missing {
            let path = self.path();
            let message = format!("`{path}` has no `{name}`");
            self.add(
                &code::MISSING_KEY,
                self.tree.head(id),
                message,
                Some(format!("add `{name}:`")),
            );
        }
        missing.is_empty()
    }

    fn scalar(&mut self, id: NodeId, scalar: &Scalar, shape: &Shape) -> bool {
        let text = self.tree.read(&scalar.text);
        let kinds = kind_of(text, scalar.style);
        if scalar.style == Style::Secret {
            return shape.secret || self.misplaced_secret(id, text);
        }
        if let Some(c) = text.chars().find(|c| *c == '\0' || ('\u{80}'..='\u{9f}').contains(c)) {
            let message =
                format!("the control character `{}`, no value can hold it", escape(&c.to_string()));
            self.add(&code::CONTROL_CHARACTER, self.tree.span(id), message, None);
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
            let message = format!("variable `{name}` is not set and has no default");
            let help = format!("set it, or write `${{{name}:-default}}`");
            let diagnostic = Diagnostic::new(&text::VARIABLE_UNSET, span, message).help(help);
            self.findings.add(diagnostic.severity(crate::report::Severity::Error));
        }
        false
    }

    fn wrong_scalar(&mut self, id: NodeId, text: &str, kinds: Kinds, shape: &Shape) {
        let span = self.tree.span(id);
        let shown = escape(text);
        if let Some(form) = shape.form
            && kinds != Kinds::NULL
            && let Err(error) = (form.check)(text)
        {
            return self.add(form.code, span, error.message, error.help);
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
            _ => format!("`{}`", excerpt(text)),
        };
        let path = self.path();
        let message = format!("{found} in `{path}`, {} is expected", shape.kinds.words());
        let quotes = shape.kinds.meets(Kinds::TEXT) && kinds != Kinds::NULL;
        let help = if quotes { Some(format!("write `\"{shown}\"`")) } else { like(shape) };
        self.add(&code::WRONG_KIND, span, message, help);
    }

    fn text(&mut self, id: NodeId, text: &str, shape: &Shape) -> bool {
        if let Some(form) = shape.form {
            let Err(error) = (form.check)(text) else { return true };
            let span = self.part(id, text, error.at.as_ref());
            self.add(form.code, span, error.message, error.help);
            return false;
        }
        if !shape.choices.is_empty() && !shape.choices.iter().any(|choice| **choice == *text) {
            self.not_a_choice(id, text, shape);
            return false;
        }
        if shape.assignment && !text.contains('=') {
            let message = format!("`{}` has no `=`", escape(text));
            let help = format!("write `{0}=value`, or `{0}=${{{0}}}` to pass it on", escape(text));
            self.add(&code::FORM, self.tree.span(id), message, Some(help));
            return false;
        }
        if shape.pattern.as_ref().is_some_and(|pattern| !pattern.is_match(text)) {
            let shown = excerpt(text);
            let message = format!("`{shown}` in `{}` is not of the right form", self.path());
            let form = shape.pattern.as_ref().map(|pattern| format!("it must match `{pattern}`"));
            self.add(&code::FORM, self.tree.span(id), message, form);
            return false;
        }
        if text.chars().count() < shape.length_min {
            let message = format!("an empty text in `{}`", self.path());
            self.add(&code::OUT_OF_RANGE, self.tree.span(id), message, like(shape));
            return false;
        }
        true
    }

    fn not_a_choice(&mut self, id: NodeId, text: &str, shape: &Shape) {
        let shown = excerpt(text);
        let words: Vec<String> = shape.choices.iter().map(|choice| format!("`{choice}`")).collect();
        let message = format!("`{shown}` is not known here, {} are", words.join(", "));
        let near = nearest(text, shape.choices.iter().map(AsRef::as_ref));
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
        let bounds = match (shape.min, shape.max) {
            (Some(min), Some(max)) => format!("{min} to {max} is"),
            (Some(min), None) => format!("{min} or more is"),
            (_, Some(max)) => format!("{max} or less is"),
            (None, None) => String::new(),
        };
        let message = format!("`{}` in `{}`, {bounds} expected", escape(text), self.path());
        self.add(&code::OUT_OF_RANGE, self.tree.span(id), message, None);
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
                Step::Item(item, place) => {
                    let name =
                        self.tree.get(*item, "name").and_then(|name| self.tree.scalar_text(name));
                    match name {
                        Some(name) => {
                            path.push('.');
                            path.push_str(&excerpt(name));
                        }
                        None => path.push_str(&format!("[{place}]")),
                    }
                }
            }
        }
        path
    }
}

/// An example of what a shape takes.
fn like(shape: &Shape) -> Option<String> {
    shape.example.as_ref().map(|example| format!("write it like `{example}`"))
}
