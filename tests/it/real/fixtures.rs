//! The golden trees, as the real generators and systemd take them.
//!
//! A fixture says itself what must come out, in comments: `# argv web: --network a:ip=10.0.0.5` for
//! words that stand together in the command line of a service, `# unit web: MemoryMax=4G` for a
//! line of it, `# argv! …` for words that do not, `# absent web` for a service that is not made.

use std::collections::BTreeMap;
use std::path::Path;

use super::{Suite, arguments, suite, unfold};
use crate::generate::{Wanted, fixtures, generate};
use crate::support::{text, write};

#[test]
fn generators_and_systemd_accept_every_tree() {
    let Some(suite) = suite() else { return };
    let mut problems = Vec::new();
    for (name, path) in fixtures() {
        let wanted = Wanted::of(&path);
        if wanted.target.podman > suite.podman {
            continue;
        }
        if let Err(told) = accepted(&suite, &path, &wanted) {
            problems.push(format!("{name}: {told}"));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

fn accepted(suite: &Suite, fixture: &Path, wanted: &Wanted) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let (units, services) = (folder.path().join("units"), folder.path().join("services"));
    let files = generate(fixture, wanted);
    unfold(&units, &files);
    let generated = suite.generate(&units, wanted.target.scope);
    let mut told = generated.said.clone();
    for (name, service) in &generated.units {
        write(&services.join(name), service);
    }
    for file in files.iter().filter(|file| file.path.starts_with("plain/")) {
        let name = file.path.trim_start_matches("plain/");
        write(&services.join(name), std::str::from_utf8(&file.contents).unwrap());
    }
    for (name, stub) in outside(&text(fixture)) {
        write(&services.join(name), &stub);
    }
    told.extend(suite.verify(&services).lines().map(str::to_owned));
    let count = |ending: &str| files.iter().filter(|file| file.path.ends_with(ending)).count();
    let expected: usize =
        [".container", ".network", ".volume", ".build", ".pod"].into_iter().map(count).sum();
    if generated.units.len() != expected {
        told.push(format!("{} services of {expected} units", generated.units.len()));
    }
    told.extend(unmet(&text(fixture), &generated.units));
    if told.is_empty() { Ok(()) } else { Err(told.join("\n  ")) }
}

/// Units outside of a stack, which it says that it expects: `# outside: mnt-pool.mount`.
fn outside(fixture: &str) -> BTreeMap<String, String> {
    let named = fixture.lines().filter_map(|line| line.trim().strip_prefix("# outside: "));
    let names = named.flat_map(|names| names.split_whitespace().map(str::to_owned));
    let stub = |name: String| {
        let text = match name.rsplit_once('.').unwrap().1 {
            "mount" => {
                let place = name.trim_end_matches(".mount").replace('-', "/");
                format!("[Mount]\nWhat=tmpfs\nType=tmpfs\nWhere=/{place}\n")
            }
            "service" => "[Service]\nType=oneshot\nExecStart=/bin/true\n".to_owned(),
            _ => "[Unit]\nDescription=outside\n".to_owned(),
        };
        (name, text)
    };
    names.map(stub).collect()
}

/// What a fixture expects and a generator did not do.
fn unmet(fixture: &str, services: &BTreeMap<String, String>) -> Vec<String> {
    let mut unmet = Vec::new();
    for line in fixture.lines() {
        let Some((kind, expected)) = line.trim().strip_prefix("# ").and_then(|line| {
            let (kind, rest) = line.split_once(' ')?;
            ["argv", "argv!", "unit", "absent"].contains(&kind).then_some((kind, rest))
        }) else {
            continue;
        };
        if kind == "absent" {
            if services.contains_key(&format!("{expected}.service")) {
                unmet.push(format!("{expected}.service is there"));
            }
            continue;
        }
        let (name, expected) = expected.split_once(": ").unwrap_or_else(|| panic!("{line}"));
        let service = services.get(&format!("{name}.service"));
        let Some(service) = service else {
            unmet.push(format!("there is no {name}.service"));
            continue;
        };
        let words = || shlex::split(expected).unwrap_or_else(|| panic!("{line}"));
        let has = |words: &[String]| {
            let starts = ["ExecStart", "ExecStartPre"];
            let starts = starts.iter().filter(|key| service.contains(&format!("\n{key}=")));
            let mut lines = starts.map(|key| arguments(service, key));
            lines.any(|arguments| arguments.windows(words.len()).any(|part| part == words))
        };
        let met = match kind {
            "argv" => has(&words()),
            "argv!" => !has(&words()),
            _ => service.lines().any(|line| line == expected),
        };
        if !met {
            unmet.push(format!("not met: {}\n{service}", line.trim()));
        }
    }
    unmet
}
