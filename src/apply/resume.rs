//! A deployment that was cut short: how far it came, and going on with it in place of putting all
//! back.

use std::collections::BTreeSet;

use super::event::Event;
use super::hooks::Hooks;
use super::phases::Phases;
use super::secrets::Settled;
use super::{Manner, Operation, Outcome, Scene, Target};
use crate::host::change::Fault;
use crate::host::units::UnitState;
use crate::observe::observe;
use crate::plan::{self, DIGEST_LABEL, Observed, Plan, facts};
use crate::state::{Action, FileSet, Generation, Journal, Manifest, Phase};
use crate::unit_file::facts::Facts;

/// What is left of a deployment.
#[derive(Debug)]
pub struct Rest {
    /// The journal of it.
    pub journal: Journal,
    /// The services that it brought up.
    pub done: BTreeSet<String>,
    /// What is still to be done. Services that it brought up are told to start once more, which
    /// changes nothing of them and asks them again whether they are ready.
    pub plan: Plan,
    from: Option<Generation>,
    observed: Observed,
}

/// The journal of what was cut short and not put back yet.
pub fn journal(scene: &Scene<'_>) -> Result<Option<Journal>, Fault> {
    Ok(match scene.store.journal()? {
        Some((Phase::Begun, journal)) => journal,
        _ => None,
    })
}

impl Rest {
    /// Looks at what is left on the way to some files.
    pub fn of(
        scene: &Scene<'_>,
        journal: Journal,
        set: &FileSet,
        manifest: &Manifest,
    ) -> Result<Self, Fault> {
        let from = journal.from.as_ref().map(|name| scene.store.read(name)).transpose()?;
        let new = facts(set);
        let old = from.as_ref().map(|from| facts(&from.set)).unwrap_or_default();
        let names = old.into_keys().chain(new.keys().cloned()).collect();
        let observed = observe(scene.host, scene.stack, &names)?;
        let mut plan = plan::plan(&plan::Request {
            action: journal.action,
            stack: scene.stack,
            from: from.as_ref(),
            to: Some((set, &manifest.settings)),
            to_name: journal.to.as_ref(),
            observed: &observed,
            rotated: &journal.rotated,
        });
        let is_done = |facts: &&Facts| is_done(&journal, &observed, facts);
        let done = new.values().filter(is_done).map(|facts| facts.service.clone());
        let done: BTreeSet<String> = done.collect();
        // How far the way went is not known, but what is in its place already is left alone.
        (plan.installs, plan.reloads) = (true, true);
        plan.stop_first.retain(|name| !done.contains(name));
        plan.stop.retain(|name| !done.contains(name));
        let runs = |name: &String| observed.states.get(name).is_some_and(UnitState::runs);
        let ran = journal.active.keys().filter(|name| new.contains_key(*name) && !runs(name));
        plan.start.extend(ran.chain(&done).cloned());
        plan.start.sort();
        plan.start.dedup();
        // What was fetched before anything changed is there.
        plan.pull.clear();
        let is_old = |name: &String| {
            let network = observed.networks.get(name).map(|network| &network.version);
            network.is_some() && network == journal.networks.get(name)
        };
        plan.drop_networks.retain(is_old);
        Ok(Self { journal, done, plan, from, observed })
    }

    /// Goes on; what fails now is put back to what was before the deployment.
    pub fn go_on(
        &self,
        scene: &Scene<'_>,
        (set, manifest): (&FileSet, &Manifest),
        secrets: &Settled,
        manner: Manner<'_>,
    ) -> Outcome {
        let phases = Phases::default();
        let tell = |event: &Event| {
            phases.note(event, scene.host.machine.now());
            (scene.tell)(event);
        };
        let scene = &Scene { tell: &tell, ..*scene };
        let old = self.from.as_ref().map(|from| facts(&from.set)).unwrap_or_default();
        Operation {
            scene,
            plan: &self.plan,
            from: self.from.as_ref(),
            target: Target::New(set, manifest),
            secrets,
            manner,
            hooks: Hooks { scene, plan: &self.plan, settings: &manifest.settings },
            phases: &phases,
            settings: &manifest.settings,
            old: &old,
            new: &facts(set),
        }
        .go(self.journal.clone(), &self.observed.stock(), scene.host.machine.now())
    }

    /// How far it came, in words.
    pub fn text(&self) -> String {
        let left = self.plan.start.iter().filter(|name| !self.done.contains(*name));
        let names = |names: Vec<&String>| match &names[..] {
            [] => "nothing".to_owned(),
            names => names.iter().map(|name| name.as_str()).collect::<Vec<_>>().join(", "),
        };
        let (done, left) = (names(self.done.iter().collect()), names(left.collect()));
        format!("{} was cut short; brought up: {done}; left to do: {left}", began(&self.journal))
    }
}

/// What was begun, and by whom.
fn began(journal: &Journal) -> String {
    let what = match &journal.to {
        Some(name) => format!("the {} of generation {}", journal.action.word(), name.number),
        None => format!("the {}", journal.action.word()),
    };
    format!("{what} that {} began", journal.user)
}

/// Whether a service runs as the deployment wants it, in a run that it began.
fn is_done(journal: &Journal, observed: &Observed, facts: &Facts) -> bool {
    let state = observed.states.get(&facts.service).filter(|state| state.runs());
    let Some(state) = state else { return false };
    let is_other = journal.active.get(&facts.service) != Some(&state.invocation);
    let folder = journal.to.as_ref().map(ToString::to_string).unwrap_or_default();
    let is_read = !facts.is_quadlet() || state.comes_from(&folder);
    let mut named = observed.containers.iter().filter(|one| facts.name.as_ref() == Some(&one.name));
    // It may have come back by itself before systemd had read the new unit.
    let is_of_unit = !facts.file.ends_with(".container")
        || named.any(|one| one.labels.get(DIGEST_LABEL).is_none_or(|it| *it == facts.digest));
    is_other && is_read && is_of_unit
}

/// How far a deployment came that was cut short, for whoever puts it back or may go on with it.
pub fn told(scene: &Scene<'_>, journal: &Journal) -> String {
    let known = journal.to.as_ref().filter(|_| !journal.only_installs);
    let rest = known.filter(|_| journal.action != Action::Remove).and_then(|name| {
        let generation = scene.store.read(name).ok()?;
        Rest::of(scene, journal.clone(), &generation.set, &generation.manifest).ok()
    });
    rest.map_or_else(|| format!("{} was cut short", began(journal)), |rest| rest.text())
}
