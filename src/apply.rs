//! Carrying out a plan so that afterwards all is new, or all is as it was.
//!
//! Everything that changes a host is in one transaction: a journal says what is about to be done
//! before anything is touched, and the next run of any command puts back what a crash cut short.

use std::collections::BTreeMap;

pub mod event;
pub mod hooks;
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

use crate::host::change::{Fault, Host};
use crate::observe::{dependents, states};
use crate::plan::{Plan, facts};
use crate::state::{
    Entry, FileSet, Generation, Journal, Manifest, Phase, Places, Settings, Store, Verdict,
    manifest::OnFailure,
};
use crate::unit_file::facts::Facts;
use event::at;
use hooks::Hooks;
use steps::Steps;

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

/// How it is to be done this time.
#[derive(Debug, Clone, Copy)]
pub struct Manner {
    /// How carefully.
    pub care: Care,
    /// What becomes of a failure, where that is not for the stack to say.
    pub on_failure: Option<OnFailure>,
}

impl From<Care> for Manner {
    fn from(care: Care) -> Self {
        Self { care, on_failure: None }
    }
}

/// Carries out a plan that was made just now, and puts all back when that fails.
pub fn apply(
    scene: &Scene<'_>,
    plan: &Plan,
    from: Option<&Generation>,
    target: Target<'_>,
    secrets: &secrets::Settled,
    manner: impl Into<Manner>,
) -> Outcome {
    if plan.is_empty() {
        return Outcome::Nothing;
    }
    let empty = FileSet::default();
    let settings = target.set().map(|(_, settings)| settings);
    let settings = settings.or(from.map(|from| &from.manifest.settings)).cloned();
    let settings = settings.unwrap_or_default();
    Operation {
        scene,
        plan,
        from,
        target,
        secrets,
        manner: manner.into(),
        hooks: Hooks { scene, plan, settings: &settings },
        settings: &settings,
        old: &facts(from.map_or(&empty, |from| &from.set)),
        new: &facts(target.set().map_or(&empty, |(set, _)| set)),
    }
    .run()
}

/// A plan with all that is needed to carry it out or to put all back.
struct Operation<'o> {
    scene: &'o Scene<'o>,
    plan: &'o Plan,
    from: Option<&'o Generation>,
    target: Target<'o>,
    secrets: &'o secrets::Settled,
    manner: Manner,
    hooks: Hooks<'o>,
    settings: &'o Settings,
    /// What is known about the services before, and after.
    old: &'o BTreeMap<String, Facts>,
    new: &'o BTreeMap<String, Facts>,
}

impl Operation<'_> {
    fn run(&self) -> Outcome {
        let scene = self.scene;
        let began = scene.host.machine.now();
        let journal = match self.prepare() {
            Ok(journal) => journal,
            Err(failure) => {
                (scene.tell)(&Event::Failed { failure: failure.clone() });
                return Outcome::Refused(failure);
            }
        };
        let empty = FileSet::default();
        let steps = Steps {
            scene,
            plan: self.plan,
            old: self.old,
            new: self.new,
            to: self.target.set().map_or(&empty, |(set, _)| set),
            to_name: journal.to.as_ref(),
            others: &journal.others.keys().cloned().collect::<Vec<_>>(),
            kept_networks: &BTreeMap::new(),
            settings: self.settings,
            care: self.manner.care,
        };
        let mut entry = Entry::of(&journal, Verdict::Done);
        let result = steps.carry_out();
        let took = scene.host.machine.now().saturating_sub(began);
        entry.milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let result = result.and_then(|services| {
            entry.services = services;
            self.hooks.after(&self.settings.after);
            self.commit(&entry)
        });
        match result {
            Ok(()) => Outcome::Done { generation: journal.to, took },
            Err(failure) => self.failed(entry, failure),
        }
    }

    /// All that can be done without changing anything that runs, and the journal at its end.
    fn prepare(&self) -> Result<Journal, Failure> {
        let (scene, plan) = (self.scene, self.plan);
        let runs = self.manner.care != Care::OnlyInstall;
        if runs && !plan.pull.is_empty() {
            (scene.tell)(&Event::Step { step: Step::Pull });
            pull::pull(scene.host, &plan.pull, scene.tell)?;
        }
        self.hooks.before()?;
        if scene.host.machine.interrupted() {
            return Err(Failure::interrupted(Step::Before));
        }
        let from = self.from.map(|from| from.name.clone());
        let (to, is_fresh) = match self.target {
            Target::Nothing => (None, false),
            Target::Kept(generation) => (Some(generation.name.clone()), false),
            Target::New(..) if !plan.installs => (from.clone(), false),
            Target::New(set, manifest) => {
                (scene.tell)(&Event::Step { step: Step::Stage });
                (Some(scene.store.stage(set, manifest).map_err(at(Step::Stage))?), true)
            }
        };
        let mut journal = Journal::new(plan.action, from, to);
        (journal.is_fresh, journal.only_installs) = (is_fresh, !runs);
        let begun = self.begin(&mut journal);
        if let (Err(_), Some(name), true) = (&begun, &journal.to, is_fresh) {
            // Why it failed is told; what stays is swept away another time.
            drop(scene.store.discard(name));
        }
        begun.map(|()| journal)
    }

    /// The last look before anything changes, which is written down.
    fn begin(&self, journal: &mut Journal) -> Result<(), Failure> {
        let scene = self.scene;
        journal.began = scene.host.machine.wall_time();
        journal.user = scene.host.machine.user();
        if !journal.only_installs {
            if let (Some(name), true) = (&journal.to, self.plan.installs) {
                let folder = match journal.is_fresh {
                    true => scene.store.staged_folder(name),
                    false => scene.store.generation_folder(name),
                };
                let own = self.old.keys().chain(self.new.keys()).cloned().collect();
                let units = folder.join("units");
                rehearse::rehearse(scene.host, scene.places, &units, self.new, &own)?;
            }
            self.secrets.store(scene.host, scene.stack).map_err(at(Step::Stage))?;
            self.snapshot(journal).map_err(at(Step::Stage))?;
        }
        scene.store.begin(journal).map_err(at(Step::Stage))
    }

    /// Notes what runs and what is there, to be able to have it again.
    fn snapshot(&self, journal: &mut Journal) -> Result<(), Fault> {
        let (host, plan) = (self.scene.host, self.plan);
        for (name, state) in states(host, &self.old.keys().cloned().collect())? {
            if !state.runs() && state.is_up() {
                journal.trying.insert(name.clone());
            }
            if state.is_up() {
                journal.active.insert(name, state.invocation);
            }
        }
        let stopped: Vec<&String> = plan.stop_first.iter().chain(&plan.stop).collect();
        for (name, state) in states(host, &dependents(host, &stopped)?)? {
            if state.runs() && !stopped.contains(&&name) && !self.new.contains_key(&name) {
                journal.others.insert(name, state.invocation);
            }
        }
        let networks = host.containers.networks()?.into_iter();
        journal.networks = networks.map(|network| (network.name, network.version)).collect();
        Ok(())
    }

    /// The end of what was done: from here on nothing is put back.
    fn commit(&self, entry: &Entry) -> Result<(), Failure> {
        let (store, tell) = (self.scene.store, self.scene.tell);
        store.reached(Phase::Committed).map_err(at(Step::Tidy))?;
        tell(&Event::Step { step: Step::Tidy });
        if let Err(fault) = restore::finish(self.scene, entry, None, self.settings.keep.max(1)) {
            // The next run of any command goes on with that.
            tell(&Event::Note { text: format!("all is up, but tidying up failed: {fault}") });
        }
        Ok(())
    }

    /// What becomes of a failure, by the will of the stack or of who runs this.
    fn failed(&self, mut entry: Entry, failure: Failure) -> Outcome {
        (self.scene.tell)(&Event::Failed { failure: failure.clone() });
        entry.cause = Some(match &failure.service {
            Some(service) => format!("{service}: {}", failure.why),
            None => failure.why.clone(),
        });
        if self.settings.preserve_logs {
            entry.log.clone_from(&failure.log);
        }
        let on_failure = self.manner.on_failure.unwrap_or(self.settings.on_failure);
        // Before services are started there is nothing to leave that anybody could use.
        let can_stay = matches!(failure.step, Step::Start | Step::Settle) && !failure.interrupted;
        if on_failure == OnFailure::Leave && can_stay {
            entry.verdict = Verdict::NotRestored;
            let wanted = &self.plan.start;
            let down = restore::down(self.scene, wanted).unwrap_or_else(|_| wanted.clone());
            let failure = Failure { down, ..failure };
            let why = self.commit(&entry).err();
            return Outcome::NotRestored { failure, why };
        }
        let outcome = match restore::restore(self.scene, Some(&entry)) {
            Ok(()) => Outcome::Restored(failure),
            Err(why) => Outcome::NotRestored { failure, why: Some(why) },
        };
        self.hooks.after(&self.settings.after_failure);
        outcome
    }
}
