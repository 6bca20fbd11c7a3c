//! Hostile input: whatever a file holds, it is told, in a second, in 100 MB, and in clean text.
//!
//! Every input goes through the real program as a child with limits of memory, processor and time,
//! in all four formats. The large ones are as large as a file may be in a release build, and an
//! eighth of it in a slower one. What the inputs cost is shown by
//! `HOSTILE_TABLE=1 cargo test --release --test it hostile -- --nocapture --test-threads 1`,
//! which needs GNU time.

#![expect(clippy::disallowed_methods, reason = "tests touch the disk and start the program")]

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::support::is_thorough;

mod bombs;
mod corpora;
mod graphs;
mod keys;
mod outside;
mod texts;

/// How large the large inputs are.
const LARGE: usize = if cfg!(debug_assertions) { 1 << 20 } else { (8 << 20) - 4096 };
/// From how many bytes on an input is large.
const SMALL: usize = 50_000;
/// How many of anything there are in large lists, none of which may cost the square.
const MANY: usize = if cfg!(debug_assertions) { 2000 } else { 10_000 };
/// How many KiB of memory the program may write to: 40 MB that its threads reserve, few of them in
/// use, and 100 MB of data.
const DATA_MAX: usize = 140_000;
/// How many bytes it may write.
const OUTPUT_MAX: usize = 2 << 20;
/// How long it may compute, and a third of how long it may hang, however slow the machine is.
const SECONDS_MAX: u64 = 20;

/// An input and what must be said about it.
struct Case {
    name: String,
    files: Vec<(String, Vec<u8>)>,
    arguments: Vec<String>,
    /// Codes that must be told, each with a place.
    codes: Vec<&'static str>,
    refused: bool,
}

/// A stack file that must be refused, with these codes among others.
fn refused(name: impl Into<String>, codes: &[&'static str], text: impl Into<Vec<u8>>) -> Case {
    let files = vec![("stack.yml".to_owned(), text.into())];
    let arguments = vec!["stack.yml".to_owned()];
    Case { name: name.into(), files, arguments, codes: codes.to_vec(), refused: true }
}

/// A stack file that must be accepted.
fn accepted(name: impl Into<String>, text: impl Into<Vec<u8>>) -> Case {
    Case { refused: false, ..refused(name, &[], text) }
}

impl Case {
    /// Another file beside the stack file.
    fn with(mut self, name: &str, text: impl Into<Vec<u8>>) -> Self {
        self.files.push((name.to_owned(), text.into()));
        self
    }

    /// More arguments.
    fn arguments(mut self, arguments: &[&str]) -> Self {
        self.arguments.extend(arguments.iter().map(|&argument| argument.to_owned()));
        self
    }

    fn is_small(&self) -> bool {
        self.files.iter().map(|(_, text)| text.len()).sum::<usize>() < SMALL
    }

    fn run(&self) -> Result<(), String> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in &self.files {
            let path = folder.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        let arguments: Vec<&str> = self.arguments.iter().map(String::as_str).collect();
        lint(&self.name, folder.path(), &arguments, self.refused, &self.codes)
    }
}

/// Runs all inputs; what is wrong with any of them is told together.
fn run_all(cases: impl IntoIterator<Item = Case>) {
    let (run, skipped): (Vec<Case>, Vec<Case>) =
        cases.into_iter().partition(|case| is_thorough() || case.is_small());
    if !skipped.is_empty() {
        eprintln!("SKIPPED: {} large inputs, RUN_SLOW_TESTS=1 runs them", skipped.len());
    }
    let failures: Vec<String> = run.into_iter().filter_map(|case| case.run().err()).collect();
    assert!(failures.is_empty(), "\n{}", failures.join("\n"));
}

/// Lints in every format, and holds the result against what must always be true.
fn lint(
    name: &str,
    folder: &Path,
    arguments: &[&str],
    refused: bool,
    codes: &[&str],
) -> Result<(), String> {
    let length = |path: &&str| {
        folder
            .join(path)
            .metadata()
            .map_or(0, |file| usize::try_from(file.len()).unwrap_or(usize::MAX))
    };
    let is_slow = cfg!(debug_assertions) && arguments.iter().map(length).sum::<usize>() >= SMALL;
    // In a slow build the formats that are made from the same lists are left out for large files.
    let formats =
        if is_slow { &["human", "json"][..] } else { &["human", "json", "sarif", "github"] };
    for format in formats {
        let arguments = [&["lint", "--format", format], arguments].concat();
        let output = run(name, folder, &arguments)?;
        let told = judge(&output, refused).map_err(|what| format!("{name}, {format}: {what}"))?;
        if *format == "json" {
            places(&told, codes).map_err(|what| format!("{name}: {what}\n{}", start(&told)))?;
        }
    }
    Ok(())
}

/// The program under limits.
fn run(name: &str, folder: &Path, arguments: &[&str]) -> Result<Output, String> {
    let table = std::env::var_os("HOSTILE_TABLE").is_some();
    let measured = if table { "/usr/bin/time -q -a -o table -f '%e s %M KB'" } else { "" };
    let script = format!(
        "ulimit -d {DATA_MAX} && ulimit -t {SECONDS_MAX} && exec timeout {} {measured} \"$@\"",
        3 * SECONDS_MAX
    );
    let mut command = Command::new("sh");
    command.args(["-c", &script, "sh", env!("CARGO_BIN_EXE_stackwright")]).args(arguments);
    let path = std::env::var_os("PATH").unwrap_or_default();
    command.current_dir(folder).env_clear().env("PATH", path);
    let output = command.output().map_err(|error| format!("{name}: {error}"))?;
    if table {
        let measured = std::fs::read_to_string(folder.join("table")).unwrap_or_default();
        let size = output.stdout.len() + output.stderr.len();
        let last = measured.lines().last().unwrap_or("");
        println!("{last:>16} {size:>8} bytes out  {name} {}", arguments.join(" "));
    }
    Ok(output)
}

/// What must be true of every run; gives what was written to standard output.
fn judge(output: &Output, refused: bool) -> Result<String, String> {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).map_err(|error| error.to_string());
    let (out, err) = (text(&output.stdout)?, text(&output.stderr)?);
    if output.status.code() != Some(i32::from(refused)) {
        return Err(format!("ends with {}\n{}{}", output.status, start(&out), start(&err)));
    }
    if out.len() + err.len() > OUTPUT_MAX {
        return Err(format!("writes {} bytes", out.len() + err.len()));
    }
    if let Some(c) = out.chars().chain(err.chars()).find(|c| acts(*c)) {
        return Err(format!("writes {}", c.escape_unicode()));
    }
    for word in ["panicked", "memory allocation", "overflowed"] {
        if err.contains(word) {
            return Err(start(&err).to_owned());
        }
    }
    Ok(out)
}

/// Whether a character does something to a terminal, or to how the text around it is read.
fn acts(c: char) -> bool {
    let turns = matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}' | '\u{feff}');
    c != '\n' && (c.is_control() || turns)
}

/// Holds the places of a report, and that the codes are among those that it tells.
fn places(report: &str, codes: &[&str]) -> Result<(), String> {
    let report: Value = serde_json::from_str(report).map_err(|error| error.to_string())?;
    let told = report["diagnostics"].as_array().ok_or("no list of diagnostics")?;
    for one in told {
        let number = |key: &str| one[key].as_u64().unwrap_or(0);
        let start = (number("line"), number("column"));
        let end = (number("endLine"), number("endColumn"));
        let placed = start >= (1, 1) && start <= end && start.1 >= 1;
        if !placed || one["file"].as_str().is_none_or(str::is_empty) {
            return Err(format!("no place: {one}"));
        }
    }
    let found: Vec<&str> = told.iter().filter_map(|one| one["code"].as_str()).collect();
    let missing: Vec<_> = codes.iter().filter(|code| !found.contains(code)).collect();
    if missing.is_empty() { Ok(()) } else { Err(format!("{missing:?} not among {found:?}")) }
}

/// The beginning of a text, for a message of a test.
fn start(text: &str) -> &str {
    let end = (0..=text.len().min(1500)).rev().find(|end| text.is_char_boundary(*end));
    text.get(..end.unwrap_or(0)).unwrap_or("")
}

/// A stack with these services.
fn stack(services: &str) -> String {
    format!("stack: {{name: a}}\nservices:\n{services}")
}

/// A stack with one service that is configured so.
fn service(configuration: &str) -> String {
    stack(&format!("- name: w\n  configuration:\n    image: docker.io/a:1\n{configuration}"))
}

/// A text again and again, until it is large.
fn fill(text: &str) -> String {
    text.repeat(LARGE / text.len())
}

/// Texts with a number in place of each `%`, until they are large or so many.
fn count(text: &str, most: usize) -> String {
    let mut out = String::new();
    for number in 0..most {
        if out.len() + text.len() > LARGE {
            break;
        }
        out.push_str(&text.replace('%', &number.to_string()));
    }
    out
}
