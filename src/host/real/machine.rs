//! The rest of a real host: its clocks, its user, and commands of the stack.

#![expect(clippy::disallowed_methods, reason = "this is the place that asks the machine")]

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, SystemTime};

use super::super::change::{Fault, HookCall, Machine};
use super::super::known::{Asked, Known, Listening};
use super::super::vitals::Vitals;
use super::interrupts::Interrupts;
use super::process::{Limits, Output, run};
use super::{Scope, clock, fault, holder, known, vitals};

/// How many lines are told of what a command said last.
const LINES_TOLD: usize = 5;

/// How long it may take to ask who the user is.
const USER_TIME: Duration = Duration::from_secs(10);

/// This machine.
#[derive(Debug)]
pub struct RealMachine {
    /// Whose services are meant.
    pub scope: Scope,
    /// Signals to this process.
    pub interrupts: Interrupts,
}

impl Machine for RealMachine {
    fn now(&self) -> Duration {
        clock::now()
    }

    fn wall_time(&self) -> u64 {
        let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
        since.map_or(0, |since| since.as_secs())
    }

    fn random(&self, length: usize) -> Result<Vec<u8>, Fault> {
        let mut bytes = vec![0; length];
        let mut filled = 0;
        while let Some(rest) = bytes.get_mut(filled..).filter(|rest| !rest.is_empty()) {
            let more = rustix::rand::getrandom(rest, rustix::rand::GetRandomFlags::empty());
            filled += more.map_err(|error| Fault::other("make up a secret", error))?;
        }
        Ok(bytes)
    }

    fn user(&self) -> String {
        let number = rustix::process::getuid().as_raw().to_string();
        let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
        let name = users.lines().find_map(|line| {
            let mut fields = line.split(':');
            let name = fields.next()?;
            (fields.nth(1)? == number).then(|| name.to_owned())
        });
        name.or_else(user_of_directory).unwrap_or(number)
    }

    fn known(&self, asked: &Asked<'_>) -> Result<Known, Fault> {
        known::known(self.scope, self.user(), asked)
    }

    fn holder(&self, listening: &Listening) -> Option<String> {
        holder::holder(listening.socket)
    }

    fn vitals(&self, folders: &[&Path]) -> Vitals {
        vitals::read(Path::new("/"), folders)
    }

    fn interrupted(&self) -> bool {
        self.interrupts.came()
    }

    fn hook(&self, call: &HookCall<'_>) -> Result<(), Fault> {
        let doing = format!("run `{}`", call.command.join(" "));
        let [program, arguments @ ..] = call.command else {
            return Err(Fault::other(doing, "there is no command"));
        };
        if !call.folder.is_dir() {
            let why = format!("there is no folder {}", call.folder.display());
            return Err(fault::missing(doing, why));
        }
        let mut command = Command::new(program);
        command.args(arguments).current_dir(call.folder);
        command.envs(call.variables.iter().map(|(name, value)| (name, value)));
        let ended = run(
            &doing,
            &mut command,
            &Limits {
                time: call.timeout,
                input: call.input,
                output: Output::Last,
                interrupts: Some(&self.interrupts),
            },
        )?;
        if ended.status.success() {
            return Ok(());
        }
        let said = last_lines(if ended.err.is_empty() { &ended.out } else { &ended.err });
        let ending = ended.status.to_string();
        let why = if said.is_empty() { ending } else { format!("{ending}: {said}") };
        Err(Fault::other(doing, why))
    }
}

/// The user's name, where it is kept somewhere else than in the usual file.
fn user_of_directory() -> Option<String> {
    let limits =
        Limits { time: USER_TIME, input: &[], output: Output::All(1 << 10), interrupts: None };
    let ended = run("ask for the user", Command::new("id").arg("-un"), &limits).ok()?;
    let name = String::from_utf8(ended.out).ok()?;
    (ended.status.success() && !name.trim().is_empty()).then(|| name.trim().to_owned())
}

/// The end of what a program said, in one line.
pub fn last_lines(said: &[u8]) -> String {
    let said = String::from_utf8_lossy(said);
    let mut lines: Vec<&str> = said
        .lines()
        .rev()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .take(LINES_TOLD)
        .collect();
    lines.reverse();
    lines.join("; ")
}
