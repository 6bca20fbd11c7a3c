//! `health`: what is not well, of services and of the host, for scripts.

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::Path;

use clap::Args;
use schemars::JsonSchema;
use serde::Serialize;

use super::super::{Exit, output};
use super::status::{StackStatus, Which, look, state};
use super::unfinished::Unfinished;
use super::wanted::thresholds;
use super::{Format, Site, judge, open, refuse, show};
use crate::config;
use crate::host::change::Fault;
use crate::host::disk::Disk;
use crate::plan::facts;
use crate::report::Findings;
use crate::report::human::escape;
use crate::score::{self, MOST, Part, Score};
use crate::source::Sources;
use crate::state::Store;

pub const EXAMPLES: &str = "\
Examples:
  stackwright health || mail -s 'something is down' me@example.org
  stackwright health immich --format json
  stackwright health --score

It tells only what is not well, and ends with 2 then; nothing at all and 0 where all is well. The
host is well where it has the points that a deployment is not asked about: 85, or `health.ask` of
.stackwright.yml. Of a stack that is named, services that have failed are not held against the host,
but deployments that failed are, as they are when it is applied.";

#[derive(Debug, Args)]
pub struct HealthArguments {
    #[command(flatten)]
    which: Which,
    /// Show the score of the host with all its parts, also where they are well
    #[arg(long)]
    score: bool,
}

/// What is not well, for scripts.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(title = "What stackwright health tells")]
pub struct HealthReport {
    /// The host, where it runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<Score>,
    /// The stacks of which a service is not well, with such services alone, and those of which
    /// something was cut short or could not be put back.
    stacks: Vec<StackStatus>,
}

/// Runs the command.
pub fn run(arguments: &HealthArguments) -> Exit {
    let site = match open(&arguments.which.place) {
        Ok(site) => site,
        Err(fault) => return refuse(&fault),
    };
    let named = &arguments.which.stacks;
    let mut stacks = match look(&site, named, false) {
        Ok(Some(stacks)) => stacks,
        Ok(None) => return Exit::WrongInput,
        Err(fault) => return refuse(&fault),
    };
    for stack in &mut stacks {
        stack.services.retain(|service| !service.is_well());
    }
    let is_ill = |stack: &StackStatus| stack.unfinished.as_ref().is_some_and(Unfinished::is_ill);
    stacks.retain(|stack| !stack.services.is_empty() || is_ill(stack));
    let host = match site.runs.then(|| host(&site, named)).transpose() {
        Ok(host) => host,
        Err(fault) => return refuse(&fault),
    };
    let least = thresholds(&config::find(
        Path::new("."),
        &Disk,
        &mut Sources::default(),
        &mut Findings::default(),
    ))
    .ask;
    let is_well = host.as_ref().is_none_or(|host| host.score >= least);
    let exit = if is_well && stacks.is_empty() { Exit::Done } else { Exit::Differs };
    match arguments.which.place.format {
        Format::Human => {
            let told = host.filter(|_| arguments.score || !is_well);
            output::out(&told.map(|host| text(&host, arguments.score)).unwrap_or_default());
            output::out(&ill(&stacks));
        }
        Format::Json => show::json_line(&HealthReport { host, stacks }),
    }
    exit
}

/// How the host is, for stacks that are named.
fn host(site: &Site, named: &[String]) -> Result<Score, Fault> {
    let host = site.real.host();
    let (mut services, mut histories) = (BTreeSet::new(), Vec::new());
    for stack in named {
        let store = Store::of(host.files, &site.places, stack);
        let set = store.in_use()?.map(|generation| generation.set).unwrap_or_default();
        services.extend(facts(&set).into_keys());
        histories.push(store.history()?);
    }
    let facts = score::look(host, &site.places, site.of_user, &services, &histories)?;
    Ok(score::score(&facts))
}

/// The score of a host for people; with all its parts, or those that are not well.
fn text(host: &Score, is_whole: bool) -> String {
    let mut text = format!("host: {} of {MOST} points\n", host.score);
    text.push_str(&judge::lines(&host.losses));
    let is_whole_of = |part: &&Part| !host.losses.iter().any(|loss| loss.part == **part);
    for part in Part::ALL.iter().filter(is_whole_of).filter(|_| is_whole) {
        writeln!(text, "  -0   {}: {}", part.word(), part.rule()).unwrap_or_default();
    }
    text
}

/// What is not well: what was cut short, then one service a line.
fn ill(stacks: &[StackStatus]) -> String {
    let mut text = String::new();
    for StackStatus { stack, unfinished, services, .. } in stacks {
        if let Some(unfinished) = unfinished.as_ref().filter(|one| one.is_ill()) {
            let help = unfinished.help.as_deref().unwrap_or_default();
            let told = escape(&unfinished.text);
            writeln!(text, "{stack}: {told}; {help}").unwrap_or_default();
        }
        for service in services {
            writeln!(text, "{stack} {}: {}", service.service, state(service)).unwrap_or_default();
        }
    }
    text
}
