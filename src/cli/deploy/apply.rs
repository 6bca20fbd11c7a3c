//! `apply`: bring stacks up as their files say, or leave all as it was.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use clap::Args;

use super::super::{Exit, output};
use super::judge::{self, Judged};
use super::live::Live;
use super::preflight_command::in_the_way;
use super::wanted::Wanted;
use super::{
    DeployArguments, Format, PlaceArguments, Prepared, Site, locked, open, prepare, refuse, resume,
    show, teller,
};
use crate::apply::{self, Answer, Care, Manner, Outcome, Scene, Target};
use crate::emit::quadlet::gate::CALL;
use crate::host::Look;
use crate::host::change::{Entry, Fault};
use crate::host::disk::{self, Disk};
use crate::plan::{Drifted, Plan};
use crate::score::Judgement;
use crate::state::manifest::OnFailure;
use crate::state::{FileSet, Store};

pub const EXAMPLES: &str = "\
Examples:
  stackwright apply immich                 show the plan, ask, and bring it up
  stackwright apply stacks/ --yes          all stacks, each after those it requires
  stackwright apply immich --dry-run       what `plan` tells
  stackwright apply immich --resume        go on with what a crash cut short
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
    /// Do not ask. What is of high risk on a host that is not well waits all the same, with exit 3
    #[arg(long, short)]
    yes: bool,
    /// Show what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    /// Go on whatever the score of the host is
    #[arg(long)]
    ignore_health: bool,
    /// Leave all as it is when something fails
    #[arg(long)]
    no_rollback: bool,
    /// Hold all as it is when a service fails, and ask what is to be done. Where there is no
    /// terminal nobody can be asked, and all is put back
    #[arg(long, conflicts_with = "no_rollback")]
    pause_on_failure: bool,
    /// Tell services to start, and do not wait until they are up
    #[arg(long)]
    no_wait: bool,
    /// Install the files, and start nothing
    #[arg(long)]
    only_install: bool,
    /// Go on with a deployment that was cut short, where it stopped, in place of putting it back
    #[arg(long, conflicts_with_all = ["plan", "only_install"])]
    resume: bool,
    /// Do just what a plan says that `plan --save` wrote, or nothing
    #[arg(long, value_name = "FILE")]
    plan: Option<PathBuf>,
}

/// Who agrees to a deployment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Consent {
    /// Somebody is to be asked.
    Ask,
    /// Somebody was asked, and saw what would be done.
    Given,
    /// Nobody is asked.
    Unasked,
}

/// How a stack is brought up.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub struct Asked<'m> {
    /// On which host, and how it is told.
    pub place: &'m PlaceArguments,
    /// Whether only a part of it is meant.
    pub is_part: bool,
    /// Who agrees to it.
    pub consent: Consent,
    /// Whether it goes on whatever the score of the host is.
    pub ignore_health: bool,
    /// Whether nothing is done.
    pub dry_run: bool,
    /// Whether services are waited for.
    pub no_wait: bool,
    /// Whether services are left alone.
    pub only_install: bool,
    /// Plans of which it must be one.
    pub saved: Option<&'m [Plan]>,
    /// What becomes of a failure, where that is another thing than the stack says.
    pub on_failure: Option<OnFailure>,
    /// Whether the plan is shown.
    pub shows_plan: bool,
    /// What has drifted, found out when nobody else works on the stack.
    pub drifted: &'m dyn Fn() -> Result<Drifted, Fault>,
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
    let Some(all) = arguments.deploy.read(&site) else { return Exit::WrongInput };
    let asked = Asked {
        place: &arguments.deploy.place,
        is_part: !arguments.deploy.part().is_all(),
        consent: if arguments.yes { Consent::Unasked } else { Consent::Ask },
        ignore_health: arguments.ignore_health,
        dry_run: arguments.dry_run,
        no_wait: arguments.no_wait,
        only_install: arguments.only_install,
        saved: saved.as_deref(),
        on_failure: match (arguments.no_rollback, arguments.pause_on_failure) {
            (true, _) => Some(OnFailure::Leave),
            (_, true) => Some(OnFailure::Pause),
            _ => None,
        },
        shows_plan: true,
        drifted: &|| Ok(Drifted::default()),
    };
    for wanted in &all {
        let exit = match arguments.resume {
            true => resume::one(&asked, &site, wanted),
            false => one(&asked, &site, wanted),
        };
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

/// Brings one stack up.
pub fn one(asked: &Asked<'_>, site: &Site, wanted: &Wanted) -> Exit {
    let host = site.real.host();
    let place = asked.place;
    let store = Store::of(host.files, &site.places, &wanted.name);
    let tell = teller(site, place.format, wanted.name.clone());
    let scene =
        Scene { host, places: &site.places, store: &store, stack: &wanted.name, tell: &tell };
    let mut run = |scene: &Scene<'_>| locked_apply(asked, site, scene, wanted);
    match asked.dry_run {
        // Nothing is written, not even a lock.
        true => run(&scene),
        false => locked(&scene, place, &mut run),
    }
}

fn show_plan(plan: &Plan, is_human: bool) {
    match is_human {
        true => output::out(&show::plan(plan)),
        false => show::json_line(plan),
    }
}

/// Shows what would be done, where there is something to do: then it differs.
pub fn preview(asked: &Asked<'_>, site: &Site, wanted: &Wanted) -> Exit {
    let host = site.real.host();
    let store = Store::of(host.files, &site.places, &wanted.name);
    let tell = &|_: &apply::Event| {};
    let scene = Scene { host, places: &site.places, store: &store, stack: &wanted.name, tell };
    let prepared =
        (asked.drifted)().and_then(|drifted| prepare(site, &scene, wanted, asked.is_part, drifted));
    match prepared {
        Ok(prepared) if prepared.plan.is_empty() => Exit::Done,
        Ok(prepared) => {
            let is_human = asked.place.format == Format::Human;
            show_plan(&prepared.plan, is_human);
            match judge::of(site, &scene, wanted, &prepared) {
                Ok(Some(judged)) if is_human => judged.tell(scene.stack, Format::Human),
                Ok(_) => {}
                Err(fault) => return refuse(&fault),
            }
            Exit::Differs
        }
        Err(fault) => refuse(&fault),
    }
}

fn locked_apply(asked: &Asked<'_>, site: &Site, scene: &Scene<'_>, wanted: &Wanted) -> Exit {
    let prepared =
        (asked.drifted)().and_then(|drifted| prepare(site, scene, wanted, asked.is_part, drifted));
    let mut prepared = match prepared {
        Ok(prepared) => prepared,
        Err(fault) => return refuse(&fault),
    };
    if asked.only_install {
        prepared.plan.only_install();
    }
    let plan = &prepared.plan;
    if asked.saved.is_some_and(|saved| !saved.contains(plan)) {
        output::error(&format!(
            "the saved plan of `{}` is stale: the stack file or the host changed since; make \
             another one",
            wanted.name
        ));
        return Exit::Stale;
    }
    let is_human = asked.place.format == Format::Human;
    if asked.shows_plan && (!plan.is_empty() || asked.dry_run) {
        show_plan(plan, is_human);
    }
    let judged = match judge::of(site, scene, wanted, &prepared) {
        Ok(judged) => judged,
        Err(fault) => return refuse(&fault),
    };
    let found = Found { prepared: &prepared, judged: judged.as_ref() };
    if let Some(exit) = stopped(asked, site, scene, wanted, &found) {
        return exit;
    }
    let assessed = judged.map(|judged| judged.assessed());
    let care = match (site.runs && !asked.only_install, asked.no_wait) {
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
    let masks = &prepared.observed.drifted.masks;
    let kept = keep_program(&watched, &prepared.set).and_then(|()| unmask(&watched, masks));
    if let Err(fault) = kept {
        return refuse(&fault);
    }
    let ask = || match &live {
        Some(live) => live.aside(|| ask(scene.stack)),
        None => ask(scene.stack),
    };
    let manner = Manner {
        care,
        on_failure: asked.on_failure,
        ask: (is_human && output::can_ask()).then_some(&ask as &dyn Fn() -> Answer),
        // Whoever was asked may have taken his time.
        seen: (asked.consent != Consent::Ask).then_some(&prepared.observed),
        assessed: assessed.as_ref(),
    };
    let outcome = apply::apply(&watched, plan, from, target, &prepared.secrets, manner);
    if !matches!(outcome, Outcome::Nothing | Outcome::Done { .. }) {
        mask(&watched, masks);
    }
    drop(live);
    told(scene.stack, &outcome, is_human)
}

/// Keeps the link by which units call this program, where any does.
fn keep_program(scene: &Scene<'_>, set: &FileSet) -> Result<(), Fault> {
    let link = scene.places.program();
    if !set.units.values().any(|text| text.contains(CALL)) {
        return Ok(());
    }
    let Some(program) = disk::program() else {
        let why = "the system does not tell where this program lies";
        return Err(Fault::other("let units call this program", why));
    };
    let files = scene.host.files;
    if files.entry(&link)? == Some(Entry::Link(program.clone())) {
        return Ok(());
    }
    link.parent().map_or(Ok(()), |folder| files.make_folder(folder))?;
    files.link(&link, &program)
}

/// Where a mask leads.
const NOWHERE: &str = "/dev/null";

/// Takes masks away, or leaves all of them.
fn unmask(scene: &Scene<'_>, masks: &BTreeSet<PathBuf>) -> Result<(), Fault> {
    let files = scene.host.files;
    for path in masks {
        let is_mask =
            matches!(files.entry(path)?, Some(Entry::Link(to)) if to == Path::new(NOWHERE));
        if let Err(fault) = if is_mask { files.remove(path) } else { Ok(()) } {
            mask(scene, masks);
            return Err(fault);
        }
    }
    Ok(())
}

/// Puts masks back that were taken away in vain.
fn mask(scene: &Scene<'_>, masks: &BTreeSet<PathBuf>) {
    let files = scene.host.files;
    let put_back = |path: &PathBuf| match files.entry(path)? {
        None => files.link(path, Path::new(NOWHERE)),
        Some(_) => Ok(()),
    };
    let done = masks.iter().try_for_each(put_back);
    let reload = || if masks.is_empty() { Ok(()) } else { scene.host.units.reload() };
    if let Err(fault) = done.and_then(|()| reload()) {
        (scene.tell)(&apply::Event::Note { text: fault.to_string() });
    }
}

/// Asks what is to become of a failure; where nobody answers, all is put back.
fn ask(stack: &str) -> Answer {
    let prompt = format!(
        "{stack} is held as it is. Start what is down once more, put all back, or leave it so? \
         [s/B/l] "
    );
    loop {
        match output::answer(&prompt).as_deref() {
            Some("s" | "S" | "start") => return Answer::GoOn,
            Some("l" | "L" | "leave") => return Answer::Leave,
            None | Some("" | "b" | "B" | "back") => return Answer::Back,
            Some(_) => {}
        }
    }
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

/// What is known of a plan before it is carried out.
struct Found<'f> {
    prepared: &'f Prepared,
    judged: Option<&'f Judged>,
}

/// Why a plan is not carried out, if so.
fn stopped(
    asked: &Asked<'_>,
    site: &Site,
    scene: &Scene<'_>,
    wanted: &Wanted,
    found: &Found<'_>,
) -> Option<Exit> {
    let Found { prepared, judged } = *found;
    if prepared.plan.is_empty() {
        return None;
    }
    if site.runs {
        match in_the_way(scene, site, wanted, prepared, None) {
            Ok(found) if show::pass(scene.stack, &found, asked.place.format) => {}
            Ok(_) => {
                output::note(&format!("{}: nothing was changed\n", scene.stack));
                return Some(Exit::Refused);
            }
            Err(fault) => return Some(refuse(&fault)),
        }
    }
    if let Some(judged) = judged {
        let judgement = if asked.ignore_health { Judgement::GoOn } else { judged.judgement };
        let stops = match judgement {
            Judgement::GoOn | Judgement::Ask => false,
            Judgement::AskSomebody => asked.consent == Consent::Unasked,
            Judgement::Refuse => true,
        };
        if asked.place.format == Format::Json || asked.shows_plan {
            judged.tell(scene.stack, asked.place.format);
        }
        if stops && !asked.dry_run {
            return Some(judged.refuse(scene.stack));
        }
    }
    if asked.dry_run {
        return Some(Exit::Done);
    }
    if asked.consent != Consent::Ask || output::agreed(&format!("Apply {}?", scene.stack)) {
        return None;
    }
    output::error("nothing was changed; say `--yes` to apply without being asked");
    Some(Exit::Refused)
}
