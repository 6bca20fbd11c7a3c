//! A secret that gets another value, and the services that take it: all have the same one,
//! whatever fails and whenever the process dies.

use std::collections::BTreeSet;

use stackwright::apply::Outcome;
use stackwright::apply::secrets::{Origin, Source};
use stackwright::host::containers::SecretValue;

use super::driver::{How, Run, Want, run_how};
use super::host::{Simulated, Trouble, World};
use super::stack::Stack;
use super::sweep::{Case, bare};
use super::whole::which;

const LINES: &str = "
    db.container secret=key
    app.container secret=key needs=db
    web.container secret=other
";

/// Applies a stack with a value for its secret.
fn apply(host: &Simulated, lines: &str, value: &str) -> Run {
    let source = |name: &str, value: &str| Source {
        name: name.to_owned(),
        origin: Origin::Given(SecretValue(value.as_bytes().to_vec())),
    };
    let sources = vec![source("key", value), source("other", "stays")];
    let how = How { sources, ..How::default() };
    run_how(host, "shop", &Want::Apply(Stack::new(lines)), &how)
}

fn first() -> World {
    let host = Simulated::of(bare());
    apply(&host, LINES, "one").done();
    host.world().begin_process();
    let world = host.world();
    world.clone()
}

/// The values that services run with and that Podman has; there must be one only.
fn values(world: &World) -> BTreeSet<String> {
    let runs = ["db.service", "app.service"].map(|name| world.run_of(name).unwrap());
    let values = runs.into_iter().map(|run| run.secrets["key"].clone());
    let values = values.chain([world.podman.secrets["key"].1.clone()]);
    values.map(|value| String::from_utf8(value).unwrap()).collect()
}

fn names(world: &World) -> Vec<String> {
    world.podman.secrets.keys().cloned().collect()
}

#[test]
fn another_value_restarts_those_that_take_it() {
    let host = Simulated::of(first());
    let web = host.world().run_of("web.service").unwrap().invocation.clone();
    apply(&host, LINES, "two").done();
    assert_eq!(values(&host.world()), BTreeSet::from(["two".to_owned()]));
    assert_eq!(host.world().run_of("web.service").unwrap().invocation, web);
    assert_eq!(names(&host.world()), ["key", "other"]);
    host.world().begin_process();
    assert_eq!(apply(&host, LINES, "two").outcome, Ok(Outcome::Nothing));
}

#[test]
fn a_value_with_which_nothing_comes_up_goes_back_with_all_else() {
    let host = Simulated::of(first());
    let broken = LINES.replace("needs=db", "needs=db does:exits");
    apply(&host, &broken, "two").restored();
    assert_eq!(values(&host.world()), BTreeSet::from(["one".to_owned()]));
    assert_eq!(names(&host.world()), ["key", "other"]);
}

/// Gives the secret another value, alone or with another unit, with a trouble at every operation.
fn sweep(trouble: impl Fn(usize) -> Trouble) {
    let world = first();
    for lines in [LINES, &LINES.replace("needs=db", "needs=db env=2")] {
        for place in 1.. {
            let host = Simulated::of(world.clone());
            host.world().trouble = trouble(place);
            let result = apply(&host, lines, "two");
            if host.world().counts.operations < place {
                break;
            }
            let operation = host.world().done[place - 1].clone();
            let recovery = Case::recover(&host).unwrap();
            let told = format!("{operation}\n{}\n{}", result.brief(), recovery.brief());
            let stacks = [Stack::new(LINES), Stack::new(lines)];
            which(&host, &[Some(&stacks[0]), Some(&stacks[1])]).expect(&told);
            assert_eq!(values(&host.world()).len(), 1, "{told}");
            for expected in ["done", "nothing"] {
                host.world().begin_process();
                let again = apply(&host, lines, "two");
                let brief = again.brief();
                let had_done = matches!(again.outcome, Ok(Outcome::Nothing));
                assert!(brief.ends_with(expected) || had_done, "{told}\n{brief}");
                assert_eq!(values(&host.world()), BTreeSet::from(["two".to_owned()]), "{told}");
            }
            assert_eq!(names(&host.world()), ["key", "other"], "{told}");
        }
    }
}

#[test]
fn any_operation_may_fail_and_all_have_one_value() {
    sweep(Trouble::FailsOnce);
}

#[test]
fn the_process_may_die_after_any_operation_and_all_have_one_value() {
    sweep(Trouble::DiesAfter);
}

#[test]
fn the_process_may_die_before_any_operation_and_all_have_one_value() {
    sweep(Trouble::DiesBefore);
}
