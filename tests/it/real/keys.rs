//! The table of keys against the real generators: what each Podman takes, and what it refuses.

use std::fmt::Write;

use stackwright::capability::podman::Podman;
use stackwright::capability::quadlet::{Key, SECTIONS};
use stackwright::emit::Scope;
use stackwright::emit::template::quadlet_line;

use super::{Suite, suite};
use crate::support::write;

/// A value that the key takes.
fn value(key: &Key) -> &'static str {
    use stackwright::capability::encode::Reader;

    match (key.name, key.reader) {
        (_, Reader::Switch) | ("Copy", _) => "true",
        ("Subnet", _) => "10.9.0.0/24",
        ("Gateway", _) => "10.9.0.1",
        ("IPRange", _) => "10.9.0.128/25",
        ("Volume", _) => "/srv:/srv",
        ("Mount", _) => "type=tmpfs,destination=/x",
        ("Secret", _) => "a,type=env",
        ("Network", _) => "host",
        ("Pod", _) => "other.pod",
        ("Device", _) => "/dev/sdx",
        ("Type", _) => "tmpfs",
        ("Environment" | "Label" | "Annotation" | "BuildArg" | "Options", _) => "a=b",
        ("AddDevice", _) => "/dev/null",
        ("UserNS" | "RemapUsers", _) => "auto",
        ("UIDMap" | "GIDMap", _) => "0:1000:1",
        ("Notify", _) => "healthy",
        ("ServiceName", _) => "elsewhere",
        ("Image", _) => "docker.io/library/x:1",
        ("SetWorkingDirectory" | "File", _) => "/srv",
        ("ExposeHostPort", _) => "80",
        ("PublishPort", _) => "80:80",
        _ => "1",
    }
}

/// What a unit of a section needs at least.
fn least(section: &str) -> &'static str {
    match section {
        "Container" => "Image=docker.io/library/x:1\nUser=1\n",
        "Build" => "ImageTag=localhost/x:1\nSetWorkingDirectory=/srv\n",
        "Image" => "Image=docker.io/library/x:1\n",
        "Network" => "Subnet=10.9.0.0/24\n",
        "Volume" => "Device=/dev/sdx\nType=tmpfs\n",
        _ => "",
    }
}

/// Whether the generator of the suite takes a unit with these lines.
fn takes(suite: &Suite, section: &str, lines: &str) -> Result<(), String> {
    let folder = tempfile::tempdir().unwrap();
    let ending = section.to_lowercase();
    let mut unit = format!("[{section}]\n");
    let keys: Vec<&str> = lines.lines().filter_map(|line| line.split('=').next()).collect();
    for line in least(section).lines() {
        let own = line.split('=').next().unwrap();
        // An image and a root file system are one too many.
        let is_instead = own == "Image" && keys.contains(&"Rootfs");
        if !is_instead && (!keys.contains(&own) || own == "Subnet") {
            writeln!(unit, "{line}").unwrap();
        }
    }
    if keys.iter().any(|key| key.starts_with("RemapUid") || key.starts_with("RemapGid")) {
        unit.push_str("RemapUsers=manual\n");
    }
    unit.push_str(lines);
    write(&folder.path().join(format!("x.{ending}")), &unit);
    write(&folder.path().join("other.pod"), "[Pod]\n");
    let services = suite.generate(folder.path(), Scope::User);
    match services.said.is_empty() {
        true => Ok(()),
        false => Err(services.said.join("\n")),
    }
}

#[test]
fn every_key_came_with_the_podman_of_its_row() {
    let Some(suite) = suite() else { return };
    let mut problems = Vec::new();
    for (section, keys) in SECTIONS {
        for key in *keys {
            let line = format!("{}={}\n", key.name, value(key));
            let taken = takes(&suite, section, &line);
            match (key.since <= suite.podman, taken) {
                (true, Err(said)) => problems.push(format!("[{section}] {line}{said}")),
                (false, Ok(())) => problems.push(format!("[{section}] {line}is taken")),
                _ => {}
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// A key is written for the first Podman that has it, and said by its flag to the one before it, or
/// refused.
#[test]
fn every_key_has_a_way_for_the_podman_before_it() {
    let suite = suite();
    for (section, keys) in SECTIONS {
        for key in *keys {
            let before = match key.since {
                Podman(major, 0) => Podman(major - 1, 9),
                Podman(major, minor) => Podman(major, minor - 1),
            };
            let written = |podman| {
                let mut lines = String::new();
                quadlet_line(key, podman, "", value(key), &mut lines).map(|()| lines)
            };
            let now = written(key.since).unwrap();
            assert!(now.starts_with(&format!("{}=", key.name)), "[{section}] {now}");
            match written(before) {
                Ok(line) => {
                    assert!(line.starts_with("PodmanArgs=--"), "[{section}] {line}");
                    let is_there = suite.as_ref().filter(|suite| {
                        // The key for flags is itself younger in some sections.
                        suite.podman >= key.since || before <= suite.podman
                    });
                    if let Some(suite) = is_there {
                        takes(suite, section, &line).unwrap_or_else(|said| panic!("{line}{said}"));
                    }
                }
                Err(why) => {
                    assert_eq!((why, key.flag_for(before)), (None, None), "{}", key.name);
                }
            }
        }
    }
}
