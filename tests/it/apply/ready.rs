//! Services that run, and are asked whether they are ready.
//!
//! In memory a question to port N is answered rightly N milliseconds after the start, and one to
//! port 1 never.

use std::collections::BTreeSet;
use std::time::Duration;

use stackwright::apply::{Care, Event, Outcome, Step};
use stackwright::host::change::{Fault, Held};
use stackwright::host::probe::{Ask, Asked, Probe, Probes};
use stackwright::state::manifest::{OnFailure, Ready, Test};
use stackwright::state::{Met, Sought, Store};

use super::driver::{How, Want, run, run_how};
use super::host::Simulated;
use super::manager::Told;
use super::stack::Stack;
use super::sweep::{after, bare};
use super::whole::which;

/// The port that never answers.
const NEVER: u16 = 1;

struct Watching;

impl Held for Watching {}

impl Probes for Simulated {
    fn watch(&self, asked: &Asked, probes: &[Probe]) -> Result<Box<dyn Held>, Fault> {
        let answer = probes.iter().map(|probe| match &probe.ask {
            Ask::Port { port: NEVER } => (probe.timeout, false),
            Ask::Port { port } if u64::from(*port) > probe.timeout => (probe.timeout, false),
            Ask::Port { port } => (u64::from(*port), true),
            other => panic!("nobody answers {other:?} in memory"),
        });
        let first_wrong = answer.clone().find(|(_, right)| !right);
        let (milliseconds, right) = first_wrong.or(answer.max()).unwrap();
        let at = asked.began + Duration::from_millis(milliseconds);
        self.asks(&asked.service, at, right)?;
        Ok(Box::new(Watching))
    }
}

/// A stack in which services are asked; each with its port, and the services that wait for it.
fn asking(lines: &str, asked: &[(&str, u16, &[&str])]) -> Stack {
    let ready = asked.iter().map(|(name, port, waiting)| {
        let probe = Probe { ask: Ask::Port { port: *port }, timeout: 5_000, interval: Some(50) };
        let awaited_by: BTreeSet<String> =
            waiting.iter().map(|name| format!("{name}.service")).collect();
        let ready = Ready {
            container: (*name).to_owned(),
            probes: vec![probe],
            awaited_by,
            by_unit: false,
        };
        (format!("{name}.service"), ready)
    });
    Stack::new(lines).with(|settings| settings.ready = ready.collect())
}

/// A service, one that waits until it is ready, and one that waits until it runs.
const THREE: &str = "
    db.container does:ready=100
    web.container needs=db
    d.container needs=db
";

/// When a service was told to start.
fn began(host: &Simulated, service: &str) -> Duration {
    let told = &host.world().manager.told;
    told.iter().find(|(_, told, name)| *told == Told::Begins && name == service).unwrap().0
}

#[test]
fn who_waits_for_ready_waits_for_the_answer_and_others_do_not() {
    let host = Simulated::of(bare());
    let stack = asking(THREE, &[("db", 900, &["web"])]);
    let result = run(&host, &Want::Apply(stack.clone()));
    result.done();
    assert_eq!(which(&host, &[Some(&stack)]), Ok(0));
    let db = began(&host, "db.service");
    let after = |name| began(&host, name).saturating_sub(db).as_millis();
    assert_eq!((after("d.service"), after("web.service")), (100, 900));
    let ready = result.events.iter().find_map(|event| match event {
        Event::Ready { service, milliseconds } if service == "db.service" => Some(*milliseconds),
        _ => None,
    });
    assert_eq!(ready, Some(900), "{}", result.brief());
    let asked = |event: &&Event| matches!(event, Event::Asking { .. });
    assert_eq!(result.events.iter().filter(asked).count(), 1);
    host.world().begin_process();
    assert_eq!(run(&host, &Want::Apply(stack)).outcome, Ok(Outcome::Nothing));
}

#[test]
fn who_is_never_ready_is_told_with_its_last_answer_and_all_is_put_back() {
    for before in [None, Some(asking(THREE, &[("db", 200, &["web"])]))] {
        let world = before.as_ref().map_or_else(bare, |before| after(&[before]));
        let host = Simulated::of(world);
        let lines = THREE.replace("db.container", "db.container env=1");
        let stack = asking(&lines, &[("db", NEVER, &["web"])]);
        let result = run(&host, &Want::Apply(stack.clone()));
        let failure = result.restored();
        assert_eq!((failure.step, failure.service.as_deref()), (Step::Start, Some("db.service")));
        assert!(failure.why.ends_with("not ready in time: nobody listens"), "{}", failure.why);
        assert_eq!(which(&host, &[before.as_ref(), Some(&stack)]), Ok(0), "{}", result.brief());
    }
}

#[test]
fn who_ends_while_it_is_asked_is_told_at_once() {
    let host = Simulated::of(bare());
    let lines = THREE.replace("ready=100", "ready=100 dies=300");
    let stack = asking(&lines, &[("db", 4_000, &["web"])]);
    let result = run(&host, &Want::Apply(stack.clone()));
    assert!(result.restored().why.starts_with("it was up and then ended"), "{}", result.brief());
    assert_eq!(which(&host, &[None, Some(&stack)]), Ok(0));
}

#[test]
fn no_answer_lasts_longer_than_the_whole_stack_may_take() {
    let host = Simulated::of(bare());
    let stack = asking(THREE, &[("db", 4_000, &["web"])]);
    let stack = stack.with(|settings| settings.total_seconds = Some(2));
    let result = run(&host, &Want::Apply(stack.clone()));
    assert_eq!(result.restored().why, "the time for the whole stack is up");
    assert_eq!(which(&host, &[None, Some(&stack)]), Ok(0));
}

#[test]
fn the_way_back_waits_for_answers_too() {
    let old = asking(THREE, &[("db", 700, &["web"])]);
    let host = Simulated::of(after(&[&old]));
    let lines = THREE.replace("db.container", "db.container env=1");
    let stack = asking(&lines, &[("db", NEVER, &["web"])]);
    let result = run(&host, &Want::Apply(stack));
    result.restored();
    let world = host.world();
    let last = |name: &str, what| {
        let told = world.manager.told.iter().rev();
        told.clone().find(|(_, told, of)| *told == what && of == name).unwrap().0
    };
    let waited = last("web.service", Told::Begins).saturating_sub(last("db.service", Told::Begins));
    assert_eq!(waited, Duration::from_millis(700), "{}", result.brief());
}

/// Which services are known to be ready in the runs that they are in.
fn known(host: &Simulated, stack: &Stack) -> Vec<String> {
    let places = host.world().places.clone();
    let runs = stack.settings.ready.iter().filter_map(|(service, ready)| {
        let run = host.world().run_of(service)?.invocation.clone();
        let met = Met { run, asked: ready.mark() };
        Some((service.clone(), Sought { met, since: 0 }))
    });
    let known = Store::of(host, &places, "shop").met(&runs.collect()).unwrap();
    known.into_iter().collect()
}

#[test]
fn who_was_ready_is_known_for_as_long_as_it_runs() {
    let stack = asking(THREE, &[("db", 200, &["web"]), ("d", 300, &[])]);
    let host = Simulated::of(bare());
    run(&host, &Want::Apply(stack.clone())).done();
    assert_eq!(known(&host, &stack), ["d.service", "db.service"]);
    host.world().begin_process();
    // What another apply leaves alone is as ready as before, and what it starts again is asked.
    let changed = asking(
        &THREE.replace("d.container", "d.container env=2"),
        &[("db", 200, &["web"]), ("d", 300, &[])],
    );
    run(&host, &Want::Apply(changed.clone())).done();
    assert_eq!(known(&host, &changed), ["d.service", "db.service"]);
    // Whoever else starts it asks nothing.
    let mut world = host.world();
    world.order_stop("d.service").unwrap();
    world.pass(Duration::from_secs(5));
    world.order_start("d.service").unwrap();
    world.pass(Duration::from_secs(5));
    drop(world);
    assert_eq!(known(&host, &changed), ["db.service"]);
    // Other questions have no answers yet, and nothing restarts for them.
    host.world().begin_process();
    let other = changed.with(|all| {
        let probe = Probe { ask: Ask::Port { port: 100 }, timeout: 5_000, interval: Some(50) };
        all.ready.get_mut("db.service").unwrap().probes = vec![probe];
    });
    run(&host, &Want::Apply(other.clone())).done();
    assert_eq!(known(&host, &other), [""; 0]);
}

#[test]
fn who_is_put_back_or_left_is_known_to_be_ready_too() {
    let old = asking(THREE, &[("db", 200, &["web"])]);
    let lines = THREE.replace("db.container", "db.container env=1");
    let stack = asking(&lines, &[("db", 300, &["web"]), ("web", NEVER, &[])]);
    let host = Simulated::of(after(&[&old]));
    run(&host, &Want::Apply(stack.clone())).restored();
    assert_eq!(known(&host, &old), ["db.service"]);
    let stack = stack.with(|all| all.on_failure = OnFailure::Leave);
    host.world().begin_process();
    run(&host, &Want::Apply(stack.clone())).not_restored();
    assert_eq!(known(&host, &stack), ["db.service"]);
    // Nobody who is not waited for is asked.
    let host = Simulated::of(bare());
    let how = How { manner: Care::NoWait.into(), ..How::default() };
    run_how(&host, "shop", &Want::Apply(old.clone()), &how).done();
    host.world().pass(Duration::from_secs(5));
    assert_eq!(known(&host, &old), [""; 0]);
}

#[test]
fn whose_unit_asks_is_asked_by_nobody_else() {
    let host = Simulated::of(bare());
    let stack = asking(THREE, &[("db", NEVER, &["web"])])
        .with(|all| all.ready.get_mut("db.service").unwrap().by_unit = true);
    let result = run(&host, &Want::Apply(stack.clone()));
    result.done();
    assert!(!result.events.iter().any(|event| matches!(event, Event::Asking { .. })));
}

/// A test of a service: its port answers after so many milliseconds, or never.
fn test(name: &str, service: &str, port: u16) -> Test {
    let probe = Probe { ask: Ask::Port { port }, timeout: 2_000, interval: Some(50) };
    let (name, container) = (name.to_owned(), service.to_owned());
    Test { name, service: format!("{service}.service"), container, probe, is_implied: false }
}

#[test]
fn what_does_not_work_is_put_back_although_all_is_up() {
    let old = Stack::new(THREE).with(|all| all.tests = vec![test("it sells", "web", 100)]);
    for before in [None, Some(&old)] {
        let world = before.map_or_else(bare, |before| after(&[before]));
        let lines = THREE.replace("web.container", "web.container env=2");
        let stack = Stack::new(&lines).with(|all| {
            let implied = Test { is_implied: true, ..test("it finds db", "web", NEVER) };
            // What is not installed is not asked.
            let other = test("it mails", "mail", NEVER);
            all.tests =
                vec![implied, other, test("it keeps", "db", 200), test("it sells", "web", 1)];
        });
        let host = Simulated::of(world.clone());
        let result = run(&host, &Want::Apply(stack.clone()));
        let failure = result.restored();
        assert_eq!((failure.step, failure.service.as_deref()), (Step::Test, Some("web.service")));
        assert_eq!(failure.why, "the test `it sells` failed: nobody listens");
        let passed = |event: &Event| match event {
            Event::Passed { test } => Some(test.clone()),
            _ => None,
        };
        let passed: Vec<String> = result.events.iter().filter_map(passed).collect();
        assert_eq!(passed, ["it keeps"]);
        assert_eq!(which(&host, &[before, Some(&stack)]), Ok(0), "{}", result.brief());
        // Who wants to look for themselves keeps what is up.
        let stack = stack.with(|all| all.on_failure = OnFailure::Leave);
        let host = Simulated::of(world);
        run(&host, &Want::Apply(stack.clone())).not_restored();
        assert_eq!(which(&host, &[before, Some(&stack)]), Ok(1));
    }
}
