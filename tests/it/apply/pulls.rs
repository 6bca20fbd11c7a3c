//! Images are fetched before anything changes, several at the same time.

use std::collections::VecDeque;
use std::fmt::Write;
use std::sync::Arc;

use stackwright::apply::{Event, Step};
use stackwright::host::containers::PullError;

use super::driver::{Run, Want, run};
use super::failures::{CHAIN, runs};
use super::host::Simulated;
use super::podman::Meeting;
use super::stack::Stack;
use super::sweep::{after, bare};
use super::whole::{bystanders, which};

/// How many images are fetched at the same time.
const AT_ONCE: usize = 4;

/// A stack that needs images which a registry has and the host has not, some at a time.
fn needs(host: &Simulated, count: usize) -> Stack {
    let mut lines = CHAIN.to_owned();
    let mut world = host.world();
    for number in 10..10 + count {
        let image = format!("far-{number}:1");
        writeln!(lines, "far{number}.container image={image}").unwrap();
        world.podman.registry.insert(image.replace('-', " "), format!("id-{number}"));
    }
    world.podman.meeting = Some(Arc::new(Meeting::of(AT_ONCE.min(count))));
    Stack::new(&lines)
}

fn most_at_once(host: &Simulated) -> usize {
    let meeting = host.world().podman.meeting.clone();
    meeting.unwrap().most()
}

fn pulled(run: &Run) -> usize {
    run.events.iter().filter(|event| matches!(event, Event::Pulled { .. })).count()
}

#[test]
pub fn four_images_are_fetched_at_once_and_all_before_anything_else() {
    let host = Simulated::of(bare());
    let stack = needs(&host, 10);
    let result = run(&host, &Want::Apply(stack.clone()));
    result.done();
    assert_eq!(which(&host, &[Some(&stack)]), Ok(0));
    assert_eq!((most_at_once(&host), pulled(&result), host.world().counts.pulls), (4, 10, 10));
    let is_last = |event: &Event| matches!(event, Event::Pulled { .. });
    let last = result.events.iter().rposition(is_last).unwrap();
    let is_first = |event: &Event| *event == Event::Step { step: Step::Stage };
    let first = result.events.iter().position(is_first).unwrap();
    assert!(last < first, "{}", result.brief());
}

#[test]
pub fn one_that_does_not_come_at_once_is_tried_again_while_the_others_come() {
    let host = Simulated::of(bare());
    let stack = needs(&host, 6);
    let passing = PullError { is_passing: true, why: "no answer".to_owned() };
    host.world().podman.pull_errors.insert("far 11:1".to_owned(), VecDeque::from([passing]));
    let result = run(&host, &Want::Apply(stack));
    result.done();
    assert_eq!((pulled(&result), host.world().counts.pulls), (6, 7));
    let again = result.events.iter().position(|event| {
        matches!(event, Event::PullAgain { image, why, pause: 1 }
            if image == "far 11:1" && why == "no answer")
    });
    let after = &result.events[again.unwrap()..];
    let others = after.iter().filter(|event| matches!(event, Event::Pulled { .. })).count();
    assert!(others > 1, "the others wait for it: {}", result.brief());
}

#[test]
pub fn one_that_cannot_be_had_ends_all_and_nothing_is_changed() {
    for before in [None, Some(Stack::new(CHAIN))] {
        let world = before.as_ref().map_or_else(bare, |before| after(&[before]));
        let host = Simulated::of(world.clone());
        let stack = needs(&host, 12);
        host.world().podman.registry.remove("far 11:1");
        let result = run(&host, &Want::Apply(stack.clone()));
        let failure = result.refused();
        assert_eq!(failure.step, Step::Pull, "{}", result.brief());
        assert_eq!(failure.why, "the image far 11:1 cannot be had: far 11:1: manifest unknown");
        let now = host.world().clone();
        assert!(now.counts.pulls < 12, "all were fetched all the same");
        assert_eq!((now.counts.reloads, now.counts.starts, now.counts.stops), (0, 0, 0));
        assert_eq!(runs(&world), runs(&now));
        assert_eq!(bystanders(&world, true), bystanders(&now, true));
        assert_eq!(which(&host, &[before.as_ref(), Some(&stack)]), Ok(0));
        let mut trees = [&world, &now].map(|world| world.disk.tree(&world.places.stacks));
        for tree in &mut trees {
            tree.retain(|path, _| !path.ends_with("lock"));
        }
        assert_eq!(trees[0], trees[1]);
    }
}
