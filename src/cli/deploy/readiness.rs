//! Whether services are ready that are asked for more than their health: by what is known of their
//! runs, or by asking them now.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;

use crate::host::change::{Fault, Held, Host};
use crate::host::probe::{Ask, Asked, Probe};
use crate::host::units::{UnitState, Wake};
use crate::state::manifest::Ready;
use crate::state::{Met, Sought};

/// How many services are asked at the same time.
const AT_ONCE: usize = 8;

/// How long a service may take for an answer, in milliseconds; one try is made.
const TRY_TIME: u64 = 5_000;

/// How long it is looked for a line that was not written yet, in milliseconds.
const LOG_TIME: u64 = 500;

/// How long all answers of one service may take before it counts as stuck.
const GRACE: Duration = Duration::from_secs(60);

/// Whether a service is ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Readiness {
    /// It was ready in this run, when it was started, or is so now, where it was asked.
    Ready,
    /// It does not run, is on its way up, or answers otherwise than it should.
    NotReady,
    /// It runs, and nobody has asked it in this run.
    Unknown,
}

impl Readiness {
    /// It as a word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::NotReady => "not ready",
            Self::Unknown => "unknown",
        }
    }
}

/// A service that is asked for more than its health.
pub struct Subject<'r> {
    /// What it is asked.
    pub ready: &'r Ready,
    /// How its unit is.
    pub state: &'r UnitState,
    /// Since when it is in that state, in seconds since 1970; 0 where nobody knows.
    pub since: u64,
    /// Whether its unit is the one that is installed, and the one that it runs by.
    pub is_ours: bool,
}

impl Subject<'_> {
    /// The run in which it must have been ready, where that is not known from its unit.
    pub fn run(&self) -> Option<Sought> {
        let is_open = self.state.runs() && !self.ready.by_unit;
        let run = Some(&self.state.invocation).filter(|run| is_open && !run.is_empty())?;
        let met = Met { run: run.clone(), asked: self.ready.mark() };
        Some(Sought { met, since: self.since })
    }

    /// Whether it is ready, by what is known of its run.
    pub fn known(&self, is_met: bool) -> Readiness {
        match self.state.runs() {
            false => Readiness::NotReady,
            // It is up only when its unit got the right answers.
            true if is_met || (self.ready.by_unit && self.is_ours) => Readiness::Ready,
            true => Readiness::Unknown,
        }
    }
}

/// What services answered: an error tells what one said last that is not right.
pub type Answers = BTreeMap<String, Result<(), String>>;

/// Asks services that run, each of its questions once. Who is not asked before somebody asks this
/// process to stop is left out.
pub fn ask(host: Host<'_>, subjects: &BTreeMap<&str, Subject<'_>>) -> Result<Answers, Fault> {
    let mut waiting = subjects.iter().filter(|(_, subject)| subject.state.runs());
    let mut open: BTreeMap<String, (Asked, Duration, Box<dyn Held>)> = BTreeMap::new();
    let mut answers = Answers::new();
    loop {
        for (service, subject) in waiting.by_ref().take(AT_ONCE.saturating_sub(open.len())) {
            let now = host.machine.now();
            let asked = Asked {
                service: (*service).to_owned(),
                container: subject.ready.container.clone(),
                invocation: subject.state.invocation.clone(),
                began: now,
            };
            let probes: Vec<Probe> = subject.ready.probes.iter().map(once).collect();
            let held = host.probes.watch(&asked, &probes)?;
            open.insert((*service).to_owned(), (asked, now + GRACE, held));
        }
        let Some(until) = open.values().map(|(_, until, _)| *until).min() else {
            return Ok(answers);
        };
        match host.units.wait(until)? {
            Wake::Answered { service, invocation, result } => {
                if open.get(&service).is_some_and(|(asked, ..)| asked.invocation == invocation) {
                    open.remove(&service);
                    answers.insert(service, result);
                }
            }
            Wake::TimeUp => {
                let now = host.machine.now();
                open.retain(|service, (_, until, _)| {
                    let is_late = *until <= now;
                    if is_late {
                        let why = "there is no answer at all".to_owned();
                        answers.insert(service.clone(), Err(why));
                    }
                    !is_late
                });
            }
            Wake::Interrupted => return Ok(answers),
            Wake::Changed(_) | Wake::Ended { .. } => {}
        }
    }
}

/// A question that is asked once.
fn once(probe: &Probe) -> Probe {
    let timeout = match &probe.ask {
        Ask::Log { .. } => LOG_TIME,
        _ => TRY_TIME,
    };
    // No second try fits into the time.
    Probe { timeout, interval: Some(timeout), ..probe.clone() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::units::Active;

    fn readiness(by_unit: bool, active: Active, is_ours: bool, is_met: bool) -> (bool, Readiness) {
        let ready = Ready { by_unit, ..Ready::default() };
        let state = UnitState { active, invocation: "1".to_owned(), ..UnitState::default() };
        let subject = Subject { ready: &ready, state: &state, since: 0, is_ours };
        (subject.run().is_some(), subject.known(is_met))
    }

    #[test]
    fn who_is_up_is_ready_by_its_unit_or_by_what_is_remembered() {
        use Active::{Activating, Active as Up, Failed};
        assert_eq!(readiness(false, Up, true, true), (true, Readiness::Ready));
        assert_eq!(readiness(false, Up, true, false), (true, Readiness::Unknown));
        assert_eq!(readiness(true, Up, true, false), (false, Readiness::Ready));
        // What its unit asked is not known where it runs by another one.
        assert_eq!(readiness(true, Up, false, false), (false, Readiness::Unknown));
        for active in [Activating, Failed] {
            assert_eq!(readiness(false, active, true, false), (false, Readiness::NotReady));
            assert_eq!(readiness(true, active, true, false), (false, Readiness::NotReady));
        }
    }

    #[test]
    fn a_run_without_a_mark_is_nobodys() {
        let state = UnitState { active: Active::Active, ..UnitState::default() };
        let ready = Ready::default();
        let subject = Subject { ready: &ready, state: &state, since: 0, is_ours: true };
        assert_eq!(subject.run(), None);
    }
}
