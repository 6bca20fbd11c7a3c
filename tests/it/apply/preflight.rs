//! What a host can lack or have in the way of a stack, provoked one by one: each is told by its
//! code, with what was found, and nothing is changed.
//!
//! Most of it is provoked on a real host too (`tests/it/real/apply/preflight.rs`). No host of the
//! lab can be made to have an older or newer systemd, a newer Podman, SELinux, btrfs, too little
//! memory or room for images: SW851, SW852, SW876, SW877, SW878 and SW880 are shown here alone.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use stackwright::apply::secrets::settle;
use stackwright::capability::podman::Podman;
use stackwright::host::containers::Owned;
use stackwright::host::known::{Listening, Memory, Owner, Standing};
use stackwright::observe::observe;
use stackwright::plan::{STACK_LABEL, facts};
use stackwright::preflight::{Expected, Finding, Request, preflight};
use stackwright::report::Severity;
use stackwright::state::{FileSet, Store};

use super::host::{Simulated, World};
use super::stack::Stack;
use super::sweep::bare;

const LINES: &str = "kept.volume\n db.container vol=kept\n web.container needs=db";

/// Something amiss, and what is told of it.
struct Row {
    code: &'static str,
    /// What `web` says more.
    says: &'static str,
    on_host: fn(&mut World),
    expects: fn(&mut Expected),
    told: &'static str,
}

const NOTHING: Row = Row { code: "", says: "", on_host: |_| {}, expects: |_| {}, told: "" };

fn there(world: &mut World, path: &str, change: impl FnOnce(&mut Owner)) {
    let mut owner = Owner { uid: 1000, mode: 0o755, is_readable: true, ..Owner::default() };
    change(&mut owner);
    world.known.paths.insert(path.into(), Standing::There(owner));
}

const ROWS: &[Row] = &[
    Row {
        code: "SW850",
        expects: |expected| expected.podman = Some(((4, 3), Podman(5, 4))),
        told: "Podman 4.3 runs here, the units are written for 5.4",
        ..NOTHING
    },
    Row {
        code: "SW851",
        expects: |expected| expected.podman = Some(((7, 0), Podman(5, 4))),
        told: "Podman 7.0 runs here, 6.1 is the newest that is known",
        ..NOTHING
    },
    Row {
        code: "SW852",
        says: "[Service]\nRestartSteps=5\n",
        on_host: |world| world.systemd = 252,
        told: "systemd 252 runs here, `RestartSteps` of web.container needs 254",
        ..NOTHING
    },
    Row {
        code: "SW854",
        on_host: |world| world.known.lingers = false,
        told: "the services of a end with the last login, they must live on",
        ..NOTHING
    },
    Row {
        code: "SW855",
        on_host: |world| world.known.sub_ids = Some(0),
        told: "a has 0 numbers for users and groups inside of containers, images need 65536",
        ..NOTHING
    },
    Row {
        code: "SW856",
        on_host: |world| world.known.runtime_folder = "/tmp/gone".into(),
        told: "there is no folder /tmp/gone, sockets of the user must lie there",
        ..NOTHING
    },
    Row {
        code: "SW856",
        on_host: |world| {
            world.known.runtime_folder = "/tmp/own".into();
            there(world, "/tmp/own", |_| {});
        },
        told: "XDG_RUNTIME_DIR is /tmp/own, the units use /run/user/1000",
        ..NOTHING
    },
    Row {
        code: "SW857",
        says: "[Container]\nPodmanArgs=--cpuset-cpus=0-3\n",
        told: "`cpuset` is not counted for a user's services here, web.service limits it by \
               `--cpuset-cpus`",
        ..NOTHING
    },
    Row {
        code: "SW861",
        on_host: |world| there(world, "/home/a/.config", |owner| owner.mode = 0o777),
        told: "everybody may write into /home/a/.config, units are read from there",
        ..NOTHING
    },
    Row {
        code: "SW861",
        on_host: |world| there(world, "/home/a", |owner| owner.uid = 1001),
        told: "/home/a belongs to user 1001, units are read from there",
        ..NOTHING
    },
    Row {
        code: "SW862",
        on_host: |world| {
            let path = world.places.quadlet.join("shop");
            world.disk.write_new(&path, b"mine", 0o600).unwrap();
        },
        told: "/home/a/.config/containers/systemd/shop is there and is not of this stack",
        ..NOTHING
    },
    Row {
        code: "SW865",
        on_host: |world| {
            let labels = BTreeMap::from([(STACK_LABEL.to_owned(), "other".to_owned())]);
            let volume = Owned { name: "kept".to_owned(), labels, ..Owned::default() };
            world.podman.volumes.insert("kept".to_owned(), volume);
        },
        told: "the volume kept is there and of the stack `other`, kept-volume.service makes one",
        ..NOTHING
    },
    Row {
        code: "SW866",
        says: "[Container]\nPublishPort=8080:80\n",
        on_host: |world| {
            let address = IpAddr::from([0, 0, 0, 0]);
            let taken = Listening { address, port: 8080, udp: false, uid: 1000, socket: 7 };
            world.known.listening.push(taken);
        },
        told: "port 8080/tcp is taken by process 7, web.service publishes it",
        ..NOTHING
    },
    Row {
        code: "SW866",
        says: "[Container]\nPublishPort=2222:22\n",
        on_host: |world| world.known.listening[0].port = 2222,
        told: "port 2222/tcp is taken by a process of root, web.service publishes it",
        ..NOTHING
    },
    Row {
        code: "SW867",
        says: "[Container]\nPublishPort=443:443/udp\n",
        told: "web.service publishes port 443, this user may listen from 1024 on",
        ..NOTHING
    },
    Row {
        code: "SW868",
        says: "[Container]\nNetwork=abroad\n",
        told: "there is no network abroad, which web.service joins",
        ..NOTHING
    },
    Row {
        code: "SW869",
        says: "[Container]\nVolume=photos:/photos\n",
        told: "there is no volume photos, which web.service mounts",
        ..NOTHING
    },
    Row {
        code: "SW870",
        says: "[Container]\nSecret=key,type=env,target=KEY\n",
        told: "there is no secret key, which web.service takes",
        ..NOTHING
    },
    Row {
        code: "SW872",
        says: "[Container]\nAddDevice=/dev/dri\n",
        told: "there is no device /dev/dri, which web.service uses",
        ..NOTHING
    },
    Row {
        code: "SW873",
        says: "[Container]\nAddDevice=/dev/dri\n",
        on_host: |world| there(world, "/dev/dri", |owner| owner.is_readable = false),
        told: "a may not read /dev/dri, which web.service uses",
        ..NOTHING
    },
    Row {
        code: "SW874",
        says: "[Container]\nVolume=%h/photos:/photos\n",
        told: "there is no /home/a/photos, which web.service mounts",
        ..NOTHING
    },
    Row {
        code: "SW875",
        says: "[Container]\nVolume=/srv/closed:/srv\n",
        on_host: |world| {
            world.known.paths.insert("/srv/closed".into(), Standing::Hidden);
        },
        told: "this user may not read /srv/closed, which web.service mounts",
        ..NOTHING
    },
    Row {
        code: "SW876",
        says: "[Container]\nVolume=/srv/x:/x\nVolume=/srv/y:/y:z\n",
        on_host: |world| {
            world.known.enforces_labels = true;
            for path in ["/srv/x", "/srv/y"] {
                let label = "system_u:object_r:var_t:s0".to_owned();
                there(world, path, |owner| owner.label = Some(label));
            }
        },
        told: "/srv/x has the label var_t, which SELinux keeps from web.service",
        ..NOTHING
    },
    Row {
        code: "SW877",
        says: "[Container]\nVolume=/srv/tables:/x\nVolume=/srv/other:/y\n",
        on_host: |world| {
            for path in ["/srv/tables", "/srv/other"] {
                there(world, path, |owner| owner.copies_on_write = true);
            }
        },
        expects: |expected| expected.without_copies = BTreeSet::from(["/srv/tables".into()]),
        told: "/srv/tables copies each change on btrfs, web.service mounts it with `nocow`",
    },
    Row {
        code: "SW878",
        says: "[Service]\nMemoryLow=3G\n",
        on_host: |world| {
            world.known.memory = Some(Memory { total: 8 << 30, available: 2 << 30 });
        },
        told: "2.0 GiB of memory is left beside all that runs, services want 3.0 GiB kept for them",
        ..NOTHING
    },
    Row {
        code: "SW878",
        says: "[Service]\nMemoryMax=10G\n",
        told: "8.0 GiB of memory is all that there is, services may take 10.0 GiB together",
        ..NOTHING
    },
    Row {
        code: "SW879",
        on_host: |world| world.room = 1 << 10,
        told: "1.0 KiB are free on the disk of /home/a/.local/state/stackwright/stacks, 1.0 MiB \
               are needed",
        ..NOTHING
    },
    Row {
        code: "SW880",
        on_host: |world| {
            world.room = 300 << 20;
            world.podman.images.remove("db:1");
        },
        told: "300.0 MiB are free on the disk of /home/a/.local/share/containers, 1 images \
               are to come",
        ..NOTHING
    },
    Row {
        code: "SW881",
        says: "[Container]\nImage=none:1\nPull=never\n",
        told: "there is no image none:1, which web.service runs and does not fetch",
        ..NOTHING
    },
    Row {
        code: "SW882",
        on_host: |world| {
            world.made_for.insert("id-web".to_owned(), "arm64".to_owned());
        },
        told: "the image web:1 of web.service is made for arm64, this machine runs amd64",
        ..NOTHING
    },
    Row {
        code: "SW883",
        on_host: |world| {
            let there = BTreeSet::from([IpAddr::from([192, 0, 2, 7])]);
            world.known.names.insert("shop.example.org".to_owned(), there);
        },
        expects: |expected| expected.hosts = BTreeSet::from(["shop.example.org".to_owned()]),
        told: "the name shop.example.org leads to 192.0.2.7, which is no address of this machine",
        ..NOTHING
    },
    Row {
        code: "SW883",
        on_host: |world| {
            world.known.names.insert("shop.example.org".to_owned(), BTreeSet::new());
        },
        expects: |expected| expected.hosts = BTreeSet::from(["shop.example.org".to_owned()]),
        told: "the name shop.example.org has no address, a route waits for requests to it",
        ..NOTHING
    },
    Row {
        code: "SW884",
        on_host: |world| world.known.is_clock_set = Some(false),
        told: "nothing sets the clock of this machine, certificates and logs rely on it",
        ..NOTHING
    },
];

fn found(row: &Row) -> (Vec<Finding>, Expected) {
    let mut stack = Stack::new(LINES);
    stack.set.units.get_mut("web.container").unwrap().push_str(row.says);
    let mut world = bare();
    (row.on_host)(&mut world);
    let mut expected = Expected::default();
    (row.expects)(&mut expected);
    let findings = look(&Simulated::of(world), &stack.set, &expected);
    (findings, expected)
}

fn look(host: &Simulated, set: &FileSet, expected: &Expected) -> Vec<Finding> {
    let places = host.world().places.clone();
    let store = Store::of(host, &places, "shop");
    let all = stackwright::host::change::Host {
        files: host,
        units: host,
        containers: host,
        probes: host,
        machine: host,
    };
    let secrets = settle(all, "shop", &[]).unwrap();
    let starts: BTreeSet<String> = facts(set).into_keys().collect();
    let findings = preflight(&Request {
        host: all,
        places: &places,
        store: &store,
        stack: "shop",
        from: &FileSet::default(),
        to: set,
        observed: &observe(all, "shop", &starts).unwrap(),
        secrets: &secrets,
        of_user: true,
        expected,
        starts,
        tells_all: true,
    });
    assert_eq!(host.world().counts.changes(), 0);
    findings.unwrap()
}

#[test]
fn a_healthy_host_has_no_findings() {
    let (findings, _) = found(&NOTHING);
    assert_eq!(findings, []);
}

#[test]
fn each_thing_amiss_is_told_by_its_code_alone() {
    for row in ROWS {
        let (findings, _) = found(row);
        let [finding] = findings.as_slice() else { panic!("{}: {findings:#?}", row.code) };
        assert_eq!((finding.code.id, finding.what.as_str()), (row.code, row.told));
        assert_eq!(finding.severity, finding.code.severity);
        assert!(!finding.help.is_empty());
    }
}

#[test]
fn what_a_command_of_the_stack_may_make_does_not_refuse() {
    for code in ["SW868", "SW869", "SW870", "SW872", "SW874", "SW881"] {
        let row = ROWS.iter().find(|row| row.code == code).unwrap();
        let expects: fn(&mut Expected) = |expected| expected.runs_commands = true;
        let (findings, _) = found(&Row { expects, ..*row });
        assert_eq!(findings[0].severity, Severity::Warning, "{code}");
    }
}

#[test]
fn a_project_may_silence_warnings_and_no_errors() {
    let row = Row {
        says: "[Container]\nNetwork=abroad\n",
        on_host: |world| world.known.is_clock_set = Some(false),
        expects: |expected| {
            expected.untold = BTreeSet::from(["SW884".to_owned(), "SW868".to_owned()]);
        },
        ..NOTHING
    };
    let (findings, _) = found(&row);
    let codes: Vec<&str> = findings.iter().map(|one| one.code.id).collect();
    assert_eq!(codes, ["SW868"]);
}

#[test]
fn what_is_gravest_comes_first() {
    let row = Row {
        says: "[Container]\nNetwork=abroad\nPublishPort=80:80\n",
        on_host: |world| world.known.is_clock_set = Some(false),
        ..NOTHING
    };
    let (findings, _) = found(&row);
    let codes: Vec<&str> = findings.iter().map(|one| one.code.id).collect();
    assert_eq!(codes, ["SW867", "SW868", "SW884"]);
}
