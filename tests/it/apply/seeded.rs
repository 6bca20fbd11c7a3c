//! Defects of the applier, seeded between it and its host: an operation that is left out, done too
//! soon, twice or by half, or told otherwise than it is. From outside, a host that does so looks
//! just as an applier that has the defect.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use stackwright::host::change::{Entry, Fault, Files, Held, HookCall, Host, LockError, Machine};
use stackwright::host::containers::{
    Container, Containers, Generated, Image, Inspected, Owned, PullError, SecretValue,
};
use stackwright::host::known::{Asked, Known, Listening};
use stackwright::host::units::{
    Active, Details, FailedUnit, Job, JobResult, UnitState, Units, Wake,
};
use stackwright::host::vitals::Vitals;
use stackwright::state::Journal;

use super::host::Simulated;

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Defect {
    /// Names are not flushed.
    KeepsNoNames,
    /// A link is taken away before it is made anew.
    LinkIsNotAtomic,
    /// What is about to be done is not written down.
    NoJournal,
    /// It is written down when the switch is done.
    LateJournal,
    /// It does not say what ran before.
    ForgetsWhatRan,
    /// It stays when all is done.
    JournalStays,
    /// What was cut short is not put back.
    RecoversNothing,
    /// Units are written whole only when they are in use.
    LateUnits,
    /// The old generation goes before the new one is up.
    OldGoesTooSoon,
    /// Configuration files go that are in use.
    TidiesTooMuch,
    /// The link to the generation is not switched.
    SwitchesNothing,
    /// The way back is not made ready while there is room.
    NoRoomForTheWayBack,
    /// Links of units that are gone stay.
    LinksStay,
    /// What lies beside a link of ours goes with it.
    TakesNeighboursAway,
    /// What was done is not remembered.
    HistoryIsLost,
    /// No lock is taken.
    TakesNoLock,
    /// systemd is not told to read its units.
    ReloadsNothing,
    /// It is not looked what systemd has read.
    VerifiesNothing,
    /// It is not looked whether units of others are lost.
    MissesNoStrangers,
    /// It is not looked what Quadlet will make of the units.
    RehearsesNothing,
    /// Nothing is stopped.
    StopsNothing,
    /// More is stopped than must be.
    StopsStrangers,
    /// What need not follow is started again.
    RestartsAll,
    /// All is started at once.
    StartsAllAtOnce,
    /// That a unit failed too often is not forgotten.
    ResetsNothing,
    /// The end of a job is taken for its success.
    FailureIsSuccess,
    /// The end of a job is not heard.
    HearsNoJobs,
    /// It is not waited whether all stays up.
    SettlesNothing,
    /// Nobody can interrupt it.
    HearsNoInterrupt,
    /// Time-outs are measured by the clock of the day.
    ClockOfTheDay,
    /// Services of others that stop with ours are forgotten.
    ForgetsGuests,
    /// Images are not fetched.
    PullsNothing,
    /// Networks that change or go stay as they are.
    NetworksStay,
    /// Volumes go with networks.
    TakesVolumes,
    /// A secret is not given to Podman.
    SetsNoSecret,
    /// A secret is written into a file.
    WritesSecretsDown,
}

thread_local! {
    /// The defects of all runs in this thread.
    static SEEDED: RefCell<BTreeSet<Defect>> = const { RefCell::new(BTreeSet::new()) };
}

/// Does something with a defect more.
pub fn with<T>(defect: Defect, act: impl FnOnce() -> T) -> T {
    let before = seeded();
    SEEDED.with_borrow_mut(|seeded| seeded.insert(defect));
    let _back = Back(before);
    act()
}

/// Does something without any defect, such as what a test needs before it begins.
pub fn without<T>(act: impl FnOnce() -> T) -> T {
    let _back = Back(SEEDED.take());
    act()
}

/// Puts the defects back as they were, also when something panics.
struct Back(BTreeSet<Defect>);

impl Drop for Back {
    fn drop(&mut self) {
        SEEDED.set(std::mem::take(&mut self.0));
    }
}

fn seeded() -> BTreeSet<Defect> {
    SEEDED.with_borrow(BTreeSet::clone)
}

/// Whether there is any defect now.
pub fn is_any() -> bool {
    SEEDED.with_borrow(|seeded| !seeded.is_empty())
}

/// A host as an applier sees it that has the defects of this thread.
pub struct Defective {
    host: Simulated,
    defects: BTreeSet<Defect>,
    memory: Mutex<Memory>,
}

/// What the process knows, and what dies with it.
#[derive(Default)]
struct Memory {
    journal: Option<(PathBuf, Vec<u8>, u32)>,
    units: Vec<(PathBuf, Vec<u8>, u32)>,
    stopped: BTreeSet<String>,
    wakes: VecDeque<Wake>,
    known: Option<BTreeMap<String, bool>>,
    has_started_all: bool,
}

impl Defective {
    pub fn of(host: &Simulated) -> Self {
        Self { host: host.clone(), defects: seeded(), memory: Mutex::default() }
    }

    pub fn host(&self) -> Host<'_> {
        Host { files: self, units: self, containers: self, probes: &self.host, machine: self }
    }

    fn has(&self, defect: Defect) -> bool {
        self.defects.contains(&defect)
    }

    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does what was put off until the switch.
    fn switched(&self, path: &Path) -> Result<(), Fault> {
        if !is_named(path, "current") {
            return Ok(());
        }
        let (journal, units) = {
            let mut memory = self.memory();
            (memory.journal.take(), std::mem::take(&mut memory.units))
        };
        if let Some((path, bytes, mode)) = journal {
            self.host.replace(&path, &bytes, mode)?;
        }
        let folder = self.host.world().disk.real(path);
        for (path, bytes, mode) in units {
            let name = path.file_name().unwrap();
            let kind = path.parent().unwrap().file_name().unwrap();
            self.host.replace(&folder.clone().unwrap().join(kind).join(name), &bytes, mode)?;
        }
        Ok(())
    }

    fn services_of_ours(&self) -> Vec<String> {
        let world = self.host.world();
        let ours = world.manager.units.iter().filter(|(_, unit)| unit.text.contains("Stack=shop"));
        ours.map(|(name, _)| name.clone()).collect()
    }
}

fn is_named(path: &Path, name: &str) -> bool {
    path.file_name().is_some_and(|file| file == name)
}

/// Methods that do nothing but call those of the host.
macro_rules! as_it_is {
    ($($name:ident($($word:ident: $type:ty),*) -> $result:ty;)*) => {
        $(fn $name(&self, $($word: $type),*) -> $result { self.host.$name($($word),*) })*
    };
}

struct Unlocked;

impl Held for Unlocked {}

impl Files for Defective {
    as_it_is! {
        entry(path: &Path) -> Result<Option<Entry>, Fault>;
        list(folder: &Path) -> Result<Vec<String>, Fault>;
        make_folder(path: &Path) -> Result<(), Fault>;
        remove_folder(path: &Path) -> Result<(), Fault>;
        room(folder: &Path) -> Result<u64, Fault>;
    }

    fn read(&self, path: &Path) -> Result<Option<Vec<u8>>, Fault> {
        match self.has(Defect::RecoversNothing) && is_named(path, "journal") {
            true => Ok(None),
            false => self.host.read(path),
        }
    }

    fn write_new(&self, path: &Path, bytes: &[u8], mode: u32) -> Result<(), Fault> {
        let is_unit = !is_named(path, "manifest.json");
        if self.has(Defect::LateUnits) && is_unit {
            self.memory().units.push((path.to_owned(), bytes.to_vec(), mode));
            return self.host.write_new(path, &bytes[..bytes.len() / 2], mode);
        }
        self.host.write_new(path, bytes, mode)
    }

    fn replace(&self, path: &Path, bytes: &[u8], mode: u32) -> Result<(), Fault> {
        if !is_named(path, "journal") {
            return self.host.replace(path, bytes, mode);
        }
        if self.has(Defect::NoJournal) {
            return Ok(());
        }
        if self.has(Defect::LateJournal) {
            self.memory().journal = Some((path.to_owned(), bytes.to_vec(), mode));
            return Ok(());
        }
        if self.has(Defect::OldGoesTooSoon) {
            let old = self.host.world().disk.real(&path.with_file_name("current"));
            old.map_or(Ok(()), |old| self.host.remove_folder(&old))?;
        }
        if self.has(Defect::ForgetsWhatRan) {
            let mut journal = Journal::parse(bytes).unwrap();
            journal.active.clear();
            return self.host.replace(path, &journal.bytes(), mode);
        }
        self.host.replace(path, bytes, mode)
    }

    fn append(&self, path: &Path, bytes: &[u8]) -> Result<(), Fault> {
        match self.has(Defect::HistoryIsLost) {
            true => Ok(()),
            false => self.host.append(path, bytes),
        }
    }

    fn link(&self, path: &Path, target: &Path) -> Result<(), Fault> {
        let is_left_out = self.has(Defect::SwitchesNothing) && is_named(path, "current")
            || self.has(Defect::NoRoomForTheWayBack) && is_named(path, "back");
        if is_left_out {
            return Ok(());
        }
        if self.has(Defect::LinkIsNotAtomic) {
            self.host.remove(path)?;
        }
        self.host.link(path, target)?;
        self.switched(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<(), Fault> {
        if self.has(Defect::SwitchesNothing) && is_named(to, "current") {
            return Ok(());
        }
        self.host.rename(from, to)?;
        self.switched(to)
    }

    fn remove(&self, path: &Path) -> Result<(), Fault> {
        let places = self.host.world().places.clone();
        let is_link = path.starts_with(&places.quadlet) || path.starts_with(&places.units);
        let is_journal = is_named(path, "journal") || is_named(path, "journal.committed");
        if self.has(Defect::LinksStay) && is_link || self.has(Defect::JournalStays) && is_journal {
            return Ok(());
        }
        if self.has(Defect::TakesNeighboursAway) && is_link {
            self.host.remove_folder(&places.quadlet.join("theirs"))?;
        }
        if self.has(Defect::TidiesTooMuch) && is_journal {
            self.host.remove_folder(&path.with_file_name("files"))?;
        }
        self.host.remove(path)?;
        self.switched(path)
    }

    fn keep_names(&self, folder: &Path) -> Result<(), Fault> {
        match self.has(Defect::KeepsNoNames) {
            true => Ok(()),
            false => self.host.keep_names(folder),
        }
    }

    fn lock(&self, path: &Path, wait: Duration) -> Result<Box<dyn Held>, LockError> {
        match self.has(Defect::TakesNoLock) {
            true => Ok(Box::new(Unlocked)),
            false => self.host.lock(path, wait),
        }
    }
}

impl Units for Defective {
    as_it_is! {
        manager_version() -> Result<u32, Fault>;
        details(names: &[&str], states: &[&UnitState]) -> Result<Vec<Details>, Fault>;
        memory(names: &[&str]) -> Result<Vec<Option<u64>>, Fault>;
        failed() -> Result<Vec<FailedUnit>, Fault>;
        busy() -> Result<Vec<String>, Fault>;
        cancel(name: &str) -> Result<(), Fault>;
        log(name: &str, lines: usize) -> Result<Vec<String>, Fault>;
    }

    fn reload(&self) -> Result<(), Fault> {
        match self.has(Defect::ReloadsNothing) {
            true => Ok(()),
            false => self.host.reload(),
        }
    }

    fn states(&self, names: &[&str]) -> Result<Vec<UnitState>, Fault> {
        let mut states = self.host.states(names)?;
        let current = {
            let world = self.host.world();
            world.disk.real(&world.places.stacks.join("shop/current"))
        };
        for (name, state) in names.iter().zip(&mut states) {
            if self.has(Defect::VerifiesNothing) {
                state.is_loaded = true;
                state.source = current.as_ref().map(|folder| folder.join("units").join(name));
            }
            if self.memory().stopped.contains(*name) {
                state.active = Active::Inactive;
            }
            let has_failed = matches!(state.active, Active::Failed | Active::Activating);
            if self.has(Defect::FailureIsSuccess) && has_failed {
                state.active = Active::Active;
            }
        }
        Ok(states)
    }

    fn in_memory(&self) -> Result<BTreeMap<String, bool>, Fault> {
        let now = self.host.in_memory()?;
        match self.has(Defect::MissesNoStrangers) {
            true => Ok(self.memory().known.get_or_insert(now).clone()),
            false => Ok(now),
        }
    }

    fn dependents(&self, name: &str) -> Result<Vec<String>, Fault> {
        match self.has(Defect::ForgetsGuests) {
            true => Ok(Vec::new()),
            false => self.host.dependents(name),
        }
    }

    fn start(&self, name: &str) -> Result<Job, Fault> {
        self.memory().stopped.remove(name);
        if self.has(Defect::StartsAllAtOnce) {
            let is_first = !std::mem::replace(&mut self.memory().has_started_all, true);
            for other in self.services_of_ours().iter().filter(|_| is_first) {
                self.host.start(other)?;
            }
        }
        if self.has(Defect::RestartsAll) {
            for other in self.services_of_ours() {
                let is_up = self.host.world().run_of(&other).is_some();
                if is_up && other != name {
                    self.host.stop(&other)?;
                    self.host.start(&other)?;
                }
            }
        }
        self.host.start(name)
    }

    fn stop(&self, name: &str) -> Result<Job, Fault> {
        if self.has(Defect::StopsStrangers) {
            self.host.stop("other.service")?;
        }
        if !self.has(Defect::StopsNothing) {
            return self.host.stop(name);
        }
        let mut memory = self.memory();
        let (job, unit) = (Job(format!("/none/{name}")), name.to_owned());
        memory.wakes.push_back(Wake::Ended { job: job.clone(), unit, result: JobResult::Done });
        memory.stopped.insert(name.to_owned());
        Ok(job)
    }

    fn reset_failed(&self, name: &str) -> Result<(), Fault> {
        match self.has(Defect::ResetsNothing) {
            true => Ok(()),
            false => self.host.reset_failed(name),
        }
    }

    fn wait(&self, until: Duration) -> Result<Wake, Fault> {
        if let Some(wake) = self.memory().wakes.pop_front() {
            return Ok(wake);
        }
        let is_calm = {
            let world = self.host.world();
            world.manager.busy().is_empty() && world.manager.wakes.is_empty()
        };
        if self.has(Defect::SettlesNothing) && is_calm {
            return Ok(Wake::TimeUp);
        }
        loop {
            match self.host.wait(until)? {
                Wake::Ended { .. } if self.has(Defect::HearsNoJobs) => {}
                Wake::Interrupted if self.has(Defect::HearsNoInterrupt) => {}
                Wake::Ended { job, unit, .. } if self.has(Defect::FailureIsSuccess) => {
                    return Ok(Wake::Ended { job, unit, result: JobResult::Done });
                }
                wake => return Ok(wake),
            }
        }
    }
}

impl Containers for Defective {
    as_it_is! {
        version() -> Result<(u32, u32), Fault>;
        architectures(images: &[&str]) -> Result<BTreeMap<String, String>, Fault>;
        images() -> Result<Vec<Image>, Fault>;
        tag(image: &str, names: &[&str]) -> Result<(), Fault>;
        untag(name: &str) -> Result<(), Fault>;
        containers() -> Result<Vec<Container>, Fault>;
        inspect(names: &[&str]) -> Result<Vec<Inspected>, Fault>;
        networks() -> Result<Vec<Owned>, Fault>;
        volumes() -> Result<Vec<Owned>, Fault>;
        secrets() -> Result<Vec<Owned>, Fault>;
        secret(name: &str) -> Result<Option<SecretValue>, Fault>;
        secret_is(name: &str, value: &SecretValue) -> Result<bool, Fault>;
        remove_volume(name: &str) -> Result<(), Fault>;
        remove_secret(name: &str) -> Result<(), Fault>;
        health_log(container: &str) -> Result<Vec<String>, Fault>;
    }

    fn pull(&self, image: &str) -> Result<(), PullError> {
        match self.has(Defect::PullsNothing) {
            true => Ok(()),
            false => self.host.pull(image),
        }
    }

    fn set_secret(
        &self,
        name: &str,
        value: &SecretValue,
        labels: &BTreeMap<String, String>,
    ) -> Result<(), Fault> {
        if self.has(Defect::SetsNoSecret) {
            return Ok(());
        }
        if self.has(Defect::WritesSecretsDown) {
            let path = self.host.world().places.stacks.join("shop/history");
            self.host.append(&path, &value.0)?;
        }
        self.host.set_secret(name, value, labels)
    }

    fn remove_network(&self, name: &str) -> Result<(), Fault> {
        if self.has(Defect::NetworksStay) {
            return Ok(());
        }
        if self.has(Defect::TakesVolumes) {
            for volume in self.host.volumes()?.iter().filter(|one| !one.labels.is_empty()) {
                self.host.remove_volume(&volume.name)?;
            }
        }
        self.host.remove_network(name)
    }

    fn generate(&self, folders: &[&Path]) -> Result<Generated, Fault> {
        match self.has(Defect::RehearsesNothing) {
            true => Ok(self.host.world().all_is_well(folders)),
            false => self.host.generate(folders),
        }
    }

    fn generate_with(
        &self,
        units: &BTreeMap<String, String>,
        folders: &[&Path],
    ) -> Result<Generated, Fault> {
        self.host.generate_with(units, folders)
    }
}

impl Machine for Defective {
    as_it_is! {
        wall_time() -> u64;
        random(length: usize) -> Result<Vec<u8>, Fault>;
        user() -> String;
        known(asked: &Asked<'_>) -> Result<Known, Fault>;
        holder(listening: &Listening) -> Option<String>;
        vitals(folders: &[&Path]) -> Vitals;
        hook(call: &HookCall<'_>) -> Result<(), Fault>;
    }

    fn now(&self) -> Duration {
        match self.has(Defect::ClockOfTheDay) {
            true => Duration::from_secs(self.host.wall_time()),
            false => self.host.now(),
        }
    }

    fn interrupted(&self) -> bool {
        !self.has(Defect::HearsNoInterrupt) && self.host.interrupted()
    }
}
