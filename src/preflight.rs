//! What stands in the way of a plan, found before anything is touched: all of it at once.
//!
//! What is known of the host is gathered once ([`look`]); each topic judges it in a file of its
//! own, and asks nothing more.

mod asks;
mod files;
mod images;
mod look;
mod machine;
mod memory;
mod names;
mod objects;
mod paths;
mod ports;
mod quadlet;
mod room;
mod routes;
mod versions;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use crate::apply::secrets::Settled;
use crate::capability::podman::Podman;
use crate::host::change::{Fault, Host};
use crate::host::known::Asked;
use crate::plan::{Observed, facts};
use crate::report::code::host as code;
use crate::report::{Code, Severity};
use crate::state::{FileSet, Places, Store};
use crate::unit_file::facts::Facts;
use asks::Asks;
use look::Seen;

/// Something about a host that a stack does not expect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// What kind of trouble it is.
    pub code: &'static Code,
    /// Whether it stands in the way, or is only told.
    pub severity: Severity,
    /// What was found, before what was expected.
    pub what: String,
    /// What to do about it.
    pub help: String,
}

impl Finding {
    fn new(code: &'static Code, what: impl Into<String>, help: impl Into<String>) -> Self {
        Self { code, severity: code.severity, what: what.into(), help: help.into() }
    }

    /// The host does not even answer.
    pub fn unreachable(fault: &Fault) -> Self {
        let help = "log in as the user whose services are meant, and look whether `podman ps` and \
                    `systemctl --user status` answer";
        Self::new(&code::UNREACHABLE, fault.to_string(), help)
    }

    /// Whether it stands in the way.
    pub fn refuses(&self) -> bool {
        self.severity == Severity::Error
    }
}

/// What a stack asks of a host beside what its units say.
#[derive(Debug, Clone, Default)]
pub struct Expected {
    /// The Podman that was found, and the one that the units are written for.
    pub podman: Option<((u32, u32), Podman)>,
    /// The hosts of its routes.
    pub hosts: BTreeSet<String>,
    /// Paths that are to be without copy-on-write.
    pub without_copies: BTreeSet<PathBuf>,
    /// Whether commands of its own run first, which may make what is missing.
    pub runs_commands: bool,
    /// Networks, volumes and secrets that stacks make which come up before it.
    pub promised: BTreeSet<String>,
    /// The codes of warnings that nobody wants to hear.
    pub untold: BTreeSet<String>,
}

/// What is looked at.
pub struct Request<'r> {
    /// The host.
    pub host: Host<'r>,
    /// Its folders.
    pub places: &'r Places,
    /// What is kept about the stack.
    pub store: &'r Store<'r>,
    /// The stack.
    pub stack: &'r str,
    /// What is installed.
    pub from: &'r FileSet,
    /// What is to be installed.
    pub to: &'r FileSet,
    /// What is seen on the host.
    pub observed: &'r Observed,
    /// What is known about secrets, and which will be made.
    pub secrets: &'r Settled,
    /// Whether the services belong to a user, and not to the machine.
    pub of_user: bool,
    /// What the stack asks for.
    pub expected: &'r Expected,
    /// The services that start.
    pub starts: BTreeSet<String>,
    /// Whether what was told of an earlier deployment is told once more.
    pub tells_all: bool,
}

/// Looks at everything, and tells the gravest first; without an error the plan may pass.
pub fn preflight(request: &Request<'_>) -> Result<Vec<Finding>, Fault> {
    let (old, new) = (facts(request.from), facts(request.to));
    let asks = asks::asks(request);
    let seen = look::look(request, (&old, &new), &asks)?;
    let scene = Scene { request, old: &old, new: &new, asks: &asks, seen: &seen };
    let mut findings = machine::judge(&seen.known, request.of_user);
    let topics: [fn(&Scene<'_>) -> Vec<Finding>; 12] = [
        versions::judge,
        machine::controllers,
        memory::judge,
        quadlet::judge,
        files::judge,
        names::judge,
        objects::judge,
        ports::judge,
        paths::judge,
        room::judge,
        images::judge,
        routes::judge,
    ];
    findings.extend(topics.iter().flat_map(|topic| topic(&scene)));
    findings.retain(|one| one.refuses() || !request.expected.untold.contains(one.code.id));
    findings.sort_by(|one, other| {
        let key = |one: &Finding| (std::cmp::Reverse(one.severity), one.code.id);
        key(one).cmp(&key(other)).then_with(|| one.what.cmp(&other.what))
    });
    findings.dedup();
    Ok(findings)
}

/// What can be told of a host on which nothing else can be asked.
pub fn of_machine(host: Host<'_>, of_user: bool) -> Result<Vec<Finding>, Fault> {
    Ok(machine::judge(&host.machine.known(&Asked::default())?, of_user))
}

/// All that the topics judge.
struct Scene<'s> {
    request: &'s Request<'s>,
    /// The services that are installed, and those that are to be.
    old: &'s BTreeMap<String, Facts>,
    new: &'s BTreeMap<String, Facts>,
    /// What the services that start take from the host.
    asks: &'s BTreeMap<String, Asks>,
    seen: &'s Seen,
}

impl Scene<'_> {
    /// A finding about something that commands of the stack may make in time.
    fn missing(&self, code: &'static Code, what: String, help: String) -> Finding {
        let found = Finding::new(code, what, help);
        match self.request.expected.runs_commands {
            true => Finding { severity: Severity::Warning, ..found },
            false => found,
        }
    }
}

/// A size as people read it.
fn size(bytes: u64) -> String {
    const UNITS: [(u32, &str); 3] = [(30, "GiB"), (20, "MiB"), (10, "KiB")];
    let unit = UNITS.iter().find(|(shift, _)| bytes >> shift > 0);
    let (shift, name) = unit.copied().unwrap_or((10, "KiB"));
    let tenths = (bytes >> (shift - 10)).saturating_mul(10) >> 10;
    format!("{}.{} {name}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    #[test]
    fn sizes_are_told_in_their_largest_unit() {
        let told = [0, 1 << 10, 1536 << 10, 5 << 30, u64::MAX].map(super::size);
        assert_eq!(told[..4], ["0.0 KiB", "1.0 KiB", "1.5 MiB", "5.0 GiB"]);
    }
}
