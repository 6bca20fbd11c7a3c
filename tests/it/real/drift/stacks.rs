//! Every stack of `stacks/` on a real host: nothing of it reads as drift when it was just applied,
//! nor after what harms nobody.
//!
//! The host has one small image under the names of all. Each stack is what its file says but for
//! what runs inside of its containers: that stays up, says that it is healthy, and is asked for
//! nothing else.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::thread;

use serde_yaml::Value;
use stackwright::emit::{Scope, quadlet};

use crate::generate::{Wanted, generate};
use crate::real::apply::Ground;
use crate::real::suite;
use crate::support::{list, text};

/// A stack and what a host must have for it.
struct Tried {
    name: String,
    file: String,
    overlay: String,
    /// Images without digests, which none can be given.
    images: BTreeSet<String>,
    /// What the values of some keys of its units begin with.
    folders: BTreeSet<String>,
    networks: BTreeSet<String>,
    /// What no other stack may have at the same time.
    claims: BTreeSet<String>,
}

impl Tried {
    fn of(path: &Path) -> Self {
        let podman = suite().unwrap().podman;
        let wanted = Wanted::for_target(quadlet::Target { podman, scope: Scope::User });
        let units = generate(path, &wanted).into_iter();
        let units = units.filter(|file| file.path.ends_with(".container"));
        let units: Vec<String> =
            units.map(|file| String::from_utf8(file.contents).unwrap()).collect();
        let values = |key: &str| -> BTreeSet<String> {
            let lines = units.iter().flat_map(|unit| unit.lines());
            let values = lines.filter_map(|line| line.strip_prefix(key)?.strip_prefix('='));
            values.map(str::to_owned).collect()
        };
        let first = |key: &str| -> BTreeSet<String> {
            let begin = |value: &String| value.split(':').next().unwrap().to_owned();
            values(key).iter().map(begin).collect()
        };
        let of_podman = |name: &String| !name.contains('.') && name != "host" && name != "none";
        let of_host = |path: &String| path.starts_with('/') && !path.starts_with("/run/");
        Self {
            name: path.file_stem().unwrap().to_str().unwrap().to_owned(),
            file: text(path),
            overlay: overlay(&serde_yaml::from_str(&text(path)).unwrap()),
            images: values("Image").iter().map(|name| without_digest(name).to_owned()).collect(),
            folders: first("Volume").into_iter().filter(of_host).collect(),
            networks: first("Network").into_iter().filter(of_podman).collect(),
            claims: values("PublishPort").into_iter().chain(values("ContainerName")).collect(),
        }
    }

    fn path(&self) -> String {
        format!("/srv/{}.yml", self.name)
    }

    /// Brings it up, and looks that nothing of it is another one than it should be.
    fn up(&self, ground: &Ground) {
        let overlay = format!("/srv/here-{}.yml", self.name);
        ground.ends(0, &["apply", &self.path(), "--overlay", &overlay, "--yes"]);
    }
}

fn without_digest(image: &str) -> &str {
    image.split('@').next().unwrap()
}

/// What makes a stack run on a host whose images do nothing.
fn overlay(stack: &Value) -> String {
    let name = stack["stack"]["name"].as_str().unwrap();
    let services = stack["services"].as_sequence().unwrap();
    let first = services[0]["name"].as_str().unwrap();
    let mut text = format!(
        "stack: {{ name: {name} }}\ndeployment: {{ timeouts: {{ settle: 0s }} }}\n\
         validation: {{ tests: [{{ type: command, target: {first}, command: [\"true\"] }}] }}\n\
         services:\n"
    );
    for service in services {
        let (name, said) = (service["name"].as_str().unwrap(), &service["configuration"]);
        let program = if said["oneshot"] == true { "true" } else { "serve" };
        let image = without_digest(said["image"].as_str().unwrap());
        write!(
            text,
            "  - name: {name}\n    configuration:\n      image: {image}\n      \
             entrypoint: /bin/{program}\n      stop_timeout: 1s\n"
        )
        .unwrap();
        // Podman takes no other where it makes no groups of processes, as in the lab.
        if !said["pid"].is_null() {
            text += "      pid: private\n";
        }
        if !said["health_check"].is_null() {
            text += "      health_check: { command: [CMD, \"true\"], start_interval: 1s }\n";
        }
        if !said["ready_criteria"].is_null() {
            text += "      ready_criteria: [{ type: health_check }]\n";
        }
    }
    text
}

/// Stacks that can be up at the same time, as few times as it takes.
fn rounds(mut open: Vec<Tried>) -> Vec<Vec<Tried>> {
    let mut rounds = Vec::new();
    while !open.is_empty() {
        let mut taken: BTreeSet<String> = BTreeSet::new();
        let mut fits = |one: &mut Tried| {
            let fits = taken.is_disjoint(&one.claims);
            taken.extend(one.claims.iter().filter(|_| fits).cloned());
            fits
        };
        rounds.push(open.extract_if(.., |one| fits(one)).collect());
    }
    rounds
}

/// What nobody would call drift, done to all that is up.
const EVENTS: [(&str, &str); 5] = [
    ("a reload of systemd", "systemctl --user daemon-reload"),
    ("a new manager", "systemctl --user daemon-reexec; systemctl --user is-system-running --wait"),
    ("an update of images", "podman auto-update; true"),
    ("another image with more names", "podman tag docker.io/library/base:1 localhost/base:2"),
    (
        "a restart",
        "podman ps --format '{{.Names}}' | grep -v infra | xargs systemctl --user restart",
    ),
];

#[test]
fn no_stack_drifts_by_itself() {
    if suite().is_none() {
        return;
    }
    let Some(ground) = Ground::new("stacks") else { return };
    let is_stack = |path: &&PathBuf| path.extension().is_some_and(|end| end == "yml");
    let paths = list(Path::new("stacks"));
    let all: Vec<Tried> = paths.iter().filter(is_stack).map(|path| Tried::of(path)).collect();
    prepare(&ground, &all);
    for (name, text) in [("many", MANY), ("podded", PODDED)] {
        ground.stack(name, text);
        ground.up(name);
    }
    let same = |what: &str| {
        let run = ground.program(&["diff"]);
        // What failed at first while the host came up has done so, and that is told.
        let is_told = |line: &str| match line.split_at_checked(4) {
            Some(("  ! ", item)) => !item.contains(".service restarts: "),
            Some((sign, _)) => sign == "  ~ ",
            None => false,
        };
        assert!(run.code == 0 && !run.out.lines().any(is_told), "{what}\n{}{}", run.out, run.err);
    };
    let mut before: Vec<String> = Vec::new();
    for round in rounds(all) {
        for name in before {
            ground.ends(0, &["remove", &name, "--yes"]);
        }
        thread::scope(|threads| {
            for one in &round {
                threads.spawn(|| one.up(&ground));
            }
        });
        same("all is fresh");
        for (what, by_hand) in EVENTS {
            ground.host.user(&["bash", "-c", by_hand]);
            same(what);
        }
        ground.host.lab("cut", &[]);
        ground.host.lab("boot", &[]);
        same("a power cut");
        // Another Podman, systemd and all else, as a new release of the system brings them.
        ground.host.lab("upgrade", &["forky"]);
        same("an upgrade");
        before = round.into_iter().map(|one| one.name).collect();
    }
    ground.strangers_stand();
}

/// Gives a host what the stacks find there.
fn prepare(ground: &Ground, all: &[Tried]) {
    let union = |of: fn(&Tried) -> &BTreeSet<String>| -> BTreeSet<&str> {
        all.iter().flat_map(of).map(String::as_str).collect()
    };
    let images: Vec<&str> = union(|one| &one.images).into_iter().collect();
    ground.host.lab("image", &images);
    let folders = union(|one| &one.folders).into_iter().collect::<Vec<_>>().join(" ");
    let as_root = format!(
        "mkdir -p {folders}; chown user: {folders}; sysctl -q net.ipv4.ip_unprivileged_port_start=0"
    );
    ground.host.user(&["--root", "sh", "-c", &as_root]);
    for network in union(|one| &one.networks) {
        ground.host.user(&["podman", "network", "create", network]);
    }
    ground.host.user(&["systemctl", "--user", "start", "podman.socket"]);
    for one in all {
        ground.stack(&one.name, &one.file);
        ground.stack(&format!("here-{}", one.name), &one.overlay);
    }
}

/// Much that Podman and systemd write in other words than the stack.
const MANY: &str = r#"
stack: { name: many }
deployment: { timeouts: { settle: 0s } }
networks:
  alpha: { subnet: 10.81.0.0/24, labels: { kind: "1" } }
  beta: { internal: true }
volumes: { vol: { labels: { kind: "1" } } }
secrets: { tok: { generate: true } }
services:
  - name: m-all
    configuration:
      image: docker.io/library/base:1
      pull_policy: never
      stop_timeout: 1s
      command: [serve]
      networks: [{ name: alpha, aliases: [aa, ab], ipv4_address: 10.81.0.9 }, beta]
      memory: 1536M
      memory_swap: 3G
      memory_reservation: 100M
      cpus: 1.25
      cpuset: "0"
      cpu_shares: 200
      pids_limit: 77
      ulimits: { nofile: 1024 }
      shm_size: 64M
      user: "1000"
      init: true
      tmpfs: [/scratch]
      dns: [127.0.0.1]
      extra_hosts: ["a:127.0.0.1"]
      hostname: foo
      working_dir: /tmp
      environment:
        A: "x=y"
        B: ""
        HOME: /tmp
        TERM: dumb
        PATH: "/bin:/usr/bin:/sbin:/usr/sbin"
        SIGNS: 'a b "c" $$x 100% \ d'
      secrets: [{ source: tok, target: /run/tok }]
      volumes: ["vol:/v", "/srv:/srv:ro"]
      health_check:
        command: test -e /bin && true
        interval: 1m30s
        timeout: 1s
        start_period: 1m
        retries: 5
        start_interval: 1s
  - name: m-host
    configuration:
      image: docker.io/library/base:1
      pull_policy: never
      stop_timeout: 1s
      command: [serve]
      network_mode: host
  - name: m-none
    configuration:
      image: docker.io/library/base:1
      pull_policy: never
      stop_timeout: 1s
      command: [serve]
      network_mode: none
      read_only: true
  - name: m-rep
    replicas: 2
    configuration:
      image: docker.io/library/base:1
      pull_policy: never
      stop_timeout: 1s
      command: [serve]
      networks: [alpha]
      environment: { TOKEN: "${tok}" }
  - name: m-job
    configuration:
      image: docker.io/library/base:1
      pull_policy: never
      oneshot: true
      command: ["true"]
"#;

const PODDED: &str = r#"
stack: { name: podded }
deployment: { timeouts: { settle: 0s } }
shared: { pod: true }
services:
  - name: p-one
    configuration:
      image: docker.io/library/base:1
      pull_policy: never
      stop_timeout: 1s
      command: [serve]
      ports: ["127.0.0.1:8099:80"]
  - name: p-two
    configuration:
      image: docker.io/library/base:1
      pull_policy: never
      stop_timeout: 1s
      command: [serve]
      memory: 64M
"#;
