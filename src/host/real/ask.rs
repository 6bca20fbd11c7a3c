//! Asks services whether they are ready: each in a thread of its own, from inside its container.

#![expect(clippy::disallowed_methods, reason = "this is the place that asks services")]

use std::process::Command;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use regex_lite::Regex;

use super::super::change::{Fault, Held};
use super::super::probe::{Ask, Asked, Probe, Probes};
use super::super::units::Wake;
use super::containers::Podman;
use super::interrupts::Interrupts;
use super::machine::last_lines;
use super::process::{Ended, Limits, Output, run};
use super::shell::{Shell, Tried};
use super::wakes::Wakes;
use super::{Scope, clock, fault, inside, journal};

/// How long one try of a command may take.
const TRY_TIME: Duration = Duration::from_secs(30);
/// How much longer than its own time a program may take that counts its time itself.
const GRACE: Duration = Duration::from_secs(2);
/// The least pause between two tries of a command where nothing is said: by a shell that is there
/// already, and by Podman.
const SHELL_PAUSE: Duration = Duration::from_millis(25);
const PODMAN_PAUSE: Duration = Duration::from_millis(250);
/// The longest.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);
/// How much a command may say.
const SAID_MAX: usize = 1 << 20;

/// Who asks on this machine.
#[derive(Debug)]
pub struct Asker {
    /// Whose services they are.
    pub scope: Scope,
    /// Who is told of the answers.
    pub wakes: Arc<Wakes>,
}

impl Probes for Asker {
    fn watch(&self, asked: &Asked, probes: &[Probe]) -> Result<Box<dyn Held>, Fault> {
        let doing = format!("ask {} whether it is ready", asked.service);
        let (stop, held) = Interrupts::by_hand().map_err(|error| fault::of(&doing, &error))?;
        let asking = Asking { scope: self.scope, asked: asked.clone(), stop };
        let (wakes, probes) = (self.wakes.clone(), probes.to_vec());
        let spawned = thread::Builder::new().spawn(move || {
            let result = probes.iter().try_for_each(|probe| asking.until_right(probe));
            if !asking.stop.came() {
                let Asked { service, invocation, .. } = asking.asked;
                wakes.push(Wake::Answered { service, invocation, result });
            }
        });
        spawned.map_err(|error| fault::of(doing, &error))?;
        Ok(Box::new(held))
    }
}

/// Asks a service of whose start this process is a part, until the answer is right.
pub fn gate(scope: Scope, container: &str, probe: &Probe) -> Result<(), String> {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let age = variable("MAINPID").parse().ok().and_then(clock::age_of_process);
    let asked = Asked {
        service: container.to_owned(),
        container: container.to_owned(),
        invocation: variable("INVOCATION_ID"),
        began: clock::now().saturating_sub(age.unwrap_or_default()),
    };
    let (stop, _held) = Interrupts::by_hand().map_err(|error| error.to_string())?;
    Asking { scope, asked, stop }.until_right(probe)
}

/// A service that is being asked.
struct Asking {
    scope: Scope,
    asked: Asked,
    /// Comes when nobody wants to know any more.
    stop: Interrupts,
}

impl Asking {
    /// Asks until the answer is right; an error tells what was answered last.
    fn until_right(&self, probe: &Probe) -> Result<(), String> {
        let until = self.asked.began.saturating_add(Duration::from_millis(probe.timeout));
        match &probe.ask {
            Ask::Command { words, answer } => {
                // A shell tells not what is an answer and what a complaint.
                let told = match answer {
                    None if !words.is_empty() => self.by_shell(words, probe.interval, until),
                    _ => None,
                };
                told.unwrap_or_else(|| {
                    self.by_podman(words, answer.as_deref(), probe.interval, until)
                })
            }
            Ask::Log { pattern } => self.in_log(pattern, until),
            _ => self.by_network(probe, until),
        }
    }

    /// Pages and ports, asked by this program in the network of the container.
    fn by_network(&self, probe: &Probe, until: Duration) -> Result<(), String> {
        let doing = format!("ask {}", self.asked.service);
        let place = match self.asked.container.as_str() {
            "" => Ok(inside::Place::here()),
            container => Podman::place(container),
        };
        let place = place.map_err(|fault| fault.to_string())?;
        let question = inside::Question { place, until, probe: probe.clone() };
        let input = serde_json::to_vec(&question).map_err(|error| error.to_string())?;
        let limits = Limits {
            time: clock::left(until).saturating_add(GRACE),
            input: &input,
            output: Output::All(SAID_MAX),
            interrupts: Some(&self.stop),
        };
        let ended = run(&doing, Command::new(inside::PROGRAM).arg(inside::COMMAND), &limits);
        let ended = ended.map_err(|fault| fault.why)?;
        match ended.status.success() {
            true => Ok(()),
            false => Err(last_lines(&ended.err)),
        }
    }

    /// A command in the container, tried again and again by a shell there; none where no shell
    /// does so.
    fn by_shell(
        &self,
        words: &[String],
        interval: Option<u64>,
        until: Duration,
    ) -> Option<Result<(), String>> {
        let in_time = || clock::now().saturating_add(Self::time_of_try(until));
        let mut shell = Shell::open(&self.asked.container, words, in_time(), &self.stop)?;
        loop {
            let began = clock::now();
            let Some(Tried { code, said }) = shell.run(in_time(), &self.stop) else {
                let is_over = self.stop.came() || clock::left(until).is_zero();
                return is_over.then(|| Err(format!("`{}` does not end", name(words))));
            };
            if code == 0 {
                return Some(Ok(()));
            }
            if !self.pause(interval, SHELL_PAUSE, began, until) {
                return Some(Err(ended_with(words, &code.to_string(), &said)));
            }
        }
    }

    /// The same by Podman, which takes a while for each try.
    fn by_podman(
        &self,
        words: &[String],
        wanted: Option<&str>,
        interval: Option<u64>,
        until: Duration,
    ) -> Result<(), String> {
        let name = name(words);
        let mut arguments = vec!["exec", &self.asked.container];
        arguments.extend(words.iter().map(String::as_str));
        loop {
            let began = clock::now();
            let limits = Limits {
                time: Self::time_of_try(until),
                input: &[],
                output: Output::Last,
                interrupts: Some(&self.stop),
            };
            let ended = Podman::run(&format!("run `{name}` there"), &arguments, &limits);
            let answer = match ended.map_err(|fault| fault.to_string()) {
                Ok(ended) => told(words, &ended, wanted),
                Err(fault) => Err(fault),
            };
            let Err(answer) = answer else { return Ok(()) };
            if !self.pause(interval, PODMAN_PAUSE, began, until) {
                return Err(answer);
            }
        }
    }

    /// How long a try may take that begins now.
    fn time_of_try(until: Duration) -> Duration {
        TRY_TIME.min(clock::left(until)).max(GRACE)
    }

    /// Waits for the next try: as long as somebody said, or as the last one took within limits;
    /// whether there is to be one.
    fn pause(&self, said: Option<u64>, least: Duration, began: Duration, until: Duration) -> bool {
        let now = clock::now();
        let usual = now.saturating_sub(began).clamp(least, LONGEST_PAUSE);
        let next = now.saturating_add(said.map_or(usual, Duration::from_millis));
        next < until && !self.stop.wait(next)
    }

    /// A line of the journal, which is read on as it grows.
    fn in_log(&self, pattern: &str, until: Duration) -> Result<(), String> {
        let wanted = Regex::new(pattern).map_err(|error| error.to_string())?;
        let is_there = |line: &str| wanted.is_match(line);
        let Asked { service, invocation, .. } = &self.asked;
        let run = journal::Run { unit: service, invocation, since: 0 };
        match journal::follow(self.scope, &run, until, &self.stop, &is_there) {
            Ok(true) => Ok(()),
            Ok(false) => Err(format!("no line of its log matches `{pattern}`")),
            Err(fault) => Err(fault.to_string()),
        }
    }
}

/// Whether a command ended well and said what it must.
fn told(words: &[String], ended: &Ended, wanted: Option<&str>) -> Result<(), String> {
    if !ended.status.success() {
        let code = ended.status.code().map_or("a signal".to_owned(), |code| code.to_string());
        return Err(ended_with(words, &code, &[&ended.out[..], &ended.err[..]].concat()));
    }
    let name = name(words);
    let said = String::from_utf8_lossy(&ended.out);
    match wanted {
        Some(wanted) if said.trim() != wanted.trim() => {
            Err(format!("`{name}` says `{}` instead of `{wanted}`", last_lines(&ended.out)))
        }
        _ => Ok(()),
    }
}

/// What is told of a command that did not end well.
fn ended_with(words: &[String], code: &str, said: &[u8]) -> String {
    format!("`{}` ends with {code}: {}", name(words), last_lines(said))
}

fn name(words: &[String]) -> &str {
    words.first().map_or("", String::as_str)
}
