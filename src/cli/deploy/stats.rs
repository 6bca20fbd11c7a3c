//! What histories tell together: how often it went well, how long it took, and what went wrong.

use std::collections::BTreeMap;
use std::fmt::Write;

use serde::Serialize;

use super::show::seconds;
use crate::report::human::escape;
use crate::state::{Entry, Verdict};

/// How the operations on a stack went.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct StackStats {
    stack: String,
    operations: usize,
    done: usize,
    restored: usize,
    not_restored: usize,
    success_percent: usize,
    median_milliseconds: u64,
    longest_milliseconds: u64,
    /// How often each cause ended an operation.
    causes: BTreeMap<String, usize>,
    /// How the starts of each service went.
    services: BTreeMap<String, Starts>,
}

/// How the starts of services of one kind went.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
pub struct PatternStats {
    pattern: String,
    #[serde(flatten)]
    starts: Starts,
}

/// How starts went.
#[derive(Debug, Default, PartialEq, Eq, Serialize)]
struct Starts {
    tried: usize,
    failed: usize,
    success_percent: usize,
    median_milliseconds: u64,
    longest_milliseconds: u64,
}

impl Starts {
    fn of(mut times: Vec<u64>, failed: usize) -> Self {
        let tried = times.len() + failed;
        let (success_percent, (median_milliseconds, longest_milliseconds)) =
            (percent(times.len(), tried), middle_and_last(&mut times));
        Self { tried, failed, success_percent, median_milliseconds, longest_milliseconds }
    }
}

/// The operations on one stack, taken together.
pub fn of_stack(stack: &str, entries: &[Entry]) -> StackStats {
    let count = |verdict| entries.iter().filter(|entry| entry.verdict == verdict).count();
    // How long it took is not known of what a crash cut short.
    let times = entries.iter().map(|entry| entry.milliseconds).filter(|time| *time > 0);
    let mut times: Vec<u64> = times.collect();
    let (median_milliseconds, longest_milliseconds) = middle_and_last(&mut times);
    let mut causes = BTreeMap::new();
    for cause in entries.iter().filter_map(|entry| entry.cause.clone()) {
        *causes.entry(cause).or_insert(0) += 1;
    }
    let done = count(Verdict::Done);
    StackStats {
        stack: stack.to_owned(),
        operations: entries.len(),
        done,
        restored: count(Verdict::Restored),
        not_restored: count(Verdict::NotRestored),
        success_percent: percent(done, entries.len()),
        median_milliseconds,
        longest_milliseconds,
        causes,
        services: starts(entries, |_, service| Some(service)),
    }
}

/// The starts of services by their patterns, over all that is known.
pub fn of_patterns(entries: &[Entry]) -> Vec<PatternStats> {
    let starts = starts(entries, |entry, service| entry.patterns.get(service));
    starts.into_iter().map(|(pattern, starts)| PatternStats { pattern, starts }).collect()
}

/// The starts that ended well or badly, by what is said about each of their services.
fn starts(
    entries: &[Entry],
    key: for<'e> fn(&'e Entry, &'e String) -> Option<&'e String>,
) -> BTreeMap<String, Starts> {
    let mut all: BTreeMap<String, (Vec<u64>, usize)> = BTreeMap::new();
    for entry in entries {
        for (service, time) in &entry.services {
            if let Some(key) = key(entry, service) {
                all.entry(key.clone()).or_default().0.push(*time);
            }
        }
        if let Some(key) = entry.failed.as_ref().and_then(|service| key(entry, service)) {
            all.entry(key.clone()).or_default().1 += 1;
        }
    }
    all.into_iter().map(|(key, (times, failed))| (key, Starts::of(times, failed))).collect()
}

fn percent(part: usize, whole: usize) -> usize {
    (part * 100).checked_div(whole).unwrap_or(0)
}

fn middle_and_last(times: &mut [u64]) -> (u64, u64) {
    times.sort_unstable();
    (times.get(times.len() / 2).copied().unwrap_or(0), times.last().copied().unwrap_or(0))
}

/// The operations on a stack as people read them.
pub fn stack_text(stats: &StackStats) -> String {
    let mut text = format!(
        "{}: {} operations, {} done ({} %), {} put back, {} failed; median {}, longest {}\n",
        stats.stack,
        stats.operations,
        stats.done,
        stats.success_percent,
        stats.restored,
        stats.not_restored,
        seconds(stats.median_milliseconds),
        seconds(stats.longest_milliseconds),
    );
    for (service, starts) in &stats.services {
        text += &starts_text(service, starts);
    }
    let mut causes: Vec<(&String, &usize)> = stats.causes.iter().collect();
    causes.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    for (cause, count) in causes {
        writeln!(text, "  {count} x {}", escape(cause)).unwrap_or_default();
    }
    text
}

/// The starts of services of a pattern as people read them.
pub fn pattern_text(stats: &PatternStats) -> String {
    format!("pattern {}", starts_text(&stats.pattern, &stats.starts).trim_start())
}

fn starts_text(name: &str, starts: &Starts) -> String {
    format!(
        "  {}: {} starts, {} failed ({} % went well); median {}, longest {}\n",
        escape(name),
        starts.tried,
        starts.failed,
        starts.success_percent,
        seconds(starts.median_milliseconds),
        seconds(starts.longest_milliseconds),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::state::{Action, Journal};

    fn entry(verdict: Verdict, services: &[(&str, u64)], failed: Option<&str>) -> Entry {
        let mut entry = Entry::of(&Journal::new(Action::Apply, None, None), verdict);
        entry.services = services.iter().map(|(name, time)| ((*name).to_owned(), *time)).collect();
        entry.failed = failed.map(str::to_owned);
        entry.cause = failed.map(|name| format!("{name}: it ended"));
        entry.milliseconds = 1000 * (1 + services.len() as u64);
        let patterns = [("db", "database-service"), ("app", "web"), ("web", "web")];
        entry.patterns = patterns.map(|(one, other)| (one.to_owned(), other.to_owned())).into();
        entry
    }

    #[test]
    fn starts_are_counted_by_service_and_by_pattern() {
        let entries = [
            entry(Verdict::Done, &[("db", 500), ("app", 900), ("web", 100), ("job", 7)], None),
            entry(Verdict::Restored, &[], Some("web")),
            entry(Verdict::NotRestored, &[("db", 700)], Some("web")),
            entry(Verdict::Done, &[("db", 300)], None),
        ];
        let stats = of_stack("shop", &entries);
        assert_eq!((stats.operations, stats.done, stats.success_percent), (4, 2, 50));
        assert_eq!((stats.restored, stats.not_restored), (1, 1));
        assert_eq!((stats.median_milliseconds, stats.longest_milliseconds), (2000, 5000));
        assert_eq!(stats.causes, BTreeMap::from([("web: it ended".to_owned(), 2)]));
        assert_eq!(stats.services["db"], Starts::of(vec![300, 500, 700], 0));
        assert_eq!((stats.services["web"].tried, stats.services["web"].failed), (3, 2));
        let patterns = of_patterns(&entries);
        let text: String = patterns.iter().map(pattern_text).collect();
        assert_eq!(
            text,
            "pattern database-service: 3 starts, 0 failed (100 % went well); median 0.5 s, \
             longest 0.7 s\n\
             pattern web: 4 starts, 2 failed (50 % went well); median 0.9 s, longest 0.9 s\n"
        );
        assert!(stack_text(&stats).ends_with("\n  2 x web: it ended\n"));
        assert_eq!(of_stack("none", &[]).success_percent, 0);
    }
}
