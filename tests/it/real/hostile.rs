//! Hostile values in every field of a service: refused at their line, or literal in what runs.

use std::collections::{BTreeMap, BTreeSet};
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
    "description: @",
    "configuration: { image: @ }",
    "configuration: { container_name: @ }",
    "configuration: { hostname: @ }",
    "configuration: { command: [a, @] }",
    "configuration: { command: @ }",
    "configuration: { entrypoint: [@] }",
    "configuration: { working_dir: @ }",
    "configuration: { working_dir: /@ }",
    "configuration: { environment: { A: @ } }",
    "configuration: { environment: { @: a } }",
    "configuration: { environment: [\"A=@\"] }",
    "configuration: { secrets: [{ name: key, target: @ }] }",
    "configuration: { secrets: [{ name: key, type: env, target: @ }] }",
    "configuration: { files: [{ name: conf, target: @ }] }",
    "configuration: { files: [{ name: conf, target: /@ }] }",
    "configuration: { timezone: @ }",
    "configuration: { ports: [@] }",
    "configuration: { networks: [@] }",
    "configuration: { networks: [{ name: inner, aliases: [@] }] }",
    "configuration: { networks: [{ name: inner, interface: @ }] }",
    "configuration: { network_mode: @ }",
    "configuration: { network_mode: \"pasta:@\" }",
    "configuration: { dns: [@] }",
    "configuration: { dns_search: [@] }",
    "configuration: { dns_options: [@] }",
    "configuration: { extra_hosts: [@] }",
    "configuration: { volumes: [@] }",
    "configuration: { volumes: [\"@:/data\"] }",
    "configuration: { volumes: [{ source: /srv/@, target: /data }] }",
    "configuration: { volumes: [{ source: /srv, target: /@ }] }",
    "configuration: { volumes: [{ source: /srv, target: /data, options: @ }] }",
    "configuration: { tmpfs: [@] }",
    "configuration: { tmpfs: [/@] }",
    "configuration: { devices: [@] }",
    "configuration: { devices: [/dev/@] }",
    "configuration: { cpuset: @ }",
    "configuration: { user: @ }",
    "configuration: { group_add: [@] }",
    "configuration: { userns: @ }",
    "configuration: { userns: \"ns:/@\" }",
    "configuration: { uid_map: [@] }",
    "configuration: { security: { capabilities: [@] } }",
    "configuration: { security: { label_type: @ } }",
    "configuration: { security: { seccomp: /@ } }",
    "configuration: { security: { apparmor: @ } }",
    "configuration: { security: { mask: [/@] } }",
    "configuration: { security: { unmask: [/@] } }",
    "configuration: { sysctls: { net.core.somaxconn: @ } }",
    "configuration: { sysctls: { @: 1 } }",
    "configuration: { ipc: @ }",
    "configuration: { pid: \"ns:@\" }",
    "configuration: { labels: { a: @ } }",
    "configuration: { labels: { @: a } }",
    "configuration: { annotations: { a: @ } }",
    "configuration: { logging: { driver: journald, options: { tag: @ } } }",
    "configuration: { logging: { driver: @ } }",
    "configuration: { traefik_labels: { router_rule: @, port: 80 } }",
    "configuration: { traefik_labels: { router_rule: a, middlewares: [@], port: 80 } }",
    "configuration: { health_check: { command: @ } }",
    "configuration: { health_check: { command: [CMD, a, @] } }",
    "configuration: { stop_signal: @ }",
    "configuration: { platform: @ }",
    "configuration: { image_pinned_on: @ }",
    "configuration: { systemd: { slice: @ } }",
    "configuration: { systemd: { after: [@] } }",
    "configuration: { systemd: { sockets: [@] } }",
];

/// A text in double quotes as YAML has it, with no variable in it.
fn quoted(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '$' => out.push_str("$$"),
            c if c.is_control() => out.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

/// A field with a value in it; one that has quotes of its own, or more in its text, keeps them.
fn filled(field: &str, value: &str) -> String {
    let value = quoted(value);
    if field.contains("\"") {
        return field.replace('@', &value);
    }
    let start = field.find('@').unwrap();
    let word = field[..start].rfind([' ', '[']).map_or(0, |place| place + 1);
    let (before, after) = (&field[..word], &field[start + 1..]);
    format!("{before}\"{}{value}\"{after}", &field[word..start])
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
        let text = stack(&name, &filled(FIELDS[place], value));
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
