//! Carrying out a plan so that afterwards all is new, or all is as it was.
//!
//! Everything that changes a host is in one transaction: a journal says what is about to be done
//! before anything is touched, and the next run of any command puts back what a crash cut short.

use std::collections::BTreeMap;
use std::time::Duration;

pub mod event;
pub mod links;
pub mod pull;
pub mod rehearse;
pub mod restore;
pub mod secrets;
pub mod start;
pub mod steps;

pub use event::{Event, Failure, Outcome, Step};
pub use restore::recover;
pub use steps::Care;

use crate::host::change::{Fault, HookCall, Host};
use crate::observe::{dependents, states};
use crate::plan::{Plan, facts};
use crate::state::{
    Entry, FileSet, Generation, Journal, Manifest, Phase, Places, Settings, Store, Verdict,
    manifest::OnFailure,
};
use crate::unit_file::facts::Facts;
use event::at;
use steps::Steps;

/// How long a command of the stack may take.
const HOOK_TIME: Duration = Duration::from_secs(600);

/// A stack on a host, whose lock is held.
#[derive(Clone, Copy)]
pub struct Scene<'a> {
    /// The host.
    pub host: Host<'a>,
    /// Its folders.
    pub places: &'a Places,
    /// What is kept about the stack.
    pub store: &'a Store<'a>,
    /// Its name.
    pub stack: &'a str,
    /// Who is told what happens.
    pub tell: &'a dyn Fn(&Event),
}

/// What is to be in use afterwards.
#[derive(Clone, Copy)]
pub enum Target<'t> {
    /// Files that are not installed yet.
    New(&'t FileSet, &'t Manifest),
    /// Files that were installed before.
    Kept(&'t Generation),
    /// Nothing.
    Nothing,
}

impl<'t> Target<'t> {
    fn set(self) -> Option<(&'t FileSet, &'t Settings)> {
        match self {
            Self::New(set, manifest) => Some((set, &manifest.settings)),
            Self::Kept(generation) => Some((&generation.set, &generation.manifest.settings)),
            Self::Nothing => None,
        }
    }
}

/// Carries out a plan that was made just now, and puts all back when that fails.
pub fn apply(
    scene: &Scene<'_>,
    plan: &Plan,
    from: Option<&Generation>,
    target: Target<'_>,
    secrets: &secrets::Settled,
    care: Care,
) -> Outcome {
    if plan.is_empty() {
        return Outcome::Nothing;
    }
    let began = scene.host.machine.now();
    let settings = target.set().map(|(_, settings)| settings);
    let settings = settings.or(from.map(|from| &from.manifest.settings)).cloned();
    let settings = settings.unwrap_or_default();
    let journal = match prepare(scene, plan, from, target, &settings, secrets, care) {
        Ok(journal) => journal,
        Err(failure) => {
            (scene.tell)(&Event::Failed { failure: failure.clone() });
            return Outcome::Refused(failure);
        }
    };
    let empty = FileSet::default();
    let steps = Steps {
        host: scene.host,
        places: scene.places,
        store: scene.store,
        plan,
        from: from.map_or(&empty, |from| &from.set),
        to: target.set().map_or(&empty, |(set, _)| set),
        to_name: journal.to.as_ref(),
        others: &journal.others.keys().cloned().collect::<Vec<_>>(),
        kept_networks: &BTreeMap::new(),
        settings: &settings,
        care,
        tell: scene.tell,
    };
    let mut entry = Entry::of(&journal, Verdict::Done);
    let result = steps.carry_out();
    let took = scene.host.machine.now().saturating_sub(began);
    entry.milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let result = result.and_then(|services| {
        entry.services = services;
        run_hooks(scene, Step::After, &settings.after, &settings, plan);
        commit(scene, &entry, settings.keep.max(1))
    });
    match result {
        Ok(()) => Outcome::Done { generation: journal.to, took },
        Err(failure) => failed(scene, plan, entry, failure, &settings),
    }
}

/// All that can be done without changing anything that runs, and the journal at its end.
fn prepare(
    scene: &Scene<'_>,
    plan: &Plan,
    from: Option<&Generation>,
    target: Target<'_>,
    settings: &Settings,
    secrets: &secrets::Settled,
    care: Care,
) -> Result<Journal, Failure> {
    let runs = care != Care::OnlyInstall;
    if runs && !plan.pull.is_empty() {
        (scene.tell)(&Event::Step { step: Step::Pull });
        pull::pull(scene.host, &plan.pull, scene.tell)?;
    }
    for command in &settings.before {
        run_hook(scene, command, settings, plan).map_err(|fault| {
            Failure::at(Step::Before, format!("the stack's own check: {fault}"))
        })?;
    }
    if scene.host.machine.interrupted() {
        return Err(Failure::interrupted(Step::Before));
    }
    let (to, is_fresh) = match target {
        Target::Nothing => (None, false),
        Target::Kept(generation) => (Some(generation.name.clone()), false),
        Target::New(..) if !plan.installs => (from.map(|from| from.name.clone()), false),
        Target::New(set, manifest) => {
            (scene.tell)(&Event::Step { step: Step::Stage });
            (Some(scene.store.stage(set, manifest).map_err(at(Step::Stage))?), true)
        }
    };
    let mut journal = Journal::new(plan.action, from.map(|from| from.name.clone()), to);
    (journal.is_fresh, journal.only_installs) = (is_fresh, !runs);
    let begun = begin(scene, plan, from, target, secrets, &mut journal);
    if let (Err(_), Some(name), true) = (&begun, &journal.to, is_fresh) {
        // Why it failed is told; what stays is swept away another time.
        drop(scene.store.discard(name));
    }
    begun.map(|()| journal)
}

/// The last look before anything changes, which is written down.
fn begin(
    scene: &Scene<'_>,
    plan: &Plan,
    from: Option<&Generation>,
    target: Target<'_>,
    secrets: &secrets::Settled,
    journal: &mut Journal,
) -> Result<(), Failure> {
    let empty = FileSet::default();
    let new = facts(target.set().map_or(&empty, |(set, _)| set));
    journal.began = scene.host.machine.wall_time();
    journal.user = scene.host.machine.user();
    if !journal.only_installs {
        if let (Some(name), true) = (&journal.to, plan.installs) {
            let folder = match journal.is_fresh {
                true => scene.store.staged_folder(name),
                false => scene.store.generation_folder(name),
            };
            let old = from.map(|from| facts(&from.set)).unwrap_or_default();
            let own = old.into_keys().chain(new.keys().cloned()).collect();
            rehearse::rehearse(scene.host, scene.places, &folder.join("units"), &new, &own)?;
        }
        secrets.store(scene.host, scene.stack).map_err(at(Step::Stage))?;
        snapshot(scene, plan, from, &new, journal).map_err(at(Step::Stage))?;
    }
    scene.store.begin(journal).map_err(at(Step::Stage))
}

/// Notes what runs and what is there, to be able to have it again.
fn snapshot(
    scene: &Scene<'_>,
    plan: &Plan,
    from: Option<&Generation>,
    new: &BTreeMap<String, Facts>,
    journal: &mut Journal,
) -> Result<(), Fault> {
    let old = from.map(|from| facts(&from.set)).unwrap_or_default();
    for (name, state) in states(scene.host, &old.into_keys().collect())? {
        if !state.runs() && state.is_up() {
            journal.trying.insert(name.clone());
        }
        if state.is_up() {
            journal.active.insert(name, state.invocation);
        }
    }
    let stopped: Vec<&String> = plan.stop_first.iter().chain(&plan.stop).collect();
    for (name, state) in states(scene.host, &dependents(scene.host, &stopped)?)? {
        if state.runs() && !stopped.contains(&&name) && !new.contains_key(&name) {
            journal.others.insert(name, state.invocation);
        }
    }
    let networks = scene.host.containers.networks()?.into_iter();
    journal.networks = networks.map(|network| (network.name, network.version)).collect();
    Ok(())
}

/// The end of what was done: from here on nothing is put back.
fn commit(scene: &Scene<'_>, entry: &Entry, keep: usize) -> Result<(), Failure> {
    scene.store.reached(Phase::Committed).map_err(at(Step::Tidy))?;
    (scene.tell)(&Event::Step { step: Step::Tidy });
    if let Err(fault) = restore::finish(scene, entry, None, keep) {
        // The next run of any command goes on with that.
        (scene.tell)(&Event::Note { text: format!("all is up, but tidying up failed: {fault}") });
    }
    Ok(())
}

/// What becomes of a failure, by the will of the stack.
fn failed(
    scene: &Scene<'_>,
    plan: &Plan,
    mut entry: Entry,
    failure: Failure,
    settings: &Settings,
) -> Outcome {
    (scene.tell)(&Event::Failed { failure: failure.clone() });
    entry.cause = Some(match &failure.service {
        Some(service) => format!("{service}: {}", failure.why),
        None => failure.why.clone(),
    });
    if settings.preserve_logs {
        entry.log.clone_from(&failure.log);
    }
    // Before services are started there is nothing to leave that anybody could use.
    let can_stay = matches!(failure.step, Step::Start | Step::Settle) && !failure.interrupted;
    if settings.on_failure == OnFailure::Leave && can_stay {
        entry.verdict = Verdict::NotRestored;
        let down = restore::down(scene, &plan.start).unwrap_or_else(|_| plan.start.clone());
        let failure = Failure { down, ..failure };
        return match commit(scene, &entry, settings.keep.max(1)) {
            Ok(()) => Outcome::NotRestored { failure, why: None },
            Err(why) => Outcome::NotRestored { failure, why: Some(why) },
        };
    }
    let outcome = match restore::restore(scene, Some(&entry)) {
        Ok(()) => Outcome::Restored(failure),
        Err(why) => Outcome::NotRestored { failure, why: Some(why) },
    };
    run_hooks(scene, Step::After, &settings.after_failure, settings, plan);
    outcome
}

fn run_hooks(
    scene: &Scene<'_>,
    step: Step,
    commands: &[Vec<String>],
    settings: &Settings,
    plan: &Plan,
) {
    if !commands.is_empty() {
        (scene.tell)(&Event::Step { step });
    }
    for command in commands {
        if let Err(fault) = run_hook(scene, command, settings, plan) {
            (scene.tell)(&Event::Note { text: format!("a command of the stack failed: {fault}") });
        }
    }
}

fn run_hook(
    scene: &Scene<'_>,
    command: &[String],
    settings: &Settings,
    plan: &Plan,
) -> Result<(), Fault> {
    let generation = |name: Option<String>| name.unwrap_or_default();
    let variables = [
        ("STACKWRIGHT_STACK", plan.stack.clone()),
        ("STACKWRIGHT_ACTION", plan.action.word().to_owned()),
        ("STACKWRIGHT_FROM", generation(plan.from.as_ref().map(ToString::to_string))),
        ("STACKWRIGHT_TO", generation(plan.to.clone())),
        ("STACKWRIGHT_START", plan.start.join(" ")),
        ("STACKWRIGHT_STOP", [plan.stop_first.join(" "), plan.stop.join(" ")].join(" ")),
    ];
    let variables = variables.map(|(name, value)| (name.to_owned(), value.trim().to_owned()));
    let folder = settings.origin.parent().unwrap_or(scene.store.folder());
    let call = HookCall { command, variables: &variables, folder, timeout: HOOK_TIME };
    scene.host.machine.hook(&call)
}
