//! The steps of a plan, in their order; going forward and putting back are the same steps.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::event::{Event, Failure, Step, at};
use super::{Scene, images, links, start};
use crate::host::change::Fault;
use crate::host::units::Wake;
use crate::observe;
use crate::plan::order::last_first;
use crate::plan::{Plan, STACK_LABEL};
use crate::state::{FileSet, GenerationName, Met, Settings};
use crate::unit_file::facts::Facts;

/// How often systemd is asked to read its units anew, when others make it read them meanwhile.
const RELOADS: usize = 3;

/// How long a stop may take where the unit says nothing, which is systemd's own default.
const STOP_SECONDS: u64 = 90;

/// What is added to the times of systemd before it counts as stuck.
pub const GRACE: Duration = Duration::from_secs(15);

/// How many lines of a log are shown.
pub const LOG_LINES: usize = 20;

/// How carefully services are started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Care {
    /// They are waited for, and watched until all has settled; an interrupt ends it.
    Full,
    /// They are waited for, whatever anybody asks: this is the way back.
    Back,
    /// They are told to start.
    NoWait,
    /// They are left alone: only files are installed.
    OnlyInstall,
}

/// A plan with all that is needed to carry it out.
pub struct Steps<'a> {
    /// Where, and who is told about it.
    pub scene: &'a Scene<'a>,
    /// What is done.
    pub plan: &'a Plan,
    /// What is known about the services before.
    pub old: &'a BTreeMap<String, Facts>,
    /// The same after.
    pub new: &'a BTreeMap<String, Facts>,
    /// The files after.
    pub to: &'a FileSet,
    /// The generation that holds them.
    pub to_name: Option<&'a GenerationName>,
    /// Units that are not of the stack, stop together with its services and run again afterwards.
    pub others: &'a [String],
    /// Networks that stay, with what tells one from the next of its name.
    pub kept_networks: &'a BTreeMap<String, String>,
    /// How services are brought up.
    pub settings: &'a Settings,
    /// How carefully.
    pub care: Care,
    /// What is done while the first services are on their way up.
    pub meanwhile: &'a dyn Fn(),
    /// The services that were asked and were ready.
    pub ready: &'a RefCell<BTreeMap<String, Met>>,
}

impl Steps<'_> {
    /// Carries all out; tells how long each service took to be ready, in milliseconds.
    ///
    /// On the way back nothing but the files is worth to give up for: as much as can be is up
    /// again, and what failed first is told at the end.
    pub fn carry_out(&self) -> Result<BTreeMap<String, u64>, Failure> {
        if self.care == Care::OnlyInstall {
            self.install()?;
            return Ok(BTreeMap::new());
        }
        let first = RefCell::new(None);
        let bear = |result: Result<(), Failure>| match result {
            Err(failure) if self.care == Care::Back => {
                first.borrow_mut().get_or_insert(failure);
                Ok(())
            }
            result => result,
        };
        let before = self.scene.host.units.in_memory().map_err(at(Step::Verify))?;
        bear(self.stop(Step::StopFirst, &self.plan.stop_first, self.old))?;
        self.install()?;
        if self.plan.reloads {
            bear(self.reload(&before))?;
        }
        bear(self.stop(Step::Stop, &self.plan.stop, self.new))?;
        bear(self.drop_networks().map_err(at(Step::Stop)))?;
        bear(images::tag(self.scene.host, &self.plan.tags).map_err(at(Step::Stop)))?;
        let took = start::start(self, &self.plan.start, self.meanwhile)?;
        bear(took.1)?;
        bear(self.start_others())?;
        match first.into_inner() {
            Some(failure) => Err(failure),
            None => Ok(took.0),
        }
    }

    /// Starts what is down of what was to be up, once more.
    pub fn go_on(&self) -> Result<BTreeMap<String, u64>, Failure> {
        let names = self.plan.start.iter().cloned().collect();
        let states = observe::states(self.scene.host, &names).map_err(at(Step::Start))?;
        let down = states.into_iter().filter(|(_, state)| !state.runs()).map(|(name, _)| name);
        let (took, so_far) = start::start(self, &down.collect::<Vec<_>>(), &|| {})?;
        so_far?;
        self.start_others()?;
        Ok(took)
    }

    /// Takes networks away that go or get another definition. Which are there is looked at now: one
    /// may have been on its way when the plan was made.
    fn drop_networks(&self) -> Result<(), Fault> {
        if self.plan.drop_networks.is_empty() {
            return Ok(());
        }
        for network in self.scene.host.containers.networks()? {
            let is_meant = self.plan.drop_networks.contains(&network.name);
            let owner = network.labels.get(STACK_LABEL);
            let is_ours = owner.is_some_and(|owner| *owner == self.plan.stack);
            let stays = self.kept_networks.get(&network.name) == Some(&network.version);
            if is_meant && is_ours && !stays {
                self.scene.host.containers.remove_network(&network.name)?;
            }
        }
        Ok(())
    }

    /// Starts what stopped with the services of the stack and did not come back with them.
    fn start_others(&self) -> Result<(), Failure> {
        if self.others.is_empty() {
            return Ok(());
        }
        let gone = self.old.keys().filter(|name| !self.new.contains_key(*name));
        let gone: Vec<&String> = gone.collect();
        let lost = observe::dependents(self.scene.host, &gone).map_err(at(Step::Start))?;
        let names = self.others.iter().cloned().collect();
        let states = observe::states(self.scene.host, &names).map_err(at(Step::Start))?;
        let mut down = Vec::new();
        for (name, _) in states.into_iter().filter(|(_, state)| !state.runs()) {
            match lost.contains(&name) {
                true => (self.scene.tell)(&Event::Note {
                    text: format!("{name} is not of this stack, needs what goes and stays down"),
                }),
                false => down.push(name),
            }
        }
        start::start(self, &down, &|| {})?.1
    }

    fn step(&self, step: Step) {
        (self.scene.tell)(&Event::Step { step });
    }

    fn install(&self) -> Result<(), Failure> {
        if !self.plan.installs {
            return Ok(());
        }
        self.step(Step::Switch);
        let links = |set| links::links(self.scene.places, self.scene.store, &self.plan.stack, set);
        // Links that are no longer needed go when nothing can need them for a way back.
        let install = || -> Result<(), Fault> {
            if let Some(name) = self.to_name {
                self.scene.store.name(name)?;
            }
            links::make(self.scene.host.files, &links(self.to))?;
            self.scene.store.switch(self.to_name)
        };
        install().map_err(at(Step::Switch))
    }

    /// Lets systemd read its units, and looks whether it knows all: its own word for success says
    /// nothing about what generators left out.
    fn reload(&self, before: &BTreeMap<String, bool>) -> Result<(), Failure> {
        self.step(Step::Reload);
        let mut result = Ok(());
        for _ in 0..RELOADS {
            self.scene.host.units.reload().map_err(at(Step::Reload))?;
            result = self.verify(before);
            if result.is_ok() {
                break;
            }
        }
        result
    }

    fn verify(&self, before: &BTreeMap<String, bool>) -> Result<(), Failure> {
        let names: BTreeSet<String> = self.new.keys().cloned().collect();
        let states = observe::states(self.scene.host, &names).map_err(at(Step::Verify))?;
        let folder = self.to_name.map(ToString::to_string).unwrap_or_default();
        for (service, state) in &states {
            let is_quadlet = self.new.get(service).is_some_and(Facts::is_quadlet);
            let is_ours = !is_quadlet || state.comes_from(&folder);
            if !state.is_loaded || !is_ours {
                let why = match &state.source {
                    Some(source) if state.is_loaded => {
                        format!("systemd has {service} from {}", source.display())
                    }
                    _ => format!("systemd does not know {service} after reading its units"),
                };
                return Err(self.failure(Step::Verify, service, why));
            }
        }
        let after = self.scene.host.units.in_memory().map_err(at(Step::Verify))?;
        let is_ours = |name: &String| self.new.contains_key(name) || self.old.contains_key(name);
        // A unit that ended may leave the memory by itself: what is lost cannot be had back.
        let missing = |(name, was_active): &(&String, &bool)| {
            **was_active && !after.contains_key(*name) && !is_ours(name)
        };
        let missing = before.iter().filter(missing).map(|(name, _)| name.clone()).collect();
        let states = observe::states(self.scene.host, &missing).map_err(at(Step::Verify))?;
        match states.iter().find(|(_, state)| !state.is_loaded) {
            None => Ok(()),
            Some((name, _)) => {
                let why = format!("systemd lost {name}, which is not of this stack");
                Err(Failure::at(Step::Verify, why))
            }
        }
    }

    /// Stops services and waits until they are down.
    fn stop(
        &self,
        step: Step,
        services: &[String],
        facts: &BTreeMap<String, Facts>,
    ) -> Result<(), Failure> {
        if services.is_empty() {
            return Ok(());
        }
        self.step(step);
        let mut open = BTreeMap::new();
        let mut longest = 0;
        for service in last_first(facts, services) {
            (self.scene.tell)(&Event::Stopping { service: service.clone() });
            let job = self.scene.host.units.stop(&service).map_err(at(step))?;
            let seconds = facts.get(&service).and_then(|facts| facts.stop_seconds);
            open.insert(job, service);
            longest = longest.max(seconds.unwrap_or(STOP_SECONDS).min(start::ENDLESS_SECONDS));
        }
        let until = self.scene.host.machine.now() + Duration::from_secs(longest) + GRACE;
        while !open.is_empty() {
            match self.scene.host.units.wait(until).map_err(at(step))? {
                Wake::Ended { job, .. } => {
                    if let Some(service) = open.remove(&job) {
                        (self.scene.tell)(&Event::Stopped { service });
                    }
                }
                Wake::Interrupted if self.care == Care::Full => {
                    return Err(Failure::interrupted(step));
                }
                Wake::TimeUp => break,
                Wake::Interrupted | Wake::Answered { .. } | Wake::Changed(_) => {}
            }
        }
        let names: BTreeSet<String> = services.iter().cloned().collect();
        let states = observe::states(self.scene.host, &names).map_err(at(step))?;
        match states.iter().find(|(_, state)| state.is_up()) {
            None => Ok(()),
            Some((service, _)) => Err(self.failure(step, service, "it does not stop".to_owned())),
        }
    }

    /// A failure of a service with what it said last.
    pub fn failure(&self, step: Step, service: &str, why: String) -> Failure {
        let log = self.scene.host.units.log(service, LOG_LINES).unwrap_or_default();
        let name = self.new.get(service).and_then(|facts| facts.name.clone());
        let health = name.and_then(|name| self.scene.host.containers.health_log(&name).ok());
        let (service, health) = (Some(service.to_owned()), health.unwrap_or_default());
        Failure { step, service, why, log, health, ..Failure::default() }
    }
}
