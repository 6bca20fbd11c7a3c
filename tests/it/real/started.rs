//! Services on a real host: started in order by the last one alone, and by themselves at boot.

use std::path::Path;

use stackwright::emit::{Scope, quadlet};
use stackwright::host::memory::Memory;

use super::{Host, suite};
use crate::generate::{Wanted, files_of};

const STACK: &str = r#"
stack:
  name: shop
services:
  - name: db
    configuration:
      image: docker.io/library/shop:1
      pull_policy: never
      stop_timeout: 1s
      # Becomes healthy a moment after its start.
      command: [serve, sh, -c, "sleep 1; touch /tmp/ready"]
      health_check: { command: [CMD, test, -e, /tmp/ready], interval: 1s, timeout: 2s }
  - name: migrate
    dependencies: [db]
    configuration:
      image: docker.io/library/shop:1
      pull_policy: never
      command: ["sh", "-c", "nslookup db"]
      oneshot: true
  - name: web
    dependencies: [migrate, { name: db, condition: healthy }]
    configuration:
      image: docker.io/library/shop:1
      pull_policy: never
      stop_timeout: 1s
      command: [serve, httpd, -f, -p, "8080"]
      health_check:
        command: wget -q -O /dev/null http://127.0.0.1:8080/etc/passwd
        interval: 30s
        start_interval: 1s
        timeout: 2s
      files: [{ name: page, target: /srv/page }]
files:
  page: { content: "100% of $HOME\n" }
"#;

#[test]
fn services_start_in_order_and_again_after_a_power_cut() {
    let Some(suite) = suite() else { return };
    let host = suite.host("started");
    host.lab("image", &["docker.io/library/shop:1"]);
    let look = Memory::with([("/srv/stacks/shop.yml", STACK)]);
    let wanted = Wanted::for_target(quadlet::Target { podman: suite.podman, scope: Scope::User });
    let files = files_of(Path::new("/srv/stacks/shop.yml"), &look, &wanted);
    host.install("shop", &files.unwrap_or_else(|told| panic!("{told}")));
    assert_eq!(host.property("db.service", "ActiveState"), "inactive");
    host.user(&["systemctl", "--user", "start", "web.service"]);
    assert_in_order(&host);
    let page = host.user(&["podman", "exec", "web", "cat", "/srv/page"]);
    assert_eq!(page, "100% of $HOME\n");

    host.lab("cut", &[]);
    host.lab("boot", &[]);
    assert_in_order(&host);
}

const UNLUCKY: &str = r#"
stack:
  name: unlucky
services:
  - name: slow
    configuration:
      image: docker.io/library/shop:1
      pull_policy: never
      stop_timeout: 1s
      restart_delay: 1s
      # Fails at its first start, as a disk that is not there yet makes it fail.
      command: [sh, -c, "test -e /data/again || { touch /data/again; exit 1; }; exec serve"]
      volumes: ["unlucky-data:/data"]
      health_check: { command: [CMD, test, -e, /data/again], interval: 1s }
  - name: waiting
    dependencies: [slow]
    configuration:
      image: docker.io/library/shop:1
      pull_policy: never
      stop_timeout: 1s
      command: [serve]
volumes:
  unlucky-data:
"#;

/// What waits for a service goes on waiting while that is started again, as at a boot.
#[test]
fn a_first_start_that_fails_takes_nobody_down() {
    let Some(suite) = suite() else { return };
    let host = suite.host("unlucky");
    host.lab("image", &["docker.io/library/shop:1"]);
    let look = Memory::with([("/srv/stacks/unlucky.yml", UNLUCKY)]);
    let wanted = Wanted::for_target(quadlet::Target { podman: suite.podman, scope: Scope::User });
    let files = files_of(Path::new("/srv/stacks/unlucky.yml"), &look, &wanted);
    host.install("unlucky", &files.unwrap_or_else(|told| panic!("{told}")));
    host.user(&["timeout", "60", "systemctl", "--user", "start", "waiting.service"]);
    assert_eq!(host.property("waiting.service", "ActiveState"), "active");
    assert_eq!(host.property("slow.service", "ActiveState"), "active");
    assert_eq!(host.property("slow.service", "NRestarts"), "1");
}

/// The database is healthy before the job starts, and the job is done before the page is served.
fn assert_in_order(host: &Host) {
    let at = |unit: &str, property: &str| -> u64 {
        let value = host.property(unit, property);
        value.parse().unwrap_or_else(|_| panic!("{unit} {property}: {value}"))
    };
    for unit in ["db", "migrate", "web"] {
        let unit = format!("{unit}.service");
        assert_eq!(host.property(&unit, "ActiveState"), "active", "{unit}");
        assert_eq!(host.property(&unit, "NRestarts"), "0", "{unit}");
    }
    let healthy = at("db.service", "ActiveEnterTimestampMonotonic");
    let job = at("migrate.service", "ExecMainStartTimestampMonotonic");
    let done = at("migrate.service", "ActiveEnterTimestampMonotonic");
    let web = at("web.service", "ExecMainStartTimestampMonotonic");
    assert!(healthy <= job && job < done && done <= web, "{healthy} {job} {done} {web}");
    let started = at("db.service", "InactiveExitTimestampMonotonic");
    assert!(healthy - started > 900_000, "the database was not waited for");
    let state = host.user(&["podman", "inspect", "-f", "{{.State.Health.Status}}", "web"]);
    assert_eq!(state.trim(), "healthy");
}
