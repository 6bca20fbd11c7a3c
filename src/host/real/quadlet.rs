//! Quadlet's generator, asked what it would make of folders of units.

#![expect(clippy::disallowed_methods, reason = "this is the place that starts the generator")]

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use super::super::change::Fault;
use super::super::containers::Generated;
use super::process::{Limits, Output, run};
use super::{Scope, fault};

const GENERATE_TIME: Duration = Duration::from_secs(60);
const GENERATED_MAX: usize = 256 << 20;

/// What it ends with where it could not make something of all units.
const COMPLAINED: i32 = 1;

/// Where distributions put it, beside the folders that systemd looks into for generators.
const PLACES: [&str; 2] = ["/usr/libexec/podman/quadlet", "/usr/lib/podman/quadlet"];
const GENERATORS: [&str; 4] =
    ["/run/systemd", "/etc/systemd", "/usr/local/lib/systemd", "/usr/lib/systemd"];

/// Runs the generator so that it writes nothing but to us.
pub fn generate(scope: Scope, folders: &[&Path]) -> Result<Generated, Fault> {
    let doing = "ask Quadlet what it makes of the units";
    let program = generator(scope)
        .ok_or_else(|| fault::missing(doing, "there is no generator of Quadlet here"))?;
    let joined: Vec<OsString> = folders.iter().map(|folder| folder.as_os_str().into()).collect();
    let mut command = Command::new(program);
    command.env("QUADLET_UNIT_DIRS", joined.join(":".as_ref())).env("LC_ALL", "C");
    command.arg("--dryrun").args(Some("--user").filter(|_| scope == Scope::User));
    let limits = Limits {
        time: GENERATE_TIME,
        input: &[],
        output: Output::All(GENERATED_MAX),
        interrupts: None,
    };
    let ended = run(doing, command.current_dir("/"), &limits)?;
    let mut complaints = complaints(&String::from_utf8_lossy(&ended.err));
    if !ended.status.success() && complaints.is_empty() {
        complaints.push(format!("it ended with {}", ended.status));
    }
    let services = services(&String::from_utf8_lossy(&ended.out));
    let broke = !matches!(ended.status.code(), Some(0 | COMPLAINED));
    Ok(Generated { services, complaints, broke })
}

/// The same with units that are not there yet: they stand in a folder of ours for that long.
pub fn generate_with(
    scope: Scope,
    units: &BTreeMap<String, String>,
    folders: &[&Path],
) -> Result<Generated, Fault> {
    let passing = Passing::new(scope)?;
    for (name, text) in units {
        let path = passing.0.join(name);
        fs::write(&path, text).map_err(|error| fault::at("write", &path, &error))?;
    }
    let all: Vec<&Path> = [&*passing.0].into_iter().chain(folders.iter().copied()).collect();
    let mut generated = generate(scope, &all)?;
    for path in generated.services.values_mut() {
        if let Ok(name) = path.strip_prefix(&passing.0) {
            *path = name.to_owned();
        }
    }
    Ok(generated)
}

/// A folder of ours, which is gone with the value.
struct Passing(PathBuf);

impl Passing {
    fn new(scope: Scope) -> Result<Self, Fault> {
        let above = match scope {
            Scope::User => PathBuf::from(super::runtime_folder()),
            Scope::System => PathBuf::from("/run"),
        };
        let folder = above.join(format!("stackwright-{}", std::process::id()));
        // One of a process of the same number that was killed.
        drop(fs::remove_dir_all(&folder));
        let made = fs::DirBuilder::new().mode(0o700).create(&folder);
        made.map_err(|error| fault::at("make the folder", &folder, &error))?;
        Ok(Self(folder))
    }
}

impl Drop for Passing {
    fn drop(&mut self) {
        // Where it stays, it is gone with the next start of the machine.
        drop(fs::remove_dir_all(&self.0));
    }
}

/// The generator that systemd runs for this scope.
fn generator(scope: Scope) -> Option<PathBuf> {
    let (folder, name) = match scope {
        Scope::User => ("user-generators", "podman-user-generator"),
        Scope::System => ("system-generators", "podman-system-generator"),
    };
    let places = GENERATORS.iter().map(|place| Path::new(place).join(folder).join(name));
    places.chain(PLACES.iter().map(PathBuf::from)).find(|place| place.is_file())
}

/// The services that it printed, each with the file that it comes from.
fn services(printed: &str) -> BTreeMap<String, PathBuf> {
    let mut services = BTreeMap::new();
    let mut name = None;
    for line in printed.lines() {
        let header = line.strip_prefix("---").and_then(|line| line.strip_suffix("---"));
        if let Some(unit) = header.filter(|unit| unit.ends_with(".service")) {
            name = Some(unit);
            services.insert(unit.to_owned(), PathBuf::new());
        } else if let (Some(path), Some(unit)) = (line.strip_prefix("SourcePath="), name) {
            services.insert(unit.to_owned(), PathBuf::from(path));
        }
    }
    services
}

/// What it said that is not a part of its work when all is well.
fn complaints(said: &str) -> Vec<String> {
    let lines = said.lines().map(|line| match line.split_once("]: ") {
        Some((start, rest)) if start.starts_with("quadlet-generator[") => rest,
        _ => line,
    });
    let is_news =
        |line: &&str| !line.trim().is_empty() && !USUAL.iter().any(|usual| line.starts_with(usual));
    // A generator that breaks down tells all its stack, of which the first line says why.
    let lines = lines.take_while(|line| !line.starts_with("goroutine "));
    lines.filter(is_news).map(str::to_owned).collect()
}

/// How lines begin that tell of no trouble; the warning is about names of images without a
/// registry, which `lint` tells.
const USUAL: [&str; 5] = [
    "Warning: ",
    "Loading source unit file ",
    "Loading source drop-in file ",
    "No files parsed from ",
    "processing encountered some errors",
];

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn services_and_complaints_are_told_apart() {
        let printed = "---web.service---\n[X-Container]\nImage=a\n[Unit]\n\
                       SourcePath=/s/web.container\n\
                       \n---a---b.service---\nSourcePath=/s/a---b.pod\n---\n--- x ---\n";
        let services = services(printed);
        let services: Vec<(&str, &str)> =
            services.iter().map(|(name, path)| (name.as_str(), path.to_str().unwrap())).collect();
        let expected = [("a---b.service", "/s/a---b.pod"), ("web.service", "/s/web.container")];
        assert_eq!(services, expected);
        let said = "quadlet-generator[7]: Loading source unit file /s/web.container\n\
                    quadlet-generator[7]: Warning: web.container specifies the image \"a\"\n\
                    quadlet-generator[7]: converting \"bad.container\": unsupported key 'Foo'\n\
                    quadlet-generator[7]: No files parsed from map[/s:{}]\n\
                    quadlet-generator[7]: processing encountered some errors\n\n\
                    panic: runtime error\n";
        assert_eq!(
            complaints(said),
            ["converting \"bad.container\": unsupported key 'Foo'", "panic: runtime error"]
        );
    }

    proptest! {
        #[test]
        fn nothing_printed_breaks_it(
            text in "(---|SourcePath=|quadlet-generator\\[|\\]: |a|\\.service|\n|\u{1f980}){0,40}",
        ) {
            let _read = (services(&text), complaints(&text));
        }
    }
}
