//! The services of the machine, which belong to root: brought up, changed, failed, gone back to and
//! taken away; and what is done where no bus can be reached.

use super::{Ground, PROGRAM, shop};
use crate::real::Host;
use crate::support::Run;

/// What there is of the machine's own services, line by line.
const LOOK: &str = r#"#!/bin/bash
find /etc/containers/systemd /etc/systemd/system /etc/stackwright ! -type d ! -name history \
    ! -name lock -printf '%p %l\n' 2> /dev/null | sort
for unit in db bot web inner-network kept-volume; do
    systemctl show -P ActiveState -P InvocationID "$unit.service" | paste -sd ' '
done
podman ps -a --sort names --format '{{.Names}} {{.State}} {{.ID}}'
podman network ls --format 'network {{.Name}}'
"#;

/// The sockets of the buses; without them only its own program reaches the service manager.
const SOCKETS: [&str; 2] = ["/run/dbus/system_bus_socket", "/run/user/1000/bus"];

fn without_bus<T>(host: &Host, act: impl FnOnce() -> T) -> T {
    for socket in SOCKETS {
        host.user(&["--root", "mv", socket, &format!("{socket}.away")]);
    }
    host.user(&["--root", "sh", "-c", "! busctl list"]);
    host.user(&["sh", "-c", "! busctl --user list"]);
    let result = act();
    for socket in SOCKETS {
        host.user(&["--root", "mv", &format!("{socket}.away"), socket]);
    }
    result
}

fn version(host: &Host) -> String {
    host.user(&["--root", "podman", "exec", "web", "sh", "-c", "echo $VERSION"])
}

/// Gives the machine's own Podman the image that the user's has.
fn share_image(ground: &Ground) {
    let base = "docker.io/library/base:1";
    ground.host.user(&["podman", "save", "-q", "-o", "/tmp/base.tar", base]);
    ground.host.user(&["--root", "podman", "load", "-q", "-i", "/tmp/base.tar"]);
}

#[test]
fn services_of_the_machine_come_up_change_fail_go_back_and_go() {
    let Some(ground) = Ground::new("system") else { return };
    share_image(&ground);
    ground.script("look-at-machine", LOOK);
    let look = || ground.host.user(&["--root", "/opt/look-at-machine"]);
    let ends = |code: i32, arguments: &[&str]| -> Run {
        let run = ground.run(&[&["--root", PROGRAM], arguments, &["--system", "--yes"]].concat());
        assert_eq!(run.code, code, "{arguments:?}\n{}\n{}", run.out, run.err);
        run
    };
    let apply = |code: i32, changes: &[(&str, &str)]| {
        ground.stack("shop", &shop(changes));
        ends(code, &["apply", "/srv/shop.yml"])
    };
    let bare = look();
    let path = "/etc/containers/systemd/shop /etc/stackwright/stacks/shop/current/units\n";
    apply(0, &[]);
    let first = look();
    assert!(first.contains(path) && first.matches(" running ").count() == 3, "{first}");
    assert_eq!(apply(0, &[]).out, "shop: nothing to do\n");
    assert_eq!(look(), first);

    // One service changed: it alone is another one, also while others make systemd read its units.
    let storm = "for run in 1 2 3; do (for again in $(seq 5); do systemctl daemon-reload; done) & \
                 done; wait";
    std::thread::scope(|threads| {
        let storm = threads.spawn(|| ground.host.user(&["--root", "bash", "-c", storm]));
        apply(0, &[("WEB", "2")]);
        storm.join().unwrap();
    });
    assert_eq!(version(&ground.host), "2\n");
    let second = look();
    let is_of_others = |line: &&str| line.starts_with("db-1 ") || line.starts_with("bot ");
    let others = |look: &str| -> Vec<String> {
        look.lines().filter(is_of_others).map(str::to_owned).collect()
    };
    assert_eq!((others(&first), others(&first).len()), (others(&second), 2));

    // A disk that takes nothing is told of.
    let store = "/etc/stackwright";
    ground.host.user(&["--root", "mount", "--bind", store, store]);
    ground.host.user(&["--root", "mount", "-o", "remount,bind,ro", store]);
    let before = look();
    let run = apply(3, &[("WEB", "3")]);
    assert!(run.err.contains("/etc/stackwright/stacks/shop"), "{}", run.err);
    ground.host.user(&["--root", PROGRAM, "history", "shop", "--system"]);
    assert_eq!(look(), before);
    ground.host.user(&["--root", "umount", store]);

    // A failure leaves all as it was.
    let failing = r#"[sh, -c, "echo no till here >&2; exit 3"]"#;
    let run = apply(4, &[("WEB", "3"), (r#"[serve, httpd, -f, -p, "8080"]"#, failing)]);
    assert!(run.err.contains("web.service") && run.err.contains("no till here"), "{}", run.err);
    assert_eq!((version(&ground.host), others(&look())), ("2\n".to_owned(), others(&first)));

    ends(0, &["rollback", "shop"]);
    assert_eq!((version(&ground.host), others(&look())), ("1\n".to_owned(), others(&first)));

    // Without a bus the program of the service manager does the same.
    without_bus(&ground.host, || {
        apply(0, &[("WEB", "4")]);
        assert_eq!((version(&ground.host), others(&look())), ("4\n".to_owned(), others(&first)));
        let run = apply(4, &[(r#"[serve, httpd, -f, -p, "8080"]"#, failing)]);
        assert!(run.err.contains("no till here"), "{}", run.err);
        assert_eq!((version(&ground.host), others(&look())), ("4\n".to_owned(), others(&first)));
        ends(0, &["remove", "shop"]);
    });
    assert_eq!(look(), bare);
    let volumes = ["--root", "podman", "volume", "ls", "--format", "{{.Name}}"];
    assert_eq!(ground.host.user(&volumes), "kept\n");

    // The same for the services of a user.
    without_bus(&ground.host, || {
        for version in ["1", "2"] {
            ground.stack("shop", &shop(&[("WEB", version)]));
            ground.up("shop");
        }
    });
    let web = ["podman", "exec", "web", "sh", "-c", "echo $VERSION"];
    assert_eq!(ground.host.user(&web), "2\n");
    ground.strangers_are_untouched();
}
