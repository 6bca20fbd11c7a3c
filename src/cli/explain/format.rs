//! The reference of the stack file as a page, made from its schema.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write;

use serde_json::{Map, Value};

use crate::model::schema;

/// How the page begins.
const HEAD: &str = "\
# The stack file, key by key

Every key that a stack file can have, where it stands. All of them may be left out but those marked
*must be given*. `NAME` is a name of yours, and `[]` one of a list. A single value may hold
variables, such as `${NAME:-text}`. Keys that begin with `x-` are yours.
`stackwright explain format` shows the same.
";

type Object = Map<String, Value>;

/// The page of all keys.
pub fn page() -> String {
    let schema = schema::stack();
    let Some(root) = schema.as_object() else { return String::new() };
    let mut walk = Walk { definitions: root.get("$defs"), ..Walk::default() };
    walk.open.push_back((String::new(), root));
    let mut page = String::from(HEAD);
    while let Some((path, object)) = walk.open.pop_front() {
        page += &walk.section(&path, object);
    }
    page
}

/// The walk over all sections, each told where it is met first.
#[derive(Default)]
struct Walk<'s> {
    definitions: Option<&'s Value>,
    /// The places of definitions that have keys of their own.
    places: BTreeMap<&'s str, String>,
    open: VecDeque<(String, &'s Object)>,
}

impl<'s> Walk<'s> {
    /// The keys of one section as a table.
    fn section(&mut self, path: &str, object: &'s Object) -> String {
        let mut text = match path {
            "" => String::new(),
            path => format!("\n## `{path}`\n\n{}\n", description(object)),
        };
        text += "\n| key | what it says | its value |\n|---|---|---|\n";
        let Some(keys) = object.get("properties").and_then(Value::as_object) else { return text };
        let required = object.get("required").map(words).unwrap_or_default();
        let seconds: Vec<&str> = keys.values().flat_map(|key| second_names(key)).collect();
        for (name, key) in keys.iter().filter(|(name, _)| !seconds.contains(&name.as_str())) {
            let Some(key) = key.as_object() else { continue };
            let here = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            let also: Vec<String> =
                key.get("x-alias").map(words).unwrap_or_default().iter().map(code).collect();
            let also = match also.is_empty() {
                true => String::new(),
                false => format!(", also {}", also.join(", ")),
            };
            let must = if required.contains(&name.as_str()) { "; *must be given*" } else { "" };
            let value = self.value(&here, key);
            let what = description(key).replace('|', "\\|").replace('\n', " ");
            let _infallible = writeln!(text, "| `{name}`{also} | {what} | {value}{must} |");
        }
        text
    }

    /// What may stand behind a key.
    fn value(&mut self, path: &str, schema: &'s Object) -> String {
        if let Some(name) = schema.get("$ref").and_then(Value::as_str) {
            return self.definition(path, name.trim_start_matches("#/$defs/"));
        }
        if let Some(forms) = choices(schema) {
            return forms;
        }
        if let Some(Value::Array(forms)) = schema.get("anyOf") {
            let forms = forms.iter().filter_map(Value::as_object);
            let forms = forms.filter(|form| form.get("type").is_none_or(|kind| kind != "null"));
            let forms: Vec<String> = forms.map(|form| self.value(path, form)).collect();
            return joined(forms);
        }
        self.kinds(path, schema)
    }

    /// A definition: a link to its section where it has one.
    fn definition(&mut self, path: &str, name: &str) -> String {
        let found = self.definitions.and_then(|all| all.as_object()?.get_key_value(name));
        let Some((name, Value::Object(object))) = found else { return String::new() };
        if !object.contains_key("properties") {
            return self.value(path, object);
        }
        if !self.places.contains_key(name.as_str()) {
            self.places.insert(name, path.to_owned());
            self.open.push_back((path.to_owned(), object));
        }
        let place = self.places.get(name.as_str()).map_or(path, String::as_str);
        let is_kept = |c: &char| c.is_ascii_alphanumeric() || ['_', '-'].contains(c);
        let anchor: String = place.to_lowercase().chars().filter(is_kept).collect();
        format!("[keys](#{anchor})")
    }

    /// What the types of a schema allow.
    fn kinds(&mut self, path: &str, schema: &'s Object) -> String {
        let kinds = schema.get("type").map(words).unwrap_or_default();
        let mut forms: Vec<String> = Vec::new();
        if let Some(text) = scalar(schema, &kinds) {
            forms.push(text);
        }
        if kinds.contains(&"array") {
            let items = schema.get("items").and_then(Value::as_object);
            let items = items.map(|items| self.value(&format!("{path}[]"), items));
            let items = items.filter(|items| !items.is_empty());
            forms.push(items.map_or("list".to_owned(), |items| format!("list of {items}")));
        }
        if kinds.contains(&"object") {
            let values = schema.get("additionalProperties").and_then(Value::as_object);
            let values = values.map(|values| self.value(&format!("{path}.NAME"), values));
            let values = values.filter(|values| !values.is_empty());
            forms.push(
                values.map_or("keys of yours".to_owned(), |values| {
                    format!("names, each with {values}")
                }),
            );
        }
        joined(forms)
    }
}

/// A single value: its form with an example, or its plain type with its bounds.
fn scalar(schema: &Object, kinds: &[&str]) -> Option<String> {
    let has = |kind: &str| kinds.contains(&kind);
    let text = match schema.get("format").and_then(Value::as_str) {
        Some(form) if !form.starts_with("uint") && !form.starts_with("int") => form.to_owned(),
        // A text may stand for a number or a truth value too, where it is a variable.
        _ if has("boolean") && !has("number") => "`true` or `false`".to_owned(),
        _ if (has("integer") || has("number")) && !has("boolean") => "number".to_owned(),
        _ if has("string") => "text".to_owned(),
        _ => return None,
    };
    let bound = |name: &str| schema.get(name).map(ToString::to_string);
    let bounds = match (bound("minimum"), bound("maximum")) {
        (Some(least), Some(most)) if least != most => format!(" from {least} to {most}"),
        (Some(least), None) => format!(" from {least} on"),
        _ => String::new(),
    };
    let example = schema.get("examples").and_then(|all| all.get(0));
    let example = example.map(|one| one.as_str().map_or(one.to_string(), str::to_owned));
    let example = example.map(|one| format!(", such as {}", code(&one))).unwrap_or_default();
    Some(format!("{text}{bounds}{example}"))
}

/// The words that a value can be, each with what it means.
fn choices(schema: &Object) -> Option<String> {
    if let Some(plain) = schema.get("enum") {
        let plain: Vec<String> = words(plain).iter().map(code).collect();
        return (!plain.is_empty()).then(|| plain.join(", "));
    }
    let Some(Value::Array(forms)) = schema.get("oneOf") else { return None };
    let word = |form: &Value| {
        let first = || form.get("enum").and_then(|words| words.get(0));
        let word = form.get("const").or_else(first)?.as_str()?;
        let what = form.get("description").and_then(Value::as_str).unwrap_or_default();
        let what = what.trim_end_matches('.').replace('|', "\\|").replace('\n', " ");
        Some(match what.is_empty() {
            true => code(word),
            false => format!("{} ({what})", code(word)),
        })
    };
    let words: Vec<String> = forms.iter().filter_map(word).collect();
    (!words.is_empty()).then(|| words.join(", "))
}

fn description(schema: &Object) -> &str {
    schema.get("description").and_then(Value::as_str).unwrap_or_default()
}

fn second_names(key: &Value) -> Vec<&str> {
    key.get("x-alias").map(words).unwrap_or_default()
}

/// One word, or a list of words.
fn words(value: &Value) -> Vec<&str> {
    match value {
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
        one => one.as_str().into_iter().collect(),
    }
}

fn code(text: impl AsRef<str>) -> String {
    format!("`{}`", text.as_ref().replace('|', "\\|"))
}

fn joined(mut forms: Vec<String>) -> String {
    forms.retain(|form| !form.is_empty());
    forms.dedup();
    forms.join(" or ")
}
