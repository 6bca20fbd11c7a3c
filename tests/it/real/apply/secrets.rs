//! The values of secrets, looked for in all places where they must not be: files, the journal, what
//! is told, and the command lines of all processes while they run.

use super::{Ground, PROGRAM};

const STACK: &str = r#"
stack: { name: vault }
deployment: { timeouts: { settle: 0s } }
secrets:
  from_file: { file: /srv/file.secret }
  from_environment: { environment: VAULT }
  made: { generate: { length: 40 } }
services:
  - name: door
    configuration:
      image: docker.io/library/base:1
      pull_policy: never
      stop_timeout: 1s
      command: [serve]
      environment: { ONE: "${from_file}", TWO: "${from_environment}", THREE: "${made}" }
      secrets: [from_file]
"#;

/// Runs the program with the variable, whose value is in no argument of anybody.
const WITH_VARIABLE: &str = r#"#!/bin/bash
export VAULT=$(cat /srv/environment.secret)
exec "$@"
"#;

/// Keeps what every process was started with, as fast as it can, while a command runs.
const WATCH: &str = r#"#!/bin/bash
(while :; do cat /proc/[0-9]*/cmdline; done > /tmp/lines 2> /dev/null) &
watcher=$!
"$@"
code=$?
kill $watcher
tr '\0' ' ' < /tmp/lines > /tmp/words
rm /tmp/lines
exit $code
"#;

/// Tells files, and the journal, that have one of some words in them. What Podman keeps for itself
/// and for the runtime of its containers, and the files that are the source are not looked at.
const SEARCH: &str = r#"#!/bin/bash
journalctl -o export --all > /tmp/journal
for word; do
    grep -rlaF -e "$word" /home/user /tmp /run/user/1000 /var/tmp /etc 2> /dev/null |
        grep -v -e '^/home/user/.local/share/containers/' -e '^/run/user/1000/c[a-z]*/'
done
rm /tmp/journal
"#;

#[test]
fn no_value_of_a_secret_is_anywhere_but_in_podman() {
    let Some(ground) = Ground::new("secrets") else { return };
    for (name, text) in [("with-variable", WITH_VARIABLE), ("watch", WATCH), ("search", SEARCH)] {
        ground.script(name, text);
    }
    ground.stack("vault", STACK);
    let source = |name: &str, value: &str| {
        crate::support::write(&ground.host.path(&format!("srv/{name}.secret")), value);
    };
    let mut words = vec!["canary-in-a-file", "canary-in-the-environment", "canary-the-second"];
    source("file", "canary-in-a-file");
    source("environment", "canary-in-the-environment");
    let mut told = String::new();
    let mut run = |arguments: &[&str]| {
        let watched = ["/opt/with-variable", "/opt/watch", PROGRAM];
        let run = ground.run(&[&watched[..], arguments].concat());
        assert_eq!(run.code, 0, "{arguments:?}\n{}\n{}", run.out, run.err);
        told.push_str(&run.out);
        told.push_str(&run.err);
        told.push_str(&ground.host.user(&["cat", "/tmp/words"]));
        run
    };
    let stack = "/srv/vault.yml";
    run(&["plan", stack, "--save", "/tmp/saved"]);
    run(&["apply", stack, "--yes"]);
    assert!(run(&["apply", stack, "--yes"]).out.contains("nothing to do"));
    // Another value is another start.
    source("file", "canary-the-second");
    let plan = run(&["plan", stack]);
    assert!(plan.out.contains("the secret from_file has another value"), "{}", plan.out);
    run(&["apply", stack, "--yes", "--format", "json"]);
    run(&["history", "vault"]);

    let made = ["podman", "secret", "inspect", "--showsecret", "-f", "{{.SecretData}}", "made"];
    let made = ground.host.user(&made);
    assert_eq!(made.trim().len(), 40);
    words.push(made.trim());
    let environment =
        ground.host.user(&["podman", "exec", "door", "sh", "-c", "echo $ONE $TWO $THREE"]);
    assert_eq!(environment.split_whitespace().collect::<Vec<_>>(), [words[2], words[1], words[3]]);
    for word in &words {
        assert!(!told.contains(word), "{word} is told:\n{told}");
    }
    assert!(told.contains("secret create"), "nothing was seen of Podman: the watch is too slow");
    let found = ground.run(&[&["--root", "/opt/search"], &words[..]].concat());
    assert_eq!(found.out, "", "{}", found.err);
    ground.strangers_are_untouched();
}
