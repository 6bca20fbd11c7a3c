//! `status`: how the services of stacks are, for people and for scripts.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::time::Duration;

use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::super::{Exit, output};
use super::kept::is_known;
use super::readiness::{self, Readiness, Subject};
use super::survey::in_use;
use super::unfinished::{self, Unfinished};
use super::{Format, PlaceArguments, Site, open, refuse, show};
use crate::host::change::{Fault, Host};
use crate::host::containers::Container;
use crate::host::units::{Active, Details, UnitState, Wake};
use crate::plan::{DIGEST_LABEL, facts};
use crate::report::human::escape;
use crate::state::{Generation, Store};
use crate::threads::joined_or_default;
use crate::unit_file::facts::Facts;

pub const EXAMPLES: &str = "\
Examples:
  stackwright status                   every stack that is installed
  stackwright status immich --watch    drawn anew when something changes
  stackwright status --probe           each service is asked now whether it is ready
  stackwright status --format json | jq '.stacks[].services[] | select(.healthy == false)'

READY is for services that have `ready_criteria`: `ready` where they were met when the service was
started and it is still in that run, `unknown` where it was started since by somebody else, such as
by systemd after a crash or with the machine. With `deployment.gate: boot` a unit is up only when it
is ready, whoever starts it.";

/// How often uptimes are drawn anew while nothing changes.
const REDRAW: Duration = Duration::from_secs(5);

/// How long what changes may go on changing before it is drawn.
const SOON: Duration = Duration::from_millis(200);

#[derive(Debug, Args)]
pub struct StatusArguments {
    #[command(flatten)]
    which: Which,
    /// Draw it anew whenever something changes, until it is interrupted
    #[arg(long, short)]
    watch: bool,
    /// Ask each service now whether it is ready: every one of its criteria is tried once
    #[arg(long)]
    probe: bool,
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
    /// The generation in use; none where the first one was cut short.
    #[serde(skip_serializing_if = "Option::is_none")]
    generation: Option<u64>,
    /// What was begun with it and has not ended as it should.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unfinished: Option<Unfinished>,
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
    /// Whether it is ready, where it is asked for more than its health.
    #[serde(skip_serializing_if = "Option::is_none")]
    ready: Option<Readiness>,
    /// What it answered that is not right, where it was asked now.
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<String>,
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
        let is_ready = self.ready != Some(Readiness::NotReady);
        self.state == "active" && self.healthy != Some(false) && is_ready
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
        let stacks = match look(&site, &arguments.which.stacks, arguments.probe) {
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
        let is_over = !arguments.watch || site.real.host().machine.interrupted();
        if is_over || !changes(&site, arguments.probe) {
            return Exit::Done;
        }
    }
}

/// Waits until something changes, or the next drawing is due; whether to go on. Where services are
/// asked, that is a change by itself, and only the time counts.
fn changes(site: &Site, asks: bool) -> bool {
    let host = site.real.host();
    let mut until = host.machine.now() + REDRAW;
    loop {
        match host.units.wait(until) {
            Ok(Wake::TimeUp) => return true,
            Ok(Wake::Interrupted) | Err(_) => return false,
            Ok(_) if asks => {}
            // What changes brings more of it with it: all of that is drawn once.
            Ok(_) => until = until.min(host.machine.now() + SOON),
        }
    }
}

/// How stacks are; nothing where one is named that is not known, which is told. Services are asked
/// whether they are ready, or it is told what is known of that.
pub fn look(site: &Site, named: &[String], asks: bool) -> Result<Option<Vec<StackStatus>>, Fault> {
    let host = site.real.host();
    if !named.iter().all(|stack| is_known(site, stack)) {
        return Ok(None);
    }
    let names = match named {
        [] => host.files.list(&site.places.stacks)?,
        named => named.to_vec(),
    };
    let mut unfinished = unfinished::all(site, &names)?;
    let with_facts = |(name, generation): (String, Generation)| {
        let mut facts = facts(&generation.set);
        // Networks and volumes are made once and say nothing afterwards.
        facts.retain(|_, facts| facts.file.ends_with(".container"));
        (name, (generation, facts))
    };
    let known: BTreeMap<_, _> = in_use(site, names)?.into_iter().map(with_facts).collect();
    let services: BTreeSet<String> =
        known.values().flat_map(|(_, facts)| facts.keys().cloned()).collect();
    let (units, containers) = std::thread::scope(|threads| {
        // Below the root of another system nothing runs.
        let containers = site.runs.then(|| threads.spawn(|| host.containers.containers()));
        let units = units(host, &services);
        (units, joined_or_default(containers))
    });
    let (units, containers) = (units?, containers?);
    let mut stacks = Vec::new();
    for (stack, (generation, facts)) in known {
        let of = |(name, facts): (&String, &Facts)| {
            let container = containers.iter().find(|one| Some(&one.name) == facts.name.as_ref());
            Some(one(&generation, facts, units.get(name)?, container))
        };
        let mut services: Vec<_> = facts.iter().filter_map(of).collect();
        readiness(site, &stack, &generation, &units, &mut services, asks)?;
        let unfinished = unfinished.remove(&stack);
        let generation = Some(generation.name.number);
        stacks.push(StackStatus { stack, generation, unfinished, services });
    }
    let without = unfinished.into_iter().map(|(stack, unfinished)| StackStatus {
        stack,
        generation: None,
        unfinished: Some(unfinished),
        services: Vec::new(),
    });
    stacks.extend(without);
    stacks.sort_by(|one, other| one.stack.cmp(&other.stack));
    Ok(Some(stacks))
}

/// Adds to services whether they are ready.
fn readiness(
    site: &Site,
    stack: &str,
    generation: &Generation,
    units: &BTreeMap<String, Unit>,
    services: &mut [ServiceStatus],
    asks: bool,
) -> Result<(), Fault> {
    let host = site.real.host();
    let mut subjects = BTreeMap::new();
    for service in services.iter() {
        let name = format!("{}.service", service.service);
        let asked = generation.manifest.settings.ready.get_key_value(&name);
        if let (Some((name, ready)), Some(unit)) = (asked, units.get(&name)) {
            let (state, is_ours) = (&unit.state, service.drift.is_empty());
            let since = service.since.unwrap_or(0);
            subjects.insert(name.as_str(), Subject { ready, state, since, is_ours });
        }
    }
    let runs = subjects.iter().filter_map(|(name, one)| Some(((*name).to_owned(), one.run()?)));
    let met = Store::of(host.files, &site.places, stack).met(&runs.collect())?;
    let mut answers = if asks { readiness::ask(host, &subjects)? } else { BTreeMap::new() };
    for service in services {
        let name = format!("{}.service", service.service);
        let Some(subject) = subjects.get(name.as_str()) else { continue };
        let (ready, answer) = match answers.remove(&name) {
            None => (subject.known(met.contains(&name)), None),
            Some(Ok(())) => (Readiness::Ready, None),
            Some(Err(answer)) => (Readiness::NotReady, Some(answer)),
        };
        (service.ready, service.answer) = (Some(ready), answer);
    }
    Ok(())
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
        ready: None,
        answer: None,
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

/// What stands above the columns.
const HEADS: [&str; 8] =
    ["SERVICE", "STATE", "HEALTH", "READY", "SINCE", "MEMORY", "RESTARTS", "IMAGE"];

/// Stacks as people read them.
fn text(stacks: &[StackStatus], now: u64) -> String {
    let mut text = String::new();
    for stack in stacks {
        text.push_str(&heading(stack));
        text.push_str(&table(&stack.services, now));
    }
    if stacks.is_empty() {
        text.push_str("no stack is installed here\n");
    }
    text
}

fn heading(stack: &StackStatus) -> String {
    let well = stack.services.iter().filter(|service| service.is_well()).count();
    let (name, all) = (&stack.stack, stack.services.len());
    let mut text = match stack.generation {
        Some(generation) => format!("{name}: generation {generation}, {well} of {all} well\n"),
        None => format!("{name}: nothing is in use\n"),
    };
    if let Some(unfinished) = &stack.unfinished {
        let mark = if unfinished.is_ill() { "!!" } else { "--" };
        writeln!(text, "  {mark} {}", escape(&unfinished.text)).unwrap_or_default();
        if let Some(help) = &unfinished.help {
            writeln!(text, "     {help}").unwrap_or_default();
        }
    }
    text
}

fn table(services: &[ServiceStatus], now: u64) -> String {
    if services.is_empty() {
        return String::new();
    }
    let heads = HEADS.map(str::to_owned);
    let rows: Vec<[String; 8]> = services.iter().map(|one| row(one, now)).collect();
    let width = |column: usize| {
        let cells = rows.iter().chain([&heads]).filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..HEADS.len()).map(width).collect();
    let line = |mark: &str, row: &[String; 8]| {
        let cells = row.iter().zip(&widths).map(|(cell, width)| format!("{cell:width$}"));
        let line = format!("  {mark} {}", cells.collect::<Vec<_>>().join("  "));
        format!("{}\n", line.trim_end())
    };
    let mut text = line("  ", &heads);
    for (service, row) in services.iter().zip(&rows) {
        text.push_str(&line(if service.is_well() { "ok" } else { "!!" }, row));
        if let Some(answer) = &service.answer {
            writeln!(text, "       answer: {}", escape(answer)).unwrap_or_default();
        }
        for drift in &service.drift {
            writeln!(text, "       drift: {drift}").unwrap_or_default();
        }
    }
    text
}

/// How a service is, in a word or two.
pub fn state(service: &ServiceStatus) -> String {
    match (service.state, service.healthy) {
        ("active", Some(true)) => "healthy".to_owned(),
        ("active", Some(false)) => "unhealthy".to_owned(),
        _ => state_of_unit(service),
    }
}

fn state_of_unit(service: &ServiceStatus) -> String {
    match service.state {
        "active" => "active".to_owned(),
        state if state == service.detail => state.to_owned(),
        state => format!("{state} ({})", service.detail),
    }
}

fn row(service: &ServiceStatus, now: u64) -> [String; 8] {
    let or_none = |cell: Option<String>| cell.unwrap_or_else(|| "-".to_owned());
    let healthy = service.healthy.map(|is_so| if is_so { "healthy" } else { "unhealthy" });
    let since = service.since.map(|since| time(now.saturating_sub(since)));
    let memory = service.memory.map(|bytes| format!("{} MiB", bytes >> 20));
    [
        service.service.clone(),
        state_of_unit(service),
        or_none(healthy.map(str::to_owned)),
        or_none(service.ready.map(|ready| ready.word().to_owned())),
        or_none(since),
        or_none(memory),
        service.restarts.to_string(),
        or_none(service.image.as_deref().map(|image| escape(image).into_owned())),
    ]
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

#[cfg(test)]
mod tests {
    use super::*;

    fn service(name: &str, healthy: Option<bool>, ready: Option<Readiness>) -> ServiceStatus {
        ServiceStatus {
            service: name.to_owned(),
            state: "active",
            detail: "running".to_owned(),
            healthy,
            ready,
            answer: None,
            image: Some(format!("docker.io/library/{name}:1")),
            since: Some(100),
            restarts: 0,
            memory: Some(5 << 20),
            drift: Vec::new(),
        }
    }

    #[test]
    fn each_service_is_a_line_under_the_heads() {
        let answer = Some("port 1: nobody\u{1b}listens".to_owned());
        let ill = ServiceStatus { answer, ..service("b", Some(true), Some(Readiness::NotReady)) };
        let services = vec![
            service("a", None, None),
            ill,
            ServiceStatus { restarts: 2, ..service("web", Some(true), Some(Readiness::Unknown)) },
        ];
        let (stack, generation) = ("shop".to_owned(), Some(3));
        let stack = StackStatus { stack, generation, unfinished: None, services };
        insta::assert_snapshot!(text(&[stack], 200), @r"
        shop: generation 3, 2 of 3 well
             SERVICE  STATE   HEALTH   READY      SINCE  MEMORY  RESTARTS  IMAGE
          ok a        active  -        -          1 min  5 MiB   0         docker.io/library/a:1
          !! b        active  healthy  not ready  1 min  5 MiB   0         docker.io/library/b:1
               answer: port 1: nobody␛listens
          ok web      active  healthy  unknown    1 min  5 MiB   2         docker.io/library/web:1
        ");
    }
}
