//! What becomes of services that do not do what they should.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use stackwright::apply::{Care, Outcome, Step};
use stackwright::host::containers::PullError;
use stackwright::host::units::Active;
use stackwright::state::manifest::OnFailure;

use super::driver::{How, Run, Want, run, run_how};
use super::host::{Simulated, World};
use super::manager::Told;
use super::seeded::{self, Defect};
use super::stack::Stack;
use super::sweep::{FIRST, SECOND, after, bare};
use super::whole::{bystanders, generations, which};

/// A chain of three with one beside it.
pub const CHAIN: &str = "
    inner.network
    a.container net=inner start=30
    b.container needs=a net=inner
    c.container needs=b
    d.container
";

/// The lines with more words about one container.
pub fn more(lines: &str, name: &str, words: &str) -> String {
    let file = format!("{name}.container");
    let add = |line: &str| match line.trim().starts_with(&file) {
        true => format!("{line} {words}\n"),
        false => format!("{line}\n"),
    };
    lines.lines().map(add).collect()
}

/// The lines without one container.
fn without(lines: &str, name: &str) -> String {
    let file = format!("{name}.container");
    let lines = lines.lines().filter(|line| !line.trim().starts_with(&file));
    lines.map(|line| format!("{line}\n")).collect()
}

/// The runs of all services that are up, by their marks.
pub fn runs(world: &World) -> BTreeMap<String, String> {
    let up = world.manager.runs.iter().filter(|(_, run)| run.active == Active::Active);
    up.map(|(name, run)| (name.clone(), run.invocation.clone())).collect()
}

/// Applies a stack to a host that has another one, or none, and holds the host against what it was.
#[track_caller]
fn fails(before: Option<&Stack>, stack: &Stack, change: impl Fn(&mut World)) -> Run {
    let world = before.map_or_else(bare, |before| after(&[before]));
    let host = Simulated::of(world.clone());
    change(&mut host.world());
    let result = run(&host, &Want::Apply(stack.clone()));
    let brief = result.brief();
    assert!(matches!(result.outcome, Ok(Outcome::Restored(_) | Outcome::Refused(_))), "{brief}");
    assert_eq!(which(&host, &[before, Some(stack)]), Ok(0), "{brief}");
    let now = host.world();
    assert_eq!(bystanders(&world, true), bystanders(&now, true), "{brief}");
    assert_eq!(world.podman.volumes, now.podman.volumes, "{brief}");
    drop(now);
    let kept = before.map_or(vec![], |_| vec![1]);
    assert_eq!(generations(&host), kept, "a generation that failed is of no use: {brief}");
    result
}

#[test]
pub fn a_first_deployment_brings_all_up_and_a_second_one_does_nothing() {
    let host = Simulated::of(bare());
    let stack = Stack::new(FIRST);
    run(&host, &Want::Apply(stack.clone())).done();
    assert_eq!(which(&host, &[Some(&stack)]), Ok(0));
    host.world().begin_process();
    let again = run(&host, &Want::Apply(stack.clone()));
    assert_eq!(again.outcome, Ok(Outcome::Nothing));
    assert_eq!(host.world().counts.changes(), 0);
}

#[test]
pub fn what_fails_is_named_and_all_is_as_before() {
    // What `a` does, and what is said: at the first time, and in the place of one that ran.
    let cases = [
        ("never-ready", "not ready in time", Step::Start),
        ("exits ready=300", "ended instead of becoming ready (exit-code)", Step::Start),
        ("ready=100 dies=2000", "was up and then ended (exit-code)", Step::Settle),
        ("ready=100 dies=4900", "was up and then ended (exit-code)", Step::Settle),
        ("no-condition", "started and ended at once", Step::Start),
        ("ready=9000 called-off=500", "called off", Step::Start),
    ];
    let before = Stack::new(CHAIN);
    for words in ["", "direct ", "once "] {
        for (does, why, step) in cases {
            let lines = more(CHAIN, "a", &format!("{words}does:{does}"));
            let stack = Stack::new(&lines);
            for before in [None, Some(&before)] {
                let result = fails(before, &stack, |_| {});
                let failure = result.restored();
                let brief = result.brief();
                assert_eq!(failure.service.as_deref(), Some("a.service"), "{words}{does}: {brief}");
                assert!(failure.why.contains(why), "{words}{does}: {brief}");
                assert_eq!(failure.step, step, "{words}{does}: {brief}");
                assert_eq!(failure.log, ["a.service says so"], "{words}{does}");
            }
        }
    }
}

#[test]
pub fn a_dependent_that_fails_takes_nothing_down_that_it_did_not_touch() {
    let before = Stack::new(CHAIN);
    let stack = Stack::new(&more(CHAIN, "c", "env=2 does:exits"));
    let world = after(&[&before]);
    let host = Simulated::of(world.clone());
    run(&host, &Want::Apply(stack)).restored();
    let (old, mut new) = (runs(&world), runs(&host.world()));
    assert_ne!(old["c.service"], new["c.service"]);
    new.insert("c.service".to_owned(), old["c.service"].clone());
    assert_eq!(old, new, "c alone was started again");
}

#[test]
pub fn nothing_stops_when_a_unit_is_not_understood() {
    let before = Stack::new(CHAIN);
    let world = after(&[&before]);
    for (name, words) in [("d", "garbage"), ("c", "env=GARBAGE"), ("b", "env=PANIC")] {
        let stack = Stack::new(&more(CHAIN, name, words));
        for finds_nothing in [false, true] {
            let host = Simulated::of(world.clone());
            let apply = || run(&host, &Want::Apply(stack.clone()));
            let result = match finds_nothing {
                true => seeded::with(Defect::RehearsesNothing, apply),
                false => apply(),
            };
            if finds_nothing {
                assert_eq!(result.restored().step, Step::Verify);
            } else {
                assert_eq!(result.refused().step, Step::Rehearse);
                assert_eq!(host.world().counts.reloads, 0);
            }
            assert_eq!(runs(&world), runs(&host.world()), "{}", result.brief());
            assert_eq!(which(&host, &[Some(&before)]), Ok(0));
            assert_eq!(bystanders(&world, true), bystanders(&host.world(), true));
        }
    }
}

#[test]
pub fn a_neighbour_that_spoils_all_is_found_before_anything_stops() {
    let stack = Stack::new(CHAIN);
    let text = "[Container]\nImage=x\nPANIC\n";
    for finds_nothing in [false, true] {
        let world = after(&[&stack]);
        let host = Simulated::of(world.clone());
        let path = host.world().places.quadlet.join("bad.container");
        host.world().disk.replace(&path, text.as_bytes(), 0o644).unwrap();
        let changed = Stack::new(&more(CHAIN, "d", "env=2"));
        let apply = || run(&host, &Want::Apply(changed));
        let result = match finds_nothing {
            true => seeded::with(Defect::RehearsesNothing, apply),
            false => apply(),
        };
        let stops = host.world().counts.stops;
        assert_eq!(stops, 0, "{}", result.brief());
        assert_eq!(runs(&world), runs(&host.world()), "{}", result.brief());
        if finds_nothing {
            // The units are lost for every reading of them, also on the way back.
            let (failure, why) = result.not_restored();
            assert_eq!(failure.step, Step::Verify);
            assert!(why.unwrap().why.contains("does not know"), "{}", result.brief());
        } else {
            assert_eq!(result.refused().step, Step::Rehearse);
        }
    }
}

#[test]
pub fn a_missing_image_stops_nothing() {
    let before = Stack::new(CHAIN);
    let stack = Stack::new(&more(CHAIN, "d", "image=none:1"));
    for before in [None, Some(&before)] {
        let result = fails(before, &stack, |_| {});
        let failure = result.refused();
        assert_eq!(failure.step, Step::Pull);
        assert!(failure.why.contains("manifest unknown"), "{}", failure.why);
    }
}

#[test]
pub fn an_image_that_does_not_come_is_tried_again_where_that_can_help() {
    let passing = |is_passing| PullError { is_passing, why: "no answer".to_owned() };
    let stack = Stack::new(&more(CHAIN, "d", "image=new:2"));
    for (errors, pulls) in [(vec![passing(true)], 2), (vec![passing(false)], 1)] {
        let host = Simulated::of(bare());
        let errors = VecDeque::from(errors);
        host.world().podman.pull_errors.insert("new:2".to_owned(), errors);
        let result = run(&host, &Want::Apply(stack.clone()));
        assert_eq!(matches!(result.outcome, Ok(Outcome::Done { .. })), pulls == 2);
        assert_eq!(host.world().counts.pulls, pulls);
    }
}

#[test]
pub fn a_service_that_ignores_its_stop_is_waited_for_and_killed() {
    let before = Stack::new(&more(CHAIN, "d", "stop=20 does:ignores-stop"));
    let stack = Stack::new(&more(CHAIN, "d", "env=2"));
    let host = Simulated::of(after(&[&before]));
    let began = host.world().now;
    run(&host, &Want::Apply(stack.clone())).done();
    assert!(host.world().now.saturating_sub(began) > Duration::from_secs(20));
    assert_eq!(which(&host, &[Some(&stack)]), Ok(0));
}

#[test]
pub fn a_service_that_cannot_be_stopped_is_told_and_the_others_are_as_before() {
    for gone in [false, true] {
        let before = Stack::new(&more(CHAIN, "d", "stop=20 does:cannot-be-stopped"));
        let lines = if gone { without(CHAIN, "d") } else { more(CHAIN, "d", "env=2") };
        let stack = Stack::new(&lines);
        let host = Simulated::of(after(&[&before]));
        let result = run(&host, &Want::Apply(stack.clone()));
        let (failure, why) = result.not_restored();
        assert_eq!(failure.service.as_deref(), Some("d.service"), "{}", result.brief());
        assert!(failure.why.contains("does not stop"), "{}", failure.why);
        assert_eq!(why.unwrap().down, ["d.service"], "{}", result.brief());
        let problems = which(&host, &[Some(&before)]).unwrap_err();
        let other: Vec<&str> = problems
            .lines()
            .filter(|line| !line.starts_with("d.service") && !line.starts_with("journal.failed"))
            .collect();
        assert!(other.is_empty(), "{other:?}");
    }
}

#[test]
pub fn the_first_of_a_chain_that_breaks_leaves_the_whole_chain_running() {
    let before = Stack::new(CHAIN);
    let stack = Stack::new(&more(CHAIN, "a", "env=2 does:exits"));
    let result = fails(Some(&before), &stack.clone(), |_| {});
    assert_eq!(result.plan().stop, ["a.service", "b.service", "c.service"]);
}

#[test]
pub fn a_way_back_that_fails_too_names_what_is_down_and_starts_all_else() {
    let before = Stack::new(CHAIN);
    let stack = Stack::new(&more(CHAIN, "a", "env=2 does:exits"));
    let host = Simulated::of(after(&[&before]));
    // The new one fails, and so does the old one now.
    let both = VecDeque::from(vec!["exits".to_owned(); 50]);
    host.world().manager.next.insert("a.service".to_owned(), both);
    let result = run(&host, &Want::Apply(stack));
    let (failure, why) = result.not_restored();
    assert_eq!(failure.service.as_deref(), Some("a.service"));
    let why = why.unwrap();
    assert_eq!(why.service.as_deref(), Some("a.service"));
    assert_eq!(why.down, ["a.service", "b.service", "c.service"]);
    assert!(host.world().run_of("d.service").is_some());
    let folder = host.world().places.stacks.join("shop");
    assert!(host.world().disk.text(&folder.join("journal.failed")).is_some());
    // It is not tried again without being asked, and a stack that works is the way out.
    host.world().begin_process();
    let recovery = run(&host, &Want::Recover);
    assert!(!recovery.recovered && host.world().counts.changes() == 0, "{}", recovery.brief());
    host.world().begin_process();
    host.world().manager.next.clear();
    let fixed = Stack::new(&more(CHAIN, "a", "env=3"));
    run(&host, &Want::Apply(fixed.clone())).done();
    assert_eq!(which(&host, &[Some(&fixed)]), Ok(0));
}

#[test]
pub fn what_did_not_run_before_does_not_run_afterwards() {
    let before = Stack::new(CHAIN);
    let world = {
        let host = Simulated::of(after(&[&before]));
        host.world().order_stop("d.service").unwrap();
        host.world().pass(Duration::from_secs(5));
        host.world().manager.wakes.clear();
        let world = host.world();
        world.clone()
    };
    let stack = Stack::new(&more(CHAIN, "c", "env=2 does:exits"));
    let host = Simulated::of(world);
    let result = run(&host, &Want::Apply(stack));
    result.restored();
    assert!(result.plan().start.contains(&"d.service".to_owned()));
    assert!(host.world().run_of("d.service").is_none(), "{}", result.brief());
}

#[test]
pub fn what_tried_in_vain_before_may_try_in_vain_afterwards() {
    let before = Stack::new(CHAIN);
    let mut world = after(&[&before]);
    // It died and does not come up again.
    let fails = VecDeque::from(vec!["exits".to_owned(); 1000]);
    world.manager.next.insert("d.service".to_owned(), fails);
    world.order_stop("d.service").unwrap();
    world.pass(Duration::from_secs(5));
    world.order_start("d.service").unwrap();
    world.pass(Duration::from_secs(5));
    world.manager.wakes.clear();
    assert_eq!(world.run_of("d.service").unwrap().active, Active::Activating);
    for d in ["", "env=2"] {
        let stack = more(&more(CHAIN, "c", "env=2 does:exits"), "d", d);
        let host = Simulated::of(world.clone());
        let result = run(&host, &Want::Apply(Stack::new(&stack)));
        result.restored();
        let problems = which(&host, &[Some(&before)]).unwrap_err();
        assert!(problems.lines().all(|line| line.starts_with("d.service is")), "{problems}");
    }
}

#[test]
pub fn what_is_wanted_to_stay_stays_and_what_could_not_is_put_back() {
    let leave = |stack: Stack| stack.with(|settings| settings.on_failure = OnFailure::Leave);
    let before = Stack::new(CHAIN);
    let lines = more(CHAIN, "b", "env=2 does:exits");
    let stack = leave(Stack::new(&lines));
    let host = Simulated::of(after(&[&before]));
    let result = run(&host, &Want::Apply(stack.clone()));
    let (failure, why) = result.not_restored();
    assert_eq!((failure.service.as_deref(), why), (Some("b.service"), None));
    assert_eq!(failure.down, ["b.service", "c.service"], "{}", result.brief());
    let problems = which(&host, &[Some(&stack)]).unwrap_err();
    assert!(problems.lines().all(|line| line.starts_with("b.") || line.starts_with("c.")));
    // What was interrupted, or never came as far as to start, is of no use to anybody.
    let stuck = Stack::new(&more(CHAIN, "d", "stop=9 does:cannot-be-stopped"));
    let host = Simulated::of(after(&[&stuck]));
    let result = run(&host, &Want::Apply(leave(Stack::new(&without(CHAIN, "d")))));
    assert!(result.not_restored().1.is_some(), "{}", result.brief());
    assert!(host.world().manager.units.contains_key("d.service"));
}

#[test]
pub fn an_interrupt_at_any_wait_puts_all_back() {
    let (first, second) = (Stack::new(FIRST), Stack::new(SECOND));
    let world = after(&[&first]);
    let mut waits = 0;
    for wait in 1.. {
        let host = Simulated::of(world.clone());
        host.world().interrupt_at = Some(wait);
        let result = run(&host, &Want::Apply(second.clone()));
        if matches!(result.outcome, Ok(Outcome::Done { .. })) {
            break;
        }
        assert!(result.restored().interrupted, "{}", result.brief());
        assert_eq!(which(&host, &[Some(&first), Some(&second)]), Ok(0), "{}", result.brief());
        assert_eq!(bystanders(&world, true), bystanders(&host.world(), true));
        waits = wait;
    }
    assert!(waits > 20, "{waits}");
}

#[test]
pub fn services_start_when_what_they_need_is_up_and_no_later() {
    let lines = "
        a.container does:ready=1000
        b.container does:ready=200
        c.container needs=a does:ready=300
        d.container needs=b does:ready=400
        web.container needs=c,d does:ready=100
    ";
    let host = Simulated::of(bare());
    let began = host.world().now;
    run(&host, &Want::Apply(Stack::new(lines).with(|settings| settings.settle_seconds = 0))).done();
    let told = host.world().manager.told.clone();
    let at = |told_as, name: &str| {
        let name = format!("{name}.service");
        let found = told.iter().find(|(_, told, unit)| *told == told_as && *unit == name);
        found.unwrap().0.saturating_sub(began).as_millis()
    };
    assert_eq!(at(Told::Begins, "a"), 0);
    assert_eq!(at(Told::Begins, "b"), 0);
    assert_eq!(at(Told::Begins, "d"), 200);
    assert_eq!(at(Told::Begins, "c"), 1000);
    assert_eq!(at(Told::Begins, "web"), 1300);
    assert_eq!(at(Told::Up, "web"), 1400);
}

/// How many services of the stack were on their way up at the same time.
fn most_at_once(world: &World) -> usize {
    let (mut now, mut most) = (0_usize, 0);
    for (_, told, unit) in &world.manager.told {
        let is_ours =
            ["a", "b", "c", "d", "db", "app"].iter().any(|n| *unit == format!("{n}.service"));
        match told {
            Told::Begins if is_ours => now += 1,
            Told::Up if is_ours => now -= 1,
            _ => {}
        }
        most = most.max(now);
    }
    most
}

#[test]
pub fn no_more_services_start_at_the_same_time_than_may() {
    let lines =
        "a.container\n b.container\n c.container\n d.container\n db.container\n app.container";
    for limit in 1..8 {
        let stack = Stack::new(lines).with(|settings| settings.max_parallel = limit);
        let host = Simulated::of(bare());
        run(&host, &Want::Apply(stack)).done();
        assert_eq!(most_at_once(&host.world()), limit.min(6));
    }
}

#[test]
pub fn without_waiting_all_are_told_to_start() {
    let stack = Stack::new(CHAIN).with(|settings| settings.max_parallel = 1);
    let host = Simulated::of(bare());
    let how = How { manner: Care::NoWait.into(), ..How::default() };
    run_how(&host, "shop", &Want::Apply(stack.clone()), &how).done();
    host.world().pass(Duration::from_secs(10));
    assert_eq!(which(&host, &[Some(&stack)]), Ok(0));
}

#[test]
pub fn only_installing_starts_and_reads_nothing_and_the_next_apply_does() {
    let stack = Stack::new(CHAIN);
    let host = Simulated::of(bare());
    let how = How { manner: Care::OnlyInstall.into(), ..How::default() };
    run_how(&host, "shop", &Want::Apply(stack.clone()), &how).done();
    let counts = host.world().counts;
    assert_eq!((counts.reloads, counts.starts, counts.stops, counts.pulls), (0, 0, 0, 0));
    host.world().begin_process();
    run(&host, &Want::Apply(stack.clone())).done();
    assert_eq!(which(&host, &[Some(&stack)]), Ok(0));
}

#[test]
pub fn services_of_others_that_need_ours_run_again_afterwards() {
    let before = Stack::new(CHAIN);
    let mut world = after(&[&before]);
    let text = "[Unit]\nRequires=b.service\nAfter=b.service\n[Service]\nRestart=always\n";
    let far = "[Unit]\nBindsTo=guest.service\nAfter=guest.service\n[Service]\n";
    let folder = world.places.units.clone();
    world.disk.replace(&folder.join("guest.service"), text.as_bytes(), 0o644).unwrap();
    world.disk.replace(&folder.join("far.service"), far.as_bytes(), 0o644).unwrap();
    world.read_units();
    world.order_start("far.service").unwrap();
    world.pass(Duration::from_secs(5));
    world.manager.wakes.clear();
    let is_up = |host: &Simulated, name: &str| {
        host.world().run_of(name).is_some_and(|run| run.active == Active::Active)
    };
    for (change, fails) in [("env=2", false), ("env=2 does:exits", true)] {
        let lines = more(CHAIN, "a", change);
        let host = Simulated::of(world.clone());
        let result = run(&host, &Want::Apply(Stack::new(&lines)));
        assert_eq!(matches!(result.outcome, Ok(Outcome::Restored(_))), fails, "{}", result.brief());
        assert!(is_up(&host, "guest.service"), "{change}: {}", result.brief());
        assert!(is_up(&host, "far.service"), "{change}: {}", result.brief());
    }
    // Without what they need they cannot run, which is told.
    let host = Simulated::of(world);
    let result = run(&host, &Want::Remove);
    result.done();
    let told = result.notes().join("\n");
    assert!(told.contains("guest.service is not of this stack"), "{told}");
}

#[test]
pub fn removing_keeps_volumes_and_takes_networks_away() {
    let stack = Stack::new(FIRST);
    let host = Simulated::of(after(&[&stack]));
    run(&host, &Want::Remove).done();
    let world = host.world();
    assert!(world.podman.volumes.contains_key("data"));
    assert!(!world.podman.networks.contains_key("inner"));
    let left: Vec<String> = world
        .disk
        .tree(&world.places.stacks)
        .into_keys()
        .map(|path| path.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    assert_eq!(left, ["history", "lock"]);
    for folder in [&world.places.quadlet, &world.places.units] {
        let links = world.disk.tree(folder).into_values();
        assert!(!links.into_iter().any(|text| text.contains("stackwright")));
    }
}

#[test]
pub fn a_network_of_somebody_else_is_never_taken_away() {
    let stack = Stack::new("outer.network\n a.container net=outer");
    let host = Simulated::of(after(&[&stack]));
    run(&host, &Want::Remove).done();
    assert_eq!(host.world().podman.networks["outer"].version, "theirs");
}

#[test]
pub fn a_clock_that_jumps_changes_nothing() {
    let (first, second) = (Stack::new(FIRST), Stack::new(SECOND));
    for jump in [-400_000_000, 400_000_000] {
        let mut world = after(&[&first]);
        world.wall_jump = jump;
        let host = Simulated::of(world);
        let began = host.world().now;
        run(&host, &Want::Apply(second.clone())).done();
        assert!(host.world().now.saturating_sub(began) < Duration::from_secs(10));
        host.world().begin_process();
        run(&host, &Want::Rollback(1)).done();
        assert_eq!(which(&host, &[Some(&first), Some(&second)]), Ok(0));
        host.world().begin_process();
        run(&host, &Want::Apply(second.clone())).done();
        assert_eq!(generations(&host), [1, 2, 3]);
    }
}
