//! `status`: how the services of stacks are, for people and for scripts.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::time::Duration;

use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::super::{Exit, output};
use super::kept::is_known;
use super::survey::{in_use, known};
use super::{Format, PlaceArguments, Site, open, refuse, show};
use crate::host::change::{Fault, Host};
use crate::host::containers::Container;
use crate::host::units::{Active, Details, UnitState, Wake};
use crate::plan::{DIGEST_LABEL, facts};
use crate::report::human::escape;
use crate::state::Generation;
use crate::threads::joined;
use crate::unit_file::facts::Facts;

pub const EXAMPLES: &str = "\
Examples:
  stackwright status                   every stack that is installed
  stackwright status immich --watch    drawn anew when something changes
  stackwright status --format json | jq '.stacks[].services[] | select(.healthy == false)'";

/// How often uptimes are drawn anew while nothing changes.
const REDRAW: Duration = Duration::from_secs(5);

#[derive(Debug, Args)]
pub struct StatusArguments {
    #[command(flatten)]
    which: Which,
    /// Draw it anew whenever something changes, until it is interrupted
    #[arg(long, short)]
    watch: bool,
}

#[derive(Debug, Args)]
pub struct Which {
    /// The stacks, by name; all that are installed where none is given
    #[arg(value_name = "STACK")]
    pub stacks: Vec<String>,
    #[command(flatten)]
    pub place: PlaceArguments,
}

/// How stacks are, for scripts.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "Stacks of stackwright status")]
pub struct StatusReport {
    /// The stacks that are installed, in the order of their names.
    stacks: Vec<StackStatus>,
}

/// How a stack is.
#[derive(Debug, Serialize, JsonSchema)]
pub struct StackStatus {
    /// Its name.
    pub stack: String,
    /// The generation in use.
    generation: u64,
    /// Its services, in the order of their names.
    pub services: Vec<ServiceStatus>,
}

/// How a service is.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ServiceStatus {
    /// Its name, without `.service`.
    pub service: String,
    /// How its unit is, in the words of systemd, such as `active` or `failed`.
    state: &'static str,
    /// The same in more detail, such as `running` or `auto-restart`.
    detail: String,
    /// Whether its health check succeeds, where it has one.
    #[serde(skip_serializing_if = "Option::is_none")]
    healthy: Option<bool>,
    /// Its image, as its unit names it.
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<String>,
    /// Since when it is in this state, in seconds since 1970.
    #[serde(skip_serializing_if = "Option::is_none")]
    since: Option<u64>,
    /// How often it was started again by itself.
    restarts: u32,
    /// How much memory it uses, in bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    memory: Option<u64>,
    /// What is not as it was applied; `diff` tells more.
    drift: Vec<&'static str>,
}

impl ServiceStatus {
    /// Whether it runs and is not known to be ill.
    pub fn is_well(&self) -> bool {
        self.state == "active" && self.healthy != Some(false)
    }
}

/// Runs `status`.
pub fn run(arguments: &StatusArguments) -> Exit {
    let site = match open(&arguments.which.place) {
        Ok(site) => site,
        Err(fault) => return refuse(&fault),
    };
    let is_human = arguments.which.place.format == Format::Human;
    loop {
        let stacks = match look(&site, &arguments.which.stacks) {
            Ok(Some(stacks)) => stacks,
            Ok(None) => return Exit::WrongInput,
            Err(fault) => return refuse(&fault),
        };
        let now = site.real.host().machine.wall_time();
        match is_human {
            true if arguments.watch => output::redraw(&text(&stacks, now)),
            true => output::out(&text(&stacks, now)),
            false => show::json_line(&StatusReport { stacks }),
        }
        if !arguments.watch || !changes(&site) {
            return Exit::Done;
        }
    }
}

/// Waits until something changes, or the next drawing is due; whether to go on.
fn changes(site: &Site) -> bool {
    let host = site.real.host();
    let until = host.machine.now() + REDRAW;
    match host.units.wait(until) {
        Ok(Wake::Interrupted) | Err(_) => false,
        Ok(_) => {
            // What changes brings more of it with it: all of that is drawn once.
            let soon = host.machine.now() + Duration::from_millis(200);
            loop {
                match host.units.wait(soon.min(until)) {
                    Ok(Wake::TimeUp) => return true,
                    Ok(Wake::Interrupted) | Err(_) => return false,
                    Ok(_) => {}
                }
            }
        }
    }
}

/// How stacks are; nothing where one is named that is not known, which is told.
pub fn look(site: &Site, named: &[String]) -> Result<Option<Vec<StackStatus>>, Fault> {
    let host = site.real.host();
    if !named.iter().all(|stack| is_known(site, stack)) {
        return Ok(None);
    }
    let known = if named.is_empty() { known(site) } else { in_use(site, named.to_vec()) };
    let with_facts = |(name, generation): (String, Generation)| {
        let mut facts = facts(&generation.set);
        // Networks and volumes are made once and say nothing afterwards.
        facts.retain(|_, facts| facts.file.ends_with(".container"));
        (name, (generation, facts))
    };
    let known: BTreeMap<_, _> = known?.into_iter().map(with_facts).collect();
    let services: BTreeSet<String> =
        known.values().flat_map(|(_, facts)| facts.keys().cloned()).collect();
    let (units, containers) = std::thread::scope(|threads| {
        let containers = threads.spawn(|| host.containers.containers());
        let units = units(host, &services);
        (units, joined(containers))
    });
    let (units, containers) = (units?, containers?);
    let stacks = known.into_iter().map(|(stack, (generation, facts))| {
        let of = |(name, facts): (&String, &Facts)| {
            let container = containers.iter().find(|one| Some(&one.name) == facts.name.as_ref());
            Some(one(&generation, facts, units.get(name)?, container))
        };
        let services = facts.iter().filter_map(of).collect();
        StackStatus { stack, generation: generation.name.number, services }
    });
    Ok(Some(stacks.collect()))
}

/// A unit as systemd tells it.
struct Unit {
    state: UnitState,
    details: Details,
    memory: Option<u64>,
}

fn units(host: Host<'_>, services: &BTreeSet<String>) -> Result<BTreeMap<String, Unit>, Fault> {
    let names: Vec<&str> = services.iter().map(String::as_str).collect();
    let states = host.units.states(&names)?;
    let details = host.units.details(&names, &states.iter().collect::<Vec<_>>())?;
    let told = states.into_iter().zip(details).zip(host.units.memory(&names)?);
    let told = told.map(|((state, details), memory)| Unit { state, details, memory });
    Ok(services.iter().cloned().zip(told).collect())
}

fn one(
    generation: &Generation,
    facts: &Facts,
    Unit { state, details, memory }: &Unit,
    container: Option<&Container>,
) -> ServiceStatus {
    let label = container.and_then(|container| container.labels.get(DIGEST_LABEL));
    let marks = [
        (state.is_masked, "masked"),
        (!state.comes_from(&generation.name.to_string()), "loaded from elsewhere"),
        (details.is_outdated, "its unit changed since systemd read it"),
        (label.is_some_and(|label| *label != facts.digest), "runs another unit"),
    ];
    ServiceStatus {
        service: facts.service.trim_end_matches(".service").to_owned(),
        state: word(state.active),
        detail: state.sub.clone(),
        healthy: container.and_then(|container| container.is_healthy),
        image: facts.image.clone(),
        since: (details.since > 0).then_some(details.since / 1_000_000),
        restarts: state.restarts,
        memory: *memory,
        drift: marks.into_iter().filter(|(is_so, _)| *is_so).map(|(_, mark)| mark).collect(),
    }
}

fn word(active: Active) -> &'static str {
    match active {
        Active::Active => "active",
        Active::Inactive => "inactive",
        Active::Failed => "failed",
        Active::Activating => "activating",
        Active::Deactivating => "deactivating",
        Active::Reloading => "reloading",
    }
}

/// Stacks as people read them.
fn text(stacks: &[StackStatus], now: u64) -> String {
    let mut text = String::new();
    for stack in stacks {
        let well = stack.services.iter().filter(|service| service.is_well()).count();
        let (name, generation, all) = (&stack.stack, stack.generation, stack.services.len());
        writeln!(text, "{name}: generation {generation}, {well} of {all} well").unwrap_or_default();
        let rows: Vec<[String; 6]> = stack.services.iter().map(|one| row(one, now)).collect();
        let width = |column: usize| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<usize> = (0..6).map(width).collect();
        for (service, row) in stack.services.iter().zip(&rows) {
            let mark = if service.is_well() { "ok" } else { "!!" };
            let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
            let line = cells.collect::<Vec<_>>().join("  ");
            writeln!(text, "  {mark} {}", line.trim_end()).unwrap_or_default();
            for drift in &service.drift {
                writeln!(text, "       drift: {drift}").unwrap_or_default();
            }
        }
    }
    if stacks.is_empty() {
        text.push_str("no stack is installed here\n");
    }
    text
}

/// How a service is, in a word or two.
pub fn state(service: &ServiceStatus) -> String {
    match (service.state, service.healthy) {
        ("active", Some(true)) => "healthy".to_owned(),
        ("active", Some(false)) => "unhealthy".to_owned(),
        ("active", None) => "active".to_owned(),
        (state, _) if state == service.detail => state.to_owned(),
        (state, _) => format!("{state} ({})", service.detail),
    }
}

fn row(service: &ServiceStatus, now: u64) -> [String; 6] {
    let since = service.since.map(|since| time(now.saturating_sub(since))).unwrap_or_default();
    let restarts = match service.restarts {
        0 => String::new(),
        1 => "1 restart".to_owned(),
        many => format!("{many} restarts"),
    };
    let memory = service.memory.map(|bytes| format!("{} MiB", bytes >> 20)).unwrap_or_default();
    let image = service.image.as_deref().map(|image| escape(image).into_owned());
    [service.service.clone(), state(service), since, memory, restarts, image.unwrap_or_default()]
}

/// A stretch of time in its largest two units.
fn time(seconds: u64) -> String {
    let (minutes, hours, days) = (seconds / 60, seconds / 3600, seconds / 86400);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{seconds} s"),
        (0, 0, _) => format!("{minutes} min"),
        (0, _, _) => format!("{hours} h {} min", minutes % 60),
        _ => format!("{days} d {} h", hours % 24),
    }
}
