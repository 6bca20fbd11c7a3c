//! Putting back what an operation began, from its journal; it can be done again and again.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::Scene;
use super::event::{Event, Failure, Step, at};
use super::steps::{Care, Steps};
use super::{images, links, resume, secrets, volumes};
use crate::host::change::Fault;
use crate::host::containers::Image;
use crate::host::units::UnitState;
use crate::observe::{observe, states};
use crate::plan::{self, Observed, Plan, facts};
use crate::state::{
    Action, Entry, FileSet, Generation, GenerationName, Journal, Met, Phase, Settings, Verdict,
};
use crate::unit_file::facts::Facts;

/// Puts back what a journal says, or ends what was done but not tidied up; nothing where there is
/// no journal. Every command that takes the lock calls this first.
pub fn recover(scene: &Scene<'_>) -> Result<bool, Failure> {
    match scene.store.journal().map_err(at(Step::Recover))? {
        None | Some((Phase::Failed, _)) => {
            scene.store.sweep().map_err(at(Step::Recover))?;
            Ok(false)
        }
        Some((Phase::Committed, journal)) => {
            (scene.tell)(&Event::Step { step: Step::Recover });
            let finished = match &journal {
                Some(journal) => {
                    let last = Last::of(journal, None);
                    finish(scene, &Entry::of(journal, Verdict::Done), &last)
                }
                None => scene.store.end(),
            };
            finished.map_err(at(Step::Recover))?;
            Ok(true)
        }
        Some((Phase::Begun, journal)) => {
            (scene.tell)(&Event::Step { step: Step::Recover });
            if let Some(journal) = journal {
                (scene.tell)(&Event::Note { text: resume::told(scene, &journal) });
            }
            restore(scene, None)?;
            Ok(true)
        }
    }
}

/// What is of no use any more when it is settled what is in use.
pub struct Last<'l> {
    /// One generation.
    pub useless: Option<&'l GenerationName>,
    /// How many of the newest generations stay.
    pub keep: usize,
    /// The images that there were before, where that is known.
    pub images: Option<&'l [Image]>,
    /// The secrets whose values before were put aside.
    pub rotated: &'l BTreeSet<String>,
}

impl<'l> Last<'l> {
    /// As far as a journal tells.
    fn of(journal: &'l Journal, useless: Option<&'l GenerationName>) -> Self {
        // Where only files are installed, Podman is another one, or not there.
        let images = journal.only_installs.then_some(&[][..]);
        Self { useless, keep: usize::MAX, images, rotated: &journal.rotated }
    }
}

/// What is left to do when it is settled what is in use.
pub fn finish(scene: &Scene<'_>, entry: &Entry, last: &Last<'_>) -> Result<(), Fault> {
    if let Err(fault) = remember(scene, entry) {
        // What was done counts more than that it is remembered.
        (scene.tell)(&Event::Note { text: fault.to_string() });
    }
    let current = scene.store.current()?;
    drop_links(scene, current.as_ref())?;
    if current.is_none() && entry.action == Action::Remove {
        scene.store.clear()?;
    }
    if let Some(name) = last.useless.filter(|name| current.as_ref() != Some(name)) {
        scene.store.discard(name)?;
    }
    let named: Vec<&GenerationName> = entry.from.iter().collect();
    scene.store.tidy(last.keep, &named)?;
    secrets::forget(scene.host, scene.stack, last.rotated)?;
    if let Err(fault) = images::let_go(scene, last.images) {
        // The next operation looks at them again.
        (scene.tell)(&Event::Note { text: fault.to_string() });
    }
    scene.store.end()
}

/// Adds to the history what is not there yet: a crash may come between that and what follows.
fn remember(scene: &Scene<'_>, entry: &Entry) -> Result<(), Fault> {
    let is_it = |known: &Entry| {
        (known.began, &known.from, &known.to, known.action)
            == (entry.began, &entry.from, &entry.to, entry.action)
    };
    match scene.store.history()?.last().is_some_and(is_it) {
        true => Ok(()),
        false => scene.store.remember(entry),
    }
}

/// Takes the links away that no unit in use needs. Until here they led nowhere, so that the way
/// back needs to make none.
fn drop_links(scene: &Scene<'_>, current: Option<&GenerationName>) -> Result<(), Fault> {
    let of = |name: &GenerationName| -> Result<links::Links, Fault> {
        let set = scene.store.read_units(name)?;
        Ok(links::links(scene.places, scene.store, scene.stack, &set))
    };
    let kept = current.map(of).transpose()?.unwrap_or_default();
    for name in scene.store.generations()?.iter().filter(|name| current != Some(name)) {
        links::remove(scene.host.files, &of(name)?, &kept)?;
    }
    Ok(())
}

/// Brings the generation before back, with what ran then.
pub fn restore(scene: &Scene<'_>, entry: Option<&Entry>) -> Result<(), Failure> {
    (scene.tell)(&Event::Step { step: Step::Restore });
    let journal = match scene.store.journal().map_err(at(Step::Restore))? {
        Some((phase, journal)) => {
            if phase != Phase::Begun {
                // What could not be told to be done is not done.
                scene.store.reached(Phase::Begun).map_err(at(Step::Restore))?;
            }
            journal
        }
        None => None,
    };
    let journal = match journal {
        Some(journal) => journal,
        // What cannot be read tells nothing; the link still leads to a whole generation.
        None => unreadable(scene)?,
    };
    let ready = RefCell::default();
    let mut result = put_back(scene, &journal, &ready);
    let wanted: Vec<String> = wanted(&journal).cloned().collect();
    let down = down(scene, &wanted).unwrap_or(wanted);
    let is_start = |failure: &Failure| failure.step == Step::Start && failure.service.is_some();
    if down.is_empty() && result.as_ref().is_err_and(is_start) {
        // It came up after all, or did not run before either.
        result = Ok(());
    }
    let verdict = match &result {
        Ok(()) if down.is_empty() => Verdict::Restored,
        _ => Verdict::NotRestored,
    };
    let mut entry = entry.cloned().unwrap_or_else(|| {
        let cause = Some("it was cut short".to_owned());
        Entry { cause, ..Entry::of(&journal, verdict) }
    });
    entry.verdict = verdict;
    entry.ready.extend(ready.take());
    if let Err(fault) = end(scene, &entry, &journal) {
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

/// The services that must be up when all is as before.
fn wanted(journal: &Journal) -> impl Iterator<Item = &String> {
    let active = journal.active.keys().filter(|name| !journal.trying.contains(*name));
    active.chain(journal.others.keys())
}

fn end(scene: &Scene<'_>, entry: &Entry, journal: &Journal) -> Result<(), Fault> {
    if entry.verdict == Verdict::NotRestored {
        scene.store.reached(Phase::Failed)?;
        scene.store.sweep()?;
        return remember(scene, entry);
    }
    let useless = journal.to.as_ref().filter(|_| journal.is_fresh);
    finish(scene, entry, &Last::of(journal, useless))
}

/// What can be said where the journal is damaged: the generation in use is the one to have.
fn unreadable(scene: &Scene<'_>) -> Result<Journal, Failure> {
    let current = scene.store.current().map_err(at(Step::Recover))?;
    let mut journal = Journal::new(Action::Apply, current.clone(), current.clone());
    // Below the root of another system nothing runs, and nothing was to run.
    if scene.places.root != Path::new("/") {
        journal.only_installs = true;
        return Ok(journal);
    }
    if let Some(name) = current {
        let set = scene.store.read_units(&name).map_err(at(Step::Recover))?;
        let services = facts(&set).into_values().filter(Facts::starts_by_itself);
        journal.active = services.map(|facts| (facts.service, String::new())).collect();
    }
    let networks = scene.host.containers.networks().map_err(at(Step::Recover))?.into_iter();
    journal.networks = networks.map(|network| (network.name, network.version)).collect();
    Ok(journal)
}

/// A generation as far as it can be read: units tell enough to stop and start them.
fn side(scene: &Scene<'_>, name: &GenerationName) -> Result<Generation, Fault> {
    let fault = match scene.store.read(name) {
        Ok(generation) => return Ok(generation),
        Err(fault) => fault,
    };
    let known = scene.store.read_without(name).map_err(|_| fault)?;
    Ok(Generation { damage: Vec::new(), ..known })
}

fn put_back(
    scene: &Scene<'_>,
    journal: &Journal,
    ready: &RefCell<BTreeMap<String, Met>>,
) -> Result<(), Failure> {
    let old = journal.from.as_ref().map(|name| side(scene, name)).transpose();
    let old = old.map_err(at(Step::Restore))?;
    // What was not named yet, or cannot be read at all, was not put into use.
    let new = journal.to.as_ref().and_then(|name| side(scene, name).ok());
    let settings = [&old, &new].into_iter().flatten().next();
    let settings = settings.map(|one| one.manifest.settings.clone()).unwrap_or_default();
    let empty = FileSet::default();
    let set = |one: &Option<Generation>| one.as_ref().map_or(&empty, |one| &one.set).clone();
    let (old_set, new_set) = (set(&old), set(&new));
    let (old_facts, new_facts) = (facts(&old_set), facts(&new_set));
    let sides = (old.as_ref(), new.as_ref());
    let mut observed = Observed::default();
    let mut given_back = Ok(());
    if !journal.only_installs {
        let names = old_facts.keys().chain(new_facts.keys()).cloned().collect();
        calm(scene, &names)?;
        given_back = secrets::give_back(scene.host, scene.stack, &journal.rotated);
        observed = observe(scene.host, scene.stack, &names).map_err(at(Step::Restore))?;
    }
    let plan = way_back(scene, journal, sides, &observed);
    let care = if journal.only_installs { Care::OnlyInstall } else { Care::Back };
    let others: Vec<String> = journal.others.keys().cloned().collect();
    let steps = Steps {
        scene,
        plan: &plan,
        old: &new_facts,
        new: &old_facts,
        to: &old_set,
        to_name: journal.from.as_ref(),
        others: &others,
        kept_networks: &journal.networks,
        settings: &Settings { settle_seconds: 0, total_seconds: None, ..settings },
        care,
        meanwhile: &|| {},
        ready,
    };
    let result = steps.carry_out().map(drop);
    if result.is_ok() {
        volumes::drop_made(scene, &journal.volumes);
    }
    // A name that was lent for a start goes back to what it stood for.
    let back = images::to_give_back(&observed.images, &plan.tags, &journal.image_names);
    let tagged = images::tag(scene.host, &back);
    result.and(given_back.and(tagged).map_err(at(Step::Restore)))
}

/// The plan from the new files to the old ones. The files are put in their place in any case: how
/// far the way there went is not known, but what is still as it was is left alone.
fn way_back(
    scene: &Scene<'_>,
    journal: &Journal,
    (old, new): (Option<&Generation>, Option<&Generation>),
    observed: &Observed,
) -> Plan {
    let mut plan = plan::plan(&plan::Request {
        action: journal.action,
        stack: scene.stack,
        from: new,
        to: old.map(|old| (&old.set, &old.manifest.settings)),
        to_name: journal.from.as_ref(),
        observed,
        rotated: &journal.rotated,
    });
    (plan.installs, plan.reloads) = (true, true);
    plan.pull.clear();
    let is_up = |name: &String| observed.states.get(name).is_some_and(UnitState::is_up);
    let is_untouched = |name: &String| {
        let state = observed.states.get(name).filter(|state| state.runs());
        state.is_some_and(|state| journal.active.get(name) == Some(&state.invocation))
    };
    let known = old.map(|old| facts(&old.set)).unwrap_or_default();
    let appeared = |facts: &Facts| {
        let name = &facts.service;
        facts.starts_by_itself() && is_up(name) && !journal.active.contains_key(name)
    };
    plan.stop.extend(known.values().filter(|f| appeared(f)).map(|f| f.service.clone()));
    for list in [&mut plan.stop_first, &mut plan.stop] {
        list.retain(|name| !is_untouched(name));
        list.sort();
        list.dedup();
    }
    let named = new.map(|new| facts(&new.set)).unwrap_or_default().into_values();
    let networks = named.filter(|facts| facts.file.ends_with(".network"));
    plan.drop_networks = networks.filter_map(|facts| facts.name).collect();
    let stops = |name: &String| plan.stop.contains(name) || plan.stop_first.contains(name);
    let is_down = |name: &&String| {
        let runs = observed.states.get(*name).is_some_and(UnitState::runs);
        let stays = runs || (is_up(name) && journal.trying.contains(*name));
        known.contains_key(*name) && (stops(name) || !stays)
    };
    plan.start = journal.active.keys().filter(is_down).cloned().collect();
    plan.tags = images::moved(&observed.images, &plan.start, &known, &journal.images);
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

/// Which of some services do not run.
pub fn down(scene: &Scene<'_>, services: &[String]) -> Result<Vec<String>, Fault> {
    let names: BTreeSet<String> = services.iter().cloned().collect();
    let states: BTreeMap<_, _> = states(scene.host, &names)?;
    Ok(states.into_iter().filter(|(_, state)| !state.runs()).map(|(name, _)| name).collect())
}
