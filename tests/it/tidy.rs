//! The house rules, held by a test; `README.md` tells them under "House rules".

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::support::{list, text};

/// How many lines a file may have, up to its tests.
const FILE_LINES_MAX: usize = 500;
/// How many lines a function may have.
const FUNCTION_LINES_MAX: usize = 70;
/// How many columns a line may have.
const COLUMNS_MAX: usize = 100;

/// What stands at the top of the repository, beside names that begin with a dot.
const TOP_LEVEL: &[&str] = &[
    "CHANGELOG.md",
    "Cargo.lock",
    "Cargo.toml",
    "LICENSE",
    "README.md",
    "schema",
    "snapshots",
    "src",
    "stacks",
    "templates",
    "tests",
];

/// Who may use whom: a module of `src/`, and the modules of ours that it may name.
///
/// `lib` is what stands in `src/lib.rs` itself. Tests inside of a file may use anything.
const IMPORTS: &[(&str, &[&str])] = &[
    // Vocabulary: what every stage speaks.
    ("source", &[]),
    ("report", &["source"]),
    ("graph", &[]),
    ("threads", &[]),
    ("capability", &[]),
    ("host", &["threads"]),
    // Front: from a text to what it means.
    ("model", &["source", "report"]),
    ("load", &["source", "report", "threads", "host", "model"]),
    ("pattern", &["source", "report", "host", "model", "load"]),
    ("silence", &["source", "report", "model", "load"]),
    ("check", &["source", "report", "graph", "threads", "capability", "model", "load"]),
    ("config", &["source", "report", "capability", "host", "model", "load", "silence"]),
    // Back: what follows from a checked stack, how it is shown, and what is made of it.
    ("resolve", &["graph", "threads", "host", "model", "check"]),
    ("emit", &["threads", "capability", "host", "model", "resolve"]),
    ("draw", &[]),
    // The host: what is kept there, what has to be done, and doing it.
    ("unit_file", &[]),
    ("state", &["host"]),
    ("plan", &["host", "state", "unit_file"]),
    ("observe", &["host", "plan"]),
    ("apply", &["threads", "host", "observe", "plan", "state", "unit_file"]),
    (
        "preflight",
        &["report", "threads", "capability", "host", "plan", "state", "apply", "unit_file"],
    ),
    ("score", &["host", "plan", "state"]),
    ("drift", &["host", "plan", "state", "unit_file"]),
    // The crate in one function, and the command line over all of it.
    ("lib", &["source", "report", "host", "load", "pattern", "silence", "check", "config"]),
    (
        "cli",
        &[
            "source",
            "report",
            "threads",
            "capability",
            "host",
            "model",
            "load",
            "pattern",
            "check",
            "config",
            "resolve",
            "emit",
            "draw",
            "state",
            "plan",
            "observe",
            "apply",
            "preflight",
            "score",
            "drift",
            "unit_file",
            "lib",
        ],
    ),
    ("main", &["cli"]),
];

/// Where the outside world may be touched: files, and all that lies below a folder.
const OUTSIDE: &[&str] = &[
    "src/host/disk.rs",
    "src/host/folder.rs",
    "src/host/real/",
    "src/cli/output.rs",
    "src/main.rs",
];

/// Words that touch the outside world.
const TOUCHES: &[&str] = &[
    "std::fs",
    "std::env",
    "std::process",
    "rustix::",
    "SystemTime",
    "Instant::",
    ".canonicalize()",
    ".exists()",
    ".is_dir()",
    ".is_file()",
    ".metadata()",
    ".read_dir()",
];

/// Words that print.
const PRINTS: &[&str] = &["print!(", "println!(", "stdout()", "stderr()"];

/// What is left undone is an issue, and no remark in the code.
const UNDONE: &[&str] = &[
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("dbg", "!("),
    concat!("to", "do!("),
    concat!("unimple", "mented!("),
];

/// What says where or how the work was done, or would bind it to one registry.
const DENIED: &[&str] = &[
    concat!("/wo", "rk/"),
    concat!("ses", "sion"),
    concat!("crates", ".io"),
    concat!("docs", ".rs/"),
    concat!("npm", "js.com"),
    concat!("py", "pi.org"),
];

/// Keys of other programs in their own configuration files, by a part of the path.
const GIVEN: &[(&str, &str)] =
    &[("authelia", concat!("ses", "sion:")), ("authentication-stack", concat!("ses", "sion:"))];

#[test]
fn every_source_file_says_what_it_is_for() {
    let mut tidy = Tidy::default();
    for (path, text) in sources() {
        let first = text.lines().next().unwrap_or("");
        let sentence = first.strip_prefix("//! ").unwrap_or("").trim_start_matches("# ");
        if sentence.is_empty() {
            tidy.tell(&path, 1, "begins without a `//!` sentence", "say what it is for");
        }
        if path.ends_with("mod.rs") {
            tidy.tell(&path, 1, "is a `mod.rs`", "name it after its module: `foo.rs` and `foo/`");
        }
    }
    tidy.finish();
}

#[test]
fn files_functions_and_lines_are_short() {
    let mut tidy = Tidy::default();
    for (path, text) in sources() {
        let lines: Vec<&str> = code_lines(&text).collect();
        if lines.len() > FILE_LINES_MAX {
            let what = format!("has {} lines, {FILE_LINES_MAX} are allowed", lines.len());
            tidy.tell(&path, FILE_LINES_MAX, &what, "a topic of its own is a file of its own");
        }
        for (line, length) in functions(&lines) {
            if length > FUNCTION_LINES_MAX {
                let what =
                    format!("a function of {length} lines, {FUNCTION_LINES_MAX} are allowed");
                tidy.tell(&path, line, &what, "give its steps names");
            }
        }
    }
    for path in rust_files("src").into_iter().chain(rust_files("tests/it")) {
        for (line, found) in (1..).zip(text(&path).lines()) {
            let columns = found.chars().count();
            if columns > COLUMNS_MAX {
                let what = format!("{columns} columns, {COLUMNS_MAX} are allowed");
                tidy.tell(&path, line, &what, "break the line");
            }
        }
    }
    tidy.finish();
}

#[test]
fn nothing_is_left_undone_and_nothing_says_where_it_was_made() {
    let mut tidy = Tidy::default();
    for path in kept_files(Path::new(".")) {
        let name = path.to_string_lossy();
        // A lock file names the registry, and the harness of fuzzing has one too.
        if name.ends_with("Cargo.lock") || name.ends_with(".png") {
            continue;
        }
        let Some(text) = text_if_any(&path) else { continue };
        let is_code = path.extension().is_some_and(|end| end == "rs");
        for (line, found) in (1..).zip(text.lines()) {
            for word in UNDONE.iter().filter(|word| is_code && found.contains(**word)) {
                let what = format!("`{word}`");
                tidy.tell(&path, line, &what, "do it now, or write an issue");
            }
            let small = found.to_lowercase();
            let is_given = |(of, key): &(&str, &str)| name.contains(of) && small.trim() == *key;
            if GIVEN.iter().any(is_given) {
                continue;
            }
            for word in DENIED.iter().filter(|word| has_word(&small, word)) {
                tidy.tell(&path, line, &format!("`{word}`"), "say it without that word");
            }
        }
    }
    tidy.finish();
}

#[test]
fn modules_use_only_what_lies_below_them() {
    let mut tidy = Tidy::default();
    let known: BTreeSet<&str> = IMPORTS.iter().map(|(module, _)| *module).collect();
    let mut unused: BTreeSet<(&str, &str)> = BTreeSet::new();
    for (module, allowed) in IMPORTS {
        unused.extend(allowed.iter().map(|used| (*module, *used)));
    }
    for (path, text) in sources() {
        let module = module_of(&path);
        let Some((_, allowed)) = IMPORTS.iter().find(|(name, _)| *name == module) else {
            let help = "say in the table IMPORTS of this test what it may use";
            tidy.tell(&path, 1, &format!("`{module}` has no rule"), help);
            continue;
        };
        let depth = path.components().count() - 1;
        for (line, found) in (1..).zip(code_lines(&text)) {
            for used in uses(found, depth, &module) {
                let used = if known.contains(used) { used } else { "lib" };
                unused.retain(|one| *one != (module.as_str(), used));
                if used != module && !allowed.contains(&used) {
                    let what = format!("`{module}` uses `{used}`");
                    let help = "move what both need to a module that lies below both";
                    tidy.tell(&path, line, &what, help);
                }
            }
        }
    }
    for (module, used) in unused {
        let what = format!("the table lets `{module}` use `{used}`, which it does not");
        tidy.tell(Path::new("tests/it/tidy.rs"), 1, &what, "take it out of the table");
    }
    tidy.finish();
}

#[test]
fn the_outside_world_is_touched_in_one_place() {
    let mut tidy = Tidy::default();
    for (path, text) in sources() {
        let name = path.to_string_lossy();
        for (line, found) in (1..).zip(code_lines(&text)) {
            let code = found.split("//").next().unwrap_or("");
            for word in TOUCHES.iter().filter(|word| code.contains(**word)) {
                let is_inside = |place: &&str| match place.ends_with('/') {
                    true => name.starts_with(*place),
                    false => name == *place,
                };
                if !OUTSIDE.iter().any(is_inside) {
                    let help = "let `src/host/` do it, behind `Look`";
                    tidy.tell(&path, line, &format!("`{word}`"), help);
                }
            }
            for word in PRINTS.iter().filter(|word| code.contains(**word)) {
                if name != "src/cli/output.rs" {
                    let help = "return a text, and let `src/cli/output.rs` print it";
                    tidy.tell(&path, line, &format!("`{word}`"), help);
                }
            }
        }
    }
    tidy.finish();
}

#[test]
fn every_file_is_a_part_of_something() {
    let mut tidy = Tidy::default();
    for (folder, root) in [("src", "lib"), ("tests/it", "main")] {
        for path in rust_files(folder) {
            let (parent, stem) = parent(&path, folder, root);
            if !["lib", "main"].contains(&stem.as_str()) && !declares(&text(&parent), &stem) {
                let what = format!("is no module of {}", parent.display());
                tidy.tell(&path, 1, &what, "declare it, or take it away");
            }
        }
    }
    for path in list(Path::new(".")) {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let is_ours = name.starts_with('.') || TOP_LEVEL.contains(&name.as_str());
        if !is_ours && !is_ignored(&path) {
            tidy.tell(&path, 1, "does not belong at the top", "put it where its kind is");
        }
    }
    tidy.finish();
}

#[test]
fn the_rules_of_this_test_see_what_they_look_for() {
    let code = "fn a(\n    b: u8,\n) -> u8 {\n    b\n}\n\ntrait T {\n    fn c(&self);\n\n    \
                fn d(&self) {}\n}\n#[cfg(test)]\nmod tests {}\n";
    let lines: Vec<&str> = code_lines(code).collect();
    assert_eq!(lines.len(), 11);
    assert_eq!(functions(&lines).collect::<Vec<_>>(), [(1, 5), (8, 1), (10, 1)]);
    let found = |line, depth| uses(line, depth, "load").collect::<Vec<_>>();
    assert_eq!(found("use crate::check::{View};", 1), ["check"]);
    assert_eq!(found("    crate::report::code::raw::A", 1), ["report"]);
    assert_eq!(found("use super::super::check::View;", 2), ["check"]);
    assert_eq!(found("use super::tree::Tree;", 2), Vec::<&str>::new());
    assert_eq!(found("use crate::{Compiled, compile};", 1), ["lib"]);
    assert_eq!(found("// what crate::check says", 1), Vec::<&str>::new());
    assert_eq!(module_of(Path::new("src/cli/output.rs")), "cli");
    assert!(has_word("in the last lunch, we", "lunch") && !has_word("lunch_key", "lunch"));
    assert!(has_word("at=/there/x", "/there/"));
}

/// What was found, told all at once.
#[derive(Default)]
struct Tidy {
    problems: Vec<String>,
}

impl Tidy {
    fn tell(&mut self, path: &Path, line: usize, what: &str, help: &str) {
        self.problems.push(format!("{}:{line}: {what}; {help}", path.display()));
    }

    fn finish(self) {
        let problems = self.problems.join("\n");
        assert!(problems.is_empty(), "\n{problems}\n(README.md, \"House rules\", has the rules)\n");
    }
}

/// The files of `src/` with their texts.
fn sources() -> impl Iterator<Item = (PathBuf, String)> {
    rust_files("src").into_iter().map(|path| {
        let text = text(&path);
        (path, text)
    })
}

fn rust_files(folder: &str) -> Vec<PathBuf> {
    let mut files = kept_files(Path::new(folder));
    files.retain(|path| path.extension().is_some_and(|end| end == "rs"));
    files
}

/// All files in a folder that belong to the repository.
fn kept_files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(folder) = open.pop() {
        for path in list(&folder) {
            let is_link = path.symlink_metadata().is_ok_and(|data| data.is_symlink());
            if is_link || is_ignored(&path) {
                continue;
            }
            if path.is_dir() {
                open.push(path);
            } else {
                files.push(path.strip_prefix(".").map_or(path.clone(), Path::to_owned));
            }
        }
    }
    files.sort();
    files
}

/// Whether `.gitignore` leaves a path out, which has whole paths and no patterns.
fn is_ignored(path: &Path) -> bool {
    let path = path.strip_prefix(".").unwrap_or(path);
    let ignored = text(Path::new(".gitignore"));
    path == Path::new(".git")
        || ignored.lines().any(|line| path == Path::new(line.trim_matches('/')))
}

fn text_if_any(path: &Path) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "some fixtures are no text")]
    std::fs::read_to_string(path).ok()
}

/// Whether a line has a word, and not as a part of a longer one; a path may be a part.
fn has_word(line: &str, word: &str) -> bool {
    let goes_on =
        |c: char| word.chars().all(char::is_alphabetic) && (c == '_' || c.is_alphanumeric());
    line.match_indices(word).any(|(place, _)| {
        let before = line.get(..place).unwrap_or("");
        let after = line.get(place + word.len()..).unwrap_or("");
        !before.ends_with(goes_on) && !after.starts_with(goes_on)
    })
}

/// The lines of a file up to its tests.
fn code_lines(text: &str) -> impl Iterator<Item = &str> {
    text.lines().take_while(|line| *line != "#[cfg(test)]")
}

/// Where each function begins, and how many lines it has; the layout of rustfmt is relied on.
fn functions<'l>(lines: &'l [&'l str]) -> impl Iterator<Item = (usize, usize)> {
    let begins = |line: &str| {
        let mut words = line.trim_start().split(' ').skip_while(|word| {
            word.starts_with("pub") || ["const", "async", "unsafe", "extern"].contains(word)
        });
        words.next() == Some("fn")
    };
    lines.iter().enumerate().filter(move |(_, line)| begins(line)).map(|(start, line)| {
        let rest = lines.get(start..).unwrap_or(&[]);
        let indent = line.len() - line.trim_start().len();
        let head = rest.iter().position(|line| line.ends_with(['{', ';', '}'])).unwrap_or(0);
        let opens = rest.get(head).is_some_and(|line| line.ends_with('{'));
        let closes = |line: &&str| line.trim_start() == "}" && line.len() == indent + 1;
        let end = if opens { rest.iter().position(closes).unwrap_or(head) } else { head };
        (start + 1, end + 1)
    })
}

/// The first word of a file's path below `src/`.
fn module_of(path: &Path) -> String {
    let below = path.strip_prefix("src").unwrap_or(path);
    let first = below.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

/// The modules at the top of the crate that a line names.
fn uses<'l>(line: &'l str, depth: usize, module: &str) -> impl Iterator<Item = &'l str> {
    let code = line.split("//").next().unwrap_or("");
    let own = if module == "main" { "stackwright::" } else { "crate::" };
    let roots = [own.to_owned(), "super::".repeat(depth)];
    let mut found = Vec::new();
    for root in roots {
        let mut rest = code;
        while let Some(place) = rest.find(&root) {
            let before = rest.get(..place).unwrap_or("");
            rest = rest.get(place + root.len()..).unwrap_or("");
            let length = rest.find(|c: char| !c.is_alphanumeric() && c != '_');
            let name = rest.get(..length.unwrap_or(rest.len())).unwrap_or("");
            let is_longer = before.ends_with(|c: char| c.is_alphanumeric() || c == ':');
            if !is_longer && name != "super" {
                found.push(if name.starts_with(char::is_lowercase) { name } else { "lib" });
            }
        }
    }
    // `src/lib.rs` names its modules as they are.
    for (name, _) in IMPORTS.iter().filter(|_| module == "lib") {
        let named = |(place, _): &(usize, &str)| {
            let before = code.get(..*place).unwrap_or("");
            let after = code.get(place + name.len()..).unwrap_or("");
            after.starts_with("::") && !before.ends_with(|c: char| c.is_alphanumeric() || c == ':')
        };
        found.extend(code.match_indices(name).find(named).map(|(_, name)| name));
    }
    found.into_iter()
}

/// The file that must declare another one, and under which name.
fn parent(path: &Path, folder: &str, root: &str) -> (PathBuf, String) {
    let stem = path.file_stem().unwrap().to_string_lossy().into_owned();
    let above = path.parent().unwrap();
    match above == Path::new(folder) {
        true => (above.join(root).with_extension("rs"), stem),
        false => (above.with_extension("rs"), stem),
    }
}

/// Whether a file declares a module.
fn declares(text: &str, module: &str) -> bool {
    let declared = |line: &str| {
        let line = line.trim_start().trim_start_matches("pub ").trim_start_matches("pub(crate) ");
        line.strip_prefix("mod ").and_then(|rest| rest.strip_suffix(';')) == Some(module)
    };
    text.lines().any(declared)
}
