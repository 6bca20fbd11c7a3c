//! Units that ask their services themselves: the order in which services are ready holds when the
//! machine starts, with nobody there but systemd.

use super::Ground;

/// A page after a second, a line of a log a second after that, and who looks once at each.
const STACK: &str = r#"
stack: { name: gated }
deployment: { gate: boot, timeouts: { settle: 0s } }
shared: { networks: [inner] }
networks: { inner: {} }
services:
  - name: page
    configuration:
      image: docker.io/library/base:1
      pull_policy: never
      stop_timeout: 1s
      command: [serve, sh, -c, "sleep 1; exec httpd -f -p 3001"]
      ready_criteria:
        - type: http_endpoint
          url: http://localhost:3001/etc/passwd
          expected_body: 'PATTERN'
          timeout: TIME
        - { type: tcp, port: 3001, timeout: TIME }
  - name: said
    dependencies: [page]
    configuration:
      image: docker.io/library/base:1
      pull_policy: never
      stop_timeout: 1s
      command:
        - serve
        - sh
        - -c
        - "wget -q -O /dev/null http://page:3001/etc/passwd && echo in order;
          sleep 1; httpd -p 3002; touch /tmp/x; echo I am ready"
      ready_criteria:
        - { type: log_pattern, pattern: "ready$$", timeout: TIME }
        - { type: command, command: [test, -e, /tmp/x], timeout: TIME }
  - name: last
    dependencies: [said]
    configuration:
      image: docker.io/library/base:1
      pull_policy: never
      stop_timeout: 1s
      command: [serve, sh, -c, "wget -q -O /dev/null http://said:3002/etc/passwd && echo in order"]
"#;

fn gated(pattern: &str, time: &str) -> String {
    STACK.replace("PATTERN", pattern).replace("TIME", time)
}

#[test]
fn the_order_holds_when_the_machine_starts() {
    let Some(ground) = Ground::new("gate") else { return };
    let before = ground.look().without_data();
    ground.stack("gated", &gated("^toor:", "2s"));
    let run = ground.ends(4, &["apply", "/srv/gated.yml", "--yes"]);
    let told = "error: page.service: it runs and was not ready in time: \
                http://localhost:3001/etc/passwd answers 200, and nothing matches `^toor:`";
    assert!(run.err.contains(told), "{}", run.err);
    let mut now = ground.look().without_data();
    now.shape.retain(|line| !line.contains("/stackwright/program "));
    assert_eq!(now.shape, before.shape);
    // Without the gate, who waits looks too early at boot.
    ground.stack("gated", &gated("^root:", "20s"));
    ground.up("gated");
    ground.host.lab("cut", &[]);
    ground.host.lab("boot", &[]);
    // Nobody but its unit has asked a service in this run.
    let status = ground.ends(0, &["status", "gated", "--format", "json"]).out;
    let status: serde_json::Value = serde_json::from_str(&status).unwrap();
    let ready = |place: usize| status["stacks"][0]["services"][place].get("ready").cloned();
    assert_eq!([0, 1, 2].map(ready), [None, Some("ready".into()), Some("ready".into())]);
    for name in ["said", "last"] {
        assert_eq!(ground.host.property(name, "ActiveState"), "active");
        let run = format!("_SYSTEMD_INVOCATION_ID={}", ground.host.property(name, "InvocationID"));
        ground.log(&[&run], |log| log.lines().any(|line| line == "in order"));
    }
    let link = ground.host.user(&["readlink", ".local/state/stackwright/program"]);
    assert_eq!(link.trim(), super::PROGRAM);
    ground.ends(0, &["remove", "gated", "--yes"]);
    ground.strangers_stand();
}
