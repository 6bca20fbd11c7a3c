//! `verify`: whether stacks that are up do what they are for.

use clap::Args;
use serde::Serialize;

use super::super::{Exit, output};
use super::kept::is_known;
use super::{Format, PlaceArguments, Site, open, refuse, show};
use crate::apply::event::at;
use crate::apply::{Failure, Scene, Step, test};
use crate::report::human::escape;
use crate::state::Store;

pub const EXAMPLES: &str = "\
Examples:
  stackwright verify              every stack that is installed
  stackwright verify immich       its tests, and whether its services find each other
  stackwright verify --format json | jq 'select(.passed | not)'

It changes nothing, and ends with 2 where a test failed.";

#[derive(Debug, Args)]
pub struct VerifyArguments {
    /// The stacks, by name; all that are installed where none is given
    #[arg(value_name = "STACK")]
    stacks: Vec<String>,
    #[command(flatten)]
    place: PlaceArguments,
}

/// A test with what came of it, for scripts.
#[derive(Serialize)]
struct Told<'t> {
    stack: &'t str,
    test: &'t str,
    service: &'t str,
    passed: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    answer: Option<&'t str>,
}

/// Runs the command.
pub fn run(arguments: &VerifyArguments) -> Exit {
    let site = match open(&arguments.place) {
        Ok(site) => site,
        Err(fault) => return refuse(&fault),
    };
    let stacks = match &arguments.stacks[..] {
        [] => site.real.host().files.list(&site.places.stacks),
        given => Ok(given.to_vec()),
    };
    let stacks = match stacks {
        Ok(stacks) => stacks,
        Err(fault) => return refuse(&fault),
    };
    let mut all = true;
    for stack in &stacks {
        if !is_known(&site, stack) {
            return Exit::WrongInput;
        }
        match one(&site, stack, arguments.place.format) {
            Ok(passed) => all &= passed,
            Err(failure) => {
                output::error(&failure.why);
                return Exit::Refused;
            }
        }
    }
    if all { Exit::Done } else { Exit::Differs }
}

/// Makes the tests of one stack; whether all passed. One that was removed has none.
fn one(site: &Site, stack: &str, format: Format) -> Result<bool, Failure> {
    let host = site.real.host();
    let store = Store::of(host.files, &site.places, stack);
    let scene = Scene { host, places: &site.places, store: &store, stack, tell: &|_| {} };
    let Some(generation) = store.in_use().map_err(at(Step::Test))? else {
        return Ok(true);
    };
    let tests = &generation.manifest.settings.tests;
    if format == Format::Human {
        output::out(&heading(stack, tests.len()));
    }
    let mut all = true;
    for one in tests {
        let answer = test::ask(&scene, one)?.err();
        let (passed, answer) = (answer.is_none(), answer.as_deref());
        all &= passed;
        match format {
            Format::Human => output::out(&line(&one.name, answer)),
            Format::Json => {
                let (test, service) = (one.name.as_str(), one.service.as_str());
                show::json_line(&Told { stack, test, service, passed, answer });
            }
        }
    }
    Ok(all)
}

fn heading(stack: &str, tests: usize) -> String {
    match tests {
        0 => format!("{stack}: it names no tests, and none follow from what it says\n"),
        _ => format!("{stack}:\n"),
    }
}

fn line(name: &str, answer: Option<&str>) -> String {
    match answer {
        None => format!("  ok      {}\n", escape(name)),
        Some(answer) => format!("  FAILED  {}: {}\n", escape(name), escape(answer)),
    }
}
