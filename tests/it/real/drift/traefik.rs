//! The routes of a running Traefik, as its API tells them, against the labels of containers. What
//! stands for Traefik serves what one of version 3 answers, with all that is beside its routes.

use serde_json::{Value, json};

use crate::real::apply::Ground;
use crate::support::write;

const STACK: &str = r#"
stack: { name: routed }
deployment: { timeouts: { settle: 0s } }
services:
  - name: r-site
    configuration:
      image: docker.io/library/base:1
      pull_policy: never
      stop_timeout: 1s
      command: [serve]
      routes:
        site: { rule: "Host(`a.example`)", entrypoints: [web, websecure], port: 80, tls: true }
        lost: { rule: "Host(`b.example`)", entrypoints: [web], port: 80 }
        other: { rule: "Host(`c.example`)", entrypoints: [web], port: 80 }
"#;

/// A router as it is told.
fn router(point: &str, rule: &str, service: &str) -> Value {
    json!({
        "entryPoints": [point], "service": service, "rule": rule, "ruleSyntax": "default",
        "priority": 17, "status": "enabled", "using": [point],
        "observability": { "accessLogs": true, "metrics": true, "tracing": true },
    })
}

/// All that is told, where one route has another rule than its label, or none is at odds.
fn told(is_right: bool) -> Value {
    let other = if is_right { "Host(`c.example`)" } else { "Host(`changed.example`)" };
    // An entry point with a certificate of its own has a router of its own.
    let mut secure = router("websecure", "Host(`a.example`)", "site");
    secure["tls"] = json!({ "certResolver": "le" });
    secure["middlewares"] = json!(["headers@file"]);
    let mut told = json!({
        "routers": {
            "api@internal": router("traefik", "PathPrefix(`/api`)", "api@internal"),
            "foreign@file": router("web", "Host(`nas.example`)", "nas"),
            "lost@file": router("web", "Host(`lost.example`)", "nas"),
            "other@docker": router("web", other, "other"),
            "site@docker": router("web", "Host(`a.example`)", "site"),
            "websecure-site@docker": secure,
        },
        "middlewares": {
            "headers@file": {
                "headers": { "stsSeconds": 300 }, "status": "enabled",
                "usedBy": ["websecure-site@docker"],
            },
        },
        "services": {
            "noop@internal": { "status": "enabled" },
            "site@docker": {
                "loadBalancer": {
                    "servers": [{ "url": "http://10.89.0.2:80" }], "strategy": "wrr",
                    "passHostHeader": true, "responseForwarding": { "flushInterval": "100ms" },
                },
                "status": "enabled", "usedBy": ["site@docker", "websecure-site@docker"],
                "serverStatus": { "http://10.89.0.2:80": "UP" },
            },
        },
    });
    if is_right {
        told["routers"]["lost@docker"] = router("web", "Host(`b.example`)", "lost");
    } else {
        told["routers"].as_object_mut().unwrap().remove("lost@file");
    }
    told
}

pub fn routes_are_compared(ground: &Ground) {
    let serve = |told: &Value| {
        write(&ground.host.path("srv/traefik/api/rawdata"), &told.to_string());
    };
    ground.stack("routed", STACK);
    ground.up("routed");
    serve(&told(false));
    let server = ["busybox", "httpd", "-f", "-p", "127.0.0.1:8089", "-h", "/srv/traefik"];
    let run = ["systemd-run", "--user", "--quiet", "--unit", "api"];
    ground.host.user(&[&run[..], &server].concat());
    let until = "until busybox wget -q -O /dev/null http://127.0.0.1:8089/api/rawdata; do \
                 sleep 0.1; done";
    ground.host.user(&["sh", "-c", until]);
    let diff = ["diff", "routed", "--traefik", "http://127.0.0.1:8089/"];

    let human = ground.ends(2, &diff).out;
    let lost = "  ~ router lost router: Traefik has not loaded this router: nobody is led to the \
                service\n      wanted: Host(`b.example`)\n      actual: is not there\n";
    let other = "  ~ router other rule: Traefik leads requests another way\n      \
                 wanted: Host(`c.example`)\n      actual: Host(`changed.example`)\n";
    assert!(human.contains(lost) && human.contains(other), "{human}");
    assert_eq!(human.matches("  ~ ").count(), 2, "{human}");
    let told_json = ground.ends(2, &[&diff[..], &["--format", "json"]].concat()).out;
    let told_json: Value = serde_json::from_str(&told_json).unwrap();
    let items = told_json["stacks"][0]["items"].as_array().unwrap().iter();
    let keys = ["subject", "aspect", "layer", "state", "actual"];
    let items: Vec<[&str; 5]> =
        items.map(|item| keys.map(|key| item[key].as_str().unwrap())).collect();
    assert_eq!(
        items,
        [
            ["router lost", "router", "running", "drift", "is not there"],
            ["router other", "rule", "running", "drift", "Host(`changed.example`)"],
        ]
    );

    serve(&told(true));
    assert_eq!(ground.ends(0, &diff).out, "routed: as it should be\n");
    write(&ground.host.path("srv/traefik/api/rawdata"), "<html>");
    assert!(ground.ends(3, &diff).err.contains("it is none of Traefik"));
    ground.host.user(&["systemctl", "--user", "stop", "api.service"]);
    assert!(ground.ends(3, &diff).err.contains("http://127.0.0.1:8089/api/rawdata"));
}
