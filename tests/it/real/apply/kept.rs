//! What is done with generations that are kept, and the ways to bring up less than all or nothing
//! yet: going back, taking away, saved plans, groups, roots of other systems, commands around it.

use super::{Ground, shop};

/// What a service runs with now.
fn version(ground: &Ground, service: &str) -> String {
    let version = ["podman", "exec", service, "sh", "-c", "echo $VERSION"];
    ground.host.user(&version).trim().to_owned()
}

/// Brings the shop up with a version of its page.
fn up(ground: &Ground, version: &str) {
    ground.stack("shop", &shop(&[("WEB", version)]));
    ground.up("shop");
}

#[test]
fn a_rollback_goes_back_once_or_to_a_number() {
    let Some(ground) = Ground::new("rollback") else { return };
    for version in ["one", "two", "three"] {
        up(&ground, version);
    }
    let before = ground.look();
    ground.ends(0, &["rollback", "shop", "--yes"]);
    assert_eq!(version(&ground, "web"), "two");
    let after = ground.look();
    assert_eq!(after.restarted(&before), ["web"]);
    // Said again, it goes no further.
    let again = ground.ends(0, &["rollback", "shop", "--yes"]);
    assert_eq!(again.out, "shop: nothing to do\n");
    assert_eq!(ground.look(), after);
    ground.ends(0, &["rollback", "shop", "--to", "1", "--yes"]);
    assert_eq!(version(&ground, "web"), "one");
    ground.ends(0, &["rollback", "shop", "--to", "3", "--yes"]);
    assert_eq!(version(&ground, "web"), "three");
    let unknown = ground.ends(1, &["rollback", "shop", "--to", "9", "--yes"]);
    assert!(unknown.err.contains("there is: 1, 2, 3"), "{}", unknown.err);

    // One that somebody changed is not brought back.
    let damage = "for unit in ~/.local/state/stackwright/stacks/shop/generations/1-*/units/web.*; \
                  do echo '# mine' >> $unit; done";
    ground.host.user(&["sh", "-c", damage]);
    let refused = ground.ends(3, &["rollback", "shop", "--to", "1", "--yes"]);
    assert!(refused.err.contains("web.container was changed by hand"), "{}", refused.err);
    let history = ground.ends(0, &["history", "shop"]);
    assert_eq!(history.out.matches("rollback").count(), 3, "{}", history.out);
    ground.strangers_are_untouched();
}

#[test]
fn a_removal_keeps_data_until_that_is_asked_for() {
    let Some(ground) = Ground::new("remove") else { return };
    let before = ground.look();
    up(&ground, "one");
    ground.host.user(&["podman", "exec", "db-1", "sh", "-c", "echo gold > /kept/till"]);
    ground.ends(0, &["remove", "shop", "--yes"]);
    let removed = ground.look();
    assert!(removed.shape.contains("volume kept"));
    assert_eq!(removed.without_data(), before.clone().without_data());
    up(&ground, "two");
    assert_eq!(ground.host.user(&["podman", "exec", "db-1", "cat", "/kept/till"]), "gold\n");
    ground.ends(0, &["remove", "shop", "--volumes", "--yes"]);
    assert_eq!(ground.look(), before);
    let unknown = ground.ends(1, &["remove", "shopp", "--yes"]);
    assert!(unknown.err.contains("no stack `shopp` is installed here"), "{}", unknown.err);
    ground.strangers_are_untouched();
}

#[test]
fn a_saved_plan_is_done_to_the_letter_or_not_at_all() {
    let Some(ground) = Ground::new("plan") else { return };
    let save = ["plan", "/srv/shop.yml", "--save", "/tmp/shop.plan"];
    let saved = ["apply", "/srv/shop.yml", "--yes", "--plan", "/tmp/shop.plan"];
    ground.stack("shop", &shop(&[("WEB", "one")]));
    let before = ground.look();
    ground.ends(0, &save);
    assert_eq!(ground.ends(2, &["plan", "/srv/shop.yml", "--exit-code"]).err, "");
    assert_eq!(ground.look(), before, "a plan changes nothing");
    ground.ends(0, &saved);
    assert_eq!(version(&ground, "web"), "one");

    ground.stack("shop", &shop(&[("WEB", "two")]));
    ground.ends(0, &save);
    ground.host.user(&["systemctl", "--user", "stop", "bot.service"]);
    let moved = ground.look();
    let stale = ground.ends(7, &saved);
    assert!(stale.err.contains("the saved plan of `shop` is stale"), "{}", stale.err);
    assert_eq!(ground.look(), moved);
    ground.ends(0, &save);
    ground.ends(0, &saved);
    assert_eq!(version(&ground, "web"), "two");
    assert_eq!(ground.host.property("bot.service", "ActiveState"), "active");
    ground.ends(7, &saved);
    ground.strangers_are_untouched();
}

#[test]
fn a_group_comes_up_with_what_it_needs_and_all_else_stays_as_it_is() {
    let Some(ground) = Ground::new("group") else { return };
    let town = |version: &str| {
        let service = |name: &str, more: &str| {
            format!(
                "  - name: {name}\n    {more}\n    configuration:\n      \
                 image: docker.io/library/base:1\n      pull_policy: never\n      \
                 stop_timeout: 1s\n      command: [serve]\n      \
                 environment: {{ VERSION: \"{version}\" }}\n"
            )
        };
        let services = [
            service("mill", "groups: [core]"),
            service("baker", "groups: [day]\n    dependencies: [mill]"),
            service("inn", "groups: [night]"),
        ];
        let services = services.concat();
        let head = "stack: { name: town }\ndeployment: { timeouts: { settle: 0s } }\nservices:\n";
        ground.stack("town", &format!("{head}{services}"));
    };
    let running = || ground.host.user(&["podman", "ps", "--format", "{{.Names}}", "--sort=names"]);
    town("one");
    ground.ends(0, &["apply", "/srv/town.yml", "--group", "day", "--yes"]);
    assert_eq!(running(), "baker\nmill\nother\n");
    ground.ends(0, &["apply", "/srv/town.yml", "--yes"]);
    assert_eq!(running(), "baker\ninn\nmill\nother\n");
    town("two");
    let before = ground.look();
    ground.ends(0, &["apply", "/srv/town.yml", "--group", "night", "--yes"]);
    assert_eq!(ground.look().restarted(&before), ["inn"]);
    assert_eq!((version(&ground, "inn"), version(&ground, "mill")), ("two".into(), "one".into()));
    ground.strangers_are_untouched();
}

#[test]
fn files_are_installed_below_a_root_where_nothing_runs() {
    let Some(ground) = Ground::new("root") else { return };
    let before = ground.look();
    ground.stack("shop", &shop(&[]));
    let image = ["apply", "/srv/shop.yml", "--root", "/tmp/image", "--only-install", "--yes"];
    ground.ends(0, &image);
    let units = "/tmp/image/home/user/.config/containers/systemd/shop";
    // The root will be `/` when its links are followed.
    let store = "/home/user/.local/state/stackwright/stacks/shop/current/units\n";
    assert_eq!(ground.host.user(&["readlink", units]), store);
    let web = format!("/tmp/image{}/web.container", store.trim());
    assert!(ground.host.user(&["cat", &web]).contains("ContainerName=web"));
    assert_eq!(ground.look(), before);
    assert_eq!(ground.ends(0, &image).out, "shop: nothing to do\n");
    // A process without a bus can do it too, as in the making of an image.
    ground.host.user(&[&["env", "-i", "HOME=/home/user", "/opt/stackwright"], &image[..]].concat());
    ground.strangers_are_untouched();
}

#[test]
fn what_must_be_is_asked_for_before_anything_is_touched() {
    let Some(ground) = Ground::new("refused") else { return };
    let before = ground.look();
    let refused = |says: &[&str]| {
        let run = ground.ends(3, &["apply", "/srv/shop.yml", "--yes"]);
        for words in says {
            assert!(run.err.contains(words), "{words}?\n{}", run.err);
        }
        assert_eq!(ground.look(), before, "{says:?}");
    };
    ground.stack("shop", &shop(&[]));
    ground.host.user(&["--root", "rm", "/var/lib/systemd/linger/user"]);
    refused(&["the services of user end with the last login", "loginctl enable-linger user"]);
    ground.host.user(&["--root", "touch", "/var/lib/systemd/linger/user"]);

    let hooks = |hooks: &str| {
        let settle = format!("SETTLE }}, hooks: {{ {hooks} }}");
        ground.stack("shop", &shop(&[("SETTLE, per_service_deployment: 20s }", &settle)]));
    };
    hooks(r#"before: [[sh, -c, "echo the shop is closed today >&2; exit 1"]] "#);
    refused(&["the stack's own check", "the shop is closed today", "nothing was changed"]);

    let said = "echo $$STACKWRIGHT_STACK $$STACKWRIGHT_ACTION >> /tmp/told";
    hooks(&format!(r#"before: [[sh, -c, "{said}"]], after: [[sh, -c, "{said}; false"]] "#));
    // It is too late for what comes after to undo anything.
    let run = ground.ends(0, &["apply", "/srv/shop.yml", "--yes"]);
    assert!(run.err.contains("a command of the stack failed"), "{}", run.err);
    assert_eq!(ground.host.user(&["cat", "/tmp/told"]), "shop apply\nshop apply\n");

    // A unit that somebody else has by the same name is nobody's to take.
    let other = shop(&[]).replace("name: bot", "name: other");
    ground.stack("shop", &other);
    let taken = ground.ends(3, &["apply", "/srv/shop.yml", "--yes"]);
    assert!(taken.err.contains("other.service is made from"), "{}", taken.err);
    assert!(taken.err.contains("which is not of this stack"), "{}", taken.err);
    ground.strangers_are_untouched();
}
