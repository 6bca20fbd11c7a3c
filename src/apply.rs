//! Carrying out a plan so that afterwards all is new, or all is as it was.
//!
//! Everything that changes a host is in one transaction: a journal says what is about to be done
//! before anything is touched, and the next run of any command puts back what a crash cut short.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

pub mod event;
pub mod hooks;
pub mod images;
pub mod links;
pub mod phases;
pub mod pull;
pub mod rehearse;
pub mod restore;
pub mod resume;
pub mod secrets;
pub mod start;
pub mod steps;
pub mod test;
mod volumes;

pub use event::{Event, Failure, Outcome, Step};
pub use restore::recover;
pub use steps::Care;

use crate::host::change::{Fault, Host};
use crate::host::containers::{Container, Image, Stock};
use crate::observe::{dependents, states};
use crate::plan::{Observed, Plan, facts};
use crate::state::{
    Assessed, Entry, FileSet, Generation, Journal, Manifest, Phase, Places, Settings, Store,
    Verdict, manifest::OnFailure, manifest::Test,
};
use crate::unit_file::facts::Facts;
use event::at;
use hooks::Hooks;
use phases::Phases;
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
#[derive(Clone, Copy)]
pub struct Manner<'m> {
    /// How carefully.
    pub care: Care,
    /// What becomes of a failure, where that is not for the stack to say.
    pub on_failure: Option<OnFailure>,
    /// Who is asked where all is held for a look; without anybody, all is put back.
    pub ask: Option<&'m dyn Fn() -> Answer>,
    /// What was seen of the host for the plan, where that was just now.
    pub seen: Option<&'m Observed>,
    /// How the host is and what is at stake, for the history.
    pub assessed: Option<&'m Assessed>,
}

impl From<Care> for Manner<'_> {
    fn from(care: Care) -> Self {
        Self { care, on_failure: None, ask: None, seen: None, assessed: None }
    }
}

/// What is to become of a failure that somebody has looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// What is down is started once more, and waited for.
    GoOn,
    /// All is put back.
    Back,
    /// All stays as it is.
    Leave,
}

/// Carries out a plan that was made just now, and puts all back when that fails.
pub fn apply<'a>(
    scene: &Scene<'_>,
    plan: &Plan,
    from: Option<&Generation>,
    target: Target<'_>,
    secrets: &secrets::Settled,
    manner: impl Into<Manner<'a>>,
) -> Outcome {
    if plan.is_empty() {
        return Outcome::Nothing;
    }
    let empty = FileSet::default();
    let settings = target.set().map(|(_, settings)| settings);
    let settings = settings.or(from.map(|from| &from.manifest.settings)).cloned();
    let settings = settings.unwrap_or_default();
    let phases = Phases::default();
    let tell = |event: &Event| {
        phases.note(event, scene.host.machine.now());
        (scene.tell)(event);
    };
    let scene = &Scene { tell: &tell, ..*scene };
    Operation {
        scene,
        plan,
        from,
        target,
        secrets,
        manner: manner.into(),
        hooks: Hooks { scene, plan, settings: &settings },
        phases: &phases,
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
    manner: Manner<'o>,
    hooks: Hooks<'o>,
    phases: &'o Phases,
    settings: &'o Settings,
    /// What is known about the services before, and after.
    old: &'o BTreeMap<String, Facts>,
    new: &'o BTreeMap<String, Facts>,
}

impl Operation<'_> {
    fn run(&self) -> Outcome {
        let scene = self.scene;
        let began = scene.host.machine.now();
        let (journal, stock) = match self.prepare() {
            Ok(begun) => begun,
            Err(failure) => {
                (scene.tell)(&Event::Failed { failure: failure.clone() });
                return Outcome::Refused(failure);
            }
        };
        self.go(&journal, &stock, began)
    }

    /// All that comes behind the journal.
    fn go(&self, journal: &Journal, stock: &Stock, began: Duration) -> Outcome {
        let scene = self.scene;
        let images = images::of_services(stock, Some(self.plan), self.new);
        let keep = || {
            if let Some(name) = &journal.to {
                images::keep(scene, name.number, &stock.images, &images);
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
            meanwhile: &keep,
            ready: &RefCell::default(),
        };
        let mut entry = Entry::of(journal, Verdict::Done);
        let (result, on_failure) = self.carry_out(&steps);
        entry.ready = steps.ready.take();
        let now = scene.host.machine.now();
        let took = now.saturating_sub(began);
        entry.milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        let patterns = self.settings.patterns.iter();
        let patterns = patterns.filter(|(service, _)| self.plan.start.contains(service));
        entry.patterns = patterns.map(|(one, other)| (one.clone(), other.clone())).collect();
        entry.phases = self.phases.took(now);
        let now = result.is_ok().then(|| self.images_now(journal)).flatten();
        entry.images = now.unwrap_or_else(|| images.clone());
        let result = result.and_then(|services| {
            entry.services = services;
            self.hooks.after(&self.settings.after);
            let committed = self.commit(journal, &entry, &stock.images);
            committed.inspect_err(|why| (scene.tell)(&Event::Failed { failure: why.clone() }))
        });
        match result {
            Ok(()) => Outcome::Done { generation: journal.to.clone(), took },
            Err(failure) => self.failed(journal, entry, (failure, on_failure), &stock.images),
        }
    }

    /// Goes through the steps; after a failure, what is down is started again as often as somebody
    /// says so who looks at it.
    fn carry_out(&self, steps: &Steps<'_>) -> (Result<BTreeMap<String, u64>, Failure>, OnFailure) {
        let mut on_failure = self.manner.on_failure.unwrap_or(self.settings.on_failure);
        let tested = |took| self.test().map(|()| took);
        let mut result = self.set_secrets().and_then(|()| steps.carry_out()).and_then(tested);
        while let Err(failure) = &result {
            (self.scene.tell)(&Event::Failed { failure: failure.clone() });
            let is_held = on_failure == OnFailure::Pause && can_stay(failure);
            match self.manner.ask.filter(|_| is_held).map(|ask| ask()) {
                Some(Answer::GoOn) => result = steps.go_on().and_then(tested),
                Some(Answer::Leave) => {
                    on_failure = OnFailure::Leave;
                    break;
                }
                Some(Answer::Back) | None => break,
            }
        }
        (result, on_failure)
    }

    /// Asks whether all that was started works, where the stack says how that is seen.
    fn test(&self) -> Result<(), Failure> {
        if self.manner.care != Care::Full || self.plan.start.is_empty() {
            return Ok(());
        }
        let tests = self.settings.tests.iter();
        let is_meant = |test: &&Test| !test.is_implied && self.new.contains_key(&test.service);
        test::all(self.scene, tests.filter(is_meant))
    }

    fn set_secrets(&self) -> Result<(), Failure> {
        match self.manner.care {
            Care::OnlyInstall => Ok(()),
            _ => self.secrets.store(self.scene.host, self.scene.stack).map_err(at(Step::Stage)),
        }
    }

    /// The images of services that may have fetched others when they started.
    fn images_now(&self, journal: &Journal) -> Option<BTreeMap<String, String>> {
        let may_differ = self.new.values().any(|facts| facts.pulls_anew);
        let name = journal.to.as_ref().filter(|_| may_differ && !journal.only_installs)?;
        let stock = self.scene.host.containers.stock().ok()?;
        let images = images::of_services(&stock, None, self.new);
        images::keep(self.scene, name.number, &stock.images, &images);
        Some(images)
    }

    /// All that can be done without changing anything that runs, and the journal at its end.
    fn prepare(&self) -> Result<(Journal, Stock), Failure> {
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
        if begun.is_err() && runs {
            drop(secrets::forget(scene.host, scene.stack, &self.secrets.rotated));
        }
        begun.map(|stock| (journal, stock))
    }

    /// The last look before anything changes, which is written down.
    fn begin(&self, journal: &mut Journal) -> Result<Stock, Failure> {
        let scene = self.scene;
        let mut stock = Stock::default();
        journal.began = scene.host.machine.wall_time();
        journal.user = scene.host.machine.user();
        journal.assessed = self.manner.assessed.cloned();
        self.finds_its_places()?;
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
            self.secrets.put_aside(scene.host, scene.stack).map_err(at(Step::Stage))?;
            journal.rotated.clone_from(&self.secrets.rotated);
            stock = self.snapshot(journal).map_err(at(Step::Stage))?;
        }
        scene.store.begin(journal).map_err(at(Step::Stage))?;
        Ok(stock)
    }

    /// What somebody else has put where a link of ours must be is not replaced.
    fn finds_its_places(&self) -> Result<(), Failure> {
        let scene = self.scene;
        let Some((set, _)) = self.target.set() else { return Ok(()) };
        let links = links::links(scene.places, scene.store, scene.stack, set);
        let own = scene.places.inside(scene.store.folder());
        let found = links::strangers(scene.host.files, &links, &own).map_err(at(Step::Stage))?;
        match found.first() {
            None => Ok(()),
            Some(path) => {
                let why = format!("{} is there and is not of this stack", path.display());
                Err(Failure::at(Step::Stage, why))
            }
        }
    }

    /// Notes what runs and what is there, to be able to have it again.
    fn snapshot(&self, journal: &mut Journal) -> Result<Stock, Fault> {
        let (host, plan) = (self.scene.host, self.plan);
        for (name, state) in states(host, &self.old.keys().cloned().collect())? {
            if !state.runs() && state.is_up() {
                journal.trying.insert(name.clone());
            }
            if state.is_up() {
                journal.active.insert(name, state.invocation);
            }
        }
        if self.settings.drop_volumes {
            journal.volumes = volumes::missing(host, self.new)?;
        }
        let stopped: Vec<&String> = plan.stop_first.iter().chain(&plan.stop).collect();
        for (name, state) in states(host, &dependents(host, &stopped)?)? {
            if state.runs() && !stopped.contains(&&name) && !self.new.contains_key(&name) {
                journal.others.insert(name, state.invocation);
            }
        }
        // What was fetched or done by commands since the plan was made may have changed it.
        let is_now = plan.pull.is_empty() && self.settings.before.is_empty();
        let stock = match self.manner.seen.filter(|_| is_now) {
            Some(seen) => seen.stock(),
            None => host.containers.stock()?,
        };
        let networks = stock.networks.iter();
        journal.networks =
            networks.map(|network| (network.name.clone(), network.version.clone())).collect();
        for facts in self.old.values() {
            let runs = |one: &&Container| facts.name.as_ref() == Some(&one.name) && one.is_running;
            if let Some(container) = stock.containers.iter().find(runs) {
                journal.images.insert(facts.service.clone(), container.image_id.clone());
            }
        }
        let facts = self.old.values().chain(self.new.values());
        for name in facts.filter_map(|facts| facts.image.as_ref()) {
            if let Some(image) = stock.images.iter().find(|image| image.has_name(name)) {
                journal.image_names.insert(name.clone(), image.id.clone());
            }
        }
        Ok(stock)
    }

    /// The end of what was done: from here on nothing is put back.
    fn commit(&self, journal: &Journal, entry: &Entry, images: &[Image]) -> Result<(), Failure> {
        let (store, tell) = (self.scene.store, self.scene.tell);
        store.reached(Phase::Committed).map_err(at(Step::Tidy))?;
        tell(&Event::Step { step: Step::Tidy });
        let last = restore::Last {
            useless: None,
            keep: self.settings.keep.max(1),
            images: Some(images),
            // Some had their value before this went on with what was cut short.
            rotated: &journal.rotated,
        };
        if let Err(fault) = restore::finish(self.scene, entry, &last) {
            // The next run of any command goes on with that.
            tell(&Event::Note { text: format!("all is up, but tidying up failed: {fault}") });
        }
        Ok(())
    }

    /// What becomes of a failure, by the will of the stack or of who runs this.
    fn failed(
        &self,
        journal: &Journal,
        mut entry: Entry,
        (failure, on_failure): (Failure, OnFailure),
        images: &[Image],
    ) -> Outcome {
        entry.cause = Some(match &failure.service {
            Some(service) => format!("{service}: {}", failure.why),
            None => failure.why.clone(),
        });
        entry.failed.clone_from(&failure.service);
        if self.settings.preserve_logs {
            entry.log.clone_from(&failure.log);
        }
        if on_failure == OnFailure::Leave && can_stay(&failure) {
            entry.verdict = Verdict::NotRestored;
            let wanted = &self.plan.start;
            let down = restore::down(self.scene, wanted).unwrap_or_else(|_| wanted.clone());
            let failure = Failure { down, ..failure };
            let why = self.commit(journal, &entry, images).err();
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

/// Whether anybody could use what a failure leaves: before services are started there is nothing.
fn can_stay(failure: &Failure) -> bool {
    matches!(failure.step, Step::Start | Step::Settle | Step::Test) && !failure.interrupted
}
