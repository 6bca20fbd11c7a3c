//! What docker-compose and podman-compose understand is what the stack says.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use super::{SECRET, TOOLS, fill_in, suite};
use crate::real::must;
use crate::real::values::{Given, Random};
use crate::support::{run, write};

/// How many services with hostile values are tried.
const HOSTILE: usize = 500;

/// Holds what is expected against what was found, which may say more.
fn differences(place: &str, expected: &Value, found: &Value, told: &mut Vec<String>) {
    match (expected, found) {
        (Value::Object(expected), Value::Object(found)) => {
            for (name, expected) in expected {
                let found = found.get(name).unwrap_or(&Value::Null);
                differences(&format!("{place}.{name}"), expected, found, told);
            }
        }
        (Value::Array(expected), Value::Array(found)) if expected.len() == found.len() => {
            for (number, (expected, found)) in expected.iter().zip(found).enumerate() {
                differences(&format!("{place}[{number}]"), expected, found, told);
            }
        }
        _ if expected == found => {}
        _ => told.push(format!("{place}: {found} in place of {expected}")),
    }
}

/// What `tests/compose/forms.yml` says, in the words of docker-compose.
fn forms() -> Value {
    let home = "/home/user/here";
    let bind =
        |source: &str, target: &str| json!({ "type": "bind", "source": source, "target": target });
    let port = |address: Value, published: Value, target: u16, protocol: &str| {
        json!({
            "host_ip": address, "published": published, "target": target, "protocol": protocol,
        })
    };
    let tcp = |both: u16| port(Value::Null, json!(both.to_string()), both, "tcp");
    json!({
        "name": "forms-of",
        "services": {
            "vpn": {
                "container_name": "vpn",
                "depends_on": null,
                "networks": {
                    "one": {
                        "priority": 200, "aliases": ["gate", "door"], "ipv4_address": "10.9.6.5",
                    },
                    "two": { "priority": 100 },
                },
                "ports": [
                    port(json!("127.0.0.1"), json!("8080"), 80, "tcp"),
                    port(json!("::1"), json!("8081"), 81, "udp"),
                    tcp(9000), tcp(9001), tcp(9002),
                    port(Value::Null, Value::Null, 99, "tcp"),
                ],
                "devices": [
                    { "source": "/dev/null", "target": "/dev/null", "permissions": "r" },
                    { "source": "/dev/zero", "target": "/dev/nought", "permissions": "rw" },
                    { "source": "nvidia.com/gpu=all" },
                ],
                "extra_hosts": ["host=host-gateway", "nas=192.0.2.5", "six=2001:db8::1"],
                "stop_grace_period": "24h0m0s",
                "pids_limit": -1,
                "healthcheck": {
                    "test": ["CMD", "test", "-e", "/tmp/ready"],
                    "interval": "1m30s", "timeout": "500ms", "retries": 3,
                },
            },
            "guest": {
                "container_name": "guest",
                "network_mode": "service:vpn",
                "depends_on": { "vpn": { "condition": "service_started" } },
                "environment": {
                    "PASSWORD": SECRET, "TOKEN": SECRET, "TEXT": "50% \"off\" $5\n\ttwo\u{a0}lines",
                },
                "secrets": [
                    { "source": "cert", "target": "/run/secrets/cert" },
                    { "source": "db-password", "target": "/run/pw" },
                ],
                "mem_limit": (100_u32 << 20).to_string(),
                "memswap_limit": (150_u32 << 20).to_string(),
                "shm_size": (64_u32 << 20).to_string(),
                "ulimits": {
                    "nofile": { "soft": 1024, "hard": 1024 }, "memlock": { "soft": -1, "hard": -1 },
                },
                "labels": { "a.b": "$HOME", "c d": "yes" },
                "healthcheck": { "retries": 2 },
            },
            "late": {
                "container_name": null,
                "deploy": { "mode": "replicated", "replicas": 3 },
                "depends_on": {
                    "vpn": { "condition": "service_started" },
                    "guest": { "condition": "service_healthy" },
                },
                "entrypoint": [],
                "command": ["sh", "-c", "echo \"$HOME\" '${HOME}x'", ""],
                "volumes": [
                    { "type": "volume", "source": "kept", "target": "/kept", "read_only": true,
                      "volume": { "nocopy": true } },
                    { "type": "volume", "source": "other", "target": "/other" },
                    bind("/srv/beside", "/beside"),
                    { "type": "bind", "source": home, "target": "/here", "read_only": true,
                      "bind": { "selinux": "z", "propagation": "rslave" } },
                    bind("/srv/a $b", "/there"),
                ],
                "tmpfs": ["/tmp:size=64m,mode=1777"],
                "healthcheck": { "disable": true },
            },
        },
        "networks": {
            "one": {
                "name": "one", "external": null, "driver_opts": { "mtu": "1400" },
                "labels": { "of": "a$b" }, "ipam": { "config": [{ "subnet": "10.9.6.0/24" }] },
            },
            "two": { "name": "systemd-proxy", "external": true },
        },
        "volumes": {
            "kept": { "name": "kept", "external": null, "labels": { "size": "5%" } },
            "other": { "name": "theirs", "external": true },
        },
        "secrets": {
            "cert": { "file": "/srv/keys/cert.pem" },
            "db-password": { "file": "/mnt/secrets/db-password" },
        },
    })
}

#[test]
fn forms_are_understood_as_they_are_meant() {
    let Some(suite) = suite() else { return };
    let folder = tempfile::tempdir().unwrap();
    fill_in(Path::new("snapshots/compose/forms"), folder.path());
    let files = ["compose.yml".to_owned()];
    let model = suite.config(folder.path(), "docker-compose", &files).unwrap();
    let mut told = Vec::new();
    differences("", &forms(), &model, &mut told);
    let test = words(&model["services"]["guest"]["healthcheck"]["test"]);
    if by_shell(&test) != ["test", "a b", "=", "", "it's $HOME"] {
        told.push(format!("the health command is {test:?}"));
    }
    assert_eq!(told, Vec::<String>::new());
}

#[test]
fn hostile_values_are_understood_as_they_are_meant() {
    let Some(suite) = suite() else { return };
    let folder = tempfile::tempdir().unwrap();
    let mut random = Random(0xc0de);
    let given: Vec<Given> = (0..HOSTILE).map(|_| Given::new(&mut random)).collect();
    write(&folder.path().join("hostile.yml"), &stack(&given));
    let made = run(folder.path(), &["generate", "hostile.yml", "--target", "compose"]);
    assert_eq!(made.code, 0, "{made:?}");
    let folder = folder.path().join("build/hostile/compose");
    for tool in TOOLS {
        let model = suite.config(&folder, tool, &["compose.yml".to_owned()]).unwrap();
        let mut told = Vec::new();
        for (number, given) in given.iter().enumerate() {
            let name = format!("svc-{number}");
            let found = &model["services"][&name];
            differences(&name, &meant(tool, number, given), found, &mut told);
            let test = words(&found["healthcheck"]["test"]);
            let is_meant = match given.health.split_first().unwrap() {
                (kind, _) if kind == "CMD-SHELL" => test == given.health,
                _ if test[0] == "CMD" => test == given.health,
                (_, words) => by_shell(&test) == words,
            };
            if !is_meant {
                told.push(format!("{name}: {test:?} in place of {:?}", given.health));
            }
        }
        assert!(
            told.is_empty(),
            "{tool}: {}\n{}",
            told.len(),
            told[..3.min(told.len())].join("\n")
        );
    }
}

/// The service that another one waits for, in chains of five: podman-compose would take minutes to
/// read a chain of hundreds.
fn before(number: usize) -> Option<String> {
    (!number.is_multiple_of(5)).then(|| format!("svc-{}", number - 1))
}

/// A stack in which services wait for each other, in one way or the other.
fn stack(given: &[Given]) -> String {
    let mut stack = String::from("stack:\n  name: hostile\nservices:\n");
    for (number, given) in given.iter().enumerate() {
        let image = "      image: docker.io/library/hostile:1\n";
        let (address, target) = (format!("127.0.0.{}", number % 250 + 1), number + 1);
        let port = format!("      ports: [\"{address}:{}:{target}/udp\"]\n", 20_000 + number);
        given.write(&format!("svc-{number}"), &format!("{image}{port}"), &mut stack);
        if let Some(before) = before(number) {
            let condition = ["started", "healthy"][number % 2];
            let needed = format!("{{ name: {before}, condition: {condition} }}");
            writeln!(stack, "    dependencies: [{needed}]").unwrap();
        }
    }
    stack
}

/// What a tool must understand of a service, but for its health command.
fn meant(tool: &str, number: usize, given: &Given) -> Value {
    let (address, published) = (format!("127.0.0.{}", number % 250 + 1), 20_000 + number);
    let port = match tool {
        "docker-compose" => json!({
            "host_ip": address, "target": number + 1, "published": published.to_string(),
            "protocol": "udp",
        }),
        _ => json!(format!("{address}:{published}:{}/udp", number + 1)),
    };
    let condition = ["service_started", "service_healthy"][number % 2];
    let needs: BTreeMap<String, Value> = before(number)
        .into_iter()
        .map(|before| (before, json!({ "condition": condition })))
        .collect();
    json!({
        "container_name": format!("svc-{number}"),
        "environment": given.environment,
        "labels": given.labels,
        "command": given.command,
        "volumes": [{ "type": "bind", "source": given.source, "target": "/data" }],
        "ports": [port],
        "depends_on": if needs.is_empty() { Value::Null } else { json!(needs) },
    })
}

fn words(list: &Value) -> Vec<String> {
    let words = list.as_array().into_iter().flatten();
    words.map(|word| word.as_str().unwrap().to_owned()).collect()
}

/// The words that a real shell reads in a health command.
fn by_shell(test: &[String]) -> Vec<String> {
    let [kind, line] = test else { panic!("{test:?}") };
    assert_eq!(kind, "CMD-SHELL");
    let said = must(Command::new("sh").args(["-c", &format!("printf '%s\\0' {line}")]));
    said.split_terminator('\0').map(str::to_owned).collect()
}
