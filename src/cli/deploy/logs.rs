//! `logs`: what the services of a stack write, line by line in their order.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use clap::Args;
use clap::builder::styling::{AnsiColor, Style};
use serde::Serialize;

use super::super::{Exit, output};
use super::kept::is_known;
use super::{Format, PlaceArguments, Site, open, refuse};
use crate::host::change::Fault;
use crate::host::real::journal::{Logged, Shown};
use crate::model::value::duration::Duration;
use crate::plan::facts;
use crate::report::human::escape;
use crate::state::Store;

pub const EXAMPLES: &str = "\
Examples:
  stackwright logs immich                    everything that its services wrote
  stackwright logs immich immich-server -f   one service, and what it goes on to write
  stackwright logs immich --since 1h -n 200
  stackwright logs immich --format json | jq -r .text";

/// The colours of services, one after the other.
const COLORS: [AnsiColor; 6] = [
    AnsiColor::Cyan,
    AnsiColor::Yellow,
    AnsiColor::Green,
    AnsiColor::Magenta,
    AnsiColor::Blue,
    AnsiColor::Red,
];

#[derive(Debug, Args)]
pub struct LogsArguments {
    /// The stack, by name
    #[arg(value_name = "STACK")]
    stack: String,
    /// Its services; all of them where none is given
    #[arg(value_name = "SERVICE")]
    services: Vec<String>,
    /// Go on with what comes, until it is interrupted
    #[arg(long, short)]
    follow: bool,
    /// From when on: a time such as `1h`, or what journalctl takes, such as `today`
    #[arg(long, value_name = "TIME", allow_hyphen_values = true)]
    since: Option<String>,
    /// The last lines alone
    #[arg(long, short = 'n', visible_alias = "tail", value_name = "N")]
    lines: Option<usize>,
    #[command(flatten)]
    place: PlaceArguments,
}

/// A line, for scripts.
#[derive(Serialize)]
struct Told<'l> {
    service: &'l str,
    /// In microseconds since 1970.
    time: u64,
    text: &'l str,
}

/// Runs the command.
pub fn run(arguments: &LogsArguments) -> Exit {
    let site = match open(&arguments.place) {
        Ok(site) => site,
        Err(fault) => return refuse(&fault),
    };
    if !is_known(&site, &arguments.stack) {
        return Exit::WrongInput;
    }
    let services = match services(&site, &arguments.stack) {
        Ok(services) => services,
        Err(fault) => return refuse(&fault),
    };
    if let Some(unknown) = arguments.services.iter().find(|name| !services.contains(*name)) {
        let known: Vec<&str> = services.iter().map(String::as_str).collect();
        let (stack, known) = (&arguments.stack, known.join(", "));
        output::error(&format!("`{stack}` has no service `{unknown}`; there is: {known}"));
        return Exit::WrongInput;
    }
    let is_meant =
        |name: &&String| arguments.services.is_empty() || arguments.services.contains(name);
    let meant: Vec<&String> = services.iter().filter(is_meant).collect();
    if meant.is_empty() {
        return Exit::Done;
    }
    match show(&site, arguments, &meant) {
        Ok(()) => Exit::Done,
        Err(fault) => refuse(&fault),
    }
}

/// The services of a stack that is installed.
fn services(site: &Site, stack: &str) -> Result<BTreeSet<String>, Fault> {
    let store = Store::of(site.real.host().files, &site.places, stack);
    let set = store.in_use()?.map(|generation| generation.set).unwrap_or_default();
    let containers = facts(&set).into_values().filter(|one| one.file.ends_with(".container"));
    Ok(containers.map(|one| one.service.trim_end_matches(".service").to_owned()).collect())
}

fn show(site: &Site, arguments: &LogsArguments, services: &[&String]) -> Result<(), Fault> {
    let units: Vec<String> = services.iter().map(|name| format!("{name}.service")).collect();
    let units: Vec<&str> = units.iter().map(String::as_str).collect();
    // What is a time for us is so long ago for journalctl.
    let since = arguments.since.as_ref().map(|since| match since.parse::<Duration>() {
        Ok(time) => format!("-{}s", time.seconds_rounded_up()),
        Err(_) => since.clone(),
    });
    let (since, lines, follows) = (since.as_deref(), arguments.lines, arguments.follow);
    let shown = Shown { units: &units, since, lines, follows };
    let width = services.iter().map(|name| name.len()).max().unwrap_or(0);
    let colors = services.iter().map(|name| name.as_str()).zip(COLORS.into_iter().cycle());
    let colors: BTreeMap<&str, AnsiColor> = colors.collect();
    site.real.show_logs(&shown, &mut |lines| {
        let text = match arguments.place.format {
            Format::Human => human(&lines, &colors, width),
            Format::Json => json(&lines),
        };
        output::out(&text);
        output::is_read()
    })
}

fn human(lines: &[Logged], colors: &BTreeMap<&str, AnsiColor>, width: usize) -> String {
    let mut text = String::new();
    for line in lines {
        let service = line.unit.trim_end_matches(".service");
        let style = Style::new().fg_color(colors.get(service).map(|color| (*color).into()));
        let said = escape(&line.text);
        writeln!(text, "{style}{service:width$} |{style:#} {said}").unwrap_or_default();
    }
    text
}

fn json(lines: &[Logged]) -> String {
    let told = lines.iter().map(|line| {
        let service = line.unit.trim_end_matches(".service");
        let told = Told { service, time: line.time, text: &line.text };
        serde_json::to_string(&told).unwrap_or_default() + "\n"
    });
    told.collect()
}
