//! Every kind of drift that somebody can bring about by hand, several at a time where one does not
//! hide the other.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::PermissionsExt;

use super::{diff, ground};
use crate::real::apply::Ground;

/// What is done to a host at once, and what must be said of it.
struct Case {
    what: &'static str,
    /// What somebody does by hand, in a shell.
    by_hand: &'static str,
    /// Each item, as `layer subject aspect: a part of how it is`; one that begins with `!` is a
    /// warning that nobody but the user can mend.
    told: &'static [&'static str],
    /// Which containers are others afterwards.
    restarted: &'static [&'static str],
    /// What the user has to do before `reconcile` can help.
    left: &'static str,
}

const ONLY: Case = Case { what: "", by_hand: "", told: &[], restarted: &[], left: "" };

const CASES: &[Case] = &[
    Case {
        what: "podman update and podman network, while all runs",
        by_hand: "podman update --memory 300M --cpus 1.5 --pids-limit 50 db-1
            podman update --health-interval 5s db-1
            podman update --memory-reservation 10M --cpu-shares 512 --cpuset-cpus 0 bot
            podman network connect spare still
            podman network disconnect inner web
            podman network disconnect spare bot
            podman network connect --alias shop spare bot",
        told: &[
            "running db-1 limits: --memory 314572800",
            "running db-1 limits: --cpus 1.500",
            "running db-1 limits: --pids-limit 50",
            "running db-1 health check: --health-interval 5000ms",
            "running bot limits: --memory-reservation 10485760",
            "running bot limits: --cpu-shares 512",
            "running bot limits: --cpuset-cpus 0",
            "running bot aliases: spare: shop",
            "running still networks: spare",
            "running web networks: not joined",
        ],
        restarted: &["bot", "db-1", "still", "web"],
        ..ONLY
    },
    Case {
        what: "secrets, states and health",
        by_hand: "echo other | podman secret create --replace token -
            podman secret rm spare_token
            systemctl --user stop still
            podman exec db-1 rm /tmp/ready; sleep 2.5",
        told: &[
            "running web secret: an older one",
            "running bot secret: it is gone",
            "running still.service state: inactive",
            "running db-1 health: unhealthy",
        ],
        restarted: &["bot", "db-1", "still", "web"],
        ..ONLY
    },
    Case {
        what: "containers that somebody else started under our names",
        by_hand: "systemctl --user stop db web still
            podman run -d --name db-1 --cap-add net_admin --user 1:1 -v kept:/kept -e VERSION=2 \
                -e API_TOKEN=hunter2 --label kind=other --memory 1G --network spare \
                --health-cmd true docker.io/library/base:1 serve
            podman run -d --name web -p 127.0.0.1:8081:8080 --device /dev/fuse \
                --add-host a:127.0.0.1 --log-driver none --secret spare_token \
                --network inner:alias=shop docker.io/library/base:1 serve
            podman run -d --name still --dns 127.0.0.1 --network inner --init \
                docker.io/library/base:1 serve",
        told: &[
            "running db.service state: inactive",
            "running db-1 container: without it",
            "running db-1 capabilities: --cap-add net_admin",
            "running db-1 user: --user 1:1",
            "running db-1 mounts: -v kept:/kept",
            "running db-1 environment: API_TOKEN=(hidden)",
            "running db-1 labels: --label kind=other",
            "running db-1 limits: --memory 1G",
            "running db-1 networks: spare",
            "running db-1 health check: --health-cmd true",
            "running db-1 command: serve",
            "running db-1 options: nothing",
            "running web.service state: inactive",
            "running web container: without it",
            "running web ports: 127.0.0.1:8081:8080",
            "running web devices: --device /dev/fuse",
            "running web names: --add-host a:127.0.0.1",
            "running web logging: --log-driver none",
            "running web secrets: --secret spare_token",
            "running web networks: inner:alias=shop",
            "running web environment: nothing",
            "running web mounts: nothing",
            "running web labels: nothing",
            "running web command: serve",
            "running web options: nothing",
            "running still.service state: inactive",
            "running still container: without it",
            "running still image: docker.io/library/base:1",
            "running still names: --dns 127.0.0.1",
            "running still options: --init",
            "running still labels: nothing",
        ],
        restarted: &["db-1", "still", "web"],
        ..ONLY
    },
    Case {
        what: "files that were edited, added and lost",
        by_hand: "cd ~/.local/state/stackwright/stacks/drifty/current/units
            sed -i 's/Exec=serve/Exec=serve sleep 7/' bot.container
            printf '[Network]\\n' > added.network
            rm still.container
            page=$(ls ~/.local/state/stackwright/stacks/drifty/files/*/page)
            chmod u+w $page; echo changed > $page",
        told: &[
            "installed bot.container installed file: was changed by hand",
            "installed added.network installed file: was added by hand",
            "installed still.container installed file: is gone",
            "installed page installed file: was changed by hand",
            "loaded bot.service reload: read before",
        ],
        restarted: &["bot", "web"],
        ..ONLY
    },
    Case {
        what: "an edited unit that systemd has read and started",
        by_hand: "sed -i 's/Exec=serve/Exec=serve sleep 7/' \
                ~/.local/state/stackwright/stacks/drifty/current/units/bot.container
            systemctl --user daemon-reload; systemctl --user restart bot",
        told: &["installed bot.container installed file: was changed by hand"],
        restarted: &["bot"],
        ..ONLY
    },
    Case {
        what: "links that are gone, and a unit that is masked",
        by_hand: "systemctl --user mask bot
            rm ~/.config/containers/systemd/drifty",
        told: &["installed drifty link: it is gone", "loaded bot.service masked: masked"],
        ..ONLY
    },
    Case {
        what: "units that systemd no longer knows",
        by_hand: "rm ~/.config/containers/systemd/drifty; systemctl --user daemon-reload",
        told: &[
            "installed drifty link: it is gone",
            "loaded bot.service unit: not known",
            "loaded db.service unit: not known",
            "loaded inner-network.service unit: not known",
            "loaded job.service unit: not known",
            "loaded kept-volume.service unit: not known",
            "loaded spare-network.service unit: not known",
            "loaded still.service unit: not known",
            "loaded web.service unit: not known",
        ],
        ..ONLY
    },
    Case {
        what: "another generation that systemd still has",
        by_hand: "cd ~/.local/state/stackwright/stacks/drifty; now=$(readlink current)
            cp -a $now generations/99-000000000000
            ln -sfn generations/99-000000000000 current; systemctl --user daemon-reload
            ln -sfn $now current; rm -r generations/99-000000000000",
        told: &[
            "loaded bot.service source: 99-000000000000",
            "loaded db.service source: 99-000000000000",
            "loaded inner-network.service source: 99-000000000000",
            "loaded job.service source: 99-000000000000",
            "loaded kept-volume.service source: 99-000000000000",
            "loaded spare-network.service source: 99-000000000000",
            "loaded still.service source: 99-000000000000",
            "loaded web.service source: 99-000000000000",
        ],
        ..ONLY
    },
    Case {
        what: "networks and images",
        by_hand: "podman network disconnect -f spare bot; podman network rm -f spare
            podman network create --label stackwright.stack=drifty --internal \
                --subnet 10.78.0.0/24 spare
            podman tag docker.io/library/base:1 docker.io/library/still:1",
        told: &[
            "running spare internal: true",
            "running bot networks: not joined",
            "running still image: ",
        ],
        restarted: &["bot", "still"],
        ..ONLY
    },
    Case {
        what: "a network and a volume that are gone with what used them",
        by_hand: "systemctl --user stop bot db web still
            podman network rm inner; podman volume rm kept",
        told: &[
            "running inner network: missing",
            "running kept volume: missing",
            "running bot.service state: inactive",
            "running db.service state: inactive",
            "running still.service state: inactive",
            "running web.service state: inactive",
        ],
        restarted: &["bot", "db-1", "still", "web"],
        ..ONLY
    },
    Case {
        what: "a container under another name",
        by_hand: "podman rename still moved",
        told: &["running still.service container: missing"],
        restarted: &["still"],
        ..ONLY
    },
    Case {
        what: "what is not ours: told, and left alone",
        by_hand: "mkdir -p ~/.config/systemd/user/bot.service.d
            printf '[Service]\\nNice=3\\n' > ~/.config/systemd/user/bot.service.d/mine.conf
            printf '[Service]\\nExecStart=/bin/sleep 1d\\n' > ~/.config/systemd/user/still.service
            systemctl --user daemon-reload
            podman kill web; sleep 3",
        told: &[
            "!loaded bot.service drop-in: mine.conf",
            "loaded still.service override: still.service",
            "!running web.service restarts: 1",
        ],
        left: "rm -r ~/.config/systemd/user/bot.service.d ~/.config/systemd/user/still.service
            systemctl --user daemon-reload",
        ..ONLY
    },
    Case {
        what: "a drop-in that systemd has not read",
        by_hand: "mkdir -p ~/.config/systemd/user/bot.service.d
            printf '[Service]\\nNice=3\\n' > ~/.config/systemd/user/bot.service.d/mine.conf",
        told: &["loaded bot.service reload: read before", "!running web.service restarts: 1"],
        left: "rm -r ~/.config/systemd/user/bot.service.d; systemctl --user restart web",
        ..ONLY
    },
    Case {
        what: "a stack file that changed",
        by_hand: "sed -i 's/VERSION: \"1\"/VERSION: \"2\"/' /srv/drifty.yml",
        told: &["files db.container unit: VERSION=2", "files web.container unit: VERSION=2"],
        restarted: &["db-1", "web"],
        ..ONLY
    },
];

#[test]
fn what_is_changed_by_hand_is_named_and_brought_back() {
    let Some(ground) = ground() else { return };
    let open = std::fs::Permissions::from_mode(0o777);
    std::fs::set_permissions(ground.host.path("srv"), open).unwrap();
    let mut kinds = BTreeSet::new();
    for case in CASES {
        try_one(&ground, case);
        kinds.extend(case.told.iter().map(|line| line.split(": ").next().unwrap()));
    }
    ground.strangers_are_untouched();
    let again = ground.ends(0, &["reconcile", "drifty", "--yes"]);
    assert_eq!(again.out, "nothing to do\n");
    assert!(kinds.len() >= 30, "{} kinds", kinds.len());
}

fn try_one(ground: &Ground, case: &Case) {
    let what = case.what;
    let before = containers(ground);
    ground.run(&["bash", "-c", case.by_hand]);
    let found = diff(ground);
    let told: BTreeSet<String> = case.told.iter().map(|line| name(line).to_owned()).collect();
    assert_eq!(found.names(true), told, "{what}\n{:#?}", found.items);
    for line in case.told {
        let actual = line.split_once(": ").unwrap().1;
        let item = found.items.iter().find(|item| is(item, line, actual));
        let item = item.unwrap_or_else(|| panic!("{what}: {line}\n{:#?}", found.items));
        let state = if line.starts_with('!') { "warning" } else { "drift" };
        assert_eq!(item["state"], state, "{what}: {line}");
        for key in ["wanted", "meaning", "mend"] {
            assert!(!item[key].as_str().unwrap().is_empty(), "{what}: {line}: no {key}");
        }
    }
    let human = ground.program(&["diff", "drifty"]);
    assert_eq!((found.code, human.code), (2, 2), "{what}\n{}", human.out);
    for name in &told {
        let (subject, aspect) = name.split_once(' ').unwrap().1.split_once(' ').unwrap();
        assert!(human.out.contains(&format!(" {subject} {aspect}: ")), "{what}\n{}", human.out);
    }
    assert!(!human.out.contains("hunter2"), "{what}\n{}", human.out);
    if !case.left.is_empty() {
        let left = ground.program(&["reconcile", "drifty", "--yes"]);
        assert!(matches!(left.code, 0 | 2 | 3), "{what}\n{}\n{}", left.out, left.err);
        ground.host.user(&["bash", "-c", case.left]);
    }
    let run = ground.program(&["reconcile", "drifty", "--yes"]);
    assert_eq!(run.code, 0, "{what}\n{}\n{}", run.out, run.err);
    let after = diff(ground);
    assert_eq!((after.code, after.names(false)), (0, BTreeSet::new()), "{what}");
    if case.left.is_empty() {
        let now = containers(ground);
        let others = now.iter().filter(|(name, id)| before.get(*name) != Some(*id));
        let others: Vec<&str> = others.map(|(name, _)| name.as_str()).collect();
        assert_eq!(others, case.restarted, "{what}");
    }
}

/// The containers that run, with what tells each from the next of its name.
fn containers(ground: &Ground) -> BTreeMap<String, String> {
    let format = "{{.Names}} {{.ID}} {{.StartedAt}}";
    let told = ground.host.user(&["podman", "ps", "--format", format]);
    let lines = told.lines().filter_map(|line| line.split_once(' '));
    lines.map(|(name, id)| (name.to_owned(), id.to_owned())).collect()
}

/// A line without what is said beside the name of its item.
fn name(line: &str) -> &str {
    line.split_once(": ").unwrap().0.trim_start_matches('!')
}

fn is(item: &serde_json::Value, line: &str, actual: &str) -> bool {
    let text = |key: &str| item[key].as_str().unwrap();
    let own = format!("{} {} {}", text("layer"), text("subject"), text("aspect"));
    own == name(line) && text("actual").contains(actual)
}
