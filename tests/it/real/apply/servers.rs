//! Real servers, asked as a stack file asks them: PostgreSQL, Valkey and Prometheus.

use super::Ground;

/// One of each. The database takes nobody without its password, not even from inside.
const STACK: &str = r#"
stack: { name: servers }
deployment: { timeouts: { settle: 0s }, failure_handling: { strategy: HANDLING } }
shared: { networks: [inner] }
networks: { inner: {} }
volumes: { data: {} }
secrets: { password: { generate: { length: 20 } } }
services:
  - name: db
    configuration:
      image: docker.io/library/postgres:17
      pull_policy: never
      environment:
        POSTGRES_USER: shop
        POSTGRES_DB: "BASE"
        POSTGRES_PASSWORD_FILE: /run/secrets/password
        POSTGRES_INITDB_ARGS: --auth-local=scram-sha-256
      secrets: [password]
      volumes: ["data:/var/lib/postgresql/data"]
      ready_criteria: [{ type: tcp, port: 5432, timeout: 20s }]
  - name: cache
    configuration:
      image: docker.io/valkey/valkey:8
      pull_policy: never
      command: [valkey-server, --port, "PORT"COMMAND]
      ready_criteria: [{ type: log_pattern, pattern: Ready to accept, timeout: 20s }]
  - name: metrics
    configuration:
      image: docker.io/prom/prometheus:v2
      pull_policy: never
      ready_criteria:
        - { type: http_endpoint, url: "http://localhost:9090/-/ready", timeout: 20s }
validation:
  tests:
    - { name: sum, type: sql_query, target: db, query: "QUERY", expected: "3", timeout: 300ms }
    - { name: who, type: sql_query, target: db, timeout: 300ms, expected: WHO,
        query: "SELECT current_user || ' on ' || current_database()" }
    - { name: ping, type: redis_ping, target: cache, timeout: 300ms }
    - { name: page, type: http_get, url: "http://metrics:9090/-/healthy", expected_status: STATUS,
        timeout: 300ms }
    - { name: text, type: http_get, url: "http://metrics:9090/api/v1/status/buildinfo",
        expected_body: 'SUCCESS', timeout: 300ms }
"#;

/// The stack with some words in it replaced by others.
fn servers(changes: &[(&str, &str)]) -> String {
    let usual = [
        ("HANDLING", "rollback"),
        ("BASE", "goods"),
        ("PORT", "6379"),
        ("COMMAND", ""),
        ("QUERY", "SELECT 1 + 2"),
        ("WHO", "shop on goods"),
        ("STATUS", "200"),
        ("SUCCESS", r#""status":"success""#),
    ];
    let all = changes.iter().copied().chain(usual);
    all.fold(STACK.to_owned(), |text, (word, by)| text.replace(word, by))
}

/// What is wrong, with the test that fails and what it is told.
type Wrong = [((&'static str, &'static str), &'static str, &'static str)];

/// These one after the other, each put back.
const ALONE: &Wrong = &[
    (("BASE", "stock"), "sum", "database \"stock\" does not exist"),
    (
        ("COMMAND", ", --requirepass, hidden"),
        "ping",
        "port 6379 answers `NOAUTH Authentication required.` instead of `PONG`",
    ),
    (("STATUS", "204"), "page", "/-/healthy answers 200 instead of 204"),
];

/// These together, left as they are.
const TOGETHER: &Wrong = &[
    (("QUERY", "SELECT x FROM y"), "sum", "relation \"y\" does not exist"),
    (("WHO", "you"), "who", "says `shop on goods` instead of `you`"),
    (("PORT", "6380"), "ping", "127.0.0.1:6379: nobody listens there"),
    (("SUCCESS", "^failure"), "text", "answers 200, and nothing matches `^failure`"),
];

/// What lets the smallest of them start anew, so that there is something to deploy.
const ANEW: (&str, &str) = ("COMMAND", ", --databases, \"4\"");

#[test]
fn real_servers_pass_their_tests_and_what_is_wrong_is_told_with_its_answer() {
    let Some(ground) = Ground::new("servers") else { return };
    for (server, image) in [
        ("postgresql", "docker.io/library/postgres:17"),
        ("valkey", "docker.io/valkey/valkey:8"),
        ("prometheus", "docker.io/prom/prometheus:v2"),
    ] {
        ground.host.lab("server", &[server, image]);
    }
    let tests = ["sum", "who", "ping", "page", "text"];
    ground.stack("servers", &servers(&[]));
    let run = ground.up("servers");
    let verified = ground.ends(0, &["verify", "servers"]);
    for test in tests {
        assert!(run.err.contains(&format!("passed: {test}")), "{}", run.err);
        assert!(verified.out.contains(&format!("  ok      {test}\n")), "{}", verified.out);
    }
    let before = ground.look().without_data();
    for (change, test, answer) in ALONE {
        ground.stack("servers", &servers(&[*change, ANEW]));
        let run = ground.ends(4, &["apply", "/srv/servers.yml", "--yes"]);
        let told = format!("the test `{test}` failed: ");
        let line = run.err.lines().find(|line| line.contains(&told));
        assert!(line.is_some_and(|line| line.contains(answer)), "{change:?}\n{}", run.err);
        assert_eq!(ground.look().without_data().shape, before.shape, "{change:?}");
    }
    // What is left as it is can be asked again, and all that is wrong with it is told at once.
    let mut changes: Vec<_> = TOGETHER.iter().map(|(change, _, _)| *change).collect();
    changes.push(("HANDLING", "leave-partial"));
    ground.stack("servers", &servers(&changes));
    ground.ends(5, &["apply", "/srv/servers.yml", "--yes"]);
    let verified = ground.ends(2, &["verify", "servers"]).out;
    for (_, test, answer) in TOGETHER {
        let told = format!("  FAILED  {test}: ");
        let line = verified.lines().find(|line| line.starts_with(&told));
        assert!(line.is_some_and(|line| line.contains(answer)), "{verified}");
    }
    assert!(verified.contains("  ok      page\n"), "{verified}");
    ground.ends(0, &["remove", "servers", "--yes"]);
    ground.strangers_are_untouched();
}
