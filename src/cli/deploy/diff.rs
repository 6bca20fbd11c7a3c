//! `diff`: tell what differs between stack files, what is installed, what systemd has loaded and
//! what runs.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::super::{Exit, StackArguments, output};
use super::wanted::Wanted;
use super::{DeployArguments, Format, PlaceArguments, Site, installed, open, read, refuse, show};
use crate::apply::{Scene, links};
use crate::drift::{self, Layer, StackDrift, State};
use crate::host::change::{Entry, Fault};
use crate::host::containers::{Container, Image, Owned};
use crate::host::disk::Disk;
use crate::host::{Look, ReadError};
use crate::observe;
use crate::plan::{STACK_LABEL, facts};
use crate::report::human::escape;
use crate::state::{FileSet, Generation, Store};

pub const EXAMPLES: &str = "\
Examples:
  stackwright diff                       all stacks that are installed
  stackwright diff immich --running      only what runs, against its units
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
    stacks: Vec<StackDrift>,
    /// What carries our mark and belongs to no stack that is installed.
    orphans: Vec<Orphan>,
}

/// Something that carries the mark of a stack that is not installed.
#[derive(Debug, Serialize, JsonSchema)]
struct Orphan {
    /// What it is: a container, a network.
    kind: &'static str,
    /// Its name.
    name: String,
    /// The stack that its mark names.
    stack: String,
    /// What would take it away.
    mend: String,
}

/// Runs the command.
pub fn run(arguments: DiffArguments) -> Exit {
    let site = match open(&arguments.place) {
        Ok(site) => site,
        Err(fault) => return refuse(&fault),
    };
    let format = arguments.place.format;
    let report = match compare(arguments, &site) {
        Ok(Some(report)) => report,
        Ok(None) => return Exit::WrongInput,
        Err(fault) => return refuse(&fault),
    };
    match format {
        Format::Json => show::json_line(&report),
        Format::Human => output::out(&lines(&report)),
    }
    let drifted = report.stacks.iter().any(|stack| stack.state == State::Drift);
    if drifted || !report.orphans.is_empty() { Exit::Differs } else { Exit::Done }
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

/// What Podman has, asked once for all stacks.
struct Podman {
    containers: Vec<Container>,
    images: Vec<Image>,
    networks: Vec<Owned>,
    volumes: Vec<Owned>,
    secrets: Vec<Owned>,
}

fn compare(arguments: DiffArguments, site: &Site) -> Result<Option<DiffReport>, Fault> {
    let layers = layers(&arguments);
    let host = site.real.host();
    let known = known(site)?;
    let chosen: BTreeSet<String> =
        arguments.paths.iter().filter_map(|path| path.to_str().map(str::to_owned)).collect();
    let is_all = chosen.is_empty();
    // A name may be that of a stack that was installed from anywhere.
    let mut paths = Vec::new();
    for path in &arguments.paths {
        match path.to_str().and_then(|name| known.get(name)).filter(|_| is_free(path)) {
            Some(generation) => paths.push(generation.manifest.settings.origin.clone()),
            None => paths.push(path.clone()),
        }
    }
    if is_all {
        paths.extend(known.values().map(|one| one.manifest.settings.origin.clone()));
    }
    paths.retain(|path| !(is_all || is_origin(path, &known)) || is_there(path));
    let mut wanted = Vec::new();
    if !paths.is_empty() {
        let deploy = DeployArguments {
            paths,
            groups: Vec::new(),
            services: Vec::new(),
            place: arguments.place,
            stack: arguments.stack,
        };
        match read(&deploy, site) {
            Some(read) => wanted = read,
            None => return Ok(None),
        }
    }
    let wanted: BTreeMap<&str, &Wanted> =
        wanted.iter().map(|one| (one.name.as_str(), one)).collect();
    let containers = host.containers;
    let podman = Podman {
        containers: containers.containers()?,
        images: containers.images()?,
        networks: containers.networks()?,
        volumes: containers.volumes()?,
        secrets: containers.secrets()?,
    };
    let names: BTreeSet<&str> = known
        .keys()
        .map(String::as_str)
        .filter(|name| is_all || chosen.contains(*name) || wanted.contains_key(name))
        .chain(wanted.keys().copied())
        .collect();
    let mut stacks = Vec::new();
    for name in names {
        let wanted = wanted.get(name).map(|wanted| &wanted.set);
        stacks.push(one(site, name, wanted, known.get(name), &podman, &layers)?);
    }
    let orphans = if is_all { orphans(&podman, &known) } else { Vec::new() };
    Ok(Some(DiffReport { stacks, orphans }))
}

fn is_origin(path: &Path, known: &BTreeMap<String, Generation>) -> bool {
    known.values().any(|one| one.manifest.settings.origin == path)
}

/// Whether nothing has this path, so that it can only be a name.
fn is_free(path: &Path) -> bool {
    matches!(Disk.read(path, 0), Err(ReadError::NotFound))
}

/// A file that is larger than nothing is there.
fn is_there(path: &Path) -> bool {
    matches!(Disk.read(path, 0), Ok(_) | Err(ReadError::TooLarge(_)))
}

/// The stacks that are installed.
fn known(site: &Site) -> Result<BTreeMap<String, Generation>, Fault> {
    let files = site.real.host().files;
    let mut known = BTreeMap::new();
    for name in files.list(&site.places.stacks)? {
        if let Some(generation) = installed(&Store::of(files, &site.places, &name))? {
            known.insert(name, generation);
        }
    }
    Ok(known)
}

fn one(
    site: &Site,
    name: &str,
    wanted: Option<&FileSet>,
    known: Option<&Generation>,
    podman: &Podman,
    layers: &[Layer],
) -> Result<StackDrift, Fault> {
    let host = site.real.host();
    let store = Store::of(host.files, &site.places, name);
    let scene = Scene { host, places: &site.places, store: &store, stack: name, tell: &|_| {} };
    let facts = known.map(|one| facts(&one.set)).unwrap_or_default();
    let states = match site.runs {
        true => observe::states(host, &facts.keys().cloned().collect())?,
        false => BTreeMap::new(),
    };
    let services: Vec<&str> = facts.keys().map(String::as_str).collect();
    let calls = host.units.calls(&services)?;
    let calls = facts.keys().cloned().zip(calls).collect();
    let names: BTreeSet<&str> = facts.values().filter_map(|facts| facts.name.as_deref()).collect();
    let there = podman.containers.iter().map(|one| one.name.as_str());
    let there: Vec<&str> = there.filter(|name| names.contains(name)).collect();
    let containers = host.containers.inspect(&there)?;
    let lost_links = lost_links(&scene, known)?;
    Ok(drift::drift(&drift::Request {
        stack: name,
        wanted,
        installed: known,
        lost_links: &lost_links,
        states: &states,
        calls: &calls,
        containers: &containers,
        images: &podman.images,
        networks: &podman.networks,
        volumes: &podman.volumes,
        secrets: &podman.secrets,
        layers,
    }))
}

fn lost_links(scene: &Scene<'_>, known: Option<&Generation>) -> Result<Vec<PathBuf>, Fault> {
    let mut lost = Vec::new();
    let Some(known) = known else { return Ok(lost) };
    for (path, target) in links::links(scene.places, scene.store, scene.stack, &known.set) {
        if scene.host.files.entry(&path)? != Some(Entry::Link(target)) {
            lost.push(path);
        }
    }
    Ok(lost)
}

fn orphans(podman: &Podman, known: &BTreeMap<String, Generation>) -> Vec<Orphan> {
    let mut orphans = Vec::new();
    let stranger = |labels: &BTreeMap<String, String>| {
        labels.get(STACK_LABEL).filter(|stack| !known.contains_key(*stack)).cloned()
    };
    for container in &podman.containers {
        if let Some(stack) = stranger(&container.labels) {
            let (kind, name) = ("container", container.name.clone());
            let mend = format!("podman rm --force {name}");
            orphans.push(Orphan { kind, name, stack, mend });
        }
    }
    for network in &podman.networks {
        if let Some(stack) = stranger(&network.labels) {
            let (kind, name) = ("network", network.name.clone());
            let mend = format!("podman network rm {name}");
            orphans.push(Orphan { kind, name, stack, mend });
        }
    }
    orphans
}

fn lines(report: &DiffReport) -> String {
    let mut text = String::new();
    let mut say = |line: String| writeln!(text, "{line}").unwrap_or_default();
    for stack in &report.stacks {
        let word = match stack.state {
            State::Match => "as it should be",
            State::Warning => "as it should be, with warnings",
            State::Drift => "has drifted",
        };
        say(format!("{}: {word}", stack.stack));
        for item in &stack.items {
            let sign = if item.state == State::Drift { '~' } else { '!' };
            say(format!("  {sign} {} {}: {}", escape(&item.subject), item.aspect, item.meaning));
            let mut actual = item.actual.lines();
            if item.aspect == "unit" && item.actual.contains('\n') {
                actual.by_ref().skip(2).for_each(|line| say(format!("      {}", escape(line))));
            } else {
                say(format!("      wanted: {}", escape(&item.wanted)));
                say(format!("      actual: {}", escape(&item.actual)));
            }
            if let Some(since) = &item.since {
                say(format!("      since:  {}", escape(since)));
            }
            say(format!("      mend:   {}", escape(&item.mend)));
        }
    }
    for orphan in &report.orphans {
        say(format!(
            "orphan: {} {} carries the mark of {}, which is not installed; {}",
            orphan.kind,
            escape(&orphan.name),
            escape(&orphan.stack),
            escape(&orphan.mend)
        ));
    }
    text
}
