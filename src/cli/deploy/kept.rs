//! `remove`, `rollback` and `recover`: what is done with generations that are kept, without a stack
//! file.

use clap::Args;

use super::super::{Exit, output};
use super::apply::told;
use super::{Format, PlaceArguments, Site, locked, look, open, refuse, resume, show, teller};
use crate::apply::secrets::Settled;
use crate::apply::{self, Care, Manner, Scene, Target};
use crate::host::change::Fault;
use crate::plan::{self, STACK_LABEL};
use crate::state::{Action, FileSet, Generation, Store, Verdict};

pub const REMOVE_EXAMPLES: &str = "\
Examples:
  stackwright remove immich             stop all and take the units away; data stays
  stackwright remove immich --volumes   with its volumes, and all that is in them";

pub const ROLLBACK_EXAMPLES: &str = "\
Examples:
  stackwright rollback immich           the generation before, with what ran then
  stackwright rollback immich --to 3    that one; `history` tells them";

pub const RECOVER_EXAMPLES: &str = "\
Examples:
  stackwright recover                put back what a crash cut short, as every command does that
                                     changes something; `apply --resume` goes on with it instead
  stackwright recover --back immich  the generation before too, where a deployment failed and was
                                     left as it was, or could not be put back";

#[derive(Debug, Args)]
pub struct RemoveArguments {
    /// The stacks, by name
    #[arg(required = true, value_name = "STACK")]
    stacks: Vec<String>,
    /// Take the volumes of the stack away too, WITH ALL DATA in them
    #[arg(long)]
    volumes: bool,
    /// Take the secrets away too that the stack made
    #[arg(long)]
    secrets: bool,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    place: PlaceArguments,
}

#[derive(Debug, Args)]
pub struct RollbackArguments {
    /// The stack, by name
    #[arg(value_name = "STACK")]
    stack: String,
    /// The number of the generation
    #[arg(long, value_name = "N")]
    to: Option<u64>,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
    #[command(flatten)]
    place: PlaceArguments,
}

#[derive(Debug, Args)]
pub struct RecoverArguments {
    /// The stacks, by name; all that are installed where none is given
    #[arg(value_name = "STACK")]
    stacks: Vec<String>,
    /// Go back too where a deployment failed and was left as it was, or could not be put back
    #[arg(long)]
    back: bool,
    #[command(flatten)]
    place: PlaceArguments,
}

/// Runs `remove`.
pub fn remove(arguments: &RemoveArguments) -> Exit {
    let site = match open(&arguments.place) {
        Ok(site) => site,
        Err(fault) => return refuse(&fault),
    };
    for stack in &arguments.stacks {
        let exit = on_stack(&site, &arguments.place, stack, &mut |scene| {
            remove_one(arguments, &site, scene).unwrap_or_else(|fault| refuse(&fault))
        });
        if exit != Exit::Done {
            return exit;
        }
    }
    Exit::Done
}

/// Runs something on a stack that is installed.
fn on_stack(
    site: &Site,
    place: &PlaceArguments,
    stack: &str,
    run: &mut dyn FnMut(&Scene<'_>) -> Exit,
) -> Exit {
    if !is_known(site, stack) {
        return Exit::WrongInput;
    }
    let host = site.real.host();
    let store = Store::of(host.files, &site.places, stack);
    let tell = teller(site, place.format, stack.to_owned());
    let scene = Scene { host, places: &site.places, store: &store, stack, tell: &tell };
    locked(&scene, place, run)
}

/// Whether a stack was ever installed here; of one that was not, it is told which were.
pub fn is_known(site: &Site, stack: &str) -> bool {
    let files = site.real.host().files;
    let store = Store::of(files, &site.places, stack);
    let is_name = !stack.is_empty() && !stack.contains('/') && !stack.starts_with('.');
    let is_known = is_name && matches!(files.entry(store.folder()), Ok(Some(_)));
    if !is_known {
        let known = files.list(&site.places.stacks).unwrap_or_default();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        output::error(&format!("no stack `{stack}` is installed here; there is: {known}"));
    }
    is_known
}

/// Removes a stack whose file says that it is not to be there; its data stays.
pub fn remove_whole(site: &Site, place: &PlaceArguments, stack: &str) -> Exit {
    on_stack(site, place, stack, &mut |scene| {
        let is_human = place.format == Format::Human;
        let removed = scene
            .store
            .in_use()
            .and_then(|from| move_to(site, scene, Action::Remove, from.as_ref(), None, is_human));
        removed.unwrap_or_else(|fault| refuse(&fault))
    })
}

fn care(site: &Site) -> Care {
    if site.runs { Care::Full } else { Care::OnlyInstall }
}

fn remove_one(arguments: &RemoveArguments, site: &Site, scene: &Scene<'_>) -> Result<Exit, Fault> {
    let from = scene.store.in_use()?;
    let is_human = arguments.place.format == Format::Human;
    let question = match arguments.volumes {
        true => format!("Remove {} with ALL DATA in its volumes?", scene.stack),
        false => format!("Remove {}?", scene.stack),
    };
    if !arguments.yes && !output::agreed(&question) {
        output::error("nothing was changed; say `--yes` to remove without being asked");
        return Ok(Exit::Refused);
    }
    let exit = move_to(site, scene, Action::Remove, from.as_ref(), None, is_human)?;
    if exit == Exit::Done && site.runs {
        take_away(arguments, scene)?;
    }
    Ok(exit)
}

/// Takes away what is asked for and carries the mark of the stack.
fn take_away(arguments: &RemoveArguments, scene: &Scene<'_>) -> Result<(), Fault> {
    let containers = scene.host.containers;
    let owned = |one: &crate::host::containers::Owned| {
        one.labels.get(STACK_LABEL).is_some_and(|stack| stack == scene.stack)
    };
    if arguments.volumes {
        for volume in containers.volumes()?.iter().filter(|one| owned(one)) {
            containers.remove_volume(&volume.name)?;
        }
    }
    if arguments.secrets {
        for secret in containers.secrets()?.iter().filter(|one| owned(one)) {
            containers.remove_secret(&secret.name)?;
        }
    }
    Ok(())
}

/// Runs `rollback`.
pub fn rollback(arguments: &RollbackArguments) -> Exit {
    let site = match open(&arguments.place) {
        Ok(site) => site,
        Err(fault) => return refuse(&fault),
    };
    on_stack(&site, &arguments.place, &arguments.stack, &mut |scene| {
        rollback_one(arguments, &site, scene).unwrap_or_else(|fault| refuse(&fault))
    })
}

fn rollback_one(
    arguments: &RollbackArguments,
    site: &Site,
    scene: &Scene<'_>,
) -> Result<Exit, Fault> {
    let from = scene.store.in_use()?;
    let current = from.as_ref().map(|from| from.name.clone());
    let before = before(scene)?;
    let Some(number) = arguments.to.or(before) else {
        output::error("there is no generation before; `--to N` names one");
        return Ok(Exit::WrongInput);
    };
    let generations = scene.store.generations()?;
    let Some(name) = generations.iter().find(|name| name.number == number) else {
        let known: Vec<String> = generations.iter().map(|name| name.number.to_string()).collect();
        let known = known.join(", ");
        output::error(&format!("generation {number} is not kept any more; there is: {known}"));
        return Ok(Exit::WrongInput);
    };
    let target = scene.store.read(name)?;
    if let Some(damage) = target.damage.first() {
        output::error(&format!("generation {number} cannot be trusted: {damage}"));
        return Ok(Exit::Refused);
    }
    let question = format!("Bring generation {number} of {} back?", scene.stack);
    if current.as_ref() != Some(name) && !arguments.yes && !output::agreed(&question) {
        output::error("nothing was changed; say `--yes` to go back without being asked");
        return Ok(Exit::Refused);
    }
    let is_human = arguments.place.format == Format::Human;
    move_to(site, scene, Action::Rollback, from.as_ref(), Some(&target), is_human)
}

/// The generation that was in use before the present one came. What was brought back by hand stays:
/// going back twice goes no further.
fn before(scene: &Scene<'_>) -> Result<Option<u64>, Fault> {
    let current = scene.store.current()?;
    let history = scene.store.history()?;
    let last = history
        .into_iter()
        .rev()
        .find(|entry| entry.verdict == Verdict::Done && entry.from != entry.to);
    Ok(match (last, current) {
        (Some(entry), Some(current)) if entry.action == Action::Rollback => Some(current.number),
        (Some(entry), _) => entry.from.map(|name| name.number),
        (None, _) => None,
    })
}

/// Brings a stack to another generation, or to none.
pub fn move_to(
    site: &Site,
    scene: &Scene<'_>,
    action: Action,
    from: Option<&Generation>,
    to: Option<&Generation>,
    is_human: bool,
) -> Result<Exit, Fault> {
    let empty = FileSet::default();
    let set = to.map_or(&empty, |to| &to.set);
    let observed = look(site, scene, from.map(|from| &from.set), set)?;
    let mut plan = plan::plan(&plan::Request {
        action,
        stack: scene.stack,
        from,
        to: to.map(|to| (&to.set, &to.manifest.settings)),
        to_name: to.map(|to| &to.name),
        observed: &observed,
        rotated: &std::collections::BTreeSet::new(),
    });
    if !site.runs {
        plan.only_install();
    }
    if !plan.is_empty() {
        match is_human {
            true => output::out(&show::plan(&plan)),
            false => show::json_line(&plan),
        }
    }
    let target = to.map_or(Target::Nothing, Target::Kept);
    let manner = Manner { seen: Some(&observed), ..care(site).into() };
    let outcome = apply::apply(scene, &plan, from, target, &Settled::default(), manner);
    Ok(told(scene.stack, &outcome, is_human))
}

/// Runs `recover`.
pub fn recover(arguments: &RecoverArguments) -> Exit {
    let site = match open(&arguments.place) {
        Ok(site) => site,
        Err(fault) => return refuse(&fault),
    };
    let host = site.real.host();
    let stacks = match &arguments.stacks[..] {
        [] => host.files.list(&site.places.stacks),
        given => Ok(given.to_vec()),
    };
    let stacks = match stacks {
        Ok(stacks) => stacks,
        Err(fault) => return refuse(&fault),
    };
    let is_human = arguments.place.format == Format::Human;
    let mut worst = Exit::Done;
    for stack in stacks {
        let exit = on_stack(&site, &arguments.place, &stack, &mut |scene| match arguments.back {
            true => resume::back(&site, scene, is_human).unwrap_or_else(|fault| refuse(&fault)),
            false => Exit::Done,
        });
        if exit != Exit::Done {
            worst = exit;
        }
    }
    worst
}
