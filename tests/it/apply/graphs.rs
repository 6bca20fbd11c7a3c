//! Services that need each other in any way: each starts the moment that it can and never before,
//! stops behind those that need it, and where some fail all is as before.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::time::Duration;

use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use stackwright::apply::{Event, Outcome};

use super::driver::{Run, Want, run};
use super::failures::runs;
use super::host::{Simulated, World};
use super::manager::Told;
use super::stack::Stack;
use super::sweep::bare;
use super::whole::{bystanders, which};
use crate::support::is_thorough;

/// What a service waits for in another one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Condition {
    Started,
    Healthy,
    Completed,
}

#[derive(Debug, Clone)]
struct Service {
    /// It does something once, and is done.
    is_job: bool,
    ready: u64,
    stops: u64,
    needs: BTreeMap<usize, Condition>,
}

#[derive(Debug, Clone)]
struct Graph {
    services: Vec<Service>,
    at_once: usize,
}

fn name(place: usize) -> String {
    // The order of names says nothing about that of services.
    format!("s{:02}", place * 17 % 31)
}

fn service_of(place: usize) -> String {
    format!("{}.service", name(place))
}

impl Graph {
    /// The stack, where some services have another text and some of them do something else.
    fn stack(
        &self,
        version: u64,
        changed: &BTreeSet<usize>,
        does: &BTreeMap<usize, &str>,
    ) -> Stack {
        let mut lines = String::new();
        for (place, service) in self.services.iter().enumerate() {
            write!(lines, "{}.container image=app:1", name(place)).unwrap();
            for (other, condition) in &service.needs {
                let word = match condition {
                    Condition::Started => "wants",
                    Condition::Healthy | Condition::Completed => "needs",
                };
                write!(lines, " {word}={}", name(*other)).unwrap();
            }
            if service.is_job {
                lines.push_str(" job stays once");
            }
            if changed.contains(&place) {
                write!(lines, " env={version}").unwrap();
            }
            write!(lines, " does:ready={} stops={}", service.ready, service.stops).unwrap();
            if let Some(words) = does.get(&place) {
                write!(lines, " {words}").unwrap();
            }
            lines.push('\n');
        }
        Stack::new(&lines).with(|settings| {
            settings.max_parallel = self.at_once;
            settings.settle_seconds = if does.is_empty() { 0 } else { 5 };
        })
    }

    fn all(&self) -> BTreeSet<usize> {
        (0..self.services.len()).collect()
    }

    /// Those of some services and of all that need them so that they cannot run on.
    fn with_dependents(&self, some: &BTreeSet<usize>) -> BTreeSet<usize> {
        let mut all = some.clone();
        // A service needs only such as come before it.
        for (place, service) in self.services.iter().enumerate() {
            let mut needs = service.needs.iter();
            if needs.any(|(other, how)| *how != Condition::Started && all.contains(other)) {
                all.insert(place);
            }
        }
        all
    }
}

fn services() -> impl Strategy<Value = Vec<Service>> {
    let edge = (any::<prop::sample::Index>(), any::<bool>());
    let one =
        (prop::bool::weighted(0.2), 1_u64..900, 1_u64..300, prop::collection::vec(edge, 0..4));
    prop::collection::vec(one, 1..=30).prop_map(|drawn| {
        let mut services: Vec<Service> = Vec::new();
        for (place, (is_job, ready, stops, edges)) in drawn.into_iter().enumerate() {
            let mut needs = BTreeMap::new();
            for (other, is_healthy) in edges.into_iter().filter(|_| place > 0) {
                let other = other.index(place);
                let condition = match (services[other].is_job, is_healthy) {
                    (true, _) => Condition::Completed,
                    (_, true) => Condition::Healthy,
                    (_, false) => Condition::Started,
                };
                needs.insert(other, condition);
            }
            services.push(Service { is_job, ready, stops, needs });
        }
        services
    })
}

fn graphs() -> impl Strategy<Value = Graph> {
    (services(), prop_oneof![Just(0), 1_usize..6])
        .prop_map(|(services, at_once)| Graph { services, at_once })
}

/// When something happened to each service, the first time since a moment.
fn times(world: &World, told_as: Told, from: usize) -> BTreeMap<String, Duration> {
    let mut times = BTreeMap::new();
    for (at, told, unit) in world.manager.told.iter().skip(from) {
        if *told == told_as {
            times.entry(unit.clone()).or_insert(*at);
        }
    }
    times
}

/// Each of some services starts when all is up that it waits for among them, no sooner, and later
/// only while so many start as may.
fn started_in_time(
    graph: &Graph,
    world: &World,
    started: &BTreeSet<usize>,
    from: usize,
    first: Duration,
) -> TestCaseResult {
    let begins = times(world, Told::Begins, from);
    let ups = times(world, Told::Up, from);
    let spans: Vec<(Duration, Duration)> = started
        .iter()
        .map(|place| (begins[&service_of(*place)], ups[&service_of(*place)]))
        .collect();
    let busy = |at: Duration| spans.iter().filter(|(begin, up)| *begin <= at && at < *up).count();
    for place in started {
        let service = service_of(*place);
        let needs = graph.services[*place].needs.keys().filter(|other| started.contains(other));
        let can = needs.map(|other| ups[&service_of(*other)]).max().unwrap_or(first).max(first);
        let begin = begins[&service];
        prop_assert!(begin >= can, "{service} begins at {begin:?}, before {can:?}");
        if graph.at_once == 0 {
            prop_assert_eq!(begin, can, "{} begins late", service);
        }
        let mut moments = spans.iter().flat_map(|(begin, up)| [*begin, *up]);
        let is_full = |at: Duration| at < can || at >= begin || busy(at) >= graph.at_once;
        prop_assert!(moments.all(is_full), "{service} begins at {begin:?}, and can at {can:?}");
    }
    Ok(())
}

/// Nothing is told to start before it may, and no more at once than may. systemd itself can start
/// one more: what is wanted by something that is up is started with whatever needs that.
fn told_in_order(graph: &Graph, run: &Run) -> TestCaseResult {
    let mut up = BTreeSet::new();
    let starting = |event: &Event| match event {
        Event::Starting { service } => Some(service.clone()),
        _ => None,
    };
    let all: BTreeSet<String> = run.events.iter().filter_map(starting).collect();
    let mut under_way = 0;
    for event in &run.events {
        match event {
            Event::Starting { service } => {
                under_way += 1;
                prop_assert!(graph.at_once == 0 || under_way <= graph.at_once, "{}", run.brief());
                let place = (0..graph.services.len()).find(|place| service_of(*place) == *service);
                for other in graph.services[place.unwrap()].needs.keys() {
                    let other = service_of(*other);
                    let is_up = up.contains(&other) || !all.contains(&other);
                    prop_assert!(is_up, "{service} is told to start before {other} is up");
                }
            }
            Event::Ready { service, .. } => {
                under_way -= 1;
                up.insert(service.clone());
            }
            _ => {}
        }
    }
    Ok(())
}

/// Each of some services stops when all have stopped that wait for it.
fn stopped_in_order(
    graph: &Graph,
    world: &World,
    stopped: &BTreeSet<usize>,
    from: usize,
) -> TestCaseResult {
    let ends = times(world, Told::Ends, from);
    let downs = times(world, Told::Down, from);
    for place in stopped {
        for other in graph.services[*place].needs.keys().filter(|other| stopped.contains(other)) {
            let (down, ends) = (downs[&service_of(*place)], ends[&service_of(*other)]);
            let names = (service_of(*place), service_of(*other));
            prop_assert!(down <= ends, "{names:?}: {down:?} {ends:?}");
        }
    }
    Ok(())
}

fn brings_up_and_changes(graph: &Graph, changed: &BTreeSet<usize>) -> TestCaseResult {
    let host = Simulated::of(bare());
    let from = host.world().manager.told.len();
    let began = host.world().now;
    let stack = graph.stack(1, &graph.all(), &BTreeMap::new());
    let first = run(&host, &Want::Apply(stack.clone()));
    prop_assert!(matches!(first.outcome, Ok(Outcome::Done { .. })), "{}", first.brief());
    prop_assert_eq!(which(&host, &[Some(&stack)]), Ok(0));
    started_in_time(graph, &host.world(), &graph.all(), from, began)?;
    told_in_order(graph, &first)?;

    host.world().begin_process();
    let from = host.world().manager.told.len();
    let mut next = graph.stack(2, &graph.all(), &BTreeMap::new());
    for file in (0..graph.services.len()).filter(|place| !changed.contains(place)) {
        let file = format!("{}.container", name(file));
        next.set.units.insert(file.clone(), stack.set.units[&file].clone());
    }
    let second = run(&host, &Want::Apply(next.clone()));
    let is_over = matches!(second.outcome, Ok(Outcome::Done { .. } | Outcome::Nothing));
    prop_assert!(is_over, "{}", second.brief());
    prop_assert_eq!(which(&host, &[Some(&next)]), Ok(0));
    let touched = graph.with_dependents(changed);
    let expected: BTreeSet<String> = touched.iter().map(|place| service_of(*place)).collect();
    let begun: BTreeSet<String> = times(&host.world(), Told::Begins, from).into_keys().collect();
    prop_assert_eq!(begun, expected, "others start than must");
    stopped_in_order(graph, &host.world(), &touched, from)?;
    let world = host.world();
    let last = times(&world, Told::Down, from).into_values().max().unwrap_or_default();
    started_in_time(graph, &world, &touched, from, last)?;
    drop(world);
    told_in_order(graph, &second)
}

fn puts_back(
    graph: &Graph,
    changed: &BTreeSet<usize>,
    fails: &BTreeMap<usize, &str>,
) -> TestCaseResult {
    let host = Simulated::of(bare());
    let stack = graph.stack(1, &graph.all(), &BTreeMap::new());
    run(&host, &Want::Apply(stack.clone())).done();
    host.world().begin_process();
    let before = host.world().clone();
    let changed = changed.iter().chain(fails.keys()).copied().collect();
    let mut next = graph.stack(2, &graph.all(), fails);
    for file in (0..graph.services.len()).filter(|place| !BTreeSet::contains(&changed, place)) {
        let file = format!("{}.container", name(file));
        next.set.units.insert(file.clone(), stack.set.units[&file].clone());
    }
    let result = run(&host, &Want::Apply(next.clone()));
    let brief = result.brief();
    prop_assert!(matches!(result.outcome, Ok(Outcome::Restored(_))), "{brief}");
    prop_assert_eq!(which(&host, &[Some(&stack), Some(&next)]), Ok(0), "{}", brief);
    let world = host.world();
    prop_assert_eq!(bystanders(&before, true), bystanders(&world, true));
    let (old, new) = (runs(&before), runs(&world));
    let touched = graph.with_dependents(&changed);
    for place in graph.all().difference(&touched) {
        let service = service_of(*place);
        prop_assert_eq!(&old[&service], &new[&service], "{} need not follow", service);
    }
    Ok(())
}

fn some_of(count: usize, drawn: &[prop::sample::Index]) -> BTreeSet<usize> {
    drawn.iter().map(|one| one.index(count)).collect()
}

fn cases() -> ProptestConfig {
    let cases = if is_thorough() { 400 } else { 60 };
    ProptestConfig {
        max_shrink_iters: 300,
        failure_persistence: None,
        ..ProptestConfig::with_cases(cases)
    }
}

proptest! {
    #![proptest_config(cases())]

    #[test]
    fn each_starts_the_moment_that_it_can_and_stops_behind_those_that_need_it(
        graph in graphs(),
        changed in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        brings_up_and_changes(&graph, &some_of(graph.services.len(), &changed))?;
    }

    #[test]
    fn where_some_fail_all_is_as_before(
        graph in graphs(),
        changed in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        failing in prop::collection::vec(any::<prop::sample::Index>(), 1..4),
        hows in prop::collection::vec(
            prop::sample::select(&["exits", "never-ready", "dies=2000", "no-condition"][..]), 3),
    ) {
        let count = graph.services.len();
        let failing = some_of(count, &failing).into_iter().zip(hows).collect();
        puts_back(&graph, &some_of(count, &changed), &failing)?;
    }
}
