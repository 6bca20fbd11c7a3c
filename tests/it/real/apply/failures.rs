//! What cannot come up, for every reason that a host can have: on a first deployment and on an
//! update, the host is as before afterwards, and the message names the cause.

use stackwright::capability::podman::Podman;

use super::{Ground, Look, shop};
use crate::real::suite;
use crate::support::{Run, write};

/// What goes wrong with a stack.
struct Case {
    name: &'static str,
    /// What becomes of the words of the shop.
    changes: &'static [(&'static str, &'static str)],
    /// What is done to the host before and after.
    on_host: Option<(&'static str, &'static str)>,
    /// What the run ends with, and what it says.
    code: i32,
    says: &'static [&'static str],
    /// What is restarted by the way there and back, on an update.
    restarts: &'static [&'static str],
}

const WEB_CHECK: &str = "command: wget -q -O /dev/null http://127.0.0.1:8080/etc/passwd";
const WEB_COMMAND: &str = r#"[serve, httpd, -f, -p, "8080"]"#;
const BOT_IMAGE: &str = "      command: [serve]\n";
const POISON: &str = "~/.config/containers/systemd/poison.container";

const CASES: &[Case] = &[
    Case {
        name: "never healthy",
        changes: &[
            (WEB_CHECK, "command: echo the till is closed; false"),
            ("per_service_deployment: 20s", "per_service_deployment: 9s"),
        ],
        on_host: None,
        code: 4,
        says: &["web.service", "not ready in time", "health: exit code 1: the till is closed"],
        // The time for all of them is another one.
        restarts: &["bot", "db-1", "web"],
    },
    Case {
        name: "exits at once",
        changes: &[(WEB_COMMAND, r#"[sh, -c, "echo no till here >&2; exit 3"]"#)],
        on_host: None,
        code: 4,
        says: &["web.service", "log: no till here"],
        restarts: &["web"],
    },
    Case {
        name: "exits at once, without a health check",
        changes: &[
            (BOT_IMAGE, "      command: [sh, -c, \"echo no bot here >&2; exit 3\"]\n"),
            ("SETTLE", "1s"),
        ],
        on_host: None,
        code: 4,
        says: &["bot.service", "log: no bot here"],
        restarts: &["bot"],
    },
    Case {
        name: "dies two seconds after it was healthy",
        changes: &[
            ("[serve, touch, /tmp/ready]", r#"[sh, -c, "touch /tmp/ready; sleep 2; exit 7"]"#),
            ("SETTLE", "4s"),
        ],
        on_host: None,
        code: 4,
        says: &["db.service", "ended"],
        restarts: &["db-1", "web"],
    },
    Case {
        name: "dies two seconds after it was started",
        changes: &[
            (BOT_IMAGE, "      command: [sh, -c, \"sleep 2; echo bye; exit 7\"]\n"),
            ("SETTLE", "4s"),
        ],
        on_host: None,
        code: 4,
        says: &["bot.service", "it was up and then ended", "log: bye"],
        restarts: &["bot"],
    },
    Case {
        name: "there is no such image",
        changes: &[(
            "  - name: bot\n    configuration:\n      image: docker.io/library/base:1\n      \
             pull_policy: never\n",
            "  - name: bot\n    configuration:\n      image: registry.example.org/none:1\n",
        )],
        on_host: None,
        code: 3,
        says: &["registry.example.org/none:1", "nothing was changed"],
        restarts: &[],
    },
    Case {
        name: "Quadlet refuses the unit",
        changes: &[(
            BOT_IMAGE,
            "      command: [serve]\n      quadlet: { Container: { RemapUsers: nonsense } }\n",
        )],
        on_host: None,
        code: 3,
        says: &["bot.service", "RemapUsers", "nothing was changed"],
        restarts: &[],
    },
    Case {
        name: "a neighbour that Quadlet cannot read",
        changes: &[("BOT", "2")],
        on_host: Some(("printf 'no unit at all\\n' > POISON", "rm POISON")),
        code: 3,
        says: &["poison", "nothing was changed"],
        restarts: &[],
    },
    Case {
        name: PANIC,
        changes: &[("BOT", "2")],
        on_host: Some((
            "printf '[Container]\\nImage=docker.io/library/base:1\\nMount=type=bind\\n' \
             > POISON",
            "rm POISON",
        )),
        code: 3,
        says: &["panic", "nothing was changed"],
        restarts: &[],
    },
    Case {
        name: "the port is taken",
        changes: &[("127.0.0.1:8080:8080", "127.0.0.1:8081:8080")],
        on_host: Some((
            "busybox httpd -p 127.0.0.1:8081 -h /srv",
            "pkill -x -f 'busybox httpd -p 127.0.0.1:8081 -h /srv'",
        )),
        code: 3,
        says: &["port 8081/tcp is taken", "web.service"],
        restarts: &[],
    },
];

/// Later ones pass over such a neighbour alone, and so it is in nobody's way.
const PANIC: &str = "a neighbour that makes Quadlet 5.4 panic";

fn cases() -> impl Iterator<Item = &'static Case> {
    let podman = suite().unwrap().podman;
    CASES.iter().filter(move |case| case.name != PANIC || podman == Podman(5, 4))
}

const GENERATIONS: &str =
    "ls -A ~/.local/state/stackwright/stacks/shop/generations 2> /dev/null || true";

fn generations(ground: &Ground) -> String {
    ground.host.user(&["sh", "-c", GENERATIONS])
}

fn fails(ground: &Ground, case: &Case) -> Run {
    ground.stack("shop", &shop(case.changes));
    let on_host = |command: &str| {
        ground.host.user(&["sh", "-c", &command.replace("POISON", POISON)]);
    };
    case.on_host.inspect(|(before, _)| on_host(before));
    let before = generations(ground);
    let run = ground.program(&["apply", "/srv/shop.yml", "--yes"]);
    let name = case.name;
    if case.code == 3 {
        assert_eq!(generations(ground), before, "{name}: something is left in the store");
    }
    case.on_host.inspect(|(_, after)| on_host(after));
    assert_eq!(run.code, case.code, "{name}\n{}\n{}", run.out, run.err);
    for words in case.says {
        assert!(run.err.contains(words), "{name}: {words}?\n{}\n{}", run.out, run.err);
    }
    for noise in ["container create", "conmon", "container died"] {
        assert!(!run.err.contains(noise), "{name}: {noise}\n{}", run.err);
    }
    run
}

fn same(case: &Case, before: &Look, after: &Look) {
    assert_eq!(after.shape, before.shape, "{}", case.name);
}

#[test]
fn a_first_deployment_that_fails_leaves_nothing_behind() {
    let Some(ground) = Ground::new("first") else { return };
    let before = ground.look().without_data();
    for case in cases() {
        fails(&ground, case);
        let after = ground.look().without_data();
        same(case, &before, &after);
        assert_eq!(after.ids, before.ids, "{}", case.name);
        // A container that died is not started again by anything.
        let busy = ["systemctl", "--user", "list-jobs", "--no-legend"];
        assert_eq!(ground.host.user(&busy), "", "{}", case.name);
    }
    ground.stack("shop", &shop(&[]));
    ground.up("shop");
    ground.strangers_are_untouched();
}

#[test]
fn an_update_that_fails_leaves_all_as_it_was() {
    let Some(ground) = Ground::new("update") else { return };
    // Here it is known at once, which the other test finds out by trying several times.
    let registries = ground.host.path("etc/containers/registries.conf.d/none.conf");
    write(&registries, "[[registry]]\nlocation = \"registry.example.org\"\nblocked = true\n");
    ground.stack("shop", &shop(&[]));
    ground.up("shop");
    for case in cases() {
        let before = ground.look();
        fails(&ground, case);
        let after = ground.look();
        same(case, &before, &after);
        let restarted = after.restarted(&before);
        let told = restarted.iter().all(|name| case.restarts.contains(name));
        assert!(told, "{}: {restarted:?}", case.name);
        let web =
            ["podman", "exec", "web", "wget", "-q", "-O", "-", "http://127.0.0.1:8080/etc/passwd"];
        assert!(ground.host.user(&web).starts_with("root:"), "{}", case.name);
    }
    let again = ground.program(&["apply", "/srv/shop.yml", "--yes"]);
    assert_eq!(again.code, 0, "{}", again.err);
    ground.strangers_are_untouched();
}
