//! Services that are asked whether they are ready, from inside containers that hold nothing but
//! their server, on ports that are not published.

use super::Ground;

/// An image with one static program and a page, and no shell.
const BARE: &str = "set -e; mkdir -p bare/www; cp /usr/bin/busybox bare/httpd; \
    echo pong > bare/www/ok; \
    tar -C bare -c . | podman import --quiet - docker.io/library/bare:1; rm -r bare";

/// One service for each kind of question, and for each way in which a container has its network.
const ASKED: &str = r#"
stack: { name: asked }
deployment: { timeouts: { settle: 0s } }
shared: { networks: [inner] }
networks: { inner: {} }
services:
  - name: page
    configuration:
      image: docker.io/library/bare:1
      pull_policy: never
      stop_timeout: 1s
      command: [/httpd, -f, -p, "3001", -h, /www]
      ready_criteria:
        - type: http_endpoint
          url: http://localhost:3001/ok
          expected_body: ^PONG
          timeout: TIME
        - { type: http_endpoint, url: "http://page:3001/no", expected_status: 404, timeout: 20s }
        - { type: tcp, port: PORT, timeout: TIME }
        - { type: command, command: [/httpd, -d, there is no shell], timeout: 20s }
  - name: mapped
    configuration:
      image: docker.io/library/base:1
      pull_policy: never
      stop_timeout: 1s
      userns: keep-id
      command: [serve, sh, -c, "sleep 1; exec httpd -f -p 3002 -h /tmp"]
      ready_criteria: [{ type: tcp, port: 3002, timeout: 20s }]
  - name: said
    dependencies: [page]
    configuration:
      image: docker.io/library/base:1
      pull_policy: never
      stop_timeout: 1s
      command: [serve, sh, -c, "sleep 1; echo SAID; touch /tmp/x"]
      ready_criteria:
        - { type: log_pattern, pattern: "ready to accept (connections|people)$$", timeout: TIME }
        - { type: http_endpoint, url: "http://page:3001/ok", timeout: 20s }
        - { type: command, command: [test, -e, /tmp/x], timeout: 20s }
  - name: last
    dependencies: [said, mapped]
    configuration:
      image: docker.io/library/base:1
      pull_policy: never
      stop_timeout: 1s
      network_mode: host
      command: [serve, httpd, -f, -p, "127.0.0.1:3003", -h, /tmp]
      ready_criteria:
        - type: http_endpoint
          url: http://127.0.0.1:3003/
          expected_status: STATUS
          timeout: TIME
        - { type: command, command: [sh, -c, "echo not yet; CHECK"], timeout: TIME }
validation:
  tests:
    - { name: by name, type: http_get, url: "http://page:3001/ok", expected_body: pong }
    - { name: from another, type: http_get, url: "http://page:3001/ok", target: said }
    - { name: from here, type: http_get, url: "http://127.0.0.1:3003/", expected_status: 404 }
    - { name: a port, type: tcp, target: mapped, port: 3002, timeout: 2s }
    - { name: a line, type: log_pattern, target: said, pattern: "^I am" }
    - name: an answer
      type: command
      target: said
      command: [echo, " x "]
      expected: LAST
      timeout: 2s
    - { type: redis_ping, target: page, timeout: 1s, expected: CACHE }
"#;

/// The stack with some words in it replaced by others.
fn asked(changes: &[(&str, &str)]) -> String {
    let usual = [
        ("\n    - { type: redis_ping, target: page, timeout: 1s, expected: CACHE }", ""),
        ("LAST", "x"),
        ("PONG", "pong"),
        ("PORT", "3001"),
        ("TIME", "20s"),
        ("SAID", "I am ready to accept connections"),
        ("STATUS", "404"),
        ("CHECK", "true"),
    ];
    let all = changes.iter().copied().chain(usual);
    all.fold(ASKED.to_owned(), |text, (word, by)| text.replace(word, by))
}

/// Words of the stack, with what stands in their place.
type Changes = &'static [(&'static str, &'static str)];

/// What is wrong, and what is told about it: the service, and the last answer.
const WRONG: [(Changes, &str, &str); 5] = [
    (&[("PONG", "ping"), ("TIME", "1s")], "page", "nothing matches `^ping`"),
    (&[("PORT", "3999"), ("TIME", "1s")], "page", "3999: nobody listens there"),
    (&[("SAID", "closed"), ("TIME", "2s")], "said", "no line of its log matches `ready to"),
    (&[("STATUS", "200"), ("TIME", "3s")], "last", "/ answers 404 instead of 200"),
    (&[("CHECK", "false"), ("TIME", "3s")], "last", "ends with 1: not yet"),
];

#[test]
fn services_are_asked_in_their_own_networks_before_others_start() {
    let Some(ground) = Ground::new("ready") else { return };
    ground.host.user(&["sh", "-c", BARE]);
    let before = ground.look().without_data();
    for (changes, service, answer) in WRONG {
        ground.stack("asked", &asked(changes));
        let run = ground.ends(4, &["apply", "/srv/asked.yml", "--yes"]);
        let told = format!("error: {service}.service: it runs and was not ready in time: ");
        let line = run.err.lines().find(|line| line.starts_with(&told));
        assert!(line.is_some_and(|line| line.contains(answer)), "{changes:?}\n{}", run.err);
        assert_eq!(ground.look().without_data(), before, "{changes:?}");
    }
    ground.stack("asked", &asked(&[]));
    let run = ground.up("asked");
    let place = |what: &str| run.err.lines().position(|line| line.contains(what)).unwrap();
    for (service, waits_for) in [("said", "page"), ("last", "said"), ("last", "mapped")] {
        let (told, up) =
            (format!("{service}.service is told"), format!("{waits_for}.service is up"));
        assert!(place(&told) > place(&up), "{}", run.err);
    }
    for name in ["by name", "from another", "from here", "a port", "a line", "an answer"] {
        place(&format!("passed: {name}"));
    }
    it_is_seen(&ground);
    let verified = ground.ends(0, &["verify", "asked"]);
    assert!(verified.out.contains("  ok      said finds page\n"), "{}", verified.out);
    // What works no longer is told, and nothing is done about it.
    ground.host.user(&["podman", "exec", "mapped", "sh", "-c", "kill $(pidof httpd)"]);
    let verified = ground.ends(2, &["verify"]);
    let line = "  FAILED  a port: 127.0.0.1:3002: nobody listens there\n";
    assert!(verified.out.contains(line), "{}", verified.out);
    let answer = "127.0.0.1:3002: nobody listens there".to_owned();
    assert_eq!(readiness(&ground, &["--probe"])[1], ("not-ready".to_owned(), Some(answer)));
    assert_eq!(readiness(&ground, &[])[1], ("ready".to_owned(), None), "it was when it started");
    ground.host.user(&["systemctl", "--user", "restart", "mapped", "last"]);
    tests_that_fail_put_all_back(&ground);
    // Who asked is gone with the question.
    for asks in ["stackwright inside", "while read -r _", "podman exec"] {
        assert_eq!(ground.run(&["pgrep", "-f", asks]).code, 1, "{asks}");
    }
    ground.ends(0, &["remove", "asked", "--yes"]);
    ground.strangers_are_untouched();
}

/// How the services are, and what they wrote.
fn it_is_seen(ground: &Ground) {
    let status = ground.ends(0, &["status", "asked"]).out;
    assert_eq!(readiness(ground, &[]), ["ready"; 4].map(|word| (word.to_owned(), None)));
    assert!(status.contains(", 4 of 4 well\n     SERVICE  STATE "), "{status}");
    assert_eq!(ground.ends(0, &["health"]).out, "");
    // What it wrote in all of its runs, and nothing that Podman tells about them.
    let logs = ground.ends(0, &["logs", "asked", "said"]).out;
    assert!(logs.starts_with("said | closed\nsaid | I am ready to accept connections\n"), "{logs}");
    assert!(!logs.contains("said | said\n"), "{logs}");
    let last = ground.ends(0, &["logs", "asked", "said", "--since", "1h", "--format", "json"]).out;
    assert!(last.contains(r#""text":"I am ready to accept connections"}"#), "{last}");
    ground.host.user(&["systemctl", "--user", "stop", "last"]);
    assert_eq!(ground.ends(2, &["health"]).out, "asked last: inactive (dead)\n");
    let status = ground.ends(0, &["status", "--format", "json"]).out;
    let status: serde_json::Value = serde_json::from_str(&status).unwrap();
    let services = status["stacks"][0]["services"].as_array().unwrap();
    let states: Vec<_> = services.iter().map(|one| one["state"].as_str().unwrap()).collect();
    assert_eq!(states, ["inactive", "active", "active", "active"]);
    assert_eq!(readiness(ground, &[])[0].0, "not-ready");
    ground.host.user(&["systemctl", "--user", "start", "last"]);
    // Who was not started by `apply` was asked by nobody, until somebody does.
    assert_eq!(readiness(ground, &[])[0].0, "unknown");
    let ready = ["ready"; 4].map(|word| (word.to_owned(), None));
    assert_eq!(readiness(ground, &["--probe"]), ready);
    assert_eq!(ground.ends(0, &["health"]).out, "");
}

/// Whether each service is ready, and what it answered that is not right.
fn readiness(ground: &Ground, words: &[&str]) -> Vec<(String, Option<String>)> {
    let status = ground.ends(0, &[&["status", "asked", "--format", "json"], words].concat()).out;
    let status: serde_json::Value = serde_json::from_str(&status).unwrap();
    let text = |value: &serde_json::Value| value.as_str().map(str::to_owned);
    let services = status["stacks"][0]["services"].as_array().unwrap().iter();
    services.map(|one| (text(&one["ready"]).unwrap(), text(&one["answer"]))).collect()
}

fn tests_that_fail_put_all_back(ground: &Ground) {
    let before = ground.look();
    for (changes, answer) in [
        (&[("LAST", "y")][..], "`an answer` failed: `echo` says `x` instead of `y`"),
        (&[("CACHE", "PONG")], "`ping on port 6379` failed: 127.0.0.1:6379: nobody listens there"),
    ] {
        // Another variable lets one service start anew.
        let changed = (
            "      command: [serve, httpd",
            "      environment: { X: 1 }\n      command: [serve, httpd",
        );
        ground.stack("asked", &asked(&[changes, &[changed]].concat()));
        let run = ground.ends(4, &["apply", "/srv/asked.yml", "--yes"]);
        assert!(run.err.contains(answer), "{}", run.err);
        assert_eq!(ground.look().shape, before.shape);
    }
}
