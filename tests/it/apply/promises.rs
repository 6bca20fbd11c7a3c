//! What is promised beside old or new: nothing is done twice, nothing more than must be, nothing is
//! forgotten, and no secret shows.

use std::collections::VecDeque;

use stackwright::apply::Outcome;
use stackwright::apply::secrets::{Origin, Source};
use stackwright::host::change::{Files, LockError};
use stackwright::host::containers::SecretValue;
use stackwright::state::{Action, Store, Verdict};

use super::driver::{How, Run, Want, run, run_how};
use super::failures::{CHAIN, more, runs};
use super::host::{Simulated, Trouble, World};
use super::seeded::{self, Defect, Defective};
use super::stack::Stack;
use super::sweep::{FIRST, SECOND, after, bare, cases};
use super::whole::{bystanders, current, which};

#[test]
pub fn all_that_is_done_is_remembered_in_its_order() {
    let (first, second) = (Stack::new(FIRST), Stack::new(SECOND));
    let broken = Stack::new(&format!("{FIRST}\n bad.container image=app:1 does:exits"));
    let host = Simulated::of(bare());
    for want in [
        Want::Apply(first),
        Want::Apply(second),
        Want::Apply(broken),
        Want::Rollback(1),
        Want::Remove,
    ] {
        let result = run(&host, &want);
        let is_told = matches!(result.outcome, Ok(Outcome::Done { .. } | Outcome::Restored(_)));
        assert!(is_told, "{}", result.brief());
        host.world().begin_process();
    }
    let places = host.world().places.clone();
    let history = Store::of(&host, &places, "shop").history().unwrap();
    let number = |name: &Option<_>| {
        name.as_ref().map_or(0, |name: &stackwright::state::GenerationName| name.number)
    };
    let told: Vec<_> = history
        .iter()
        .map(|entry| (entry.action, entry.verdict, number(&entry.from), number(&entry.to)))
        .collect();
    let expected = [
        (Action::Apply, Verdict::Done, 0, 1),
        (Action::Apply, Verdict::Done, 1, 2),
        (Action::Apply, Verdict::Restored, 2, 3),
        (Action::Rollback, Verdict::Done, 2, 1),
        (Action::Remove, Verdict::Done, 1, 0),
    ];
    assert_eq!(told, expected);
    // A number is never used twice, whatever became of it.
    let third = run(&host, &Want::Apply(Stack::new(FIRST)));
    assert_eq!(third.done().unwrap().number, 4);
}

#[test]
pub fn one_works_on_a_stack_and_the_others_are_told_so() {
    let stack = Stack::new(CHAIN);
    let host = Simulated::of(bare());
    let first = Defective::of(&host);
    let places = host.world().places.clone();
    let store = Store::of(&first, &places, "shop");
    let held = store.lock(std::time::Duration::ZERO).unwrap();
    let second = run(&host, &Want::Apply(stack.clone()));
    let brief = second.brief();
    assert!(second.outcome.is_err() && brief.contains("the lock: Held"), "{brief}");
    assert!(!places.stacks.join("shop/current").exists());
    assert_eq!(host.world().disk.entry(&places.quadlet.join("shop")), None);
    // Another stack has a lock of its own.
    let other = first.lock(&places.stacks.join("other/lock"), std::time::Duration::ZERO);
    assert!(!matches!(other, Err(LockError::Held)));
    drop(held);
    run(&host, &Want::Apply(stack)).done();
}

/// Services whose run is another one than before.
fn restarted(before: &World, after: &World) -> Vec<String> {
    let (before, after) = (runs(before), runs(after));
    let others = after.into_iter().filter(|(name, run)| before.get(name) != Some(run));
    others.map(|(name, _)| name).collect()
}

#[test]
pub fn only_what_changed_and_what_must_follow_is_started_again() {
    let before = Stack::new(CHAIN);
    let world = after(&[&before]);
    for (name, words, expected) in [
        ("d", "env=2", &["d.service"][..]),
        ("c", "env=2", &["c.service"]),
        ("b", "env=2", &["b.service", "c.service"]),
        ("a", "env=2", &["a.service", "b.service", "c.service"]),
        ("a", "about=Another-one", &[]),
    ] {
        let stack = Stack::new(&more(CHAIN, name, words));
        let host = Simulated::of(world.clone());
        let result = run(&host, &Want::Apply(stack.clone()));
        result.done();
        assert_eq!(which(&host, &[Some(&stack)]), Ok(0), "{}", result.brief());
        assert_eq!(restarted(&world, &host.world()), expected, "{name}: {}", result.brief());
    }
}

#[test]
pub fn a_service_that_failed_too_often_is_tried_again() {
    let stack = Stack::new(&more(CHAIN, "d", "once"));
    let mut world = after(&[&stack]);
    let fails = VecDeque::from(vec!["exits".to_owned(); 5]);
    world.manager.next.insert("d.service".to_owned(), fails);
    world.order_stop("d.service").unwrap();
    for _ in 0..7 {
        world.pass(std::time::Duration::from_secs(5));
        world.order_start("d.service").unwrap();
    }
    world.pass(std::time::Duration::from_secs(5));
    assert_eq!(world.manager.state("d.service").result, "start-limit-hit");
    world.manager.wakes.clear();
    let host = Simulated::of(world);
    run(&host, &Want::Apply(stack.clone())).done();
    assert_eq!(which(&host, &[Some(&stack)]), Ok(0));
}

/// Everything that a run tells, and that is kept on the disk afterwards.
fn all_that_shows(host: &Simulated, result: &Run) -> String {
    let world = host.world();
    let files = world.disk.tree(std::path::Path::new("/"));
    let plan = serde_json::to_string(result.plan()).unwrap();
    format!("{files:?}\n{:?}\n{:?}\n{plan}\n{:?}", result.events, result.outcome, world.done)
}

#[test]
pub fn a_secret_reaches_podman_and_nothing_else() {
    let stack = Stack::new(&more(CHAIN, "d", "secret=key"));
    let host = Simulated::of(bare());
    let with = |value: &str| {
        let origin = Origin::Given(SecretValue(value.as_bytes().to_vec()));
        let secrets = vec![Source { name: "key".to_owned(), origin }];
        run_how(
            &host,
            "shop",
            &Want::Apply(stack.clone()),
            &How { sources: secrets, ..How::default() },
        )
    };
    let known = || host.world().podman.secrets.get("key").map(|(_, value)| value.clone());
    for (value, expected) in [
        ("canary-one", &["a.service", "b.service", "c.service", "d.service"][..]),
        ("canary-one", &[]),
        ("canary-two", &["d.service"]),
    ] {
        let before = host.world().clone();
        let result = with(value);
        assert_eq!(known().as_deref(), Some(value.as_bytes()), "{}", result.brief());
        let mut changed = restarted(&before, &host.world());
        changed.retain(|name| !name.contains('-'));
        assert_eq!(changed, expected, "{}", result.brief());
        let shown = all_that_shows(&host, &result);
        let at = shown.split_once("canary").map(|(before, _)| before.lines().last());
        assert_eq!(at, None, "the value of a secret shows");
        host.world().begin_process();
    }
}

#[test]
pub fn at_every_instant_the_link_leads_to_a_whole_generation() {
    for case in cases() {
        let sets = [&case.old, &case.new].map(|stack| stack.as_ref().map(|stack| &stack.set));
        // Each is tried, as the wrong state may last for one operation.
        for place in 1.. {
            let Some((host, run)) = case.run(Trouble::DiesAfter(place), place) else { break };
            host.world().begin_process();
            let now = current(&host).map(|now| now.map(|(_, set)| set));
            let is_one = now.as_ref().is_ok_and(|now| sets.contains(&now.as_ref()));
            assert!(is_one, "{} dead after {place}: {now:?} {}", case.name, run.brief());
        }
    }
}

#[test]
pub fn the_way_back_needs_no_room() {
    let before = Stack::new(CHAIN);
    let stack = Stack::new(&more(CHAIN, "d", "env=2 does:exits"));
    let world = after(&[&before]);
    for place in 1.. {
        let host = Simulated::of(world.clone());
        host.world().trouble = Trouble::FullFrom(place);
        let result = run(&host, &Want::Apply(stack.clone()));
        if host.world().counts.operations < place {
            break;
        }
        let brief = result.brief();
        let is_back = matches!(result.outcome, Ok(Outcome::Restored(_) | Outcome::Refused(_)));
        // What cannot even be locked is not touched.
        assert!(is_back || result.outcome.is_err(), "full from {place}: {brief}");
        host.world().begin_process();
        host.world().trouble = Trouble::FullFrom(0);
        let recovery = run(&host, &Want::Recover);
        assert!(recovery.outcome.is_ok() || result.outcome.is_err(), "{}", recovery.brief());
        assert_eq!(which(&host, &[Some(&before), Some(&stack)]), Ok(0), "{place}: {brief}");
    }
}

#[test]
pub fn a_stranger_that_gets_lost_is_noticed_before_anything_stops() {
    let stack = Stack::new(CHAIN);
    let world = after(&[&stack]);
    let host = Simulated::of(world.clone());
    let path = host.world().places.quadlet.join("theirs/bad.container");
    host.world().disk.replace(&path, b"GARBAGE", 0o644).unwrap();
    let change = Want::Apply(Stack::new(&more(CHAIN, "d", "env=2")));
    let result = run(&host, &change);
    assert!(result.refused().why.contains("systemd would lose other.service"), "{result:?}");
    assert_eq!(host.world().counts.reloads, 0);
    // The same where it comes to light only when all is read anew.
    host.world().begin_process();
    let result = seeded::with(Defect::RehearsesNothing, || run(&host, &change));
    let failure = result.restored();
    assert!(failure.why.contains("systemd lost other.service"), "{}", result.brief());
    assert_eq!(host.world().counts.stops, 0);
    assert_eq!(runs(&world), runs(&host.world()), "{}", result.brief());
    host.world().disk.remove(&path).unwrap();
    assert_eq!(bystanders(&world, true), bystanders(&host.world(), true));
}
