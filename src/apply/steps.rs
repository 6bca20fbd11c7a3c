//! The steps of a plan, in their order; going forward and putting back are the same steps.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::event::{Event, Failure, Step, at};
use super::{links, start};
use crate::host::change::{Fault, Host};
use crate::host::units::{Active, UnitState, Wake};
use crate::observe;
use crate::plan::{Plan, facts};
use crate::state::{FileSet, GenerationName, Places, Settings, Store};
use crate::unit_file::facts::Facts;

/// How often systemd is asked to read its units anew, when others make it read them meanwhile.
const RELOADS: usize = 3;

/// How long a stop may take where the unit says nothing, which is systemd's own default.
const STOP_SECONDS: u64 = 90;

/// What is added to the times of systemd before it counts as stuck.
pub const GRACE: Duration = Duration::from_secs(15);

/// How many lines of a log are shown.
const LOG_LINES: usize = 20;

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
    /// Where.
    pub host: Host<'a>,
    /// Its folders.
    pub places: &'a Places,
    /// What is kept about the stack.
    pub store: &'a Store<'a>,
    /// What is done.
    pub plan: &'a Plan,
    /// The files before.
    pub from: &'a FileSet,
    /// The files after.
    pub to: &'a FileSet,
    /// The generation that holds them.
    pub to_name: Option<&'a GenerationName>,
    /// How services are brought up.
    pub settings: &'a Settings,
    /// How carefully.
    pub care: Care,
    /// Who is told about it.
    pub tell: &'a dyn Fn(&Event),
}

impl Steps<'_> {
    /// Carries all out; tells how long each service took to be ready, in milliseconds.
    pub fn carry_out(&self) -> Result<BTreeMap<String, u64>, Failure> {
        let old = facts(self.from);
        let new = facts(self.to);
        if self.care == Care::OnlyInstall {
            self.install()?;
            return Ok(BTreeMap::new());
        }
        let before = self.host.units.in_memory().map_err(at(Step::Verify))?;
        self.stop(Step::StopFirst, &self.plan.stop_first, &old)?;
        self.install()?;
        if self.plan.reloads {
            self.reload(&new, &before, &old)?;
        }
        self.stop(Step::Stop, &self.plan.stop, &new)?;
        for network in &self.plan.drop_networks {
            self.host.containers.remove_network(network).map_err(at(Step::Stop))?;
        }
        start::start(self, &new)
    }

    fn step(&self, step: Step) {
        (self.tell)(&Event::Step { step });
    }

    fn install(&self) -> Result<(), Failure> {
        if !self.plan.installs {
            return Ok(());
        }
        self.step(Step::Switch);
        let links = |set| links::links(self.places, self.store, &self.plan.stack, set);
        let (old, new) = (links(self.from), links(self.to));
        let install = || -> Result<(), Fault> {
            links::make(self.host.files, &new)?;
            self.store.switch(self.to_name)?;
            links::remove(self.host.files, &old, &new)
        };
        install().map_err(at(Step::Switch))
    }

    /// Lets systemd read its units, and looks whether it knows all: its own word for success says
    /// nothing about what generators left out.
    fn reload(
        &self,
        new: &BTreeMap<String, Facts>,
        before: &BTreeMap<String, bool>,
        old: &BTreeMap<String, Facts>,
    ) -> Result<(), Failure> {
        self.step(Step::Reload);
        let mut result = Ok(());
        for _ in 0..RELOADS {
            self.host.units.reload().map_err(at(Step::Reload))?;
            result = self.verify(new, before, old);
            if result.is_ok() {
                break;
            }
        }
        result
    }

    fn verify(
        &self,
        new: &BTreeMap<String, Facts>,
        before: &BTreeMap<String, bool>,
        old: &BTreeMap<String, Facts>,
    ) -> Result<(), Failure> {
        let names: BTreeSet<String> = new.keys().cloned().collect();
        let states = observe::states(self.host, &names).map_err(at(Step::Verify))?;
        let folder = self.to_name.map(ToString::to_string).unwrap_or_default();
        for (service, state) in &states {
            let is_quadlet = new.get(service).is_some_and(Facts::is_quadlet);
            let is_ours = !is_quadlet || comes_from(state, &folder);
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
        let after = self.host.units.in_memory().map_err(at(Step::Verify))?;
        let is_ours = |name: &String| new.contains_key(name) || old.contains_key(name);
        let mut lost = before.keys().filter(|name| !after.contains_key(*name) && !is_ours(name));
        // A unit that nobody uses leaves the memory by itself, so only running ones tell.
        match lost.find(|name| before.get(*name) == Some(&true)) {
            None => Ok(()),
            Some(name) => {
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
        for service in services {
            (self.tell)(&Event::Stopping { service: service.clone() });
            let job = self.host.units.stop(service).map_err(at(step))?;
            open.insert(job, service.clone());
            let seconds = facts.get(service).and_then(|facts| facts.stop_seconds);
            longest = longest.max(seconds.unwrap_or(STOP_SECONDS));
        }
        let until = self.host.machine.now() + Duration::from_secs(longest) + GRACE;
        while !open.is_empty() {
            match self.host.units.wait(until).map_err(at(step))? {
                Wake::Ended { job, .. } => {
                    if let Some(service) = open.remove(&job) {
                        (self.tell)(&Event::Stopped { service });
                    }
                }
                Wake::Interrupted if self.care == Care::Full => {
                    return Err(Failure::interrupted(step));
                }
                Wake::TimeUp => break,
                Wake::Interrupted | Wake::Changed(_) => {}
            }
        }
        let names: BTreeSet<String> = services.iter().cloned().collect();
        let states = observe::states(self.host, &names).map_err(at(step))?;
        match states.iter().find(|(_, state)| is_up(state)) {
            None => Ok(()),
            Some((service, _)) => Err(self.failure(step, service, "it does not stop".to_owned())),
        }
    }

    /// A failure of a service with what it said last.
    pub fn failure(&self, step: Step, service: &str, why: String) -> Failure {
        let log = self.host.units.log(service, LOG_LINES).unwrap_or_default();
        let facts = facts(self.to);
        let name = facts.get(service).and_then(|facts| facts.name.clone());
        let health = name.and_then(|name| self.host.containers.health_log(&name).ok());
        let (service, health) = (Some(service.to_owned()), health.unwrap_or_default());
        Failure { step, service, why, log, health, ..Failure::default() }
    }
}

/// Whether a unit was made from a file of a generation.
fn comes_from(state: &UnitState, generation: &str) -> bool {
    let source = state.source.as_ref();
    source.is_some_and(|path| path.components().any(|part| part.as_os_str() == generation))
}

/// Whether a unit runs, or is on its way.
pub fn is_up(state: &UnitState) -> bool {
    !matches!(state.active, Active::Inactive | Active::Failed)
}
