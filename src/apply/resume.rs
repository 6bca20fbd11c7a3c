//! A deployment that was cut short: how far it came, and going on with it in place of putting all
//! back.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::event::{Event, Step, at};
use super::hooks::Hooks;
use super::phases::Phases;
use super::secrets::Settled;
use super::{Manner, Operation, Outcome, Scene, Target};
use crate::host::change::Fault;
use crate::host::units::{Active, UnitState};
use crate::observe::observe;
use crate::plan::{self, DIGEST_LABEL, Observed, Plan, facts};
use crate::state::{Action, FileSet, Generation, GenerationName, Journal, Manifest, Phase};
use crate::unit_file::facts::Facts;

/// What is left of a deployment.
#[derive(Debug)]
pub struct Rest {
    /// The journal of it.
    pub journal: Journal,
    /// The services that it brought up.
    pub done: BTreeSet<String>,
    /// The services that are on their way up.
    pub under_way: Vec<String>,
    /// The services that failed.
    pub failed: Vec<String>,
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
        let is_old = |name: &String| {
            let network = observed.networks.get(name).map(|network| &network.version);
            network.is_some() && network == journal.networks.get(name)
        };
        plan.drop_networks.retain(is_old);
        // A machine that starts anew brings services up on networks that are still to go.
        let stale = users(&new, &plan.drop_networks);
        let is_done =
            |facts: &&Facts| !stale.contains(&facts.service) && is_done(&journal, &observed, facts);
        let done = new.values().filter(is_done).map(|facts| facts.service.clone());
        let done: BTreeSet<String> = done.collect();
        // How far the way went is not known, but what is in its place already is left alone.
        (plan.installs, plan.reloads) = (true, true);
        plan.stop_first.retain(|name| !done.contains(name));
        plan.stop.retain(|name| !done.contains(name));
        let runs = |name: &String| observed.states.get(name).is_some_and(UnitState::runs);
        let stale = stale.iter().filter(|name| runs(name));
        let stops = |name: &&String| !plan.stop_first.contains(name) && !plan.stop.contains(name);
        let more: Vec<String> = stale.clone().filter(stops).cloned().collect();
        plan.stop.extend(more);
        let ran = journal.active.keys().filter(|name| new.contains_key(*name));
        // What somebody before us told to stop may still be on its way down.
        let meant = new.values().filter(|one| one.starts_by_itself()).map(|one| &one.service);
        let down = ran.chain(meant).filter(|name| !runs(name));
        plan.start.extend(down.chain(&done).chain(stale).cloned());
        plan.start.sort();
        plan.start.dedup();
        // What was fetched before anything changed is there.
        plan.pull.clear();
        let are = |active: Active| {
            let states = plan.start.iter().filter_map(|name| observed.states.get_key_value(name));
            let states = states.filter(move |(_, state)| state.active == active);
            states.map(|(name, _)| name.clone()).collect()
        };
        let (under_way, failed) = (are(Active::Activating), are(Active::Failed));
        Ok(Self { journal, done, under_way, failed, plan, from, observed })
    }

    /// Goes on; what fails now is put back to what was before the deployment.
    pub fn go_on(
        &self,
        scene: &Scene<'_>,
        (set, manifest): (&FileSet, &Manifest),
        secrets: &Settled,
        manner: Manner<'_>,
    ) -> Outcome {
        if let Some(name) = &self.journal.to
            && let Err(fault) = scene.store.stage_again(name, set, manifest)
        {
            return Outcome::Refused(at(Step::Stage)(fault));
        }
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
        .go(&self.journal, &self.observed.stock(), scene.host.machine.now())
    }

    /// The services that are still to be started.
    pub fn left(&self) -> Vec<String> {
        self.plan.start.iter().filter(|name| !self.done.contains(*name)).cloned().collect()
    }

    /// How far it came, in words.
    pub fn how_far(&self) -> String {
        let names = |names: &[String]| match names {
            [] => "nothing".to_owned(),
            names => names.join(", "),
        };
        let mut text = format!("brought up: {}", names(&Vec::from_iter(self.done.clone())));
        for (word, some) in [("under way", &self.under_way), ("failed", &self.failed)] {
            if !some.is_empty() {
                write!(text, "; {word}: {}", names(some)).unwrap_or_default();
            }
        }
        format!("{text}; left to do: {}", names(&self.left()))
    }

    /// What was cut short, and how far it came.
    pub fn text(&self) -> String {
        format!("{}; {}", cut_short(&self.journal), self.how_far())
    }
}

/// What was begun, and by whom.
pub fn began(action: Action, to: Option<&GenerationName>, user: &str) -> String {
    let what = match to {
        Some(name) => format!("the {} of generation {}", action.word(), name.number),
        None => format!("the {}", action.word()),
    };
    format!("{what} that {user} began")
}

fn cut_short(journal: &Journal) -> String {
    format!("{} was cut short", began(journal.action, journal.to.as_ref(), &journal.user))
}

/// The services of some networks, and all that need them.
fn users(new: &BTreeMap<String, Facts>, networks: &[String]) -> BTreeSet<String> {
    let is_one = |facts: &&Facts| {
        let name = facts.name.as_ref().filter(|_| facts.file.ends_with(".network"));
        name.is_some_and(|name| networks.contains(name))
    };
    let mut users: BTreeSet<String> =
        new.values().filter(is_one).map(|facts| facts.service.clone()).collect();
    loop {
        let needs = |facts: &&Facts| !facts.requires.is_disjoint(&users);
        let more: Vec<String> =
            new.values().filter(needs).map(|facts| facts.service.clone()).collect();
        let known = users.len();
        users.extend(more);
        if users.len() == known {
            return users;
        }
    }
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

/// What is left of a deployment by what is kept about it; nothing where it starts nothing, or that
/// cannot be told.
pub fn known(scene: &Scene<'_>, journal: &Journal) -> Option<Rest> {
    let known = journal.to.as_ref().filter(|_| !journal.only_installs);
    let name = known.filter(|_| journal.action != Action::Remove)?;
    let generation = scene.store.read(name).ok()?;
    Rest::of(scene, journal.clone(), &generation.set, &generation.manifest).ok()
}

/// How far a deployment came that was cut short, for whoever puts it back or may go on with it.
pub fn told(scene: &Scene<'_>, journal: &Journal) -> String {
    known(scene, journal).map_or_else(|| cut_short(journal), |rest| rest.text())
}
