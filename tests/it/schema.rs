//! The schema that editors read and our own reader agree, by an independent validator.
//!
//! `schema/stack.schema.json` is given to the `jsonschema` crate, which knows nothing of ours. What
//! it accepts and what [`stackwright::load::walk`] accepts must be the same, except where the
//! schema cannot say what the reader knows:
//!
//! - the form of a text (`30s`, `8080:80`): the schema has a pattern that takes a little more;
//! - what a variable stands for, and where a secret may stand;
//! - what is wrong with the text itself: a key that is given twice, also under its second name,
//!   or values that nest too deep.
//!
//! In all of these the schema is the milder of the two. It is never the stricter one.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use jsonschema::Validator;
use serde_json::{Map, Value, json};
use stackwright::load::expand::{self, Names};
use stackwright::load::{shape, walk, yaml};
use stackwright::report::{Code, Findings, Severity};
use stackwright::source::Sources;

use crate::docs;
use crate::support::{list, text};

/// How many mutations are tried, of all stacks in turn.
const MUTATIONS: u64 = 3000;

/// Codes of what only the reader knows.
fn is_beyond_the_schema(code: &Code) -> bool {
    let forms = ("SW110".."SW132").contains(&code.id) || code.id == "SW108";
    let variables = ("SW020".."SW023").contains(&code.id) || ["SW107", "SW601"].contains(&code.id);
    let text = ("SW003".."SW015").contains(&code.id);
    forms || variables || text
}

#[test]
fn stacks_and_examples_fit_the_schema() {
    let schema = schema();
    for path in docs::stacks() {
        let file = text(&path);
        let value = read(&file).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        assert_eq!(complaints(&schema, &value), Vec::<String>::new(), "{}", path.display());
        assert!(ours(&file, &value).is_empty(), "{}", path.display());
    }
    for block in docs::blocks().iter().filter(|block| block.is_stack()) {
        let value = read(&block.text).unwrap_or_else(|error| panic!("{block:?}: {error}"));
        assert_eq!(complaints(&schema, &value), Vec::<String>::new(), "{block:?}");
    }
}

#[test]
fn fixtures_of_the_shape_are_refused_by_the_schema_too() {
    let schema = schema();
    let mut seen = BTreeSet::new();
    for (name, path) in fixtures() {
        // What is no text, or no YAML to anyone, has no shape.
        let Ok(file) = String::from_utf8(bytes(&path)) else { continue };
        let Ok(value) = read(&file) else { continue };
        if value.is_null() {
            continue;
        }
        let complaints = complaints(&schema, &value);
        let told = ours(&file, &value);
        let of_shape = told.iter().filter(|code| !is_beyond_the_schema(code));
        let of_shape: Vec<&str> = of_shape.map(|code| code.id).collect();
        if of_shape.is_empty() {
            let forms = !told.is_empty();
            assert!(forms || complaints.is_empty(), "{name}: {complaints:?}");
        } else {
            assert!(!complaints.is_empty(), "{name} says {of_shape:?}, the schema takes it");
            seen.extend(of_shape);
        }
    }
    for id in ["SW101", "SW102", "SW103", "SW104", "SW105"] {
        assert!(seen.contains(id), "no fixture of {id} was compared");
    }
}

#[test]
fn a_variable_may_stand_for_every_value() {
    let schema = schema();
    let mut problems = Vec::new();
    for path in docs::stacks() {
        let stack = read(&text(&path)).unwrap();
        let mut places = Vec::new();
        walk_places(&stack, &mut String::new(), &mut places);
        for place in places {
            let mut changed = stack.clone();
            let value = changed.pointer_mut(&place).unwrap();
            let own = match value {
                Value::String(text) if !text.contains('$') => text.clone(),
                Value::Number(_) | Value::Bool(_) => value.to_string(),
                _ => continue,
            };
            *value = json!(format!("${{NOWHERE:-{own}}}"));
            let complaints = complaints(&schema, &changed);
            let told: Vec<&str> =
                ours(&changed.to_string(), &changed).iter().map(|code| code.id).collect();
            if !complaints.is_empty() || !told.is_empty() {
                problems.push(format!("{} {place}: {told:?} {complaints:?}", path.display()));
            }
        }
    }
    assert!(problems.is_empty(), "{}\n{}", problems.len(), problems.join("\n"));
}

#[test]
fn mutated_stacks_are_taken_and_refused_alike() {
    let schema = schema();
    let mut counts = [0_u32; 2];
    let mut problems = Vec::new();
    let stacks = docs::stacks();
    for (place, path) in (0..).zip(&stacks) {
        let stack = read(&text(path)).unwrap();
        for seed in (place..MUTATIONS).step_by(stacks.len()) {
            let mut random = Random(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (place << 32) ^ 1);
            let mut mutant = part(&stack, &mut random);
            let what = mutate(&mut mutant, &mut random);
            let written = if seed % 4 == 0 { plain(&mutant) } else { mutant.to_string() };
            let taken = schema.is_valid(&mutant);
            let told = ours(&written, &mutant);
            counts[usize::from(taken)] += 1;
            let is_open = written.contains("${NOWHERE");
            let refused = told.iter().any(|code| !is_open && !is_beyond_the_schema(code));
            let agree = if taken { !refused } else { !told.is_empty() };
            if !agree {
                let complaints = complaints(&schema, &mutant);
                let told: Vec<&str> = told.iter().map(|code| code.id).collect();
                let name = path.display();
                problems.push(format!("{name} {seed}: {what}\n  {told:?} but {complaints:?}"));
            }
        }
    }
    assert!(problems.is_empty(), "{}\n{}", problems.len(), problems.join("\n"));
    let [refused, taken] = counts;
    assert!(refused > 1000 && taken > 300, "{refused} refused, {taken} taken: a weak test");
}

/// The schema as it is delivered.
fn schema() -> Validator {
    let schema: Value = serde_json::from_str(&text(Path::new("schema/stack.schema.json"))).unwrap();
    jsonschema::validator_for(&schema).unwrap()
}

/// What the independent validator has against a value.
fn complaints(schema: &Validator, value: &Value) -> Vec<String> {
    schema.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect()
}

/// Reads YAML by an independent reader.
fn read(text: &str) -> Result<Value, serde_yaml::Error> {
    let mut value: serde_yaml::Value = serde_yaml::from_str(text)?;
    value.apply_merge()?;
    serde_yaml::from_value(value)
}

/// The errors that our reader has about the shape of a text.
fn ours(text: &str, value: &Value) -> Vec<&'static Code> {
    let (mut sources, mut findings) = (Sources::default(), Findings::default());
    let id = sources.add("stack.yml", text);
    let source = Arc::clone(sources.get(id).unwrap());
    let mut tree = yaml::parse(id, &source, &mut findings);
    let secrets = secrets(value);
    let names = Names { secrets: secrets.clone(), ..Names::default() };
    expand::expand(&mut tree, &names, &mut findings);
    walk::walk(&tree, &shape::STACK, &|name| secrets.contains(name), &mut findings);
    let errors = findings.iter().filter(|one| one.severity == Severity::Error);
    errors.map(|one| one.code).collect()
}

/// The names of the secrets that a stack declares.
fn secrets(stack: &Value) -> BTreeSet<String> {
    let declared = stack.get("secrets").and_then(Value::as_object);
    declared.into_iter().flatten().map(|(name, _)| name.clone()).collect()
}

/// The fixtures with the file of each that is checked.
fn fixtures() -> Vec<(String, PathBuf)> {
    let folder = list(Path::new("tests/diagnostics"));
    let files = folder.into_iter().filter(|path| path.extension().is_none_or(|end| end == "yml"));
    let files = files.map(|path| if path.is_dir() { path.join("stack.yml") } else { path });
    let files = files.filter(|path| path.is_file());
    files.map(|path| (path.display().to_string(), path)).collect()
}

fn bytes(path: &Path) -> Vec<u8> {
    #[expect(clippy::disallowed_methods, reason = "some fixtures are no text")]
    std::fs::read(path).unwrap()
}

/// The value as YAML with plain words where they can be.
fn plain(value: &Value) -> String {
    serde_yaml::to_string(value).unwrap()
}

/// One service of a stack and some of its sections, which is quicker to look at than all of it.
fn part(stack: &Value, random: &mut Random) -> Value {
    let sections = stack.as_object().unwrap().iter();
    let mut part: Map<String, Value> = sections
        .filter(|(name, _)| *name != "services" && random.below(3) == 0)
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    let services = stack["services"].as_array().unwrap();
    part.insert("services".to_owned(), json!([random.pick(services)]));
    Value::Object(part)
}

/// Changes one place of a stack, and says what was changed.
fn mutate(stack: &mut Value, random: &mut Random) -> String {
    let mut places = Vec::new();
    walk_places(stack, &mut String::new(), &mut places);
    let place = random.pick(&places).clone();
    let value = stack.pointer_mut(&place).unwrap();
    if let Value::Object(map) = value
        && random.below(4) != 0
        && !map.is_empty()
    {
        let keys: Vec<String> = map.keys().cloned().collect();
        let key = random.pick(&keys).as_str();
        return format!("{place}: {}", mutate_map(map, key, random));
    }
    if let Value::Array(items) = value
        && random.below(2) == 0
    {
        let item = another(random);
        let what = format!("{place}: one more item, {item}");
        items.push(item);
        return what;
    }
    let new = another(random);
    let what = format!("{place}: {new} in place of {}", short(value));
    *value = new;
    what
}

fn mutate_map(map: &mut Map<String, Value>, key: &str, random: &mut Random) -> String {
    match random.below(6) {
        0 | 1 => {
            map.shift_remove(key);
            format!("`{key}` is gone")
        }
        2 => {
            let value = map.shift_remove(key).unwrap_or_default();
            let name = random.pick(&["x-", "X", "_"]).to_string() + key;
            map.insert(name.clone(), value);
            format!("`{key}` is called `{name}`")
        }
        3 => {
            let (name, value) = (random.pick(WORDS), another(random));
            let what = format!("`{name}` is {value}");
            map.insert((*name).to_owned(), value);
            what
        }
        _ => {
            let value = another(random);
            let what = format!("`{key}` is {value}");
            map.insert(key.to_owned(), value);
            what
        }
    }
}

/// Keys that mean something somewhere.
const WORDS: &[&str] = &[
    "name",
    "type",
    "command",
    "test",
    "environment",
    "networks",
    "ports",
    "depends_on",
    "external",
    "labels",
    "options",
    "restart",
    "pattern",
    "timeout",
    "mem_limit",
    "volumes",
    "x-mine",
    "oops",
];

/// A value of any kind.
fn another(random: &mut Random) -> Value {
    let values = [
        json!(null),
        json!(true),
        json!(false),
        json!(0),
        json!(7),
        json!(-3),
        json!(100_000),
        json!(1.5),
        json!(""),
        json!("word"),
        json!("30s"),
        json!("8080:80"),
        json!("yes"),
        json!("a=b"),
        json!("always"),
        json!("${NOWHERE:-7}"),
        json!([]),
        json!(["word"]),
        json!([7]),
        json!([null]),
        json!([["word"]]),
        json!({}),
        json!({"name": "word"}),
        json!({"word": "word"}),
        json!({"word": null}),
        json!({"type": "tcp"}),
    ];
    random.pick(&values).clone()
}

/// The places of all values, as pointers of JSON.
fn walk_places(value: &Value, path: &mut String, places: &mut Vec<String>) {
    let length = path.len();
    let mut below = |step: &str, value: &Value| {
        path.push('/');
        path.push_str(&step.replace('~', "~0").replace('/', "~1"));
        places.push(path.clone());
        walk_places(value, path, places);
        path.truncate(length);
    };
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| below(key, value)),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(place, item)| below(&place.to_string(), item));
        }
        _ => {}
    }
}

fn short(value: &Value) -> String {
    value.to_string().chars().take(40).collect()
}

/// The same numbers in every run, so that a failure can be looked at again.
struct Random(u64);

impl Random {
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % end
    }

    fn pick<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        &from[self.below(from.len())]
    }
}
