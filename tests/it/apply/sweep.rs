//! Every operation of every command fails once, or is the last one of its process.

use std::collections::BTreeMap;
use std::time::Duration;

use stackwright::apply::Outcome;

use super::driver::{Run, Want, run};
use super::host::{Simulated, Trouble, World};
use super::seeded;
use super::stack::Stack;
use super::whole::{bystanders, foreign, which};
use crate::support::is_thorough;

/// A command on a host that is prepared for it.
pub struct Case {
    pub name: &'static str,
    pub world: World,
    pub want: Want,
    pub old: Option<Stack>,
    pub new: Option<Stack>,
}

pub const FIRST: &str = "
    inner.network subnet=10.1.0.0/24
    data.volume
    db.container net=inner vol=data file=aaa/db.conf
    app.container net=inner needs=db
    web.container needs=app
    old.container net=inner
    lost.network
    job.service
    job.timer
    files/aaa/db.conf one
";

pub const SECOND: &str = "
    inner.network subnet=10.2.0.0/24
    data.volume options=x
    db.container net=inner vol=data file=bbb/db.conf
    app.container net=inner needs=db
    web.container needs=app env=2
    new.container needs=app image=new:2 net=fresh
    fresh.network
    job.service
    tick.timer
    files/bbb/db.conf two
";

/// A host with all images and somebody else's services.
pub fn bare() -> World {
    let mut world = World::new();
    for name in ["db", "app", "web", "old", "a", "b", "c", "d"] {
        world.podman.images.insert(format!("{name}:1"), format!("id-{name}"));
    }
    world.podman.registry.insert("new:2".to_owned(), "id-new".to_owned());
    foreign(&mut world);
    world
}

/// A host on which some stacks were applied one after the other.
pub fn after(stacks: &[&Stack]) -> World {
    let host = Simulated::of(bare());
    for stack in stacks {
        seeded::without(|| run(&host, &Want::Apply((*stack).clone()))).done();
        host.world().pass(Duration::from_secs(60));
        host.world().begin_process();
    }
    let world = host.world();
    world.clone()
}

pub fn cases() -> Vec<Case> {
    let (first, second) = (Stack::new(FIRST), Stack::new(SECOND));
    vec![
        Case {
            name: "first",
            world: bare(),
            want: Want::Apply(first.clone()),
            old: None,
            new: Some(first.clone()),
        },
        Case {
            name: "update",
            world: after(&[&first]),
            want: Want::Apply(second.clone()),
            old: Some(first.clone()),
            new: Some(second.clone()),
        },
        Case {
            name: "rollback",
            world: after(&[&first, &second]),
            want: Want::Rollback(1),
            old: Some(second.clone()),
            new: Some(first),
        },
        Case {
            name: "remove",
            world: after(&[&second]),
            want: Want::Remove,
            old: Some(second),
            new: None,
        },
    ]
}

impl Case {
    fn stacks(&self) -> [Option<&Stack>; 2] {
        [self.old.as_ref(), self.new.as_ref()]
    }

    /// Runs the command with a trouble; nothing where the trouble came too late to matter.
    pub fn run(&self, trouble: Trouble, place: usize) -> Option<(Simulated, Run)> {
        let host = Simulated::of(self.world.clone());
        host.world().trouble = trouble;
        let result = run(&host, &self.want);
        let reached = host.world().counts.operations >= place;
        reached.then_some((host, result))
    }

    /// Holds what must hold whenever a command has ended and the next one was called; tells whether
    /// there is the old or the new.
    pub fn check(&self, host: &Simulated, with_runs: bool) -> Result<usize, String> {
        let recovery = Self::recover(host)?;
        let found = which(host, &self.stacks())
            .map_err(|why| format!("{why}\nafter the recovery {}", recovery.brief()))?;
        let (before, after) = (&self.world, host.world().clone());
        same(&bystanders(before, with_runs), &bystanders(&after, with_runs))?;
        for volume in before.podman.volumes.keys() {
            if !after.podman.volumes.contains_key(volume) {
                return Err(format!("the volume {volume} is lost"));
            }
        }
        if is_turn(host.world().counts.operations, 5) {
            self.check_again(host).map_err(|why| format!("once more: {why}"))?;
        }
        Ok(found)
    }

    /// The same, where a run told which of the two is there.
    pub fn is_as_told(&self, host: &Simulated, told: usize) -> Result<(), String> {
        match self.check(host, true)? {
            found if found == told => Ok(()),
            found => Err(format!("{told} was told, and {found} is there")),
        }
    }

    pub fn recover(host: &Simulated) -> Result<Run, String> {
        host.world().begin_process();
        let recovery = run(host, &Want::Recover);
        match recovery.outcome {
            Ok(_) => Ok(recovery),
            Err(_) => Err(format!("the recovery fails: {}", recovery.brief())),
        }
    }

    /// The same command once more succeeds, and once more does nothing.
    fn check_again(&self, host: &Simulated) -> Result<(), String> {
        host.world().begin_process();
        let again = run(host, &self.want);
        if !matches!(again.outcome, Ok(Outcome::Done { .. } | Outcome::Nothing)) {
            return Err(again.brief());
        }
        match which(host, &self.stacks())? {
            1 => {}
            _ => return Err(format!("it does not help: {}", again.brief())),
        }
        host.world().begin_process();
        let third = run(host, &self.want);
        if third.outcome != Ok(Outcome::Nothing) {
            return Err(format!("there is still something to do: {}", third.brief()));
        }
        let world = host.world();
        match world.counts.changes() {
            0 => Ok(()),
            _ => Err(format!("it changes something: {:?}", world.done)),
        }
    }
}

fn same(before: &str, after: &str) -> Result<(), String> {
    let (before, after): (Vec<&str>, Vec<&str>) =
        (before.lines().collect(), after.lines().collect());
    let gone: Vec<&&str> = before.iter().filter(|line| !after.contains(line)).collect();
    let new: Vec<&&str> = after.iter().filter(|line| !before.contains(line)).collect();
    match gone.is_empty() && new.is_empty() {
        true => Ok(()),
        false => Err(format!("bystanders have changed: -{gone:?} +{new:?}")),
    }
}

/// What a run must have left, by its own word: the old, or the new.
fn promised(run: &Run) -> Result<usize, String> {
    match &run.outcome {
        Ok(Outcome::Done { .. } | Outcome::Nothing) => Ok(1),
        Ok(Outcome::Refused(_) | Outcome::Restored(_)) | Err(_) => Ok(0),
        Ok(Outcome::NotRestored { .. }) => Err(format!("this is too much: {}", run.brief())),
    }
}

/// Whether something that takes long is done this time: always where that is asked for.
pub fn is_turn(number: usize, each: usize) -> bool {
    number.is_multiple_of(each) || is_thorough()
}

/// What was tried and what went wrong, told all at once.
#[derive(Default)]
pub struct Tally {
    tried: BTreeMap<&'static str, usize>,
    wrong: Vec<String>,
}

impl Tally {
    pub fn note(&mut self, case: &Case, told: &dyn Fn() -> String, result: Result<(), String>) {
        *self.tried.entry(case.name).or_default() += 1;
        if let Err(why) = result {
            // What was seeded is caught by one complaint as well as by thousands.
            assert!(!seeded::is_any(), "{}: {}\n{why}", case.name, told());
            self.wrong.push(format!("{}: {}\n{why}", case.name, told()));
        }
    }

    #[track_caller]
    pub fn finish(self, what: &str) {
        println!("{what}: {:?}, together {}", self.tried, self.tried.values().sum::<usize>());
        let first: Vec<&String> = self.wrong.iter().take(4).collect();
        let first: String = first.into_iter().map(|one| format!("{one}\n\n")).collect();
        assert!(self.wrong.is_empty(), "{} went wrong, among them\n{first}", self.wrong.len());
    }
}

/// Runs all commands with a trouble at each of their operations; where time is short, at each so
/// many.
fn sweep(
    what: &str,
    each: usize,
    trouble: impl Fn(usize) -> Trouble,
    check: impl Fn(&Case, &Simulated, &Run) -> Result<(), String>,
) {
    let mut tally = Tally::default();
    for case in cases() {
        for place in (1..).filter(|place| is_turn(*place, each)) {
            let Some((host, run)) = case.run(trouble(place), place) else { break };
            let operation = host.world().done[place - 1].clone();
            let told = || format!("{what} {place}, {operation}: {}", run.brief());
            tally.note(&case, &told, check(&case, &host, &run));
        }
    }
    tally.finish(what);
}

#[test]
pub fn any_operation_may_fail_once() {
    sweep("failing once", 1, Trouble::FailsOnce, |case, host, run| {
        case.is_as_told(host, promised(run)?)
    });
}

#[test]
pub fn the_disk_may_be_full_from_any_operation_on() {
    sweep("full from", 2, Trouble::FullFrom, |case, host, run| {
        let promised = promised(run)?;
        let folder = host.world().places.stacks.join("shop");
        if !host.world().disk.is_folder(&folder) {
            return Ok(());
        }
        // Still without any room.
        let full = Trouble::FullFrom(0);
        host.world().begin_process();
        host.world().trouble = full;
        let recovery = super::driver::run(host, &Want::Recover);
        recovery.outcome.clone().map_err(|_| recovery.brief())?;
        case.is_as_told(host, promised)
    });
}

#[test]
pub fn all_operations_may_fail_from_any_on() {
    sweep("failing from", 3, Trouble::FailsFrom, |case, host, _| case.check(host, true).map(drop));
}

/// Stacks that are as small as they can be while everything happens to them.
pub fn small_cases() -> Vec<Case> {
    let first = Stack::new("inner.network subnet=1\n a.container net=inner\n b.container needs=a");
    let second = Stack::new(
        "inner.network subnet=2\n a.container net=inner\n c.container needs=a\n tick.timer",
    );
    let update = Case {
        name: "update",
        world: after(&[&first]),
        want: Want::Apply(second.clone()),
        old: Some(first),
        new: Some(second.clone()),
    };
    let remove = Case {
        name: "remove",
        world: after(&[&second]),
        want: Want::Remove,
        old: Some(second),
        new: None,
    };
    vec![update, remove]
}

#[test]
pub fn what_was_cut_short_is_gone_on_with_from_any_operation() {
    sweep("going on after", 1, Trouble::DiesAfter, |case, host, _| {
        let Want::Apply(stack) = &case.want else { return Ok(()) };
        let folder = host.world().places.stacks.join("shop");
        let is_begun = host.world().disk.entry(&folder.join("journal")).is_some();
        a_while(host);
        host.world().begin_process();
        let resumed = run(host, &Want::Resume(stack.clone()));
        let ends = match (&resumed.outcome, is_begun) {
            (Ok(Outcome::Done { .. }), true) | (Ok(Outcome::Nothing), false) => Ok(()),
            _ => Err(resumed.brief()),
        };
        ends?;
        match case.check(host, true) {
            Ok(1) => Ok(()),
            Ok(_) if !is_begun => Ok(()),
            Ok(_) => Err(format!("it is not there: {}", resumed.brief())),
            Err(why) => Err(format!("{why}\nafter {}", resumed.brief())),
        }
    });
}

#[test]
pub fn a_recovery_may_die_after_any_operation_and_the_next_one_ends_it() {
    let mut tally = Tally::default();
    for case in small_cases() {
        for place in 1.. {
            let Some((host, _)) = case.run(Trouble::DiesAfter(place), place) else { break };
            a_while(&host);
            let after = host.world().clone();
            for second in 1.. {
                if !is_turn(place + second, 7) {
                    continue;
                }
                let host = Simulated::of(after.clone());
                host.world().begin_process();
                host.world().trouble = Trouble::DiesAfter(second);
                let recovery = run(&host, &Want::Recover);
                if host.world().counts.operations < second {
                    break;
                }
                a_while(&host);
                let told = || format!("dying after {place} and {second}: {}", recovery.brief());
                tally.note(&case, &told, case.check(&host, true).map(drop));
            }
        }
    }
    tally.finish("dying twice");
}

/// What goes on on the host between a crash and the next command: nothing, or all that can.
pub fn a_while(host: &Simulated) {
    let mut world = host.world();
    if world.counts.operations.is_multiple_of(2) {
        world.pass(Duration::from_secs(20));
    }
}

fn dies(what: &str, each: usize, trouble: impl Fn(usize) -> Trouble) {
    sweep(what, each, trouble, |case, host, _| {
        a_while(host);
        case.check(host, true).map(drop)
    });
}

#[test]
pub fn the_process_may_die_before_any_operation() {
    dies("dying before", 4, Trouble::DiesBefore);
}

#[test]
pub fn the_process_may_die_within_any_operation() {
    dies("dying within", 2, Trouble::DiesWithin);
}

#[test]
pub fn the_process_may_die_after_any_operation() {
    dies("dying after", 1, Trouble::DiesAfter);
}

/// Numbers that look like chance and are the same in every run.
pub fn chance(mut seed: u64) -> impl FnMut() -> bool {
    move || {
        seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        seed >> 40 & 1 == 1
    }
}

fn power_cut(what: &str, is_lazy: bool, trouble: impl Fn(usize) -> Trouble) {
    let mut tally = Tally::default();
    for mut case in cases() {
        case.world.disk.is_lazy = is_lazy;
        for place in (1..).filter(|place| is_turn(*place, 3)) {
            let Some((host, run)) = case.run(trouble(place), place) else { break };
            let operation = host.world().done[place - 1].clone();
            let told = || format!("{what} {place}, {operation}: {}", run.brief());
            let after = host.world().clone();
            for seed in [0, 1, 2].into_iter().filter(|seed| is_turn(place + seed, 2)) {
                let host = Simulated::of(after.clone());
                let mut chance = chance((seed * 1000 + place) as u64);
                host.world().boot(|| match seed {
                    0 => false,
                    _ => chance(),
                });
                tally.note(&case, &told, case.check(&host, false).map(drop));
            }
        }
    }
    tally.finish(what);
}

#[test]
pub fn the_power_may_be_cut_within_any_operation() {
    power_cut("power cut within", false, Trouble::DiesWithin);
}

#[test]
pub fn the_power_may_be_cut_after_any_operation_on_a_disk_that_is_slow_to_keep_names() {
    power_cut("power cut after", true, Trouble::DiesAfter);
}
