//! Large stacks: whatever is told or made is the same for any number of threads.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use stackwright::capability::podman::Podman;
use stackwright::check::Target;
use stackwright::config::Config;
use stackwright::emit::template::Templates;
use stackwright::emit::{File, Scope, quadlet};
use stackwright::host::memory::Memory;
use stackwright::load::{FILE_SIZE_MAX, Request};
use stackwright::report::{Findings, human};
use stackwright::resolve::{Part, resolve};
use stackwright::source::Sources;
use stackwright::threads::sharing;
use stackwright::{Input, compile};

/// How many services are in a stack that is large.
const SERVICES: usize = 150;

/// A stack with something else in the middle.
fn stack(other: &str) -> String {
    let mut text =
        String::from("# stackwright: allow(SW604) only tried\nstack: { name: large }\nservices:\n");
    for number in 0..SERVICES {
        let needs = number.checked_sub(7).map(|number| format!("svc-{number}"));
        write!(
            text,
            "  - name: svc-{number}
    # stackwright: allow(SW604) as it is only tried
    dependencies: [{}]
    configuration:
      image: docker.io/library/postgres:17.1
      memory: 512M
      environment: {{ POSTGRES_DB: app, TZ: Europe/Oslo, POSTGRES_PASSWORD: plain }}
      labels:
        text: |
          - name: svc-1
        folded: \"a \\
          b\"
      health_check: {{ command: pg_isready -U app, interval: 10s }}
",
            needs.unwrap_or_default()
        )
        .unwrap();
        if number == SERVICES * 2 / 3 {
            text.push_str(other);
        }
    }
    text
}

/// What is told of a stack, and its units.
fn made(text: &str) -> (String, Vec<File>) {
    let look = Memory::with([("large.yml", text)]);
    let environment = BTreeMap::new();
    let request = Request {
        path: Path::new("large.yml"),
        overlays: &[],
        env_files: &[],
        environment: &environment,
        size_max: FILE_SIZE_MAX,
    };
    let (mut sources, mut findings) = (Sources::default(), Findings::default());
    let target = Target { podman: Podman::USUAL, generates: true, ..Target::default() };
    let (requests, config) = ([request], Config::default());
    let input = Input { requests: &requests, config: &config, all_known: false, target };
    let compiled = compile(&input, &look, &mut sources, &mut findings);
    let told = human::render(&findings, &sources, human::Style::default());
    let target = quadlet::Target { podman: Podman::USUAL, scope: Scope::User };
    let templates = Templates::new(&BTreeMap::new()).unwrap();
    let files = compiled.stacks.iter().flat_map(|stack| {
        quadlet::emit(&resolve(stack, Part::default()), target, &templates).unwrap()
    });
    (told, files.collect())
}

#[test]
fn large_stacks_are_the_same_for_any_number_of_threads() {
    for (other, files) in [
        ("", SERVICES + 1),
        ("      ulimits: { nofile: *none }\n", 0),
        ("      memory_high: 1 apple\n", 0),
        ("      restart: [\n", 0),
        ("  - name: \"svc-1\"\n", 0),
        ("  - svc-1\n", 0),
        ("unknown: 1\n", 0),
    ] {
        let text = stack(other);
        let alone = made(&text);
        assert_eq!(alone.1.len(), files, "{other}: {}", alone.0);
        assert_eq!(alone.0.contains("error"), files == 0, "{other}: {}", alone.0);
        for threads in [2, 4] {
            let shared = sharing(threads, text.len() as u64, || made(&text));
            assert_eq!(shared.0, alone.0, "{other}, {threads} threads");
            assert!(shared.1 == alone.1, "{other}, {threads} threads");
        }
    }
}
