//! A live picture of a deployment on a terminal: the services under what they wait for, each with
//! its state and how long that took.

use std::collections::BTreeMap;
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};

use super::show;
use crate::apply::Event;
use crate::plan::order::order;
use crate::plan::{Plan, facts};
use crate::report::human::escape;
use crate::state::FileSet;

/// How often a line that is not settled is drawn.
const TICK: Duration = Duration::from_millis(100);

/// The lines, one for what is being done and one for each service.
pub struct Live {
    lines: MultiProgress,
    step: ProgressBar,
    services: BTreeMap<String, ProgressBar>,
}

impl Live {
    /// Draws the services that a plan touches.
    pub fn of(plan: &Plan, set: &FileSet) -> Self {
        let lines = MultiProgress::new();
        let step = lines.add(ProgressBar::new_spinner().with_style(style("{spinner} {msg}")));
        step.enable_steady_tick(TICK);
        let depths = depths(plan, set);
        let mut order: Vec<(&usize, &String)> =
            depths.iter().map(|(name, depth)| (depth, name)).collect();
        order.sort();
        let waiting = style("  {prefix} {msg}");
        let line = |(depth, name): (&usize, &String)| {
            let line = lines.add(ProgressBar::new_spinner().with_style(waiting.clone()));
            line.set_prefix(format!("{}{}", "  ".repeat(*depth), escape(name)));
            line.set_message("waits");
            (name.clone(), line)
        };
        let services = order.into_iter().map(line).collect();
        Self { lines, step, services }
    }

    /// Shows what happened.
    pub fn tell(&self, event: &Event) {
        match event {
            Event::Step { .. } => self.step.set_message(show::event(event)),
            Event::Starting { service } => self.begin(service, "starts"),
            Event::Stopping { service } => self.begin(service, "stops"),
            Event::Stopped { service } => self.end(service, "has stopped"),
            Event::Asking { service } => self.change(service, "runs, not ready yet"),
            Event::Ready { service, .. } => self.end(service, "is up"),
            Event::Failed { failure } => {
                if let Some(service) = &failure.service {
                    self.end(service, "failed");
                }
                self.say(&show::failure(failure));
            }
            Event::Pulling { .. } | Event::Pulled { .. } | Event::Passed { .. } => {
                self.step.set_message(show::event(event));
            }
            Event::PullAgain { .. } | Event::Note { .. } => {
                self.say(&format!("{}\n", show::event(event)));
            }
        }
    }

    /// Lets somebody else have the terminal.
    pub fn aside<T>(&self, run: impl FnOnce() -> T) -> T {
        self.lines.suspend(run)
    }

    fn say(&self, text: &str) {
        self.lines.suspend(|| super::super::output::note(text));
    }

    fn begin(&self, service: &str, word: &'static str) {
        if let Some(line) = self.services.get(service) {
            line.reset_elapsed();
            line.set_style(style("{spinner} {prefix} {msg} {elapsed}"));
            line.set_message(word);
            line.enable_steady_tick(TICK);
        }
    }

    fn change(&self, service: &str, word: &'static str) {
        if let Some(line) = self.services.get(service) {
            line.set_message(word);
        }
    }

    fn end(&self, service: &str, word: &'static str) {
        if let Some(line) = self.services.get(service) {
            let took = u64::try_from(line.elapsed().as_millis()).unwrap_or(u64::MAX);
            line.disable_steady_tick();
            line.set_style(style("  {prefix} {msg}"));
            line.set_message(format!("{word} after {}", show::seconds(took)));
            line.tick();
        }
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.step.finish_and_clear();
        for line in self.services.values() {
            line.abandon();
        }
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_spinner())
}

/// How many services each one waits for one after the other.
fn depths(plan: &Plan, set: &FileSet) -> BTreeMap<String, usize> {
    let waits = order(&facts(set), &plan.start);
    let stopping = plan.stop_first.iter().chain(&plan.stop);
    let stopping = stopping.filter(|name| !waits.contains_key(*name));
    let mut depths: BTreeMap<String, usize> = stopping.map(|name| (name.clone(), 0)).collect();
    let mut open: Vec<&String> = waits.keys().collect();
    while !open.is_empty() {
        let before = open.len();
        open.retain(|name| {
            let known = waits.get(*name).into_iter().flatten();
            let behind: Option<Vec<usize>> = known.map(|one| depths.get(one).copied()).collect();
            let Some(behind) = behind else { return true };
            depths.insert((*name).clone(), behind.into_iter().max().map_or(0, |most| most + 1));
            false
        });
        // What waits in a circle is told by the start itself.
        if open.len() == before {
            depths.extend(open.drain(..).map(|name| (name.clone(), 0)));
        }
    }
    depths
}
