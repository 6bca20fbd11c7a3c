//! Starting services, each the moment that what it needs is up, and watching that they stay so.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::event::{Event, Failure, Step, at};
use super::steps::{Care, GRACE, Steps};
use crate::host::change::{Fault, Held};
use crate::host::probe::{Asked, NOT_READY};
use crate::host::units::{Active, Job, JobResult, UnitState, Wake};
use crate::plan::order::order;
use crate::state::Met;
use crate::state::manifest::Ready;

/// How long a start may take where nobody says anything, which is systemd's own default.
const START_SECONDS: u64 = 90;

/// How long before systemd gives up it is looked what the health checks say: it takes the container
/// away then, and what they said with it.
const LAST_LOOK: Duration = Duration::from_millis(700);

/// How long a job may take that may take for ever.
pub const ENDLESS_SECONDS: u64 = 24 * 60 * 60;

/// How long each service took to be ready, in milliseconds, and whether all are.
pub type Took = (BTreeMap<String, u64>, Result<(), Failure>);

/// Starts services; an error beside the times is what failed first on a way back, on which all
/// others were started nevertheless.
pub fn start(
    steps: &Steps<'_>,
    services: &[String],
    meanwhile: &dyn Fn(),
) -> Result<Took, Failure> {
    if services.is_empty() {
        meanwhile();
        return Ok((BTreeMap::new(), Ok(())));
    }
    (steps.scene.tell)(&Event::Step { step: Step::Start });
    let now = steps.scene.host.machine.now();
    let total = steps.settings.total_seconds.unwrap_or(ENDLESS_SECONDS);
    let mut starting = Starting {
        steps,
        waiting: order(steps.new, services),
        running: BTreeMap::new(),
        asked: BTreeMap::new(),
        up: BTreeMap::new(),
        lost: BTreeSet::new(),
        first: None,
        took: BTreeMap::new(),
        end: now + Duration::from_secs(total.min(ENDLESS_SECONDS)),
    };
    let result = starting.run(meanwhile);
    if result.is_err() {
        starting.call_off();
    }
    result.map(|()| (starting.took, starting.first.map_or(Ok(()), Err)))
}

/// Services on their way up.
struct Starting<'s, 'a> {
    steps: &'s Steps<'a>,
    waiting: BTreeMap<String, BTreeSet<String>>,
    running: BTreeMap<Job, Run>,
    /// Those that run, and are asked whether they are ready.
    asked: BTreeMap<String, Asking>,
    /// Those that are up, with the mark of their run.
    up: BTreeMap<String, String>,
    /// Those that did not come up on a way back, with what failed first.
    lost: BTreeSet<String>,
    first: Option<Failure>,
    took: BTreeMap<String, u64>,
    end: Duration,
}

/// A service that is being started.
struct Run {
    service: String,
    began: Duration,
    until: Duration,
    /// The mark of its run before, and of the one that we began.
    before: String,
    own: Option<String>,
    /// When its health checks are looked at for the last time, and what they said then.
    look: Option<Duration>,
    health: Vec<String>,
}

/// A service that runs and is asked whether it is ready, for as long as this is kept.
struct Asking {
    began: Duration,
    invocation: String,
    _asked: Box<dyn Held>,
}

impl Starting<'_, '_> {
    fn run(&mut self, meanwhile: &dyn Fn()) -> Result<(), Failure> {
        self.start_what_can()?;
        meanwhile();
        loop {
            self.start_what_can()?;
            if self.running.is_empty() && self.asked.is_empty() {
                break;
            }
            let next = |run: &Run| run.look.map_or(run.until, |look| look.min(run.until));
            let until = self.running.values().map(next).min().unwrap_or(self.end);
            let so_far = match self.wait(Step::Start, until.min(self.end))? {
                Wake::Ended { job, result, .. } => self.ended(&job, result),
                Wake::Changed(unit) => self.changed(Step::Start, &unit),
                Wake::Answered { service, invocation, result } => {
                    self.answered(&service, &invocation, result)
                }
                Wake::TimeUp => {
                    self.last_look();
                    self.late()
                }
                Wake::Interrupted => Ok(()),
            };
            so_far.or_else(|failure| self.bear(failure))?;
        }
        if let Some(service) = self.waiting.keys().next() {
            let why = "it waits for services that wait for it".to_owned();
            return Err(self.steps.failure(Step::Start, service, why));
        }
        self.settle()
    }

    fn wait(&self, step: Step, until: Duration) -> Result<Wake, Failure> {
        let wake = self.steps.scene.host.units.wait(until).map_err(at(step))?;
        match wake {
            Wake::Interrupted if self.steps.care != Care::Back => Err(Failure::interrupted(step)),
            wake => Ok(wake),
        }
    }

    /// A service that fails ends all, but for the way back: there the others come up without it.
    fn bear(&mut self, failure: Failure) -> Result<(), Failure> {
        let Some(service) = failure.service.clone().filter(|_| self.steps.care == Care::Back)
        else {
            return Err(failure);
        };
        self.running.retain(|_, run| run.service != service);
        self.asked.remove(&service);
        self.up.remove(&service);
        self.lost.insert(service);
        self.first.get_or_insert(failure);
        Ok(())
    }

    fn start_what_can(&mut self) -> Result<(), Failure> {
        let at_once = match self.steps.settings.max_parallel {
            _ if self.steps.care == Care::NoWait => usize::MAX,
            0 => usize::MAX,
            number => number,
        };
        let room = at_once.saturating_sub(self.running.len() + self.asked.len());
        let ready = self.waiting.iter().filter(|(name, after)| {
            self.steps.care == Care::NoWait || after.iter().all(|one| self.is_over(one, name))
        });
        let ready: Vec<String> = ready.map(|(name, _)| name.clone()).take(room).collect();
        let states = self.states(Step::Start, &ready)?;
        for (service, state) in ready.into_iter().zip(states) {
            self.waiting.remove(&service);
            let started = self.start_one(service, &state);
            started.or_else(|failure| self.bear(failure))?;
        }
        Ok(())
    }

    /// Whether a service keeps another one waiting no longer.
    fn is_over(&self, service: &String, waiting: &str) -> bool {
        let awaited = |ready: &Ready| ready.awaited_by.contains(waiting);
        let runs = self.asked.contains_key(service);
        self.up.contains_key(service)
            || self.lost.contains(service)
            || (runs && !self.steps.settings.ready.get(service).is_some_and(awaited))
    }

    fn start_one(&mut self, service: String, state: &UnitState) -> Result<(), Failure> {
        let units = self.steps.scene.host.units;
        let failed = |fault: Fault| Failure {
            service: Some(service.clone()),
            ..Failure::at(Step::Start, fault.to_string())
        };
        // What failed too often would be refused without being tried.
        units.reset_failed(&service).map_err(failed)?;
        (self.steps.scene.tell)(&Event::Starting { service: service.clone() });
        let job = units.start(&service).map_err(failed)?;
        if self.steps.care == Care::NoWait {
            return Ok(());
        }
        let began = self.steps.scene.host.machine.now();
        let until = began + self.time_of(&service) + GRACE;
        let limit = self.steps.new.get(&service).and_then(|facts| facts.start_seconds);
        let last = |seconds: u64| Duration::from_secs(seconds.min(ENDLESS_SECONDS));
        let look = limit.map(|seconds| began + last(seconds).saturating_sub(LAST_LOOK));
        let before = state.invocation.clone();
        let (own, health) = (None, Vec::new());
        self.running.insert(job, Run { service, began, until, before, own, look, health });
        Ok(())
    }

    /// Keeps what the health checks of a service say that will hardly be ready in time.
    fn last_look(&mut self) {
        let now = self.steps.scene.host.machine.now();
        for run in self.running.values_mut().filter(|run| run.look.is_some_and(|look| look <= now))
        {
            run.look = None;
            let name = self.steps.new.get(&run.service).and_then(|facts| facts.name.as_ref());
            let said = name.map(|name| self.steps.scene.host.containers.health_log(name));
            // A container that has none, or is gone already, says nothing.
            run.health = said.and_then(Result::ok).unwrap_or_default();
        }
    }

    /// How long a service may take.
    fn time_of(&self, service: &str) -> Duration {
        let own = self.steps.new.get(service).and_then(|facts| facts.start_seconds);
        let limit = self.steps.settings.service_seconds;
        let seconds = match (own, limit) {
            (Some(own), Some(limit)) => own.min(limit),
            (one, other) => one.or(other).unwrap_or(START_SECONDS),
        };
        Duration::from_secs(seconds.min(ENDLESS_SECONDS))
    }

    fn ended(&mut self, job: &Job, result: JobResult) -> Result<(), Failure> {
        let Some(run) = self.running.remove(job) else { return Ok(()) };
        let state = self.state(Step::Start, &run.service)?;
        let is_up = state.active == Active::Active;
        let why = match result {
            JobResult::Done | JobResult::Skipped if is_up => None,
            JobResult::Done => Some(format!("it started and ended at once ({})", state.result)),
            JobResult::Skipped => Some("a condition of its unit does not hold".to_owned()),
            JobResult::Canceled => Some("its start was called off by somebody else".to_owned()),
            JobResult::Timeout => Some("it was not ready in time".to_owned()),
            JobResult::Failed => Some(why_failed(&state)),
            JobResult::Dependency => Some("something that it needs did not start".to_owned()),
        };
        if let Some(why) = why {
            return Err(self.failure(&run, why));
        }
        let asked = self.steps.settings.ready.get(&run.service);
        if let Some(ready) = asked.filter(|ready| !ready.by_unit) {
            return self.ask(run, state.invocation, ready);
        }
        self.is_ready(run.service, run.began, state.invocation);
        Ok(())
    }

    /// Asks a service that runs what the stack wants to know before it counts as ready.
    fn ask(&mut self, run: Run, invocation: String, ready: &Ready) -> Result<(), Failure> {
        let Run { service, began, .. } = run;
        (self.steps.scene.tell)(&Event::Asking { service: service.clone() });
        let container = ready.container.clone();
        let asked = Asked { service, container, invocation, began };
        let watch = self.steps.scene.host.probes.watch(&asked, &ready.probes);
        let Asked { service, invocation, .. } = asked;
        let watch =
            watch.map_err(|fault| self.steps.failure(Step::Start, &service, fault.to_string()))?;
        self.asked.insert(service, Asking { began, invocation, _asked: watch });
        Ok(())
    }

    fn answered(
        &mut self,
        service: &str,
        invocation: &str,
        result: Result<(), String>,
    ) -> Result<(), Failure> {
        // An answer of a run that is over says nothing about the next.
        if self.asked.get(service).is_none_or(|asking| asking.invocation != invocation) {
            return Ok(());
        }
        let Some(asking) = self.asked.remove(service) else { return Ok(()) };
        if let Err(answer) = result {
            let why = not_ready(&answer);
            return Err(self.steps.failure(Step::Start, service, why));
        }
        if let Some(ready) = self.steps.settings.ready.get(service) {
            let met = Met { run: asking.invocation.clone(), asked: ready.mark() };
            self.steps.ready.borrow_mut().insert(service.to_owned(), met);
        }
        self.is_ready(service.to_owned(), asking.began, asking.invocation);
        Ok(())
    }

    fn is_ready(&mut self, service: String, began: Duration, invocation: String) {
        let took = self.steps.scene.host.machine.now().saturating_sub(began);
        let milliseconds = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        (self.steps.scene.tell)(&Event::Ready { service: service.clone(), milliseconds });
        self.took.insert(service.clone(), milliseconds);
        self.up.insert(service, invocation);
    }

    /// A service that systemd starts again by itself never reads as failed, and its start never
    /// ends: what tells is that it waits for another try, or is in another run.
    fn changed(&mut self, step: Step, unit: &str) -> Result<(), Failure> {
        let is_watched = self.up.contains_key(unit) || self.asked.contains_key(unit);
        let run = self.running.values().any(|run| run.service == unit);
        if !is_watched && !run {
            return Ok(());
        }
        let state = self.state(step, unit)?;
        let asked = self.asked.get(unit).map(|asking| &asking.invocation);
        if let Some(known) = self.up.get(unit).or(asked) {
            return match has_ended(&state, known) {
                true => Err(self.steps.failure(step, unit, why_ended(&state))),
                false => Ok(()),
            };
        }
        let Some(run) = self.running.values_mut().find(|run| run.service == unit) else {
            return Ok(());
        };
        let is_again = run.own.as_ref().is_some_and(|own| *own != state.invocation);
        if !state.invocation.is_empty() && state.invocation != run.before && run.own.is_none() {
            run.own = Some(state.invocation.clone());
        }
        // The run before may have been one of many tries, of which this is the last.
        let is_lost = is_again || (run.own.is_some() && state.sub == "auto-restart");
        let run = self.running.values().find(|run| run.service == unit).filter(|_| is_lost);
        run.map_or(Ok(()), |run| Err(self.failure(run, why_failed(&state))))
    }

    fn late(&self) -> Result<(), Failure> {
        let now = self.steps.scene.host.machine.now();
        let is_end = self.end <= now;
        let why = match is_end {
            true => "the time for the whole stack is up".to_owned(),
            false => "it was not ready in time".to_owned(),
        };
        if let Some(run) = self.running.values().find(|run| run.until <= now || is_end) {
            return Err(self.failure(run, why));
        }
        let asked = self.asked.keys().next().filter(|_| is_end);
        asked.map_or(Ok(()), |service| Err(self.steps.failure(Step::Start, service, why)))
    }

    /// A failure of a service on its way up.
    fn failure(&self, run: &Run, why: String) -> Failure {
        let mut failure = self.steps.failure(Step::Start, &run.service, why);
        if failure.health.is_empty() {
            failure.health.clone_from(&run.health);
        }
        // A unit that asks itself writes down what was answered last.
        let mut lines = failure.log.iter().rev();
        if let Some(answer) = lines.find_map(|line| line.strip_prefix(NOT_READY)) {
            failure.why = not_ready(answer);
        }
        failure
    }

    /// Waits whether all stays up: a container can die a moment after it was started.
    fn settle(&mut self) -> Result<(), Failure> {
        let seconds = self.steps.settings.settle_seconds.min(ENDLESS_SECONDS);
        if seconds == 0 || self.up.is_empty() {
            return Ok(());
        }
        (self.steps.scene.tell)(&Event::Step { step: Step::Settle });
        let until = self.steps.scene.host.machine.now() + Duration::from_secs(seconds);
        loop {
            match self.wait(Step::Settle, until)? {
                Wake::TimeUp => break,
                Wake::Changed(unit) => self.changed(Step::Settle, &unit)?,
                Wake::Ended { .. } | Wake::Answered { .. } | Wake::Interrupted => {}
            }
        }
        let names: Vec<String> = self.up.keys().cloned().collect();
        for (service, state) in names.iter().zip(self.states(Step::Settle, &names)?) {
            let known = self.up.get(service).map_or("", String::as_str);
            if has_ended(&state, known) {
                return Err(self.steps.failure(Step::Settle, service, why_ended(&state)));
            }
        }
        Ok(())
    }

    /// Takes the orders back that are not carried out yet.
    fn call_off(&self) {
        let services: BTreeSet<&String> = self.running.values().map(|run| &run.service).collect();
        for service in services {
            // What cannot be called off is stopped by the way back.
            drop(self.steps.scene.host.units.cancel(service));
        }
    }

    fn state(&self, step: Step, service: &str) -> Result<UnitState, Failure> {
        let states = self.states(step, &[service.to_owned()])?;
        let state = states.into_iter().next();
        state.ok_or_else(|| Failure::at(step, format!("systemd tells nothing about {service}")))
    }

    fn states(&self, step: Step, services: &[String]) -> Result<Vec<UnitState>, Failure> {
        let names: Vec<&str> = services.iter().map(String::as_str).collect();
        self.steps.scene.host.units.states(&names).map_err(at(step))
    }
}

/// Whether a service that was up is no longer in that run.
fn has_ended(state: &UnitState, known: &str) -> bool {
    // A mark that could not be asked for says nothing.
    let is_other = state.invocation != known && !state.invocation.is_empty() && !known.is_empty();
    state.active != Active::Active || is_other
}

fn not_ready(answer: &str) -> String {
    format!("it runs and was {NOT_READY}{answer}")
}

fn why_failed(state: &UnitState) -> String {
    match state.result.as_str() {
        "timeout" => "it was not ready in time".to_owned(),
        "oom-kill" => "it needed more memory than it may have".to_owned(),
        "exit-code" | "signal" | "core-dump" => {
            format!("it ended instead of becoming ready ({})", state.result)
        }
        _ => "it did not start and was tried again".to_owned(),
    }
}

fn why_ended(state: &UnitState) -> String {
    match state.result.as_str() {
        "success" | "" => "it was up and then ended".to_owned(),
        result => format!("it was up and then ended ({result})"),
    }
}
