//! A generation comes back with the images that it had, whatever their names stand for by then.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use stackwright::apply::Outcome;
use stackwright::plan::pin;
use stackwright::state::Store;

use super::driver::{Want, run};
use super::host::{Simulated, Trouble, World};
use super::stack::Stack;
use super::sweep::{Case, bare};
use super::whole::{generations, which};

const FIRST: &str = "
    db.container
    web.container needs=db
    app.container image=db:1
    b.container image=web@sha256:7
";

const SECOND: &str = "
    db.container env=2
    web.container needs=db
    app.container image=db:1
    b.container image=web@sha256:7
";

/// A host where a name of an image stands for another one since the second generation.
fn moved() -> World {
    let mut world = bare();
    world.podman.images.insert("web@sha256:7".to_owned(), "id-seven".to_owned());
    let host = Simulated::of(world);
    run(&host, &Want::Apply(Stack::new(FIRST))).done();
    {
        let mut world = host.world();
        world.begin_process();
        world.podman.images.insert("db:1".to_owned(), "id-db-later".to_owned());
    }
    run(&host, &Want::Apply(Stack::new(SECOND))).done();
    host.world().begin_process();
    let world = host.world();
    world.clone()
}

/// The images that services run.
fn images(host: &Simulated) -> BTreeMap<String, String> {
    let containers = host.world().containers();
    let ours = containers.into_iter().filter(|one| one.labels.contains_key("stackwright.stack"));
    ours.map(|one| (one.name, one.image_id)).collect()
}

/// The names by which generations keep images, with these.
fn pins(world: &World) -> BTreeMap<String, String> {
    let names = world.podman.images.iter();
    let pins = names.filter(|(name, _)| name.starts_with("localhost/stackwright/"));
    pins.map(|(name, id)| (name.clone(), id.clone())).collect()
}

fn of(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(name, id)| ((*name).to_owned(), (*id).to_owned())).collect()
}

fn before() -> BTreeMap<String, String> {
    // One goes on as it was, whatever its name stands for.
    of(&[("db", "id-db-later"), ("web", "id-web"), ("app", "id-db"), ("b", "id-seven")])
}

fn after() -> BTreeMap<String, String> {
    of(&[("db", "id-db"), ("web", "id-web"), ("app", "id-db"), ("b", "id-seven")])
}

#[test]
fn a_generation_comes_back_with_the_images_that_it_had() {
    let host = Simulated::of(moved());
    assert_eq!(images(&host), before());
    let result = run(&host, &Want::Rollback(1));
    result.done();
    assert_eq!(images(&host), after());
    assert_eq!(host.world().podman.images["db:1"], "id-db");
    let notes = result.plan().notes.join("\n");
    assert!(notes.contains("db:1 stands for another image now"), "{notes}");
    // Nothing is left to do, and what it ran is told.
    host.world().begin_process();
    assert_eq!(run(&host, &Want::Rollback(1)).outcome, Ok(Outcome::Nothing));
    let places = host.world().places.clone();
    let history = Store::of(&host, &places, "shop").history().unwrap();
    let last = history.last().unwrap();
    assert_eq!(last.images["db.service"], "id-db");
    assert!(last.phases.contains_key("start") && last.phases.contains_key("switch"));
    assert!(last.phases["settle"] >= 5000, "{:?}", last.phases);
}

#[test]
fn an_image_whose_name_is_gone_is_not_fetched_for_a_generation_that_kept_it() {
    let host = Simulated::of(moved());
    host.world().podman.images.remove("db:1");
    let result = run(&host, &Want::Rollback(1));
    result.done();
    assert!(result.plan().pull.is_empty());
    assert_eq!(images(&host), after());
}

#[test]
fn an_image_that_is_not_kept_any_more_is_told_of() {
    let mut world = moved();
    world.podman.images.retain(|name, _| name != "localhost/stackwright/shop/db:1");
    let host = Simulated::of(world);
    let result = run(&host, &Want::Rollback(1));
    result.done();
    let notes = result.plan().notes.join("\n");
    assert!(notes.contains("the image that db.service had in generation 1 is not kept"), "{notes}");
    // What else had that name brings it back.
    assert_eq!(images(&host), after());
}

#[test]
fn a_service_that_was_started_again_with_another_image_gets_its_own_back() {
    let mut world = moved();
    world.podman.images.insert("web:1".to_owned(), "id-web-later".to_owned());
    world.order_stop("web.service").unwrap();
    world.pass(Duration::from_secs(5));
    world.order_start("web.service").unwrap();
    world.pass(Duration::from_secs(5));
    world.begin_process();
    let host = Simulated::of(world);
    assert_eq!(images(&host)["web"], "id-web-later");
    run(&host, &Want::Rollback(1)).done();
    assert_eq!(images(&host), after());
}

#[test]
fn images_are_kept_for_as_long_as_their_generation() {
    let host = Simulated::of(moved());
    let expected = |numbers: &[u64]| -> BTreeSet<String> {
        let services = ["app", "b", "db", "web"];
        let names = services
            .iter()
            .flat_map(|service| numbers.iter().map(|number| pin::pin("shop", service, *number)));
        names.collect()
    };
    let names =
        |host: &Simulated| -> BTreeSet<String> { pins(&host.world()).into_keys().collect() };
    assert_eq!(names(&host), expected(&[1, 2]));
    for env in 3..=5 {
        host.world().begin_process();
        let lines = SECOND.replace("env=2", &format!("env={env}"));
        run(&host, &Want::Apply(Stack::new(&lines))).done();
    }
    assert_eq!(generations(&host), [3, 4, 5]);
    assert_eq!(names(&host), expected(&[3, 4, 5]));
    host.world().podman.images.insert("localhost/stackwright/shop-2/db:1".into(), "id-a".into());
    host.world().begin_process();
    run(&host, &Want::Remove).done();
    assert_eq!(names(&host).into_iter().collect::<Vec<_>>(), ["localhost/stackwright/shop-2/db:1"]);
}

#[test]
fn what_a_start_fetched_is_what_is_kept() {
    let mut world = bare();
    world.podman.registry.insert("web:1".to_owned(), "id-web-later".to_owned());
    let host = Simulated::of(world);
    run(&host, &Want::Apply(Stack::new("web.container pull=newer"))).done();
    assert_eq!(images(&host)["web"], "id-web-later");
    let kept = pins(&host.world());
    assert_eq!(kept["localhost/stackwright/shop/web:1"], "id-web-later");
}

/// Runs the way back to the first generation, and one to a third, with a trouble at every
/// operation.
fn sweep(trouble: impl Fn(usize) -> Trouble) {
    let third = Stack::new(&SECOND.replace("env=2", "env=3 does:exits"));
    let second = Stack::new(SECOND);
    let cases = [(Want::Rollback(1), Stack::new(FIRST)), (Want::Apply(third.clone()), third)];
    for (want, new) in cases {
        let case = Case {
            name: "images",
            world: moved(),
            want,
            old: Some(second.clone()),
            new: Some(new.clone()),
        };
        for place in 1.. {
            let Some((host, result)) = case.run(trouble(place), place) else { break };
            let operation = host.world().done[place - 1].clone();
            // A second trouble on the way back is one too many.
            if matches!(result.outcome, Ok(Outcome::NotRestored { .. })) {
                continue;
            }
            let recovery = Case::recover(&host).unwrap();
            let told = format!("{operation}\n{}\n{}", result.brief(), recovery.brief());
            let found = which(&host, &[Some(&second), Some(&new)]).expect(&told);
            let name = host.world().podman.images["db:1"].clone();
            match found {
                0 => assert_eq!((images(&host), &*name), (before(), "id-db-later"), "{told}"),
                _ => assert_eq!((images(&host), &*name), (after(), "id-db"), "{told}"),
            }
            // What could not be let go is let go the next time.
            if !result.notes().is_empty() {
                host.world().begin_process();
                run(&host, &Want::Apply(Stack::new(&SECOND.replace("env=2", "env=9")))).done();
            }
            check_pins(&host, &told);
        }
    }
}

/// What is kept is of generations that are there.
fn check_pins(host: &Simulated, told: &str) {
    let generations = generations(host);
    let world = host.world();
    for name in pins(&world).into_keys() {
        let number = pin::generation_of("shop", &name).unwrap();
        assert!(generations.contains(&number), "{name} is left\n{told}");
    }
    let first = &world.podman.images["localhost/stackwright/shop/db:1"];
    assert_eq!(first, "id-db", "{told}");
}

#[test]
fn any_operation_may_fail_and_the_images_are_those_of_the_generation() {
    sweep(Trouble::FailsOnce);
}

#[test]
fn the_process_may_die_after_any_operation_and_the_images_are_those_of_the_generation() {
    sweep(Trouble::DiesAfter);
}

#[test]
fn the_process_may_die_before_any_operation_and_the_images_are_those_of_the_generation() {
    sweep(Trouble::DiesBefore);
}
