//! A length of time such as `1m30s`.

use std::fmt;
use std::str::FromStr;

use crate::model::value::{ValueError, check_plain, check_sign, exact, excerpt, split_run, whole};

/// The units, largest first, and their length in microseconds.
const UNITS: [(&str, u64); 6] = [
    ("d", 86_400_000_000),
    ("h", 3_600_000_000),
    ("m", 60_000_000),
    ("s", 1_000_000),
    ("ms", 1_000),
    ("us", 1),
];

/// A hundred years, in microseconds: far beyond any sense, and far from any overflow.
const LONGEST: u64 = 36_500 * 86_400_000_000;

/// Other names of the units, from systemd, Go and plain English.
const ALIASES: [(&str, &[&str]); 6] = [
    ("d", &["day", "days"]),
    ("h", &["hr", "hrs", "hour", "hours"]),
    ("m", &["min", "mins", "minute", "minutes"]),
    ("s", &["sec", "secs", "second", "seconds"]),
    ("ms", &["msec", "msecs", "millisecond", "milliseconds"]),
    ("us", &["usec", "usecs", "µs", "μs", "microsecond", "microseconds"]),
];

/// A length of time, in whole microseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Duration(std::time::Duration);

impl Duration {
    /// What editors accept: a superset of what parses.
    pub const PATTERN: &str = "^([0-9]+(d|h|m|s|ms|us))+$";

    /// Texts that parse.
    pub const EXAMPLES: &[&str] = &["30s", "1m30s", "500ms", "2d"];

    /// A whole number of seconds, for defaults.
    #[must_use]
    pub const fn from_secs(seconds: u64) -> Self {
        Self(std::time::Duration::from_secs(seconds))
    }

    /// The same length in the type of the standard library.
    #[must_use]
    pub const fn as_std(self) -> std::time::Duration {
        self.0
    }

    /// The length in whole seconds, for settings that know nothing smaller.
    #[must_use]
    pub fn seconds_rounded_up(self) -> u64 {
        self.0.as_secs().saturating_add(u64::from(self.0.subsec_nanos() > 0))
    }
}

impl FromStr for Duration {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        check_plain::<Self>(text, "duration", "30s")?;
        check_sign::<Self>(text)?;
        check_number(text)?;
        let mut total = 0_u64;
        let mut above = None;
        for term in terms(text) {
            total = total.saturating_add(length_below(text, &term, above)?);
            above = Some(term);
        }
        if total > LONGEST {
            return Err(ValueError::new(format!("`{}` is longer than 100 years", excerpt(text)))
                .help("write at most `36500d`"));
        }
        Ok(from_micros(total))
    }
}

impl fmt::Display for Duration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut left = self.0.as_micros();
        if left == 0 {
            return f.write_str("0s");
        }
        for (unit, length) in UNITS {
            let length = u128::from(length);
            if left >= length {
                write!(f, "{}{unit}", left / length)?;
                left %= length;
            }
        }
        Ok(())
    }
}

/// One number and its unit, as written.
#[derive(Clone, Copy)]
struct Term<'a> {
    number: &'a str,
    unit: &'a str,
}

impl Term<'_> {
    /// The length in microseconds, or the largest there is; none if the unit is unknown.
    fn length(&self) -> Option<u64> {
        Some(whole(self.number)?.saturating_mul(unit_length(self.unit)?))
    }
}

fn terms(text: &str) -> impl Iterator<Item = Term<'_>> {
    let mut rest = text;
    std::iter::from_fn(move || {
        let (number, after) = split_run(rest, |c| c.is_ascii_digit());
        let (unit, after) = split_run(after, |c| !c.is_ascii_digit());
        rest = after;
        (!number.is_empty() || !unit.is_empty()).then_some(Term { number, unit })
    })
}

fn unit_length(name: &str) -> Option<u64> {
    UNITS.iter().find(|(unit, _)| *unit == name).map(|(_, length)| *length)
}

fn from_micros(micros: u64) -> Duration {
    Duration(std::time::Duration::from_micros(micros))
}

/// Refuses a text that does not start with a number, or that holds a fraction.
fn check_number(text: &str) -> Result<(), ValueError> {
    if !text.starts_with(|c: char| c.is_ascii_digit()) {
        let error = ValueError::new(format!("`{}` does not start with a number", excerpt(text)));
        return Err(match text {
            "infinity" | "infinite" | "unlimited" | "forever" | "never" => {
                error.help("leave the setting out, or write a long time such as `1d`")
            }
            _ => error.help("write a duration such as `30s`"),
        });
    }
    if !text.contains('.') {
        return Ok(());
    }
    let (number, unit) = split_run(text, |c| c.is_ascii_digit() || c == '.');
    let micros = unit_length(unit).and_then(|length| exact(number, length));
    let error = ValueError::new(format!("`{}` is a fraction", excerpt(text)))
        .help("write whole numbers, such as `1m30s`");
    Err(match micros {
        Some(micros) => error.suggest::<Duration>(text, &from_micros(micros).to_string()),
        None => error,
    })
}

/// The length of a term, which must be less than one unit of the term above it.
fn length_below(text: &str, term: &Term<'_>, above: Option<Term<'_>>) -> Result<u64, ValueError> {
    if term.unit.is_empty() {
        return Err(no_unit(text, term, above));
    }
    let Some(length) = term.length() else {
        return Err(unknown_unit(text, term));
    };
    match above.and_then(|above| Some((above, unit_length(above.unit)?))) {
        Some((above, limit)) if unit_length(term.unit) >= Some(limit) => {
            Err(misplaced(text, term, &above))
        }
        Some((above, limit)) if length >= limit => Err(too_much(text, term, &above)),
        _ => Ok(length),
    }
}

fn no_unit(text: &str, term: &Term<'_>, above: Option<Term<'_>>) -> ValueError {
    let error = ValueError::new(format!("`{}` has no unit", excerpt(term.number)))
        .inside(text, term.number);
    let Some(above) = above else {
        return match format!("{text}s").parse::<Duration>() {
            Ok(_) => error.help(format!("write `{text}s`, or `{text}ms` for milliseconds")),
            Err(_) => error.help("write a duration such as `30s`"),
        };
    };
    let mut smaller = UNITS.iter().skip_while(|(unit, _)| *unit != above.unit).skip(1);
    let unit = smaller.next().map_or("", |(unit, _)| unit);
    error.help("write the unit of every number").suggest::<Duration>(text, &format!("{text}{unit}"))
}

fn unknown_unit(text: &str, term: &Term<'_>) -> ValueError {
    let meant: String = terms(text).flat_map(|term| [term.number, meant_unit(term.unit)]).collect();
    ValueError::new(format!("`{}` is not a unit of time", excerpt(term.unit)))
        .help("use the units `d`, `h`, `m`, `s`, `ms` and `us`")
        .suggest::<Duration>(text, &meant)
        .inside(text, term.unit)
}

/// The unit that another name of it means, or the name itself.
fn meant_unit(name: &str) -> &str {
    let known = |unit: &str, names: &[&str]| {
        names.iter().chain([&unit]).any(|one| one.eq_ignore_ascii_case(name))
    };
    ALIASES.iter().find(|(unit, names)| known(unit, names)).map_or(name, |(unit, _)| unit)
}

fn misplaced(text: &str, term: &Term<'_>, above: &Term<'_>) -> ValueError {
    let message = if term.unit == above.unit {
        format!("`{}` stands twice", term.unit)
    } else {
        format!("`{}` stands after the smaller unit `{}`", term.unit, above.unit)
    };
    ValueError::new(message)
        .help("write the units from the largest to the smallest, each once")
        .suggest::<Duration>(text, &normalised(text))
        .inside(text, term.unit)
}

fn too_much(text: &str, term: &Term<'_>, above: &Term<'_>) -> ValueError {
    let found = format!("{}{}", excerpt(term.number), term.unit);
    ValueError::new(format!("`{found}` is as much as a whole `{}`, or more", above.unit))
        .help(format!("write less than one `{}` there", above.unit))
        .suggest::<Duration>(text, &normalised(text))
        .inside(text, term.number)
}

/// The canonical form of all terms added up; empty if there is none.
fn normalised(text: &str) -> String {
    terms(text)
        .try_fold(0_u64, |total, term| Some(total.saturating_add(term.length()?)))
        .map_or_else(String::new, |total| from_micros(total).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::value::check;

    #[test]
    fn reads_and_prints() {
        check::good::<Duration>(
            Duration::PATTERN,
            Duration::EXAMPLES,
            &[
                ("30s", "30s"),
                ("90s", "1m30s"),
                ("1m30s", "1m30s"),
                ("500ms", "500ms"),
                ("15us", "15us"),
                ("1h", "1h"),
                ("2d", "2d"),
                ("24h", "1d"),
                ("1h90s", "1h1m30s"),
                ("0s", "0s"),
                ("0m", "0s"),
                ("007s", "7s"),
                ("1d1h1m1s1ms1us", "1d1h1m1s1ms1us"),
                ("36500d", "36500d"),
            ],
        );
    }

    #[test]
    fn explains() {
        let units = "use the units `d`, `h`, `m`, `s`, `ms` and `us`";
        let smallest = "write `30s`, or `30ms` for milliseconds";
        check::bad::<Duration>(&[
            ("", "", "the duration is empty", "write one such as `30s`"),
            ("30", "30", "`30` has no unit", smallest),
            (
                "99999999999999999999",
                "99999999999999999999",
                "`99999999999999999999` has no unit",
                "write a duration such as `30s`",
            ),
            ("1h30", "30", "`30` has no unit", "write `1h30m`"),
            ("1us5", "5", "`5` has no unit", "write the unit of every number"),
            ("-5s", "-5s", "`-5s` is negative", "write `5s`"),
            ("1 s", " ", "`1 s` holds a space", "write `1s`"),
            ("1s\n", "\n", "`1s\\n` holds the control character U+000A", "write `1s`"),
            ("1.5h", "1.5h", "`1.5h` is a fraction", "write `1h30m`"),
            ("1.5us", "1.5us", "`1.5us` is a fraction", "write whole numbers, such as `1m30s`"),
            ("s", "s", "`s` does not start with a number", "write a duration such as `30s`"),
            (
                "infinity",
                "infinity",
                "`infinity` does not start with a number",
                "leave the setting out, or write a long time such as `1d`",
            ),
            ("5min", "min", "`min` is not a unit of time", "write `5m`"),
            ("1min30sec", "min", "`min` is not a unit of time", "write `1m30s`"),
            ("5S", "S", "`S` is not a unit of time", "write `5s`"),
            ("5µs", "µs", "`µs` is not a unit of time", "write `5us`"),
            ("2w", "w", "`w` is not a unit of time", units),
            ("5s-5s", "s-", "`s-` is not a unit of time", units),
            ("30s1m", "m", "`m` stands after the smaller unit `s`", "write `1m30s`"),
            ("1s1s", "s", "`s` stands twice", "write `2s`"),
            ("1h61m", "61", "`61m` is as much as a whole `h`, or more", "write `2h1m`"),
            ("1h60m", "60", "`60m` is as much as a whole `h`, or more", "write `2h`"),
            (
                "1d99999999999999999999s",
                "99999999999999999999",
                "`99999999999999999999s` is as much as a whole `d`, or more",
                "write less than one `d` there",
            ),
            ("36501d", "36501d", "`36501d` is longer than 100 years", "write at most `36500d`"),
            (
                "99999999999999999999d",
                "99999999999999999999d",
                "`99999999999999999999d` is longer than 100 years",
                "write at most `36500d`",
            ),
        ]);
    }

    #[test]
    fn rounds_up_to_seconds() {
        for (text, seconds) in [("1s1us", 2), ("1m", 60), ("0s", 0), ("1ms", 1)] {
            let duration: Duration = text.parse().unwrap();
            assert_eq!(duration.seconds_rounded_up(), seconds, "{text}");
        }
        assert_eq!(Duration::from_secs(90).to_string(), "1m30s");
        assert_eq!(Duration::from_secs(90).as_std().as_secs(), 90);
    }

    #[test]
    fn obeys_the_laws() {
        check::laws::<Duration>(Duration::PATTERN);
    }
}
