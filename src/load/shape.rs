//! The JSON schema as a table that a tree can be checked against quickly.

use std::collections::BTreeMap;

use regex_lite::Regex;
use serde_json::Value;

use crate::model::form::{FORMS, Form, own_pattern};
use crate::model::schema::VARIABLE;

/// A shape in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ShapeId(u32);

/// The kinds of values that a shape takes, one bit each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Kinds(u8);

impl Kinds {
    /// Nothing.
    pub const NULL: Self = Self(1);
    /// A truth value.
    pub const BOOL: Self = Self(2);
    /// A whole number.
    pub const INT: Self = Self(4);
    /// Any number.
    pub const NUMBER: Self = Self(8);
    /// A text.
    pub const TEXT: Self = Self(16);
    /// A list.
    pub const LIST: Self = Self(32);
    /// A mapping.
    pub const MAP: Self = Self(64);
    /// Any kind at all.
    pub const ANY: Self = Self(127);

    /// Both sets together.
    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether the sets have a kind in common.
    pub fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// The words for the kinds, as in "a text or a list".
    pub fn words(self) -> String {
        let names = [
            (Self::BOOL, "`true` or `false`"),
            (Self::INT, "a whole number"),
            (Self::NUMBER, "a number"),
            (Self::TEXT, "a text"),
            (Self::LIST, "a list"),
            (Self::MAP, "a mapping"),
        ];
        let here = names.iter().filter(|(kind, _)| self.meets(*kind)).map(|(_, name)| *name);
        let mut here: Vec<&str> = here.collect();
        if self.meets(Self::INT) && self.meets(Self::NUMBER) {
            here.retain(|name| *name != "a whole number");
        }
        match here.split_last() {
            Some((last, [])) => (*last).to_owned(),
            Some((last, others)) => format!("{} or {last}", others.join(", ")),
            None => "nothing".to_owned(),
        }
    }
}

/// What a value at one place may be.
#[derive(Default)]
pub struct Shape {
    /// The kinds it takes.
    pub kinds: Kinds,
    /// The known keys of a mapping, each with its shape and the name it is a second name of.
    pub keys: BTreeMap<Box<str>, (ShapeId, Option<Box<str>>)>,
    /// The keys that must be given.
    pub required: Vec<Box<str>>,
    /// The shape of keys that the user chooses.
    pub other_keys: Option<ShapeId>,
    /// Whether keys that are not known are an error.
    pub closed: bool,
    /// The shape of the items of a list.
    pub items: Option<ShapeId>,
    /// How many items a list has at least.
    pub items_min: usize,
    /// How many characters a text has at least.
    pub length_min: usize,
    /// The words it takes; empty for any.
    pub choices: Vec<Box<str>>,
    /// The form that a text must have.
    pub form: Option<&'static Form>,
    /// Whether a secret may stand here.
    pub secret: bool,
    /// Whether a text is an assignment in a list.
    pub assignment: bool,
    /// The pattern that a text must match, where it has no form.
    pub pattern: Option<Regex>,
    /// The smallest number.
    pub min: Option<f64>,
    /// The largest number.
    pub max: Option<f64>,
    /// An example.
    pub example: Option<Box<str>>,
    /// What is wanted, in words, for a text that must match a pattern.
    pub wanted: Option<Box<str>>,
}

/// All shapes of a schema.
pub struct Shapes {
    list: Vec<Shape>,
    /// The shape of the whole file.
    pub root: ShapeId,
}

impl Shapes {
    /// Reads a schema; references, second names and unions are resolved once and for all.
    pub fn compile(schema: &Value) -> Self {
        let mut compiler = Compiler { schema, list: Vec::new(), known: BTreeMap::new() };
        let root = compiler.shape(schema);
        Self { list: compiler.list, root }
    }

    /// The shape with that identity.
    pub fn get(&self, id: ShapeId) -> Option<&Shape> {
        self.list.get(id.0 as usize)
    }
}

struct Compiler<'s> {
    schema: &'s Value,
    list: Vec<Shape>,
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
        self.list.push(Shape::default());
        if let Some(key) = reference {
            self.known.insert(key, id);
        }
        let mut shape = Shape::default();
        self.read(schema, &mut shape);
        if let Some(place) = self.list.get_mut(id.0 as usize) {
            *place = shape;
        }
        id
    }

    /// Adds to a shape what a schema says; unions differ in kind, so they add up.
    fn read(&mut self, schema: &'s Value, shape: &mut Shape) {
        if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
            let name = reference.rsplit('/').next().unwrap_or("");
            if let Some(target) = self.schema.get("$defs").and_then(|defs| defs.get(name)) {
                self.read(target, shape);
            }
        }
        for union in ["anyOf", "oneOf"] {
            let branches = schema.get(union).and_then(Value::as_array);
            for branch in branches.into_iter().flatten() {
                self.read(branch, shape);
            }
        }
        read_kinds(schema, shape);
        read_scalar(schema, shape);
        self.read_collections(schema, shape);
    }

    fn read_collections(&mut self, schema: &'s Value, shape: &mut Shape) {
        let properties = schema.get("properties").and_then(Value::as_object);
        for (name, property) in properties.into_iter().flatten() {
            let alias = property.get("x-alias-of").and_then(Value::as_str).map(Box::from);
            let id = self.shape(property);
            shape.keys.insert(name.as_str().into(), (id, alias));
        }
        shape.required.extend(required(schema));
        match schema.get("additionalProperties") {
            Some(Value::Bool(false)) => shape.closed = true,
            Some(other @ Value::Object(_)) => shape.other_keys = Some(self.shape(other)),
            _ => {}
        }
        if let Some(items) = schema.get("items") {
            let id = self.shape(items);
            shape.items = Some(id);
            // What is said of a list is said of its items.
            let item = self.list.get_mut(id.0 as usize);
            if let Some(item) = item.filter(|item| item.pattern.is_some()) {
                item.wanted = item.wanted.take().or_else(|| wanted(schema));
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
fn required(schema: &Value) -> Vec<Box<str>> {
    let first = |value: &Value| value.get("required")?.get(0)?.as_str().map(Box::from);
    let plain = schema.get("required").and_then(Value::as_array).into_iter().flatten();
    let either = schema.get("allOf").and_then(Value::as_array).into_iter().flatten();
    let either = either.filter_map(|choice| first(choice.get("anyOf")?.get(0)?));
    plain.filter_map(|name| name.as_str().map(Box::from)).chain(either).collect()
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

fn read_scalar(schema: &Value, shape: &mut Shape) {
    let choices = schema.get("enum").and_then(Value::as_array).into_iter().flatten();
    let choices = choices.chain(schema.get("const")).filter_map(Value::as_str);
    shape.choices.extend(choices.map(Box::from));
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
            Some(words) => shape.choices.extend(words.map(Box::from)),
            None => shape.pattern = Regex::new(pattern).ok(),
        }
        shape.wanted = wanted(schema).or(shape.wanted.take());
    }
    shape.min = schema.get("minimum").and_then(Value::as_f64).or(shape.min);
    shape.max = schema.get("maximum").and_then(Value::as_f64).or(shape.max);
    let length = schema.get("minLength").and_then(Value::as_u64).unwrap_or(0);
    shape.length_min = shape.length_min.max(usize::try_from(length).unwrap_or(0));
    let example = schema.get("examples").and_then(|examples| examples.get(0));
    if let Some(example) = example.and_then(Value::as_str) {
        shape.example = Some(example.into());
    }
}

/// The words of a pattern that is nothing but a choice between words.
fn words(pattern: &str) -> Option<impl Iterator<Item = &str>> {
    let inside = pattern.strip_prefix("^(")?.strip_suffix(")$")?;
    let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '|';
    inside.chars().all(is_word).then(|| inside.split('|'))
}

/// What is wanted, as the description of a schema says it.
fn wanted(schema: &Value) -> Option<Box<str>> {
    let description = schema.get("description")?.as_str()?;
    let first = description.split(". ").next()?.trim_end_matches('.');
    let mut rest = first.chars();
    let initial = rest.next()?.to_lowercase();
    Some(initial.chain(rest).collect::<String>().into())
}
