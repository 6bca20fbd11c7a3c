//! A pair of kernel resource limits such as `1024:2048`.

use std::fmt;
use std::str::FromStr;

use crate::model::value::{ValueError, check_plain, excerpt, parse_part, whole};

/// What Podman holds in a signed number, whose negatives mean something else.
const LARGEST: u64 = i64::MAX.unsigned_abs();

/// One limit; nothing is above the unlimited one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Limit {
    /// At most so many.
    Count(u64),
    /// As many as the kernel can.
    Unlimited,
}

/// The limit a process starts with, and the one up to which it may raise it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ulimit {
    /// The limit in force.
    pub soft: Limit,
    /// The largest limit that the process may set itself.
    pub hard: Limit,
}

impl Limit {
    /// What editors accept: a superset of what parses.
    pub const PATTERN: &str = "^(-1|unlimited|[0-9]+)$";

    /// Texts that parse.
    pub const EXAMPLES: &[&str] = &["1024", "unlimited", "-1"];
}

impl Ulimit {
    /// What editors accept: a superset of what parses.
    pub const PATTERN: &str = "^(-1|unlimited|[0-9]+)(:(-1|unlimited|[0-9]+))?$";

    /// Texts that parse.
    pub const EXAMPLES: &[&str] = &["1024", "1024:2048", "1024:unlimited", "-1"];
}

impl FromStr for Limit {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        check_plain::<Self>(text, "limit", "1024")?;
        match whole(text) {
            Some(count) if count <= LARGEST => Ok(Self::Count(count)),
            Some(_) => Err(ValueError::new(format!("`{}` is too large", excerpt(text)))
                .suggest::<Self>(text, "unlimited")),
            None if matches!(text, "-1" | "unlimited") => Ok(Self::Unlimited),
            None => Err(ValueError::new(format!("`{}` is not a limit", excerpt(text)))
                .help("write a whole number, or `unlimited`")),
        }
    }
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count(count) => write!(f, "{count}"),
            // Podman reads numbers only.
            Self::Unlimited => f.write_str("-1"),
        }
    }
}

impl FromStr for Ulimit {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        check_plain::<Self>(text, "limit", "1024")?;
        let (soft, hard) = text.split_once(':').unwrap_or((text, text));
        let (soft, hard) = (parse_part::<Limit>(text, soft)?, parse_part::<Limit>(text, hard)?);
        if soft > hard {
            return Err(ValueError::new(format!("the soft limit `{soft}` is above `{hard}`"))
                .suggest::<Self>(text, &format!("{hard}:{soft}")));
        }
        Ok(Self { soft, hard })
    }
}

impl fmt::Display for Ulimit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.soft == self.hard {
            return self.soft.fmt(f);
        }
        write!(f, "{}:{}", self.soft, self.hard)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::value::check;

    #[test]
    fn reads_and_prints() {
        check::good::<Ulimit>(
            Ulimit::PATTERN,
            Ulimit::EXAMPLES,
            &[
                ("1024", "1024"),
                ("1024:2048", "1024:2048"),
                ("1024:1024", "1024"),
                ("-1", "-1"),
                ("unlimited", "-1"),
                ("unlimited:-1", "-1"),
                ("1024:unlimited", "1024:-1"),
                ("0", "0"),
            ],
        );
        check::good::<Limit>(Limit::PATTERN, Limit::EXAMPLES, &[("007", "7")]);
    }

    #[test]
    fn explains() {
        let whole = "write a whole number, or `unlimited`";
        check::bad::<Ulimit>(&[
            ("", "", "the limit is empty", "write one such as `1024`"),
            ("1024:", "", "the limit is empty", "write one such as `1024`"),
            (":1024", "", "the limit is empty", "write one such as `1024`"),
            (
                "2048:1024",
                "2048:1024",
                "the soft limit `2048` is above `1024`",
                "write `1024:2048`",
            ),
            ("-1:1024", "-1:1024", "the soft limit `-1` is above `1024`", "write `1024:-1`"),
            ("-2", "-2", "`-2` is not a limit", whole),
            ("1:2:3", "2:3", "`2:3` is not a limit", whole),
            ("nofile=1024", "nofile=1024", "`nofile=1024` is not a limit", whole),
            ("1: 2", " ", "`1: 2` holds a space", "write `1:2`"),
            (
                "9223372036854775808",
                "9223372036854775808",
                "`9223372036854775808` is too large",
                "write `unlimited`",
            ),
        ]);
    }

    #[test]
    fn obeys_the_laws() {
        check::laws::<Limit>(Limit::PATTERN);
        check::laws::<Ulimit>(Ulimit::PATTERN);
    }
}
