//! The YAML test suite and all YAML files of real projects, whole, cut off, and with bytes changed:
//! nothing panics, and every place that is told is a stretch of its text.

use std::collections::BTreeMap;
use std::panic::catch_unwind;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use stackwright::check::Target;
use stackwright::config::Config;
use stackwright::host::memory::Memory;
use stackwright::load::Request;
use stackwright::report::{Findings, github, human, json};
use stackwright::source::Sources;
use stackwright::{Input, compile};

use super::acts;
use crate::support::is_thorough;
use crate::support::{beside, list};

/// The bytes that mean something in YAML or are no text at all.
const SIGNS: &[u8] = b"\n\t :-?[]{}&*!|>'\"%@`#,$\\\0";
/// How large a file of the corpora is taken.
const SIZE_MAX: usize = 200_000;

#[test]
fn whatever_others_wrote_is_read_without_a_panic() {
    let Some(folder) = beside("STACKWRIGHT_CORPORA", "corpora") else { return };
    let mut paths = Vec::new();
    find(&folder, &mut paths);
    let mut inputs: Vec<(String, Vec<u8>)> = Vec::new();
    for path in &paths {
        let bytes = std::fs::read(path).unwrap();
        let name = path.strip_prefix(&folder).unwrap().display().to_string();
        if name.starts_with("yaml-test-suite") {
            inputs.extend(cases(&name, &bytes));
        }
        if bytes.len() < SIZE_MAX {
            inputs.push((name, bytes));
        }
    }
    assert!(inputs.len() > 300, "only {} inputs in {}", inputs.len(), folder.display());
    let changes = if is_thorough() { 50 } else { 2 };
    let next = AtomicUsize::new(0);
    let work = || {
        while let Some((name, bytes)) = inputs.get(next.fetch_add(1, Ordering::Relaxed)) {
            try_all(name, bytes, changes);
        }
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    eprintln!("{} inputs, {} ways each", inputs.len(), 1 + 2 * changes);
}

/// All YAML files below a folder, and files for Compose by other names.
fn find(folder: &Path, found: &mut Vec<PathBuf>) {
    for path in list(folder) {
        let is = |ending: &str| path.extension().is_some_and(|found| found == ending);
        if path.is_dir() {
            find(&path, found);
        } else if is("yml") || is("yaml") || is("env") || is("json") {
            found.push(path);
        }
    }
}

/// The inputs of a file of the YAML test suite, which shows blanks by signs.
fn cases(name: &str, bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let cases: serde_yaml::Value = serde_yaml::from_slice(bytes).unwrap();
    let cases = cases.as_sequence().cloned().unwrap_or_default();
    let texts = cases.iter().filter_map(|case| case.get("yaml")?.as_str());
    let text = |shown: &str| {
        let signs = [("␣", " "), ("————»", "\t"), ("———»", "\t"), ("——»", "\t"), ("—»", "\t")];
        let more = [("»", "\t"), ("↵", ""), ("←", "\r"), ("⇔", "\u{feff}"), ("∎\n", ""), ("∎", "")];
        let replace = |text: String, (sign, meant): &(&str, &str)| text.replace(sign, meant);
        signs.iter().chain(&more).fold(shown.to_owned(), replace)
    };
    let named = (1..).zip(texts).map(|(number, shown)| (format!("{name} {number}"), text(shown)));
    named.map(|(name, text)| (name, text.into_bytes())).collect()
}

/// The bytes as they are, cut off at so many places, and with a byte changed at as many.
fn try_all(name: &str, bytes: &[u8], changes: usize) {
    attempt(name, bytes.to_vec());
    let mut random = 0x9e37_79b9_u64 ^ bytes.len() as u64;
    for number in 0..changes {
        let cut = bytes.len() * (number + 1) / (changes + 1);
        attempt(&format!("{name}, cut at {cut}"), bytes[..cut].to_vec());
        // A generator of Knuth's: the same bytes are changed on every machine.
        random =
            random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let (at, byte) = ((random >> 33) as usize % bytes.len().max(1), random.to_be_bytes()[0]);
        let mut changed = bytes.to_vec();
        if let Some(place) = changed.get_mut(at) {
            // Signs of YAML are tried as often as any other byte.
            let sign = SIGNS[usize::from(byte) % SIGNS.len()];
            *place = if number % 2 == 0 { byte } else { sign };
        }
        attempt(&format!("{name}, byte {at} changed to {byte}"), changed);
    }
}

fn attempt(name: &str, bytes: Vec<u8>) {
    if let Err(panic) = catch_unwind(|| lint(bytes)) {
        eprintln!("the input was {name}");
        std::panic::resume_unwind(panic);
    }
}

fn lint(bytes: Vec<u8>) {
    let mut look = Memory::default();
    look.files.insert("stack.yml".into(), bytes);
    let (path, environment) = (Path::new("stack.yml"), BTreeMap::new());
    let (overlays, env_files, size_max) = (&[], &[], 1 << 20);
    let requests = [Request { path, overlays, env_files, environment: &environment, size_max }];
    let (mut sources, mut findings) = (Sources::default(), Findings::default());
    let input = Input {
        requests: &requests,
        config: &Config::default(),
        all_known: true,
        target: Target::default(),
    };
    compile(&input, &look, &mut sources, &mut findings);
    for one in findings.iter() {
        for span in one.labels.iter().map(|label| label.span).chain([one.span]) {
            let source = sources.get(span.source).expect("a place in no text");
            assert!(source.text.get(span.range()).is_some(), "{one:?} is no stretch of its text");
        }
    }
    for text in [
        human::render(&findings, &sources, human::Style::default()),
        json::render(&findings, &sources),
        github::render(&findings, &sources),
    ] {
        assert_eq!(text.chars().find(|c| acts(*c)), None, "a character acts on a terminal");
    }
}
