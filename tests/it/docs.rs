//! What `README.md`, the examples and the files for CI say is so.
//!
//! A YAML block of the README is a stack about which nothing is to be said. Words behind its `yaml`
//! say more: a name makes it a file that commands further down find, `wrong` has mistakes, `part`
//! is no whole stack, `config` is `.stackwright.yml`. A block of `console` is run: what stands
//! under a line `$ stackwright …` or `$ cat …` is what it prints. `mermaid` is the graph of Immich.
//! `UPDATE=1 cargo test --test it docs` writes these outputs anew.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value;
use stackwright::check::Target;
use stackwright::cli::definition;
use stackwright::config::{self, Config};
use stackwright::host::Look;
use stackwright::host::disk::Disk;
use stackwright::host::memory::Memory;
use stackwright::load::{FILE_SIZE_MAX, Request};
use stackwright::report::{Findings, human};
use stackwright::source::Sources;
use stackwright::{Input, compile};

use crate::support::{list, run, text, updates, write};

const README: &str = "README.md";

/// The command whose output the block of `mermaid` shows.
const DRAWING: &str = "stackwright graph immich --format mermaid";

/// A fenced block of the README.
#[derive(Debug, Clone)]
pub struct Block {
    /// The line of its fence.
    pub line: usize,
    /// What stands behind the fence: `yaml wrong blog.yml`.
    pub kind: String,
    /// What is inside.
    pub text: String,
}

impl Block {
    fn words(&self) -> Vec<&str> {
        self.kind.split(' ').collect()
    }

    fn is(&self, kind: &str) -> bool {
        self.words().contains(&kind)
    }

    /// Whether it is a whole stack without a mistake.
    pub fn is_stack(&self) -> bool {
        self.is("yaml") && !["wrong", "part", "config"].iter().any(|kind| self.is(kind))
    }

    /// The name of the file that it is.
    fn file(&self) -> Option<&str> {
        self.words().into_iter().find(|word| Path::new(word).extension().is_some())
    }
}

#[test]
fn nothing_is_to_be_said_about_the_examples() {
    let stacks = stacks();
    assert_eq!(told(&stacks, &Disk), "");
    assert!(stacks.len() >= 13, "an example is gone: {stacks:?}");
}

/// What a person needs who deploys an example, and what keeps its services within bounds.
#[test]
fn the_examples_are_complete() {
    let mut missing = Vec::new();
    for path in stacks() {
        let stack: Value = serde_yaml::from_str(&text(&path)).unwrap();
        let mut want = |of: &str, value: &Value, at: &str| {
            let found = value.pointer(at);
            let is_there = found.is_some_and(|found| found.as_array().is_none_or(|l| l.len() > 1));
            if !is_there {
                missing.push(format!("{}: {of} {at}", path.display()));
            }
        };
        for key in ["stack/description", "metadata/criticality", "metadata/category"] {
            want("", &stack, &format!("/{key}"));
        }
        for key in ["validation/tests", "documentation/post_deployment"] {
            want("", &stack, &format!("/{key}"));
        }
        want("", &stack, "/documentation/troubleshooting");
        for service in stack["services"].as_array().unwrap() {
            let name = service["name"].as_str().unwrap();
            for key in ["image", "memory", "security/no_new_privileges"] {
                want(name, service, &format!("/configuration/{key}"));
            }
            want(name, service, "/description");
        }
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

#[test]
fn nothing_is_to_be_said_about_the_stacks_of_the_readme() {
    let mut stacks = 0;
    for block in blocks().iter().filter(|block| block.is("yaml")) {
        let at = format!("{README}:{}", block.line);
        let yaml: Result<Value, _> = serde_yaml::from_str(&block.text);
        assert!(yaml.is_ok(), "{at}: {yaml:?}");
        let mut look = memory();
        if block.is_stack() {
            look.files.insert("block.yml".into(), block.text.clone().into());
            assert_eq!(told(&["block.yml".into()], &look), "", "{at}");
            stacks += 1;
        } else if block.is("config") {
            look.files.insert(config::FILE.into(), block.text.clone().into());
            let (mut sources, mut findings) = (Sources::default(), Findings::default());
            config::find(Path::new(""), &look, &mut sources, &mut findings);
            assert_eq!(shown(&findings, &sources), "", "{at}");
        }
    }
    assert!(stacks >= 5, "{stacks} stacks in {README}");
}

#[test]
fn the_readme_shows_what_is_printed() {
    let folder = tempfile::tempdir().unwrap();
    for block in blocks() {
        if let Some(name) = block.file() {
            write(&folder.path().join(name), &block.text);
        }
    }
    for path in stacks() {
        write(&folder.path().join(&path), &text(&path));
    }
    let mut page = String::new();
    let mut rest = text(Path::new(README));
    for block in blocks() {
        let new = match block.kind.as_str() {
            "console" => replayed(&block.text, folder.path()),
            "mermaid" => printed(DRAWING, folder.path()),
            _ => block.text.clone(),
        };
        let fence = format!("```{}\n{}```\n", block.kind, block.text);
        let (before, after) = rest.split_once(&fence).unwrap();
        page.extend([before, "```", &block.kind, "\n", &new, "```\n"]);
        rest = after.to_owned();
    }
    page += &rest;
    if updates() {
        return write(Path::new(README), &page);
    }
    let kept = text(Path::new(README));
    let differs = kept.lines().zip(page.lines()).position(|(kept, new)| kept != new);
    assert!(
        kept == page,
        "{README}:{}: this is not what is printed; `UPDATE=1 cargo test --test it docs` writes it",
        differs.unwrap_or_default() + 1
    );
    assert!(page.contains(DRAWING), "{README} shows a graph and not how it is made");
}

#[test]
fn commands_that_are_shown_exist() {
    let mut shown = 0;
    let mut check = |at: &str, code: &str| {
        let code = code.replace("cargo run --release -- ", "stackwright ");
        if let Some((_, call)) = code.split_once("stackwright ") {
            shown += 1;
            check_call(at, call);
        }
    };
    for (line, code) in code_of_readme() {
        check(&format!("{README}:{line}"), &code);
    }
    for command in definition().get_subcommands().filter(|command| !command.is_hide_set()) {
        let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
        for line in help.lines().filter(|line| line.starts_with("  stackwright ")) {
            check(&format!("help of {}", command.get_name()), line);
        }
    }
    assert!(shown > 20, "{shown} commands seen");
}

#[test]
fn services_that_help_names_are_in_the_examples() {
    let immich = text(Path::new("stacks/immich.yml"));
    let definition = definition();
    let graph = definition.find_subcommand("graph").unwrap();
    let help = graph.get_after_help().unwrap().to_string();
    let named = help.lines().filter_map(|line| {
        let mut words = line.split_whitespace().skip_while(|word| !word.starts_with("--need"));
        words.nth(1)
    });
    let named: Vec<&str> = named.collect();
    assert_eq!(named.len(), 2);
    for name in named {
        assert!(immich.contains(&format!("- name: {name}\n")), "{name} is not in the example");
    }
}

#[test]
fn files_and_headings_that_are_linked_exist() {
    let page = text(Path::new(README));
    let headings: BTreeSet<String> = page.lines().filter_map(anchor).collect();
    for (line, found) in (1..).zip(page.lines()) {
        let targets = found.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        for target in targets.filter(|target| !target.starts_with("http")) {
            let exists = match target.strip_prefix('#') {
                Some(heading) => headings.contains(heading),
                None => Path::new(target).exists(),
            };
            assert!(exists, "{README}:{line}: there is no `{target}`");
        }
    }
    for script in [".ci/run", "tests/fuzz/run"] {
        assert!(page.contains(script) && Path::new(script).exists(), "{script}");
    }
}

#[test]
fn sections_that_the_reference_links_exist() {
    let page = text(Path::new("schema/format.md"));
    let headings: BTreeSet<String> = page.lines().filter_map(anchor).collect();
    let linked = page.split("](#").skip(1).filter_map(|rest| rest.split(')').next());
    let linked: BTreeSet<String> = linked.map(str::to_owned).collect();
    let unlinked: Vec<&String> = headings.difference(&linked).collect();
    assert_eq!(unlinked, ["the-stack-file-key-by-key"]);
    assert_eq!(linked.difference(&headings).count(), 0, "{linked:?}");
}

#[test]
fn the_action_and_the_hook_call_what_exists() {
    let action = yaml(".github/actions/lint/action.yml");
    for step in action["runs"]["steps"].as_array().unwrap() {
        let script = step["run"].as_str().unwrap();
        assert_eq!(step["shell"], "bash", "a step of a composite action names its shell");
        let calls = script.lines().filter(|line| line.contains(" lint ") || line.contains("flags"));
        calls.for_each(|line| flags_exist("action.yml", "lint", line));
    }
    let inputs: BTreeSet<&str> =
        action["inputs"].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(inputs, ["deny-warnings", "paths", "sarif", "version"].into());

    let hooks = yaml(".pre-commit-hooks.yaml");
    let hook = &hooks[0];
    assert_eq!((&hook["id"], &hook["language"]), (&"stackwright-lint".into(), &"rust".into()));
    check_call(
        ".pre-commit-hooks.yaml",
        hook["entry"].as_str().unwrap().trim_start_matches("stackwright "),
    );

    let ci = text(Path::new(".github/workflows/ci.yml"));
    let workflow = yaml(".github/workflows/ci.yml");
    assert!(workflow["jobs"]["all"].is_object() && ci.contains(".ci/run"));
    let used = [workflow, part("workflow"), part("pre-commit")].map(|value| value.to_string());
    assert!(
        used[0].contains("./.github/actions/lint") && used[1].contains("/.github/actions/lint@")
    );
    assert!(used[2].contains("stackwright-lint"));
    let given = part("workflow")["jobs"]["stacks"]["steps"][1]["with"].clone();
    assert!(given.as_object().unwrap().keys().all(|name| inputs.contains(name.as_str())));
}

/// The fenced blocks of the README, in their order.
pub fn blocks() -> Vec<Block> {
    let (mut blocks, mut open): (Vec<Block>, Option<Block>) = (Vec::new(), None);
    for (line, found) in (1..).zip(text(Path::new(README)).lines()) {
        match (found.strip_prefix("```"), &mut open) {
            (Some(kind), None) => {
                open = Some(Block { line, kind: kind.to_owned(), text: String::new() });
            }
            (Some(_), Some(_)) => blocks.extend(open.take()),
            (None, Some(block)) => block.text.extend([found, "\n"]),
            (None, None) => {}
        }
    }
    assert!(open.is_none(), "a block of {README} is not closed");
    blocks
}

/// The stack files of `stacks/`.
pub fn stacks() -> Vec<PathBuf> {
    let files = list(Path::new("stacks")).into_iter();
    let files: Vec<PathBuf> = files.filter(|path| path.extension().is_some()).collect();
    assert!(files.len() >= 3, "the examples are gone");
    files
}

/// The named files of the README.
fn memory() -> Memory {
    let named = |block: Block| Some((PathBuf::from(block.file()?), block.text.clone().into()));
    Memory { files: blocks().into_iter().filter_map(named).collect() }
}

/// What is said about stacks that are checked together, in an empty environment.
fn told(paths: &[PathBuf], look: &dyn Look) -> String {
    let (mut sources, mut findings) = (Sources::default(), Findings::default());
    let environment = BTreeMap::new();
    let requests = paths.iter().map(|path| Request {
        path,
        overlays: &[],
        env_files: &[],
        environment: &environment,
        size_max: FILE_SIZE_MAX,
    });
    let requests: Vec<Request<'_>> = requests.collect();
    let input = Input {
        requests: &requests,
        config: &Config::default(),
        all_known: false,
        target: Target::default(),
    };
    let compiled = compile(&input, look, &mut sources, &mut findings);
    assert!(findings.has_errors() || compiled.stacks.len() == paths.len());
    shown(&findings, &sources)
}

fn shown(findings: &Findings, sources: &Sources) -> String {
    human::render(findings, sources, human::Style::default())
}

/// A block of `console` with the commands in it run once more.
fn replayed(text: &str, folder: &Path) -> String {
    let calls = text.lines().filter_map(|line| line.strip_prefix("$ "));
    calls.fold(String::new(), |shown, call| shown + "$ " + call + "\n" + &printed(call, folder))
}

fn printed(call: &str, folder: &Path) -> String {
    let mut words = call.split(' ');
    if let Some(file) = call.strip_prefix("cat ") {
        return text(&folder.join(file));
    }
    assert_eq!(words.next(), Some("stackwright"), "{call}");
    let run = run(folder, &words.collect::<Vec<_>>());
    run.out + &run.err
}

/// Code in the prose and in the blocks of the README, with its line.
fn code_of_readme() -> Vec<(usize, String)> {
    let mut code = Vec::new();
    let mut fence: Option<String> = None;
    for (line, found) in (1..).zip(text(Path::new(README)).lines()) {
        match (found.strip_prefix("```"), &fence) {
            (Some(kind), None) => fence = Some(kind.to_owned()),
            (Some(_), Some(_)) => fence = None,
            (None, Some(kind)) if kind == "sh" || kind == "console" && found.starts_with("$ ") => {
                code.push((line, found.split(" #").next().unwrap_or("").to_owned()));
            }
            (None, Some(_)) => {}
            (None, None) => {
                let ticks = found.matches('`').count();
                assert_eq!(ticks % 2, 0, "{README}:{line}: code that goes on in the next line");
                code.extend(
                    found.split('`').skip(1).step_by(2).map(|code| (line, code.to_owned())),
                );
            }
        }
    }
    code
}

/// Checks that a call names a command, and flags that it has.
fn check_call(at: &str, call: &str) {
    let definition = definition();
    let name = call.split_whitespace().next().unwrap_or("");
    assert!(definition.find_subcommand(name).is_some(), "{at}: there is no command `{name}`");
    flags_exist(at, name, call);
}

fn flags_exist(at: &str, command: &str, call: &str) {
    let definition = definition();
    let command = definition.find_subcommand(command).unwrap();
    let known = |flag: &str| {
        let below = command.get_subcommands().flat_map(clap::Command::get_arguments);
        let own = command.get_arguments().chain(below).chain(definition.get_arguments());
        own.filter_map(|argument| argument.get_long()).any(|long| long == flag)
    };
    let ends = |c: char| !c.is_ascii_lowercase() && c != '-';
    let words = call.split([' ', '(', '"']).filter_map(|word| word.strip_prefix("--"));
    for flag in words.map(|word| word.split(ends).next().unwrap_or("")) {
        let name = command.get_name();
        assert!(flag.is_empty() || known(flag), "{at}: `{name}` has no `--{flag}`");
    }
}

/// The anchor that a heading gets.
fn anchor(line: &str) -> Option<String> {
    let heading = line.strip_prefix('#')?.trim_start_matches('#').trim();
    let kept = heading.chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c));
    Some(kept.collect::<String>().to_lowercase().replace(' ', "-"))
}

fn yaml(path: &str) -> Value {
    serde_yaml::from_str(&text(Path::new(path))).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The block of the README that is called so.
fn part(kind: &str) -> Value {
    let block = blocks().into_iter().find(|block| block.is(kind));
    let block = block.unwrap_or_else(|| panic!("no block `{kind}`"));
    serde_yaml::from_str(&block.text).unwrap()
}
