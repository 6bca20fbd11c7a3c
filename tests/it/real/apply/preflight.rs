//! What a host lacks or has in the way, provoked on a real one: each is told by its code, `apply`
//! refuses with exit code 3, and nothing is changed. Of a host that is well nothing is told.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;
use stackwright::capability::podman::Podman;

use super::{Ground, lab, shop};
use crate::real::{must, suite};
use crate::support::{Run, text};

/// A stack to which much stands in the way.
const FAULTY: &str = r#"
stack: { name: faulty, description: What a host can lack }
networks:
  abroad: { external: true }
  taken: { name: theirs }
volumes:
  photos: { external: true }
secrets:
  missing: {}
  other: { environment: OTHER }
services:
  - name: masked
    configuration: &quiet
      image: docker.io/library/base:1
      pull_policy: never
      command: [serve]
  - name: other
    configuration: { <<: *quiet, container_name: somebody }
  - name: foreign
    configuration: { <<: *quiet, image: docker.io/library/arm:1, networks: [taken] }
  - name: front
    configuration:
      <<: *quiet
      image: docker.io/library/none:1
      networks: [abroad]
      ports: ["127.0.0.1:8080:80", "127.0.0.1:8081:81", "127.0.0.1:8082:82", "127.0.0.1:443:443"]
      volumes: ["photos:/photos", "/srv/none:/none", "/srv/closed:/closed:ro"]
      devices: ["/dev/none", "/dev/closed"]
      cpus: 0.5
      environment: { MISSING: "${missing}", OTHER: "${other}" }
      expose: [80]
      traefik_labels: { rule: Host(`shop.example.org`) }
"#;

/// One that asks for next to nothing, and one that asks for what the other makes.
const QUIET: &str = "
stack: { name: quiet, description: What any host has }
networks: { between: { name: shared } }
services:
  - name: quiet
    configuration: { image: docker.io/library/base:1, pull_policy: never, networks: [between] }
";
const GUEST: &str = "
stack: { name: guest, description: What another stack brings, requires: [quiet] }
networks: { shared: { external: true } }
services:
  - name: guest
    configuration: { image: docker.io/library/base:1, pull_policy: never, networks: [shared] }
";

/// What is told of the first.
const FAULTS: &[(&str, &str)] = &[
    ("SW857", "`cpu` is not counted for a user's services here, front.service limits it by"),
    ("SW862", ".config/containers/systemd/faulty is there and is not of this stack"),
    ("SW863", "masked.service is masked"),
    ("SW864", "other.service is made from /home/user/.config/containers/systemd/other.container"),
    ("SW865", "the container somebody is there and not of this stack"),
    ("SW865", "the network theirs is there and of the stack `toys`"),
    ("SW866", "port 8080/tcp is taken by rootlessport (process "),
    ("SW866", " of web.service, front.service publishes it"),
    ("SW866", "port 8081/tcp is taken by a process of root"),
    ("SW866", "port 8082/tcp is taken by busybox (process "),
    ("SW866", " of taker.service, front.service publishes it"),
    ("SW867", "front.service publishes port 443, this user may listen from 1024 on"),
    ("SW868", "there is no network abroad"),
    ("SW869", "there is no volume photos"),
    ("SW870", "there is no secret missing"),
    ("SW871", "the secret other has another value"),
    ("SW872", "there is no device /dev/none"),
    ("SW873", "user may not read /dev/closed"),
    ("SW874", "there is no /srv/none"),
    ("SW875", "this user may not read /srv/closed"),
    ("SW881", "there is no image docker.io/library/none:1"),
    ("SW882", "the image docker.io/library/arm:1 of foreign.service is made for arm64"),
    ("SW883", "the name shop.example.org leads to 192.0.2.7"),
    ("SW884", "nothing sets the clock"),
];

/// What root and the user do before, and take back.
const BREAK: &str = "set -e
mkdir -m 700 /srv/closed
mknod -m 600 /dev/closed c 1 3
echo 192.0.2.7 shop.example.org >> /etc/hosts
busybox httpd -p 127.0.0.1:8081 -h /srv
mv /run/systemd/container /run/systemd/container.aside";
const MEND: &str = "mv /run/systemd/container.aside /run/systemd/container";
const BREAK_OWN: &str = "set -e
podman run --quiet --detach --name somebody docker.io/library/base:1 serve
podman network create --label stackwright.stack=toys theirs
tar -C /etc -c hostname | podman import --quiet --arch arm64 - docker.io/library/arm:1
systemctl --user mask masked.service
mkdir ~/.config/containers/systemd/faulty
systemd-run --user --unit=taker --quiet busybox httpd -f -p 127.0.0.1:8082 -h /srv";

/// What is wrong with a host for any stack.
struct Wrong {
    /// What root does before and afterwards.
    breaks: &'static str,
    mends: &'static str,
    /// The words before the call.
    words: &'static [&'static str],
    told: &'static [(&'static str, &'static str)],
}

const HOSTS: &[Wrong] = &[
    Wrong {
        breaks: "mv /var/lib/systemd/linger/user /etc/subuid /opt
            chmod o+w /home/user/.config
            mkdir -p /home/user/.local/state/stackwright
            mount -t tmpfs -o size=64k,uid=1000 none /home/user/.local/state/stackwright",
        mends: "umount /home/user/.local/state/stackwright
            chmod o-w /home/user/.config
            mv /opt/user /var/lib/systemd/linger; mv /opt/subuid /etc",
        words: &[],
        told: &[
            ("SW854", "the services of user end with the last login"),
            ("SW855", "user has 0 numbers"),
            ("SW861", "everybody may write into /home/user/.config"),
            ("SW879", "64.0 KiB are free on the disk of /home/user/.local/state/stackwright"),
        ],
    },
    Wrong {
        breaks: r#"mkdir /opt/old
            printf '%s\n' '#!/bin/sh' '[ "$1" != --version ] || exec echo podman version 4.3.1' \
                'exec /usr/bin/podman "$@"' > /opt/old/podman
            chmod 755 /opt/old/podman"#,
        mends: "rm -r /opt/old",
        words: &["env", "PATH=/opt/old:/usr/bin:/bin"],
        told: &[("SW850", "Podman 4.3 runs here, the units are written for 5.4")],
    },
    Wrong {
        breaks: "true",
        mends: "true",
        words: &[
            "env",
            "XDG_RUNTIME_DIR=/opt/gone",
            "DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/1000/bus",
        ],
        told: &[("SW853", "/opt/gone"), ("SW856", "there is no folder /opt/gone")],
    },
    Wrong {
        breaks: "true",
        mends: "true",
        words: &[
            "env",
            "XDG_RUNTIME_DIR=/opt/gone",
            "DBUS_SESSION_BUS_ADDRESS=unix:path=/opt/gone/bus",
        ],
        told: &[("SW853", "cannot connect to the bus")],
    },
];

const POISON: &str = "~/.config/containers/systemd/poison.container";

/// What is told by codes, each with how grave it is.
fn told(run: &Run) -> Vec<(String, String, bool)> {
    let report: Value = serde_json::from_str(&run.out).unwrap();
    let schema = serde_json::from_str(&text(Path::new("schema/preflight.schema.json"))).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    assert!(validator.is_valid(&report), "{report}");
    let stacks = report["stacks"].as_array().unwrap().iter();
    let all = stacks.flat_map(|stack| stack["findings"].as_array().unwrap());
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    let all = all.map(|one| (word(&one["code"]), word(&one["what"]), one["severity"] == "error"));
    all.collect()
}

/// Runs `preflight`, of which all that is told must be expected, and the other way round.
fn finds(ground: &Ground, before: &[&str], stack: &str, expected: &[(&str, &str)]) {
    let call = [super::PROGRAM, "preflight", stack, "--format", "json"];
    let run = ground.run(&[before, &call[..]].concat());
    let told = told(&run);
    for (code, what) in expected {
        let is_told = told.iter().any(|one| one.0 == *code && one.1.contains(what));
        assert!(is_told, "{code} {what}?\n{told:#?}\n{}", run.err);
    }
    let codes: BTreeSet<&str> = told.iter().map(|one| one.0.as_str()).collect();
    assert_eq!(codes, expected.iter().map(|one| one.0).collect(), "{told:#?}");
    let refuses = told.iter().any(|(_, _, is_error)| *is_error);
    assert_eq!(run.code, if refuses { 3 } else { 0 }, "{told:#?}");
}

#[test]
fn what_stands_in_the_way_is_told_and_nothing_is_changed() {
    let Some(ground) = Ground::new("preflight") else { return };
    let root = |script: &str| {
        must(&mut lab(&["exec", &ground.host.name, "--root", "bash", "-c", script]));
    };
    let healthy = "/srv/shop.yml";
    ground.stack("shop", &shop(&[]));
    finds(&ground, &[], healthy, &[]);
    ground.up("shop");
    // What runs is in nobody's way.
    finds(&ground, &[], healthy, &[]);

    ground.stack("guest", GUEST);
    let together = ["preflight", "/srv/quiet.yml", "/srv/guest.yml"];
    ground.stack("quiet", QUIET);
    let told = ground.ends(0, &together).out;
    assert_eq!(told, "quiet: nothing stands in the way\nguest: nothing stands in the way\n");
    finds(&ground, &[], "/srv/guest.yml", &[("SW868", "there is no network shared")]);

    root(BREAK);
    ground.host.user(&["bash", "-c", BREAK_OWN]);
    ground.stack("faulty", FAULTY);
    let before = ground.look();
    finds(&ground, &["env", "OTHER=x"], "/srv/faulty.yml", FAULTS);
    let program = [super::PROGRAM, "apply", "/srv/faulty.yml", "--yes"];
    let refused = ground.run(&[&["env", "OTHER=x"], &program[..]].concat());
    assert_eq!(refused.code, 3, "{}", refused.err);
    for words in ["error[SW874]: faulty: there is no /srv/none", "faulty: nothing was changed"] {
        assert!(refused.err.contains(words), "{words}?\n{}", refused.err);
    }
    assert_eq!(ground.look(), before);
    root(MEND);

    for Wrong { breaks, mends, words, told } in HOSTS {
        root(breaks);
        finds(&ground, words, "/srv/quiet.yml", told);
        root(mends);
    }
    neighbours(&ground);
    finds(&ground, &[], healthy, &[]);
    assert_eq!(ground.look(), before);
    ground.strangers_are_untouched();
}

/// What Quadlet itself makes of neighbours, and of a unit of ours.
fn neighbours(ground: &Ground) {
    let poison = |text: &str| {
        let script = format!("printf '{text}' > {POISON}");
        ground.host.user(&["sh", "-c", &script]);
    };
    let named = "poison.container";
    poison("[Container]\\nImage=docker.io/library/base:1\\nFoo=1\\n");
    finds(ground, &[], "/srv/shop.yml", &[("SW860", named)]);
    poison("[Container]\\nImage=docker.io/library/base:1\\nMount=type=bind\\n");
    let code = if suite().unwrap().podman == Podman(5, 4) { "SW859" } else { "SW860" };
    finds(ground, &[], "/srv/shop.yml", &[(code, named)]);
    ground.host.user(&["sh", "-c", &format!("rm {POISON}")]);
    let nonsense =
        "      command: [serve]\n      quadlet: { Container: { RemapUsers: nonsense } }\n";
    ground.stack("shop", &shop(&[("      command: [serve]\n", nonsense)]));
    finds(ground, &[], "/srv/shop.yml", &[("SW858", "RemapUsers")]);
    ground.stack("shop", &shop(&[]));
}
