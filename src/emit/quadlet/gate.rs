//! The lines by which a unit itself asks its service whether it is ready.
//!
//! They call this program by a link that `apply` keeps, so that a unit says nothing of the machine
//! that it was made on. Each line is one question, with all that is asked in plain sight.

use std::fmt::Write;

use super::Target;
use crate::capability::encode::Reader;
use crate::emit::Scope;
use crate::host::probe::{Ask, Probe};
use crate::resolve::{Resolved, Service, ready};

/// What every such line calls.
pub const CALL: &str = "/stackwright/program gate ";

/// How long before systemd gives up the last answer is told, in milliseconds.
const EARLIER: u64 = 3000;

/// The lines of a service, where its stack wants them.
pub fn lines(stack: &Resolved<'_>, service: &Service<'_>, target: Target) -> String {
    let probes = if ready::gates(stack, service) { ready::probes(service) } else { Vec::new() };
    let start = service.start_seconds.unwrap_or(u64::MAX).saturating_mul(1000);
    let last = start.saturating_sub(EARLIER).max(EARLIER);
    let in_time = |probe: Probe| Probe { timeout: probe.timeout.min(last), ..probe };
    let probes = probes.into_iter().map(in_time);
    probes.map(|probe| line(&service.container, &probe, target.scope)).collect()
}

fn line(container: &str, probe: &Probe, scope: Scope) -> String {
    let mut line = String::from("ExecStartPost=");
    let (folder, more) = match scope {
        Scope::User => ("%h/.local/state", ""),
        Scope::System => ("/etc", "--system "),
    };
    write!(line, "{folder}{CALL}{more}").unwrap_or_default();
    for (place, word) in words(container, probe).into_iter().enumerate() {
        line.push_str(if place == 0 { "" } else { " " });
        // What it cannot write is a `;` alone, which only needs its quotes here.
        if Reader::Word.write("", &word, &mut line).is_err() {
            write!(line, "\"{word}\"").unwrap_or_default();
        }
    }
    line.push('\n');
    line
}

/// What the program is called with.
fn words(container: &str, probe: &Probe) -> Vec<String> {
    let mut words = vec![container.to_owned(), format!("--timeout={}", time(probe.timeout))];
    words.extend(probe.interval.map(|interval| format!("--interval={}", time(interval))));
    match &probe.ask {
        Ask::Page { url, status, body, headers } => {
            words.extend([format!("--page={url}"), format!("--status={status}")]);
            words.extend(body.as_ref().map(|body| format!("--body={body}")));
            words.extend(headers.iter().map(|(name, value)| format!("--header={name}:{value}")));
        }
        Ask::Port { port } => words.push(format!("--port={port}")),
        Ask::Log { pattern } => words.push(format!("--line={pattern}")),
        Ask::Command { words: command, .. } => {
            words.push("--".to_owned());
            words.extend(command.iter().cloned());
        }
        // No service is asked so before it counts as ready.
        Ask::Ping { .. } | Ask::Name { .. } => {}
    }
    words
}

fn time(milliseconds: u64) -> String {
    match milliseconds.is_multiple_of(1000) {
        true => format!("{}s", milliseconds / 1000),
        false => format!("{milliseconds}ms"),
    }
}
