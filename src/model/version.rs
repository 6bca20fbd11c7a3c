//! The version of the format of stack files.

use std::fmt;
use std::str::FromStr;

use super::value::{ValueError, excerpt};

/// The version of the format that a stack file is written in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct FormatVersion(u32);

impl FormatVersion {
    /// What editors accept: a superset of what parses.
    pub const PATTERN: &str = "^1$";

    /// Texts that parse.
    pub const EXAMPLES: &[&str] = &["1"];
}

impl FromStr for FormatVersion {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        if text == "1" {
            return Ok(Self(1));
        }
        let shown = excerpt(text);
        let error = ValueError::new(format!("version `{shown}` of stack files is not known here"));
        Err(match text.parse::<u32>().is_ok_and(|version| version > 1) {
            true => error.help("take a newer stackwright, or write `version: 1`"),
            // Compose files say 3.8 and the like.
            false => error.help("write `version: 1`, or leave it out"),
        })
    }
}

impl fmt::Display for FormatVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
