//! What the commands that change a host, or plan to, have in common: reading stacks, opening the
//! host, and making the plan.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::lint::Checking;
use super::{Exit, StackArguments, discover, output};
use crate::apply::secrets::{Settled, settle};
use crate::apply::{Event, Outcome, Scene};
use crate::capability::podman::Podman;
use crate::check::{self, Checked, Kind};
use crate::config::Config;
use crate::emit::quadlet;
use crate::emit::template::Templates;
use crate::host::Look;
use crate::host::change::{Fault, Held, LockError};
use crate::host::disk::{self, Disk};
use crate::host::real::{self, Real};
use crate::observe::observe;
use crate::plan::{self, Drifted, Observed, Plan, facts};
use crate::report::{Severity, human};
use crate::resolve::{Part, resolve};
use crate::state::{Action, FileSet, Generation, GenerationName, Manifest, Places};
use crate::threads::{joined, sharing};
use wanted::{Wanted, wanted};

pub mod apply;
pub mod diff;
pub mod health;
pub mod history;
mod judge;
pub mod kept;
pub mod list;
mod live;
pub mod logs;
pub mod plan_command;
pub mod preflight_command;
mod questions;
mod readiness;
pub mod reconcile;
mod resume;
mod show;
mod stats;
pub mod status;
mod survey;
mod unfinished;
pub mod verify;
mod wanted;
pub mod watch;

// Which stacks are meant, and where.
#[derive(Debug, Args)]
pub struct DeployArguments {
    /// Stack files, folders with stack files, or names in `stacks/`
    #[arg(required = true, value_name = "STACK")]
    paths: Vec<PathBuf>,
    /// Only the services of a group, and what they need; may be given again. All others stay as
    /// they are
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
    /// Only a service, and what it needs; may be given again. All others stay as they are
    #[arg(long = "service", value_name = "SERVICE")]
    services: Vec<String>,
    #[command(flatten)]
    place: PlaceArguments,
    #[command(flatten)]
    stack: StackArguments,
}

impl DeployArguments {
    /// The part of each stack that is meant.
    fn part(&self) -> Part<'_> {
        Part { groups: &self.groups, services: &self.services }
    }

    /// The stacks that are to be up, without those that are marked not to be.
    fn read(&self, site: &Site) -> Option<Vec<Wanted>> {
        let mut all = read(&self.paths, self.part(), &self.stack, None, site)?;
        if let Some(lost) = all.iter().find_map(Wanted::lost_secret) {
            output::error(&lost);
            return None;
        }
        all.retain(|wanted| {
            if !wanted.is_deployed {
                let name = &wanted.name;
                output::note(&format!("{name}: left alone, it is marked `deployed: false`\n"));
            }
            wanted.is_deployed
        });
        Some(all)
    }
}

// On which host, and how it is told.
#[derive(Debug, Clone, Args)]
pub struct PlaceArguments {
    /// Work on the services of the machine, not on those of the user
    #[arg(long)]
    system: bool,
    /// Install below a folder, such as a mounted image; nothing is started there
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// How long to wait for another run that works on the stack, such as `30s`
    #[arg(long, value_name = "TIME", default_value = "0s")]
    wait_lock: crate::model::value::duration::Duration,
    /// How it is told
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Human,
    /// For scripts: one JSON value a line
    Json,
}

/// A host that is open, with its folders.
pub struct Site {
    real: Real,
    places: Places,
    of_user: bool,
    /// Whether services can be started there.
    runs: bool,
}

/// Opens the host that is meant.
fn open(place: &PlaceArguments) -> Result<Site, Fault> {
    let scope = if place.system { real::Scope::System } else { real::Scope::User };
    let root = place.root.as_deref().unwrap_or(Path::new("/"));
    let environment = disk::environment();
    let home = environment.get("HOME").map_or(PathBuf::from("/root"), PathBuf::from);
    let configuration = match environment.get("XDG_CONFIG_HOME") {
        Some(folder) if Path::new(folder).is_absolute() => PathBuf::from(folder),
        _ => home.join(".config"),
    };
    let places = match place.system {
        true => Places::of_system(root),
        false => Places::of_user(root, &home, &configuration, disk::user()),
    };
    let runs = place.root.is_none();
    let real = if runs { Real::open(scope)? } else { Real::without_manager(scope)? };
    Ok(Site { real, places, of_user: !place.system, runs })
}

/// Reads stacks and settles what they ask for, in the order in which they must come up; nothing
/// where something is wrong with them, which is told. What is written for an older Podman stays
/// good for the one that is there.
fn read(
    paths: &[PathBuf],
    part: Part<'_>,
    arguments: &StackArguments,
    older: Option<Podman>,
    site: &Site,
) -> Option<Vec<Wanted>> {
    let (files, all_known) = discover::all(paths, &Disk)?;
    // What runs here is what the units must suit.
    let version = site.real.host().containers.version().ok().filter(|_| site.runs);
    let read = || compiled(&files, all_known, part, arguments, (older, version), site.of_user);
    sharing(disk::processors(), disk::size(&files), read)
}

/// Reads the files of stacks and settles what they ask for.
fn compiled(
    files: &[PathBuf],
    all_known: bool,
    part: Part<'_>,
    arguments: &StackArguments,
    (older, version): (Option<Podman>, Option<(u32, u32)>),
    of_user: bool,
) -> Option<Vec<Wanted>> {
    let mut checking = Checking::new();
    let own = version.and_then(|(major, minor)| format!("{major}.{minor}").parse::<Podman>().ok());
    let target = |config: &Config| {
        let own = own.unwrap_or_else(|| config.podman());
        check::Target {
            podman: older.map_or(own, |older| older.min(own)),
            generates: true,
            kind: Kind::Quadlet,
        }
    };
    let (config, compiled) = checking.run(files, all_known, arguments, &target);
    checking.findings.retain(|one| one.severity != Severity::Hint);
    if checking.findings.iter().next().is_some() {
        output::note(&human::render(&checking.findings, &checking.sources, output::style()));
        output::note("\n");
    }
    if checking.findings.has_errors() || compiled.stacks.is_empty() {
        output::note(&output::summary(&checking.findings, files.len()));
        return None;
    }
    if let Some(unknown) = discover::unknown(part, &compiled.stacks) {
        output::error(&unknown);
        return None;
    }
    let scope = if of_user { crate::emit::Scope::User } else { crate::emit::Scope::System };
    let target = quadlet::Target { podman: target(&config).podman, scope };
    let templates = Templates::new(&BTreeMap::new());
    let wanted: Result<Vec<Wanted>, String> =
        templates.map_err(|error| error.message).and_then(|templates| {
            let stacks = compiled.stacks.iter();
            stacks.map(|stack| ask(stack, part, target, &templates, &config)).collect()
        });
    let with_arguments = |mut wanted: Wanted| {
        let whole = |paths: &[PathBuf]| paths.iter().map(|path| Disk.identity(path)).collect();
        wanted.settings.overlays = whole(&arguments.overlays);
        wanted.settings.env_files = whole(&arguments.env_files);
        wanted.settings.podman = Some(target.podman.to_string());
        wanted.expected.podman = version.map(|version| (version, target.podman));
        wanted.settings.patterns_from = arguments.patterns.as_deref().map(|of| Disk.identity(of));
        wanted
    };
    match wanted {
        Ok(wanted) => Some(in_order(wanted.into_iter().map(with_arguments).collect())),
        Err(message) => {
            output::error(&message);
            None
        }
    }
}

fn ask(
    stack: &Checked,
    part: Part<'_>,
    target: quadlet::Target,
    templates: &Templates,
    config: &Config,
) -> Result<Wanted, String> {
    let resolved = resolve(stack, part);
    let files = quadlet::emit(&resolved, target, templates);
    let files = files.map_err(|error| format!("`{}`: {}", stack.name(), error.message))?;
    let whole = (!part.is_all()).then(|| resolve(stack, Part::default()));
    Ok(wanted(stack, (whole.as_ref().unwrap_or(&resolved), &resolved), files, config))
}

/// Stacks behind those that they require; one circle is told by `lint`, and ends here all the same.
fn in_order(mut open: Vec<Wanted>) -> Vec<Wanted> {
    let mut done: Vec<Wanted> = Vec::new();
    while !open.is_empty() {
        let waits = |one: &Wanted| {
            one.requires.iter().any(|name| open.iter().any(|other| other.name == *name))
        };
        let place = open.iter().position(|one| !waits(one)).unwrap_or(0);
        done.push(open.remove(place));
    }
    done
}

/// All that is known before a stack is touched.
struct Prepared {
    from: Option<Generation>,
    set: FileSet,
    manifest: Manifest,
    observed: Observed,
    secrets: Settled,
    plan: Plan,
}

/// Makes the plan of a stack.
fn prepare(
    site: &Site,
    scene: &Scene<'_>,
    wanted: &Wanted,
    is_part: bool,
    drifted: Drifted,
) -> Result<Prepared, Fault> {
    let from = scene.store.in_use()?;
    if let Some(damage) = from.iter().flat_map(|from| &from.damage).next().filter(|_| is_part) {
        // What is laid over it would keep the damage.
        return Err(Fault::other("apply a part alone", format!("{damage}; apply the whole stack")));
    }
    let set = match &from {
        Some(from) if is_part => over(&from.set, &wanted.set),
        _ => wanted.set.clone(),
    };
    let manifest = wanted.manifest(&set);
    let sources = if site.runs { &wanted.secrets[..] } else { &[] };
    let digest = manifest.mark();
    let to_name = match &from {
        Some(from) if digest == from.name.digest => from.name.clone(),
        _ => GenerationName { number: 0, digest },
    };
    let (host, stack) = (scene.host, scene.stack);
    let (secrets, observed) = std::thread::scope(|threads| {
        let secrets = threads.spawn(move || settle(host, stack, sources));
        let observed = look(site, scene, from.as_ref().map(|from| &from.set), &set);
        (joined(secrets), observed)
    });
    let (secrets, mut observed) = (secrets?, observed?);
    free(&mut observed, &drifted.masks);
    observed.drifted = drifted;
    let mut plan = plan::plan(&plan::Request {
        action: Action::Apply,
        stack: scene.stack,
        from: from.as_ref(),
        to: Some((&set, &manifest.settings)),
        to_name: Some(&to_name),
        observed: &observed,
        rotated: &secrets.rotated,
    });
    if !site.runs {
        plan.only_install();
    }
    Ok(Prepared { from, set, manifest, observed, secrets, plan })
}

/// What is seen of services when nothing forbids them to start any more.
fn free(observed: &mut Observed, masks: &BTreeSet<PathBuf>) {
    for (service, state) in &mut observed.states {
        let is_own = |mask: &PathBuf| mask.file_name().is_some_and(|name| *name == **service);
        if state.is_masked && masks.iter().any(is_own) {
            state.is_masked = false;
        }
    }
}

/// A part of a stack laid over what is installed of it.
fn over(installed: &FileSet, part: &FileSet) -> FileSet {
    let mut set = installed.clone();
    set.units.extend(part.units.clone());
    set.plain.extend(part.plain.clone());
    set.files.extend(part.files.clone());
    set
}

/// What is seen of a stack; nothing where nothing runs.
fn look(
    site: &Site,
    scene: &Scene<'_>,
    from: Option<&FileSet>,
    to: &FileSet,
) -> Result<Observed, Fault> {
    if !site.runs {
        return Ok(Observed::default());
    }
    let old = from.map(facts).unwrap_or_default();
    let names: BTreeSet<String> = old.into_keys().chain(facts(to).into_keys()).collect();
    observe(scene.host, scene.stack, &names)
}

/// Runs something on a stack while nobody else does, after what a crash cut short is put back.
fn locked(
    scene: &Scene<'_>,
    place: &PlaceArguments,
    run: &mut dyn FnMut(&Scene<'_>) -> Exit,
) -> Exit {
    held(scene, place, &mut |scene| match crate::apply::recover(scene) {
        Ok(_) => run(scene),
        Err(failure) => {
            output::note(&show::failure(&failure));
            let outcome = Outcome::NotRestored { failure, why: None };
            output::note(&show::outcome(scene.stack, &outcome));
            Exit::NotRestored
        }
    })
}

/// Runs something on a stack, as it is, while nobody else does.
fn held(
    scene: &Scene<'_>,
    place: &PlaceArguments,
    run: &mut dyn FnMut(&Scene<'_>) -> Exit,
) -> Exit {
    let wait = Duration::from_secs(place.wait_lock.seconds_rounded_up());
    let _held: Box<dyn Held> = match scene.store.lock(wait) {
        Ok(held) => held,
        Err(LockError::Held) => {
            output::error(&format!(
                "another run works on `{}`; wait for it, or say `--wait-lock 5m`",
                scene.stack
            ));
            return Exit::Locked;
        }
        Err(LockError::Fault(fault)) => return refuse(&fault),
    };
    run(scene)
}

/// Tells why nothing could be done.
fn refuse(fault: &Fault) -> Exit {
    output::error(&fault.to_string());
    Exit::Refused
}

/// Who tells what happens, on what a scene reports.
fn teller(site: &Site, format: Format, stack: String) -> impl Fn(&Event) + '_ {
    move |event| match format {
        Format::Json => show::json_line(event),
        Format::Human => {
            if let Event::Failed { failure } = event {
                output::note(&show::failure(failure));
            } else {
                let time = clock(site.real.host().machine.wall_time());
                output::note(&format!("{time} {stack}: {}\n", show::event(event)));
            }
        }
    }
}

/// The time of day in UTC.
fn clock(seconds: u64) -> String {
    let (hours, minutes) = (seconds / 3600 % 24, seconds / 60 % 60);
    format!("{hours:02}:{minutes:02}:{:02}", seconds % 60)
}
