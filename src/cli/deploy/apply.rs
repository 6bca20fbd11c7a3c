//! `apply`: bring stacks up as their files say, or leave all as it was.

use std::path::{Path, PathBuf};

use clap::Args;

use super::super::{Exit, output};
use super::live::Live;
use super::wanted::Wanted;
use super::{
    DeployArguments, Format, Prepared, Site, in_the_way, locked, open, prepare, read, refuse, show,
    teller,
};
use crate::apply::{self, Care, Manner, Outcome, Scene, Target};
use crate::host::Look;
use crate::host::disk::Disk;
use crate::plan::Plan;
use crate::state::Store;
use crate::state::manifest::OnFailure;

pub const EXAMPLES: &str = "\
Examples:
  stackwright apply immich                 show the plan, ask, and bring it up
  stackwright apply stacks/ --yes          all stacks, each after those it requires
  stackwright apply immich --dry-run       what `plan` tells
  stackwright apply shop --group web       the services of a group, and what they need
  stackwright apply immich --system --root /mnt/image --only-install

What fails is put back: exit 4 says that all is as before, exit 5 that it is not.";

/// How large a saved plan may be.
const PLAN_MAX: u64 = 64 << 20;

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct ApplyArguments {
    #[command(flatten)]
    deploy: DeployArguments,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    /// Show what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Leave all as it is when something fails
    #[arg(long)]
    no_rollback: bool,
    /// Tell services to start, and do not wait until they are up
    #[arg(long)]
    no_wait: bool,
    /// Install the files, and start nothing
    #[arg(long)]
    only_install: bool,
    /// Do just what a plan says that `plan --save` wrote, or nothing
    #[arg(long, value_name = "FILE")]
    plan: Option<PathBuf>,
}

/// Runs the command.
pub fn run(arguments: &ApplyArguments) -> Exit {
    let site = match open(&arguments.deploy.place) {
        Ok(site) => site,
        Err(fault) => return refuse(&fault),
    };
    let saved = match arguments.plan.as_deref().map(saved_plans).transpose() {
        Ok(saved) => saved,
        Err(message) => {
            output::error(&message);
            return Exit::WrongInput;
        }
    };
    let Some(all) = read(&arguments.deploy, &site) else { return Exit::WrongInput };
    for wanted in &all {
        let exit = one(arguments, &site, wanted, saved.as_deref());
        if exit != Exit::Done {
            return exit;
        }
    }
    Exit::Done
}

fn saved_plans(path: &Path) -> Result<Vec<Plan>, String> {
    let told = |why: &dyn std::fmt::Display| format!("`{}`: {why}", path.display());
    let bytes = Disk.read(path, PLAN_MAX).map_err(|error| told(&error))?;
    serde_json::from_slice(&bytes).map_err(|error| told(&error))
}

fn one(arguments: &ApplyArguments, site: &Site, wanted: &Wanted, saved: Option<&[Plan]>) -> Exit {
    let host = site.real.host();
    let place = &arguments.deploy.place;
    let store = Store::of(host.files, &site.places, &wanted.name);
    let tell = teller(site, place.format, wanted.name.clone());
    let scene =
        Scene { host, places: &site.places, store: &store, stack: &wanted.name, tell: &tell };
    let mut run = |scene: &Scene<'_>| locked_apply(arguments, site, scene, wanted, saved);
    match arguments.dry_run {
        // Nothing is written, not even a lock.
        true => run(&scene),
        false => locked(&scene, place, &mut run),
    }
}

fn locked_apply(
    arguments: &ApplyArguments,
    site: &Site,
    scene: &Scene<'_>,
    wanted: &Wanted,
    saved: Option<&[Plan]>,
) -> Exit {
    let mut prepared = match prepare(site, scene, wanted, !arguments.deploy.part().is_all()) {
        Ok(prepared) => prepared,
        Err(fault) => return refuse(&fault),
    };
    if arguments.only_install {
        prepared.plan.only_install();
    }
    let plan = &prepared.plan;
    if saved.is_some_and(|saved| !saved.contains(plan)) {
        output::error(&format!(
            "the saved plan of `{}` is stale: the stack file or the host changed since; make \
             another one",
            wanted.name
        ));
        return Exit::Stale;
    }
    let is_human = arguments.deploy.place.format == Format::Human;
    if !plan.is_empty() || arguments.dry_run {
        match is_human {
            true => output::out(&show::plan(plan)),
            false => show::json_line(plan),
        }
    }
    if let Some(exit) = stopped(arguments, site, scene, &prepared) {
        return exit;
    }
    let care = match (site.runs && !arguments.only_install, arguments.no_wait) {
        (false, _) => Care::OnlyInstall,
        (true, true) => Care::NoWait,
        (true, false) => Care::Full,
    };
    let target = Target::New(&prepared.set, &prepared.manifest);
    let from = prepared.from.as_ref();
    let live = (is_human && output::is_watched() && !plan.is_empty())
        .then(|| Live::of(plan, &prepared.set));
    let tell = |event: &apply::Event| match &live {
        Some(live) => live.tell(event),
        None => (scene.tell)(event),
    };
    let watched = Scene { tell: &tell, ..*scene };
    let on_failure = arguments.no_rollback.then_some(OnFailure::Leave);
    let manner = Manner { care, on_failure };
    let outcome = apply::apply(&watched, plan, from, target, &prepared.secrets, manner);
    drop(live);
    told(scene.stack, &outcome, is_human)
}

/// Tells how it ended.
pub fn told(stack: &str, outcome: &Outcome, is_human: bool) -> Exit {
    match (is_human, outcome) {
        (false, _) => show::json_line(&show::Ended::of(stack, outcome)),
        (true, Outcome::Nothing | Outcome::Done { .. }) => {
            output::out(&show::outcome(stack, outcome));
        }
        (true, _) => output::note(&show::outcome(stack, outcome)),
    }
    show::exit(outcome)
}

/// Why a plan is not carried out, if so.
fn stopped(
    arguments: &ApplyArguments,
    site: &Site,
    scene: &Scene<'_>,
    prepared: &Prepared,
) -> Option<Exit> {
    if prepared.plan.is_empty() {
        return None;
    }
    if site.runs {
        match in_the_way(scene, site, prepared) {
            Ok(refusals) if refusals.is_empty() => {}
            Ok(refusals) => {
                output::note(&show::refusals(scene.stack, &refusals));
                return Some(Exit::Refused);
            }
            Err(fault) => return Some(refuse(&fault)),
        }
    }
    if arguments.dry_run {
        return Some(Exit::Done);
    }
    if arguments.yes || output::agreed(&format!("Apply {}?", scene.stack)) {
        return None;
    }
    output::error("nothing was changed; say `--yes` to apply without being asked");
    Some(Exit::Refused)
}
