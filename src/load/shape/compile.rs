//! A schema read into shapes, once and for all.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Key, Kinds, Shape, ShapeId, Shapes};
use crate::model::form::{FORMS, own_pattern};
use crate::model::schema::VARIABLE;

impl Shapes {
    /// Reads a schema; references, second names and unions are resolved. The shapes stay for as
    /// long as the program runs.
    pub fn compile(schema: &Value) -> Self {
        let mut compiler = Compiler { schema, list: Vec::new(), known: BTreeMap::new() };
        let root = compiler.shape(schema);
        let list: Vec<Shape> = compiler.list.into_iter().map(Draft::finish).collect();
        Self { list: list.leak(), root }
    }
}

/// A shape while its lists grow.
struct Draft {
    shape: Shape,
    keys: BTreeMap<&'static str, Key>,
    required: Vec<&'static str>,
    choices: Vec<&'static str>,
}

impl Draft {
    fn new() -> Self {
        let (keys, required, choices) = Default::default();
        Self { shape: Shape::EMPTY, keys, required, choices }
    }

    fn finish(self) -> Shape {
        let keys: Vec<Key> = self.keys.into_values().collect();
        let (required, choices) = (self.required.leak(), self.choices.leak());
        Shape { keys: keys.leak(), required, choices, ..self.shape }
    }
}

fn kept(text: &str) -> &'static str {
    String::from(text).leak()
}

struct Compiler<'s> {
    schema: &'s Value,
    list: Vec<Draft>,
    /// Shapes of references, so that one that refers to itself comes to an end.
    known: BTreeMap<String, ShapeId>,
}

impl<'s> Compiler<'s> {
    fn shape(&mut self, schema: &'s Value) -> ShapeId {
        let reference = only_reference(schema).map(|(reference, _)| schema_key(schema, reference));
        if let Some(id) = reference.as_ref().and_then(|key| self.known.get(key)) {
            return *id;
        }
        let id = ShapeId(u32::try_from(self.list.len()).unwrap_or(u32::MAX));
        self.list.push(Draft::new());
        if let Some(key) = reference {
            self.known.insert(key, id);
        }
        let mut draft = Draft::new();
        self.read(schema, &mut draft);
        if let Some(place) = self.list.get_mut(id.0 as usize) {
            *place = draft;
        }
        id
    }

    /// Adds to a shape what a schema says; unions differ in kind, so they add up.
    fn read(&mut self, schema: &'s Value, draft: &mut Draft) {
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            let name = reference.rsplit('/').next().unwrap_or("");
            if let Some(target) = self.schema.get("$defs").and_then(|defs| defs.get(name)) {
                self.read(target, draft);
            }
        }
        for union in ["anyOf", "oneOf"] {
            let branches = schema.get(union).and_then(Value::as_array);
            for branch in branches.into_iter().flatten() {
                self.read(branch, draft);
            }
        }
        read_kinds(schema, &mut draft.shape);
        read_scalar(schema, draft);
        self.read_collections(schema, draft);
    }

    fn read_collections(&mut self, schema: &'s Value, draft: &mut Draft) {
        let properties = schema.get("properties").and_then(Value::as_object);
        for (name, property) in properties.into_iter().flatten() {
            let second_name_of = property.get("x-alias-of").and_then(Value::as_str).map(kept);
            let (name, shape) = (kept(name), self.shape(property));
            draft.keys.insert(name, Key { name, shape, second_name_of });
        }
        draft.required.extend(required(schema));
        let shape = &mut draft.shape;
        match schema.get("additionalProperties") {
            Some(Value::Bool(false)) => shape.closed = true,
            Some(other @ Value::Object(_)) => shape.other_keys = Some(self.shape(other)),
            _ => {}
        }
        if let Some(items) = schema.get("items") {
            let id = self.shape(items);
            shape.items = Some(id);
            // What is said of a list is said of its items.
            let item = self.list.get_mut(id.0 as usize).map(|draft| &mut draft.shape);
            if let Some(item) = item.filter(|item| item.pattern.is_some()) {
                item.wanted = item.wanted.or_else(|| wanted(schema));
            }
        }
        let count = schema.get("minItems").and_then(Value::as_u64).unwrap_or(0);
        shape.items_min = shape.items_min.max(usize::try_from(count).unwrap_or(0));
    }
}

/// The reference of a schema that is nothing but one, or one that may be left out.
fn only_reference(schema: &Value) -> Option<(&str, bool)> {
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        return Some((reference, false));
    }
    match schema.get("anyOf")?.as_array()?.as_slice() {
        [one, null] if null.get("type").and_then(Value::as_str) == Some("null") => {
            Some((one.get("$ref")?.as_str()?, true))
        }
        _ => None,
    }
}

/// Tells references with different company apart.
fn schema_key(schema: &Value, reference: &str) -> String {
    let optional = schema.get("anyOf").is_some();
    format!("{reference} {optional}")
}

/// The required keys, and those that may be given by a second name.
fn required(schema: &Value) -> Vec<&'static str> {
    let first = |value: &Value| value.get("required")?.get(0)?.as_str().map(kept);
    let plain = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    let either = schema.get("allOf").and_then(Value::as_array).into_iter().flatten();
    let either = either.filter_map(|choice| first(choice.get("anyOf")?.get(0)?));
    plain.filter_map(|name| name.as_str().map(kept)).chain(either).collect()
}

fn read_kinds(schema: &Value, shape: &mut Shape) {
    let kind = |name: &str| match name {
        "null" => Kinds::NULL,
        "boolean" => Kinds::BOOL,
        "integer" => Kinds::INT,
        "number" => Kinds::NUMBER.with(Kinds::INT),
        "string" => Kinds::TEXT,
        "array" => Kinds::LIST,
        "object" => Kinds::MAP,
        _ => Kinds::default(),
    };
    // A number that lets variables pass is a number: they are expanded by then.
    let variable = schema.get("pattern").and_then(Value::as_str) == Some(VARIABLE);
    match schema.get("type") {
        Some(Value::String(name)) => shape.kinds = shape.kinds.with(kind(name)),
        Some(Value::Array(names)) => {
            for name in names.iter().filter_map(Value::as_str) {
                if !(variable && name == "string") {
                    shape.kinds = shape.kinds.with(kind(name));
                }
            }
        }
        _ if schema == &Value::Bool(true) => shape.kinds = Kinds::ANY,
        _ => {}
    }
}

fn read_scalar(schema: &Value, draft: &mut Draft) {
    let shape = &mut draft.shape;
    let choices = schema.get("enum").and_then(Value::as_array).into_iter().flatten();
    let choices = choices.chain(schema.get("const")).filter_map(Value::as_str);
    draft.choices.extend(choices.map(kept));
    if schema.get("const").is_some() {
        shape.kinds = shape.kinds.with(Kinds::TEXT);
    }
    match schema.get("format").and_then(Value::as_str) {
        Some("text-or-secret") => shape.secret = true,
        Some("assignment") => shape.assignment = true,
        Some(format) => shape.form = FORMS.iter().find(|form| form.format == format).or(shape.form),
        None => {}
    }
    let pattern = schema.get("pattern").and_then(Value::as_str);
    if let Some(pattern) = pattern.filter(|pattern| *pattern != VARIABLE)
        && shape.form.is_none()
        && !shape.assignment
    {
        let pattern = own_pattern(pattern);
        match words(pattern) {
            Some(words) => draft.choices.extend(words.map(kept)),
            None => shape.pattern = Some(kept(pattern)),
        }
        shape.wanted = wanted(schema).or(shape.wanted);
    }
    shape.min = schema.get("minimum").and_then(Value::as_f64).or(shape.min);
    shape.max = schema.get("maximum").and_then(Value::as_f64).or(shape.max);
    let length = schema.get("minLength").and_then(Value::as_u64).unwrap_or(0);
    shape.length_min = shape.length_min.max(usize::try_from(length).unwrap_or(0));
    let example = schema.get("examples").and_then(|examples| examples.get(0));
    if let Some(example) = example.and_then(Value::as_str) {
        shape.example = Some(kept(example));
    }
}

/// The words of a pattern that is nothing but a choice between words.
fn words(pattern: &str) -> Option<impl Iterator<Item = &str>> {
    let inside = pattern.strip_prefix("^(")?.strip_suffix(")$")?;
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '|';
    inside.chars().all(is_word).then(|| inside.split('|'))
}

/// What is wanted, as the description of a schema says it.
fn wanted(schema: &Value) -> Option<&'static str> {
    let description = schema.get("description")?.as_str()?;
    let first = description.split(". ").next()?.trim_end_matches('.');
    let mut rest = first.chars();
    let initial = rest.next()?.to_lowercase();
    Some(initial.chain(rest).collect::<String>().leak())
}
