//! Files of the repository that are made from the program itself, and never by hand.
//!
//! `UPDATE=1 cargo test --test it generated` makes them anew. A difference in one of them is a
//! difference in what is promised to users, so read it before you keep it.

use std::collections::BTreeSet;
use std::path::Path;

use schemars::generate::SchemaSettings;
use serde_json::Value;
use stackwright::cli::{
    DiffReport, GenerateReport, GraphReport, HealthReport, ListReport, PatternsReport,
    PreflightReport, StatusReport, codes_page, definition, format_page, laws_page,
};
use stackwright::load::shape::{self, Key, Shape, ShapeId, Shapes};
use stackwright::model::form::FORMS;
use stackwright::model::schema;
use stackwright::pattern;
use stackwright::report::json;

use crate::support::{compare, list, remove, run, text, updates};

#[test]
fn schemas_are_those_of_the_program() {
    compare("schema/stack.schema.json", &pretty(&schema::stack()));
    compare("schema/lint.schema.json", &pretty(&json::schema()));
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let graph = settings.into_generator().into_root_schema_for::<GraphReport>();
    compare("schema/graph.schema.json", &pretty(&graph));
    let settings = SchemaSettings::draft2020_12().for_serialize();
    let diff = settings.clone().into_generator().into_root_schema_for::<DiffReport>();
    compare("schema/diff.schema.json", &pretty(&diff));
    let status = settings.clone().into_generator().into_root_schema_for::<StatusReport>();
    compare("schema/status.schema.json", &pretty(&status));
    let health = settings.clone().into_generator().into_root_schema_for::<HealthReport>();
    compare("schema/health.schema.json", &pretty(&health));
    let list = settings.clone().into_generator().into_root_schema_for::<ListReport>();
    compare("schema/list.schema.json", &pretty(&list));
    let preflight = settings.clone().into_generator().into_root_schema_for::<PreflightReport>();
    compare("schema/preflight.schema.json", &pretty(&preflight));
    let patterns = settings.clone().into_generator().into_root_schema_for::<PatternsReport>();
    compare("schema/patterns.schema.json", &pretty(&patterns));
    let generate = settings.into_generator().into_root_schema_for::<GenerateReport>();
    compare("schema/generate.schema.json", &pretty(&generate));
    assert_eq!(run(Path::new("."), &["schema"]).out, pretty(&schema::stack()));
    compare("schema/pattern.schema.json", &pretty(&pattern::schema()));
    assert_eq!(run(Path::new("."), &["schema", "pattern"]).out, pretty(&pattern::schema()));
}

#[test]
fn shapes_are_those_of_the_schema() {
    let shapes = Shapes::compile(schema::stack().as_value());
    let list: String =
        shapes.list.iter().map(|shape| format!("    {},\n", source(shape))).collect();
    let head = "// Made from the schema by `UPDATE=1 cargo test --test it generated`.\n";
    compare("schema/stack.shapes.rs", &format!("{head}&[\n{list}]\n"));
    assert_eq!(shapes.root, shape::STACK.root);
    for pattern in shapes.list.iter().filter_map(|shape| shape.pattern) {
        assert!(regex_lite::Regex::new(pattern).is_ok(), "{pattern}");
    }
}

/// A shape as an expression of Rust, without what is as it is in most.
fn source(shape: &Shape) -> String {
    let id = |id: ShapeId| format!("Some(ShapeId({}))", id.0);
    let text = |text: &str| format!("Some({text:?})");
    let key = |key: &Key| {
        let Key { name, shape, second_name_of: second } = key;
        let shape = shape.0;
        format!("Key {{ name: {name:?}, shape: ShapeId({shape}), second_name_of: {second:?} }}")
    };
    let form = shape.form.and_then(|form| FORMS.iter().position(|one| one.format == form.format));
    let fields = [
        ("kinds", Some(format!("Kinds({})", shape.kinds.0))),
        (
            "keys",
            (!shape.keys.is_empty()).then(|| {
                format!("&[{}]", shape.keys.iter().map(key).collect::<Vec<_>>().join(", "))
            }),
        ),
        ("required", (!shape.required.is_empty()).then(|| format!("&{:?}", shape.required))),
        ("other_keys", shape.other_keys.map(id)),
        ("closed", shape.closed.then(|| "true".to_owned())),
        ("items", shape.items.map(id)),
        ("items_min", (shape.items_min > 0).then(|| shape.items_min.to_string())),
        ("length_min", (shape.length_min > 0).then(|| shape.length_min.to_string())),
        ("choices", (!shape.choices.is_empty()).then(|| format!("&{:?}", shape.choices))),
        ("form", form.map(|place| format!("Some(&FORMS[{place}])"))),
        ("secret", shape.secret.then(|| "true".to_owned())),
        ("assignment", shape.assignment.then(|| "true".to_owned())),
        ("pattern", shape.pattern.map(text)),
        ("min", shape.min.map(|min| format!("Some({min:?})"))),
        ("max", shape.max.map(|max| format!("Some({max:?})"))),
        ("example", shape.example.map(text)),
        ("wanted", shape.wanted.map(text)),
    ];
    let given = fields.into_iter().filter_map(|(name, value)| Some(format!("{name}: {}", value?)));
    format!("Shape {{ {}, ..Shape::EMPTY }}", given.collect::<Vec<_>>().join(", "))
}

#[test]
fn pages_are_those_of_the_program() {
    compare("schema/codes.md", &codes_page());
    compare("schema/merge.md", &laws_page());
    assert_eq!(run(Path::new("."), &["explain", "merge"]).out, laws_page());
    compare("schema/format.md", &format_page());
    assert_eq!(run(Path::new("."), &["explain", "format"]).out, format_page());
}

#[test]
fn helps_are_those_of_the_program() {
    let commands: Vec<String> = definition()
        .get_subcommands()
        .filter(|command| !command.is_hide_set() && command.get_name() != "help")
        .map(|command| command.get_name().to_owned())
        .collect();
    let mut kept = BTreeSet::from(["stackwright.txt".to_owned()]);
    compare("snapshots/help/stackwright.txt", &help(&["--help"]));
    for command in commands {
        compare(&format!("snapshots/help/{command}.txt"), &help(&[&command, "--help"]));
        kept.insert(format!("{command}.txt"));
    }
    for path in list(Path::new("snapshots/help")) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if kept.contains(&name) {
            continue;
        }
        assert!(updates(), "{} is the help of no command", path.display());
        remove(&path);
    }
}

/// What `--help` prints; every line fits in a terminal of a hundred columns.
fn help(arguments: &[&str]) -> String {
    let run = run(Path::new("."), arguments);
    assert_eq!((run.code, run.err.as_str()), (0, ""), "{arguments:?}");
    for line in run.out.lines() {
        assert!(line.chars().count() <= 100, "{arguments:?}: {line}");
    }
    run.out
}

fn pretty(schema: &impl serde::Serialize) -> String {
    serde_json::to_string_pretty(schema).unwrap() + "\n"
}

/// The fixtures in which nothing is wrong use every key that the language knows.
#[test]
fn clean_fixtures_use_every_key() {
    let schema = serde_json::to_value(schema::stack()).unwrap();
    let mut keys = BTreeSet::new();
    all_keys(&schema, &schema, "", &mut keys);
    assert!(keys.len() > 250, "{} keys: the schema is not read as it is meant", keys.len());
    for path in list(Path::new("tests/diagnostics")) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let files = if path.is_dir() { list(&path) } else { vec![path] };
        let is_yaml = |file: &&std::path::PathBuf| file.extension().is_some_and(|end| end == "yml");
        for file in files.iter().filter(is_yaml).filter(|_| name.starts_with("clean-")) {
            let value: Value = serde_yaml::from_str(&text(file)).unwrap();
            used_keys(&schema, &schema, &value, "", &mut keys);
        }
    }
    assert_eq!(keys, BTreeSet::new(), "keys that no clean fixture uses");
}

/// What a schema says itself, what it refers to and what its branches say, each with the name of
/// the type, or the path that leads to it.
fn parts<'s>(root: &'s Value, schema: &'s Value, path: &str) -> Vec<(&'s Value, String)> {
    let mut parts = vec![(schema, path.to_owned())];
    if let Some(reference) = schema.get("$ref").and_then(Value::as_str) {
        let name = reference.rsplit('/').next().unwrap();
        parts.extend(self::parts(root, &root["$defs"][name], name));
    }
    for branches in ["anyOf", "oneOf"].iter().filter_map(|union| schema.get(union)) {
        let branches = branches.as_array().unwrap().iter();
        parts.extend(branches.flat_map(|branch| self::parts(root, branch, path)));
    }
    parts
}

/// All keys that mappings may have, as `Type.key`; what stands under a second name is the same.
fn all_keys(root: &Value, schema: &Value, path: &str, keys: &mut BTreeSet<String>) {
    for (part, path) in parts(root, schema, path) {
        for (key, inner) in part.get("properties").and_then(Value::as_object).into_iter().flatten()
        {
            let is_new = keys.insert(format!("{path}.{key}"));
            if is_new && inner.get("x-alias-of").is_none() {
                all_keys(root, inner, &format!("{path}.{key}"), keys);
            }
        }
        for inner in ["items", "additionalProperties"].iter().filter_map(|key| part.get(key)) {
            all_keys(root, inner, &format!("{path}[]"), keys);
        }
    }
}

/// Takes away the keys that a value uses.
fn used_keys(root: &Value, schema: &Value, value: &Value, path: &str, keys: &mut BTreeSet<String>) {
    for (part, path) in parts(root, schema, path) {
        let properties = part.get("properties").and_then(Value::as_object);
        for (key, inner) in value.as_object().into_iter().flatten() {
            if let Some(schema) = properties.and_then(|properties| properties.get(key)) {
                keys.remove(&format!("{path}.{key}"));
                let key = schema.get("x-alias-of").and_then(Value::as_str).unwrap_or(key);
                used_keys(root, schema, inner, &format!("{path}.{key}"), keys);
            } else if let Some(schema) = part.get("additionalProperties") {
                used_keys(root, schema, inner, &format!("{path}[]"), keys);
            }
        }
        for item in value.as_array().into_iter().flatten() {
            if let Some(schema) = part.get("items") {
                used_keys(root, schema, item, &format!("{path}[]"), keys);
            }
        }
    }
}
