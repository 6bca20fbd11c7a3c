//! `diff`: tell what differs between stack files, what is installed, what systemd has loaded and
//! what runs.

use std::fmt::Write;
use std::path::PathBuf;

use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::super::{Exit, StackArguments, output};
use super::survey::{Seen, Survey, drift, stranger, survey};
use super::{Format, PlaceArguments, Site, open, refuse, show};
use crate::drift::routes::{self, Loaded};
use crate::drift::{Item, Layer, StackDrift, State};
use crate::host::change::Fault;
use crate::report::human::escape;

pub const EXAMPLES: &str = "\
Examples:
  stackwright diff                       all stacks that are installed
  stackwright diff immich --running      only what runs, against its units
  stackwright diff --traefik http://localhost:8080
  stackwright diff --format json         for scripts; exit 2 where anything has drifted";

#[derive(Debug, Args)]
pub struct DiffArguments {
    /// Stack files, folders with stack files, names in `stacks/`, or names of installed stacks; all
    /// that are installed where none is given
    #[arg(value_name = "STACK")]
    paths: Vec<PathBuf>,
    /// Compare the stack files with what is installed
    #[arg(long)]
    files: bool,
    /// Compare what is installed with what systemd has loaded
    #[arg(long)]
    loaded: bool,
    /// Compare what systemd has loaded with what runs
    #[arg(long)]
    running: bool,
    /// Compare the routes that a running Traefik has loaded too; the address of its API, such as
    /// `http://localhost:8080`
    #[arg(long, value_name = "URL")]
    traefik: Option<String>,
    #[command(flatten)]
    place: PlaceArguments,
    #[command(flatten)]
    stack: StackArguments,
}

/// What was found, for scripts.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "Drift of stackwright diff")]
pub struct DiffReport {
    /// The stacks, in the order of their names.
    pub stacks: Vec<StackDrift>,
    /// What carries our mark and belongs to no stack that is installed.
    pub orphans: Vec<Orphan>,
}

/// Something that carries the mark of a stack that is not installed.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Orphan {
    /// What it is: a container, a network.
    kind: &'static str,
    /// Its name.
    name: String,
    /// The stack that its mark names.
    pub stack: String,
    /// What would take it away.
    mend: String,
}

/// Runs the command.
pub fn run(arguments: &DiffArguments) -> Exit {
    let site = match open(&arguments.place) {
        Ok(site) => site,
        Err(fault) => return refuse(&fault),
    };
    let layers = layers(arguments);
    let survey = match survey(&arguments.paths, &arguments.stack, &site, &layers) {
        Ok(Some(survey)) => survey,
        Ok(None) => return Exit::WrongInput,
        Err(fault) => return refuse(&fault),
    };
    let compared = compare(&survey, &site, &layers).and_then(|mut report| {
        if let Some(api) = &arguments.traefik {
            routes(&mut report, &survey, &site, api)?;
        }
        Ok(report)
    });
    let report = match compared {
        Ok(report) => report,
        Err(fault) => return refuse(&fault),
    };
    match arguments.place.format {
        Format::Json => show::json_line(&report),
        Format::Human => output::out(&report.text()),
    }
    if report.has_drifted() { Exit::Differs } else { Exit::Done }
}

fn layers(arguments: &DiffArguments) -> Vec<Layer> {
    let chosen = [
        (arguments.files, &[Layer::Files, Layer::Installed][..]),
        (arguments.loaded, &[Layer::Loaded]),
        (arguments.running, &[Layer::Running]),
    ];
    let all = chosen.iter().all(|(is_on, _)| !is_on);
    let layers = chosen.iter().filter(|(is_on, _)| all || *is_on);
    layers.flat_map(|(_, layers)| layers.iter().copied()).collect()
}

/// Compares all that is meant.
pub fn compare(survey: &Survey, site: &Site, layers: &[Layer]) -> Result<DiffReport, Fault> {
    let seen = &survey.seen;
    let one = |name: &String| {
        let wanted = survey.wanted.iter().find(|one| one.name == *name);
        drift(site, name, wanted, survey.known.get(name), seen, layers)
    };
    let stacks = survey.names.iter().map(one).collect::<Result<_, _>>()?;
    let orphans = if survey.is_all { orphans(seen, survey) } else { Vec::new() };
    Ok(DiffReport { stacks, orphans })
}

/// Adds what differs between the labels of containers and what a running Traefik has loaded.
fn routes(report: &mut DiffReport, survey: &Survey, site: &Site, api: &str) -> Result<(), Fault> {
    let url = format!("{}/api/rawdata", api.trim_end_matches('/'));
    let answer = site.real.page(&url)?;
    let loaded = Loaded::read(&answer).map_err(|why| Fault::other(format!("read {url}"), why))?;
    for stack in &mut report.stacks {
        let labels = survey.seen.labels_of(&stack.stack);
        stack.add(labels.flat_map(|labels| routes::routes(labels, &loaded)).collect());
    }
    Ok(())
}

fn orphans(seen: &Seen, survey: &Survey) -> Vec<Orphan> {
    let containers = seen.containers.iter().filter_map(|one| {
        let stack = stranger(&one.labels, &survey.known)?.clone();
        let (name, mend) = (one.name.clone(), format!("podman rm --force {}", one.name));
        Some(Orphan { kind: "container", name, stack, mend })
    });
    let networks = seen.networks.iter().filter_map(|one| {
        let stack = stranger(&one.labels, &survey.known)?.clone();
        let (name, mend) = (one.name.clone(), format!("podman network rm {}", one.name));
        Some(Orphan { kind: "network", name, stack, mend })
    });
    containers.chain(networks).collect()
}

impl DiffReport {
    /// Whether anything is not as it should be.
    pub fn has_drifted(&self) -> bool {
        let drifted = |stack: &StackDrift| stack.state == State::Drift;
        self.stacks.iter().any(drifted) || !self.orphans.is_empty()
    }

    /// It for people.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for stack in &self.stacks {
            let word = match stack.state {
                State::Match => "as it should be",
                State::Warning => "as it should be, with warnings",
                State::Drift => "has drifted",
            };
            writeln!(text, "{}: {word}", stack.stack).unwrap_or_default();
            stack.items.iter().for_each(|item| text += &lines(item));
        }
        for orphan in &self.orphans {
            let (kind, mend) = (orphan.kind, escape(&orphan.mend));
            let (name, stack) = (escape(&orphan.name), escape(&orphan.stack));
            writeln!(
                text,
                "orphan: {kind} {name} carries the mark of {stack}, which is not installed; {mend}"
            )
            .unwrap_or_default();
        }
        text
    }
}

/// One difference for people.
pub fn lines(item: &Item) -> String {
    let mut text = String::new();
    let mut say = |line: String| writeln!(text, "{line}").unwrap_or_default();
    let sign = if item.state == State::Drift { '~' } else { '!' };
    say(format!("  {sign} {} {}: {}", escape(&item.subject), item.aspect, item.meaning));
    if item.aspect == "unit" && item.actual.contains('\n') {
        for line in item.actual.lines().skip(2) {
            say(format!("      {}", show::colored(line)));
        }
    } else {
        say(format!("      wanted: {}", escape(&item.wanted)));
        say(format!("      actual: {}", escape(&item.actual)));
    }
    if let Some(since) = &item.since {
        say(format!("      since:  {}", escape(since)));
    }
    say(format!("      mend:   {}", escape(&item.mend)));
    text
}
