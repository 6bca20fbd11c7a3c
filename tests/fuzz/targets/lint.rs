//! Bytes to diagnostics: whatever a file holds, nothing panics, and what is said is sound.
#![no_main]

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::path::{Path, PathBuf};

use libfuzzer_sys::fuzz_target;
use stackwright::capability::podman::Podman;
use stackwright::check::Checked;
use stackwright::check::Target;
use stackwright::config::Config;
use stackwright::draw::{Line, Node, Picture, dot, mermaid, svg, text};
use stackwright::emit::template::Templates;
use stackwright::emit::{Scope, quadlet};
use stackwright::host::memory::Memory;
use stackwright::load::Request;
use stackwright::report::{DIAGNOSTICS_MAX, Findings, github, human, json, sarif};
use stackwright::resolve::{Part, order, resolve};
use stackwright::source::Sources;
use stackwright::{Input, compile};

const INCLUDE: &str = "services:\n  - name: part\n    configuration: {image: docker.io/library/a:1}\n";
const OVERLAY: &str = "services:\n  - name: web\n    configuration: {memory: 1G, ports: [\"80:80\"]}\n";
const VARIABLES: &str = "A=1\nB=\"x y\"\nEMPTY=\n";

fuzz_target!(|bytes: &[u8]| {
    let shown = lint(bytes);
    assert_eq!(shown, lint(bytes), "two runs differ");
});

/// Lints the bytes with an overlay, an env file and something to include; shows it in every form.
fn lint(bytes: &[u8]) -> Vec<String> {
    let files = [("part.yml", INCLUDE), ("o.yml", OVERLAY), ("v.env", VARIABLES), ("a.env", VARIABLES)];
    let mut look = Memory::with(files);
    look.files.insert(PathBuf::from("stack.yml"), bytes.to_vec());
    let (overlays, env_files) = ([PathBuf::from("o.yml")], [PathBuf::from("v.env")]);
    let environment = BTreeMap::from([("C".to_owned(), "$A ${A}".to_owned())]);
    let request = Request {
        path: Path::new("stack.yml"),
        overlays: &overlays,
        env_files: &env_files,
        environment: &environment,
        size_max: 1 << 20,
    };
    let (mut sources, mut findings) = (Sources::default(), Findings::default());
    let (requests, config) = ([request], Config::default());
    let target = Target { podman: Podman::USUAL, generates: true, ..Target::default() };
    let input = Input { requests: &requests, config: &config, all_known: true, target };
    let compiled = compile(&input, &look, &mut sources, &mut findings);
    assert_places(&findings, &sources);
    let mut shown = vec![
        human::render(&findings, &sources, human::Style::default()),
        json::render(&findings, &sources),
        sarif::render(&findings, &sources),
        github::render(&findings, &sources),
    ];
    for text in &shown {
        let acting = text.chars().find(|c| acts(*c));
        assert_eq!(acting, None, "a character that acts on a terminal");
    }
    assert!(compiled.stacks.is_empty() || !findings.has_errors(), "errors pass");
    shown.extend(compiled.stacks.iter().flat_map(draw));
    shown.extend(compiled.stacks.iter().flat_map(units));
    shown
}

/// Every place is a stretch of its text, on whole characters.
fn assert_places(findings: &Findings, sources: &Sources) {
    assert!(findings.iter().count() <= DIAGNOSTICS_MAX, "too many diagnostics");
    for one in findings.iter() {
        for span in one.labels.iter().map(|label| label.span).chain([one.span]) {
            let source = sources.get(span.source).expect("a place in no text");
            assert!(source.text.get(span.range()).is_some(), "{one:?} is no stretch of its text");
        }
    }
}

/// The units of a checked stack: whatever passed the checks can be written.
fn units(stack: &Checked) -> Vec<String> {
    static TEMPLATES: OnceLock<Templates> = OnceLock::new();
    let made = || Templates::new(&BTreeMap::new()).expect("templates of our own");
    let templates = TEMPLATES.get_or_init(made);
    let target = quadlet::Target { podman: Podman::USUAL, scope: Scope::User };
    let files = quadlet::emit(&resolve(stack, Part::default()), target, templates);
    let files = files.expect("a checked stack cannot be written");
    files.into_iter().map(|file| String::from_utf8_lossy(&file.contents).into_owned()).collect()
}

fn acts(c: char) -> bool {
    let turns = matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}' | '\u{feff}');
    c != '\n' && (c.is_control() || turns)
}

/// All drawings of the order of a checked stack.
fn draw(stack: &Checked) -> Vec<String> {
    let order = order(stack);
    assert_eq!(order.phases.iter().flatten().count(), order.names.len(), "not all services start");
    let picture = Picture {
        title: stack.name(),
        nodes: order.names.iter().map(|name| Node { name, note: Some(name) }).collect(),
        phases: order.phases.clone(),
        edges: order
            .needs
            .iter()
            .map(|need| Line { from: need.from, to: need.to, condition: need.condition.word() })
            .collect(),
        critical: order.critical_path.clone(),
    };
    let shown = [dot::draw, mermaid::draw, svg::draw, text::draw].map(|draw| draw(&picture));
    assert!(!shown.iter().any(|text| text.chars().any(acts)), "a picture acts on a terminal");
    shown.into()
}
