//! A host that is not well: what it is told to be, and what becomes of a deployment.

use serde_json::Value;

use super::{Ground, events};
use crate::support::Run;

/// Five units of the user and one of the machine that fail when they are started.
const FAILING: &str = r"set -e
unit='[Service]\nType=oneshot\nExecStart=false\n'
printf $unit > /etc/systemd/user/broken@.service
printf $unit > /etc/systemd/system/backup.service
systemctl daemon-reload
systemctl start backup || true
";
const BREAK: &str = "systemctl --user daemon-reload
                     systemctl --user start broken@{1..5}.service || true";

/// Three services that are up at once, two of which have a version.
fn shop(version: &str) -> String {
    let service = |name: &str, version: &str| {
        format!(
            "  - name: {name}\n    configuration: {{ image: docker.io/library/base:1, \
             pull_policy: never, command: [serve], environment: {{ V: '{version}' }} }}\n"
        )
    };
    let services = [service("db", version), service("web", version), service("bot", "")].concat();
    let head = "stack: { name: shop }\ndeployment: { timeouts: { settle: 0s } }\nservices:\n";
    format!("{head}{services}")
}

/// The same, which much hangs on.
fn critical(version: &str) -> String {
    format!("{}metadata: {{ criticality: tier-1 }}\n", shop(version))
}

/// What the host loses for its units, and what that says.
fn units(run: &Run) -> (u64, String) {
    let told = &events(run)[0]["host"];
    let losses = told["losses"].as_array().unwrap();
    let units = losses.iter().find(|loss| loss["part"] == "units");
    let text = |loss: &Value| loss["what"].as_str().unwrap().to_owned();
    units.map_or((0, String::new()), |loss| (loss["points"].as_u64().unwrap(), text(loss)))
}

#[test]
fn a_host_that_is_not_well_is_refused_or_asked_about() {
    let Some(ground) = Ground::new("score") else { return };
    let root = |script: &str| ground.run(&["--root", "bash", "-c", script]);
    assert_eq!(units(&ground.program(&["health", "--format", "json"])), (0, String::new()));
    let whole = ground.program(&["health", "--score"]);
    assert!(whole.out.starts_with("host: "), "{}", whole.out);
    assert!(whole.out.contains("  -0   units: 5 for each unit"), "{}", whole.out);
    ground.stack("shop", &critical("1"));
    ground.up("shop");

    assert_eq!(root(FAILING).code, 0);
    ground.host.user(&["bash", "-c", BREAK]);
    let json = ground.ends(2, &["health", "--format", "json"]);
    let names = "broken@1.service, broken@2.service, broken@3.service, broken@4.service, \
                 broken@5.service, backup.service";
    assert_eq!(units(&json), (30, format!("6 units have failed: {names}")));
    let told = ground.ends(2, &["health"]);
    assert!(told.out.contains(&format!("  -30  6 units have failed: {names}\n")), "{}", told.out);
    assert!(told.out.contains("`systemctl --user reset-failed broken@1.service`"), "{}", told.out);

    refused(&ground);
    asked(&ground);
    history(&ground);

    // What the machine itself has is not the user's to mend, and is told as such.
    ground.host.user(&["systemctl", "--user", "reset-failed"]);
    let told = ground.program(&["health", "--score"]);
    assert!(told.out.contains("`systemctl reset-failed backup.service`"), "{}", told.out);
    pressed(&ground);
    ground.strangers_are_untouched();
}

/// What is refused changes nothing, whatever is at stake, but by a flag.
fn refused(ground: &Ground) {
    let before = ground.look();
    ground.limits(71, 71);
    // To do nothing needs no host that is well.
    assert_eq!(ground.up("shop").out, "shop: nothing to do\n");
    ground.stack("shop", &critical("2"));
    for command in ["apply", "reconcile"] {
        let run = ground.ends(3, &[command, "/srv/shop.yml", "--yes"]);
        assert!(run.err.contains("the host has too few points, 71 are needed"), "{}", run.err);
        assert!(run.err.contains("the risk is critical: it interrupts 2 of 3"), "{}", run.err);
        assert!(run.err.contains("say `--ignore-health`"), "{}", run.err);
    }
    let json = ground.ends(3, &["apply", "/srv/shop.yml", "--yes", "--format", "json"]);
    let assessed = &events(&json)[1];
    assert_eq!((&assessed["event"], &assessed["risk"]), (&"assessed".into(), &"critical".into()));
    assert_eq!(assessed["judgement"], "refuse");
    // What would be done is told all the same.
    let plan = ground.ends(0, &["plan", "/srv/shop.yml"]);
    assert!(plan.err.contains("6 units have failed"), "{}", plan.err);
    assert_eq!(ground.look(), before);
    ground.ends(0, &["apply", "/srv/shop.yml", "--yes", "--ignore-health"]);
    assert_eq!(ground.look().restarted(&before), ["db-1", "web"]);
}

/// What is at risk goes on where somebody at a terminal agrees; a flag is nobody.
fn asked(ground: &Ground) {
    ground.limits(20, 71);
    ground.stack("shop", &critical("3"));
    let before = ground.look();
    let unasked = ground.ends(3, &["apply", "/srv/shop.yml", "--yes"]);
    assert!(unasked.err.contains("for a critical risk that nobody agrees to"), "{}", unasked.err);
    let answer = |answer: &str, words: &str| {
        let program = format!("script -qec '{} {words} /srv/shop.yml' /dev/null", super::PROGRAM);
        ground.run(&["bash", "-c", &format!("echo {answer} | {program}")])
    };
    let no = answer("n", "apply");
    assert_eq!(no.code, 3, "{}{}", no.out, no.err);
    assert!(no.out.contains("6 units have failed"), "{}", no.out);
    assert_eq!(ground.look(), before);
    let yes = answer("y", "reconcile");
    assert_eq!(yes.code, 0, "{}{}", yes.out, yes.err);
    assert_eq!(ground.look().restarted(&before), ["db-1", "web"]);

    // Half of what runs, and nothing special: a flag is an answer to that.
    ground.stack("shop", &shop("4"));
    let medium = ground.ends(0, &["apply", "/srv/shop.yml", "--yes"]);
    assert!(medium.err.contains("the risk is medium: it interrupts 2 of 3"), "{}", medium.err);
}

fn history(ground: &Ground) {
    let json = ground.ends(0, &["history", "shop", "--format", "json"]);
    let risks: Vec<Value> =
        events(&json).iter().map(|entry| entry["assessed"]["risk"].clone()).collect();
    assert_eq!(risks, ["medium", "critical", "critical", "medium"]);
    for (count, entry) in events(&json).iter().enumerate() {
        let units = (count > 0).then_some(30);
        assert_eq!(entry["assessed"]["lost"]["units"].as_u64(), units, "{entry}");
    }
    let told = ground.ends(0, &["history", "shop"]).out;
    assert_eq!(told.matches(", risk critical\n").count(), 2, "{told}");
    let first = told.lines().next().unwrap();
    assert!(first.contains("  host ") && first.ends_with(", risk medium"), "{told}");
}

/// The pressure that the kernel tells, which is put in the place of its own for a moment.
fn pressed(ground: &Ground) {
    let pressure = "full avg10=0.00 avg60=20.50 avg300=0.00 total=1";
    let put = format!(
        "mount -t tmpfs tmpfs /proc/pressure && echo '{pressure}' | \
         tee /proc/pressure/memory > /proc/pressure/io"
    );
    assert_eq!(ground.run(&["--root", "bash", "-c", &put]).code, 0);
    let told = ground.ends(2, &["health"]);
    ground.run(&["--root", "umount", "/proc/pressure"]);
    for line in [
        "  -45  for 20 % of the last minute all work stood still, for memory\n",
        "  -10  for 20 % of the last minute all work waited for disks\n",
    ] {
        assert!(told.out.contains(line), "{}", told.out);
    }
}
