//! Drift on a real host: what somebody changed by hand is named, brought back, and gone then.

mod catalogue;
mod stacks;
mod table;
mod traefik;
mod variables;

use std::collections::BTreeSet;

use serde_json::Value;

use super::apply::Ground;
use super::suite;
use crate::support::Run;

/// A stack that has all that can drift.
const STACK: &str = r#"
stack: { name: drifty, description: All that can drift }
deployment: { timeouts: { settle: 0s } }
shared: { networks: [inner] }
networks: { inner: { subnet: 10.77.0.0/24 }, spare: {} }
volumes: { kept: { labels: { kind: data } } }
secrets: { token: { generate: true }, spare_token: { generate: true } }
files: { page: { content: "hello\n" } }
services:
  - name: db
    configuration:
      image: docker.io/library/base:1
      pull_policy: never
      stop_timeout: 1s
      command: [serve, touch, /tmp/ready]
      volumes: ["kept:/kept:ro"]
      tmpfs: [/tmp]
      environment: { VERSION: "1" }
      memory: 256M
      cpus: 0.5
      pids_limit: 100
      cap_drop: [ALL]
      labels: { kind: database }
      health_check: { command: [CMD, test, -e, /tmp/ready], interval: 1s, timeout: 1s, retries: 1 }
  - name: web
    configuration:
      image: docker.io/library/base:1
      pull_policy: never
      stop_timeout: 1s
      command: [serve, httpd, -f, -p, "8080"]
      environment: { VERSION: "1", TOKEN: "${token}" }
      ports: ["127.0.0.1:8080:8080"]
      files: [{ name: page, target: /srv/page }]
  - name: bot
    configuration:
      image: docker.io/library/base:1
      pull_policy: never
      stop_timeout: 1s
      networks: [inner, spare]
      environment: { SPARE: "${spare_token}" }
      command: [serve]
  - name: still
    configuration:
      image: docker.io/library/still:1
      pull_policy: never
      stop_timeout: 1s
      command: [serve]
  - name: job
    configuration:
      image: docker.io/library/still:1
      pull_policy: never
      command: ["true"]
      oneshot: true
"#;

/// What `diff` finds of one stack: its exit code, and each item as `layer subject aspect`.
struct Found {
    code: i32,
    items: Vec<Value>,
}

impl Found {
    fn of(run: &Run) -> Self {
        let told: Value = serde_json::from_str(&run.out)
            .unwrap_or_else(|error| panic!("{error}\n{}\n{}", run.out, run.err));
        let stacks = told["stacks"].as_array().unwrap();
        let items = stacks.iter().flat_map(|stack| stack["items"].as_array().unwrap().clone());
        // Drop-ins of somebody else are there from the beginning.
        let is_own = |item: &Value| !item["actual"].as_str().unwrap().ends_with("/other.conf");
        Self { code: run.code, items: items.filter(is_own).collect() }
    }

    fn names(&self, with_warnings: bool) -> BTreeSet<String> {
        let word = |item: &Value, key: &str| item[key].as_str().unwrap().to_owned();
        let is_meant = |item: &&Value| with_warnings || item["state"] == "drift";
        let name = |item: &Value| {
            format!("{} {} {}", word(item, "layer"), word(item, "subject"), word(item, "aspect"))
        };
        self.items.iter().filter(is_meant).map(name).collect()
    }
}

/// Looks for drift, as scripts see it.
fn diff(ground: &Ground) -> Found {
    Found::of(&ground.program(&["diff", "drifty", "--format", "json"]))
}

/// A host with the stack, and nothing that has drifted.
fn ground() -> Option<Ground> {
    suite()?;
    let ground = Ground::new("drift")?;
    ground.host.lab("image", &["docker.io/library/still:1"]);
    ground.stack("drifty", STACK);
    ground.up("drifty");
    let fresh = ground.ends(0, &["diff"]);
    assert_eq!(fresh.out.matches("other.conf").count(), 4, "{}", fresh.out);
    Some(ground)
}
