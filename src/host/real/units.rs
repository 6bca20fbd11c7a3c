//! The service manager over its bus: jobs and states as systemd itself tells them.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use zbus::{DynamicType, Message, OwnedObjectPath, OwnedVariant, Variant};

use super::super::change::{Fault, FaultKind};
use super::super::units::{Active, Details, FailedUnit, Job, JobResult, UnitState, Units, Wake};
use super::bus::{Answer, Bus, Listen, message};
use super::journal;
use super::unread::Unread;
use super::wakes::Wakes;
use super::{Scope, fault};

/// How long the manager may take for an answer.
pub const CALL_TIME: Duration = Duration::from_secs(25);
/// The same where it runs all generators.
pub const RELOAD_TIME: Duration = Duration::from_secs(90);

const SYSTEMD: &str = "org.freedesktop.systemd1";
const MANAGER: &str = "org.freedesktop.systemd1.Manager";
const UNIT: &str = "org.freedesktop.systemd1.Unit";
const PROPERTIES: &str = "org.freedesktop.DBus.Properties";
const ROOT: &str = "/org/freedesktop/systemd1";
const UNIT_FOLDER: &str = "/org/freedesktop/systemd1/unit/";

const BUS: &str = "org.freedesktop.DBus";
const BUS_ROOT: &str = "/org/freedesktop/DBus";

/// Signals that are waited for: who the manager is, the end of jobs, and changes of units.
const MATCHES: [&str; 3] = [
    "type='signal',sender='org.freedesktop.DBus',interface='org.freedesktop.DBus',\
     member='NameOwnerChanged',arg0='org.freedesktop.systemd1'",
    "type='signal',sender='org.freedesktop.systemd1',path='/org/freedesktop/systemd1',\
     interface='org.freedesktop.systemd1.Manager',member='JobRemoved'",
    "type='signal',sender='org.freedesktop.systemd1',\
     path_namespace='/org/freedesktop/systemd1/unit',\
     interface='org.freedesktop.DBus.Properties',member='PropertiesChanged',\
     arg0='org.freedesktop.systemd1.Unit'",
];

/// A service manager that is reached over a bus.
#[derive(Debug)]
pub struct BusUnits {
    bus: Bus,
    scope: Scope,
    wakes: Arc<Wakes>,
    held: Mutex<BTreeSet<String>>,
}

impl BusUnits {
    /// Connects to the manager and asks it to tell what happens.
    pub fn connect(scope: Scope, wakes: Arc<Wakes>) -> Result<Self, Fault> {
        let manager = Arc::new(Mutex::new(String::new()));
        let units = Self::open(scope, wakes, &manager)?;
        units.subscribe(&manager)?;
        Ok(units)
    }

    /// Connects to a manager that is only asked.
    fn open(scope: Scope, wakes: Arc<Wakes>, manager: &Arc<Mutex<String>>) -> Result<Self, Fault> {
        let doing = "reach the service manager";
        let mut last = fault::missing(doing, "there is no bus");
        for address in scope.addresses() {
            let listen = Told { wakes: wakes.clone(), manager: manager.clone() };
            match Bus::connect(&address, listen) {
                Ok(bus) => return Ok(Self { bus, scope, wakes, held: Mutex::default() }),
                Err(fault) => last = fault,
            }
        }
        Err(last)
    }

    fn subscribe(&self, manager: &Mutex<String>) -> Result<(), Fault> {
        let doing = "ask the service manager to tell what happens";
        for rule in MATCHES {
            let call = message(BUS, BUS_ROOT, BUS, "AddMatch", &(rule,))?;
            self.bus.call(doing, &call, CALL_TIME)?;
        }
        let answer = self.manager(doing, "Subscribe", &())?;
        let header = answer.header();
        let name = header.sender().map_or("", |sender| sender.as_str());
        name.clone_into(&mut manager.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(())
    }

    /// The failed units of this manager alone.
    fn own_failed(&self) -> Result<Vec<FailedUnit>, Fault> {
        let doing = "list the failed units";
        let answer = self.manager(doing, "ListUnitsFiltered", &(["failed"].as_slice(),))?;
        let units: Vec<Listed> = read(doing, &answer)?;
        let mut names: Vec<String> = units.into_iter().map(|unit| unit.0).collect();
        let asked: Vec<&str> = names.iter().map(String::as_str).collect();
        let files: Vec<Option<String>> = self.property(&asked, "FragmentPath")?;
        let mut kept = files.iter().map(|file| file.as_ref().is_some_and(|file| is_kept(file)));
        names.retain(|_| kept.next().unwrap_or(false));
        names.sort();
        let of_machine = self.scope == Scope::System;
        Ok(names.into_iter().map(|name| FailedUnit { name, of_machine }).collect())
    }

    /// Calls a method of the manager.
    fn manager<B: serde::Serialize + DynamicType>(
        &self,
        doing: &str,
        method: &str,
        body: &B,
    ) -> Result<Message, Fault> {
        let time = if method == "Reload" { RELOAD_TIME } else { CALL_TIME };
        self.bus.call(doing, &message(SYSTEMD, ROOT, MANAGER, method, body)?, time)
    }

    /// Orders a job.
    fn order(&self, verb: &str, method: &str, name: &str) -> Result<Job, Fault> {
        let doing = format!("{verb} {name}");
        let answer = self.manager(&doing, method, &(name, "replace"))?;
        let path: OwnedObjectPath = read(&doing, &answer)?;
        Ok(Job(path.as_str().to_owned()))
    }

    /// Asks for a property of each of many units.
    fn ask_each(
        &self,
        names: &[&str],
        interface: impl Fn(&str) -> String,
        property: &str,
    ) -> Result<Vec<Answer>, Fault> {
        let ask = |name: &&str| {
            let doing = format!("ask for {property} of {name}");
            let body = (interface(name), property);
            let call = message(SYSTEMD, &path_of(name), PROPERTIES, "Get", &body)?;
            Ok(self.bus.ask(doing, &call, CALL_TIME))
        };
        names.iter().map(ask).collect()
    }

    /// Keeps units in the memory of the manager for as long as this connection lives. One that does
    /// not run would be read anew for every question, and what it is connected with would change.
    fn hold(&self, names: &[&str]) -> Result<(), Fault> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        let mut answers = Vec::new();
        for name in names.iter().filter(|name| !held.contains(**name)) {
            let call = message(SYSTEMD, ROOT, MANAGER, "RefUnit", &(name,))?;
            answers.push((*name, self.bus.ask(format!("hold {name}"), &call, CALL_TIME)));
        }
        // One that is not there has nothing to be held.
        let held_now =
            answers.into_iter().filter_map(|(name, answer)| answer.wait().ok().map(|_| name));
        held.extend(held_now.map(str::to_owned));
        Ok(())
    }

    /// What tells which units may have to be read anew.
    fn unread(&self) -> Result<Unread, Fault> {
        let ask = |property: &str| {
            let call = message(SYSTEMD, ROOT, PROPERTIES, "Get", &(MANAGER, property))?;
            Ok(self.bus.ask(format!("ask for {property}"), &call, CALL_TIME))
        };
        let (read, folders) = (ask("UnitsLoadTimestamp")?, ask("UnitPath")?);
        let folders: Vec<String> = value(folders).unwrap_or_default();
        Ok(Unread::of(value(read).unwrap_or_default(), &folders))
    }

    /// One property of each of many units, in their order; none where it cannot be had.
    fn property<T: TryFrom<OwnedVariant>>(
        &self,
        names: &[&str],
        property: &str,
    ) -> Result<Vec<Option<T>>, Fault> {
        let answers = self.ask_each(names, |_| UNIT.to_owned(), property)?;
        Ok(answers.into_iter().map(value).collect())
    }
}

/// The interface of a unit for what not all kinds of units have.
fn own_interface(name: &str) -> String {
    let mut kind = name.rsplit('.').next().unwrap_or("").chars();
    let first = kind.next().unwrap_or('S').to_ascii_uppercase();
    format!("{SYSTEMD}.{first}{}", kind.as_str())
}

/// The value of a property; none where a unit has no such property.
fn value<T: TryFrom<OwnedVariant>>(answer: Answer) -> Option<T> {
    let value: OwnedVariant = read("read a property", &answer.wait().ok()?).ok()?;
    value.try_into().ok()
}

impl Units for BusUnits {
    fn manager_version(&self) -> Result<u32, Fault> {
        let doing = "ask the service manager for its version";
        let call = message(SYSTEMD, ROOT, PROPERTIES, "Get", &(MANAGER, "Version"))?;
        let told: Option<String> = value(self.bus.ask(doing.to_owned(), &call, CALL_TIME));
        version(doing, &told.unwrap_or_default())
    }

    fn reload(&self) -> Result<(), Fault> {
        self.manager("reload the units", "Reload", &()).map(drop)
    }

    fn states(&self, names: &[&str]) -> Result<Vec<UnitState>, Fault> {
        let doing = "ask for the states of units";
        self.hold(names)?;
        // How each is comes from one instant. Of all else, what is needed is asked for by its name:
        // systemd looks into many files to tell everything about a unit.
        let listed = self.manager(doing, "ListUnitsByNames", &(names,))?;
        let sources = self.ask_each(names, |_| UNIT.to_owned(), "SourcePath")?;
        let fragments = self.ask_each(names, |_| UNIT.to_owned(), "FragmentPath")?;
        let drop_ins = self.ask_each(names, |_| UNIT.to_owned(), "DropInPaths")?;
        let invocations = self.ask_each(names, |_| UNIT.to_owned(), "InvocationID")?;
        let results = self.ask_each(names, own_interface, "Result")?;
        let restarts = self.ask_each(names, own_interface, "NRestarts")?;
        let listed: Vec<Listed> = read(doing, &listed)?;
        if listed.len() != names.len() {
            return Err(Fault::other(doing, "one of the names is none that a unit can have"));
        }
        let path = |answer: Answer| {
            let path: Option<String> = value(answer);
            path.filter(|path| !path.is_empty()).map(PathBuf::from)
        };
        let mut answers =
            [sources, fragments, drop_ins, invocations, results, restarts].map(Vec::into_iter);
        let [sources, fragments, drop_ins, invocations, results, restarts] = &mut answers;
        let states = listed.into_iter().map(|listed| {
            let drop_ins: Option<Vec<String>> = drop_ins.next().and_then(value);
            let invocation: Option<Vec<u8>> = invocations.next().and_then(value);
            UnitState {
                is_loaded: listed.2 == "loaded",
                active: active(&listed.3),
                sub: listed.4,
                result: results.next().and_then(value).unwrap_or_default(),
                source: sources.next().and_then(path),
                fragment: fragments.next().and_then(path),
                drop_ins: drop_ins.into_iter().flatten().map(PathBuf::from).collect(),
                invocation: hex(&invocation.unwrap_or_default()),
                restarts: restarts.next().and_then(value).unwrap_or(0),
                is_masked: listed.2 == "masked",
            }
        });
        Ok(states.collect())
    }

    fn details(&self, names: &[&str], states: &[&UnitState]) -> Result<Vec<Details>, Fault> {
        let calls = self.ask_each(names, own_interface, "ExecStart")?;
        let since = self.ask_each(names, |_| UNIT.to_owned(), "StateChangeTimestamp")?;
        let unread = self.unread()?;
        let both = names.iter().copied().zip(states);
        let changed = both.filter(|(_, state)| unread.may_be(state)).map(|(name, _)| name);
        let changed: Vec<&str> = changed.collect();
        let outdated: Vec<Option<bool>> = self.property(&changed, "NeedDaemonReload")?;
        let outdated: BTreeMap<&str, bool> =
            changed.into_iter().zip(outdated.into_iter().map(Option::unwrap_or_default)).collect();
        let answers = names.iter().zip(calls).zip(since);
        let details = answers.map(|((name, words), since)| Details {
            call: call(words).unwrap_or_default(),
            is_outdated: outdated.get(name).copied().unwrap_or_default(),
            since: value(since).unwrap_or_default(),
        });
        Ok(details.collect())
    }

    fn memory(&self, names: &[&str]) -> Result<Vec<Option<u64>>, Fault> {
        let answers = self.ask_each(names, own_interface, "MemoryCurrent")?;
        // What is not counted is the largest number there is.
        let bytes = |answer| value(answer).filter(|bytes| *bytes != u64::MAX);
        Ok(answers.into_iter().map(bytes).collect())
    }

    fn in_memory(&self) -> Result<BTreeMap<String, bool>, Fault> {
        let doing = "list the units";
        let answer = self.manager(doing, "ListUnits", &())?;
        let units: Vec<Listed> = read(doing, &answer)?;
        let mut units: BTreeMap<String, bool> = units
            .into_iter()
            .filter(|unit| may_have_file(&unit.0, &unit.2))
            .map(|unit| (unit.0, matches!(unit.3.as_str(), "active" | "reloading")))
            .collect();
        let names: Vec<&str> = units.keys().map(String::as_str).collect();
        let files: Vec<Option<String>> = self.property(&names, "FragmentPath")?;
        let mut kept = files.iter().map(|file| file.as_ref().is_some_and(|file| is_kept(file)));
        units.retain(|_, _| kept.next().unwrap_or(false));
        Ok(units)
    }

    fn failed(&self) -> Result<Vec<FailedUnit>, Fault> {
        let mut failed = self.own_failed()?;
        if self.scope == Scope::User {
            // Not every user can see how the machine is.
            let machine = Self::open(Scope::System, Arc::default(), &Arc::default());
            failed.extend(machine.and_then(|machine| machine.own_failed()).unwrap_or_default());
        }
        Ok(failed)
    }

    fn dependents(&self, name: &str) -> Result<Vec<String>, Fault> {
        let mut dependents = Vec::new();
        for property in ["RequiredBy", "BoundBy", "ConsistsOf"] {
            let names: Vec<Option<Vec<String>>> = self.property(&[name], property)?;
            dependents.extend(names.into_iter().flatten().flatten());
        }
        dependents.sort();
        dependents.dedup();
        Ok(dependents)
    }

    fn busy(&self) -> Result<Vec<String>, Fault> {
        let doing = "list the jobs";
        let answer = self.manager(doing, "ListJobs", &())?;
        let jobs: Vec<(u32, String, String, String, OwnedObjectPath, OwnedObjectPath)> =
            read(doing, &answer)?;
        let mut units: Vec<String> = jobs.into_iter().map(|job| job.1).collect();
        units.sort();
        units.dedup();
        Ok(units)
    }

    fn start(&self, name: &str) -> Result<Job, Fault> {
        self.order("start", "StartUnit", name)
    }

    fn stop(&self, name: &str) -> Result<Job, Fault> {
        self.order("stop", "StopUnit", name)
    }

    fn cancel(&self, name: &str) -> Result<(), Fault> {
        let doing = format!("call off the job of {name}");
        let jobs: Vec<Option<(u32, OwnedObjectPath)>> = self.property(&[name], "Job")?;
        let job = jobs.into_iter().flatten().map(|(job, _path)| job).find(|job| *job != 0);
        match job.map(|job| self.manager(&doing, "CancelJob", &(job,))) {
            Some(Err(fault)) if fault.kind != FaultKind::Missing => Err(fault),
            _ => Ok(()),
        }
    }

    fn reset_failed(&self, name: &str) -> Result<(), Fault> {
        match self.manager(&format!("reset {name}"), "ResetFailedUnit", &(name,)) {
            Err(fault) if fault.kind != FaultKind::Missing => Err(fault),
            _ => Ok(()),
        }
    }

    fn wait(&self, until: Duration) -> Result<Wake, Fault> {
        self.wakes.wait(until)
    }

    fn log(&self, name: &str, lines: usize) -> Result<Vec<String>, Fault> {
        let states = self.states(&[name])?;
        let invocation = states.first().map_or("", |state| state.invocation.as_str());
        let began: Vec<Option<u64>> = self.property(&[name], "InactiveExitTimestamp")?;
        let since = began.into_iter().flatten().next().unwrap_or(0);
        let run = journal::Run { unit: name, invocation, since };
        journal::last_lines(self.scope, &run, lines)
    }
}

/// A unit as the manager lists it: name, description, load state, active state and more.
type Listed =
    (String, String, String, String, String, String, OwnedObjectPath, u32, String, OwnedObjectPath);

/// The first number of a version, such as that of `257.9-1`.
pub fn version(doing: &str, told: &str) -> Result<u32, Fault> {
    let number = told.split(|c: char| !c.is_ascii_digit()).find(|digits| !digits.is_empty());
    let number = number.and_then(|digits| digits.parse().ok());
    number.ok_or_else(|| Fault::other(doing, format!("it says `{told}`")))
}

/// Whether a unit can have a file: devices and scopes come and go by themselves.
pub fn may_have_file(name: &str, load: &str) -> bool {
    let kind = name.rsplit('.').next().unwrap_or("");
    load != "not-found" && !matches!(kind, "device" | "scope")
}

/// Whether somebody wrote the file of a unit: those of transient ones come and go by themselves.
pub fn is_kept(file: &str) -> bool {
    !file.is_empty() && !file.contains("/transient/")
}

fn read<T>(doing: &str, answer: &Message) -> Result<T, Fault>
where
    T: for<'d> zbus::wire::DynamicDeserialize<'d>,
{
    answer.body().deserialize().map_err(|error| Fault::other(doing, error))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The words of the first call in `ExecStart=`, which come with much that nobody asked for. A
/// dollar is still written twice there, because variables are put in when it is started.
fn call(answer: Answer) -> Option<Vec<String>> {
    let answer = answer.wait().ok()?;
    let body = answer.body();
    let Variant::Array(calls) = body.deserialize().ok()? else { return None };
    let Some(Variant::Structure(call)) = calls.iter().next() else { return None };
    let Some(Variant::Array(words)) = call.fields().get(1) else { return None };
    let text = |word: &Variant<'_>| match word {
        Variant::Str(text) => Some(text.as_str().replace("$$", "$")),
        _ => None,
    };
    words.iter().map(text).collect()
}

/// A state in the manager's words; what a newer one adds is none that can be relied on.
pub fn active(word: &str) -> Active {
    match word {
        "active" => Active::Active,
        "failed" => Active::Failed,
        "activating" => Active::Activating,
        "deactivating" => Active::Deactivating,
        "reloading" | "refreshing" => Active::Reloading,
        _ => Active::Inactive,
    }
}

/// How a job ended, in the manager's words.
fn job_result(word: &str) -> JobResult {
    match word {
        "done" => JobResult::Done,
        // A unit that is gone takes its job with it.
        "canceled" | "collected" => JobResult::Canceled,
        "timeout" => JobResult::Timeout,
        "dependency" => JobResult::Dependency,
        "skipped" => JobResult::Skipped,
        _ => JobResult::Failed,
    }
}

/// Turns signals into wakes.
struct Told {
    wakes: Arc<Wakes>,
    /// The name that the bus gave the manager; a signal of anybody else is none of its own.
    manager: Arc<Mutex<String>>,
}

impl Listen for Told {
    fn signal(&mut self, message: &Message) {
        let header = message.header();
        let sender = header.sender().map_or("", |sender| sender.as_str());
        let member = header.member().map_or("", |member| member.as_str());
        let path = header.path().map_or("", |path| path.as_str());
        let mut manager = self.manager.lock().unwrap_or_else(PoisonError::into_inner);
        match member {
            // A manager that begins anew, as after an update, keeps its jobs and who is told.
            "NameOwnerChanged" if sender == BUS => {
                let owners = read::<(String, String, String)>("read its name", message);
                *manager = owners.map(|owners| owners.2).unwrap_or_default();
            }
            _ if sender != manager.as_str() => {}
            "PropertiesChanged" => {
                if let Some(unit) = path.strip_prefix(UNIT_FOLDER) {
                    self.wakes.push(Wake::Changed(name_of(unit)));
                }
            }
            "JobRemoved" if path == ROOT => {
                type Removed = (u32, OwnedObjectPath, String, String);
                if let Ok((_, job, unit, result)) = read::<Removed>("read its job", message) {
                    let job = Job(job.as_str().to_owned());
                    self.wakes.push(Wake::Ended { job, unit, result: job_result(&result) });
                }
            }
            _ => {}
        }
    }

    fn end(&mut self) {
        self.wakes.end(fault::missing("wait for the service manager", "the bus is gone"));
    }
}

/// The place of a unit on the bus: each byte that is no letter or digit is `_` and its number.
fn path_of(name: &str) -> String {
    let escape = |(place, byte): (usize, u8)| match byte {
        b'0'..=b'9' if place > 0 => char::from(byte).to_string(),
        b'a'..=b'z' | b'A'..=b'Z' => char::from(byte).to_string(),
        _ => format!("_{byte:02x}"),
    };
    let name: String = name.bytes().enumerate().map(escape).collect();
    format!("{UNIT_FOLDER}{name}")
}

/// The unit at a place on the bus.
fn name_of(escaped: &str) -> String {
    let mut parts = escaped.split('_');
    let mut name = parts.next().unwrap_or_default().as_bytes().to_vec();
    for part in parts {
        let (digits, rest) = part.split_at_checked(2).unwrap_or_default();
        name.extend(u8::from_str_radix(digits, 16));
        name.extend(rest.as_bytes());
    }
    String::from_utf8_lossy(&name).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_have_their_places() {
        let place = "/org/freedesktop/systemd1/unit/_31-web_5f1_40x_2eservice".replace('-', "_2d");
        assert_eq!(path_of("1-web_1@x.service"), place);
        assert_eq!(name_of("_2d_2eslice"), "-.slice");
    }

    proptest! {
        #[test]
        fn a_place_tells_its_name(name in "[a-zA-Z0-9:_.@\\\\-]{1,60}") {
            let path = path_of(&name);
            prop_assert_eq!(path.strip_prefix(UNIT_FOLDER).map(name_of), Some(name));
        }

        #[test]
        fn no_place_breaks_it(path in "(_|[0-9a-f]|\u{1f980}|x){0,20}") {
            let _name = name_of(&path);
        }
    }
}
