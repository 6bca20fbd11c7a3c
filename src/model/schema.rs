//! The JSON schema of the stack file, derived from the model and rounded off for editors.

use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use schemars::{JsonSchema, Schema};
use serde_json::{Map, Value, json};

use super::Stack;

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

/// Closes objects, adds second names, and lets variables stand for numbers and truth values.
#[derive(Debug, Clone)]
struct RoundOff;

impl Transform for RoundOff {
    fn transform(&mut self, schema: &mut Schema) {
        if let Some(object) = schema.as_object_mut() {
            close(object);
            second_names(object);
            let_variables_pass(object);
            drop_number_formats(object);
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

/// `uint32` and the like are Rust's words, no editor knows them.
fn drop_number_formats(object: &mut Map<String, Value>) {
    let ours = |format: &str| format.starts_with("uint") || format.starts_with("int");
    if object.get("format").and_then(Value::as_str).is_some_and(ours) {
        object.remove("format");
    }
}
