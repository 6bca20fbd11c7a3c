//! Going on with what was cut short is cut short itself, or fails: whatever comes next, there is
//! the old or the new.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use stackwright::apply::secrets::{Origin, Source};
use stackwright::apply::{Event, Outcome, Step};
use stackwright::host::containers::SecretValue;
use stackwright::state::{Store, Verdict};

use super::driver::{How, Run, Want, run, run_how};
use super::host::{Simulated, Trouble, World};
use super::stack::Stack;
use super::sweep::{Case, Tally, a_while, bare, cases, chance, small_cases};
use super::whole::{bystanders, which};
use crate::support::is_thorough;

/// What comes after the second crash.
const NEXT: [Next; 4] = [Next::Recovers, Next::GoesOn, Next::Applies, Next::AppliesAnother];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Recovers,
    GoesOn,
    /// The same deployment is begun anew.
    Applies,
    /// A deployment of something else is.
    AppliesAnother,
}

fn third() -> Stack {
    Stack::new("inner.network subnet=3\n a.container net=inner env=3\n d.container needs=a")
}

/// Deployments that can be gone on with, those that are small before all.
fn deployments() -> Vec<Case> {
    let first = Stack::new("inner.network subnet=1\n a.container net=inner\n b.container needs=a");
    let anew = Case {
        name: "first",
        world: bare(),
        want: Want::Apply(first.clone()),
        old: None,
        new: Some(first),
    };
    let mut all = small_cases();
    all.push(anew);
    all.retain(|case| matches!(case.want, Want::Apply(_)));
    all
}

fn is_begun(host: &Simulated) -> bool {
    let world = host.world();
    world.disk.entry(&world.places.stacks.join("shop/journal")).is_some()
}

fn resume(case: &Case) -> Want {
    let Want::Apply(stack) = &case.want else { panic!("{} is not gone on with", case.name) };
    Want::Resume(stack.clone())
}

/// The hosts on which a deployment was cut short at any of its operations.
fn cut(case: &Case, trouble: impl Fn(usize) -> Trouble) -> impl Iterator<Item = (usize, World)> {
    let hosts = (1..).map_while(move |place| Some((place, case.run(trouble(place), place)?.0)));
    hosts.filter(|(_, host)| is_begun(host)).map(|(place, host)| {
        a_while(&host);
        let mut world = host.world();
        world.begin_process();
        (place, world.clone())
    })
}

/// Goes on with a trouble; nothing where that came too late to matter.
fn go_on(world: &World, want: &Want, trouble: Trouble, place: usize) -> Option<(Simulated, Run)> {
    let host = Simulated::of(world.clone());
    host.world().trouble = trouble;
    let result = run(&host, want);
    let reached = host.world().counts.operations >= place;
    reached.then_some((host, result))
}

/// What comes next does what it says, and nothing of what was before is left by half.
fn then(
    case: &Case,
    (host, before): (&Simulated, &Run),
    next: Next,
    with_runs: bool,
) -> Result<(), String> {
    // Without the journal nobody asks any more how far the way back came.
    let went_back = before.events.contains(&Event::Step { step: Step::Restore });
    let was_begun = is_begun(host);
    host.world().begin_process();
    if next == Next::AppliesAnother {
        return another(case, host, with_runs);
    }
    let want = match next {
        Next::Recovers | Next::AppliesAnother => Want::Recover,
        Next::GoesOn => resume(case),
        Next::Applies => case.want.clone(),
    };
    let result = run(host, &want);
    let told = |why: &str| format!("{why}\nafter {next:?} {}", result.brief());
    let expected = match (next, &result.outcome) {
        (Next::Recovers, Ok(Outcome::Nothing)) => usize::from(!was_begun),
        (Next::GoesOn, Ok(Outcome::Done { .. })) if was_begun => 1,
        (Next::GoesOn, Ok(Outcome::Nothing)) if !was_begun => 1,
        (Next::Applies, Ok(Outcome::Done { .. } | Outcome::Nothing)) => 1,
        _ => return Err(told("it is not done")),
    };
    match case.check(host, with_runs).map_err(|why| told(&why))? {
        found if found == expected || (went_back && !was_begun) => Ok(()),
        found => Err(told(&format!("{expected} is to be there, and {found} is"))),
    }
}

fn another(case: &Case, host: &Simulated, with_runs: bool) -> Result<(), String> {
    let third = third();
    let result = run(host, &Want::Apply(third.clone()));
    let told = |why: String| format!("{why}\nafter another {}", result.brief());
    if !matches!(result.outcome, Ok(Outcome::Done { .. })) {
        return Err(told("it is not done".to_owned()));
    }
    let stacks = [Some(&third), case.old.as_ref(), case.new.as_ref()];
    match which(host, &stacks).map_err(told)? {
        0 => strangers(case, host, with_runs).map_err(told),
        found => Err(told(format!("{found} is there"))),
    }
}

/// Nothing that is not of the stack has changed, and no volume is lost.
fn strangers(case: &Case, host: &Simulated, with_runs: bool) -> Result<(), String> {
    let (before, now) = (&case.world, host.world().clone());
    if bystanders(before, with_runs) != bystanders(&now, with_runs) {
        return Err("bystanders have changed".to_owned());
    }
    let lost = before.podman.volumes.keys().find(|name| !now.podman.volumes.contains_key(*name));
    lost.map_or(Ok(()), |name| Err(format!("the volume {name} is lost")))
}

/// Whether something is done this time. Two crashes in a row have far too many places to try them
/// all: every so many of them are tried, and more where there is time.
fn is_turn(number: usize, each: usize) -> bool {
    number.is_multiple_of(if is_thorough() { each } else { each * 3 })
}

/// What comes next, in turn.
fn nexts(turn: usize) -> impl Iterator<Item = Next> {
    NEXT.into_iter().enumerate().filter(move |(place, _)| is_turn(place + turn, 4)).map(|one| one.1)
}

/// Goes on after each crash, with a trouble at each operation of that.
fn twice(
    what: &str,
    (cases, each): (Vec<Case>, usize),
    trouble: impl Fn(usize) -> Trouble,
    check: impl Fn(&Case, &World, &Run, usize, &mut dyn FnMut(Result<(), String>)),
) {
    let mut tally = Tally::default();
    for case in cases {
        let want = resume(&case);
        for (place, world) in cut(&case, Trouble::DiesAfter) {
            for second in (1..).filter(|second| is_turn(place + second, each)) {
                let Some((host, run)) = go_on(&world, &want, trouble(second), second) else {
                    break;
                };
                let operation = host.world().done[second - 1].clone();
                let told = || {
                    let run = run.brief();
                    format!("{what} {second} after {place}, {operation}: {run}")
                };
                let now = host.world().clone();
                check(&case, &now, &run, place + second, &mut |result| {
                    tally.note(&case, &told, result);
                });
            }
        }
    }
    tally.finish(what);
}

/// The process dies while it goes on, and something comes next.
fn dies(what: &str, cases: (Vec<Case>, usize), trouble: impl Fn(usize) -> Trouble) {
    twice(what, cases, trouble, |case, world, run, turn, note| {
        for next in nexts(turn) {
            let host = Simulated::of(world.clone());
            a_while(&host);
            note(then(case, (&host, run), next, true));
        }
    });
}

#[test]
pub fn going_on_may_die_after_any_operation() {
    dies("going on dies after", (deployments(), 9), Trouble::DiesAfter);
}

#[test]
pub fn going_on_may_die_within_any_operation() {
    dies("going on dies within", (deployments(), 13), Trouble::DiesWithin);
}

#[test]
pub fn going_on_to_a_whole_stack_may_die_after_any_operation() {
    let mut all = cases();
    all.retain(|case| matches!(case.want, Want::Apply(_)));
    dies("going on to all dies after", (all, 61), Trouble::DiesAfter);
}

/// What a run must have left, by its own word: the old, or the new. One that could not even begin
/// leaves what was cut short to the next one, which puts it back.
fn promised(run: &Run) -> Result<usize, String> {
    match &run.outcome {
        Ok(Outcome::Done { .. }) => Ok(1),
        Ok(Outcome::Restored(_) | Outcome::Refused(_)) | Err(_) => Ok(0),
        _ => Err(format!("this is not to be: {}", run.brief())),
    }
}

fn keeps_its_word(case: &Case, host: &Simulated, run: &Run) -> Result<(), String> {
    case.is_as_told(host, promised(run)?)
}

/// What puts a deployment back dies, and it is gone on with.
#[test]
pub fn what_was_put_back_by_half_is_gone_on_with() {
    let mut tally = Tally::default();
    for case in deployments() {
        for (place, world) in cut(&case, Trouble::DiesAfter) {
            for (how, trouble) in
                [Trouble::DiesAfter as fn(usize) -> Trouble, Trouble::DiesWithin].iter().enumerate()
            {
                for second in (1..).filter(|second| is_turn(place + second + how, 23)) {
                    let recovers = go_on(&world, &Want::Recover, trouble(second), second);
                    let Some((host, run)) = recovers else { break };
                    a_while(&host);
                    let told = || format!("put back after {place} until {second}: {}", run.brief());
                    let result = then(&case, (&host, &run), Next::GoesOn, true);
                    tally.note(&case, &told, result);
                }
            }
        }
    }
    tally.finish("put back by half");
}

#[test]
pub fn any_operation_of_going_on_may_fail_once() {
    let trouble = Trouble::FailsOnce;
    twice("going on fails at", (deployments(), 11), trouble, |case, world, run, _, note| {
        note(keeps_its_word(case, &Simulated::of(world.clone()), run));
    });
}

#[test]
pub fn all_operations_of_going_on_may_fail_from_any_on() {
    let trouble = Trouble::FailsFrom;
    twice("going on fails from", (deployments(), 19), trouble, |case, world, _, turn, note| {
        for next in nexts(turn) {
            note(then_in_any_case(case, &Simulated::of(world.clone()), next));
        }
    });
}

/// What could not be put back is left to `recover --back`, which comes by itself here.
fn then_in_any_case(case: &Case, host: &Simulated, next: Next) -> Result<(), String> {
    host.world().begin_process();
    let want = match next {
        Next::Recovers => Want::Recover,
        Next::GoesOn => resume(case),
        Next::Applies => case.want.clone(),
        Next::AppliesAnother => return another(case, host, true),
    };
    let result = run(host, &want);
    case.check(host, true).map_err(|why| format!("{why}\nafter {next:?} {}", result.brief()))?;
    Ok(())
}

#[test]
pub fn the_disk_may_be_full_from_any_operation_of_going_on() {
    let trouble = Trouble::FullFrom;
    twice("going on is full from", (deployments(), 17), trouble, |case, world, run, _, note| {
        let host = Simulated::of(world.clone());
        host.world().begin_process();
        host.world().trouble = Trouble::FullFrom(0);
        let recovery = super::driver::run(&host, &Want::Recover);
        let recovered = recovery.outcome.clone().map(drop).map_err(|_| recovery.brief());
        note(recovered.and_then(|()| keeps_its_word(case, &host, run)));
    });
}

#[test]
pub fn any_service_may_fail_when_it_is_gone_on() {
    let mut tally = Tally::default();
    let mut ends = BTreeMap::new();
    let mut all = cases();
    all.retain(|case| matches!(case.want, Want::Apply(_)));
    all.extend(deployments());
    for case in &all {
        let services = |stack: &Stack| {
            let units = stack.set.units.keys().filter_map(|file| file.strip_suffix(".container"));
            units.map(|name| format!("{name}.service")).collect::<Vec<_>>()
        };
        for (place, world) in cut(case, Trouble::DiesAfter) {
            if !is_turn(place, 3) {
                continue;
            }
            for service in services(case.new.as_ref().unwrap()) {
                let fails = |world: &World| {
                    let mut world = world.clone();
                    let once = VecDeque::from(vec!["exits".to_owned()]);
                    world.manager.next.insert(service.clone(), once);
                    Simulated::of(world)
                };
                let host = fails(&world);
                let result = run(&host, &resume(case));
                let told = || format!("{service} fails after {place}: {}", result.brief());
                *ends.entry(result.outcome.as_ref().map(is_new).ok()).or_insert(0) += 1;
                host.world().manager.next.clear();
                tally.note(case, &told, keeps_its_word(case, &host, &result));
                // The way back from that is cut short too.
                let all = host.world().counts.operations;
                for second in (1..all).filter(|second| is_turn(place + second, 97)) {
                    let host = fails(&world);
                    host.world().trouble = Trouble::DiesAfter(second);
                    let result = run(&host, &resume(case));
                    host.world().manager.next.clear();
                    a_while(&host);
                    let told = || {
                        let brief = result.brief();
                        format!(
                            "{service} fails after {place}, and it dies after {second}: {brief}"
                        )
                    };
                    for next in nexts(place + second) {
                        let host = Simulated::of(host.world().clone());
                        tally.note(case, &told, then_in_any_case(case, &host, next));
                    }
                }
            }
        }
    }
    tally.finish("a service fails");
    println!("ends: {ends:?}");
    assert_eq!(ends.len(), 2, "both the old and the new: {ends:?}");
}

fn is_new(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Done { .. })
}

/// How many names are not kept yet, of which each may get lost.
fn unkept(world: &World) -> usize {
    let mut count = 0;
    world.clone().disk.lose_power(|| {
        count += 1;
        true
    });
    count
}

/// All that can be left of a host whose power is cut: each subset of what is not kept yet where
/// these are few, some of them where they are many.
fn without_power(world: &World, turn: usize) -> Vec<World> {
    const FEW: usize = 3;
    let unkept = unkept(world);
    let is_few = unkept <= FEW;
    let subsets = 0..if is_few { 1 << unkept } else { 1 << FEW };
    let subsets = subsets.filter(|subset| is_turn(turn + subset, 4));
    let booted = subsets.map(|subset| {
        let (mut world, mut place) = (world.clone(), 0);
        let mut chance = chance(subset as u64 * 1000 + turn as u64);
        world.boot(|| {
            place += 1;
            match subset {
                0 => false,
                _ if is_few => subset >> (place - 1) & 1 == 1,
                _ => chance(),
            }
        });
        world.begin_process();
        world
    });
    booted.collect()
}

/// The power is cut in a deployment, and again while it is gone on with.
fn power_cut(what: &str, is_lazy: bool, trouble: impl Fn(usize) -> Trouble + Copy) {
    let mut tally = Tally::default();
    for mut case in deployments() {
        case.world.disk.is_lazy = is_lazy;
        let want = resume(&case);
        for place in 1.. {
            let Some((host, _)) = case.run(trouble(place), place) else { break };
            let dead = host.world().clone();
            for world in without_power(&dead, place) {
                if !is_begun(&Simulated::of(world.clone())) {
                    continue;
                }
                for second in (1..).filter(|second| is_turn(place + second, 5)) {
                    let gone_on = go_on(&world, &want, trouble(second), second);
                    let Some((host, run)) = gone_on else { break };
                    let turn = place + second;
                    let told = || format!("{what} {place} and {second}: {}", run.brief());
                    let dead = host.world().clone();
                    for (world, next) in without_power(&dead, turn)
                        .into_iter()
                        .flat_map(|world| nexts(turn).map(move |next| (world.clone(), next)))
                    {
                        let host = Simulated::of(world);
                        let result = then(&case, (&host, &run), next, false);
                        tally.note(&case, &told, result);
                    }
                }
            }
        }
    }
    tally.finish(what);
}

#[test]
pub fn the_power_may_be_cut_within_any_operation_of_going_on() {
    power_cut("power cut within", false, Trouble::DiesWithin);
}

#[test]
pub fn the_power_may_be_cut_while_it_is_gone_on_on_a_disk_that_is_slow_to_keep_names() {
    power_cut("power cut after", true, Trouble::DiesAfter);
}

/// A stack of which a secret gets another value, and nothing else changes or something does.
fn with_secret(value: &str) -> How {
    let origin = Origin::Given(SecretValue(value.as_bytes().to_vec()));
    How { sources: vec![Source { name: "key".to_owned(), origin }], ..How::default() }
}

/// The values of the secrets that Podman has, and those that services run with.
fn secrets(world: &World) -> (Vec<(String, String)>, BTreeSet<String>) {
    let text = |value: &Vec<u8>| String::from_utf8(value.clone()).unwrap();
    let kept = world.podman.secrets.iter();
    let kept = kept.map(|(name, (_, value))| (name.clone(), text(value))).collect();
    let runs = ["a.service", "b.service"].map(|name| world.run_of(name).unwrap());
    (kept, runs.into_iter().map(|run| text(&run.secrets["key"])).collect())
}

#[test]
pub fn a_secret_has_one_value_however_often_it_is_cut_short() {
    let lines = "a.container secret=key\n b.container secret=key needs=a";
    let other = Stack::new(&lines.replace("needs=a", "needs=a env=2"));
    let host = Simulated::of(bare());
    run_how(&host, "shop", &Want::Apply(Stack::new(lines)), &with_secret("one")).done();
    host.world().begin_process();
    let before = host.world().clone();
    let mut ends = BTreeMap::new();
    for place in 1.. {
        let host = Simulated::of(before.clone());
        host.world().trouble = Trouble::DiesAfter(place);
        run_how(&host, "shop", &Want::Apply(other.clone()), &with_secret("two"));
        if host.world().counts.operations < place {
            break;
        }
        if !is_begun(&host) {
            continue;
        }
        a_while(&host);
        let world = host.world().clone();
        for second in (0..).filter(|second| is_turn(place + second, 3)) {
            let host = Simulated::of(world.clone());
            host.world().begin_process();
            host.world().trouble = Trouble::DiesAfter(second);
            let resume = Want::Resume(other.clone());
            let result = run_how(&host, "shop", &resume, &with_secret("two"));
            let is_over = host.world().counts.operations < second;
            for next in [Want::Recover, resume.clone()] {
                let host = Simulated::of(host.world().clone());
                host.world().begin_process();
                let last = run_how(&host, "shop", &next, &with_secret("two"));
                host.world().begin_process();
                run(&host, &Want::Recover).outcome.unwrap();
                let told = format!("{place} {second}: {} {}", result.brief(), last.brief());
                let found = which(&host, &[Some(&Stack::new(lines)), Some(&other)]);
                let found = found.unwrap_or_else(|why| panic!("{told}\n{why}"));
                let value = ["one", "two"][found].to_owned();
                let kept = vec![("key".to_owned(), value.clone())];
                assert_eq!(secrets(&host.world()), (kept, [value].into()), "{told}");
                *ends.entry(found).or_insert(0) += 1;
            }
            if second > 0 && is_over {
                break;
            }
        }
    }
    println!("old or new: {ends:?}");
    assert_eq!(ends.len(), 2, "{ends:?}");
}

#[test]
fn what_is_gone_on_with_is_remembered_once() {
    let case = deployments().remove(0);
    for (place, world) in cut(&case, Trouble::DiesAfter) {
        let places = world.places.clone();
        let entries = |host: &Simulated| {
            let known = Store::of(host, &places, "shop").history().unwrap();
            known.iter().map(|entry| entry.verdict).collect::<Vec<_>>()
        };
        for (next, verdict) in [(resume(&case), Verdict::Done), (Want::Recover, Verdict::Restored)]
        {
            let host = Simulated::of(world.clone());
            run(&host, &next);
            host.world().pass(Duration::from_secs(1));
            assert_eq!(entries(&host), [Verdict::Done, verdict], "{place}");
        }
    }
}
