//! What the tests share: files of the repository, things beside it, and the real binary.

#![expect(clippy::disallowed_methods, reason = "tests touch the disk and start the program")]

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// The text of a file; a test without its file fails.
pub fn text(path: &Path) -> String {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    String::from_utf8(bytes).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Writes a file, making its folder first.
pub fn write(path: &Path, text: &str) {
    let folder = path.parent().unwrap_or(Path::new(""));
    std::fs::create_dir_all(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    std::fs::write(path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

/// Takes a file away.
pub fn remove(path: &Path) {
    std::fs::remove_file(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

/// What is in a folder, in the order of the names.
pub fn list(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder);
    let entries = entries.unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// Whether expected texts are to be written anew instead of compared.
pub fn updates() -> bool {
    std::env::var_os("UPDATE").is_some_and(|value| value == "1")
}

/// Holds a text against the file that keeps it, or writes the file anew under `UPDATE=1`.
pub fn compare(path: &str, found: &str) {
    let path = Path::new(path);
    if updates() {
        return write(path, found);
    }
    let kept = std::fs::read_to_string(path).unwrap_or_default();
    let first = kept.lines().zip(found.lines()).position(|(kept, found)| kept != found);
    let line = first.unwrap_or_else(|| kept.lines().count().min(found.lines().count())) + 1;
    assert!(
        kept == found,
        "{} is out of date from line {line} on; look at the difference that \
         `UPDATE=1 cargo test --test it generated` makes, and keep it if it is meant",
        path.display()
    );
}

/// Whether that is run for which a debug build takes minutes.
pub fn is_thorough() -> bool {
    !cfg!(debug_assertions) || std::env::var_os("RUN_SLOW_TESTS").is_some()
}

/// A folder beside the checkout, or where a variable says; none is told aloud.
pub fn beside(variable: &str, name: &str) -> Option<PathBuf> {
    let usual = Path::new("../shared").join(name);
    let folder = std::env::var_os(variable).map_or(usual, PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    // Straight to standard error: what a test prints by macro is kept back where it passes.
    let said = format!("SKIPPED: there is no {}; {variable} says where it is\n", folder.display());
    std::io::stderr().write_all(said.as_bytes()).unwrap();
    None
}

/// The real program, in an empty environment and some folder.
pub fn program(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stackwright"));
    command.current_dir(folder).env_clear();
    command
}

/// What one run of the program ended with and said.
#[derive(Debug)]
pub struct Run {
    /// The exit code.
    pub code: i32,
    /// What it wrote to standard output.
    pub out: String,
    /// What it wrote to standard error.
    pub err: String,
}

/// Runs the real program.
pub fn run(folder: &Path, arguments: &[&str]) -> Run {
    let output = program(folder).args(arguments).output().unwrap();
    let Output { status, stdout, stderr } = output;
    let text = |bytes| String::from_utf8(bytes).unwrap();
    Run { code: status.code().unwrap_or(-1), out: text(stdout), err: text(stderr) }
}
