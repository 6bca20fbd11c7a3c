//! The service manager by `systemctl`, for hosts on which no bus can be reached.
//!
//! Each job is a child that waits for it, and that a unit changed is seen by looking again: slower
//! than the bus, and what comes and goes between two looks is not seen.

#![expect(clippy::disallowed_methods, reason = "this is the place that starts systemctl")]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread;
use std::time::Duration;

use serde::Deserialize;

use super::super::change::{Fault, FaultKind};
use super::super::units::{Details, FailedUnit, Job, JobResult, UnitState, Units, Wake};
use super::machine::last_lines;
use super::process::{Limits, Output, run};
use super::units::{CALL_TIME, RELOAD_TIME, active, is_kept, may_have_file, version};
use super::wakes::Wakes;
use super::{Scope, clock, fault, journal};

/// How long after a look units are looked at again.
const GLANCE: Duration = Duration::from_secs(1);
/// How much may be told, as data and for people.
const TELL_MAX: usize = 64 << 20;
const TALK_MAX: usize = 16 << 10;

/// What is asked of a unit.
const PROPERTIES: &str = "--property=LoadState,ActiveState,SubState,Result,SourcePath,\
                          FragmentPath,DropInPaths,InvocationID,NRestarts";

/// A service manager that is reached by its own program.
#[derive(Debug)]
pub struct Systemctl {
    scope: Scope,
    wakes: Arc<Wakes>,
    jobs: AtomicU64,
    /// How units were when they were last looked at.
    seen: Mutex<BTreeMap<String, UnitState>>,
}

impl Systemctl {
    /// Asks whether there is a manager.
    pub fn open(scope: Scope, wakes: Arc<Wakes>) -> Result<Self, Fault> {
        let (jobs, seen) = (AtomicU64::new(0), Mutex::default());
        let systemctl = Self { scope, wakes, jobs, seen };
        systemctl.ask("reach the service manager", &["show", "--property=Version"])?;
        Ok(systemctl)
    }

    fn ask(&self, doing: &str, words: &[&str]) -> Result<String, Fault> {
        ask(self.scope, doing, words)
    }

    /// What is told of units, each as the values of properties.
    fn show(&self, properties: &str, names: &[&str]) -> Result<Vec<Shown>, Fault> {
        let doing = "ask for the states of units";
        // Without a name, it would tell of the manager itself.
        if names.is_empty() {
            return Ok(Vec::new());
        }
        let mut words = vec!["show", properties, "--"];
        words.extend(names);
        let told = shown(&self.ask(doing, &words)?);
        match told.len() == names.len() {
            true => Ok(told),
            false => Err(Fault::other(doing, "one of the names is none that a unit can have")),
        }
    }

    fn look(&self, names: &[&str]) -> Result<Vec<UnitState>, Fault> {
        Ok(self.show(PROPERTIES, names)?.iter().map(state).collect())
    }

    /// Lets a child order a job and wait for its end; it is ordered when this returns.
    fn order(&self, verb: &str, name: &str) -> Result<Job, Fault> {
        let doing = format!("{verb} {name}");
        let words = [verb, "--show-transaction", "--no-ask-password", "--", name];
        let mut command = command(self.scope, &words);
        command.process_group(0).stdin(Stdio::null()).stdout(Stdio::null());
        let child = command.stderr(Stdio::piped()).spawn();
        let mut child = child.map_err(|error| fault::of(&doing, &error))?;
        let job = Job(format!("{verb} {}", self.jobs.fetch_add(1, Ordering::SeqCst)));
        let (wakes, unit, ended) = (self.wakes.clone(), name.to_owned(), job.clone());
        let (sender, ordered) = mpsc::channel();
        thread::spawn(move || {
            let mut is_ordered = false;
            let (is_done, said) = attend(&mut child, || {
                is_ordered = true;
                let _nobody_waits = sender.send(Ok(()));
            });
            if is_ordered {
                let result = job_result(is_done, &said);
                wakes.push(Wake::Ended { job: ended, unit, result });
            } else {
                let _nobody_waits = sender.send(Err(said));
            }
        });
        match ordered.recv_timeout(CALL_TIME) {
            Ok(Ok(())) => Ok(job),
            Ok(Err(said)) => Err(refused(&doing, &said)),
            Err(_) => Err(fault::timed_out(doing, CALL_TIME)),
        }
    }

    /// A unit that is not as it was when it was last looked at.
    fn changed(&self) -> Result<Option<String>, Fault> {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let names: Vec<&str> = seen.keys().map(String::as_str).collect();
        let now = self.look(&names)?;
        let changed = seen.iter_mut().zip(now).find(|((_, before), now)| *before != now);
        Ok(changed.map(|((name, before), now)| {
            *before = now;
            name.clone()
        }))
    }
}

impl Units for Systemctl {
    fn manager_version(&self) -> Result<u32, Fault> {
        let doing = "ask the service manager for its version";
        version(doing, &self.ask(doing, &["show", "--property=Version", "--value"])?)
    }

    fn reload(&self) -> Result<(), Fault> {
        self.ask("reload the units", &["daemon-reload"]).map(drop)
    }

    fn failed(&self) -> Result<Vec<FailedUnit>, Fault> {
        let mut failed = failed_of(self.scope)?;
        if self.scope == Scope::User {
            // Not every user can see how the machine is.
            failed.extend(failed_of(Scope::System).unwrap_or_default());
        }
        Ok(failed)
    }

    fn dependents(&self, name: &str) -> Result<Vec<String>, Fault> {
        let told = self.show("--property=RequiredBy,BoundBy,ConsistsOf", &[name])?;
        let words = told.iter().flat_map(|unit| unit.values()).flat_map(|one| one.split(' '));
        let names: std::collections::BTreeSet<String> =
            words.filter(|name| !name.is_empty()).map(str::to_owned).collect();
        Ok(names.into_iter().collect())
    }

    fn states(&self, names: &[&str]) -> Result<Vec<UnitState>, Fault> {
        let states = self.look(names)?;
        let seen = names.iter().map(|name| (*name).to_owned()).zip(states.iter().cloned());
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).extend(seen);
        Ok(states)
    }

    fn memory(&self, names: &[&str]) -> Result<Vec<Option<u64>>, Fault> {
        let told = self.show("--property=MemoryCurrent", names)?;
        let bytes = |unit: &Shown| unit.get("MemoryCurrent").and_then(|bytes| bytes.parse().ok());
        Ok(told.iter().map(|unit| bytes(unit).filter(|bytes| *bytes != u64::MAX)).collect())
    }

    fn details(&self, names: &[&str], _: &[&UnitState]) -> Result<Vec<Details>, Fault> {
        // It prints the words of a call with blanks between them, so where each ends is lost.
        Ok(vec![Details::default(); names.len()])
    }

    fn in_memory(&self) -> Result<BTreeMap<String, bool>, Fault> {
        let doing = "list the units";
        let told = self.ask(doing, &["list-units", "--all", "--output=json"])?;
        let units: Vec<Listed> =
            serde_json::from_str(&told).map_err(|error| Fault::other(doing, error))?;
        let mut units: BTreeMap<String, bool> = units
            .into_iter()
            .filter(|listed| may_have_file(&listed.unit, &listed.load))
            .map(|listed| (listed.unit, matches!(&*listed.active, "active" | "reloading")))
            .collect();
        let names: Vec<&str> = units.keys().map(String::as_str).collect();
        let files = self.show("--property=FragmentPath", &names)?;
        let mut files =
            files.iter().map(|unit| unit.get("FragmentPath").is_some_and(|file| is_kept(file)));
        units.retain(|_, _| files.next().unwrap_or(false));
        Ok(units)
    }

    fn busy(&self) -> Result<Vec<String>, Fault> {
        let told = self.ask("list the jobs", &["list-jobs", "--no-legend", "--plain"])?;
        let unit = |line: &str| {
            let mut words = line.split_whitespace();
            words.next()?.parse::<u32>().ok()?;
            words.next().map(str::to_owned)
        };
        let mut units: Vec<String> = told.lines().filter_map(unit).collect();
        units.sort();
        units.dedup();
        Ok(units)
    }

    fn start(&self, name: &str) -> Result<Job, Fault> {
        self.order("start", name)
    }

    fn stop(&self, name: &str) -> Result<Job, Fault> {
        self.order("stop", name)
    }

    fn cancel(&self, name: &str) -> Result<(), Fault> {
        let doing = format!("call off the job of {name}");
        let unit = self.show("--property=Job", &[name])?.pop().unwrap_or_default();
        let Some(job) = unit.get("Job").filter(|job| !matches!(job.as_str(), "" | "0")) else {
            return Ok(());
        };
        match self.ask(&doing, &["cancel", "--", job]) {
            Err(fault) if fault.kind != FaultKind::Missing => Err(fault),
            _ => Ok(()),
        }
    }

    fn reset_failed(&self, name: &str) -> Result<(), Fault> {
        match self.ask(&format!("reset {name}"), &["reset-failed", "--", name]) {
            Err(fault) if fault.kind != FaultKind::Missing => Err(fault),
            _ => Ok(()),
        }
    }

    fn wait(&self, until: Duration) -> Result<Wake, Fault> {
        loop {
            let glance = clock::now().saturating_add(GLANCE);
            match self.wakes.wait(until.min(glance))? {
                Wake::TimeUp if clock::now() < until => {
                    if let Some(unit) = self.changed()? {
                        return Ok(Wake::Changed(unit));
                    }
                }
                wake => return Ok(wake),
            }
        }
    }

    fn log(&self, name: &str, lines: usize) -> Result<Vec<String>, Fault> {
        let asked = "--property=InvocationID,InactiveExitTimestampMonotonic";
        let unit = self.show(asked, &[name])?.pop().unwrap_or_default();
        let text = |name: &str| unit.get(name).map_or("", String::as_str);
        let began = text("InactiveExitTimestampMonotonic").parse().ok().filter(|began| *began > 0);
        let since = began.map_or(0, |began| clock::wall_time_of(Duration::from_micros(began)));
        let run = journal::Run { unit: name, invocation: text("InvocationID"), since };
        journal::last_lines(self.scope, &run, lines)
    }
}

/// A unit in a list of it.
#[derive(Deserialize)]
struct Listed {
    unit: String,
    load: String,
    active: String,
}

fn ask(scope: Scope, doing: &str, words: &[&str]) -> Result<String, Fault> {
    let time = if words == ["daemon-reload"] { RELOAD_TIME } else { CALL_TIME };
    let output = Output::All(TELL_MAX);
    let limits = Limits { time, input: &[], output, interrupts: None };
    let ended = run(doing, &mut command(scope, words), &limits)?;
    match ended.status.success() {
        true => Ok(String::from_utf8_lossy(&ended.out).into_owned()),
        false => Err(refused(doing, &last_lines(&ended.err))),
    }
}

/// The failed units of a manager.
fn failed_of(scope: Scope) -> Result<Vec<FailedUnit>, Fault> {
    let doing = "list the failed units";
    let told = ask(scope, doing, &["list-units", "--failed", "--output=json"])?;
    let units: Vec<Listed> =
        serde_json::from_str(&told).map_err(|error| Fault::other(doing, error))?;
    let names: Vec<&str> = units.iter().map(|listed| listed.unit.as_str()).collect();
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let words = [&["show", "--property=FragmentPath", "--"], &names[..]].concat();
    let files = shown(&ask(scope, doing, &words)?);
    let is_file = |unit: &Shown| unit.get("FragmentPath").is_some_and(|file| is_kept(file));
    let kept = names.iter().zip(files).filter(|(_, unit)| is_file(unit));
    let of_machine = scope == Scope::System;
    Ok(kept.map(|(name, _)| FailedUnit { name: (*name).to_owned(), of_machine }).collect())
}

fn command(scope: Scope, words: &[&str]) -> Command {
    let mut command = Command::new("systemctl");
    command.args(scope.flag()).arg("--no-pager").args(words).env("LC_ALL", "C");
    if scope == Scope::User {
        command.env("XDG_RUNTIME_DIR", super::runtime_folder());
    }
    command
}

/// Waits for the end of a job, and tells once it is ordered; how it ended, and what was said.
fn attend(child: &mut Child, ordered: impl FnOnce()) -> (bool, String) {
    let (mut ordered, mut said) = (Some(ordered), String::new());
    let lines = child.stderr.take().into_iter().flat_map(|err| BufReader::new(err).split(b'\n'));
    for line in lines.map_while(Result::ok) {
        let line = String::from_utf8_lossy(&line);
        if line.starts_with("Enqueued anchor job ") {
            ordered.take().into_iter().for_each(|ordered| ordered());
        } else if said.len() < TALK_MAX {
            said = said + &line + "\n";
        }
    }
    (child.wait().is_ok_and(|status| status.success()), said)
}

fn refused(doing: &str, said: &str) -> Fault {
    let why = said.trim_end();
    let why = match why.split_once(": ") {
        Some((start, why)) if start.starts_with("Failed to ") => why,
        _ => why,
    };
    let says = |words: &str| why.contains(words);
    let kind = match () {
        () if says("not loaded") || says("not found") || says("No such") => FaultKind::Missing,
        () if said.contains("Failed to connect") => FaultKind::Missing,
        () if says("Access denied") || says("authentication required") => FaultKind::Denied,
        () if says("timed out") => FaultKind::TimedOut,
        () => FaultKind::Other,
    };
    Fault { doing: doing.to_owned(), why: why.trim_end_matches('.').to_owned(), kind }
}

/// How a job ended, out of what was said about it.
fn job_result(is_done: bool, said: &str) -> JobResult {
    let says = |words: &str| said.lines().any(|line| line.ends_with(words));
    match is_done {
        true => JobResult::Done,
        false if said.contains("A dependency job for ") => JobResult::Dependency,
        false if says(" canceled.") => JobResult::Canceled,
        false if says(" timed out.") => JobResult::Timeout,
        false if says(" skipped.") => JobResult::Skipped,
        false => JobResult::Failed,
    }
}

/// The properties of a unit.
type Shown = BTreeMap<String, String>;

/// Units with their properties; a line without a unit stands between two.
fn shown(told: &str) -> Vec<Shown> {
    let unit = |block: &str| -> Shown {
        let lines = block.lines().filter_map(|line| line.split_once('='));
        lines.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
    };
    told.trim_end().split("\n\n").map(unit).collect()
}

fn state(unit: &Shown) -> UnitState {
    let text = |name: &str| unit.get(name).cloned().unwrap_or_default();
    let path = |name: &str| Some(text(name)).filter(|path| !path.is_empty()).map(PathBuf::from);
    let load = text("LoadState");
    UnitState {
        is_loaded: load == "loaded",
        active: active(&text("ActiveState")),
        sub: text("SubState"),
        result: text("Result"),
        source: path("SourcePath"),
        fragment: path("FragmentPath"),
        drop_ins: text("DropInPaths").split_whitespace().map(PathBuf::from).collect(),
        invocation: text("InvocationID"),
        restarts: text("NRestarts").parse().unwrap_or(0),
        is_masked: load == "masked",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const TOLD: &str = "Result=exit-code\nNRestarts=3\nLoadState=loaded\nActiveState=failed\n\
                        SubState=failed\nSourcePath=/s/a=b.container\nDropInPaths=/a /b\n\
                        InvocationID=dafd\n\nLoadState=masked\nActiveState=inactive\n";

    #[test]
    fn what_is_told_of_units_is_read() {
        let units: Vec<UnitState> = shown(TOLD).iter().map(state).collect();
        let [bad, masked] = &*units else { panic!("{units:?}") };
        assert_eq!((bad.result.as_str(), bad.restarts), ("exit-code", 3));
        assert_eq!(bad.source, Some(PathBuf::from("/s/a=b.container")));
        assert_eq!(bad.drop_ins, [PathBuf::from("/a"), PathBuf::from("/b")]);
        assert!(bad.is_loaded && !bad.is_masked && masked.is_masked && !masked.is_loaded);
        assert_eq!((bad.fragment.as_ref(), masked.restarts), (None, 0));
    }

    proptest! {
        #[test]
        fn nothing_told_breaks_it(told in "(=|\n|[a-zA-Z]{1,9}|\u{1f980}){0,40}") {
            let _read: Vec<UnitState> = shown(&told).iter().map(state).collect();
        }
    }
}
