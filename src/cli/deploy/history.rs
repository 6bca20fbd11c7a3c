//! `history`: what was done to stacks, and how it ended.

use std::fmt::Write;

use clap::Args;
use serde::Serialize;

use super::super::{Exit, output};
use super::{Format, PlaceArguments, open, refuse, show, stats};
use crate::report::human::escape;
use crate::state::{Entry, Store, Verdict};

pub const EXAMPLES: &str = "\
Examples:
  stackwright history                    all stacks
  stackwright history immich --stats     how often it went well, and what went wrong";

#[derive(Debug, Args)]
pub struct HistoryArguments {
    /// The stacks, by name; all of them where none is given
    #[arg(value_name = "STACK")]
    stacks: Vec<String>,
    /// Tell counts, times and causes in place of the single operations
    #[arg(long)]
    stats: bool,
    #[command(flatten)]
    place: PlaceArguments,
}

/// An operation with its stack, for scripts.
#[derive(Serialize)]
struct Told<'e> {
    stack: &'e str,
    #[serde(flatten)]
    entry: &'e Entry,
}

/// Runs the command. It needs no lock, no service manager and no room on the disk.
pub fn run(arguments: &HistoryArguments) -> Exit {
    let site = match open(&arguments.place) {
        Ok(site) => site,
        Err(fault) => return refuse(&fault),
    };
    let files = site.real.host().files;
    let stacks = match files.list(&site.places.stacks) {
        Ok(all) if arguments.stacks.is_empty() => all,
        Ok(_) => arguments.stacks.clone(),
        Err(fault) => return refuse(&fault),
    };
    let is_human = arguments.place.format == Format::Human;
    let mut all = Vec::new();
    for stack in &stacks {
        let entries = match Store::of(files, &site.places, stack).history() {
            Ok(entries) => entries,
            Err(fault) => return refuse(&fault),
        };
        match (arguments.stats, is_human) {
            (true, true) => output::out(&stats::stack_text(&stats::of_stack(stack, &entries))),
            (true, false) => show::json_line(&stats::of_stack(stack, &entries)),
            (false, true) => output::out(&lines(stack, &entries)),
            (false, false) => {
                for entry in &entries {
                    show::json_line(&Told { stack, entry });
                }
            }
        }
        all.extend(entries);
    }
    for pattern in stats::of_patterns(&all).iter().filter(|_| arguments.stats) {
        match is_human {
            true => output::out(&stats::pattern_text(pattern)),
            false => show::json_line(pattern),
        }
    }
    Exit::Done
}

fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Done => "done",
        Verdict::Restored => "put back",
        Verdict::NotRestored => "FAILED",
    }
}

fn lines(stack: &str, entries: &[Entry]) -> String {
    let mut text = String::new();
    for entry in entries {
        let number = |name: &Option<crate::state::GenerationName>| {
            name.as_ref().map_or("-".to_owned(), |name| name.number.to_string())
        };
        let cause = entry.cause.as_deref().map(|cause| format!("  {}", escape(cause)));
        let assessed = entry
            .assessed
            .as_ref()
            .map(|assessed| format!("  host {}, risk {}", assessed.score, assessed.risk));
        writeln!(
            text,
            "{}  {stack}  {:8}  {} -> {}  {:8}  {}  {}{}{}",
            date(entry.began),
            entry.action.word(),
            number(&entry.from),
            number(&entry.to),
            verdict(entry.verdict),
            show::seconds(entry.milliseconds),
            escape(&entry.user),
            assessed.unwrap_or_default(),
            cause.unwrap_or_default()
        )
        .unwrap_or_default();
    }
    text
}

/// A moment as a date and a time in UTC (days to a date after Howard Hinnant's algorithm).
fn date(seconds: u64) -> String {
    let days = seconds / 86_400 + 719_468;
    let (era, day_of_era) = (days / 146_097, days % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day:02} {}", super::clock(seconds))
}

#[cfg(test)]
mod tests {
    use super::date;

    #[test]
    fn moments_are_dates() {
        assert_eq!(date(0), "1970-01-01 00:00:00");
        assert_eq!(date(951_827_696), "2000-02-29 12:34:56");
        assert_eq!(date(1_795_274_180), "2026-11-21 15:16:20");
    }
}
