//! When a stopped container starts again.

use std::fmt;
use std::str::FromStr;

use crate::model::value::nearest::nearest;
use crate::model::value::{ValueError, check_plain, excerpt, whole};

/// The words that stand alone, and what they mean.
const WORDS: [(&str, Restart); 4] = [
    ("no", Restart::No),
    ("always", Restart::Always),
    ("unless-stopped", Restart::UnlessStopped),
    ("on-failure", Restart::OnFailure(None)),
];

/// When a stopped container starts again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Restart {
    /// Never.
    No,
    /// Always, whatever it exited with.
    Always,
    /// Always, unless somebody stopped it.
    UnlessStopped,
    /// After a failure, at most so many times, or without end.
    OnFailure(Option<u32>),
}

impl Restart {
    /// What editors accept: a superset of what parses.
    pub const PATTERN: &str = "^(no|always|unless-stopped|on-failure(:[0-9]+)?)$";

    /// Texts that parse.
    pub const EXAMPLES: &[&str] = &["no", "always", "unless-stopped", "on-failure", "on-failure:3"];
}

impl FromStr for Restart {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        check_plain::<Self>(text, "restart policy", "always")?;
        let (word, count) = match text.split_once(':') {
            Some((word, count)) => (word, Some(count)),
            None => (text, None),
        };
        let known = WORDS.iter().find(|(name, _)| *name == word).map(|(_, restart)| *restart);
        match (known, count) {
            (None, _) => Err(unknown(text, word)),
            (Some(Self::OnFailure(_)), Some(count)) => {
                tries(text, count).map(|tries| Self::OnFailure(Some(tries)))
            }
            (Some(_), Some(count)) => {
                Err(ValueError::new(format!("`{word}` takes no number of tries"))
                    .suggest::<Self>(text, word)
                    .inside(text, count))
            }
            (Some(restart), None) => Ok(restart),
        }
    }
}

impl fmt::Display for Restart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::No => f.write_str("no"),
            Self::Always => f.write_str("always"),
            Self::UnlessStopped => f.write_str("unless-stopped"),
            Self::OnFailure(None) => f.write_str("on-failure"),
            Self::OnFailure(Some(tries)) => write!(f, "on-failure:{tries}"),
        }
    }
}

fn unknown(text: &str, word: &str) -> ValueError {
    // YAML reads a bare `no` as false, and so do the eyes of many.
    let meant = match word {
        "false" | "off" | "never" | "none" => Some("no"),
        "true" | "on" | "yes" => Some("always"),
        _ => nearest(word, WORDS.iter().map(|(name, _)| *name)),
    };
    let error = ValueError::new(format!("`{}` is not a restart policy", excerpt(word)))
        .help("use `no`, `always`, `unless-stopped` or `on-failure`")
        .inside(text, word);
    match meant {
        Some(meant) => error.suggest::<Restart>(text, &text.replacen(word, meant, 1)),
        None => error,
    }
}

fn tries(text: &str, count: &str) -> Result<u32, ValueError> {
    let tries = whole(count).and_then(|count| u32::try_from(count).ok());
    tries.filter(|tries| *tries > 0).ok_or_else(|| {
        ValueError::new(format!("`{}` is not a number of tries", excerpt(count)))
            .help("write one such as `on-failure:3`, or `on-failure` to try without end")
            .inside(text, count)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::value::check;

    #[test]
    fn reads_and_prints() {
        let table = ["no", "always", "unless-stopped", "on-failure", "on-failure:3"];
        let table: Vec<_> = table.iter().map(|text| (*text, *text)).collect();
        check::good::<Restart>(Restart::PATTERN, Restart::EXAMPLES, &table);
        check::good::<Restart>(Restart::PATTERN, &[], &[("on-failure:03", "on-failure:3")]);
    }

    #[test]
    fn explains() {
        let words = "use `no`, `always`, `unless-stopped` or `on-failure`";
        let tries = "write one such as `on-failure:3`, or `on-failure` to try without end";
        check::bad::<Restart>(&[
            ("", "", "the restart policy is empty", "write one such as `always`"),
            ("false", "false", "`false` is not a restart policy", "write `no`"),
            ("true", "true", "`true` is not a restart policy", "write `always`"),
            ("alwyas", "alwyas", "`alwyas` is not a restart policy", "write `always`"),
            ("Always", "Always", "`Always` is not a restart policy", "write `always`"),
            (
                "on_failure:3",
                "on_failure",
                "`on_failure` is not a restart policy",
                "write `on-failure:3`",
            ),
            ("daily", "daily", "`daily` is not a restart policy", words),
            (":3", "", "`` is not a restart policy", words),
            ("always:3", "3", "`always` takes no number of tries", "write `always`"),
            ("on-failure:", "", "`` is not a number of tries", tries),
            ("on-failure:0", "0", "`0` is not a number of tries", tries),
            ("on-failure:-1", "-1", "`-1` is not a number of tries", tries),
            (
                "on-failure:99999999999",
                "99999999999",
                "`99999999999` is not a number of tries",
                tries,
            ),
            ("on failure", " ", "`on failure` holds a space", "remove it"),
        ]);
    }

    #[test]
    fn obeys_the_laws() {
        check::laws::<Restart>(Restart::PATTERN);
    }
}
