//! `reconcile`: bring back what has drifted, and all stacks of a catalogue to what their files say.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use clap::Args;

use super::super::{Exit, StackArguments, output};
use super::apply::{Asked, Consent, one};
use super::kept;
use super::survey::{Seen, Survey, drift, look, survey};
use super::wanted::Wanted;
use super::{Format, PlaceArguments, Site, diff, open, refuse};
use crate::drift::{Item, Layer, Remedy, StackDrift, State};
use crate::host::change::Fault;
use crate::plan::Drifted;
use crate::state::{Generation, Store};

pub const EXAMPLES: &str = "\
Examples:
  stackwright reconcile                    bring back what has drifted, of all that is installed
  stackwright reconcile immich --dry-run   what would be done
  stackwright reconcile stacks/ --yes      deploy, update and remove what the folder says

Someone else's files, and volumes, are left alone: what would mend them is told, with exit 2.";

/// All that can drift.
pub const LAYERS: [Layer; 4] = [Layer::Files, Layer::Installed, Layer::Loaded, Layer::Running];

#[derive(Debug, Args)]
pub struct ReconcileArguments {
    /// Stack files, folders with stack files, names in `stacks/`, or names of installed stacks; all
    /// that are installed where none is given
    #[arg(value_name = "STACK")]
    paths: Vec<PathBuf>,
    /// Do not ask. What is of high risk on a host that is not well waits all the same, with exit 3
    #[arg(long, short)]
    yes: bool,
    /// Go on whatever the score of the host is
    #[arg(long)]
    ignore_health: bool,
    /// Show what would be done, and do nothing
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    place: PlaceArguments,
    #[command(flatten)]
    stack: StackArguments,
}

/// Runs the command.
pub fn run(arguments: &ReconcileArguments) -> Exit {
    let site = match open(&arguments.place) {
        Ok(site) => site,
        Err(fault) => return refuse(&fault),
    };
    let survey = match survey(&arguments.paths, &arguments.stack, &site, &LAYERS) {
        Ok(Some(survey)) => survey,
        Ok(None) => return Exit::WrongInput,
        Err(fault) => return refuse(&fault),
    };
    let run = Run { arguments, site: &site, survey: &survey };
    run.whole().unwrap_or_else(|fault| refuse(&fault))
}

/// Brings back all that has drifted without asking anybody.
pub fn unattended(place: PlaceArguments, stack: StackArguments) -> Exit {
    run(&ReconcileArguments {
        paths: Vec::new(),
        yes: true,
        ignore_health: false,
        dry_run: false,
        place,
        stack,
    })
}

/// What is to become of a stack.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Goal {
    Bring,
    Remove,
}

/// Stacks on their way to what they should be.
struct Run<'r> {
    arguments: &'r ReconcileArguments,
    site: &'r Site,
    survey: &'r Survey,
}

impl<'r> Run<'r> {
    /// First all plans, then one question, then each stack.
    fn whole(&self) -> Result<Exit, Fault> {
        let seen = &self.survey.seen;
        let mut left = self.gone(seen)?;
        let mut open = Vec::new();
        for (wanted, goal) in self.goals() {
            let drift = self.drift(wanted, seen)?;
            left |= self.tell_rest(&drift, goal);
            let is_open = match goal {
                Goal::Remove => self.announce(wanted),
                Goal::Bring => self.plan(wanted, &drift),
            };
            match is_open {
                Exit::Done => {}
                Exit::Differs => open.push((wanted, goal)),
                exit => return Ok(exit),
            }
        }
        let end = if left { Exit::Differs } else { Exit::Done };
        if open.is_empty() {
            if self.arguments.place.format == Format::Human {
                output::out("nothing to do\n");
            }
            return Ok(end);
        }
        if self.arguments.dry_run {
            return Ok(end);
        }
        if !self.arguments.yes && !output::agreed("Go on?") {
            output::error("nothing was changed; say `--yes` to go on without being asked");
            return Ok(Exit::Refused);
        }
        Ok(match self.carry_out(&open) {
            Exit::Done => end,
            exit => exit,
        })
    }

    /// What goes first, each before those that it requires; then what is to be there.
    fn goals(&self) -> Vec<(&'r Wanted, Goal)> {
        let is_installed = |wanted: &&Wanted| self.survey.known.contains_key(&wanted.name);
        let (there, gone): (Vec<&Wanted>, Vec<&Wanted>) =
            self.survey.wanted.iter().partition(|wanted| wanted.is_deployed);
        let gone = gone.into_iter().rev().filter(is_installed).map(|one| (one, Goal::Remove));
        gone.chain(there.into_iter().map(|one| (one, Goal::Bring))).collect()
    }

    fn drift(&self, wanted: &Wanted, seen: &Seen) -> Result<StackDrift, Fault> {
        let known = self.survey.known.get(&wanted.name);
        drift(self.site, &wanted.name, Some(wanted), known, seen, &LAYERS)
    }

    /// Tells of stacks without a file: they stay as they are.
    fn gone(&self, seen: &Seen) -> Result<bool, Fault> {
        let has_file = |name: &String| self.survey.wanted.iter().any(|one| one.name == *name);
        let mut left = false;
        for name in self.survey.names.iter().filter(|name| !has_file(name)) {
            let known = self.survey.known.get(name);
            let drift = drift(self.site, name, None, known, seen, &LAYERS)?;
            left |= drift.state == State::Drift;
            self.show(&drift, &drift.items.iter().collect::<Vec<_>>());
        }
        Ok(left)
    }

    /// Tells what nobody but the user can mend; whether there is any.
    fn tell_rest(&self, drift: &StackDrift, goal: Goal) -> bool {
        let is_rest = |item: &&Item| {
            let is_rest = match item.layer {
                Layer::Files => self.survey.seen.strange.contains_key(&drift.stack),
                Layer::Installed => false,
                Layer::Loaded => true,
                Layer::Running => item.state == State::Drift,
            };
            is_rest && item.remedy == Remedy::Nothing && goal == Goal::Bring
        };
        let rest: Vec<&Item> = drift.items.iter().filter(is_rest).collect();
        self.show(drift, &rest);
        rest.iter().any(|item| item.state == State::Drift)
    }

    fn show(&self, drift: &StackDrift, items: &[&Item]) {
        if !items.is_empty() && self.arguments.place.format == Format::Human {
            let lines: String = items.iter().map(|item| diff::lines(item)).collect();
            output::note(&format!("{}: what is left to you\n{lines}", drift.stack));
        }
    }

    fn announce(&self, wanted: &Wanted) -> Exit {
        if self.arguments.place.format == Format::Human {
            let name = &wanted.name;
            output::out(&format!("{name}: is removed, it is marked `deployed: false`\n"));
        }
        Exit::Differs
    }

    /// Shows the plan of a stack: differs where there is something to do.
    fn plan(&self, wanted: &Wanted, drift: &StackDrift) -> Exit {
        let drifted = || Ok(drift.drifted());
        super::apply::preview(&self.asked(&drifted), self.site, wanted)
    }

    fn asked<'m>(&'m self, drifted: &'m dyn Fn() -> Result<Drifted, Fault>) -> Asked<'m> {
        Asked {
            place: &self.arguments.place,
            is_part: false,
            consent: if self.arguments.yes { Consent::Unasked } else { Consent::Given },
            ignore_health: self.arguments.ignore_health,
            dry_run: false,
            no_wait: false,
            only_install: false,
            saved: None,
            on_failure: None,
            shows_plan: false,
            drifted,
        }
    }

    /// What fails takes those with it that require it, and nothing else.
    fn carry_out(&self, open: &[(&Wanted, Goal)]) -> Exit {
        let mut failed: BTreeSet<&str> = BTreeSet::new();
        let mut first = Exit::Done;
        for (wanted, _) in open.iter().filter(|(_, goal)| *goal == Goal::Remove) {
            let exit = kept::remove_whole(self.site, &self.arguments.place, &wanted.name);
            first = if first == Exit::Done { exit } else { first };
        }
        // A stack with nothing to do of its own stands between others all the same.
        for wanted in &self.survey.wanted {
            let goal = open.iter().find(|(one, _)| one.name == wanted.name).map(|(_, goal)| *goal);
            let missing = wanted.requires.iter().find(|name| failed.contains(name.as_str()));
            if let (Some(missing), Some(Goal::Bring) | None) = (missing, goal) {
                failed.insert(&wanted.name);
                if goal.is_some() {
                    let (name, why) = (&wanted.name, "is left as it is: it requires");
                    output::note(&format!("{name}: {why} {missing}, which failed\n"));
                }
            }
            if goal != Some(Goal::Bring) || failed.contains(wanted.name.as_str()) {
                continue;
            }
            let exit = self.bring(wanted);
            if exit != Exit::Done {
                failed.insert(&wanted.name);
                first = if first == Exit::Done { exit } else { first };
            }
        }
        first
    }

    /// Brings one stack back, with what has drifted by now.
    fn bring(&self, wanted: &Wanted) -> Exit {
        let drifted = || {
            let names = BTreeSet::from([wanted.name.clone()]);
            let store = Store::of(self.site.real.host().files, &self.site.places, &wanted.name);
            let known = store.in_use()?.map(|one| (wanted.name.clone(), one));
            let known: BTreeMap<String, Generation> = known.into_iter().collect();
            let seen = look(self.site, &known, &names, false, &LAYERS)?;
            let one = known.get(&wanted.name);
            Ok(drift(self.site, &wanted.name, Some(wanted), one, &seen, &LAYERS)?.drifted())
        };
        one(&self.asked(&drifted), self.site, wanted)
    }
}
