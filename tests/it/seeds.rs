//! The stacks of the document that the language comes from, as they stand there.
//!
//! The document is not a part of the repository: it lies beside the checkout, or where
//! `STACKWRIGHT_SEEDS` says. Its examples are the `yaml` blocks and the files that a shell writes
//! by `cat > stacks/NAME.yml <<EOF`.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::{Value, json};

use crate::support::{beside, list, run, text, write};

/// The examples by the names of their stacks; none where the document is not here.
fn examples() -> Option<BTreeMap<String, String>> {
    let folder = beside("STACKWRIGHT_SEEDS", "seeds")?;
    let is_it = |path: &&std::path::PathBuf| {
        path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("000"))
    };
    let path = list(&folder).iter().find(is_it).cloned()?;
    let document = text(&path);
    let mut examples: BTreeMap<String, String> = blocks(&document, "```yaml", "```")
        .into_iter()
        .filter_map(|(_, block)| Some((stack_name(&block)?, block)))
        .collect();
    for (opening, block) in blocks(&document, "cat > stacks/", "EOF") {
        let name = opening.split(['/', '.']).nth(1).unwrap().to_owned();
        // In a document of the shell that is not quoted, `\$` is a dollar.
        examples.insert(name, block.replace("\\$", "$"));
    }
    Some(examples)
}

/// The lines between one that begins with `opening` and one that is `closing`, after the former.
fn blocks(document: &str, opening: &str, closing: &str) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    let mut lines = document.lines();
    while let Some(line) = lines.find(|line| line.starts_with(opening)) {
        let inside = lines.by_ref().take_while(|line| *line != closing);
        blocks.push((line.to_owned(), inside.fold(String::new(), |text, line| text + line + "\n")));
    }
    blocks
}

fn stack_name(block: &str) -> Option<String> {
    let rest = block.split_once("stack:\n")?.1;
    let name = rest.lines().find_map(|line| line.trim().strip_prefix("name: "))?;
    Some(name.to_owned())
}

/// Lints an example and gives what is told, as JSON.
fn lint(folder: &Path, name: &str, example: &str) -> Vec<Value> {
    let file = format!("{name}.yml");
    write(&folder.join(&file), example);
    let run = run(folder, &["lint", &file, "--format", "json"]);
    let report: Value = serde_json::from_str(&run.out).unwrap_or_else(|_| panic!("{run:?}"));
    report["diagnostics"].as_array().unwrap().clone()
}

fn errors(told: &[Value]) -> Vec<&str> {
    let errors = told.iter().filter(|one| one["severity"] == "error");
    errors.map(|one| one["message"].as_str().unwrap()).collect()
}

#[test]
fn all_examples_are_right_but_the_circle() {
    let Some(examples) = examples() else { return };
    let names: Vec<&str> = examples.keys().map(String::as_str).collect();
    let expected = ["immich", "monitoring-simple", "my-wiki", "test-cycle", "test-simple", "wiki"];
    assert_eq!(names, expected, "the examples of the document");
    let folder = tempfile::tempdir().unwrap();
    for (name, example) in &examples {
        let told = lint(folder.path(), name, example);
        let errors = errors(&told);
        if name == "test-cycle" {
            assert_eq!(errors.len(), 1, "{told:#?}");
            assert!(errors[0].contains("a -> b -> a"), "{}", errors[0]);
        } else {
            assert!(errors.is_empty(), "{name}: {errors:#?}");
        }
    }
}

#[test]
fn immich_starts_in_the_phases_that_the_document_gives() {
    let Some(examples) = examples() else { return };
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("immich.yml"), &examples["immich"]);
    let run = run(folder.path(), &["graph", "immich.yml", "--format", "json"]);
    let report: Value = serde_json::from_str(&run.out).unwrap_or_else(|_| panic!("{run:?}"));
    let phases = json!([
        ["immich-postgres", "immich-redis"],
        ["immich-server"],
        ["immich-ml", "immich-web"]
    ]);
    assert_eq!(report["phases"], phases);
}
