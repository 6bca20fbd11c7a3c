//! What is planned for each kind of change, and for each thing that is found otherwise than it was
//! left: signs, effects and reasons, what is fetched, stopped, taken away and started, and notes.

use std::collections::VecDeque;
use std::fmt::Write;
use std::time::Duration;

use stackwright::apply::secrets::{Origin, Source};
use stackwright::host::containers::SecretValue;
use stackwright::plan::{Effect, Plan, Sign};

use super::driver::{How, Want, run_how};
use super::host::{Simulated, World};
use super::stack::Stack;
use super::sweep::bare;

/// What a plan says, line by line; what stays as it is is left out.
fn told(plan: &Plan) -> String {
    let mut text = String::new();
    for (is_so, word) in [(plan.installs, "install"), (plan.reloads, "reload")] {
        text.push_str(if is_so { word } else { "-" });
        text.push(' ');
    }
    text = text.trim_end().to_owned() + "\n";
    for unit in &plan.units {
        if unit.sign == Sign::Same && unit.effect == Effect::Nothing {
            continue;
        }
        let effect = format!("{:?}", unit.effect).to_lowercase();
        writeln!(text, "{} {} {effect}: {}", unit.sign.symbol(), unit.file, unit.why).unwrap();
    }
    for (name, list) in [
        ("pull", &plan.pull),
        ("stop first", &plan.stop_first),
        ("stop", &plan.stop),
        ("take away", &plan.drop_networks),
        ("start", &plan.start),
    ] {
        if !list.is_empty() {
            let names: Vec<&str> =
                list.iter().map(|one| one.trim_end_matches(".service")).collect();
            writeln!(text, "{name} {}", names.join(" ")).unwrap();
        }
    }
    for note in &plan.notes {
        // Where a file lies that was changed by hand has a digest in it.
        let note = note.rsplit_once("/units/").map_or(note.as_str(), |(_, end)| end);
        writeln!(text, "note: {note}").unwrap();
    }
    text
}

struct Row {
    name: &'static str,
    /// What becomes of the lines of the stack: one that begins so gets more words, or others
    /// behind `=`, or goes where there are none; where there is no such line, it is new.
    changes: &'static [(&'static str, &'static str)],
    /// What is done to the host before.
    on_host: fn(&mut World),
    told: &'static str,
}

const SHOP: &str = "
    inner.network
    data.volume
    db.container net=inner vol=data file=aaa/db.conf
    app.container net=inner needs=db secret=key
    web.container needs=app
    bot.container image=app:1 wants=db
    files/aaa/db.conf one
";

fn changed(changes: &[(&str, &str)]) -> String {
    let mut lines: Vec<String> = SHOP.lines().map(|line| line.trim().to_owned()).collect();
    for (first, more) in changes {
        let is_it = |line: &&mut String| line.split(' ').next() == Some(first);
        match (lines.iter_mut().find(is_it), *more) {
            (Some(line), "") => line.clear(),
            (Some(line), more) => {
                *line = match more.strip_prefix("= ") {
                    Some(other) => format!("{first} {other}"),
                    None => format!("{line} {more}"),
                };
            }
            (None, more) => lines.push(format!("{first} {more}")),
        }
    }
    lines.join("\n")
}

fn nothing(_: &mut World) {}

fn key() -> Vec<Source> {
    secret("canary")
}

fn secret(value: &str) -> Vec<Source> {
    let origin = Origin::Given(SecretValue(value.as_bytes().to_vec()));
    vec![Source { name: "key".to_owned(), origin }]
}

/// The generation in use of the file of a unit.
fn installed(world: &World, file: &str) -> std::path::PathBuf {
    world.places.stacks.join("shop/current/units").join(file)
}

const ROWS: &[Row] = &[
    Row { name: "nothing", changes: &[], on_host: nothing, told: "- -\n" },
    Row {
        name: "a description",
        changes: &[("web.container", "about=New")],
        on_host: nothing,
        told: "install reload\n\
               ~ web.container nothing: only its description changed\n",
    },
    Row {
        name: "the last of a chain",
        changes: &[("web.container", "env=2")],
        on_host: nothing,
        told: "install reload\n\
               ~ web.container restart: its unit changed\n\
               stop web\n\
               start web\n",
    },
    Row {
        name: "the first of a chain",
        changes: &[("db.container", "env=2")],
        on_host: nothing,
        told: "install reload\n\
               = app.container restart: it needs db.service\n\
               ~ db.container restart: its unit changed\n\
               = web.container restart: it needs app.service\n\
               stop app db web\n\
               start app db web\n",
    },
    Row {
        name: "a new service",
        changes: &[("new.container", "image=new:2 needs=db")],
        on_host: nothing,
        told: "install reload\n\
               + new.container start: it is new\n\
               pull new:2\n\
               start new\n",
    },
    Row {
        name: "a service less",
        changes: &[("bot.container", "")],
        on_host: nothing,
        told: "install reload\n\
               - bot.container stop: it is no longer part of the stack\n\
               stop first bot\n",
    },
    Row {
        name: "another image",
        changes: &[("bot.container", "image=new:2")],
        on_host: nothing,
        told: "install reload\n\
               ~ bot.container restart: its unit changed\n\
               pull new:2\n\
               stop bot\n\
               start bot\n",
    },
    Row {
        name: "an image that is never fetched",
        changes: &[("bot.container", "image=new:2 pull=never")],
        on_host: nothing,
        told: "install reload\n\
               ~ bot.container restart: its unit changed\n\
               stop bot\n\
               start bot\n",
    },
    Row {
        name: "a network",
        changes: &[("inner.network", "subnet=10.9.0.0/24")],
        on_host: nothing,
        told: "install reload\n\
               = app.container restart: it needs inner-network.service\n\
               = db.container restart: it needs inner-network.service\n\
               ~ inner.network restart: its unit changed\n\
               = web.container restart: it needs app.service\n\
               stop app db inner-network web\n\
               take away inner\n\
               start app db inner-network web\n\
               note: the network inner is made anew, which interrupts app.service, \
               db.service, web.service\n",
    },
    Row {
        name: "a network less",
        changes: &[
            ("inner.network", ""),
            ("db.container", "= vol=data file=aaa/db.conf"),
            ("app.container", "= needs=db secret=key"),
        ],
        on_host: nothing,
        told: "install reload\n\
               ~ app.container restart: its unit changed\n\
               ~ db.container restart: its unit changed\n\
               - inner.network stop: it is no longer part of the stack\n\
               = web.container restart: it needs app.service\n\
               stop first inner-network\n\
               stop app db web\n\
               take away inner\n\
               start app db web\n",
    },
    Row {
        name: "a volume",
        changes: &[("data.volume", "options=x")],
        on_host: nothing,
        told: "install reload\n\
               ~ data.volume nothing: what is there stays as it is\n\
               note: the volume data keeps its old options: Podman changes none of a volume \
               that is there\n",
    },
    Row {
        name: "a volume less",
        changes: &[("data.volume", ""), ("db.container", "= net=inner")],
        on_host: nothing,
        told: "install reload\n\
               = app.container restart: it needs db.service\n\
               - data.volume stop: it is no longer part of the stack\n\
               ~ db.container restart: its unit changed\n\
               = web.container restart: it needs app.service\n\
               stop first data-volume\n\
               stop app db web\n\
               start app db web\n\
               note: the volume data stays, with its data\n",
    },
    Row {
        name: "a configuration file",
        changes: &[
            ("files/aaa/db.conf", ""),
            ("files/bbb/db.conf", "two"),
            ("db.container", "= net=inner vol=data file=bbb/db.conf"),
        ],
        on_host: nothing,
        told: "install reload\n\
               = app.container restart: it needs db.service\n\
               ~ db.container restart: its unit changed\n\
               = web.container restart: it needs app.service\n\
               stop app db web\n\
               start app db web\n",
    },
    Row {
        name: "a service in the place of another",
        changes: &[("web.container", ""), ("page.container", "image=web:1 needs=app name=web")],
        on_host: nothing,
        told: "install reload\n\
               + page.container start: it is new\n\
               - web.container stop: it is no longer part of the stack\n\
               stop first web\n\
               start page\n",
    },
    Row {
        name: "another name in Podman",
        changes: &[("bot.container", "name=robot")],
        on_host: nothing,
        told: "install reload\n\
               ~ bot.container restart: its unit changed\n\
               stop first bot\n\
               start bot\n",
    },
    Row {
        name: "a service that needs less",
        changes: &[("web.container", "= env=2")],
        on_host: nothing,
        told: "install reload\n\
               ~ web.container restart: its unit changed\n\
               stop web\n\
               start web\n",
    },
    Row {
        name: "one is down",
        changes: &[],
        on_host: |world| {
            world.order_stop("web.service").unwrap();
            world.pass(Duration::from_secs(5));
        },
        told: "- -\n\
               = web.container start: it does not run\n\
               start web\n",
    },
    Row {
        name: "one that changed is down, and one that needs it",
        changes: &[("app.container", "env=2")],
        on_host: |world| {
            world.order_stop("app.service").unwrap();
            world.pass(Duration::from_secs(5));
        },
        told: "install reload\n\
               ~ app.container start: its unit changed\n\
               = web.container start: it needs app.service\n\
               start app web\n",
    },
    Row {
        name: "one tries in vain",
        changes: &[],
        on_host: |world| {
            let fails = VecDeque::from(vec!["exits".to_owned(); 1000]);
            world.manager.next.insert("bot.service".to_owned(), fails);
            world.order_stop("bot.service").unwrap();
            world.pass(Duration::from_secs(5));
            world.order_start("bot.service").unwrap();
            world.pass(Duration::from_secs(5));
        },
        told: "- -\n",
    },
    Row {
        name: "a unit was changed by hand",
        changes: &[],
        on_host: |world| {
            let path = world.disk.real(&installed(world, "bot.container")).unwrap();
            world.disk.replace(&path, b"[Container]\nImage=evil:1\n", 0o644).unwrap();
        },
        told: "install reload\n\
               ~ bot.container restart: bot.container was changed by hand\n\
               stop first bot\n\
               start bot\n\
               note: bot.container was changed by hand, and is put right\n",
    },
    Row {
        name: "a unit is gone",
        changes: &[],
        on_host: |world| {
            let path = world.disk.real(&installed(world, "web.container")).unwrap();
            world.disk.remove(&path).unwrap();
        },
        told: "install reload\n\
               + web.container nothing: its installed file is gone\n\
               note: web.container is gone, and is put right\n",
    },
    Row {
        name: "systemd has not read the units",
        changes: &[],
        on_host: |world| world.manager.units.retain(|name, _| name != "web.service"),
        told: "- reload\n",
    },
    Row {
        name: "an image is gone",
        changes: &[],
        on_host: |world| {
            let image = world.podman.images.remove("web:1").unwrap();
            world.podman.registry.insert("web:1".to_owned(), image);
        },
        told: "- -\n\
               pull web:1\n",
    },
    Row {
        name: "a network was made anew by hand",
        changes: &[],
        on_host: |world| world.podman.networks.get_mut("inner").unwrap().labels.clear(),
        told: "- -\n",
    },
    Row {
        name: "a network changes that belongs to somebody else",
        changes: &[("inner.network", "subnet=10.9.0.0/24")],
        on_host: |world| world.podman.networks.get_mut("inner").unwrap().labels.clear(),
        told: "install reload\n\
               = app.container restart: it needs inner-network.service\n\
               = db.container restart: it needs inner-network.service\n\
               ~ inner.network restart: its unit changed\n\
               = web.container restart: it needs app.service\n\
               stop app db inner-network web\n\
               start app db inner-network web\n\
               note: the network inner stays as it is: it was there before the stack was\n",
    },
];

#[test]
pub fn each_change_costs_what_it_must_and_says_why() {
    let shop = Stack::new(SHOP);
    let world = {
        let host = Simulated::of(bare());
        let how = How { sources: key(), ..How::default() };
        host.world().podman.images.insert("bot:1".to_owned(), "id-bot".to_owned());
        run_how(&host, "shop", &Want::Apply(shop.clone()), &how).done();
        host.world().pass(Duration::from_secs(60));
        host.world().begin_process();
        let world = host.world();
        world.clone()
    };
    let apply = |host: &Simulated, stack: Stack, sources: Vec<Source>| {
        let result = run_how(host, "shop", &Want::Apply(stack), &How { sources, ..How::default() });
        told(result.plan())
    };
    let mut wrong = String::new();
    for row in ROWS {
        let host = Simulated::of(world.clone());
        (row.on_host)(&mut host.world());
        host.world().manager.wakes.clear();
        let found = apply(&host, Stack::new(&changed(row.changes)), key());
        if found != row.told {
            write!(wrong, "{}:\n{found}\n", row.name).unwrap();
        }
    }
    assert_eq!(wrong, "");
    let rotated = apply(&Simulated::of(world.clone()), shop.clone(), secret("canary the second"));
    let expected = "- -\n= app.container restart: the secret key has another value\n\
                    = web.container restart: it needs app.service\nstop app web\nstart app web\n";
    assert_eq!(rotated, expected);
    let settings = shop.with(|settings| settings.keep = 9);
    let expected = "install reload\nnote: only how it is brought up changes: that is kept, and \
                    nothing restarts\n";
    assert_eq!(apply(&Simulated::of(world), settings, key()), expected);
}
