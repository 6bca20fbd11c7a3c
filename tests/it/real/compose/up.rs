//! A stack of two groups on a real host: docker-compose of the suite brings it up, by the socket of
//! Podman. podman-compose does not wait for health and for jobs as files say, so it is not tried.

use serde_json::Value;

use super::{SECRET, fill_in};
use crate::real::{Host, suite};
use crate::support::{run, write};

const STACK: &str = r#"
stack:
  name: shop
shared:
  networks: [inner]
networks:
  inner: {}
volumes:
  kept: {}
secrets:
  db_password: {}
  api_key: {}
files:
  page: { content: "100% of $HOME\n" }
services:
  - name: db
    groups: [core]
    configuration:
      image: docker.io/library/shop:1
      pull_policy: never
      stop_timeout: 1s
      # Becomes healthy a moment after its start.
      command: [serve, sh, -c, "sleep 2; touch '/tmp/is ready'"]
      environment:
        PASSWORD: "${db_password}"
        PRICE: "5$$ \"off\""
      volumes: ["kept:/kept"]
      health_check: { command: [test, -e, "/tmp/is ready"], interval: 1s, retries: 20 }
  - name: migrate
    groups: [front]
    dependencies: [db]
    configuration:
      image: docker.io/library/shop:1
      pull_policy: never
      command: [sh, -c, "nslookup db && sleep 1"]
      oneshot: true
  - name: web
    groups: [front]
    replicas: 2
    dependencies: [migrate]
    configuration:
      image: docker.io/library/shop:1
      pull_policy: never
      stop_timeout: 1s
      command: [serve, httpd, -f, -p, "8080"]
      files: [{ name: page, target: /srv/page }]
      health_check:
        command: wget -q -O /dev/null http://127.0.0.1:8080/etc/passwd
        interval: 1s
        retries: 20
  - name: bot
    groups: [bots]
    dependencies: [db]
    configuration:
      image: docker.io/library/shop:1
      pull_policy: never
      stop_timeout: 1s
      command: [serve]
      secrets: [api_key]
"#;

/// Where docker-compose finds Podman.
const SOCKET: &str = "DOCKER_HOST=unix:///run/user/1000/podman/podman.sock";

/// Puts the Compose files on a host, with what they ask for.
fn install(host: &Host) {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("shop.yml"), STACK);
    let made = run(folder.path(), &["generate", "shop.yml", "--target", "compose"]);
    assert_eq!((made.code, made.err.as_str()), (0, ""), "{made:?}");
    let home = host.path("home/user/shop");
    fill_in(&folder.path().join("build/shop/compose"), &home);
    write(&home.join("secrets/api_key"), "the key\n");
    host.own_home();
    host.user(&["systemctl", "--user", "start", "podman.socket"]);
}

/// Lets docker-compose bring up what files say, and waits until it is there.
fn up(host: &Host, files: &[&str]) {
    let tool = ["env", "--chdir=/home/user/shop", SOCKET, "docker-compose"];
    let files: Vec<&str> = files.iter().flat_map(|file| ["-f", *file]).collect();
    host.user(&[&tool[..], &files, &["up", "--detach", "--wait"]].concat());
}

/// A time that Podman knows of a container, in nanoseconds.
fn at(host: &Host, container: &str, time: &str) -> i64 {
    let format = format!("{{{{.State.{time}.UnixNano}}}}");
    let shown = host.user(&["podman", "inspect", "-f", &format, container]);
    shown.trim().parse().unwrap_or_else(|_| panic!("{container} {time}: {shown}"))
}

/// When the health check of a container first succeeded.
fn healthy(host: &Host, container: &str) -> i64 {
    let filters = ["--filter", "event=health_status", "--filter"];
    let own = format!("container={container}");
    let words = ["podman", "events", "--stream=false", "--format=json"];
    let events = host.user(&[&words[..], &filters, &[&own]].concat());
    let events = events.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let first = events.into_iter().find(|event| event["health_status"] == "healthy");
    first.unwrap_or_else(|| panic!("{container} was never healthy"))["timeNano"].as_i64().unwrap()
}

#[test]
fn groups_come_up_healthy_and_in_order() {
    let Some(suite) = suite() else { return };
    let host = suite.host("compose");
    host.lab("image", &["docker.io/library/shop:1"]);
    install(&host);
    up(&host, &["compose.base.yml", "compose.front.yml", "compose.bots.yml"]);

    let ready = healthy(&host, "db-1");
    let started = at(&host, "db-1", "StartedAt");
    assert!(ready - started > 1_900_000_000, "healthy too early: {started} {ready}");
    let job = at(&host, "migrate", "StartedAt");
    assert!(ready < job && ready < at(&host, "bot", "StartedAt"), "{ready} {job}");
    let done = at(&host, "migrate", "FinishedAt");
    for web in ["shop-web-1", "shop-web-2"] {
        let web_started = at(&host, web, "StartedAt");
        assert!(done <= web_started && web_started < healthy(&host, web), "{web} {done}");
    }
    assert_eq!(host.user(&["podman", "exec", "shop-web-2", "cat", "/srv/page"]), "100% of $HOME\n");
    assert_eq!(host.user(&["podman", "exec", "bot", "cat", "/run/secrets/api_key"]), "the key\n");
    host.user(&["podman", "exec", "bot", "nslookup", "web"]);
    let environment = host.user(&["podman", "exec", "db-1", "env"]);
    for line in [format!("PASSWORD={SECRET}"), "PRICE=5$ \"off\"".to_owned()] {
        assert!(environment.lines().any(|found| found == line), "{line}\n{environment}");
    }

    // The whole in one file is the same project: nothing that runs is started again.
    let names = ["db-1", "bot", "shop-web-1", "shop-web-2"];
    let starts = || names.map(|name| at(&host, name, "StartedAt"));
    let before = starts();
    up(&host, &["compose.all.yml"]);
    assert_eq!(starts(), before);
}
