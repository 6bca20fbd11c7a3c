//! Stacks of `stacks/` as they are, with real databases, caches and collectors under the names of
//! their images, and a small web server in place of the applications.

use std::fmt::Write;
use std::path::Path;

use serde_json::{Value, json};

use super::Ground;
use crate::support::{run, text};

/// The images that stand in for others: the server, and what they are called.
const SERVERS: [(&str, &[&str]); 3] = [
    (
        "postgresql",
        &[
            "ghcr.io/immich-app/postgres:14-vectorchord0.4.3-pgvectors0.2.0",
            "docker.io/library/postgres:17",
        ],
    ),
    ("valkey", &["docker.io/valkey/valkey:9"]),
    ("prometheus", &["docker.io/prom/prometheus:v3.13.2"]),
];

/// The images of the applications.
const IMAGES: [&str; 4] = [
    "ghcr.io/immich-app/immich-machine-learning:v3.1.0",
    "ghcr.io/immich-app/immich-server:v3.1.0",
    "ghcr.io/requarks/wiki:2.5.314",
    "docker.io/grafana/grafana:12.4.0",
];

/// What stands in for an application.
struct Application {
    service: &'static str,
    port: u16,
    /// The program in its image that its health check calls.
    check: &'static str,
    /// Its pages, with what is on them.
    pages: &'static [(&'static str, &'static str)],
}

const APPLICATIONS: [Application; 5] = [
    Application { service: "immich-ml", port: 3003, check: "python3", pages: &[("ping", "pong")] },
    Application {
        service: "immich-server",
        port: 2283,
        check: "immich-healthcheck",
        pages: &[("index.html", "jobs")],
    },
    Application {
        service: "immich-web",
        port: 2283,
        check: "immich-healthcheck",
        pages: &[("index.html", "photos"), ("api/server/ping", "pong")],
    },
    Application { service: "wiki-app", port: 3000, check: "curl", pages: &[("healthz", "ok")] },
    Application {
        service: "grafana",
        port: 3000,
        check: "curl",
        pages: &[("api/health", r#"{"database": "ok"}"#)],
    },
];

impl Application {
    /// Its command: a web server, and the program that looks whether it answers.
    fn command(&self) -> Value {
        let Self { port, check, pages, .. } = self;
        let mut script = String::new();
        for (page, says) in *pages {
            let path = Path::new("/tmp/www").join(page);
            let (folder, path) = (path.parent().unwrap().display(), path.display());
            writeln!(script, "mkdir -p {folder}; echo '{says}' > {path}").unwrap();
        }
        let page = pages[0].0;
        let asks = format!("exec wget -q -O /dev/null http://127.0.0.1:{port}/{page}");
        writeln!(script, "printf '#!/bin/sh\\n{asks}\\n' > /bin/{check}; chmod 755 /bin/{check}")
            .unwrap();
        writeln!(script, "exec httpd -f -p {port} -h /tmp/www").unwrap();
        json!(["serve", "sh", "-c", script])
    }
}

/// What is laid over a stack: what the applications do, and looks at them that come often.
fn overlay(stack: &str, services: &[String]) -> String {
    let often = json!({ "interval": "1s", "start_interval": "1s", "timeout": "1s" });
    let services = services.iter().map(|service| {
        let mut configuration = json!({ "stop_timeout": "1s", "health_check": often });
        if let Some(known) = APPLICATIONS.iter().find(|known| known.service == service) {
            configuration["command"] = known.command();
        }
        json!({ "name": service, "configuration": configuration })
    });
    let overlay = json!({
        "stack": { "name": stack },
        "deployment": { "timeouts": { "settle": "0s" } },
        "services": services.collect::<Vec<_>>(),
    });
    overlay.to_string()
}

/// The order of a stack, as the program tells it.
fn graph(stack: &str) -> Value {
    let told = run(Path::new("."), &["graph", stack, "--format", "json"]);
    serde_json::from_str(&told.out).unwrap_or_else(|_| panic!("{told:?}"))
}

#[test]
fn ready_stacks_start_healthy_in_order_and_missing_secrets_are_told_before() {
    let Some(ground) = Ground::new("stacks") else { return };
    for (server, images) in SERVERS {
        ground.host.lab("server", &[&[server], images].concat());
    }
    ground.host.lab("image", &IMAGES);
    let folders = "mkdir -p /srv/immich/postgres /srv/immich/upload /srv/wiki/postgres; \
                   chown -R user: /srv/immich /srv/wiki";
    ground.host.user(&["--root", "sh", "-c", folders]);
    for stack in ["immich", "wiki", "monitoring-simple"] {
        ground.stack(stack, &text(&Path::new("stacks").join(stack).with_extension("yml")));
    }
    ground.stack("authelia", &text(Path::new("stacks/authelia.yml")));
    let before = ground.look();
    let refused = ground.ends(3, &["apply", "/srv/authelia.yml", "--yes"]);
    assert!(refused.err.contains("authelia_users"), "{}", refused.err);
    assert_eq!(ground.look(), before);

    ground.host.user(&["podman", "network", "create", "systemd-reverse_proxy"]);
    for stack in ["immich", "wiki", "monitoring-simple"] {
        let graph = graph(stack);
        let phases = graph["phases"].as_array().unwrap().iter();
        let services = phases.flat_map(|phase| phase.as_array().unwrap());
        let services: Vec<String> =
            services.map(|name| name.as_str().unwrap().to_owned()).collect();
        ground.stack("here", &overlay(stack, &services));
        let file = format!("/srv/{stack}.yml");
        let up = ground.ends(0, &["apply", &file, "--overlay", "/srv/here.yml", "--yes"]).err;
        let at = |service: &str| {
            let line = format!("{service}.service is up");
            up.find(&line).unwrap_or_else(|| panic!("{service}\n{up}"))
        };
        for edge in graph["edges"].as_array().unwrap() {
            let (from, to) = (edge["from"].as_str().unwrap(), edge["to"].as_str().unwrap());
            assert!(at(to) < at(from), "{from} before {to}\n{up}");
        }
        for service in &services {
            let status = ["podman", "inspect", "-f", "{{.State.Health.Status}}", service];
            assert_eq!(ground.host.user(&status).trim(), "healthy", "{service}");
        }
        let verified = ground.ends(0, &["verify", stack]).out;
        assert!(!verified.contains("FAILED") && verified.contains("  ok  "), "{verified}");
    }
    ground.strangers_are_untouched();
}
