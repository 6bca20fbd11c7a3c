//! What runs inside of a host, as its user.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use stackwright::host::change::{FaultKind, HookCall};
use stackwright::host::containers::SecretValue;
use stackwright::host::known::Asked;
use stackwright::host::real::{Real, Scope};
use stackwright::host::units::{Active, Job, JobResult, UnitState, Wake};

/// The host from inside; none, told aloud, where this is no host of the lab.
fn open() -> Option<Real> {
    if std::env::var_os("STACKWRIGHT_LAB_INSIDE").is_none() {
        println!("SKIPPED: this test runs inside of a host of the lab alone");
        return None;
    }
    let by_program = std::env::var_os("BY").is_some_and(|way| way == "program");
    let open = if by_program { Real::open_by_program } else { Real::open };
    Some(open(Scope::User).unwrap_or_else(|fault| panic!("{fault}")))
}

const SECOND: Duration = Duration::from_secs(1);

fn home(path: &str) -> PathBuf {
    Path::new("/home/user").join(path)
}

/// Writes plain units and lets the manager read them.
fn install(real: &Real, units: &[(&str, &str)]) {
    let files = real.host().files;
    let folder = home(".config/systemd/user");
    files.make_folder(&folder).unwrap();
    for (name, text) in units {
        files.replace(&folder.join(name), text.as_bytes(), 0o644).unwrap();
    }
    real.host().units.reload().unwrap();
}

/// How a job ends, and what changes meanwhile.
fn end(real: &Real, job: &Job) -> (JobResult, Vec<String>) {
    let host = real.host();
    let until = host.machine.now() + 20 * SECOND;
    let mut changed = Vec::new();
    loop {
        match host.units.wait(until).unwrap() {
            Wake::Ended { job: ended, result, .. } if ended == *job => return (result, changed),
            Wake::Ended { .. } => {}
            Wake::Changed(unit) => changed.push(unit),
            other => panic!("{other:?} while {job:?} runs, after {changed:?}"),
        }
    }
}

fn start(real: &Real, name: &str) -> JobResult {
    end(real, &real.host().units.start(name).unwrap()).0
}

fn stop(real: &Real, name: &str) -> JobResult {
    end(real, &real.host().units.stop(name).unwrap()).0
}

fn state(real: &Real, name: &str) -> UnitState {
    real.host().units.states(&[name]).unwrap().remove(0)
}

/// What holds over the bus and by the manager's own program.
mod manager {
    use super::*;

    #[test]
    #[ignore = "runs inside of a host"]
    fn jobs_tell_how_they_end() {
        let Some(real) = open() else { return };
        install(
            &real,
            &[
                ("fine.service", "[Service]\nExecStart=sleep 1000\n"),
                ("bad.service", "[Service]\nType=oneshot\nExecStart=false\n"),
                ("slow.service", "[Service]\nType=notify\nTimeoutStartSec=1\nExecStart=sleep 99\n"),
                (
                    "patient.service",
                    "[Unit]\nJobRunningTimeoutSec=1\n\
                     [Service]\nType=notify\nTimeoutStartSec=60\nExecStart=sleep 99\n",
                ),
                (
                    "needy.service",
                    "[Unit]\nRequires=bad.service\nAfter=bad.service\n\
                     [Service]\nExecStart=sleep 1000\n",
                ),
                (
                    "picky.service",
                    "[Unit]\nConditionPathExists=/nowhere\n[Service]\nExecStart=sleep 1000\n",
                ),
            ],
        );
        assert_eq!(start(&real, "fine.service"), JobResult::Done);
        let fine = state(&real, "fine.service");
        assert_eq!((fine.active, fine.sub.as_str()), (Active::Active, "running"));
        assert_eq!((fine.result.as_str(), fine.restarts), ("success", 0));
        assert_eq!(fine.invocation.len(), 32);
        assert_eq!(fine.fragment.as_deref(), Some(&*home(".config/systemd/user/fine.service")));
        assert_eq!(start(&real, "fine.service"), JobResult::Done, "it runs already");
        assert_eq!(state(&real, "fine.service").invocation, fine.invocation);
        assert_eq!(stop(&real, "fine.service"), JobResult::Done);
        assert_eq!(state(&real, "fine.service").active, Active::Inactive);

        assert_eq!(start(&real, "bad.service"), JobResult::Failed);
        let bad = state(&real, "bad.service");
        assert_eq!((bad.active, bad.result.as_str()), (Active::Failed, "exit-code"));
        real.host().units.reset_failed("bad.service").unwrap();
        assert_eq!(state(&real, "bad.service").active, Active::Inactive);
        // The job fails, and the unit tells why.
        assert_eq!(start(&real, "slow.service"), JobResult::Failed);
        assert_eq!(state(&real, "slow.service").result, "timeout");
        assert_eq!(start(&real, "patient.service"), JobResult::Timeout);
        stop(&real, "patient.service");
        assert_eq!(start(&real, "needy.service"), JobResult::Dependency);
        assert_eq!(start(&real, "picky.service"), JobResult::Done);
        assert_eq!(state(&real, "picky.service").active, Active::Inactive);

        let fault = real.host().units.start("nobody.service").unwrap_err();
        assert_eq!(fault.to_string(), "cannot start nobody.service: Unit nobody.service not found");
        assert_eq!(fault.kind, FaultKind::Missing);
        let nobody = state(&real, "nobody.service");
        assert!(!nobody.is_loaded && nobody.active == Active::Inactive, "{nobody:?}");
        real.host().units.reset_failed("nobody.service").unwrap();
        real.host().units.cancel("nobody.service").unwrap();
    }

    #[test]
    #[ignore = "runs inside of a host"]
    fn jobs_are_seen_and_called_off() {
        let Some(real) = open() else { return };
        let units = real.host().units;
        let waits = "[Service]\nType=notify\nTimeoutStartSec=60\nExecStart=sleep 99\n";
        install(&real, &[("waits.service", waits)]);
        assert!(!units.busy().unwrap().contains(&"waits.service".to_owned()));
        let job = units.start("waits.service").unwrap();
        assert!(units.busy().unwrap().contains(&"waits.service".to_owned()));
        // A job that is ordered may not have begun yet.
        let until = real.host().machine.now() + 10 * SECOND;
        while state(&real, "waits.service").active == Active::Inactive {
            assert_ne!(units.wait(until).unwrap(), Wake::TimeUp);
        }
        assert_eq!(state(&real, "waits.service").active, Active::Activating);
        units.cancel("waits.service").unwrap();
        assert_eq!(end(&real, &job).0, JobResult::Canceled);
        units.cancel("waits.service").unwrap();
        assert_eq!(stop(&real, "waits.service"), JobResult::Done);
    }

    #[test]
    #[ignore = "runs inside of a host"]
    fn a_unit_that_ends_again_and_again_is_seen() {
        let Some(real) = open() else { return };
        let text = "[Unit]\nStartLimitIntervalSec=0\n[Service]\nRestart=always\n\
                    RestartSec=50ms\nExecStart=sh -c 'sleep 0.05; exit 3'\n";
        install(&real, &[("dies_often-1.service", text)]);
        assert_eq!(start(&real, "dies_often-1.service"), JobResult::Done);
        let until = real.host().machine.now() + 10 * SECOND;
        let before = state(&real, "dies_often-1.service");
        loop {
            match real.host().units.wait(until).unwrap() {
                Wake::Changed(unit) if unit == "dies_often-1.service" => {
                    let now = state(&real, &unit);
                    if now.restarts >= 3 {
                        assert_ne!(now.invocation, before.invocation);
                        break;
                    }
                }
                Wake::TimeUp => panic!("{:?}", state(&real, "dies_often-1.service")),
                _ => {}
            }
        }
        stop(&real, "dies_often-1.service");
        let masked = home(".config/systemd/user/masked.service");
        real.host().files.link(&masked, Path::new("/dev/null")).unwrap();
        real.host().units.reload().unwrap();
        assert!(state(&real, "masked.service").is_masked);
    }

    #[test]
    #[ignore = "runs inside of a host"]
    fn the_log_of_a_run_is_that_of_no_other() {
        let Some(real) = open() else { return };
        let text = "[Service]\nType=oneshot\nSyslogIdentifier=%N\n\
                    ExecStart=sh -c 'echo at first; echo; \
                    printf \"a\\\\nb\\\\377\\\\n\" >&2'\n";
        // One is forgotten by the manager when it ends, and one is known on.
        let known = text.replace("first", "last") + "RemainAfterExit=yes\n";
        let said = ["at last", "a", "b\u{fffd}"];
        for (last, all) in [(&text.replace("first", "last"), false), (&known, true)] {
            install(&real, &[("talks.service", text)]);
            assert_eq!(start(&real, "talks.service"), JobResult::Done);
            install(&real, &[("talks.service", last)]);
            assert_eq!(start(&real, "talks.service"), JobResult::Done);
            let until = real.host().machine.now() + 10 * SECOND;
            // The journal takes lines a moment after they are written.
            loop {
                let lines = real.host().units.log("talks.service", 50).unwrap();
                if lines == said || (!all && lines.ends_with(&said.map(str::to_owned))) {
                    break;
                }
                assert!(real.host().machine.now() < until, "{lines:?}");
                std::thread::sleep(SECOND / 20);
            }
        }
        let last = real.host().units.log("talks.service", 1).unwrap();
        assert_eq!(last, ["b\u{fffd}"]);
        assert_eq!(real.host().units.log("nobody.service", 5).unwrap(), Vec::<String>::new());
    }
}

/// What holds over the bus alone.
mod bus {
    use super::*;

    #[test]
    #[ignore = "runs inside of a host"]
    fn who_looks_changes_nothing() {
        let Some(real) = open() else { return };
        install(&real, &[("still.service", "[Service]\nExecStart=sleep 1000\n")]);
        let names = ["still.service", "none.service", "dbus.socket", "default.target", "-.slice"];
        let before = real.host().units.in_memory().unwrap();
        assert!(!before.contains_key("still.service"));
        // The first look brings it into memory, until who looks is gone.
        real.host().units.states(&names).unwrap();
        let now = || real.host().machine.now();
        while real.host().units.wait(now() + SECOND / 5).unwrap() != Wake::TimeUp {}
        for _again in 0..3 {
            let states = real.host().units.states(&names).unwrap();
            let loaded: Vec<bool> = states.iter().map(|state| state.is_loaded).collect();
            assert_eq!(loaded, [true, false, true, true, true], "{states:?}");
            assert_eq!(states[2].result, "success");
            assert_eq!(states[3].result, "");
        }
        assert_eq!(real.host().units.wait(now() + SECOND / 2).unwrap(), Wake::TimeUp);
        assert!(real.host().units.states(&["no unit"]).is_err());
        assert_eq!(real.host().units.states(&[]).unwrap(), []);
        drop(real);
        let Some(real) = open() else { return };
        assert_eq!(real.host().units.in_memory().unwrap(), before);
    }

    #[test]
    #[ignore = "runs inside of a host"]
    fn a_manager_that_begins_anew_goes_on_telling() {
        let Some(real) = open() else { return };
        install(&real, &[("anew.service", "[Service]\nExecStart=sleep 1000\n")]);
        let systemctl = |words: &[&str]| {
            let mut command = std::process::Command::new("systemctl");
            super::super::super::must(command.arg("--user").args(words));
        };
        systemctl(&["daemon-reexec"]);
        systemctl(&["is-system-running", "--wait"]);
        assert_eq!(start(&real, "anew.service"), JobResult::Done);
        assert_eq!(stop(&real, "anew.service"), JobResult::Done);
    }
}

mod rest {
    use super::*;

    #[test]
    #[ignore = "runs inside of a host"]
    fn quadlet_follows_a_linked_folder_and_tells_the_file() {
        let Some(real) = open() else { return };
        let host = real.host();
        let stack = home(".local/state/stackwright/stacks/shop");
        let first = stack.join("generations/1/units");
        host.files.make_folder(&first).unwrap();
        let unit = "[Container]\nContainerName=web\nImage=docker.io/library/shop:1\nPull=never\n\
                    Label=stack=shop\nStopTimeout=1\nExec=serve\n\
                    HealthCmd=echo fine\nHealthInterval=1s\n";
        host.files.write_new(&first.join("web.container"), unit.as_bytes(), 0o644).unwrap();
        host.files.link(&stack.join("current"), Path::new("generations/1")).unwrap();
        host.files.make_folder(&home(".config/containers/systemd")).unwrap();
        let link = home(".config/containers/systemd/shop");
        host.files.link(&link, &stack.join("current/units")).unwrap();

        let generated = host.containers.generate(&[&link]).unwrap();
        assert_eq!(generated.complaints, Vec::<String>::new());
        assert_eq!(generated.services["web.service"], first.join("web.container"));
        let other = home("other");
        host.files.make_folder(&other).unwrap();
        host.files.replace(&other.join("x.container"), b"[Container]\nFoo=1\n", 0o644).unwrap();
        let generated = host.containers.generate(&[&link, &other]).unwrap();
        assert!(generated.services.contains_key("web.service"));
        assert_eq!(generated.complaints.len(), 1, "{generated:?}");
        assert!(generated.complaints[0].contains("unsupported key 'Foo'"), "{generated:?}");

        let before = host.units.in_memory().unwrap();
        assert!(!before.contains_key("web.service"));
        host.units.reload().unwrap();
        assert_eq!(start(&real, "web.service"), JobResult::Done);
        let web = state(&real, "web.service");
        assert_eq!(web.source.as_deref(), Some(&*first.join("web.container")));
        assert!(web.is_loaded && web.active == Active::Active, "{web:?}");
        let memory = host.units.in_memory().unwrap();
        assert_eq!(memory.get("web.service"), Some(&true));
        // What Podman makes for health checks has files that nobody wrote.
        assert!(!memory.keys().any(|unit| unit.len() > 64), "{memory:?}");
        let containers = host.containers.containers().unwrap();
        let [web] = &*containers else { panic!("{containers:?}") };
        assert_eq!((web.name.as_str(), web.is_running), ("web", true));
        assert_eq!(web.labels["stack"], "shop");
        let images = host.containers.images().unwrap();
        let image = images.iter().find(|image| image.id == web.image_id).unwrap();
        assert!(image.names.contains(&"docker.io/library/shop:1".to_owned()), "{image:?}");
        let log = host.containers.health_log("web").unwrap();
        assert!(log.contains(&"exit code 0: fine".to_owned()), "{log:?}");

        // Another generation: the manager tells the old one until it reads anew.
        let second = stack.join("generations/2/units");
        host.files.make_folder(&second).unwrap();
        host.files.write_new(&second.join("web.container"), unit.as_bytes(), 0o644).unwrap();
        host.files.link(&stack.join("current"), Path::new("generations/2")).unwrap();
        assert_eq!(state(&real, "web.service").source, Some(first.join("web.container")));
        host.units.reload().unwrap();
        assert_eq!(state(&real, "web.service").source, Some(second.join("web.container")));
        assert_eq!(stop(&real, "web.service"), JobResult::Done);
        assert_eq!(host.containers.containers().unwrap(), []);
    }

    #[test]
    #[ignore = "runs inside of a host"]
    fn podman_keeps_what_it_is_given() {
        let Some(real) = open() else { return };
        let podman = real.host().containers;
        assert!(podman.version().unwrap() >= (5, 4));
        let labels = BTreeMap::from([("stack".to_owned(), "a=b c\"d".to_owned())]);
        assert_eq!(podman.secrets().unwrap(), []);
        let value = |bytes: &[u8]| SecretValue(bytes.to_vec());
        for bytes in [&b"plain"[..], b"lines\nand more\n", b"\xff\x00\xfe{{.}}", b" "] {
            podman.set_secret("key", &value(bytes), &labels).unwrap();
            assert!(podman.secret_is("key", &value(bytes)).unwrap(), "{bytes:?}");
            assert!(!podman.secret_is("key", &value(b"another")).unwrap());
        }
        let secrets = podman.secrets().unwrap();
        assert_eq!((secrets.len(), secrets[0].name.as_str()), (1, "key"));
        assert_eq!(secrets[0].labels, labels);
        podman.set_secret("key", &value(b"new"), &labels).unwrap();
        assert_ne!(podman.secrets().unwrap()[0].version, secrets[0].version);
        podman.remove_secret("key").unwrap();
        podman.remove_secret("key").unwrap();
        assert!(!podman.secret_is("key", &value(b"new")).unwrap());

        let run = |words: &[&str]| {
            super::super::super::must(std::process::Command::new("podman").args(words))
        };
        run(&["network", "create", "--label=stack=shop", "net"]);
        run(&["volume", "create", "--label=stack=shop", "data"]);
        let shop = BTreeMap::from([("stack".to_owned(), "shop".to_owned())]);
        let networks = podman.networks().unwrap();
        let net = networks.iter().find(|network| network.name == "net").unwrap();
        assert_eq!(net.labels, shop);
        let volumes = podman.volumes().unwrap();
        assert_eq!((volumes[0].name.as_str(), &volumes[0].labels), ("data", &shop));
        for _again in 0..2 {
            podman.remove_network("net").unwrap();
            podman.remove_volume("data").unwrap();
        }
        assert_eq!(podman.volumes().unwrap(), []);

        let shop = "docker.io/library/shop:1";
        podman.tag(shop, &["localhost/kept:1"]).unwrap();
        let names = || podman.images().unwrap().into_iter().flat_map(|image| image.names);
        assert!(names().any(|name| name == "localhost/kept:1"));
        for _again in 0..2 {
            podman.untag("localhost/kept:1").unwrap();
        }
        assert!(
            !names().any(|name| name == "localhost/kept:1") && names().any(|name| name == shop)
        );
        run(&["create", "--name=user", shop, "serve"]);
        podman.tag(shop, &["localhost/kept:2"]).unwrap();
        podman.untag("localhost/kept:2").unwrap();
        run(&["rm", "user"]);
        let told = podman.pull("localhost:1/nothing:1").unwrap_err();
        assert!(told.is_passing, "{told:?}");
        let told = podman.pull("NOT A NAME").unwrap_err();
        assert!(!told.is_passing, "{told:?}");
        assert_eq!(podman.health_log("nobody").unwrap_err().kind, FaultKind::Missing);
    }

    #[test]
    #[ignore = "runs inside of a host"]
    fn the_machine_is_known() {
        let Some(real) = open() else { return };
        let machine = real.host().machine;
        assert_eq!(machine.user(), "user");
        let known = || machine.known(&Asked::default()).unwrap();
        assert!(known().lingers);
        assert_eq!((known().sub_ids, known().first_port), (Some(65536), 1024));
        assert_eq!(known().runtime_folder, Path::new("/run/user/1000"));
        assert!(known().addresses.contains(&"127.0.0.1".parse().unwrap()));
        assert!(known().memory.is_some_and(|memory| memory.available < memory.total));
        let listener = std::net::TcpListener::bind("127.0.0.1:4567").unwrap();
        let heard = known().listening;
        let own = heard.iter().find(|one| one.port == 4567).unwrap();
        let holder = machine.holder(own).unwrap();
        assert!(holder.contains(&format!("(process {})", std::process::id())), "{holder}");
        assert_eq!((own.address.to_string().as_str(), own.udp), ("127.0.0.1", false));
        drop(listener);
        assert!(!known().listening.iter().any(|one| one.port == 4567));
    }
}

/// The first signal is told, and wakes; the second one ends this program.
#[test]
#[ignore = "runs inside of a host"]
fn interrupted_twice() {
    let Some(real) = open() else { return };
    let host = real.host();
    let own = std::process::id().to_string();
    let signal = |name: &str| {
        let mut kill = std::process::Command::new("kill");
        assert!(kill.args(["-s", name, &own]).status().unwrap().success());
    };
    signal("HUP");
    signal("PIPE");
    assert!(!host.machine.interrupted());
    let until = host.machine.now() + 10 * SECOND;
    std::thread::scope(|scope| {
        scope.spawn(|| {
            std::thread::sleep(SECOND / 5);
            signal("INT");
        });
        loop {
            match host.units.wait(until).unwrap() {
                Wake::Interrupted => break,
                Wake::TimeUp => panic!("nothing woke us"),
                _ => {}
            }
        }
    });
    assert!(host.machine.interrupted());
    // A command of the way back is not ended by the interrupt before it.
    let command = ["touch".to_owned(), "/home/user/after-the-first".to_owned()];
    let folder = Path::new("/home/user");
    let call =
        HookCall { command: &command, variables: &[], input: &[], folder, timeout: 10 * SECOND };
    host.machine.hook(&call).unwrap();
    signal("TERM");
    std::thread::sleep(5 * SECOND);
}
