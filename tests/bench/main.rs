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
use stackwright::check::{Kind, Target};
use stackwright::config::Config;
use stackwright::emit::template::Templates;
use stackwright::emit::{Scope, compose, docs, quadlet, traefik};
use stackwright::host::memory::Memory;
use stackwright::load::Request;
use stackwright::report::Findings;
use stackwright::resolve::{Part, resolve};
use stackwright::source::Sources;
use stackwright::{Compiled, Input, compile};

const SIZES: [usize; 3] = [12, 200, 10_000];

/// What is made of a stack: nothing, which is to check it, or the files of a target.
const WORK: [(&str, Option<Kind>); 4] = [
    ("lint", None),
    ("quadlet", Some(Kind::Quadlet)),
    ("compose", Some(Kind::Compose)),
    ("traefik", Some(Kind::Traefik)),
];

fn main() {
    let quick = std::env::var_os("BENCH_QUICK").is_some();
    let folder = tempfile::tempdir().unwrap();
    println!("services     bytes  work           library       process      memory");
    for size in SIZES {
        let text = stack(size);
        let path = folder.path().join(format!("stack-{size}.yml"));
        std::fs::write(&path, &text).unwrap();
        let runs = if quick { 2 } else { runs(size) };
        for (name, target) in WORK {
            let library = median(runs, || library(&text, target));
            let process = median(runs, || whole_process(&path, name));
            let (bytes, memory) = (text.len(), peak_kilobytes(&path, name) / 1024);
            println!(
                "{size:>8} {bytes:>9}  {name:<8} {library:>13.2?} {process:>13.2?} {memory:>7} MiB"
            );
        }
    }
}

fn runs(size: usize) -> usize {
    if size > 1000 { 15 } else { 101 }
}

/// A stack as people write it: each service with some twenty values, in chains of ten, of which the
/// last one is reached from outside.
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
        if number % 10 == 9 {
            let rule = format!("rule: Host(`svc-{number}.example.org`), tls: true");
            writeln!(
                text,
                "      routes: {{ site-{number}: {{ {rule}, entrypoints: [websecure] }} }}"
            )
            .unwrap();
        }
    }
    text
}

/// Reads and checks a stack, and makes the contents of all files of a target.
fn library(text: &str, kind: Option<Kind>) -> usize {
    let target =
        Target { podman: Podman::USUAL, generates: kind.is_some(), kind: kind.unwrap_or_default() };
    let compiled = read(text, target);
    let Some(kind) = kind else { return compiled.files };
    let resolved = resolve(&compiled.stacks[0], Part::default());
    match kind {
        Kind::Quadlet => {
            let target = quadlet::Target { podman: Podman::USUAL, scope: Scope::User };
            let templates = Templates::new(&BTreeMap::new()).unwrap();
            quadlet::emit(&resolved, target, &templates).unwrap().len()
        }
        Kind::Compose => compose::emit(&resolved).len(),
        Kind::Traefik => traefik::emit(&resolved).len(),
        Kind::Docs => docs::emit(&resolved, &docs::Told::default(), None).unwrap().len(),
    }
}

fn read(text: &str, target: Target) -> Compiled {
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
    let input = Input { requests: &requests, config: &Config::default(), all_known: false, target };
    compile(&input, &look, &mut sources, &mut findings)
}

fn command(path: &Path, work: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_stackwright"));
    command.stdout(Stdio::null()).stderr(Stdio::null());
    match work {
        "lint" => command.arg("lint").arg(path),
        target => command.args(["generate", "--target", target, "--out", "-"]).arg(path),
    };
    command
}

fn whole_process(path: &Path, work: &str) {
    assert!(command(path, work).status().unwrap().success(), "{work}");
}

/// The largest memory of the process, as the kernel counts it while it runs.
fn peak_kilobytes(path: &Path, work: &str) -> u64 {
    let mut child = command(path, work).spawn().unwrap();
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
