//! The last lines of a unit, as the journal kept them.

#![expect(clippy::disallowed_methods, reason = "this is the place that asks the journal")]

use std::process::Command;
use std::time::Duration;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::super::change::Fault;
use super::Scope;
use super::machine::last_lines as said;
use super::process::{Limits, Output, run};

const JOURNAL_TIME: Duration = Duration::from_secs(25);
const JOURNAL_MAX: usize = 16 << 20;

/// How many lines of a run may be Podman's own, beside those of its container.
const NOISE_MAX: usize = 50;

/// What every line of an identifier of Podman has.
const ID_LENGTH: usize = 64;

/// The last lines that a unit wrote in a run, or in any where the run is not known: those of its
/// container, or what Podman said where the container said nothing.
pub fn last_lines(
    scope: Scope,
    unit: &str,
    invocation: &str,
    lines: usize,
) -> Result<Vec<String>, Fault> {
    let doing = format!("read the log of {unit}");
    let mut command = Command::new("journalctl");
    command.args(scope.flag()).args(["--quiet", "--no-pager", "--all", "--output=json"]);
    command.arg("--output-fields=MESSAGE,CONTAINER_NAME,PODMAN_EVENT,SYSLOG_IDENTIFIER");
    command.arg(format!("--lines={}", lines + NOISE_MAX));
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
        true => Ok(read(&ended.out, lines)),
        false => Err(Fault::other(doing, said(&ended.err))),
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
struct Line {
    message: Message,
    container_name: Option<IgnoredAny>,
    podman_event: Option<IgnoredAny>,
    syslog_identifier: Option<Message>,
}

impl Line {
    /// Whether it tells how a container is run, and not why it does not.
    fn is_noise(&self) -> bool {
        let is_id = |text: &str| {
            text.len() == ID_LENGTH && text.bytes().all(|byte| byte.is_ascii_hexdigit())
        };
        let says = |what: &Message, is: &dyn Fn(&str) -> bool| match what {
            Message::Text(text) => is(text.trim_end()),
            _ => false,
        };
        let own = self.syslog_identifier.as_ref();
        let is_monitor = own.is_some_and(|name| says(name, &|name| name == "conmon"));
        self.podman_event.is_some() || is_monitor || says(&self.message, &is_id)
    }
}

/// What was written: text, or bytes where it is none, or either more than once.
#[derive(Deserialize)]
#[serde(untagged)]
enum Message {
    Text(String),
    Bytes(Vec<u8>),
    Several(Vec<Message>),
    Else(IgnoredAny),
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

/// The last lines in what the journal shows; one that cannot be read is left out.
fn read(shown: &[u8], most: usize) -> Vec<String> {
    let lines = shown.split(|byte| *byte == b'\n');
    let told: Vec<Line> = lines.filter_map(|line| serde_json::from_slice(line).ok()).collect();
    let has_own = told.iter().any(|line| line.container_name.is_some() && !line.is_noise());
    let is_wanted = |line: &Line| match has_own {
        true => line.container_name.is_some(),
        false => !line.is_noise(),
    };
    let wanted = told.into_iter().filter(is_wanted);
    let mut lines: Vec<String> = wanted.flat_map(|line| line.message.lines()).collect();
    lines.drain(..lines.len().saturating_sub(most));
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_container_speaks_for_itself_and_podman_where_it_is_silent() {
        let event = r#"{"MESSAGE":"container died","PODMAN_EVENT":"died"}"#;
        let monitor = r#"{"MESSAGE":"conmon <nwarn>","SYSLOG_IDENTIFIER":"conmon"}"#;
        let error = r#"{"MESSAGE":"Error: no such image","SYSLOG_IDENTIFIER":"web"}"#;
        let own = r#"{"MESSAGE":"no till\n","CONTAINER_NAME":"web"}"#;
        let bytes = r#"{"MESSAGE":[255,10,33],"CONTAINER_NAME":"web"}"#;
        let read = |lines: &[&str], most| read(lines.join("\n").as_bytes(), most);
        let id = format!(r#"{{"MESSAGE":"{}"}}"#, "0a".repeat(32));
        assert_eq!(read(&[event, monitor, error, &id], 9), ["Error: no such image"]);
        assert_eq!(read(&[event, own, error, bytes], 9), ["no till", "\u{fffd}", "!"]);
        assert_eq!(read(&[event, own, error, bytes], 1), ["!"]);
    }
}
