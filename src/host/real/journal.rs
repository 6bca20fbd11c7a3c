//! The last lines of a unit, as the journal kept them.

#![expect(clippy::disallowed_methods, reason = "this is the place that asks the journal")]

use std::process::Command;
use std::time::Duration;

use serde::Deserialize;

use super::super::change::Fault;
use super::Scope;
use super::machine::last_lines as said;
use super::process::{Limits, Output, run};

const JOURNAL_TIME: Duration = Duration::from_secs(25);
const JOURNAL_MAX: usize = 16 << 20;

/// The last lines that a unit wrote in a run, or in any where the run is not known.
pub fn last_lines(
    scope: Scope,
    unit: &str,
    invocation: &str,
    lines: usize,
) -> Result<Vec<String>, Fault> {
    let doing = format!("read the log of {unit}");
    let mut command = Command::new("journalctl");
    command.args(scope.flag()).args(["--quiet", "--no-pager", "--all", "--output=json"]);
    command.arg("--output-fields=MESSAGE").arg(format!("--lines={lines}"));
    match (invocation, scope) {
        ("", Scope::User) => command.arg(format!("_SYSTEMD_USER_UNIT={unit}")),
        ("", Scope::System) => command.arg(format!("_SYSTEMD_UNIT={unit}")),
        _ => command.arg(format!("_SYSTEMD_INVOCATION_ID={invocation}")),
    };
    let limits = Limits {
        time: JOURNAL_TIME,
        input: &[],
        output: Output::All(JOURNAL_MAX),
        interrupts: None,
    };
    let ended = run(&doing, command.env("LC_ALL", "C"), &limits)?;
    match ended.status.success() {
        true => Ok(read(&ended.out)),
        false => Err(Fault::other(doing, said(&ended.err))),
    }
}

#[derive(Deserialize)]
struct Line {
    #[serde(rename = "MESSAGE")]
    message: Message,
}

/// What was written: text, or bytes where it is none, or either more than once.
#[derive(Deserialize)]
#[serde(untagged)]
enum Message {
    Text(String),
    Bytes(Vec<u8>),
    Several(Vec<Message>),
    Else(serde::de::IgnoredAny),
}

impl Message {
    fn lines(self) -> Vec<String> {
        let text = match self {
            Self::Text(text) => text,
            Self::Bytes(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            Self::Several(several) => return several.into_iter().flat_map(Self::lines).collect(),
            Self::Else(_) => return Vec::new(),
        };
        text.lines().map(str::to_owned).collect()
    }
}

/// The lines in what the journal shows; one that cannot be read is left out.
fn read(shown: &[u8]) -> Vec<String> {
    let lines = shown.split(|byte| *byte == b'\n');
    let lines = lines.filter_map(|line| serde_json::from_slice::<Line>(line).ok());
    lines.flat_map(|line| line.message.lines()).collect()
}
