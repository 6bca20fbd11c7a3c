//! A folder of stacks that is brought to what its files say, and a timer that looks after it.

use std::os::unix::fs::PermissionsExt;

use super::{stacks, traefik, variables};
use crate::real::apply::Ground;
use crate::real::suite;
use crate::support::{remove, write};

/// Ten stacks and those that each requires; the names go against the order.
const STACKS: [(&str, &[&str]); 10] = [
    ("j-root", &[]),
    ("i-net", &["j-root"]),
    ("h-db", &["i-net"]),
    ("g-cache", &["i-net"]),
    ("f-api", &["h-db", "g-cache"]),
    ("e-web", &["f-api"]),
    ("d-bot", &["h-db"]),
    ("c-alone", &[]),
    ("b-side", &["c-alone"]),
    ("a-last", &["e-web", "b-side"]),
];

fn stack(name: &str, requires: &[&str], command: &str, more: &str) -> String {
    let requires = requires.join(", ");
    format!(
        r#"
stack: {{ name: {name}, requires: [{requires}]{more} }}
deployment: {{ timeouts: {{ settle: 0s, per_service_deployment: 20s }} }}
services:
  - name: {name}-app
    configuration:
      image: docker.io/library/base:1
      pull_policy: never
      stop_timeout: 1s
      restart: "no"
      command: {command}
      health_check: {{ command: [CMD, test, -e, /bin], interval: 1s, timeout: 1s }}
"#
    )
}

fn put(ground: &Ground, name: &str, text: &str) {
    write(&ground.host.path("srv/all").join(format!("{name}.yml")), text);
}

/// The stacks in the order in which what was told about them ended.
fn ended(out: &str, word: &str) -> Vec<String> {
    let lines = out.lines().filter(|line| line.contains(word));
    lines.filter_map(|line| Some(line.split_once(':')?.0.to_owned())).collect()
}

#[test]
fn a_folder_is_brought_to_what_it_says() {
    if suite().is_none() {
        return;
    }
    let Some(ground) = Ground::new("catalogue") else { return };
    for (name, requires) in STACKS {
        put(&ground, name, &stack(name, requires, "[serve]", ""));
    }
    // Nothing is done where it is only shown, or nobody agreed.
    let shown = ground.ends(0, &["reconcile", "/srv/all", "--dry-run"]);
    assert_eq!(ended(&shown.out, "first deployment").len(), 10, "{}", shown.out);
    ground.ends(3, &["reconcile", "/srv/all"]);
    assert!(!ground.host.path("home/user/.local/state/stackwright/stacks/c-alone").exists());

    let run = ground.ends(0, &["reconcile", "/srv/all", "--yes"]);
    let order = ended(&run.out, " is up after ");
    let place = |name: &str| order.iter().position(|one| one == name).unwrap();
    for (name, requires) in STACKS {
        for required in requires {
            assert!(place(required) < place(name), "{order:?}");
        }
    }
    let again = ground.look();
    let run = ground.ends(0, &["reconcile", "/srv/all", "--yes"]);
    assert_eq!(run.out, "nothing to do\n");
    assert_eq!(ground.look(), again);

    // One that fails takes those with it that require it, and no other; what is marked goes.
    put(&ground, "h-db", &stack("h-db", &["i-net"], "[\"false\"]", ""));
    for (name, requires) in STACKS {
        if matches!(name, "f-api" | "b-side" | "a-last") {
            put(&ground, name, &stack(name, requires, "[serve, sleep, \"9\"]", ""));
        }
    }
    put(&ground, "d-bot", &stack("d-bot", &["h-db"], "[serve]", ", deployed: false"));
    let before = ground.look();
    let run = ground.ends(4, &["reconcile", "/srv/all", "--yes"]);
    assert_eq!(ended(&run.out, " is up after "), ["b-side"], "{}", run.out);
    assert_eq!(ended(&run.out, "removed after"), ["d-bot"], "{}", run.out);
    for name in ["a-last", "f-api"] {
        assert!(run.err.contains(&format!("{name}: is left as it is: it requires")), "{}", run.err);
    }
    let now = ground.look();
    assert_eq!(now.restarted(&before), ["b-side-app", "h-db-app"]);
    assert!(!now.ids.contains_key("container:d-bot-app"), "{:?}", now.shape);

    // It converges when the cause is gone.
    put(&ground, "h-db", &stack("h-db", &["i-net"], "[serve]", ""));
    let run = ground.ends(0, &["reconcile", "/srv/all", "--yes"]);
    assert_eq!(ended(&run.out, " is up after "), ["f-api", "a-last"], "{}", run.out);
    assert_eq!(ground.ends(0, &["reconcile", "/srv/all", "--yes"]).out, "nothing to do\n");
    let left = ground.ends(0, &["apply", "/srv/all/d-bot.yml", "--yes"]);
    assert!(left.err.contains("d-bot: left alone, it is marked"), "{}", left.err);

    a_newer_system(&ground);
    // A stack whose file is gone stays as it is.
    remove(&ground.host.path("srv/all/c-alone.yml"));
    let run = ground.ends(0, &["diff", "c-alone"]);
    assert!(run.out.contains("the stack goes on as it was applied last"), "{}", run.out);
    ground.ends(0, &["reconcile", "c-alone", "--yes"]);
    ground.strangers_stand();
}

/// A power cut, and another Podman, systemd and all else, as a new release of the system brings
/// them, where it is not that one already.
fn a_newer_system(ground: &Ground) {
    for (name, text) in stacks::ODD {
        ground.stack(name, text);
        ground.up(name);
    }
    stacks::same(ground, "all is fresh");
    ground.host.lab("upgrade", &["forky"]);
    let up = "until systemctl --user is-active -q a-last-app; do sleep 0.2; done; \
              systemctl --user is-system-running --wait || true";
    ground.host.user(&["bash", "-c", up]);
    stacks::same(ground, "a newer system");
}

/// Reports of the timer, and what it mends.
#[test]
fn the_timer_reports_and_mends() {
    if suite().is_none() {
        return;
    }
    let Some(ground) = Ground::new("watch") else { return };
    put(&ground, "watched", &stack("watched", &[], "[serve]", ""));
    ground.ends(0, &["apply", "/srv/all/watched.yml", "--yes"]);
    variables::of_another_shell(&ground);
    let script = "#!/bin/sh\n{ env | grep ^STACKWRIGHT_; cat; } > \"$HOME/told\"\n";
    ground.script("notify", script);
    let open = std::fs::Permissions::from_mode(0o777);
    std::fs::set_permissions(ground.host.path("srv"), open).unwrap();
    let told = ground.host.path("home/user/told");
    let install = |more: &[&str]| {
        let words = ["watch", "install", "--every", "2s", "--notify", "/opt/notify 'a b'"];
        ground.ends(0, &[&words, more].concat());
    };
    let wait = |for_what: &str, is: &dyn Fn(&str) -> bool| {
        for _ in 0..100 {
            let text = std::fs::read_to_string(&told).unwrap_or_default();
            if is(&text) {
                return text;
            }
            std::thread::sleep(std::time::Duration::from_millis(200));
        }
        let log = ground.run(&["journalctl", "--user", "-u", "stackwright-watch", "--no-pager"]);
        panic!("{for_what} did not come: {:?}\n{}", std::fs::read_to_string(&told), log.out);
    };
    install(&[]);
    let timer = ground.host.property("stackwright-watch.timer", "ActiveState");
    assert_eq!(timer, "active");
    // Where nothing has drifted, nobody is told.
    std::thread::sleep(std::time::Duration::from_secs(3));
    assert!(!told.exists());
    ground.host.user(&["podman", "network", "disconnect", "watched", "watched-app"]);
    let text = wait("the report", &|text| text.contains("mend:"));
    assert!(text.contains("STACKWRIGHT_DRIFTED=watched\n"), "{text}");
    assert!(text.contains("~ watched-app networks: it was changed"), "{text}");
    let reported = |said: &str| said.contains("watched-app networks: it was changed");
    ground.log(&["-u", "stackwright-watch.service"], reported);
    ground.ends(2, &["diff"]);

    install(&["--fix"]);
    wait("what was mended", &|text| text.contains("mended: all is as it should be"));
    ground.ends(0, &["diff"]);
    variables::given_to_a_timer(&ground);
    ground.ends(0, &["watch", "remove"]);
    let units = ground.host.path("home/user/.config/systemd/user");
    for unit in ["stackwright-watch.service", "stackwright-watch.timer"] {
        assert!(!units.join(unit).exists(), "{unit}");
    }
    let timer = ground.host.property("stackwright-watch.timer", "LoadState");
    assert_eq!(timer, "not-found");
    traefik::routes_are_compared(&ground);
    ground.strangers_stand();
}
