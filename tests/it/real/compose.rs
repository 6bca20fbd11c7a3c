//! What the real tools make of our Compose files: docker-compose and podman-compose read them, and
//! docker-compose brings a stack up with Podman.

mod model;
mod up;

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Output;

use serde_json::Value;

use super::{Suite, lab, suite};
use crate::compose::{layerings, read, trees};
use crate::support::{list, remove, text, write};

/// What is filled in for every secret: nothing of it may be taken for anything else.
const SECRET: &str = r#"p$w $$ "x" #1\n %h"#;

/// The tools of both suites.
const TOOLS: [&str; 2] = ["docker-compose", "podman-compose"];

impl Suite {
    /// Runs one of the tools in a folder.
    fn compose(&self, folder: &Path, tool: &str, arguments: &[&str]) -> Output {
        let words = ["compose", &self.name, folder.to_str().unwrap(), tool];
        lab(&[&words[..], arguments].concat()).output().unwrap()
    }

    /// What a tool understands of files that are laid over each other, or what it has against them.
    fn config(&self, folder: &Path, tool: &str, files: &[String]) -> Result<Value, String> {
        let mut words: Vec<&str> = files.iter().flat_map(|file| ["-f", file.as_str()]).collect();
        words.push("config");
        words.extend((tool == "docker-compose").then_some("--format=json"));
        let output = self.compose(folder, tool, &words);
        let out = String::from_utf8(output.stdout).unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if !output.status.success() {
            return Err(said);
        }
        match tool {
            "docker-compose" => Ok(undoubled(serde_json::from_str(&out).unwrap())),
            _ => Ok(read(&out)),
        }
    }
}

/// docker-compose prints what can be read again: each dollar twice.
fn undoubled(value: Value) -> Value {
    match value {
        Value::String(text) => {
            let text = text.replace("$$", "\0");
            assert!(!text.contains('$'), "{text}");
            Value::String(text.replace('\0', "$"))
        }
        Value::Array(list) => list.into_iter().map(undoubled).collect(),
        Value::Object(map) => map.into_iter().map(|(name, one)| (name, undoubled(one))).collect(),
        other => other,
    }
}

/// Puts the files of a stack into a folder, and fills in what they ask for, as a person does.
fn fill_in(tree: &Path, folder: &Path) {
    for path in list(tree) {
        let place = folder.join(path.file_name().unwrap());
        if path.is_dir() {
            std::fs::create_dir_all(&place).unwrap();
            fill_in(&path, &place);
        } else {
            write(&place, &text(&path));
        }
    }
    let example = folder.join(".env.example");
    if example.exists() {
        let filled = text(&example).replace("=''\n", &format!("='{SECRET}'\n"));
        assert!(!filled.contains("=''"), "{filled}");
        write(&folder.join(".env"), &filled);
    }
}

/// The names of the services that files hold together.
fn services(folder: &Path, files: &[String]) -> BTreeSet<String> {
    files.iter().flat_map(|file| names(&read(&text(&folder.join(file))))).collect()
}

fn names(file: &Value) -> BTreeSet<String> {
    file["services"].as_object().unwrap().keys().cloned().collect()
}

#[test]
fn tools_take_every_layering() {
    let Some(suite) = suite() else { return };
    let (mut problems, mut taken) = (Vec::new(), 0);
    for tree in trees() {
        let folder = tempfile::tempdir().unwrap();
        fill_in(&tree, folder.path());
        for files in layerings(&tree) {
            for tool in TOOLS {
                match suite.config(folder.path(), tool, &files) {
                    Ok(model) => {
                        let expected = services(folder.path(), &files);
                        assert_eq!(names(&model), expected, "{tool} {files:?}");
                        taken += 1;
                    }
                    Err(said) => {
                        problems.push(format!("{}: {tool} {files:?}\n{said}", tree.display()));
                    }
                }
            }
        }
    }
    assert!(problems.is_empty(), "{} problems\n{}", problems.len(), problems.join("\n"));
    assert!(taken >= 2 * 9, "only {taken} layerings");
}

#[test]
fn tools_refuse_what_is_incomplete() {
    let Some(suite) = suite() else { return };
    let folder = tempfile::tempdir().unwrap();
    fill_in(Path::new("snapshots/compose/groups"), folder.path());
    let refused = |tool: &str, file: &str, why: &str| {
        let said = suite.config(folder.path(), tool, &[file.to_owned()]);
        let said = said.expect_err(&format!("{tool} takes {file}"));
        assert!(said.contains(why), "{tool} {file}: {said}");
    };
    for tool in TOOLS {
        refused(tool, "compose.web.yml", "inner");
    }
    let misspelt =
        text(&folder.path().join("compose.all.yml")).replace("    image:", "    imagine:");
    write(&folder.path().join("misspelt.yml"), &misspelt);
    refused("docker-compose", "misspelt.yml", "imagine");
    remove(&folder.path().join(".env"));
    for tool in TOOLS {
        refused(tool, "compose.all.yml", "set it in .env");
    }
}
