//! `plan`: tell what `apply` would do, and change nothing.

use std::path::PathBuf;

use clap::Args;

use super::super::{Exit, output};
use super::preflight_command::{in_the_way, promise};
use super::{DeployArguments, Format, judge, open, prepare, refuse, show};
use crate::apply::Scene;
use crate::host::disk;
use crate::plan::Drifted;
use crate::state::Store;

pub const EXAMPLES: &str = "\
Examples:
  stackwright plan immich                    what would change, and what restarts because of it
  stackwright plan stacks/ --exit-code       exit 2 where something would change
  stackwright plan immich --save immich.plan
  stackwright apply immich --plan immich.plan   just that, or nothing where the host moved on";

#[derive(Debug, Args)]
pub struct PlanArguments {
    #[command(flatten)]
    deploy: DeployArguments,
    /// Exit with 2 where something would change
    #[arg(long)]
    exit_code: bool,
    /// Write the plans of all stacks into a file, for `apply --plan`
    #[arg(long, value_name = "FILE")]
    save: Option<PathBuf>,
}

/// Runs the command.
pub fn run(arguments: &PlanArguments) -> Exit {
    let site = match open(&arguments.deploy.place) {
        Ok(site) => site,
        Err(fault) => return refuse(&fault),
    };
    let Some(mut all) = arguments.deploy.read(&site) else { return Exit::WrongInput };
    promise(&mut all);
    let host = site.real.host();
    let (mut plans, mut exit) = (Vec::new(), Exit::Done);
    for wanted in &all {
        let store = Store::of(host.files, &site.places, &wanted.name);
        let scene =
            Scene { host, places: &site.places, store: &store, stack: &wanted.name, tell: &|_| {} };
        let is_part = !arguments.deploy.part().is_all();
        let prepared = match prepare(&site, &scene, wanted, is_part, Drifted::default()) {
            Ok(prepared) => prepared,
            Err(fault) => return refuse(&fault),
        };
        match arguments.deploy.place.format {
            Format::Human => output::out(&show::plan(&prepared.plan)),
            Format::Json => show::json_line(&prepared.plan),
        }
        if site.runs && !prepared.plan.is_empty() {
            let format = arguments.deploy.place.format;
            match in_the_way(&scene, &site, wanted, &prepared, None) {
                Ok(found) if show::pass(&wanted.name, &found, format) => {
                    match judge::of(&site, &scene, wanted, &prepared) {
                        Ok(Some(judged)) => judged.tell(&wanted.name, format),
                        Ok(None) => {}
                        Err(fault) => return refuse(&fault),
                    }
                }
                Ok(_) => exit = Exit::Refused,
                Err(fault) => return refuse(&fault),
            }
        }
        plans.push(prepared.plan);
    }
    if let Some(path) = &arguments.save {
        let text = serde_json::to_string_pretty(&plans).unwrap_or_default() + "\n";
        if let Err(error) = disk::write(path, text.as_bytes()) {
            output::error(&format!("cannot write `{}`: {error}", path.display()));
            return Exit::Refused;
        }
    }
    let changes = plans.iter().any(|plan| !plan.is_empty());
    if exit == Exit::Done && arguments.exit_code && changes { Exit::Differs } else { exit }
}
