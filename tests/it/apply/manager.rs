//! A service manager in memory: jobs with their order, services that do what their units say,
//! and a clock that moves only while somebody waits.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::time::Duration;

use stackwright::host::containers::Generated;
use stackwright::host::units::{Active, Job, JobResult, UnitState, Wake};

use super::host::World;
use super::unit::{Does, Unit, quadlet};

/// How long a service waits before it is tried again.
const PAUSE: Duration = Duration::from_secs(1);

/// After so many failures in a row it is not tried any more, until that is forgotten.
const FAILURES_MAX: u32 = 5;

#[derive(Debug, Clone, Default)]
pub struct Manager {
    pub units: BTreeMap<String, Unit>,
    pub runs: BTreeMap<String, Run>,
    jobs: BTreeMap<u64, Order>,
    agenda: BTreeMap<(Duration, u64), Happening>,
    pub wakes: VecDeque<Wake>,
    counted: u64,
    /// How a service behaves in its next starts, whatever its unit says.
    pub next: BTreeMap<String, VecDeque<String>>,
    /// What happened, for tests of order.
    pub told: Vec<(Duration, Told, String)>,
}

/// What is remembered about a unit that was started once.
#[derive(Debug, Clone)]
pub struct Run {
    pub active: Active,
    pub sub: &'static str,
    pub result: &'static str,
    pub invocation: String,
    pub restarts: u32,
    failures: u32,
    /// What it was started from.
    pub unit: Unit,
    /// The image that it was started from.
    pub image: String,
    /// The values of its secrets when it was started.
    pub secrets: BTreeMap<String, Vec<u8>>,
    does: Does,
    /// Counts the changes of its state.
    epoch: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    Begins,
    Up,
    Ends,
    Down,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verb {
    Start,
    Stop,
}

#[derive(Debug, Clone)]
struct Order {
    unit: String,
    verb: Verb,
    is_running: bool,
}

#[derive(Debug, Clone)]
struct Happening {
    unit: String,
    epoch: u64,
    what: What,
}

#[derive(Debug, Clone, Copy)]
enum What {
    Ready,
    Exit,
    Late,
    Again,
    Stopped,
    CalledOff,
    /// What was asked is answered, rightly or not.
    Answers(bool),
}

fn is_wants(folder: &str) -> bool {
    Path::new(folder).extension().is_some_and(|end| end == "wants")
}

fn is_up(run: &Run) -> bool {
    !matches!(run.active, Active::Inactive | Active::Failed)
}

impl Manager {
    fn count(&mut self) -> u64 {
        self.counted += 1;
        self.counted
    }

    pub fn state(&self, name: &str) -> UnitState {
        let unit = self.units.get(name);
        let run = self.runs.get(name);
        UnitState {
            is_loaded: unit.is_some(),
            active: run.map_or(Active::Inactive, |run| run.active),
            sub: run.map_or("dead", |run| run.sub).to_owned(),
            result: run.map_or("success", |run| run.result).to_owned(),
            source: unit.and_then(|unit| unit.source.clone()),
            fragment: unit.map(|unit| unit.fragment.clone()),
            drop_ins: Vec::new(),
            invocation: run.map(|run| run.invocation.clone()).unwrap_or_default(),
            restarts: run.map_or(0, |run| run.restarts),
            is_masked: false,
        }
    }

    pub fn busy(&self) -> Vec<String> {
        let units: BTreeSet<&String> = self.jobs.values().map(|job| &job.unit).collect();
        units.into_iter().cloned().collect()
    }

    pub fn in_memory(&self) -> BTreeMap<String, bool> {
        let is_active = |name| self.runs.get(name).is_some_and(|run| run.active == Active::Active);
        self.units.keys().map(|name| (name.clone(), is_active(name))).collect()
    }

    fn job_of(&self, unit: &str) -> Option<u64> {
        self.jobs.iter().find(|(_, job)| job.unit == unit).map(|(id, _)| *id)
    }

    fn unit_of(&self, name: &str) -> Option<&Unit> {
        // A unit without a file is as it was when it was started.
        self.units.get(name).or_else(|| self.runs.get(name).map(|run| &run.unit))
    }

    /// Those that go when a unit is stopped.
    pub fn dependents(&self, name: &str) -> Vec<String> {
        let names: BTreeSet<&String> = self.units.keys().chain(self.runs.keys()).collect();
        let needs = |other: &&&String| {
            self.unit_of(other).is_some_and(|unit| unit.needs().any(|need| need == name))
        };
        names.iter().filter(needs).map(|name| (*name).clone()).collect()
    }

    fn add_job(&mut self, unit: &str, verb: Verb) -> u64 {
        if let Some(known) = self.job_of(unit) {
            if self.jobs[&known].verb == verb {
                return known;
            }
            self.end_job(known, JobResult::Canceled);
        }
        let id = self.count();
        self.jobs.insert(id, Order { unit: unit.to_owned(), verb, is_running: false });
        id
    }

    fn end_job(&mut self, id: u64, result: JobResult) {
        if let Some(job) = self.jobs.remove(&id) {
            self.wakes.push_back(Wake::Ended { job: name_of(id), unit: job.unit, result });
        }
    }

    /// Ends the job of a unit, if it is of that kind.
    fn end(&mut self, verb: Verb, unit: &str, result: JobResult) {
        if self.job_of(unit).is_some_and(|id| self.jobs[&id].verb == verb) {
            self.end_job_of(unit, result);
        }
    }

    fn end_job_of(&mut self, unit: &str, result: JobResult) {
        if let Some(id) = self.job_of(unit) {
            let verb = self.jobs[&id].verb;
            self.end_job(id, result);
            if verb == Verb::Start && result != JobResult::Done {
                self.end_dependents_of(unit);
            }
        }
    }

    /// What waits for a unit that did not come up does not come up either.
    fn end_dependents_of(&mut self, unit: &str) {
        for dependent in self.dependents(unit) {
            let job = self.job_of(&dependent).filter(|job| self.jobs[job].verb == Verb::Start);
            if job.is_some() {
                self.end_job_of(&dependent, JobResult::Dependency);
            }
        }
    }

    fn can_run(&self, order: &Order) -> bool {
        let ends_first = |name: &String| {
            self.jobs.values().any(|job| job.unit == *name && job.verb == Verb::Stop)
        };
        match order.verb {
            Verb::Start => {
                let run = self.runs.get(&order.unit);
                if run.is_some_and(|run| run.active == Active::Deactivating) {
                    return false;
                }
                let after = self.unit_of(&order.unit).map(|unit| unit.after.clone());
                !after.unwrap_or_default().iter().any(|name| self.job_of(name).is_some())
            }
            Verb::Stop => {
                let names = self.units.keys().chain(self.runs.keys());
                let mut later = names.filter(|name| {
                    self.unit_of(name).is_some_and(|unit| unit.after.contains(&order.unit))
                });
                !later.any(ends_first)
            }
        }
    }

    fn change(&mut self, unit: &str, now: Duration, to: (Active, &'static str)) {
        let run = self.runs.get_mut(unit).unwrap();
        let was_up = is_up(run);
        (run.active, run.sub) = to;
        run.epoch += 1;
        let goes_up = !was_up && is_up(run);
        let told = match to.0 {
            Active::Active => Some(Told::Up),
            Active::Inactive | Active::Failed => Some(Told::Down),
            Active::Deactivating => Some(Told::Ends),
            _ if to.1 == "start" || goes_up => Some(Told::Begins),
            _ => None,
        };
        self.told.extend(told.map(|told| (now, told, unit.to_owned())));
        self.wakes.push_back(Wake::Changed(unit.to_owned()));
    }

    /// Lets a service answer at a moment, if it is still in the same run then.
    pub fn answers(&mut self, unit: &str, at: Duration, right: bool) {
        self.plan(unit, at, What::Answers(right));
    }

    fn plan(&mut self, unit: &str, at: Duration, what: What) {
        let epoch = self.runs[unit].epoch;
        let number = self.count();
        self.agenda.insert((at, number), Happening { unit: unit.to_owned(), epoch, what });
    }
}

fn name_of(job: u64) -> Job {
    Job(format!("/job/{job}"))
}

impl World {
    /// Reads all units; a text with `GARBAGE` spoils its folder and one with `PANIC` all of
    /// Quadlet's, as real generators have it.
    pub fn read_units(&mut self) {
        let folders = [&self.places.quadlet].into_iter().chain(&self.places.others);
        let mut units = self.read_folders(folders.map(PathBuf::as_path));
        let folder = &self.places.units;
        for file in self.disk.list(folder) {
            let path = folder.join(&file);
            if self.disk.is_folder(&path) {
                continue;
            }
            if let Some(text) = self.disk.text(&path) {
                units.insert(file.clone(), Unit::read(&file, text, None, path));
            }
        }
        for wants in self.disk.list(folder).iter().filter(|name| is_wants(name)) {
            for name in self.disk.list(&folder.join(wants)) {
                if let Some(unit) = units.get_mut(&name) {
                    unit.at_boot = true;
                }
            }
        }
        self.manager.units = units;
    }

    fn read_folders<'f>(&self, folders: impl Iterator<Item = &'f Path>) -> BTreeMap<String, Unit> {
        let mut units = BTreeMap::new();
        let mut panics = false;
        for folder in folders {
            self.read_quadlet(folder, &mut units, &mut panics);
        }
        if panics {
            units.clear();
        }
        units
    }

    /// What Quadlet would make of some folders.
    pub fn generate(&self, folders: &[&Path]) -> Generated {
        let units = self.read_folders(folders.iter().copied());
        let services = units.into_iter().filter_map(|(name, unit)| Some((name, unit.source?)));
        Generated { services: services.collect(), complaints: Vec::new(), broke: false }
    }

    /// What a generator says that finds nothing wrong.
    pub fn all_is_well(&self, folders: &[&Path]) -> Generated {
        let names = folders.iter().flat_map(|folder| self.disk.list(folder));
        let named = names.filter_map(|name| Some((quadlet(&name)?.0, PathBuf::new())));
        let known = self.manager.units.keys().map(|name| (name.clone(), PathBuf::new()));
        let services = known.chain(named).collect();
        Generated { services, complaints: Vec::new(), broke: false }
    }

    fn read_quadlet(&self, at: &Path, units: &mut BTreeMap<String, Unit>, panics: &mut bool) {
        let names = self.disk.list(at);
        let mut own = BTreeMap::new();
        let mut is_spoilt = false;
        for file in names {
            let path = at.join(&file);
            if self.disk.is_folder(&path) {
                self.read_quadlet(&path, units, panics);
                continue;
            }
            let Some((service, _)) = quadlet(&file) else { continue };
            let Some(text) = self.disk.text(&path) else { continue };
            is_spoilt |= text.contains("GARBAGE");
            *panics |= text.contains("PANIC");
            let source = self.disk.real(&path);
            let fragment = Path::new("/run/generator").join(&service);
            own.insert(service, Unit::read(&file, text, source, fragment));
        }
        if !is_spoilt {
            for (service, unit) in own {
                units.entry(service).or_insert(unit);
            }
        }
    }

    pub fn order_start(&mut self, name: &str) -> Result<Job, String> {
        let mut all = BTreeSet::new();
        let mut open = vec![name.to_owned()];
        while let Some(one) = open.pop() {
            let Some(unit) = self.manager.units.get(&one) else {
                return Err(format!("Unit {one} not found."));
            };
            if all.insert(one) {
                open.extend(unit.needs().cloned());
                let wanted = unit.wants.iter().filter(|one| self.manager.units.contains_key(*one));
                open.extend(wanted.cloned());
            }
        }
        for one in all.iter().filter(|one| *one != name) {
            let is_active =
                self.manager.runs.get(one).is_some_and(|run| run.active == Active::Active);
            if !is_active || self.manager.job_of(one).is_some() {
                self.manager.add_job(one, Verb::Start);
            }
        }
        let job = self.manager.add_job(name, Verb::Start);
        self.run_jobs();
        Ok(name_of(job))
    }

    pub fn order_stop(&mut self, name: &str) -> Result<Job, String> {
        if self.manager.unit_of(name).is_none() {
            return Err(format!("Unit {name} not loaded."));
        }
        let mut all = BTreeSet::from([name.to_owned()]);
        let mut open = vec![name.to_owned()];
        while let Some(one) = open.pop() {
            for dependent in self.manager.dependents(&one) {
                let is_there = self.manager.runs.get(&dependent).is_some_and(is_up)
                    || self.manager.job_of(&dependent).is_some();
                if is_there && all.insert(dependent.clone()) {
                    open.push(dependent);
                }
            }
        }
        for one in all.iter().filter(|one| *one != name) {
            self.manager.add_job(one, Verb::Stop);
        }
        let job = self.manager.add_job(name, Verb::Stop);
        self.run_jobs();
        Ok(name_of(job))
    }

    pub fn cancel_job(&mut self, name: &str) {
        self.manager.end_job_of(name, JobResult::Canceled);
        self.run_jobs();
    }

    fn run_jobs(&mut self) {
        loop {
            let jobs = self.manager.jobs.iter();
            let mut free = jobs.filter(|(_, job)| !job.is_running && self.manager.can_run(job));
            let Some((id, job)) = free.next() else { return };
            let (id, job) = (*id, job.clone());
            self.manager.jobs.get_mut(&id).unwrap().is_running = true;
            match job.verb {
                Verb::Start => self.begin_start(&job.unit),
                Verb::Stop => self.begin_stop(&job.unit),
            }
        }
    }

    fn begin_start(&mut self, name: &str) {
        let known = self.manager.runs.get(name);
        if known.is_some_and(|run| run.active == Active::Active) {
            return self.manager.end(Verb::Start, name, JobResult::Done);
        }
        // It is on its way already.
        if known.is_some_and(|run| run.active == Active::Activating && run.sub == "start") {
            return;
        }
        let Some(unit) = self.manager.units.get(name).cloned() else {
            return self.manager.end(Verb::Start, name, JobResult::Failed);
        };
        let next = self.manager.next.get_mut(name).and_then(VecDeque::pop_front);
        self.pull_anew(&unit);
        let mut does = next.map_or_else(|| unit.does(), |words| Does::read(&words));
        does.exits |= !self.can_have(&unit);
        let number = self.manager.count();
        let known = self.manager.runs.get(name);
        let run = Run {
            active: Active::Inactive,
            sub: "dead",
            result: "success",
            invocation: format!("run-{number}"),
            restarts: known.map_or(0, |run| run.restarts),
            failures: known.map_or(0, |run| run.failures),
            does: does.clone(),
            epoch: known.map_or(0, |run| run.epoch),
            secrets: self.secrets_of(&unit),
            image: self.image_of(&unit).unwrap_or_default(),
            unit,
        };
        let is_refused = run.failures >= FAILURES_MAX;
        self.manager.runs.insert(name.to_owned(), run);
        if is_refused {
            self.manager.runs.get_mut(name).unwrap().result = "start-limit-hit";
            self.manager.change(name, self.now, (Active::Failed, "failed"));
            return self.manager.end(Verb::Start, name, JobResult::Failed);
        }
        if does.has_no_condition {
            self.manager.change(name, self.now, (Active::Inactive, "dead"));
            return self.manager.end(Verb::Start, name, JobResult::Done);
        }
        self.manager.change(name, self.now, (Active::Activating, "start"));
        self.start_lines(name, &does);
    }

    /// What will become of a start.
    fn start_lines(&mut self, name: &str, does: &Does) {
        let ready = self.now + Duration::from_millis(does.ready);
        let late = self.now + self.manager.runs[name].unit.seconds("TimeoutStartSec", 90);
        if let Some(at) = does.is_called_off {
            let at = self.now + Duration::from_millis(at);
            self.manager.plan(name, at, What::CalledOff);
        }
        match (does.exits, does.never_ready) {
            (true, _) => self.manager.plan(name, ready, What::Exit),
            (_, true) => self.manager.plan(name, late, What::Late),
            _ if ready > late => self.manager.plan(name, late, What::Late),
            _ => self.manager.plan(name, ready, What::Ready),
        }
    }

    fn begin_stop(&mut self, name: &str) {
        let Some(run) = self.manager.runs.get(name).filter(|run| is_up(run)).cloned() else {
            return self.manager.end(Verb::Stop, name, JobResult::Done);
        };
        if run.sub == "auto-restart" {
            self.manager.change(name, self.now, (Active::Inactive, "dead"));
            return self.manager.end(Verb::Stop, name, JobResult::Done);
        }
        if run.active != Active::Deactivating {
            self.manager.change(name, self.now, (Active::Deactivating, "stop-sigterm"));
        }
        let kill = self.now + run.unit.seconds("TimeoutStopSec", 90);
        let stopped = self.now + Duration::from_millis(run.does.stops);
        let is_slow = run.does.ignores_stop || run.does.cannot_be_stopped;
        self.manager.plan(name, if is_slow { kill } else { stopped }, What::Stopped);
    }

    /// Does the next thing that is due until a moment; tells whether there was any.
    pub fn advance(&mut self, until: Duration) -> bool {
        let Some((&(at, number), _)) = self.manager.agenda.iter().next() else { return false };
        if at > until {
            return false;
        }
        let happening = self.manager.agenda.remove(&(at, number)).unwrap();
        let run = self.manager.runs.get(&happening.unit);
        if run.is_none_or(|run| run.epoch != happening.epoch) {
            return true;
        }
        self.now = self.now.max(at);
        let name = happening.unit.as_str();
        match happening.what {
            What::Ready => self.ready(name),
            What::Exit => self.exits(name, "exit-code"),
            What::Late => self.exits(name, "timeout"),
            What::Again => {
                self.manager.runs.get_mut(name).unwrap().restarts += 1;
                self.begin_start(name);
            }
            What::Stopped => self.stopped(name),
            What::Answers(right) => {
                let invocation = self.manager.runs[name].invocation.clone();
                let result = if right { Ok(()) } else { Err("nobody listens".to_owned()) };
                let service = name.to_owned();
                self.manager.wakes.push_back(Wake::Answered { service, invocation, result });
            }
            What::CalledOff => self.manager.end(Verb::Start, name, JobResult::Canceled),
        }
        self.run_jobs();
        true
    }

    fn ready(&mut self, name: &str) {
        let run = self.manager.runs[name].clone();
        self.has_started(&run.unit);
        if run.unit.is_job() {
            self.manager.change(name, self.now, (Active::Inactive, "dead"));
        } else {
            self.manager.change(name, self.now, (Active::Active, "running"));
            if let Some(dies) = run.does.dies {
                let at = self.now + Duration::from_millis(dies);
                self.manager.plan(name, at, What::Exit);
            }
        }
        self.manager.end(Verb::Start, name, JobResult::Done);
    }

    fn exits(&mut self, name: &str, result: &'static str) {
        let unit = self.manager.runs[name].unit.clone();
        self.manager.runs.get_mut(name).unwrap().result = result;
        if unit.restarts() {
            self.manager.change(name, self.now, (Active::Activating, "auto-restart"));
            self.manager.plan(name, self.now + PAUSE, What::Again);
        } else {
            self.manager.runs.get_mut(name).unwrap().failures += 1;
            self.manager.change(name, self.now, (Active::Failed, "failed"));
        }
        if !(unit.restarts() && unit.restarts_directly()) {
            self.manager.end(Verb::Start, name, JobResult::Failed);
        }
        for dependent in self.manager.dependents(name) {
            let binds =
                self.manager.unit_of(&dependent).is_some_and(|unit| unit.binds.contains(name));
            if binds && self.manager.runs.get(&dependent).is_some_and(is_up) {
                drop(self.order_stop(&dependent));
            }
        }
    }

    fn stopped(&mut self, name: &str) {
        let run = self.manager.runs.get_mut(name).unwrap();
        if run.does.cannot_be_stopped {
            run.result = "timeout";
            self.manager.change(name, self.now, (Active::Deactivating, "final-sigkill"));
            return self.manager.end(Verb::Stop, name, JobResult::Timeout);
        }
        let is_killed = run.does.ignores_stop;
        run.result = if is_killed { "timeout" } else { "success" };
        let to = if is_killed { (Active::Failed, "failed") } else { (Active::Inactive, "dead") };
        self.manager.change(name, self.now, to);
        self.manager.end(Verb::Stop, name, JobResult::Done);
    }

    /// Everything that runs is gone; the machine starts anew with what is flushed on its disk.
    pub fn boot(&mut self, came_through: impl FnMut() -> bool) {
        self.disk.lose_power(came_through);
        let (counted, told) = (self.manager.counted, std::mem::take(&mut self.manager.told));
        let next = std::mem::take(&mut self.manager.next);
        self.manager = Manager { counted, next, told, ..Manager::default() };
        self.read_units();
        let units = self.manager.units.iter().filter(|(_, unit)| unit.at_boot);
        let names: Vec<String> = units.map(|(name, _)| name.clone()).collect();
        for name in names {
            // A unit whose needs are not there stays down, as on a real machine.
            drop(self.order_start(&name));
        }
        self.pass(Duration::from_secs(120));
        self.manager.wakes.clear();
    }

    /// Lets time go by.
    pub fn pass(&mut self, time: Duration) {
        let until = self.now + time;
        while self.advance(until) {}
        self.now = until;
    }

    /// How a service behaves that already runs, or is down.
    pub fn run_of(&self, name: &str) -> Option<&Run> {
        self.manager.runs.get(name).filter(|run| is_up(run))
    }
}

impl Manager {
    /// Forgets that a unit failed.
    pub fn reset(&mut self, name: &str) {
        if let Some(run) = self.runs.get_mut(name).filter(|run| run.active == Active::Failed) {
            (run.active, run.sub, run.result) = (Active::Inactive, "dead", "success");
            run.failures = 0;
        }
    }
}
