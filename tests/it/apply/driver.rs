//! One run of a command, as the command line does it: lock, recover, look, plan, apply.

use std::cell::RefCell;
use std::time::Duration;

use stackwright::apply::resume::{self, Rest};
use stackwright::apply::secrets::{Source, settle};
use stackwright::apply::{self, Care, Event, Failure, Manner, Outcome, Scene, Step, Target};
use stackwright::host::change::Fault;
use stackwright::observe::observe;
use stackwright::plan::{self, Plan, facts};
use stackwright::state::{Action, GenerationName, Store};

use super::host::Simulated;
use super::seeded::Defective;
use super::stack::Stack;

/// What is wanted of a host.
#[derive(Debug, Clone)]
pub enum Want {
    Apply(Stack),
    Rollback(u64),
    Remove,
    /// Going on with what was cut short on the way to a stack; nothing where nothing was.
    Resume(Stack),
    /// Nothing but to put right what was cut short.
    Recover,
}

/// How one run went.
#[derive(Debug)]
pub struct Run {
    pub outcome: Result<Outcome, Failure>,
    pub plan: Option<Plan>,
    pub events: Vec<Event>,
    /// Whether something was put right first.
    pub recovered: bool,
}

impl Run {
    /// What somebody must know to find out what went wrong.
    pub fn brief(&self) -> String {
        let told = |event: &Event| match event {
            Event::Failed { .. } => String::new(),
            Event::Step { step } => format!("{step:?}:"),
            Event::Note { text } => format!("\n  note: {text}\n"),
            Event::Starting { service } => format!("+{service}"),
            Event::Stopping { service } => format!("-{service}"),
            Event::Ready { service, .. } => format!("({service} up)"),
            Event::Stopped { service } => format!("({service} down)"),
            other => format!("{other:?}"),
        };
        let events: Vec<String> = self.events.iter().map(told).collect();
        let events = events.join(" ");
        let failure = |failure: &Failure| {
            let service = failure.service.as_deref().unwrap_or("-");
            format!("{:?} {service}: {} {:?}", failure.step, failure.why, failure.down)
        };
        let outcome = match &self.outcome {
            Ok(Outcome::Nothing) => "nothing".to_owned(),
            Ok(Outcome::Done { .. }) => "done".to_owned(),
            Ok(Outcome::Refused(why)) => format!("refused, {}", failure(why)),
            Ok(Outcome::Restored(why)) => format!("restored, {}", failure(why)),
            Ok(Outcome::NotRestored { failure: why, why: back }) => {
                let back = back.as_ref().map(failure).unwrap_or_default();
                format!("NOT RESTORED, {}; {back}", failure(why))
            }
            Err(why) => format!("error, {}", failure(why)),
        };
        format!("{events}\n  => {outcome}")
    }

    pub fn notes(&self) -> Vec<&str> {
        fn note(event: &Event) -> Option<&str> {
            match event {
                Event::Note { text } => Some(text.as_str()),
                _ => None,
            }
        }
        self.events.iter().filter_map(note).collect()
    }

    /// The services that were told to start, in that order.
    pub fn starts(&self) -> Vec<&str> {
        fn start(event: &Event) -> Option<&str> {
            match event {
                Event::Starting { service } => Some(service.as_str()),
                _ => None,
            }
        }
        self.events.iter().filter_map(start).collect()
    }

    pub fn plan(&self) -> &Plan {
        self.plan.as_ref().unwrap()
    }

    #[track_caller]
    pub fn done(&self) -> Option<&GenerationName> {
        match &self.outcome {
            Ok(Outcome::Done { generation, .. }) => generation.as_ref(),
            _ => panic!("it is not done: {}", self.brief()),
        }
    }

    #[track_caller]
    pub fn refused(&self) -> &Failure {
        match &self.outcome {
            Ok(Outcome::Refused(failure)) => failure,
            _ => panic!("it is not refused: {}", self.brief()),
        }
    }

    #[track_caller]
    pub fn restored(&self) -> &Failure {
        match &self.outcome {
            Ok(Outcome::Restored(failure)) => failure,
            _ => panic!("it is not restored: {}", self.brief()),
        }
    }

    #[track_caller]
    pub fn not_restored(&self) -> (&Failure, Option<&Failure>) {
        match &self.outcome {
            Ok(Outcome::NotRestored { failure, why }) => (failure, why.as_ref()),
            _ => panic!("it is not failed: {}", self.brief()),
        }
    }
}

/// How a command is run beside what it wants.
#[derive(Clone)]
pub struct How {
    pub manner: Manner<'static>,
    /// Secrets with the values that they are to have.
    pub sources: Vec<Source>,
}

impl Default for How {
    fn default() -> Self {
        Self { manner: Care::Full.into(), sources: Vec::new() }
    }
}

/// Runs a command in a process of its own.
pub fn run(host: &Simulated, want: &Want) -> Run {
    run_how(host, "shop", want, &How::default())
}

pub fn run_how(host: &Simulated, stack: &str, want: &Want, how: &How) -> Run {
    let events = RefCell::new(Vec::new());
    let tell = |event: &Event| events.borrow_mut().push(event.clone());
    let places = host.world().places.clone();
    let seen = Defective::of(host);
    let store = Store::of(&seen, &places, stack);
    let scene = Scene { host: seen.host(), places: &places, store: &store, stack, tell: &tell };
    let mut plan = None;
    let mut recovered = false;
    let outcome = command(&scene, want, how, &mut plan, &mut recovered);
    Run { outcome, plan, events: events.into_inner(), recovered }
}

fn resume(scene: &Scene<'_>, stack: &Stack, how: &How) -> Result<Outcome, Fault> {
    let manifest = stack.manifest();
    let Some(journal) = resume::journal(scene)? else { return Ok(Outcome::Nothing) };
    let secrets = settle(scene.host, scene.stack, &how.sources)?;
    let rest = Rest::of(scene, journal, &stack.set, &manifest)?;
    Ok(rest.go_on(scene, (&stack.set, &manifest), &secrets, how.manner))
}

fn command(
    scene: &Scene<'_>,
    want: &Want,
    how: &How,
    kept: &mut Option<Plan>,
    recovered: &mut bool,
) -> Result<Outcome, Failure> {
    let fault = |fault| Failure::at(Step::Recover, format!("{fault:?}"));
    let _lock = scene
        .store
        .lock(Duration::ZERO)
        .map_err(|error| Failure::at(Step::Recover, format!("the lock: {error:?}")))?;
    if let Want::Resume(stack) = want {
        return resume(scene, stack, how).map_err(fault);
    }
    *recovered = apply::recover(scene)?;
    if matches!(want, Want::Recover) {
        return Ok(Outcome::Nothing);
    }
    let from = scene.store.in_use().map_err(fault)?;
    let older;
    let (target, action, to_name) = match want {
        Want::Recover | Want::Resume(_) => unreachable!(),
        Want::Apply(stack) => {
            let manifest = stack.manifest();
            let digest = manifest.digest();
            let same = from.as_ref().filter(|from| digest.starts_with(&from.name.digest));
            let name = match same {
                Some(from) => from.name.clone(),
                None => GenerationName { number: 0, digest: digest.chars().take(12).collect() },
            };
            (Some((stack.set.clone(), manifest)), Action::Apply, Some(name))
        }
        Want::Rollback(number) => {
            let names = scene.store.generations().map_err(fault)?;
            let name = names.into_iter().find(|name| name.number == *number).unwrap();
            older = scene.store.read(&name).map_err(fault)?;
            let wanted = (older.set.clone(), older.manifest.clone());
            (Some(wanted), Action::Rollback, Some(name))
        }
        Want::Remove => (None, Action::Remove, None),
    };
    let sets = [from.as_ref().map(|from| &from.set), target.as_ref().map(|(set, _)| set)];
    let names = sets.into_iter().flatten().flat_map(|set| facts(set).into_keys()).collect();
    let secrets = settle(scene.host, scene.stack, &how.sources).map_err(fault)?;
    let observed = observe(scene.host, scene.stack, &names).map_err(fault)?;
    let plan = plan::plan(&plan::Request {
        action,
        stack: scene.stack,
        from: from.as_ref(),
        to: target.as_ref().map(|(set, manifest)| (set, &manifest.settings)),
        to_name: to_name.as_ref(),
        observed: &observed,
        rotated: &secrets.rotated,
    });
    *kept = Some(plan.clone());
    let kept_generation;
    let aim = match (want, &target) {
        (Want::Apply(_), Some((set, manifest))) => Target::New(set, manifest),
        (Want::Rollback(_), _) => {
            let name = to_name.unwrap();
            kept_generation = scene.store.read(&name).map_err(fault)?;
            Target::Kept(&kept_generation)
        }
        _ => Target::Nothing,
    };
    let manner = Manner { seen: Some(&observed), ..how.manner };
    Ok(apply::apply(scene, &plan, from.as_ref(), aim, &secrets, manner))
}
