//! Every text of the language, found by its schema: what of it could end a line of a unit file.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::{Map, Value, json};
use stackwright::check::Target;
use stackwright::config::Config;
use stackwright::host::memory::Memory;
use stackwright::load::Request;
use stackwright::report::{Findings, Severity, github, human, json as machine};
use stackwright::source::Sources;
use stackwright::{Input, compile};

/// The texts that take line breaks, as each has a way to write them: words of commands, labels and
/// variables have escapes, files are files, and what is for people never gets into a unit as it is.
/// All others refuse them, so that no value can begin a line of a unit file.
const LINES: &[&str] = &[
    "deployment.hooks.after.[]",
    "deployment.hooks.after.[].[]",
    "deployment.hooks.before.[]",
    "deployment.hooks.before.[].[]",
    "deployment.hooks.on_failure.[]",
    "deployment.hooks.on_failure.[].[]",
    "deployment.phases.[].name",
    "documentation.post_deployment.[]",
    "documentation.troubleshooting.[].issue",
    "documentation.troubleshooting.[].solution",
    "files.*.content",
    "metadata.adr_references.[]",
    "metadata.category",
    "metadata.documentation",
    "metadata.tags.[]",
    "networks.*.labels.*",
    "networks.*.labels.[]",
    "networks.*.options.*",
    "networks.*.options.[]",
    "rollback.steps.[].name",
    "services.[].configuration.annotations.*",
    "services.[].configuration.annotations.[]",
    "services.[].configuration.build.args.*",
    "services.[].configuration.build.args.[]",
    "services.[].configuration.build.labels.*",
    "services.[].configuration.build.labels.[]",
    "services.[].configuration.command",
    "services.[].configuration.command.[]",
    "services.[].configuration.entrypoint",
    "services.[].configuration.entrypoint.[]",
    "services.[].configuration.environment.*",
    "services.[].configuration.environment.[]",
    "services.[].configuration.health_check.command",
    "services.[].configuration.health_check.command.[]",
    "services.[].configuration.labels.*",
    "services.[].configuration.labels.[]",
    "services.[].description",
    "shared.environment.*",
    "shared.environment.[]",
    "shared.labels.*",
    "shared.labels.[]",
    "stack.author",
    "stack.description",
    "stack.version",
    "units.*.content",
    "validation.tests.[].expected_body",
    "validation.tests.[].name",
    "volumes.*.labels.*",
    "volumes.*.labels.[]",
];

/// A way into the schema: keys, `[]` for the items of a list, `*` for the values of a mapping with
/// names of its own, `*=` for those names.
type Way = Vec<String>;

#[test]
fn only_free_texts_take_line_breaks() {
    let schema = schema();
    let mut taking: BTreeMap<&str, BTreeSet<String>> = BTreeMap::new();
    for (way, example) in texts(&schema) {
        let half = (0..=example.len() / 2).rev().find(|at| example.is_char_boundary(*at));
        let (before, after) = example.split_at(half.unwrap_or(0));
        for (sign, what) in
            [("\n", "line break"), ("\r", "return"), ("\0", "zero"), ("\u{9b}", "C1")]
        {
            let inside = format!("{before}{sign}{after}");
            let behind = format!("{example}{sign}[Service]{sign}ExecStartPre=id");
            if [inside, behind].iter().any(|text| takes(&schema, &way, text)) {
                taking.entry(what).or_default().insert(way.join("."));
            }
        }
    }
    let lines: BTreeSet<String> = LINES.iter().map(|&way| way.to_owned()).collect();
    let of = |what: &str| taking.get(what).cloned().unwrap_or_default();
    assert_eq!(of("zero"), BTreeSet::new(), "zeros are taken");
    assert_eq!(of("C1"), BTreeSet::new(), "control characters of two bytes are taken");
    let nothing = Vec::<&String>::new();
    let found = of("line break");
    assert_eq!(found.difference(&lines).collect::<Vec<_>>(), nothing, "these take line breaks too");
    assert_eq!(lines.difference(&found).collect::<Vec<_>>(), nothing, "these take none any more");
    let found = of("return");
    assert_eq!(found.difference(&lines).collect::<Vec<_>>(), nothing, "these take returns too");
}

fn schema() -> Value {
    stackwright::model::schema::stack().as_value().clone()
}

/// All texts of the language, each with an example of what is right.
fn texts(schema: &Value) -> Vec<(Way, String)> {
    let mut found = Vec::new();
    collect(schema, schema, &mut Vec::new(), &mut Vec::new(), &mut found);
    found.sort();
    found.dedup_by(|a, b| a.0 == b.0);
    assert!(found.len() > 150, "only {} texts in the schema", found.len());
    found
}

fn collect(
    root: &Value,
    schema: &Value,
    way: &mut Way,
    inside: &mut Vec<String>,
    found: &mut Vec<(Way, String)>,
) {
    if let Some(name) = schema["$ref"].as_str() {
        if !inside.iter().any(|other| other == name) {
            inside.push(name.to_owned());
            collect(root, resolve(root, schema), way, inside, found);
            inside.pop();
        }
        return;
    }
    for branch in ["anyOf", "oneOf"].iter().filter_map(|key| schema[key].as_array()).flatten() {
        collect(root, branch, way, inside, found);
    }
    let kinds = schema["type"].as_array().cloned().unwrap_or_else(|| vec![schema["type"].clone()]);
    if kinds.contains(&json!("string")) && schema["enum"].is_null() {
        found.push((way.clone(), example(schema)));
    }
    for (key, property) in schema["properties"].as_object().into_iter().flatten() {
        if property["x-alias-of"].is_null() {
            step(root, property, key, (way, inside, found));
        }
    }
    if schema["additionalProperties"].is_object() {
        step(root, &schema["additionalProperties"], "*", (way, inside, found));
        found.push(([way.as_slice(), &["*=".to_owned()]].concat(), "a".to_owned()));
    }
    if schema["items"].is_object() {
        step(root, &schema["items"], "[]", (way, inside, found));
    }
}

fn step(
    root: &Value,
    schema: &Value,
    key: &str,
    (way, inside, found): (&mut Way, &mut Vec<String>, &mut Vec<(Way, String)>),
) {
    way.push(key.to_owned());
    collect(root, schema, way, inside, found);
    way.pop();
}

fn resolve<'s>(root: &'s Value, schema: &'s Value) -> &'s Value {
    let name = schema["$ref"].as_str().and_then(|name| name.strip_prefix("#/$defs/"));
    name.map_or(schema, |name| &root["$defs"][name])
}

fn example(schema: &Value) -> String {
    let mut examples = schema["examples"].as_array().into_iter().flatten();
    let first = examples.find_map(Value::as_str);
    let word = schema["enum"].as_array().and_then(|words| words.first()).and_then(Value::as_str);
    first.or(word).unwrap_or("a").to_owned()
}

/// Whether a text is accepted where the way leads.
fn takes(schema: &Value, way: &[String], text: &str) -> bool {
    let document = serde_json::to_string_pretty(&build(schema, schema, way, text)).unwrap();
    let quoted = serde_json::to_string(text).unwrap();
    let look = Memory::with([("stack.yml", document.as_str()), ("app.env", "A=1\n")]);
    let environment = BTreeMap::new();
    let path = Path::new("stack.yml");
    let (overlays, env_files) = (&[], &[]);
    let request = Request { path, overlays, env_files, environment: &environment, size_max: 9000 };
    let (mut sources, mut findings) = (Sources::default(), Findings::default());
    let requests = [request];
    let input = Input {
        requests: &requests,
        config: &Config::default(),
        all_known: false,
        target: Target::default(),
    };
    compile(&input, &look, &mut sources, &mut findings);
    let style = human::Style::default();
    for out in [
        human::render(&findings, &sources, style),
        machine::render(&findings, &sources),
        github::render(&findings, &sources),
    ] {
        assert_eq!(out.chars().find(|c| super::acts(*c)), None, "{way:?}");
    }
    let line = document.lines().position(|line| line.contains(&quoted)).unwrap() + 1;
    let errors = findings.iter().filter(|one| one.severity == Severity::Error);
    let mut lines = errors.filter_map(|one| Some(sources.locate(one.span)?.1.line));
    !lines.any(|error| error == line)
}

/// A document that holds the text where the way leads, and else only what must be there.
fn build(root: &Value, schema: &Value, way: &[String], text: &str) -> Value {
    let Some((first, rest)) = way.split_first() else { return json!(text) };
    let (schema, inner) = branch(root, schema, first).unwrap_or_else(|| panic!("{way:?}"));
    match first.as_str() {
        "[]" => json!([build(root, inner, rest, text)]),
        "*=" => json!({ text: least(root, inner) }),
        "*" => json!({ "a": build(root, inner, rest, text) }),
        key => {
            let mut map = needed(root, schema);
            map.insert(key.to_owned(), build(root, inner, rest, text));
            Value::Object(map)
        }
    }
}

/// The part of a union in which a step is possible, and what stands behind the step.
fn branch<'s>(root: &'s Value, schema: &'s Value, step: &str) -> Option<(&'s Value, &'s Value)> {
    let schema = resolve(root, schema);
    let inner = match step {
        "[]" => &schema["items"],
        "*" | "*=" => &schema["additionalProperties"],
        key => &schema["properties"][key],
    };
    if inner.is_object() {
        return Some((schema, inner));
    }
    let branches = ["anyOf", "oneOf"].into_iter().filter_map(|key| schema[key].as_array());
    branches.flatten().find_map(|inner| branch(root, inner, step))
}

/// The keys that must be there, with values that are right.
fn needed(root: &Value, schema: &Value) -> Map<String, Value> {
    let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
    required.map(|key| (key.to_owned(), least(root, &schema["properties"][key]))).collect()
}

/// The smallest value that a schema accepts.
fn least(root: &Value, schema: &Value) -> Value {
    let schema = resolve(root, schema);
    let unions = [&schema["anyOf"], &schema["oneOf"]];
    if let Some(first) = unions.into_iter().find_map(|union| union.as_array()?.first()) {
        return least(root, first);
    }
    if schema["const"].is_string() {
        return schema["const"].clone();
    }
    let kinds = schema["type"].as_array().and_then(|kinds| kinds.first());
    match kinds.unwrap_or(&schema["type"]).as_str() {
        Some("array") => json!([least(root, &schema["items"])]),
        Some("object") => Value::Object(needed(root, schema)),
        Some("integer" | "number") => json!(1),
        Some("boolean") => json!(true),
        _ => json!(example(schema)),
    }
}
