//! Carrying out a plan so that afterwards all is new, or all is as it was.
//!
//! Everything that changes a host is in one transaction: a journal says what is about to be done
//! before anything is touched, and the next run of any command puts back what a crash cut short.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

pub mod event;
pub mod links;
pub mod pull;
pub mod rehearse;
pub mod secrets;
pub mod start;
pub mod steps;

pub use event::{Event, Failure, Outcome, Step};
pub use steps::Care;

use crate::host::change::{Fault, HookCall, Host};
use crate::observe::{observe, states};
use crate::plan::{self, Observed, Plan, facts};
use crate::state::{
    Action, Entry, FileSet, Generation, GenerationName, Journal, Manifest, Phase, Places, Settings,
    Store, Verdict, manifest::OnFailure,
};
use crate::unit_file::facts::Facts;
use event::at;
use steps::{Steps, is_up};

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
    let (journal, to_name) = match prepare(scene, plan, from, target, &settings, secrets, care) {
        Ok(prepared) => prepared,
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
        to_name: to_name.as_ref(),
        settings: &settings,
        care,
        tell: scene.tell,
    };
    let mut entry = Entry::of(&journal, Verdict::Done);
    let result = steps.carry_out();
    let took = scene.host.machine.now().saturating_sub(began);
    entry.milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    match result {
        Ok(services) => {
            entry.services = services;
            run_hooks(scene, Step::After, &settings.after, &settings, plan);
            commit(scene, &entry, &settings);
            Outcome::Done { generation: to_name, took }
        }
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
) -> Result<(Journal, Option<GenerationName>), Failure> {
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
    let to_name = match target {
        Target::Nothing => None,
        Target::Kept(generation) => Some(generation.name.clone()),
        Target::New(..) if !plan.installs => from.map(|from| from.name.clone()),
        Target::New(set, manifest) => {
            (scene.tell)(&Event::Step { step: Step::Stage });
            Some(scene.store.stage(set, manifest).map_err(at(Step::Stage))?)
        }
    };
    let begun = begin(scene, plan, from, target, to_name.as_ref(), secrets, care);
    if let (Err(_), Target::New(..), Some(name), true) = (&begun, target, &to_name, plan.installs) {
        // What is left behind all the same is taken away by the next run that succeeds.
        drop(unstage(scene, name));
    }
    begun.map(|journal| (journal, to_name))
}

/// Takes a generation away that will not be used, after the journal that may name it.
fn unstage(scene: &Scene<'_>, name: &GenerationName) -> Result<(), Fault> {
    if let Some((Phase::Begun, _)) = scene.store.journal()? {
        scene.store.end()?;
    }
    scene.store.discard(name)
}

/// Tries the new files out, and writes down what is about to be done.
fn begin(
    scene: &Scene<'_>,
    plan: &Plan,
    from: Option<&Generation>,
    target: Target<'_>,
    to_name: Option<&GenerationName>,
    secrets: &secrets::Settled,
    care: Care,
) -> Result<Journal, Failure> {
    let runs = care != Care::OnlyInstall;
    if let (Some(name), Some((set, _)), true) = (to_name, target.set(), plan.installs)
        && runs
    {
        let staged = scene.store.generation_folder(name).join("units");
        let new = facts(set);
        let old = from.map(|from| facts(&from.set)).unwrap_or_default();
        let own = old.into_keys().chain(new.keys().cloned()).collect();
        rehearse::rehearse(scene.host, scene.places, &staged, &new, &own)?;
    }
    let from_name = from.map(|from| from.name.clone());
    let mut journal = Journal::new(plan.action, from_name, to_name.cloned());
    journal.began = scene.host.machine.wall_time();
    journal.user = scene.host.machine.user();
    if runs {
        secrets.store(scene.host, scene.stack).map_err(at(Step::Stage))?;
        let services = from.map(|from| facts(&from.set).into_keys().collect()).unwrap_or_default();
        let states = states(scene.host, &services).map_err(at(Step::Stage))?.into_iter();
        journal.active = states.filter(|(_, one)| is_up(one)).map(|(name, _)| name).collect();
        let networks = scene.host.containers.networks().map_err(at(Step::Stage))?;
        journal.networks = networks.into_iter().map(|network| network.name).collect();
    }
    scene.store.begin(&journal).map_err(at(Step::Stage))?;
    Ok(journal)
}

/// The end of what was done. Nothing of it can undo that it was done, so faults are only told.
fn commit(scene: &Scene<'_>, entry: &Entry, settings: &Settings) {
    let tidy = || -> Result<(), Fault> {
        scene.store.reached(Phase::Committed)?;
        (scene.tell)(&Event::Step { step: Step::Tidy });
        finish(scene, entry, settings.keep)
    };
    if let Err(fault) = tidy() {
        (scene.tell)(&Event::Note { text: format!("all is up, but tidying up failed: {fault}") });
    }
}

/// What is left to do when it is settled what is in use.
fn finish(scene: &Scene<'_>, entry: &Entry, keep: usize) -> Result<(), Fault> {
    let is_known = |known: &Entry| (known.began, &known.to) == (entry.began, &entry.to);
    if !scene.store.history()?.iter().any(is_known) {
        scene.store.remember(entry)?;
    }
    if scene.store.current()?.is_none() && entry.action == Action::Remove {
        scene.store.clear()?;
    }
    let named: Vec<&GenerationName> = entry.from.iter().collect();
    let gone = scene.store.tidy(keep.max(1), &named)?;
    drop(gone);
    scene.store.end()
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
    if settings.on_failure == OnFailure::Leave && !failure.interrupted {
        entry.verdict = Verdict::NotRestored;
        let down = down(scene, &plan.start).unwrap_or_else(|_| plan.start.clone());
        commit(scene, &entry, settings);
        return Outcome::NotRestored { failure: Failure { down, ..failure }, why: None };
    }
    let outcome = match restore(scene, Some(&entry)) {
        Ok(()) => Outcome::Restored(failure),
        Err(why) => Outcome::NotRestored { failure, why: Some(why) },
    };
    run_hooks(scene, Step::After, &settings.after_failure, settings, plan);
    outcome
}

/// Puts back what a journal says, or ends what was done but not tidied up; nothing where there is
/// no journal. Every command that takes the lock calls this first.
pub fn recover(scene: &Scene<'_>) -> Result<bool, Failure> {
    match scene.store.journal().map_err(at(Step::Recover))? {
        None | Some((Phase::Failed, _)) => Ok(false),
        Some((Phase::Committed, journal)) => {
            (scene.tell)(&Event::Step { step: Step::Recover });
            let finished = match &journal {
                Some(journal) => finish(scene, &Entry::of(journal, Verdict::Done), usize::MAX),
                None => scene.store.end(),
            };
            finished.map_err(at(Step::Recover))?;
            Ok(true)
        }
        Some((Phase::Begun, _)) => {
            (scene.tell)(&Event::Step { step: Step::Recover });
            restore(scene, None)?;
            Ok(true)
        }
    }
}

/// Brings the generation before back, with what ran then. It can be called again and again.
fn restore(scene: &Scene<'_>, entry: Option<&Entry>) -> Result<(), Failure> {
    (scene.tell)(&Event::Step { step: Step::Restore });
    let journal = scene.store.journal().map_err(at(Step::Restore))?;
    let journal = match journal.and_then(|(_, journal)| journal) {
        Some(journal) => journal,
        // What cannot be read tells nothing; the link still leads to a whole generation.
        None => unreadable(scene)?,
    };
    let result = put_back(scene, &journal);
    let down = down(scene, &journal.active).unwrap_or_else(|_| journal.active.clone());
    let verdict = match &result {
        Ok(()) if down.is_empty() => Verdict::Restored,
        _ => Verdict::NotRestored,
    };
    let mut entry = entry.cloned().unwrap_or_else(|| {
        let cause = Some("it was cut short".to_owned());
        Entry { cause, ..Entry::of(&journal, verdict) }
    });
    entry.verdict = verdict;
    let end = || match verdict {
        Verdict::NotRestored => {
            scene.store.remember(&entry)?;
            scene.store.reached(Phase::Failed)
        }
        _ => finish(scene, &entry, usize::MAX),
    };
    if let Err(fault) = end() {
        (scene.tell)(&Event::Note { text: fault.to_string() });
    }
    match (result, down.is_empty()) {
        (Ok(()), true) => Ok(()),
        (Ok(()), false) => {
            Err(Failure { down, ..Failure::at(Step::Restore, "not all came back up") })
        }
        (Err(failure), _) => Err(Failure { down, ..failure }),
    }
}

/// What can be said where the journal is damaged: the generation in use is the one to have.
fn unreadable(scene: &Scene<'_>) -> Result<Journal, Failure> {
    let current = scene.store.current().map_err(at(Step::Recover))?;
    let mut journal = Journal::new(Action::Apply, current.clone(), current.clone());
    if let Some(name) = current {
        let generation = scene.store.read(&name).map_err(at(Step::Recover))?;
        let facts = facts(&generation.set).into_values().filter(Facts::starts_by_itself);
        journal.active = facts.map(|facts| facts.service).collect();
    }
    let networks = scene.host.containers.networks().map_err(at(Step::Recover))?;
    journal.networks = networks.into_iter().map(|network| network.name).collect();
    Ok(journal)
}

fn put_back(scene: &Scene<'_>, journal: &Journal) -> Result<(), Failure> {
    let read = |name: &Option<GenerationName>| match name {
        Some(name) => scene.store.read(name).map(Some).map_err(at(Step::Restore)),
        None => Ok(None),
    };
    let (old, new) = (read(&journal.from)?, read(&journal.to)?);
    let empty = FileSet::default();
    let set = |one: &Option<Generation>| one.as_ref().map_or(&empty, |one| &one.set).clone();
    let (old_set, new_set) = (set(&old), set(&new));
    let names = facts(&old_set).into_keys().chain(facts(&new_set).into_keys()).collect();
    calm(scene, &names)?;
    let observed = observe(scene.host, scene.stack, &names).map_err(at(Step::Restore))?;
    let settings = [&old, &new].into_iter().flatten().next();
    let settings = settings.map(|one| one.manifest.settings.clone()).unwrap_or_default();
    let mut plan = way_back(scene, journal, old.as_ref(), new.as_ref(), &observed);
    let known = facts(&old_set);
    let ran: BTreeSet<&String> = journal.active.iter().collect();
    let is_down = |name: &String| {
        plan.stop.contains(name)
            || plan.stop_first.contains(name)
            || !observed.states.get(name).is_some_and(is_up)
    };
    let start = ran.into_iter().filter(|name| known.contains_key(*name) && is_down(name));
    plan.start = start.cloned().collect();
    let steps = Steps {
        host: scene.host,
        places: scene.places,
        store: scene.store,
        plan: &plan,
        from: &new_set,
        to: &old_set,
        to_name: journal.from.as_ref(),
        settings: &Settings { settle_seconds: 0, total_seconds: None, ..settings },
        care: Care::Back,
        tell: scene.tell,
    };
    steps.carry_out()?;
    drop_new_networks(scene, journal, &new_set).map_err(at(Step::Restore))
}

/// The plan from the new files to the old ones. The files are put in their place in any case: how
/// far the way there went is not known.
fn way_back(
    scene: &Scene<'_>,
    journal: &Journal,
    old: Option<&Generation>,
    new: Option<&Generation>,
    observed: &Observed,
) -> Plan {
    let request = plan::Request {
        action: journal.action,
        stack: scene.stack,
        from: new,
        to: old.map(|old| (&old.set, &old.manifest.settings)),
        to_name: journal.from.as_ref(),
        observed,
        rotated: &BTreeSet::new(),
    };
    let mut plan = plan::plan(&request);
    (plan.installs, plan.reloads) = (true, true);
    plan.pull.clear();
    plan
}

/// Orders that a process before us gave may still be on their way.
fn calm(scene: &Scene<'_>, names: &BTreeSet<String>) -> Result<(), Failure> {
    for unit in scene.host.units.busy().map_err(at(Step::Restore))? {
        if names.contains(&unit) {
            scene.host.units.cancel(&unit).map_err(at(Step::Restore))?;
        }
    }
    Ok(())
}

/// A first attempt leaves no network behind; volumes stay, as always.
fn drop_new_networks(scene: &Scene<'_>, journal: &Journal, new: &FileSet) -> Result<(), Fault> {
    let units = facts(new).into_values().filter(|facts| facts.file.ends_with(".network"));
    let names: BTreeSet<String> = units.filter_map(|facts| facts.name).collect();
    let fresh = |name: &String| names.contains(name) && !journal.networks.contains(name);
    for network in scene.host.containers.networks()? {
        let is_ours = network.labels.get(plan::STACK_LABEL).is_some_and(|name| name == scene.stack);
        if is_ours && fresh(&network.name) {
            scene.host.containers.remove_network(&network.name)?;
        }
    }
    Ok(())
}

/// Which of some services are not up.
fn down(scene: &Scene<'_>, services: &[String]) -> Result<Vec<String>, Fault> {
    let names: BTreeSet<String> = services.iter().cloned().collect();
    let states: BTreeMap<_, _> = states(scene.host, &names)?;
    Ok(states.into_iter().filter(|(_, state)| !is_up(state)).map(|(name, _)| name).collect())
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
