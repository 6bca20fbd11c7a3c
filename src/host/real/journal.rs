//! The last lines of a unit, as the journal kept them.

#![expect(clippy::disallowed_methods, reason = "this is the place that asks the journal")]

use std::process::Command;
use std::time::Duration;

use serde::Deserialize;
use serde::de::IgnoredAny;

use super::super::change::Fault;
use super::super::probe::NOT_READY;
use super::appended::{Appended, Fields};
use super::interrupts::Interrupts;
use super::machine::last_lines as said;
use super::process::{Limits, Output, run};
use super::{Scope, clock, follow};

const JOURNAL_TIME: Duration = Duration::from_secs(25);
const JOURNAL_MAX: usize = 16 << 20;

/// How many lines of a run may be Podman's own, beside those of its container.
const NOISE_MAX: usize = 50;

/// What every line of an identifier of Podman has.
const ID_LENGTH: usize = 64;

/// What is read of a line.
const FIELDS: &str = "MESSAGE,_SYSTEMD_INVOCATION_ID,CONTAINER_NAME,PODMAN_EVENT,SYSLOG_IDENTIFIER";

/// The field that names the run of a line.
const INVOCATION: &str = "_SYSTEMD_INVOCATION_ID=";
/// What is read of an entry in a file of the journal.
const PLAIN: [&str; 4] = ["MESSAGE=", "CONTAINER_NAME=", "PODMAN_EVENT=", "SYSLOG_IDENTIFIER="];

/// How long logs may be looked at, in seconds.
const FOREVER: u64 = 10 * 365 * 86_400;

/// A run of a unit.
#[derive(Debug, Clone, Copy)]
pub struct Run<'r> {
    /// The unit.
    pub unit: &'r str,
    /// The mark of the run; empty where the manager has forgotten it.
    pub invocation: &'r str,
    /// When it began, in microseconds since 1970; 0 where nobody knows.
    pub since: u64,
}

/// Reads what a container writes in a run, from its first line on, until one is the last that is
/// wanted, the time is up or somebody stops it; whether that one came.
pub fn follow(
    scope: Scope,
    of: &Run<'_>,
    until: Duration,
    stop: &Interrupts,
    is_last: &dyn Fn(&str) -> bool,
) -> Result<bool, Fault> {
    let doing = format!("read the log of {}", of.unit);
    let mut command = ask(scope, of);
    command.args(["--follow", "--lines=all"]);
    let is_last =
        |line: Line| !line.is_noise() && line.message.lines().iter().any(|line| is_last(line));
    let mut lines = |lines: &[u8]| {
        let mut lines = lines.split(|byte| *byte == b'\n');
        lines.any(|line| serde_json::from_slice(line).is_ok_and(is_last))
    };
    // Looked at before the program reads what is there already: nothing lies between the two.
    let mut appended = Appended::open(scope);
    let own = format!("{INVOCATION}{}", of.invocation);
    let can_look = !of.invocation.is_empty() && !appended.is_empty();
    let mut look = || appended.look(&own, &PLAIN).into_iter().any(|entry| is_last(plain(entry)));
    let look = can_look.then_some(&mut look as follow::Look<'_>);
    follow::follow(&doing, &mut command, until, stop, &mut lines, look)
}

/// What is shown of the logs of units.
#[derive(Debug, Clone, Copy)]
pub struct Shown<'s> {
    /// The units.
    pub units: &'s [&'s str],
    /// From when on, in the words of journalctl.
    pub since: Option<&'s str>,
    /// How many lines at most; all of them where nothing is said.
    pub lines: Option<usize>,
    /// Whether it goes on with what comes.
    pub follows: bool,
}

/// A line of a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Logged {
    /// The unit that wrote it.
    pub unit: String,
    /// When, in microseconds since 1970.
    pub time: u64,
    /// What it says.
    pub text: String,
}

/// Shows lines, as many at once as there are, until there are no more, somebody stops it, or nobody
/// wants any more.
pub fn show(
    scope: Scope,
    shown: &Shown<'_>,
    stop: &Interrupts,
    take: &mut dyn FnMut(Vec<Logged>) -> bool,
) -> Result<(), Fault> {
    let field = unit_field(scope);
    let mut command = journalctl(scope, &format!("{FIELDS},{field}"));
    command.args(shown.units.iter().map(|unit| format!("{field}={unit}")));
    command.args(shown.since.map(|since| format!("--since={since}")));
    command.arg(shown.lines.map_or("--lines=all".to_owned(), |lines| format!("--lines={lines}")));
    command.args(shown.follows.then_some("--follow"));
    let until = clock::now().saturating_add(Duration::from_secs(FOREVER));
    let mut show = |lines: &[u8]| {
        let lines = lines.split(|byte| *byte == b'\n');
        let told = lines.filter_map(|line| serde_json::from_slice::<Line>(line).ok());
        let told = told.filter(|line| !line.is_noise()).flat_map(|line| {
            let (unit, time) = (line.unit.unwrap_or_default(), line.time.parse().unwrap_or(0));
            let is_of_podman = line.container_name.is_none();
            // Podman tells the name of each container that it takes away.
            let name = unit.trim_end_matches(".service").to_owned();
            let texts = line.message.lines().into_iter();
            let texts = texts.filter(move |text| !(is_of_podman && text.trim_end() == name));
            texts.map(move |text| Logged { unit: unit.clone(), time, text }).collect::<Vec<_>>()
        });
        !take(told.collect())
    };
    follow::follow("read the logs", &mut command, until, stop, &mut show, None).map(drop)
}

/// The last lines that a unit wrote in a run: those of its container, or what Podman said where the
/// container said nothing.
pub fn last_lines(scope: Scope, of: &Run<'_>, lines: usize) -> Result<Vec<String>, Fault> {
    let doing = format!("read the log of {}", of.unit);
    let mut command = ask(scope, of);
    command.arg(format!("--lines={}", lines + NOISE_MAX));
    if of.since > 0 {
        command.arg(format!("--since=@{}.{:06}", of.since / 1_000_000, of.since % 1_000_000));
    }
    // What a program wrote right before it died may have lost its unit. Quadlet gives each
    // program the name of its unit to write under.
    let name = of.unit.rsplit_once('.').map_or(of.unit, |(name, _)| name);
    command.arg("+").arg(format!("SYSLOG_IDENTIFIER={name}"));
    let limits = Limits {
        time: JOURNAL_TIME,
        input: &[],
        output: Output::All(JOURNAL_MAX),
        interrupts: None,
    };
    let ended = run(&doing, &mut command, &limits)?;
    match ended.status.success() {
        true => Ok(read(&ended.out, lines)),
        false => Err(Fault::other(doing, said(&ended.err))),
    }
}

/// The question for the lines of a run.
fn ask(scope: Scope, of: &Run<'_>) -> Command {
    let mut command = journalctl(scope, FIELDS);
    command.arg(match of.invocation {
        "" => format!("{}={}", unit_field(scope), of.unit),
        invocation => format!("{INVOCATION}{invocation}"),
    });
    command
}

/// A question for some fields of lines, in whatever bytes they hold.
fn journalctl(scope: Scope, fields: &str) -> Command {
    let mut command = Command::new("journalctl");
    command.env("LC_ALL", "C").args(scope.flag());
    command.args(["--quiet", "--no-pager", "--all", "--output=json"]);
    command.arg(format!("--output-fields={fields}"));
    command
}

/// The field that names the unit of a line.
fn unit_field(scope: Scope) -> &'static str {
    match scope {
        Scope::User => "_SYSTEMD_USER_UNIT",
        Scope::System => "_SYSTEMD_UNIT",
    }
}

/// What Podman calls the changes that can be made to a container while it runs.
const CHANGES: [&str; 5] = ["update", "connect", "disconnect", "pause", "rename"];

/// When a container was changed last while it ran, as Podman wrote it down; nothing where its
/// events do not go to the journal.
pub fn last_change(scope: Scope, id: &str) -> Option<String> {
    #[derive(Deserialize)]
    struct Event {
        #[serde(rename = "PODMAN_TIME")]
        time: String,
    }
    let mut command = journalctl(scope, "PODMAN_TIME");
    command.arg("--lines=1").arg(format!("PODMAN_ID={id}"));
    command.args(CHANGES.map(|event| format!("PODMAN_EVENT={event}")));
    let output = Output::All(JOURNAL_MAX);
    let limits = Limits { time: JOURNAL_TIME, input: &[], output, interrupts: None };
    let ended = run("read the events of Podman", &mut command, &limits).ok()?;
    let event: Event = serde_json::from_slice(&ended.out).ok()?;
    Some(event.time)
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
struct Line {
    message: Message,
    #[serde(rename = "_SYSTEMD_INVOCATION_ID", default)]
    invocation: String,
    container_name: Option<IgnoredAny>,
    podman_event: Option<IgnoredAny>,
    syslog_identifier: Option<Message>,
    #[serde(rename = "_SYSTEMD_USER_UNIT", alias = "_SYSTEMD_UNIT")]
    unit: Option<String>,
    #[serde(rename = "__REALTIME_TIMESTAMP", default)]
    time: String,
}

/// A line out of the fields of an entry.
fn plain(fields: Fields) -> Line {
    let mut line = Line::default();
    let mut messages = Vec::new();
    for field in fields {
        let end = field.iter().position(|byte| *byte == b'=').map_or(field.len(), |end| end + 1);
        let (name, value) = field.split_at(end);
        let value = std::str::from_utf8(value)
            .map_or_else(|_| Message::Bytes(value.to_vec()), |text| Message::Text(text.to_owned()));
        match name {
            b"MESSAGE=" => messages.push(value),
            b"SYSLOG_IDENTIFIER=" => line.syslog_identifier = Some(value),
            b"CONTAINER_NAME=" => line.container_name = Some(IgnoredAny),
            _ => line.podman_event = Some(IgnoredAny),
        }
    }
    line.message = Message::Several(messages);
    line
}

impl Line {
    /// Whether it tells how a container is run, and not why it does not.
    fn is_noise(&self) -> bool {
        let is_id = |text: &str| {
            text.len() == ID_LENGTH && text.bytes().all(|byte| byte.is_ascii_hexdigit())
        };
        let own = self.syslog_identifier.as_ref();
        let is_monitor = own.is_some_and(|name| name.is(&|name| name == "conmon"));
        self.podman_event.is_some() || is_monitor || self.message.is(&is_id)
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

impl Default for Message {
    fn default() -> Self {
        Self::Several(Vec::new())
    }
}

impl Message {
    /// Whether it is a text of which something holds.
    fn is(&self, is: &dyn Fn(&str) -> bool) -> bool {
        match self {
            Self::Text(text) => is(text.trim_end()),
            Self::Several(several) => several.iter().all(|one| one.is(is)),
            _ => false,
        }
    }

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

/// The last lines of the last run in what the journal shows; one that cannot be read is left out.
fn read(shown: &[u8], most: usize) -> Vec<String> {
    let lines = shown.split(|byte| *byte == b'\n');
    let told: Vec<Line> = lines.filter_map(|line| serde_json::from_slice(line).ok()).collect();
    let runs = told.iter().rev().map(|line| line.invocation.as_str());
    let last = runs.clone().find(|run| !run.is_empty()).unwrap_or("");
    let length = runs.take_while(|run| run.is_empty() || *run == last).count();
    let surplus = told.len() - length;
    let told: Vec<Line> = told.into_iter().skip(surplus).collect();
    let has_own = told.iter().any(|line| line.container_name.is_some() && !line.is_noise());
    let is_answer = |text: &str| text.starts_with(NOT_READY);
    let is_wanted = |line: &Line| match has_own {
        true => line.container_name.is_some() || line.message.is(&is_answer),
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

    fn shown(lines: &[(&str, &str)]) -> Vec<u8> {
        let line = |(message, run): &(&str, &str)| match *run {
            "" => format!("{{\"MESSAGE\":{message},\"_PID\":\"1\"}}\n"),
            run => format!("{{\"_SYSTEMD_INVOCATION_ID\":\"{run}\",\"MESSAGE\":{message}}}\n"),
        };
        lines.iter().map(line).collect::<String>().into_bytes()
    }

    #[test]
    fn lines_of_earlier_runs_are_left_out() {
        let lines = [("\"old\"", "a"), ("\"new\"", "b"), ("\"lost\"", ""), ("\"newer\"", "b")];
        assert_eq!(read(&shown(&lines), 9), ["new", "lost", "newer"]);
        assert_eq!(read(&shown(&lines[..2]), 9), ["new"]);
        assert_eq!(read(&shown(&lines[2..3]), 9), ["lost"]);
        assert_eq!(read(b"", 9), Vec::<String>::new());
    }

    #[test]
    fn messages_are_read_in_every_form() {
        let lines = [
            ("\"two\\nlines\"", "a"),
            ("[98,255,10]", "a"),
            ("[\"one\",[116,119,111]]", "a"),
            ("null", "a"),
            ("{\"x\":1}", "a"),
        ];
        let mut shown = shown(&lines);
        shown.extend(b"{\"MESSAGE\":\nno line\n\xff\n{}\n");
        assert_eq!(read(&shown, 9), ["two", "lines", "b\u{fffd}", "one", "two"]);
    }

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

    #[test]
    fn an_entry_of_a_file_is_the_line_that_is_told_of_it() {
        let line = |fields: &[&[u8]]| plain(fields.iter().map(|field| field.to_vec()).collect());
        let own = line(&[b"CONTAINER_NAME=web", b"MESSAGE=a=b\nc", b"SYSLOG_IDENTIFIER=web"]);
        assert!(!own.is_noise() && own.container_name.is_some());
        assert_eq!(own.message.lines(), ["a=b", "c"]);
        assert_eq!(line(&[b"MESSAGE=\xff!", b"MESSAGE=x"]).message.lines(), ["\u{fffd}!", "x"]);
        let id = [b"MESSAGE=".to_vec(), b"0a".repeat(32)].concat();
        for noise in [&id[..], b"PODMAN_EVENT=died", b"SYSLOG_IDENTIFIER=conmon"] {
            assert!(line(&[noise]).is_noise());
        }
        assert!(!line(&[b"MESSAGE=Error", b"SYSLOG_IDENTIFIER=web"]).is_noise());
    }
}
