//! `watch`: a timer that looks for drift, reports it, and mends it where it is told to.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, Subcommand};

use super::super::{Exit, StackArguments, output};
use super::reconcile::{LAYERS, unattended};
use super::survey::survey;
use super::{PlaceArguments, Site, diff, open, refuse};
use crate::capability::encode::Reader;
use crate::drift::State;
use crate::host::Look;
use crate::host::change::{Fault, HookCall, LockError};
use crate::host::disk::{self, Disk};
use crate::host::units::{Job, Wake};
use crate::load::FILE_SIZE_MAX;
use crate::model::value::duration::Duration as Length;
use crate::report::human::escape;
use crate::state::Store;

pub const EXAMPLES: &str = "\
Examples:
  stackwright watch install                          look once a day, and tell the journal
  stackwright watch install --every 1h --notify 'mail -s drift me@example.org'
  stackwright watch install --notify 'curl -s -d @- https://ntfy.example.org/drift'
  stackwright watch install --fix                    mend what can be mended, and tell it
  stackwright watch remove

The command gets the report on its standard input, and the names in STACKWRIGHT_DRIFTED.";

/// The first line of our units: what does not begin with it is somebody else's.
const HEADER: &str =
    "# Made by `stackwright watch install`; `stackwright watch remove` removes it.\n";

const SERVICE: &str = "stackwright-watch.service";
const TIMER: &str = "stackwright-watch.timer";
const TARGET: &str = "timers.target.wants";

/// How long a command that is told may take.
const NOTIFY_TIME: Duration = Duration::from_secs(300);
/// How long to wait for somebody who works on a stack: what differs then is on its way.
const LOCK_TIME: Duration = Duration::from_secs(600);
/// How long starting or stopping a timer may take.
const JOB_TIME: Duration = Duration::from_secs(60);
/// How long after the start of the machine it is looked first, in seconds, where it is not sooner.
const FIRST_SECONDS: u64 = 300;

#[derive(Debug, Args)]
pub struct WatchArguments {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// Write a service and a timer that look for drift, and start the timer
    Install(InstallArguments),
    /// Take them away
    Remove(PlaceArguments),
    /// Look now, report, and mend: what the timer starts
    Run(RunArguments),
}

#[derive(Debug, Args)]
struct InstallArguments {
    /// How often
    #[arg(long, value_name = "TIME", default_value = "1d")]
    every: Length,
    /// A file with the variables that stacks had from the shell in which they were applied, as
    /// `EnvironmentFile=` of systemd reads it; may be given again
    #[arg(long = "env-file", value_name = "FILE")]
    env_files: Vec<PathBuf>,
    #[command(flatten)]
    how: How,
    #[command(flatten)]
    place: PlaceArguments,
}

#[derive(Debug, Args)]
struct How {
    /// A command for a shell that is told what has drifted, and nothing where nothing has
    #[arg(long, value_name = "COMMAND")]
    notify: Option<String>,
    /// Mend what can be mended
    #[arg(long)]
    fix: bool,
}

#[derive(Debug, Args)]
struct RunArguments {
    #[command(flatten)]
    how: How,
    #[command(flatten)]
    place: PlaceArguments,
    #[command(flatten)]
    stack: StackArguments,
}

/// Runs the command.
pub fn run(arguments: &WatchArguments) -> Exit {
    let place = match &arguments.what {
        What::Install(arguments) => &arguments.place,
        What::Remove(place) => place,
        What::Run(arguments) => &arguments.place,
    };
    let site = match open(place) {
        Ok(site) => site,
        Err(fault) => return refuse(&fault),
    };
    let done = match &arguments.what {
        What::Install(arguments) => install(arguments, &site),
        What::Remove(_) => remove(&site),
        What::Run(arguments) => look(arguments, &site),
    };
    done.unwrap_or_else(|fault| refuse(&fault))
}

/// The paths of the service, the timer, and the link by which that starts with the machine.
fn paths(site: &Site) -> [PathBuf; 3] {
    let units = &site.places.units;
    [units.join(SERVICE), units.join(TIMER), units.join(TARGET).join(TIMER)]
}

fn install(arguments: &InstallArguments, site: &Site) -> Result<Exit, Fault> {
    let files = site.real.host().files;
    let [service, timer, link] = paths(site);
    for path in [&service, &timer] {
        let known = files.read(path)?;
        if known.is_some_and(|known| !known.starts_with(HEADER.as_bytes())) {
            output::error(&format!("{} is there and is not of this program", path.display()));
            return Ok(Exit::Refused);
        }
    }
    let Some(program) = disk::program() else {
        output::error("the system does not tell where this program lies");
        return Ok(Exit::Refused);
    };
    let service_text = match service_text(&program, arguments, site) {
        Ok(text) => text,
        Err(message) => {
            output::error(&message);
            return Ok(Exit::WrongInput);
        }
    };
    for folder in [service.parent(), link.parent()].into_iter().flatten() {
        files.make_folder(folder)?;
    }
    files.replace(&service, service_text.as_bytes(), 0o644)?;
    files.replace(&timer, timer_text(arguments.every).as_bytes(), 0o644)?;
    files.link(&link, &site.places.inside(&timer))?;
    if site.runs {
        let units = site.real.host().units;
        units.reload()?;
        // One that runs already would keep its old time.
        end(site, &units.stop(TIMER)?)?;
        end(site, &units.start(TIMER)?)?;
    }
    output::out(&format!("{} looks for drift every {}\n", TIMER, arguments.every));
    Ok(Exit::Done)
}

fn timer_text(every: Length) -> String {
    let seconds = every.seconds_rounded_up().max(1);
    let first = seconds.min(FIRST_SECONDS);
    let accuracy = (seconds / 10).clamp(1, 60);
    format!(
        "{HEADER}\n[Unit]\nDescription=Look for drift of stacks\n\n\
         [Timer]\nOnActiveSec={first}s\nOnUnitInactiveSec={seconds}s\nAccuracySec={accuracy}s\n\n\
         [Install]\nWantedBy=timers.target\n"
    )
}

/// The service; an error tells what a unit cannot hold.
fn service_text(
    program: &Path,
    arguments: &InstallArguments,
    site: &Site,
) -> Result<String, String> {
    let mut text = format!(
        "{HEADER}\n[Unit]\nDescription=Look for drift of stacks\n\n[Service]\nType=oneshot"
    );
    let mut write = |reader: Reader, lead: &str, word: &str| {
        text.push_str(lead);
        let written = reader.write("", word, &mut text);
        written.map_err(|_| format!("a unit cannot hold `{}`", escape(word)))
    };
    for file in &arguments.env_files {
        if let Err(error) = Disk.read(file, FILE_SIZE_MAX) {
            return Err(format!("`{}`: {error}", escape(&file.to_string_lossy())));
        }
        write(Reader::Passed, "\nEnvironmentFile=", &Disk.identity(file).to_string_lossy())?;
    }
    let mut words = vec![program.to_string_lossy().into_owned(), "watch".into(), "run".into()];
    if !site.of_user {
        words.push("--system".to_owned());
    }
    if arguments.how.fix {
        words.push("--fix".to_owned());
    }
    if let Some(command) = &arguments.how.notify {
        words.push(format!("--notify={command}"));
    }
    for (place, word) in words.iter().enumerate() {
        write(Reader::Word, if place == 0 { "\nExecStart=" } else { " " }, word)?;
    }
    Ok(text + "\n")
}

/// Waits for the end of a job.
fn end(site: &Site, job: &Job) -> Result<(), Fault> {
    let host = site.real.host();
    let until = host.machine.now() + JOB_TIME;
    loop {
        match host.units.wait(until)? {
            Wake::Ended { job: ended, .. } if ended == *job => return Ok(()),
            Wake::TimeUp | Wake::Interrupted => return Ok(()),
            Wake::Ended { .. } | Wake::Answered { .. } | Wake::Changed(_) => {}
        }
    }
}

fn remove(site: &Site) -> Result<Exit, Fault> {
    let host = site.real.host();
    let [service, timer, link] = paths(site);
    let known = host.files.read(&timer)?;
    if known.is_none_or(|known| !known.starts_with(HEADER.as_bytes())) {
        output::out("no watch is installed here\n");
        return Ok(Exit::Done);
    }
    if site.runs {
        end(site, &host.units.stop(TIMER)?)?;
    }
    for path in [link, timer, service] {
        host.files.remove(&path)?;
    }
    if site.runs {
        host.units.reload()?;
    }
    output::out("the watch is removed\n");
    Ok(Exit::Done)
}

/// What was found.
struct Report {
    names: Vec<String>,
    text: String,
}

/// Looks, reports and mends; that something has drifted is no failure of the service.
fn look(arguments: &RunArguments, site: &Site) -> Result<Exit, Fault> {
    let Some(report) = settled(arguments, site)? else {
        let text = "the stack files cannot be read; the journal of the watch tells why\n";
        tell(arguments, site, &Report { names: Vec::new(), text: text.to_owned() })?;
        return Ok(Exit::WrongInput);
    };
    output::out(&report.text);
    if report.names.is_empty() {
        return Ok(Exit::Done);
    }
    if !arguments.how.fix {
        tell(arguments, site, &report)?;
        return Ok(Exit::Done);
    }
    let exit = unattended(arguments.place.clone(), arguments.stack.clone());
    let left = settled(arguments, site)?.filter(|left| !left.names.is_empty());
    let end = match &left {
        None => "mended: all is as it should be\n".to_owned(),
        Some(left) => format!("what is left after mending:\n{}", left.text),
    };
    let text = format!("{}{end}", report.text);
    tell(arguments, site, &Report { names: report.names, text })?;
    Ok(if left.is_none() { Exit::Done } else { exit })
}

/// What has drifted and stays so when nobody works on these stacks any more.
fn settled(arguments: &RunArguments, site: &Site) -> Result<Option<Report>, Fault> {
    let Some(first) = seen(arguments, site)? else { return Ok(None) };
    if first.names.is_empty() {
        return Ok(Some(first));
    }
    for name in &first.names {
        let store = Store::of(site.real.host().files, &site.places, name);
        match store.lock(LOCK_TIME) {
            // It is given back at once.
            Ok(_) | Err(LockError::Held) => {}
            Err(LockError::Fault(fault)) => return Err(fault),
        }
    }
    seen(arguments, site)
}

fn seen(arguments: &RunArguments, site: &Site) -> Result<Option<Report>, Fault> {
    let Some(survey) = survey(&[], &arguments.stack, site, &LAYERS)? else { return Ok(None) };
    let report = diff::compare(&survey, site, &LAYERS)?;
    let drifted = report.stacks.iter().filter(|stack| stack.state == State::Drift);
    let orphans = report.orphans.iter().map(|orphan| &orphan.stack);
    let names: BTreeSet<String> =
        drifted.map(|stack| &stack.stack).chain(orphans).cloned().collect();
    Ok(Some(Report { names: names.into_iter().collect(), text: report.text() }))
}

/// Tells the command of the user.
fn tell(arguments: &RunArguments, site: &Site, report: &Report) -> Result<(), Fault> {
    let Some(command) = &arguments.how.notify else { return Ok(()) };
    let variables = [("STACKWRIGHT_DRIFTED".to_owned(), report.names.join(" "))];
    let command = ["sh".to_owned(), "-c".to_owned(), command.clone()];
    site.real.host().machine.hook(&HookCall {
        command: &command,
        variables: &variables,
        input: report.text.as_bytes(),
        folder: Path::new("/"),
        timeout: NOTIFY_TIME,
    })
}
