//! The JSON schema of the stack file, derived from the model and rounded off for editors.

use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use super::Stack;
use super::form::editor_pattern;

/// The pattern by which numbers and truth values let variables pass.
pub(crate) const VARIABLE: &str = "\\$";

/// The schema that editors read and that stack files are validated against.
pub fn stack() -> Schema {
    let mut schema = rounded::<Stack>();
    schema.insert("title".into(), json!("stackwright stack file"));
    schema
}

/// The schema of any type of ours, rounded off the same way.
pub fn rounded<T: JsonSchema>() -> Schema {
    let settings = SchemaSettings::draft2020_12().with_transform(RoundOff);
    settings.into_generator().into_root_schema_for::<T>()
}

/// Closes objects, adds second names, and lets variables stand for any single value.
#[derive(Debug, Clone)]
struct RoundOff;

impl Transform for RoundOff {
    fn transform(&mut self, schema: &mut Schema) {
        if let Some(object) = schema.as_object_mut() {
            close(object);
            required_is_given(object);
            second_names(object);
            let_variables_pass(object);
            let_variables_pass_choices(object);
            bound_numbers(object);
        }
        transform_subschemas(self, schema);
    }
}

/// An object with known keys takes no others, except those that begin with `x-`.
fn close(object: &mut Map<String, Value>) {
    if object.contains_key("properties") {
        object.insert("additionalProperties".into(), json!(false));
        object.insert("patternProperties".into(), json!({ "^x-": true }));
    }
}

/// A key that has a second name is listed under both.
fn second_names(object: &mut Map<String, Value>) {
    let Some(Value::Object(properties)) = object.get_mut("properties") else { return };
    let mut added = Vec::new();
    for (name, property) in properties.iter() {
        let Some(Value::Array(aliases)) = property.get("x-alias") else { continue };
        for alias in aliases.iter().filter_map(Value::as_str) {
            let mut same = property.clone();
            if let Some(same) = same.as_object_mut() {
                same.remove("x-alias");
                same.insert("description".into(), json!(format!("The same as `{name}`.")));
                same.insert("x-alias-of".into(), json!(name));
            }
            added.push((alias.to_owned(), same));
        }
    }
    properties.extend(added);
    either_name(object);
}

/// A required key may be given by its second name, which JSON schema cannot say shortly.
fn either_name(object: &mut Map<String, Value>) {
    let Some(Value::Array(required)) = object.get("required") else { return };
    let names = |name: &Value| -> Vec<Value> {
        let property = object.get("properties").and_then(|all| all.get(name.as_str()?));
        let aliases = property.and_then(|property| property.get("x-alias")?.as_array());
        aliases.into_iter().flatten().cloned().collect()
    };
    let (mut always, mut choices) = (Vec::new(), Vec::new());
    for name in required {
        let mut all = names(name);
        if all.is_empty() {
            always.push(name.clone());
        } else {
            all.insert(0, name.clone());
            let each = all.iter().map(|name| json!({ "required": [name] }));
            choices.push(json!({ "anyOf": each.collect::<Vec<_>>() }));
        }
    }
    if !choices.is_empty() {
        object.insert("required".into(), Value::Array(always));
        object.insert("allOf".into(), Value::Array(choices));
    }
}

fn let_variables_pass(object: &mut Map<String, Value>) {
    let is_bare = |kind: &str| matches!(kind, "integer" | "boolean" | "number");
    let kinds: Vec<String> = match object.get("type") {
        Some(Value::String(kind)) => vec![kind.clone()],
        Some(Value::Array(kinds)) => {
            kinds.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        }
        _ => return,
    };
    let bare = kinds.iter().any(|kind| is_bare(kind));
    if !bare || kinds.iter().any(|kind| kind == "string") {
        return;
    }
    let kinds = kinds.into_iter().chain(std::iter::once("string".to_owned()));
    object.insert("type".into(), json!(kinds.collect::<Vec<_>>()));
    object.insert("pattern".into(), json!(VARIABLE));
}

/// Words and patterns are those of the value that a variable stands for.
fn let_variables_pass_choices(object: &mut Map<String, Value>) {
    let variable = json!({ "description": "A variable.", "type": "string", "pattern": VARIABLE });
    // The branch with the words has no kind of its own, and is not changed once more.
    if object.contains_key("type")
        && let Some(words) = object.remove("enum")
    {
        object.insert("anyOf".into(), json!([{ "enum": words }, variable]));
    } else if let Some(Value::Array(branches)) = object.get_mut("oneOf")
        && branches.iter().all(|branch| branch.get("const").is_some_and(Value::is_string))
    {
        branches.push(variable);
    }
    if let Some(Value::String(pattern)) = object.get_mut("pattern")
        && !pattern.ends_with(VARIABLE)
    {
        *pattern = editor_pattern(pattern).into_owned();
    }
}

/// `uint32` and the like are Rust's words, no editor knows them; their bounds are said in numbers.
fn bound_numbers(object: &mut Map<String, Value>) {
    let largest: i64 = match object.get("format").and_then(Value::as_str) {
        Some("uint32") => u32::MAX.into(),
        // Beyond it, numbers of JSON are no longer exact.
        Some("uint64" | "int64") => (1 << 53) - 1,
        _ => return,
    };
    if object.get("format").is_some_and(|format| format == "int64") {
        object.entry("minimum").or_insert(json!(-largest));
    }
    object.remove("format");
    object.entry("maximum").or_insert(json!(largest));
}

/// A key that must be given must be given a value.
fn required_is_given(object: &mut Map<String, Value>) {
    let Some(Value::Array(required)) = object.get("required").cloned() else { return };
    let Some(Value::Object(properties)) = object.get_mut("properties") else { return };
    for name in required.iter().filter_map(Value::as_str) {
        let Some(Value::Object(property)) = properties.get_mut(name) else { continue };
        let is_null = |kind: &Value| kind == "null" || kind.get("type") == Some(&json!("null"));
        for union in ["type", "anyOf", "oneOf"] {
            if let Some(Value::Array(kinds)) = property.get_mut(union) {
                kinds.retain(|kind| !is_null(kind));
            }
        }
    }
}
