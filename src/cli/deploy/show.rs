//! Plans, events and outcomes as people read them.

use std::fmt::Write;

use serde::Serialize;

use super::super::{Exit, output};
use super::Format;
use super::preflight_command::Found;
use crate::apply::{Event, Failure, Outcome, Step};
use crate::plan::{Effect, Plan, Sign};
use crate::preflight::Finding;
use crate::report::human::escape;

/// A plan as a table, with what it costs.
pub fn plan(plan: &Plan) -> String {
    let mut text = String::new();
    let to = match (&plan.from, &plan.to) {
        (None, Some(_)) => "first deployment".to_owned(),
        (Some(from), Some(_)) => format!("from generation {}", from.number),
        (Some(from), None) => format!("removal of generation {}", from.number),
        (None, None) => "nothing is installed".to_owned(),
    };
    line(&mut text, format_args!("{}: {to}", plan.stack));
    if plan.is_empty() {
        line(&mut text, format_args!("  nothing to do"));
        return text;
    }
    let width = plan.units.iter().map(|unit| unit.file.chars().count()).max().unwrap_or(0);
    for unit in &plan.units {
        let effect = match unit.effect {
            Effect::Start => "start",
            Effect::Restart => "restart",
            Effect::Stop => "stop",
            Effect::Nothing => "",
        };
        let row =
            format!("  {} {:width$}  {effect:7}  {}", unit.sign.symbol(), unit.file, unit.why);
        line(&mut text, format_args!("{}", row.trim_end()));
        for changed in unit.difference.iter().flat_map(|difference| difference.lines().skip(2)) {
            line(&mut text, format_args!("      {}", colored(changed)));
        }
    }
    for image in &plan.pull {
        line(&mut text, format_args!("  image {} is fetched", escape(image)));
    }
    for note in &plan.notes {
        line(&mut text, format_args!("  note: {}", escape(note)));
    }
    let count = |sign| plan.units.iter().filter(|unit| unit.sign == sign).count();
    line(
        &mut text,
        format_args!(
            "  {} added, {} changed, {} removed, {} the same; {} to start, {} to stop",
            count(Sign::Added),
            count(Sign::Changed),
            count(Sign::Removed),
            count(Sign::Same),
            plan.start.len(),
            plan.stop.len() + plan.stop_first.len()
        ),
    );
    text
}

/// A line of a unified difference, in its colour; the stream takes that away where there is none.
pub fn colored(line: &str) -> String {
    let color = match line.chars().next() {
        Some('+') => "\u{1b}[32m",
        Some('-') => "\u{1b}[31m",
        Some('@') => "\u{1b}[36m",
        _ => return escape(line).into_owned(),
    };
    format!("{color}{}\u{1b}[0m", escape(line))
}

/// What was found of a host, for people.
pub fn findings(stack: &str, findings: &[Finding]) -> String {
    let mut text = String::new();
    let of = if stack.is_empty() { String::new() } else { format!("{}: ", escape(stack)) };
    for finding in findings {
        let (severity, code) = (finding.severity.word(), finding.code.id);
        line(&mut text, format_args!("{severity}[{code}]: {of}{}", escape(&finding.what)));
        line(&mut text, format_args!("  help: {}", escape(&finding.help)));
    }
    text
}

/// A finding, for scripts that follow what happens.
#[derive(Serialize)]
struct Told<'t> {
    event: &'static str,
    stack: &'t str,
    #[serde(flatten)]
    found: Found,
}

/// Tells beside a plan what was found; whether it may be carried out.
pub fn pass(stack: &str, found: &[Finding], format: Format) -> bool {
    let passes = !found.iter().any(Finding::refuses);
    match format {
        Format::Human => output::note(&findings(stack, found)),
        Format::Json => {
            for one in found {
                json_line(&Told { event: "finding", stack, found: Found::of(one) });
            }
        }
    }
    passes
}

/// An event in a line, for logs and for people; nothing where it says nothing to them.
pub fn event(event: &Event) -> String {
    match event {
        Event::Step { step } => step_name(*step).to_owned(),
        Event::Pulling { image } => format!("fetching {}", escape(image)),
        Event::PullAgain { image, why, pause } => {
            format!("{}: {}; again in {pause} s", escape(image), escape(why))
        }
        Event::Pulled { image } => format!("fetched {}", escape(image)),
        Event::Stopping { service } => format!("{service} is told to stop"),
        Event::Stopped { service } => format!("{service} has stopped"),
        Event::Starting { service } => format!("{service} is told to start"),
        Event::Asking { service } => format!("{service} runs, and is asked whether it is ready"),
        Event::Ready { service, milliseconds } => {
            format!("{service} is up after {}", seconds(*milliseconds))
        }
        Event::Failed { failure } => headline(failure),
        Event::Passed { test } => format!("passed: {}", escape(test)),
        Event::Note { text } => format!("note: {}", escape(text)),
    }
}

fn step_name(step: Step) -> &'static str {
    match step {
        Step::Recover => "putting back what was cut short",
        Step::Pull => "fetching images",
        Step::Before => "running the commands before",
        Step::Stage => "writing files",
        Step::Rehearse => "trying what Quadlet makes of them",
        Step::StopFirst => "stopping what goes",
        Step::Switch => "putting the new files in place",
        Step::Reload => "letting systemd read its units",
        Step::Verify => "looking whether every unit is known",
        Step::Stop => "stopping what changes",
        Step::Start => "starting",
        Step::Settle => "waiting whether all stays up",
        Step::Test => "testing whether all works",
        Step::After => "running the commands after",
        Step::Restore => "putting all back",
        Step::Tidy => "tidying up",
    }
}

/// A time as people read it.
pub fn seconds(milliseconds: u64) -> String {
    format!("{}.{} s", milliseconds / 1000, milliseconds % 1000 / 100)
}

fn headline(failure: &Failure) -> String {
    match &failure.service {
        Some(service) => format!("{service}: {}", escape(&failure.why)),
        None => escape(&failure.why).into_owned(),
    }
}

/// What is known about a failure.
pub fn failure(failure: &Failure) -> String {
    let mut text = format!("error: {}\n", headline(failure));
    for (name, lines) in [("log", &failure.log), ("health", &failure.health)] {
        for said in lines {
            line(&mut text, format_args!("  {name}: {}", escape(said)));
        }
    }
    text
}

/// How an operation ended, as text. Why it failed was told when it did.
pub fn outcome(stack: &str, outcome: &Outcome) -> String {
    match outcome {
        Outcome::Nothing => format!("{stack}: nothing to do\n"),
        Outcome::Done { generation, took } => {
            let took = seconds(u64::try_from(took.as_millis()).unwrap_or(u64::MAX));
            match generation {
                Some(name) => format!("{stack}: generation {} is up after {took}\n", name.number),
                None => format!("{stack}: removed after {took}\n"),
            }
        }
        Outcome::Refused(_) => format!("{stack}: nothing was changed\n"),
        Outcome::Restored(_) => format!("{stack}: all is as it was before\n"),
        Outcome::NotRestored { failure: first, why } => {
            let mut text = why.as_ref().map(failure).unwrap_or_default();
            for service in why.iter().chain([first]).flat_map(|one| &one.down) {
                line(&mut text, format_args!("  down: {service}"));
            }
            line(&mut text, format_args!("{stack}: not all is as it was before"));
            text
        }
    }
}

/// What the process ends with.
pub fn exit(outcome: &Outcome) -> Exit {
    match outcome {
        Outcome::Nothing | Outcome::Done { .. } => Exit::Done,
        Outcome::Refused(_) => Exit::Refused,
        Outcome::Restored(_) => Exit::Restored,
        Outcome::NotRestored { .. } => Exit::NotRestored,
    }
}

/// The end of an operation, for scripts.
#[derive(Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Ended<'o> {
    event: &'static str,
    stack: &'o str,
    result: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    generation: Option<u64>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    failures: Vec<&'o Failure>,
}

impl<'o> Ended<'o> {
    /// That of an outcome.
    pub fn of(stack: &'o str, outcome: &'o Outcome) -> Self {
        let (result, generation, failures) = match outcome {
            Outcome::Nothing => ("nothing", None, Vec::new()),
            Outcome::Done { generation, .. } => ("done", generation.as_ref(), Vec::new()),
            Outcome::Refused(failure) => ("refused", None, vec![failure]),
            Outcome::Restored(failure) => ("restored", None, vec![failure]),
            Outcome::NotRestored { failure, why } => {
                ("not-restored", None, std::iter::once(failure).chain(why).collect())
            }
        };
        let generation = generation.map(|name| name.number);
        Self { event: "ended", stack, result, generation, failures }
    }
}

/// Prints a value as one line for scripts.
pub fn json_line(value: &impl Serialize) {
    output::out(&(serde_json::to_string(value).unwrap_or_default() + "\n"));
}

fn line(text: &mut String, arguments: std::fmt::Arguments<'_>) {
    writeln!(text, "{arguments}").unwrap_or_default();
}
