//! Hostile values in every field of a service: refused at their line, or literal in what runs.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;

use stackwright::emit::{File, Scope, quadlet};
use stackwright::host::memory::Memory;

use super::{arguments, suite, unfold};
use crate::generate::{Wanted, files_of};

/// What somebody may put anywhere: specifiers, variables, options, other keys and sections, paths
/// that lead out, names of nothing, commands.
const HOSTILE: &[&str] = &[
    "%h",
    "%n%%i",
    "50%",
    "$HOME",
    "${HOME}",
    "$$",
    "-rf",
    "--privileged",
    "../../etc/passwd",
    "/etc/passwd",
    "a/b",
    ".",
    "..",
    "CON",
    "x.",
    "x ",
    " x",
    "$(id)",
    "`id`",
    ";",
    "; id",
    "a;b",
    "a\nb",
    "a\r\n[Service]\nExecStartPre=/bin/false",
    "x\nPodmanArgs=--privileged",
    "a\\",
    "\\x41",
    "\"x\"",
    "'x'",
    "#x",
    "a,b",
    "a:b",
    "a=b",
    "",
    "\u{202e}x",
    "\u{200b}",
    "é",
    "a\tb",
    "[Install]",
];

/// The fields of a service, with `@` where the value stands; names first.
const FIELDS: &[&str] = &[
    r#"description: "@""#,
    r#"configuration: { image: "@" }"#,
    r#"configuration: { container_name: "@" }"#,
    r#"configuration: { hostname: "@" }"#,
    r#"configuration: { command: [a, "@"] }"#,
    r#"configuration: { command: "@" }"#,
    r#"configuration: { entrypoint: ["@"] }"#,
    r#"configuration: { working_dir: "@" }"#,
    r#"configuration: { working_dir: "/@" }"#,
    r#"configuration: { environment: { A: "@" } }"#,
    r#"configuration: { environment: { "@": a } }"#,
    r#"configuration: { environment: ["A=@"] }"#,
    r#"configuration: { secrets: [{ name: key, target: "@" }] }"#,
    r#"configuration: { secrets: [{ name: key, type: env, target: "@" }] }"#,
    r#"configuration: { files: [{ name: conf, target: "@" }] }"#,
    r#"configuration: { files: [{ name: conf, target: "/@" }] }"#,
    r#"configuration: { timezone: "@" }"#,
    r#"configuration: { ports: ["@"] }"#,
    r#"configuration: { networks: ["@"] }"#,
    r#"configuration: { networks: [{ name: inner, aliases: ["@"] }] }"#,
    r#"configuration: { networks: [{ name: inner, interface: "@" }] }"#,
    r#"configuration: { network_mode: "@" }"#,
    r#"configuration: { network_mode: "pasta:@" }"#,
    r#"configuration: { dns: ["@"] }"#,
    r#"configuration: { dns_search: ["@"] }"#,
    r#"configuration: { dns_options: ["@"] }"#,
    r#"configuration: { extra_hosts: ["@"] }"#,
    r#"configuration: { volumes: ["@"] }"#,
    r#"configuration: { volumes: ["@:/data"] }"#,
    r#"configuration: { volumes: [{ source: "/srv/@", target: /data }] }"#,
    r#"configuration: { volumes: [{ source: /srv, target: "/@" }] }"#,
    r#"configuration: { volumes: [{ source: /srv, target: /data, options: "@" }] }"#,
    r#"configuration: { tmpfs: ["@"] }"#,
    r#"configuration: { tmpfs: ["/@"] }"#,
    r#"configuration: { devices: ["@"] }"#,
    r#"configuration: { devices: ["/dev/@"] }"#,
    r#"configuration: { cpuset: "@" }"#,
    r#"configuration: { user: "@" }"#,
    r#"configuration: { group_add: ["@"] }"#,
    r#"configuration: { userns: "@" }"#,
    r#"configuration: { userns: "ns:/@" }"#,
    r#"configuration: { uid_map: ["@"] }"#,
    r#"configuration: { security: { capabilities: ["@"] } }"#,
    r#"configuration: { security: { label_type: "@" } }"#,
    r#"configuration: { security: { seccomp: "/@" } }"#,
    r#"configuration: { security: { apparmor: "@" } }"#,
    r#"configuration: { security: { mask: ["/@"] } }"#,
    r#"configuration: { security: { unmask: ["/@"] } }"#,
    r#"configuration: { sysctls: { net.core.somaxconn: "@" } }"#,
    r#"configuration: { sysctls: { "@": 1 } }"#,
    r#"configuration: { ipc: "@" }"#,
    r#"configuration: { pid: "ns:@" }"#,
    r#"configuration: { labels: { a: "@" } }"#,
    r#"configuration: { labels: { "@": a } }"#,
    r#"configuration: { annotations: { a: "@" } }"#,
    r#"configuration: { logging: { driver: journald, options: { tag: "@" } } }"#,
    r#"configuration: { logging: { driver: "@" } }"#,
    r#"configuration: { traefik_labels: { router_rule: "@", port: 80 } }"#,
    r#"configuration: { traefik_labels: { router_rule: a, middlewares: ["@"], port: 80 } }"#,
    r#"configuration: { health_check: { command: "@" } }"#,
    r#"configuration: { health_check: { command: [CMD, a, "@"] } }"#,
    r#"configuration: { stop_signal: "@" }"#,
    r#"configuration: { platform: "@" }"#,
    r#"configuration: { image_pinned_on: "@" }"#,
    r#"configuration: { systemd: { slice: "@" } }"#,
    r#"configuration: { systemd: { after: ["@"] } }"#,
    r#"configuration: { systemd: { sockets: ["@"] } }"#,
];

/// A text in double quotes as YAML has it, with no variable in it.
fn quoted(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '$' => out.push_str("$$"),
            c if c.is_control() => write!(out, "\\x{:02x}", u32::from(c)).unwrap(),
            c => out.push(c),
        }
    }
    out
}

fn stack(name: &str, field: &str) -> String {
    let image = if field.contains("image: ") || field.starts_with("description") {
        ""
    } else {
        "image: docker.io/library/x:1, "
    };
    let field = match field.strip_prefix("configuration: {") {
        Some(rest) => format!("configuration: {{ {image}{rest}"),
        None => format!("{field}\n    configuration: {{ image: docker.io/library/x:1 }}"),
    };
    format!(
        "stack: {{ name: {name} }}\nservices:\n  - name: {name}\n    {field}\n\
         networks: {{ inner: {{}} }}\nsecrets: {{ key: {{}} }}\n\
         files: {{ conf: {{ content: x }} }}\n"
    )
}

/// What became of one field with each value.
#[derive(Default)]
struct Tried {
    refused: usize,
    /// The name, the stack, the value, and the files.
    written: Vec<(String, String, &'static str, Vec<File>)>,
    problems: Vec<String>,
}

fn tried(place: usize, target: quadlet::Target) -> Tried {
    let mut tried = Tried::default();
    for (number, value) in HOSTILE.iter().enumerate() {
        let name = format!("x{place}-{number}");
        let text = stack(&name, &FIELDS[place].replace('@', &quoted(value)));
        let look = Memory::with([("/srv/stacks/x.yml", text.as_str())]);
        let path = Path::new("/srv/stacks/x.yml");
        match files_of(path, &look, &Wanted::for_target(target)) {
            Ok(files) => tried.written.push((name, text, *value, files)),
            Err(told) if told.contains("error[SW") && told.contains("x.yml:") => {
                tried.refused += 1;
            }
            Err(told) => tried.problems.push(format!("{text}\n{told}")),
        }
    }
    tried
}

#[test]
fn hostile_fields_are_refused_or_literal() {
    let Some(suite) = suite() else { return };
    let target = quadlet::Target { podman: suite.podman, scope: Scope::User };
    let folder = tempfile::tempdir().unwrap();
    let mut written: BTreeMap<String, (String, &str)> = BTreeMap::new();
    let (mut refused, mut problems) = (0, Vec::new());
    for place in 0..FIELDS.len() {
        let tried = tried(place, target);
        refused += tried.refused;
        problems.extend(tried.problems);
        for (name, text, value, files) in tried.written {
            // In one folder: Quadlet looks for drop-ins of each unit in every folder there is.
            unfold(folder.path(), &files);
            written.insert(format!("{name}.service"), (text, value));
        }
    }
    assert!(refused > 500 && written.len() > 500, "{refused} and {}", written.len());
    let mut services = suite.generate(folder.path(), Scope::User);
    // It warns of short names as lint does, and takes them.
    services.said.retain(|line| !line.contains("not a fully qualified image name"));
    assert_eq!(services.said, Vec::<String>::new());
    for (name, (text, value)) in &written {
        let told = match services.units.get(name) {
            Some(service) => unmeant(service, value),
            None => Some("is not made".to_owned()),
        };
        problems.extend(told.map(|told| format!("{name} {told}\n{text}")));
    }
    assert!(problems.is_empty(), "{} problems\n{}", problems.len(), problems.join("\n"));
}

/// What is in a generated service beside what is meant.
fn unmeant(service: &str, value: &str) -> Option<String> {
    let count = |key: &str| service.lines().filter(|line| line.starts_with(key)).count();
    let once =
        ["ExecStart=", "ExecStop=", "ExecStopPost=", "[Service]", "[Install]", "[Container]"];
    if let Some(key) = once.iter().find(|key| count(key) > 1) {
        return Some(format!("has {key} twice\n{service}"));
    }
    let known = BTreeSet::from(["Environment", "ExecStart", "ExecStop", "ExecStopPost"]);
    let other = service.lines().find(|line| {
        let key = line.split('=').next().unwrap();
        key.starts_with("Exec") && !known.contains(key)
    });
    if let Some(line) = other.filter(|_| !value.starts_with("ExecStart")) {
        let is_quadlet = ["Exec=", "ExecReload="].iter().any(|key| line.starts_with(key));
        if !is_quadlet {
            return Some(format!("has {line}\n{service}"));
        }
    }
    let words = arguments(service, "ExecStart");
    if words.iter().any(|word| word == "--privileged") && value != "--privileged" {
        return Some("is privileged".to_owned());
    }
    // Specifiers that are meant stand alone in front of a path, and all others are doubled.
    let line = service.lines().find(|line| line.starts_with("ExecStart=")).unwrap();
    let line = line.replace("%%", "").replace("%h/.local/state", "").replace("%t/%N.cid", "");
    let stray = line.contains('%') || line.replace("$$", "").contains('$');
    stray.then(|| format!("has a specifier or a variable\n{service}"))
}
