//! The program itself, below a root where nothing runs: in which order it writes, and what it says
//! where its own files are spoilt.

#![expect(clippy::disallowed_methods, reason = "these tests touch the disk and start the program")]

use std::collections::BTreeSet;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Run, list, program, text, write};

const STACK: &str = "
stack: { name: shop }
files: { conf: { content: VERSION } }
services:
  - name: web
    configuration:
      image: docker.io/library/web:1
      environment: { VERSION: VERSION }
      files: [{ source: conf, target: /etc/conf }]
  - name: job
    configuration: { image: docker.io/library/job:1 }
";

/// A folder with a stack file and a root.
pub struct Site {
    folder: tempfile::TempDir,
}

impl Site {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    fn path(&self, inside: &str) -> PathBuf {
        self.folder.path().join(inside)
    }

    pub fn store(&self) -> PathBuf {
        self.path("root/home/a/.local/state/stackwright/stacks/shop")
    }

    /// Writes the stack file, and gives the words that apply it.
    fn stack(&self, version: &str) -> [&'static str; 6] {
        write(&self.path("shop.yml"), &STACK.replace("VERSION", version));
        ["apply", "shop.yml", "--root", "root", "--only-install", "--yes"]
    }

    pub fn run(&self, arguments: &[&str]) -> Run {
        let output =
            program(self.folder.path()).env("HOME", "/home/a").args(arguments).output().unwrap();
        let lossy = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        let code = output.status.code().unwrap_or(-1);
        Run { code, out: lossy(output.stdout), err: lossy(output.stderr) }
    }

    #[track_caller]
    pub fn up(&self, version: &str) {
        let run = self.run(&self.stack(version));
        assert_eq!(run.code, 0, "{}{}", run.out, run.err);
    }
}

/// What is done about a stack of which the third version comes next.
fn commands(site: &Site) -> [Vec<&'static str>; 3] {
    let words = |words: &'static str| words.split(' ').collect();
    let apply = site.stack("three").to_vec();
    [apply, words("rollback shop --root root --yes"), words("remove shop --root root --yes")]
}

#[test]
fn a_manifest_that_is_spoilt_keeps_nobody_from_going_on() {
    for spoilt in [&b""[..], b"{\"version\": 1, ", b"\0\xff", b"null"] {
        for which in 0..3 {
            let site = Site::new();
            site.up("one");
            site.up("two");
            let generations = list(&site.store().join("generations"));
            std::fs::write(generations[1].join("manifest.json"), spoilt).unwrap();
            let run = site.run(&commands(&site)[which]);
            assert_eq!(run.code, 0, "{which}: {}{}", run.out, run.err);
            assert!(run.out.contains("manifest.json cannot be trusted"), "{}", run.out);
            assert_eq!(site.store().join("current").exists(), which < 2);
        }
    }
}

#[test]
fn what_a_stack_says_about_failures_is_kept_with_its_files() {
    let said = |handling: &str| {
        let site = Site::new();
        let words = site.stack("one");
        let path = site.path("shop.yml");
        write(&path, &format!("{}\n{handling}\n", text(&path)));
        let run = site.run(&words);
        assert_eq!(run.code, 0, "{}{}", run.out, run.err);
        let manifest = text(&list(&site.store().join("generations"))[0].join("manifest.json"));
        let manifest: serde_json::Value = serde_json::from_str(&manifest).unwrap();
        let settings = &manifest["settings"];
        let on = |key: &str| settings[key].as_bool().unwrap_or_default();
        let on_failure = settings["on_failure"].as_str().unwrap().to_owned();
        (on_failure, on("preserve_logs"), on("drop_volumes"))
    };
    let handling =
        |words: &str| said(&format!("deployment: {{ failure_handling: {{ {words} }} }}"));
    let usual = ("rollback".to_owned(), true, false);
    assert_eq!(said(""), usual);
    assert_eq!(handling("strategy: rollback, rollback_order: reverse"), usual);
    assert_eq!(handling("strategy: leave-partial").0, "leave");
    assert_eq!(handling("strategy: pause-for-debug, rollback_order: forward").0, "pause");
    assert_eq!(handling("preserve_logs: false"), ("rollback".to_owned(), false, false));
    assert_eq!(handling("cleanup_volumes: true"), ("rollback".to_owned(), true, true));
    assert_eq!(handling("cleanup_volumes: false"), usual);
    let kept = "deployment: { failure_handling: { cleanup_volumes: true } }\n\
                rollback: { preserve: [volumes] }";
    assert_eq!(said(kept), usual);
}

#[test]
fn what_a_newer_program_wrote_is_left_to_it() {
    let site = Site::new();
    site.up("one");
    site.up("two");
    let generations = list(&site.store().join("generations"));
    let manifest = generations[1].join("manifest.json");
    let kept = std::fs::read(&manifest).unwrap();
    let name = generations[1].file_name().unwrap().to_str().unwrap().to_owned();
    std::fs::write(&manifest, b"{\"version\": 9}").unwrap();
    for arguments in commands(&site) {
        let run = site.run(&arguments);
        assert_eq!(run.code, 3, "{arguments:?}: {}{}", run.out, run.err);
        let said = format!("cannot read generation {name}: it has version 9 and this program");
        assert!(run.err.contains(&said), "{}", run.err);
    }
    assert_eq!(site.run(&["recover", "--root", "root"]).code, 0);
    assert_eq!(site.run(&["history", "shop", "--root", "root"]).code, 0);
    assert_eq!(list(&site.store().join("generations")), generations);
    std::fs::write(&manifest, &kept).unwrap();
    site.up("three");
}

#[test]
fn spoilt_files_of_its_own_are_told_and_stop_nothing_else() {
    let site = Site::new();
    site.up("one");
    site.up("two");
    let generations = list(&site.store().join("generations"));
    let name = generations[1].file_name().unwrap().to_str().unwrap().to_owned();
    for spoilt in [&b""[..], b"\0\xff\n\n", b"0123456789abcdef {}\n", b"no end"] {
        std::fs::write(site.store().join("history"), spoilt).unwrap();
        assert_eq!(site.run(&["history", "shop", "--root", "root"]).code, 0);
        // What it did not see is not undone.
        let journal = site.store().join("journal");
        std::fs::write(&journal, spoilt).unwrap();
        assert_eq!(site.run(&site.stack("two")).code, 0);
        assert!(!journal.exists());
        let now = std::fs::read_link(site.store().join("current")).unwrap();
        assert_eq!(now, Path::new("generations").join(&name));
    }
    site.up("three");
}

#[test]
fn what_somebody_else_has_put_in_its_places_is_not_replaced() {
    let site = Site::new();
    let link = site.path("root/home/a/.config/containers/systemd/shop");
    let theirs = site.path("root/home/a/theirs");
    write(&theirs.join("web.container"), "theirs");
    for put in [
        &(|| std::os::unix::fs::symlink(&theirs, &link)) as &dyn Fn() -> std::io::Result<()>,
        &|| std::fs::write(&link, "theirs"),
        &|| std::fs::create_dir(&link),
    ] {
        std::fs::create_dir_all(link.parent().unwrap()).unwrap();
        put().unwrap();
        let kind = std::fs::symlink_metadata(&link).unwrap().file_type();
        let run = site.run(&site.stack("one"));
        assert_eq!(run.code, 3, "{}{}", run.out, run.err);
        assert!(run.err.contains("shop is there and is not of this stack"), "{}", run.err);
        assert_eq!(std::fs::symlink_metadata(&link).unwrap().file_type(), kind);
        assert_eq!(text(&theirs.join("web.container")), "theirs");
        assert_eq!(list(&theirs).len(), 1);
        assert!(!site.store().join("current").exists());
        if kind.is_dir() { std::fs::remove_dir(&link) } else { std::fs::remove_file(&link) }
            .unwrap();
    }
    site.up("one");
}

#[test]
fn a_generation_of_which_a_file_is_cut_off_is_not_gone_back_to() {
    let site = Site::new();
    site.up("one");
    site.up("two");
    let generations = list(&site.store().join("generations"));
    let unit = generations[0].join("units/web.container");
    let whole = text(&unit);
    let current = || std::fs::read_link(site.store().join("current")).unwrap();
    let before = current();
    let rollback = ["rollback", "shop", "--to", "1", "--root", "root", "--yes"];
    for length in (0..whole.len()).step_by(whole.len() / 9) {
        // Many of these are units that Quadlet would take.
        std::fs::write(&unit, &whole.as_bytes()[..length]).unwrap();
        let run = site.run(&rollback);
        assert_eq!(run.code, 3, "{length}: {}{}", run.out, run.err);
        assert!(run.err.contains("cannot be trusted"), "{}", run.err);
        assert_eq!(current(), before);
    }
    write(&unit, &whole);
    assert_eq!(site.run(&rollback).code, 0);
    assert_ne!(current(), before);
}

/// Runs the program as somebody who has no right to anything; nothing where that cannot be done.
fn run_as_nobody(site: &Site, arguments: &[&str]) -> Option<Run> {
    let own = site.path("stackwright");
    if !own.exists() {
        std::fs::copy(env!("CARGO_BIN_EXE_stackwright"), &own).unwrap();
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=65534", "--regid=65534", "--clear-groups"]).arg(&own).args(arguments);
    command.current_dir(site.folder.path()).env_clear().env("HOME", "/home/a");
    let output = command.env("PATH", "/usr/bin:/bin").output().ok()?;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if said.contains("setpriv:") {
        std::io::stderr().write_all(b"SKIPPED: only root can be nobody\n").unwrap();
        return None;
    }
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    Some(Run { code: output.status.code().unwrap_or(-1), out, err: said })
}

#[test]
fn where_it_may_not_write_it_says_so_and_nothing_is_changed() {
    use std::os::unix::fs::PermissionsExt;
    let site = Site::new();
    let mode = |path: &Path, mode| {
        std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    };
    mode(site.folder.path(), 0o755);
    site.up("one");
    let words = site.stack("two");
    let current = || std::fs::read_link(site.store().join("current")).unwrap();
    let (before, all) = (current(), list(&site.store().join("generations")));
    let Some(run) = run_as_nobody(&site, &words) else { return };
    assert_eq!(run.code, 3, "{}{}", run.out, run.err);
    assert!(run.err.contains("this user may not"), "{}", run.err);
    assert!(run.err.contains("/stacks/shop"), "{}", run.err);
    // The store is its own, but not the place of one link.
    let mut command = Command::new("chown");
    assert!(
        command
            .args(["-R", "65534"])
            .arg(site.path("root/home/a/.local"))
            .status()
            .unwrap()
            .success()
    );
    write(
        &site.path("shop.yml"),
        &text(&site.path("shop.yml")).replace("name: shop", "name: fair"),
    );
    let run = run_as_nobody(&site, &words).unwrap();
    assert_eq!(run.code, 4, "{}{}", run.out, run.err);
    assert!(run.err.contains("this user may not"), "{}", run.err);
    assert!(run.err.contains("/containers/systemd/"), "{}", run.err);
    assert!(!site.store().with_file_name("fair").join("current").exists());
    assert_eq!((current(), list(&site.store().join("generations"))), (before, all));
}

/// A call of the system that matters for what a power cut leaves.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Call {
    /// A file or folder is flushed.
    Flush(String),
    /// A file is written.
    Write(String),
    /// A name is given to something else, or anew.
    Name(String, String),
}

/// Reads what strace tells; paths begin where the store does.
fn calls(trace: &str, store: &str) -> Vec<Call> {
    let inside = |path: &str| path.split_once(store).map(|(_, inside)| format!("shop{inside}"));
    let mut calls = Vec::new();
    for line in trace.lines().filter(|line| !line.contains(" = -1 ")) {
        let Some((_, call)) = line.split_once(' ') else { continue };
        let call = call.trim_start();
        let names: Vec<&str> = call.split('"').skip(1).step_by(2).collect();
        let name = |place: usize| names.get(place).and_then(|name| inside(name));
        // What a descriptor stands for.
        let opened = call.split_once('<').and_then(|(_, path)| path.split_once('>'));
        let opened = opened.and_then(|(path, _)| inside(path));
        if call.starts_with("fsync") || call.starts_with("fdatasync") {
            calls.extend(opened.map(Call::Flush));
        } else if call.starts_with("write(") || call.starts_with("pwrite") {
            calls.extend(opened.map(Call::Write));
        } else if let (true, Some(from), Some(to)) = (call.starts_with("rename"), name(0), name(1))
        {
            calls.push(Call::Name(from, to));
        }
    }
    calls
}

/// Runs the program under strace; nothing where that is not there, which is told.
fn traced(site: &Site, arguments: &[&str]) -> Option<Vec<Call>> {
    let trace = site.path("trace");
    let mut strace = Command::new("strace");
    strace.current_dir(site.folder.path()).env_clear().env("HOME", "/home/a");
    strace.env("PATH", "/usr/bin:/bin");
    strace.args(["-f", "-y", "-s", "4096", "-e"]);
    strace.arg("trace=fsync,fdatasync,write,pwrite64,rename,renameat,renameat2");
    strace.arg("-o").arg(&trace).arg(env!("CARGO_BIN_EXE_stackwright")).args(arguments);
    let Ok(output) = strace.output() else {
        let said = "SKIPPED: there is no strace, which tells in which order files are written\n";
        std::io::stderr().write_all(said.as_bytes()).unwrap();
        return None;
    };
    assert!(output.status.success(), "{output:?}");
    let trace = String::from_utf8_lossy(&std::fs::read(&trace).unwrap()).into_owned();
    Some(calls(&trace, "/stackwright/stacks/shop"))
}

/// The first place of a call, which must be there.
#[track_caller]
fn place(calls: &[Call], is_it: impl Fn(&Call) -> bool, what: &str) -> usize {
    calls.iter().position(is_it).unwrap_or_else(|| panic!("{what}? {calls:#?}"))
}

#[test]
fn all_is_on_the_disk_before_the_link_is_switched_and_the_journal_before_that() {
    let site = Site::new();
    site.up("one");
    let Some(calls) = traced(&site, &site.stack("two")) else { return };
    let named = |to: &str| place(&calls, |call| matches!(call, Call::Name(_, t) if t == to), to);
    let (journal, switch) = (named("shop/journal"), named("shop/current"));
    let generation = place(
        &calls,
        |call| matches!(call, Call::Name(from, _) if from.contains("/.new-")),
        "a generation gets its name",
    );
    let committed = named("shop/journal.committed");
    assert!(journal < generation && generation < switch && switch < committed, "{calls:#?}");

    // Whatever is written for the generation is flushed before the journal speaks of it.
    let is_staged = |path: &str| path.contains("/.new-") || path.contains("shop/files/");
    let written: BTreeSet<&String> = calls[..switch]
        .iter()
        .filter_map(|call| match call {
            Call::Write(path) if is_staged(path) => Some(path),
            _ => None,
        })
        .collect();
    assert!(written.len() >= 5, "{written:?}");
    let flushed = |path: &str, range: &[Call]| {
        range.iter().any(|call| matches!(call, Call::Flush(flushed) if flushed == path))
    };
    for path in &written {
        assert!(flushed(path, &calls[..journal]), "{path} is not flushed: {calls:#?}");
        let folder = path.rsplit_once('/').unwrap().0;
        assert!(flushed(folder, &calls[..journal]), "{folder} is not flushed: {calls:#?}");
    }
    // Each name that counts is flushed before the next one is given.
    for (name, folder, next) in [
        (journal, "shop", generation),
        (generation, "shop/generations", switch),
        (switch, "shop", committed),
        (committed, "shop", calls.len()),
    ] {
        assert!(flushed(folder, &calls[name..next]), "{folder} after {name}: {calls:#?}");
    }
    // No file gets its name before what is in it is flushed.
    for (at, call) in calls.iter().enumerate() {
        let Call::Name(from, to) = call else { continue };
        let is_file = calls[..at].iter().any(|call| matches!(call, Call::Write(p) if p == from));
        assert!(!is_file || flushed(from, &calls[..at]), "{from} becomes {to}: {calls:#?}");
    }
}
