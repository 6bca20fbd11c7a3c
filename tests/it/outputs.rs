//! What the program prints and ends with: one run tells everything, and every format the same.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use stackwright::cli::definition;
use stackwright::report::code;

use crate::support::{Run, beside, program, run, text, write};

/// One file with ten mistakes of ten kinds.
const TEN: &str = r#"stack:
  name: shop
services:
  - name: web
    dependencies: [api, dbb]
    configuration:
      image: docker.io/library/nginx:1.29
      hostnam: web
      ports: [8080:80, 80800:80]
      networks: [frnt]
  - name: api
    dependencies: [db]
    configuration:
      image: docker.io/library/node:22
      init: [yes]
      start_timeout: 5min
      memory: 512M
      memory_high: 1G
      ports: ["127.0.0.1:8080:3000"]
  - name: db
    dependencies: [web]
    configuration:
      image: docker.io/library/postgres:17
      memory: 1G
      user: "999"
      memory: 2G
networks:
  front:
"#;

/// Code, line, column, and the column behind the last character.
const PLACES: [(&str, usize, usize, usize); 10] = [
    ("SW203", 5, 20, 23),
    ("SW201", 5, 25, 28),
    ("SW101", 8, 7, 14),
    ("SW112", 9, 24, 29),
    ("SW320", 10, 18, 22),
    ("SW103", 15, 14, 17),
    ("SW110", 16, 23, 26),
    ("SW410", 18, 20, 22),
    ("SW310", 19, 15, 36),
    ("SW007", 26, 7, 13),
];

/// Lints the file with the ten mistakes.
fn ten(arguments: &[&str]) -> Run {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("shop.yml"), TEN);
    run(folder.path(), &[&["lint", "shop.yml"], arguments].concat())
}

type Place = (String, usize, usize, usize);

fn expected() -> Vec<Place> {
    PLACES.map(|(code, line, from, to)| (code.to_owned(), line, from, to)).to_vec()
}

fn number(value: &Value, key: &str) -> usize {
    value[key].as_u64().and_then(|number| number.try_into().ok()).unwrap_or_default()
}

fn parsed(run: &Run) -> Value {
    serde_json::from_str(&run.out).unwrap_or_else(|_| panic!("{run:?}"))
}

/// What a schema has against a document.
fn complaints(schema: &Path, document: &Value) -> Vec<String> {
    let schema: Value = serde_json::from_str(&text(schema)).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let errors = validator.iter_errors(document);
    errors.map(|error| format!("{}: {error}", error.instance_path())).collect()
}

#[test]
fn people_read_ten_mistakes_in_one_run() {
    let run = ten(&[]);
    assert_eq!((run.code, run.err.as_str()), (1, ""));
    insta::assert_snapshot!(run.out, @r#"
    error[SW203]: circular dependency: web -> api -> db -> web
      --> shop.yml:5:20
       |
     5 |     dependencies: [api, dbb]
       |                    ^^^ `web` needs `api`
    ...
    12 |     dependencies: [db]
       |                    -- `api` needs `db`
    ...
    21 |     dependencies: [web]
       |                    --- `db` needs `web`
       |
       = help: take one of these dependencies away

    error[SW201]: `web` needs `dbb`, which is no service of this stack
     --> shop.yml:5:25
      |
    5 |     dependencies: [api, dbb]
      |                         ^^^
      |
      = help: did you mean `db`?

    error[SW101]: unknown key `hostnam` in `services.web.configuration`
     --> shop.yml:8:7
      |
    8 |       hostnam: web
      |       ^^^^^^^
      |
      = help: did you mean `hostname`?

    error[SW112]: `80800` is above 65535
     --> shop.yml:9:24
      |
    9 |       ports: [8080:80, 80800:80]
      |                        ^^^^^
      |
      = help: write a port from 1 to 65535

    error[SW320]: network `frnt` is not declared
      --> shop.yml:10:18
       |
    10 |       networks: [frnt]
       |                  ^^^^
       |
       = help: did you mean `front`?

    error[SW103]: a list here in `services.api.configuration.init`, `true` or `false` is expected
      --> shop.yml:15:14
       |
    15 |       init: [yes]
       |              ^^^
       |
       = help: write `true`

    error[SW110]: `min` is not a unit of time
      --> shop.yml:16:23
       |
    16 |       start_timeout: 5min
       |                       ^^^
       |
       = help: write `5m`

    error[SW410]: `memory_high` of `api` is 1G, its memory 512M
      --> shop.yml:18:20
       |
    17 |       memory: 512M
       |               ---- the memory
    18 |       memory_high: 1G
       |                    ^^
       |
       = help: write 512M or less

    error[SW310]: port 8080/tcp is taken by `web`
      --> shop.yml:19:15
       |
     9 |       ports: [8080:80, 80800:80]
       |               ------- `web` takes it here
    ...
    19 |       ports: ["127.0.0.1:8080:3000"]
       |               ^^^^^^^^^^^^^^^^^^^^^
       |
       = help: give `api` another port of the machine

    error[SW007]: `memory` is given twice here
      --> shop.yml:26:7
       |
    24 |       memory: 1G
       |       ------ given first here
    25 |       user: "999"
    26 |       memory: 2G
       |       ^^^^^^ given again here
       |
       = help: keep one of the two

    10 errors in 1 file
    "#);
}

#[test]
fn scripts_read_the_same_ten() {
    let run = ten(&["--format", "json"]);
    assert_eq!((run.code, run.err.as_str()), (1, ""));
    let report = parsed(&run);
    assert_eq!(complaints(Path::new("schema/lint.schema.json"), &report), Vec::<String>::new());
    let told = report["diagnostics"].as_array().unwrap().iter().map(|one| {
        assert_eq!((&one["file"], one["line"] == one["endLine"]), (&Value::from("shop.yml"), true));
        let code = one["code"].as_str().unwrap().to_owned();
        (code, number(one, "line"), number(one, "column"), number(one, "endColumn"))
    });
    assert_eq!(told.collect::<Vec<_>>(), expected());
}

#[test]
fn code_scanning_reads_the_same_ten() {
    let run = ten(&["--format", "sarif"]);
    assert_eq!((run.code, run.err.as_str()), (1, ""));
    let log = parsed(&run);
    if let Some(corpora) = beside("STACKWRIGHT_CORPORA", "corpora") {
        let schema = corpora.join("sarif/files/sarif-2.1.0.json");
        assert_eq!(complaints(&schema, &log), Vec::<String>::new());
    }
    let rules = &log["runs"][0]["tool"]["driver"]["rules"];
    let told = log["runs"][0]["results"].as_array().unwrap().iter().map(|one| {
        let place = &one["locations"][0]["physicalLocation"];
        assert_eq!(place["artifactLocation"]["uri"], "shop.yml");
        assert_eq!(rules[number(one, "ruleIndex")]["id"], one["ruleId"]);
        let region = &place["region"];
        assert_eq!(region["startLine"], region["endLine"]);
        let code = one["ruleId"].as_str().unwrap().to_owned();
        let columns = (number(region, "startColumn"), number(region, "endColumn"));
        (code, number(region, "startLine"), columns.0, columns.1)
    });
    assert_eq!(told.collect::<Vec<_>>(), expected());
}

#[test]
fn github_reads_the_same_ten() {
    let run = ten(&["--format", "github"]);
    assert_eq!((run.code, run.err.as_str()), (1, ""));
    let told = run.out.lines().map(|line| {
        let (properties, _) = line.strip_prefix("::error ").unwrap().split_once("::").unwrap();
        let of = |name: &str| {
            let mut all = properties.split(',').filter_map(|one| one.split_once('='));
            all.find(|(key, _)| *key == name).unwrap_or_else(|| panic!("{name}: {line}")).1
        };
        assert_eq!((of("file"), of("line")), ("shop.yml", of("endLine")));
        let code = of("title").split(' ').next().unwrap().to_owned();
        let number = |name| of(name).parse::<usize>().unwrap();
        (code, number("line"), number("col"), number("endColumn"))
    });
    assert_eq!(told.collect::<Vec<_>>(), expected());
}

#[test]
fn the_graph_is_of_its_schema() {
    let run = run(
        Path::new("."),
        &["graph", "tests/diagnostics/clean-everything.yml", "--format", "json"],
    );
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    let report = parsed(&run);
    assert_eq!(complaints(Path::new("schema/graph.schema.json"), &report), Vec::<String>::new());
    let phases = serde_json::json!([["db", "cache"], ["migrate"], ["web"], ["agent"]]);
    assert_eq!(report["phases"], phases);
}

/// Runs of the program, and what they end with.
#[test]
fn exit_codes_are_a_promise() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| write(&folder.path().join(name), text);
    let service = |image: &str| {
        format!("services:\n  - name: web\n    configuration: {{ image: {image} }}\n")
    };
    file("good.yml", &service("docker.io/library/nginx:1.29"));
    file("hint.yml", &service("docker.io/library/nginx"));
    file("warned.yml", &service("\"nginx:1.29\""));
    file("wrong.yml", &service("NGINX"));
    file("denied/stack.yml", &service("\"nginx:1.29\""));
    file("denied/.stackwright.yml", "deny_warnings: true\n");
    file("empty/readme.txt", "nothing");
    for (code, line) in [
        (0, "lint good.yml"),
        (0, "lint hint.yml"),
        (0, "lint hint.yml --deny-warnings"),
        (0, "lint warned.yml"),
        (1, "lint warned.yml --deny-warnings"),
        (1, "lint denied/stack.yml"),
        (1, "lint wrong.yml"),
        (1, "lint wrong.yml --format json"),
        (1, "lint wrong.yml --format sarif"),
        (1, "lint wrong.yml --format github"),
        (1, "lint nowhere.yml"),
        (1, "lint nowhere"),
        (1, "lint empty"),
        (1, "lint good.yml wrong.yml"),
        (0, "graph good.yml"),
        (0, "graph warned.yml --format svg"),
        (1, "graph wrong.yml"),
        (1, "graph nowhere"),
        (1, "graph good.yml --needs nobody"),
        (0, "explain"),
        (0, "explain sw203"),
        (0, "explain merge"),
        (64, "explain SW000"),
        (0, "schema"),
        (0, "completions bash"),
        (0, "man pages"),
        (1, "man good.yml/pages"),
        (0, "--help"),
        (0, "help lint"),
        (0, "--version"),
        (64, ""),
        (64, "lint"),
        (64, "lint good.yml --no-such-flag"),
        (64, "lint good.yml --format xml"),
        (64, "lint good.yml --max-file-size many"),
        (64, "graph good.yml --needs a --needed-by b"),
        (64, "completions tcsh"),
        (64, "no-such-command"),
    ] {
        let words: Vec<&str> = line.split_whitespace().collect();
        let run = run(folder.path(), &words);
        assert_eq!(run.code, code, "{line}: {run:?}");
        let silent = if code == 64 { &run.out } else { &run.err };
        let tells = line.starts_with("graph") || line == "lint empty" || line.starts_with("man");
        assert!(silent.is_empty() || (code == 1 && tells), "{line}: {run:?}");
    }
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let folder = tempfile::tempdir().unwrap();
    let service = |number| {
        format!("  - name: s{number}\n    configuration: {{ image: docker.io/library/nginx }}\n")
    };
    let many: String = (0..500).map(service).collect();
    let many = "services:\n".to_owned() + &many;
    write(&folder.path().join("many.yml"), &many);
    for line in ["lint many.yml", "lint many.yml --format json", "schema"] {
        let mut command = program(folder.path());
        command.args(line.split(' ')).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut first = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        let status = child.wait().unwrap();
        assert!(!first.is_empty());
        assert_eq!((status.code(), said.as_str()), (Some(0), ""), "{line}");
    }
}

#[test]
fn colours_come_when_they_are_asked_for() {
    let plain = ten(&[]);
    let never = ten(&["--color", "never"]);
    let always = ten(&["--color", "always"]);
    assert_eq!(plain.out, never.out);
    assert!(!plain.out.contains('\u{1b}') && always.out.contains("\u{1b}["));
    let without = regex::Regex::new("\u{1b}\\[[0-9;]*m").unwrap().replace_all(&always.out, "");
    assert_eq!(without, plain.out);
}

#[test]
fn every_code_is_explained() {
    let all = run(Path::new("."), &["explain"]).out;
    let documents: Value = parsed(&run(Path::new("."), &["explain", "--format", "json"]));
    for (place, code) in code::all().enumerate() {
        let run = run(Path::new("."), &["explain", code.id]);
        let head = format!("{}  {:7}  {}\n", code.id, code.severity.word(), code.title);
        assert_eq!((run.code, run.err.as_str()), (0, ""), "{}", code.id);
        assert!(run.out.starts_with(&head), "{}: {}", code.id, run.out);
        assert!(all.contains(&head), "{}", code.id);
        let body = run.out.strip_prefix(&head).unwrap().trim();
        assert!(body.len() > 20 && !body.contains("\n "), "{}: {body}", code.id);
        assert_eq!(documents[place]["code"], code.id);
        assert_eq!(documents[place]["explanation"].as_str().unwrap().trim(), body);
    }
}

/// The long flags of every command, and of those that all of them take.
fn flags() -> Vec<(String, BTreeSet<String>)> {
    let mut definition = definition();
    definition.build();
    let of = |command: &clap::Command| -> BTreeSet<String> {
        command.get_arguments().filter_map(|one| Some(one.get_long()?.to_owned())).collect()
    };
    let commands = definition
        .get_subcommands()
        .filter(|command| command.get_name() != "help" && !command.is_hide_set());
    commands.map(|command| (command.get_name().to_owned(), of(command))).collect()
}

#[test]
fn completions_know_every_flag() {
    for shell in ["bash", "elvish", "fish", "powershell", "zsh"] {
        let run = run(Path::new("."), &["completions", shell]);
        assert_eq!((run.code, run.err.as_str()), (0, ""), "{shell}");
        for (command, flags) in flags() {
            assert!(run.out.contains(&command), "{shell}: {command}");
            for flag in flags {
                let written =
                    if shell == "fish" { format!("-l {flag}") } else { format!("--{flag}") };
                assert!(run.out.contains(&written), "{shell}: {command} {written}");
            }
        }
    }
}

#[test]
fn manual_pages_know_every_flag() {
    let folder = tempfile::tempdir().unwrap();
    let run = run(folder.path(), &["man", "pages"]);
    assert_eq!((run.code, run.err.as_str()), (0, ""));
    let page = |name: &str| text(&folder.path().join("pages").join(name)).replace("\\-", "-");
    let whole = page("stackwright.1");
    for (command, flags) in flags() {
        assert!(whole.contains(&format!("stackwright-{command}(1)")), "{command}");
        let page = page(&format!("stackwright-{command}.1"));
        assert!(page.contains(&format!("stackwright-{command}")), "{page}");
        for flag in flags {
            assert!(page.contains(&format!("--{flag}")), "{command}: --{flag}");
        }
    }
    assert_eq!(run.out.lines().count(), flags().len() + 1);
}
