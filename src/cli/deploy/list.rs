//! `list`: stacks, their groups and services, what needs what, and what is deployed.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::super::lint::Checking;
use super::super::{Exit, StackArguments, discover, output};
use super::unfinished::{self, Unfinished};
use super::{Format, PlaceArguments, open, refuse, show, survey};
use crate::capability::podman::Podman;
use crate::check::{Checked, Target};
use crate::host::change::Fault;
use crate::host::disk::Disk;
use crate::host::{Look, ReadError};
use crate::model::at::At;
use crate::model::service::Service;
use crate::observe;
use crate::plan::facts;
use crate::report::human::{self, escape};
use crate::resolve::order;
use crate::state::Generation;

pub const EXAMPLES: &str = "\
Examples:
  stackwright list                   what is in `stacks/`, and what is installed
  stackwright list catalogue/        the stacks of a folder
  stackwright list --format json     for scripts";

/// Where stacks are looked for when nothing is said.
const FOLDER: &str = "stacks";

#[derive(Debug, Args)]
pub struct ListArguments {
    /// Stack files or folders with stack files; `stacks/` where none is given
    #[arg(value_name = "FOLDER")]
    paths: Vec<PathBuf>,
    #[command(flatten)]
    place: PlaceArguments,
    #[command(flatten)]
    stack: StackArguments,
}

/// What there is, for scripts.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "Stacks of stackwright list")]
pub struct ListReport {
    /// The stacks, in the order of their names.
    stacks: Vec<ListedStack>,
}

/// A stack.
#[derive(Debug, Serialize, JsonSchema)]
struct ListedStack {
    /// Its name.
    stack: String,
    /// Its file.
    file: PathBuf,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    /// Whether it is to be there.
    wanted: bool,
    /// The generation that is installed.
    #[serde(skip_serializing_if = "Option::is_none")]
    generation: Option<u64>,
    /// What was begun with it and has not ended as it should.
    #[serde(skip_serializing_if = "Option::is_none")]
    unfinished: Option<Unfinished>,
    /// How many of its services run, of those that are installed to run.
    #[serde(skip_serializing_if = "Option::is_none")]
    running: Option<[usize; 2]>,
    /// The stacks that must be up before it.
    requires: Vec<String>,
    /// The stacks that it must be up before.
    required_by: Vec<String>,
    /// Its groups with their services.
    groups: BTreeMap<String, Vec<String>>,
    /// Its services; none where its file is gone.
    services: Vec<ListedService>,
}

/// A service.
#[derive(Debug, Serialize, JsonSchema)]
struct ListedService {
    /// Its name.
    name: String,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    /// The services that it needs, each with what it waits for.
    needs: BTreeMap<String, String>,
}

/// Runs the command.
pub fn run(arguments: &ListArguments) -> Exit {
    let Some(mut stacks) = declared(arguments) else { return Exit::WrongInput };
    if let Err(fault) = deployed(arguments, &mut stacks) {
        return refuse(&fault);
    }
    stacks.sort_by(|one, other| one.stack.cmp(&other.stack));
    let requires: Vec<(String, Vec<String>)> =
        stacks.iter().map(|one| (one.stack.clone(), one.requires.clone())).collect();
    for stack in &mut stacks {
        let needs = requires.iter().filter(|(_, requires)| requires.contains(&stack.stack));
        stack.required_by = needs.map(|(name, _)| name.clone()).collect();
    }
    match arguments.place.format {
        Format::Json => show::json_line(&ListReport { stacks }),
        Format::Human if stacks.is_empty() => output::out("no stacks here\n"),
        Format::Human => stacks.iter().for_each(|stack| output::out(&text(stack))),
    }
    Exit::Done
}

/// The stacks that have files; nothing where one is wrong, which is told.
fn declared(arguments: &ListArguments) -> Option<Vec<ListedStack>> {
    let mut paths = arguments.paths.clone();
    let has_folder = matches!(Disk.read(Path::new(FOLDER), 0), Err(ReadError::NotAFile(_)));
    if paths.is_empty() && has_folder {
        paths.push(PathBuf::from(FOLDER));
    }
    if paths.is_empty() {
        return Some(Vec::new());
    }
    let (files, _) = discover::all(&paths, &Disk)?;
    let mut checking = Checking::new();
    // What there is does not depend on the Podman that would run it.
    let target = |_: &_| Target { podman: Podman::NEWEST, ..Target::default() };
    let (_, compiled) = checking.run(&files, false, &arguments.stack, &target);
    if checking.findings.has_errors() {
        let Checking { sources, findings } = checking;
        output::note(&human::render(&findings, &sources, output::style()));
        output::note(&format!("\n{}", output::summary(&findings, compiled.files)));
        return None;
    }
    Some(compiled.stacks.iter().map(listed).collect())
}

fn listed(checked: &Checked) -> ListedStack {
    let stack = checked.stack();
    let info = stack.stack.get();
    let order = order(checked);
    let name = |place: usize| order.names.get(place).cloned().unwrap_or_default();
    let mut groups: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for service in stack.services.iter() {
        for group in service.groups.iter() {
            let services = groups.entry(group.as_str().to_owned()).or_default();
            services.push(service.name.as_str().to_owned());
        }
    }
    let service = |(place, service): (usize, &At<Service>)| {
        let needs = order.needs.iter().filter(|need| need.from == place);
        ListedService {
            name: service.name.as_str().to_owned(),
            description: service.description.as_ref().map(|text| text.value.clone()),
            needs: needs.map(|need| (name(need.to), need.condition.word().to_owned())).collect(),
        }
    };
    let requires = info.into_iter().flat_map(|info| info.requires.iter());
    ListedStack {
        stack: checked.name().to_owned(),
        file: checked.folder().join(checked.origin()),
        description: info.and_then(|info| Some(info.description.as_ref()?.value.clone())),
        wanted: checked.is_deployed(),
        generation: None,
        unfinished: None,
        running: None,
        requires: requires.map(|name| name.as_str().to_owned()).collect(),
        required_by: Vec::new(),
        groups,
        services: stack.services.iter().enumerate().map(service).collect(),
    }
}

/// Adds what is installed, with stacks that have no file in the folder where none is named.
fn deployed(arguments: &ListArguments, stacks: &mut Vec<ListedStack>) -> Result<(), Fault> {
    let site = open(&arguments.place)?;
    let names = site.real.host().files.list(&site.places.stacks)?;
    let mut open = unfinished::all(&site, &names)?;
    for stack in stacks.iter_mut() {
        stack.unfinished = open.remove(&stack.stack);
    }
    for (name, generation) in survey::in_use(&site, names)? {
        let place = match stacks.iter().position(|one| one.stack == name) {
            Some(place) => place,
            None if arguments.paths.is_empty() => {
                let unfinished = open.remove(&name);
                stacks.push(ListedStack { unfinished, ..without_file(name, &generation) });
                stacks.len() - 1
            }
            None => continue,
        };
        let Some(stack) = stacks.get_mut(place) else { continue };
        stack.generation = Some(generation.name.number);
        if site.runs {
            let facts = facts(&generation.set);
            let meant = facts.values().filter(|one| one.file.ends_with(".container"));
            let names: BTreeSet<String> = meant.map(|one| one.service.clone()).collect();
            let states = observe::states(site.real.host(), &names)?;
            stack.running =
                Some([states.values().filter(|state| state.runs()).count(), states.len()]);
        }
    }
    Ok(())
}

fn without_file(name: String, generation: &Generation) -> ListedStack {
    ListedStack {
        stack: name,
        file: generation.manifest.settings.origin.clone(),
        description: None,
        wanted: true,
        generation: None,
        unfinished: None,
        running: None,
        requires: Vec::new(),
        required_by: Vec::new(),
        groups: BTreeMap::new(),
        services: Vec::new(),
    }
}

fn text(stack: &ListedStack) -> String {
    let mut text = String::new();
    let mut say = |line: String| writeln!(text, "{}", line.trim_end()).unwrap_or_default();
    let state = match (stack.generation, stack.wanted) {
        (Some(number), true) => format!("generation {number}"),
        (Some(number), false) => format!("generation {number}, and is to be removed"),
        (None, true) => "not deployed".to_owned(),
        (None, false) => "not to be deployed".to_owned(),
    };
    let running = stack.running.map(|[up, all]| format!(", {up} of {all} run")).unwrap_or_default();
    let description = stack.description.as_deref().unwrap_or("");
    say(format!("{} ({state}{running})  {}", stack.stack, escape(description)));
    if let Some(unfinished) = &stack.unfinished {
        say(format!("  {}", escape(&unfinished.text)));
    }
    for (word, names) in [("requires", &stack.requires), ("required by", &stack.required_by)] {
        if !names.is_empty() {
            say(format!("  {word}: {}", names.join(", ")));
        }
    }
    for (group, services) in &stack.groups {
        say(format!("  group {group}: {}", services.join(", ")));
    }
    let width = stack.services.iter().map(|one| one.name.chars().count()).max().unwrap_or(0);
    for service in &stack.services {
        let needs: Vec<String> =
            service.needs.iter().map(|(name, until)| format!("{name} ({until})")).collect();
        let needs = match needs.is_empty() {
            true => String::new(),
            false => format!("needs {}", needs.join(", ")),
        };
        say(format!("  - {:width$}  {needs}", service.name));
    }
    text
}
