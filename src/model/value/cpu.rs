//! A share of processor time such as `1.5`.

use std::fmt;
use std::str::FromStr;

use crate::model::value::{ValueError, check_plain, check_sign, exact, excerpt, split_run};

/// More processors than any machine has, in thousandths.
const MOST: u32 = 1_024_000;

/// An amount of processors, in thousandths.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cpus(u32);

impl Cpus {
    /// What editors accept: a superset of what parses.
    pub const PATTERN: &str = "^[0-9]+(\\.[0-9]{1,3})?%?$";

    /// Texts that parse.
    pub const EXAMPLES: &[&str] = &["1.5", "0.25", "2", "150%"];

    /// The amount in thousandths of a processor.
    #[must_use]
    pub const fn thousandths(self) -> u32 {
        self.0
    }

    /// The amount in percent of one processor, rounded, but at least one: zero means no limit.
    #[must_use]
    pub fn percent(self) -> u32 {
        (self.0.saturating_add(5) / 10).max(1)
    }
}

impl FromStr for Cpus {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        check_plain::<Self>(text, "number of CPUs", "1.5")?;
        check_sign::<Self>(text)?;
        let (number, scale) = match text.strip_suffix('%') {
            Some(number) => (number, 10),
            None => (text, 1000),
        };
        check_number(text, number)?;
        let amount = exact(number, scale).ok_or_else(|| {
            ValueError::new(format!("`{}` is finer than a thousandth of a CPU", excerpt(text)))
                .help("write at most three decimals, such as `0.125`")
        })?;
        match u32::try_from(amount) {
            Ok(0) => Err(ValueError::new(format!("`{}` is no CPU at all", excerpt(text)))
                .help("write a share such as `0.5`, or leave the setting out")),
            Ok(amount) if amount <= MOST => Ok(Self(amount)),
            _ => Err(too_many(text)),
        }
    }
}

impl fmt::Display for Cpus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (cpus, rest) = (self.0 / 1000, self.0 % 1000);
        match rest {
            0 => write!(f, "{cpus}"),
            _ => f.write_str(format!("{cpus}.{rest:03}").trim_end_matches('0')),
        }
    }
}

/// Refuses what is not digits, or digits with decimals, and numbers far too large.
fn check_number(text: &str, number: &str) -> Result<(), ValueError> {
    let (integer, rest) = split_run(number, |c| c.is_ascii_digit());
    let decimals = rest.strip_prefix('.');
    let valid = decimals
        .is_some_and(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()));
    if !integer.is_empty() && (rest.is_empty() || valid) {
        return match exact(integer, 1) {
            Some(cpus) if cpus <= u64::from(MOST) => Ok(()),
            _ => Err(too_many(text)),
        };
    }
    let milli = text.strip_suffix('m').and_then(|number| number.parse().ok());
    let meant = match (milli, text.starts_with('.'), text.ends_with('.')) {
        (Some(milli), ..) => Cpus(milli).to_string(),
        (_, true, _) => format!("0{text}"),
        (_, _, true) => text.trim_end_matches('.').to_owned(),
        _ => text.replace(',', "."),
    };
    Err(ValueError::new(format!("`{}` is not a plain decimal number", excerpt(text)))
        .help("write a number such as `1.5`")
        .suggest::<Cpus>(text, &meant))
}

fn too_many(text: &str) -> ValueError {
    ValueError::new(format!("`{}` is more than 1024 CPUs", excerpt(text)))
        .help("write at most `1024`")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::value::check;

    #[test]
    fn reads_and_prints() {
        check::good::<Cpus>(
            Cpus::PATTERN,
            Cpus::EXAMPLES,
            &[
                ("1.5", "1.5"),
                ("0.25", "0.25"),
                ("2", "2"),
                ("2.0", "2"),
                ("150%", "1.5"),
                ("12.5%", "0.125"),
                ("0.001", "0.001"),
                ("1.050", "1.05"),
                ("1024", "1024"),
                ("102400%", "1024"),
            ],
        );
    }

    #[test]
    fn explains() {
        let finer = "write at most three decimals, such as `0.125`";
        let share = "write a share such as `0.5`, or leave the setting out";
        let number = "write a number such as `1.5`";
        check::bad::<Cpus>(&[
            ("", "", "the number of CPUs is empty", "write one such as `1.5`"),
            ("0", "0", "`0` is no CPU at all", share),
            ("0.000", "0.000", "`0.000` is no CPU at all", share),
            ("0%", "0%", "`0%` is no CPU at all", share),
            ("-1", "-1", "`-1` is negative", "write `1`"),
            ("0.1234", "0.1234", "`0.1234` is finer than a thousandth of a CPU", finer),
            ("1.55%", "1.55%", "`1.55%` is finer than a thousandth of a CPU", finer),
            ("1025", "1025", "`1025` is more than 1024 CPUs", "write at most `1024`"),
            ("1024.001", "1024.001", "`1024.001` is more than 1024 CPUs", "write at most `1024`"),
            (
                "99999999999999999999",
                "99999999999999999999",
                "`99999999999999999999` is more than 1024 CPUs",
                "write at most `1024`",
            ),
            ("1e3", "1e3", "`1e3` is not a plain decimal number", number),
            (".5", ".5", "`.5` is not a plain decimal number", "write `0.5`"),
            ("1.", "1.", "`1.` is not a plain decimal number", "write `1`"),
            ("1,5", "1,5", "`1,5` is not a plain decimal number", "write `1.5`"),
            ("500m", "500m", "`500m` is not a plain decimal number", "write `0.5`"),
            ("two", "two", "`two` is not a plain decimal number", number),
            ("%", "%", "`%` is not a plain decimal number", number),
            ("1 %", " ", "`1 %` holds a space", "write `1%`"),
        ]);
    }

    #[test]
    fn converts_to_percent() {
        for (text, percent) in [("1.5", 150), ("0.125", 13), ("0.001", 1), ("1024", 102_400)] {
            assert_eq!(text.parse::<Cpus>().unwrap().percent(), percent, "{text}");
        }
    }

    #[test]
    fn obeys_the_laws() {
        check::laws::<Cpus>(Cpus::PATTERN);
    }
}
