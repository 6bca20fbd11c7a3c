//! How long stacks of 12, 200 and 10,000 services take: in the library, and as a whole process.
//!
//! A crate for benchmarks would be a third of all that a test run compiles; what is wanted here is
//! a median, the growth between two sizes, and the memory of a process, which fits in one page.

#![allow(
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used
)]

use std::collections::BTreeMap;
use std::fmt::Write;
use std::hint::black_box;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use stackwright::capability::podman::Podman;
use stackwright::check::Target;
use stackwright::config::Config;
use stackwright::emit::template::Templates;
use stackwright::emit::{Scope, quadlet};
use stackwright::host::memory::Memory;
use stackwright::load::Request;
use stackwright::report::Findings;
use stackwright::resolve::resolve;
use stackwright::source::Sources;
use stackwright::{Compiled, Input, compile};

const SIZES: [usize; 3] = [12, 200, 10_000];

fn main() {
    let quick = std::env::var_os("BENCH_QUICK").is_some();
    let folder = tempfile::tempdir().unwrap();
    let head = ["bytes", "lint", "files", "lint process", "units process", "memory"];
    println!("{:>9} {}", "services", head.map(|word| format!("{word:>13}")).join(" "));
    for size in SIZES {
        let text = stack(size);
        let path = folder.path().join(format!("stack-{size}.yml"));
        std::fs::write(&path, &text).unwrap();
        let runs = if quick { 2 } else { runs(size) };
        let checked = median(runs, || lint(&text));
        let files = median(runs, || generate(&text));
        let lint_process = median(runs, || whole_process(&path, "lint"));
        let process = median(runs, || whole_process(&path, "generate"));
        let (bytes, memory) = (text.len(), peak_kilobytes(&path) / 1024);
        println!(
            "{size:>9} {bytes:>13} {checked:>13.2?} {files:>13.2?} {lint_process:>13.2?} \
             {process:>13.2?} {memory:>9} MiB"
        );
    }
}

fn runs(size: usize) -> usize {
    if size > 1000 { 15 } else { 101 }
}

/// A stack as people write it: each service with some twenty values, in chains of ten.
fn stack(size: usize) -> String {
    let mut text =
        String::from("stack:\n  name: bench\nnetworks:\n  inner:\nvolumes:\n  data:\nservices:\n");
    for number in 0..size {
        let needs = if number % 10 == 0 { String::new() } else { format!("svc-{}", number - 1) };
        let (high, low) = (number / 250 + 1, number % 250 + 1);
        write!(
            text,
            "  - name: svc-{number}\n    pattern: database-service\n    dependencies: [{needs}]\n    \
             configuration:\n      image: docker.io/library/postgres:17.{low}\n      memory: 512M\n      \
             memory_high: 448M\n      networks: [inner]\n      ports:\n        \
             - \"127.0.{high}.{low}:5432:5432\"\n      volumes:\n        \
             - /srv/data/{number}:/var/lib/postgresql/data:Z\n      environment:\n        \
             POSTGRES_DB: app\n        TZ: Europe/Oslo\n      health_check:\n        \
             command: pg_isready -U app\n        interval: 10s\n"
        )
        .unwrap();
    }
    text
}

/// Reads and checks a stack.
fn read(text: &str) -> Compiled {
    let look = Memory::with([("stack.yml", text)]);
    let environment = BTreeMap::new();
    let request = Request {
        path: Path::new("stack.yml"),
        overlays: &[],
        env_files: &[],
        environment: &environment,
        size_max: 64 << 20,
    };
    let (mut sources, mut findings) = (Sources::default(), Findings::default());
    let requests = [request];
    let target = Target { podman: Podman::USUAL, generates: true, ..Target::default() };
    let input = Input { requests: &requests, config: &Config::default(), all_known: false, target };
    compile(&input, &look, &mut sources, &mut findings)
}

fn lint(text: &str) -> usize {
    read(text).files
}

/// From the text of a stack to the contents of all its files.
fn generate(text: &str) -> usize {
    let compiled = read(text);
    let target = quadlet::Target { podman: Podman::USUAL, scope: Scope::User };
    let templates = Templates::new(target.podman, &BTreeMap::new()).unwrap();
    let resolved = resolve(&compiled.stacks[0], &[]);
    quadlet::emit(&resolved, target, &templates).unwrap().len()
}

fn command(path: &Path, word: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stackwright"));
    command.arg(word).arg(path).stdout(Stdio::null());
    if word == "generate" {
        command.args(["--out", "-"]);
    }
    command
}

fn whole_process(path: &Path, word: &str) {
    black_box(command(path, word).status().unwrap());
}

/// The largest memory of the process, as the kernel counts it while it runs.
fn peak_kilobytes(path: &Path) -> u64 {
    let mut child = command(path, "generate").spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let number = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        peak = peak.max(number.unwrap_or(0));
    }
    peak
}

fn median<T>(runs: usize, mut work: impl FnMut() -> T) -> Duration {
    let mut times: Vec<Duration> = (0..runs.max(1))
        .map(|_| {
            let start = Instant::now();
            black_box(work());
            start.elapsed()
        })
        .collect();
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}
