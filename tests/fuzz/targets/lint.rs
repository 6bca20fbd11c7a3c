//! Bytes to diagnostics: whatever a file holds, nothing panics, and what is said is sound.
#![no_main]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use libfuzzer_sys::fuzz_target;
use stackwright::config::Config;
use stackwright::host::memory::Memory;
use stackwright::load::Request;
use stackwright::report::{DIAGNOSTICS_MAX, Findings, github, human, json, sarif};
use stackwright::resolve::order;
use stackwright::source::Sources;
use stackwright::{Input, compile};

const INCLUDE: &str = "services:\n  - name: part\n    configuration: {image: docker.io/library/a:1}\n";
const OVERLAY: &str = "services:\n  - name: web\n    configuration: {memory: 1G, ports: [\"80:80\"]}\n";
const VARIABLES: &str = "A=1\nB=\"x y\"\nEMPTY=\n";

fuzz_target!(|bytes: &[u8]| {
    let (first, size) = lint(bytes);
    assert!(size <= DIAGNOSTICS_MAX + 10, "{size} diagnostics");
    assert_eq!(first, lint(bytes).0, "two runs differ");
});

/// Lints the bytes with an overlay, an env file and something to include; shows it in every form.
fn lint(bytes: &[u8]) -> (String, usize) {
    let mut look = Memory::with([("part.yml", INCLUDE), ("o.yml", OVERLAY), ("v.env", VARIABLES)]);
    look.files.insert(PathBuf::from("stack.yml"), bytes.to_vec());
    let (overlays, env_files) = ([PathBuf::from("o.yml")], [PathBuf::from("v.env")]);
    let environment = BTreeMap::new();
    let request = Request {
        path: Path::new("stack.yml"),
        overlays: &overlays,
        env_files: &env_files,
        environment: &environment,
        size_max: 1 << 20,
    };
    let (mut sources, mut findings) = (Sources::default(), Findings::default());
    let (requests, config) = ([request], Config::default());
    let input = Input { requests: &requests, config: &config, all_known: true };
    let compiled = compile(&input, &look, &mut sources, &mut findings);
    for one in findings.iter() {
        let places = one.labels.iter().map(|label| label.span).chain([one.span]);
        for span in places {
            let source = sources.get(span.source).expect("a place in no text");
            assert!(source.text.get(span.range()).is_some(), "{one:?} is no stretch of its text");
        }
    }
    let shown = [
        human::render(&findings, &sources, human::Style::default()),
        json::render(&findings, &sources),
        sarif::render(&findings, &sources),
        github::render(&findings, &sources),
    ];
    for text in &shown {
        let control = text.chars().find(|c| c.is_control() && *c != '\n');
        assert_eq!(control, None, "a control character in the output");
    }
    for stack in &compiled.stacks {
        let order = order(stack);
        assert_eq!(order.phases.iter().flatten().count(), order.names.len());
    }
    (shown.concat(), findings.iter().count())
}
