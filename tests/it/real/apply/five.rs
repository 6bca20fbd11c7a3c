//! The stack of Immich, five services with a health check each, from nothing to healthy; what is
//! done again when nothing or little of it changed; and how long all that takes.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;
use std::time::Instant;

use serde_json::Value;

use super::{Ground, PROGRAM, events, shop};
use crate::support::text;

/// What makes the stack run on a host that has one image: a command and a health check each.
const SERVICES: [(&str, &str, &str); 5] = [
    (
        "immich-postgres",
        "sleep 0.5; echo database system is ready to accept connections; touch /tmp/ready",
        "test -e /tmp/ready",
    ),
    ("immich-redis", "touch /tmp/ready", "test -e /tmp/ready"),
    ("immich-ml", "sleep 1; touch /tmp/ready", "test -e /tmp/ready"),
    ("immich-server", "sleep 0.2; touch /tmp/ready", "test -e /tmp/ready"),
    (
        "immich-web",
        "mkdir -p /tmp/www/api/server; echo pong > /tmp/www/api/server/ping; \
         httpd -f -p 2283 -h /tmp/www",
        "wget -q -O /dev/null http://127.0.0.1:2283/api/server/ping",
    ),
];

/// What each service waits for, as the stack file says.
const WAITS: [(&str, &[&str]); 5] = [
    ("immich-postgres", &[]),
    ("immich-redis", &[]),
    ("immich-ml", &[]),
    ("immich-server", &["immich-postgres", "immich-redis"]),
    ("immich-web", &["immich-server"]),
];

const APPLY: [&str; 5] = ["apply", "/srv/immich.yml", "--overlay", "/srv/here.yml", "--yes"];

/// What the stack is tested by in place of what needs a real database.
const PING: &str = "http://immich-web:2283/api/server/ping";

fn overlay(settle: &str) -> String {
    let mut text = format!(
        "stack: {{ name: immich }}\ndeployment: {{ timeouts: {{ settle: {settle} }} }}\n\
         validation: {{ tests: [{{ type: http_get, url: \"{PING}\", timeout: 5s }}] }}\nservices:\n"
    );
    for (name, command, check) in SERVICES {
        write!(
            text,
            "  - name: {name}\n    configuration:\n      image: docker.io/library/base:1\n      \
             pull_policy: never\n      stop_timeout: 1s\n      command: [serve, sh, -c, \
             \"{command}\"]\n      health_check: {{ command: \"{check}\", interval: 1s, \
             start_interval: 1s }}\n"
        )
        .unwrap();
    }
    text
}

fn immich(ground: &Ground, settle: &str) {
    ground.stack("immich", &text(Path::new("stacks/immich.yml")));
    ground.stack("here", &overlay(settle));
    let folders = "mkdir -p /srv/immich/postgres /srv/immich/upload; chown -R user: /srv/immich";
    ground.host.user(&["--root", "sh", "-c", folders]);
    ground.host.user(&["podman", "network", "create", "systemd-reverse_proxy"]);
}

/// All files of our stacks, with what tells one that was written anew.
const STORE: &str = "cd ~/.local/state/stackwright/stacks && \
    find . -printf '%p %i %m %s %T@ %l\n' | sort";

#[test]
fn five_services_come_up_healthy_and_the_second_time_nothing_happens() {
    let Some(ground) = Ground::new("five") else { return };
    immich(&ground, "1s");
    ground.ends(0, &APPLY);
    for (name, _, _) in SERVICES {
        let status = ["podman", "inspect", "-f", "{{.State.Health.Status}}", name];
        assert_eq!(ground.host.user(&status).trim(), "healthy", "{name}");
        assert_eq!(ground.host.property(&format!("{name}.service"), "NRestarts"), "0");
    }
    let reloads = || ground.host.user(&["journalctl", "--user", "-o", "cat", "-g", "Reloading"]);
    let store = || ground.host.user(&["sh", "-c", STORE]);
    let before = (ground.look(), store(), reloads());
    let again = ground.ends(0, &APPLY);
    assert_eq!(again.out, "immich: nothing to do\n");
    assert_eq!((ground.look(), store(), reloads()), before);
    let plan = ground.ends(0, &["plan", "/srv/immich.yml", "--overlay", "/srv/here.yml"]);
    assert!(plan.out.contains("nothing to do"), "{}", plan.out);
    // What was applied just now has not drifted, and to look for that changes nothing.
    assert_eq!(ground.ends(0, &["diff"]).out, "immich: as it should be\n");
    assert_eq!((ground.look(), store(), reloads()), before);
    ground.strangers_are_untouched();
}

#[test]
fn what_changed_restarts_with_those_that_must_follow_and_nothing_else() {
    let Some(ground) = Ground::new("minimal") else { return };
    let mut before = None;
    // What is changed, and who has another container then.
    for (changes, restarted) in [
        (&[][..], &[][..]),
        (&[("WEB", "2")], &["web"]),
        (&[("WEB", "2"), ("BOT", "2")], &["bot"]),
        (&[("WEB", "2"), ("BOT", "2"), ("DATABASE", "2")], &["db-1", "web"]),
    ] {
        ground.stack("shop", &shop(changes));
        ground.up("shop");
        let now = ground.look();
        if let Some(before) = &before {
            assert_eq!(now.restarted(before), restarted, "{changes:?}");
        }
        before = Some(now);
    }
    let changes = [("WEB", "2"), ("BOT", "2"), ("DATABASE", "2"), ("DESCRIPTION", "Another one")];
    ground.stack("shop", &shop(&changes));
    ground.up("shop");
    let now = ground.look();
    let none: [&str; 0] = [];
    assert_eq!(now.restarted(&before.unwrap()), none);
    assert_eq!(ground.host.property("db.service", "Description"), "Another one");
    ground.strangers_are_untouched();
}

/// How long a first apply takes against the longest chain of its services, and how long a second
/// one. `STACKWRIGHT_BENCH=1` runs it, best with a program of the release profile in
/// `STACKWRIGHT_PROGRAM`; it prints, and holds nothing against a number.
#[test]
fn bench_of_five_services() {
    if std::env::var_os("STACKWRIGHT_BENCH").is_none_or(|value| value != "1") {
        return;
    }
    let Some(ground) = Ground::new("bench") else { return };
    immich(&ground, "0s");
    let mut table = String::from("run   all  chain  ratio  again\n");
    for run in 1..=10 {
        let began = Instant::now();
        let first = ground.ends(0, &[&APPLY[..], &["--format", "json"]].concat());
        // What is asked of the stack once all is up counts as little as the time to settle.
        let all = began.elapsed().as_millis() - u128::from(tested(&ground));
        let chain = longest_chain(&events(&first));
        let began = Instant::now();
        ground.ends(0, &APPLY);
        let again = began.elapsed().as_millis();
        let ratio =
            f64::from(u32::try_from(all).unwrap()) / f64::from(u32::try_from(chain).unwrap());
        writeln!(table, "{run:3} {all:5} {chain:6}  {ratio:5.3}  {again:5}").unwrap();
        ground.ends(0, &["remove", "immich", "--yes"]);
    }
    let began = Instant::now();
    ground.run(&[PROGRAM, "--version"]);
    let entry = began.elapsed().as_millis();
    writeln!(table, "milliseconds; {entry} of them are for getting into the host").unwrap();
    std::io::Write::write_all(&mut std::io::stderr(), table.as_bytes()).unwrap();
}

/// How long the tests of the last deployment took, in milliseconds.
fn tested(ground: &Ground) -> u64 {
    let history = events(&ground.ends(0, &["history", "immich", "--format", "json"]));
    history.last().unwrap()["phases"]["test"].as_u64().unwrap()
}

/// The longest chain of services by their own start times.
fn longest_chain(events: &[Value]) -> u64 {
    let took = |name: &str| -> u64 {
        let service = format!("{name}.service");
        let is_it = |event: &&Value| event["event"] == "ready" && event["service"] == *service;
        events.iter().find(is_it).unwrap()["milliseconds"].as_u64().unwrap()
    };
    let mut ends: BTreeMap<&str, u64> = BTreeMap::new();
    for (name, waits) in WAITS {
        let before = waits.iter().map(|other| ends[other]).max().unwrap_or(0);
        ends.insert(name, before + took(name));
    }
    ends.into_values().max().unwrap()
}
