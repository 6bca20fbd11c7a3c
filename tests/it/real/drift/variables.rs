//! Variables of the shell in which a stack was applied: who looks from elsewhere takes nothing for
//! drift that only lacks them.

use crate::real::apply::{Ground, PROGRAM};
use crate::support::{Run, write};

const STACK: &str = r#"
stack: { name: varied }
deployment: { timeouts: { settle: 0s } }
secrets: { key: { environment: THE_KEY } }
services:
  - name: v-app
    configuration:
      image: docker.io/library/base:1
      pull_policy: never
      stop_timeout: 1s
      command: [serve]
      environment: { LEVEL: "${LEVEL:?say which}", ZONE: "${ZONE:-UTC}", KEY: "${key}" }
"#;

/// Runs the program in a shell that has some variables.
fn with(ground: &Ground, variables: &[&str], arguments: &[&str]) -> Run {
    ground.run(&[&["env"], variables, &[PROGRAM], arguments].concat())
}

/// Leaves the stack as it is applied, for others to look at.
pub fn of_another_shell(ground: &Ground) {
    ground.stack("varied", STACK);
    let shell = ["LEVEL=1", "ZONE=Oslo", "THE_KEY=hunter2"];
    let apply = ["apply", "/srv/varied.yml", "--yes"];
    let run = with(ground, &shell[..2], &apply);
    assert_eq!(run.code, 1, "{}", run.err);
    assert!(run.err.contains("secret `key`: the variable `THE_KEY` is not set"), "{}", run.err);
    let run = with(ground, &shell, &apply);
    assert_eq!(run.code, 0, "{}", run.err);
    assert_eq!(with(ground, &shell, &["diff", "varied"]).out, "varied: as it should be\n");
    let same = with(ground, &shell[..2], &["diff", "varied"]);
    assert_eq!(same.out, "varied: as it should be\n", "the secret is there");

    for (variables, strange) in [(&[][..], "LEVEL, ZONE"), (&["LEVEL=2", "ZONE=Oslo"], "LEVEL")] {
        let run = with(ground, variables, &["diff", "varied", "--format", "json"]);
        let told: serde_json::Value = serde_json::from_str(&run.out).unwrap();
        let items = told["stacks"][0]["items"].as_array().unwrap();
        assert_eq!((run.code, items.len()), (0, 1), "{}", run.out);
        let known = ["aspect", "layer", "state"].map(|key| items[0][key].as_str().unwrap());
        assert_eq!(known, ["variables", "files", "warning"]);
        let actual = items[0]["actual"].as_str().unwrap();
        assert!(actual.starts_with(&format!("{strange} not set here")), "{actual}");
    }
    // What is read as it says here is compared as it says here.
    let other = with(ground, &["LEVEL=2", "ZONE=Oslo"], &["diff", "/srv/varied.yml"]);
    assert!(other.code == 2 && other.out.contains("v-app.container unit:"), "{}", other.out);

    // All else of it is looked at, and brought back with what it had.
    ground.host.user(&["podman", "network", "disconnect", "varied", "v-app"]);
    let run = ground.ends(2, &["diff", "varied"]);
    assert!(run.out.contains("~ v-app networks:"), "{}", run.out);
    let run = ground.ends(0, &["reconcile", "varied", "--yes"]);
    assert!(run.err.contains("! varied variables:"), "{}", run.err);
    assert_eq!(with(ground, &shell, &["diff", "varied"]).out, "varied: as it should be\n");
    let said = ground.host.user(&["podman", "exec", "v-app", "env"]);
    assert!(said.contains("LEVEL=1\n") && said.contains("KEY=hunter2\n"), "{said}");
    let secret = ["grep", "-rl", "hunter2", ".local/state", ".config", "/srv"];
    assert_eq!(ground.run(&secret).out, "", "the secret is in a file");
}

/// A timer is given what it lacks.
pub fn given_to_a_timer(ground: &Ground) {
    write(&ground.host.path("srv/the variables"), "LEVEL=1\nZONE=Oslo\n");
    let install = ["watch", "install", "--every", "1h", "--env-file", "/srv/the variables"];
    ground.ends(0, &install);
    // A run that the timer began before would be joined in place of a new one.
    ground.host.user(&["systemctl", "--user", "restart", "stackwright-watch.service"]);
    ground.log(&["-u", "stackwright-watch", "-n", "20"], |said| {
        let last = said.rsplit("Starting ").next().unwrap_or_default();
        last.contains("varied: as it should be\n")
    });
    let missing = ["watch", "install", "--env-file", "/srv/none"];
    assert!(ground.ends(1, &missing).err.contains("`/srv/none`"));
}
