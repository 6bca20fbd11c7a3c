//! How long each step of an operation takes, by what is told about it.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

use super::event::{Event, Step};

/// The steps that were begun, each with its time.
#[derive(Debug, Default)]
pub struct Phases(RefCell<Vec<(Step, Duration)>>);

impl Phases {
    /// Notes the moment where a step begins.
    pub fn note(&self, event: &Event, now: Duration) {
        if let Event::Step { step } = event {
            self.0.borrow_mut().push((*step, now));
        }
    }

    /// How many milliseconds each step took up to now, by its name.
    pub fn took(&self, now: Duration) -> BTreeMap<String, u64> {
        let begun = self.0.borrow();
        let ends = begun.iter().skip(1).map(|(_, moment)| *moment).chain([now]);
        let mut took: BTreeMap<String, u64> = BTreeMap::new();
        for ((step, began), end) in begun.iter().zip(ends) {
            let milliseconds = end.saturating_sub(*began).as_millis();
            let name = serde_json::to_value(step).unwrap_or_default();
            *took.entry(name.as_str().unwrap_or_default().to_owned()).or_default() +=
                u64::try_from(milliseconds).unwrap_or(u64::MAX);
        }
        took
    }
}
