//! The user, and perhaps the group, that a container runs as.

use std::fmt;
use std::str::FromStr;

use crate::model::value::{ValueError, check_plain, excerpt, first_char, whole};

/// The kernel keeps the largest number of 32 bits for "no such user".
const LARGEST_ID: u64 = 4_294_967_294;

/// What `useradd` takes.
const LONGEST_NAME: usize = 32;

/// A user and perhaps a group, each a name or a number.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UserSpec {
    /// The name or number of the user.
    pub user: String,
    /// The name or number of the group.
    pub group: Option<String>,
}

impl UserSpec {
    /// What editors accept: a superset of what parses.
    pub const PATTERN: &str = "^([0-9]+|[A-Za-z_][A-Za-z0-9_.-]{0,31}\\$?)\
                               (:([0-9]+|[A-Za-z_][A-Za-z0-9_.-]{0,31}\\$?))?$";

    /// Texts that parse.
    pub const EXAMPLES: &[&str] = &["1000", "1000:1000", "www-data", "app:staff"];
}

impl FromStr for UserSpec {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        check_plain::<Self>(text, "user", "1000:1000")?;
        let account = |part: &str, kind| account(part, kind).map_err(|e| e.inside(text, part));
        match text.split_once(':') {
            None => Ok(Self { user: account(text, "user")?, group: None }),
            Some((user, group)) => {
                Ok(Self { user: account(user, "user")?, group: Some(account(group, "group")?) })
            }
        }
    }
}

impl fmt::Display for UserSpec {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.user)?;
        self.group.iter().try_for_each(|group| write!(f, ":{group}"))
    }
}

/// The canonical form of a name or number.
fn account(text: &str, kind: &str) -> Result<String, ValueError> {
    if text.is_empty() {
        return Err(ValueError::new(format!("the {kind} is empty"))
            .help(format!("write the {kind}, or leave the colon out")));
    }
    match whole(text) {
        Some(id) if id <= LARGEST_ID => Ok(id.to_string()),
        Some(_) => Err(ValueError::new(format!("`{}` is too large a number", excerpt(text)))
            .help(format!("write at most `{LARGEST_ID}`"))),
        None => check_name(text, kind).map(|()| text.to_owned()),
    }
}

fn check_name(text: &str, kind: &str) -> Result<(), ValueError> {
    let first = first_char(text, |_| true).unwrap_or_default();
    if !first.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
        return Err(ValueError::new(format!("`{}` starts with `{first}`", excerpt(text)))
            .help(format!("write a number, or a {kind} name that starts with a letter or `_`")));
    }
    let name = text.strip_suffix('$').unwrap_or(text);
    let stray = |c: char| !c.is_ascii_alphanumeric() && !matches!(c, '_' | '.' | '-');
    if let Some(found) = first_char(name, stray) {
        return Err(ValueError::new(format!("`{}` holds `{found}`", excerpt(text)))
            .help(format!("write a {kind} name of letters, digits, `_`, `.` and `-`"))
            .inside(text, found));
    }
    if text.len() > LONGEST_NAME {
        return Err(ValueError::new(format!("`{}` is {} bytes long", excerpt(text), text.len()))
            .help(format!("write a {kind} name of at most {LONGEST_NAME} bytes")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::value::check;

    #[test]
    fn reads_and_prints() {
        check::good::<UserSpec>(
            UserSpec::PATTERN,
            UserSpec::EXAMPLES,
            &[
                ("1000", "1000"),
                ("1000:1000", "1000:1000"),
                ("0:0", "0:0"),
                ("007", "7"),
                ("www-data", "www-data"),
                ("name:group", "name:group"),
                ("machine$", "machine$"),
                ("4294967294", "4294967294"),
                ("_apt:100", "_apt:100"),
                ("abcdefghijklmnopqrstuvwxyz012345", "abcdefghijklmnopqrstuvwxyz012345"),
            ],
        );
    }

    #[test]
    fn explains() {
        let start = "write a number, or a user name that starts with a letter or `_`";
        let letters = "write a user name of letters, digits, `_`, `.` and `-`";
        let long = "abcdefghijklmnopqrstuvwxyz0123456";
        check::bad::<UserSpec>(&[
            ("", "", "the user is empty", "write one such as `1000:1000`"),
            (":1000", "", "the user is empty", "write the user, or leave the colon out"),
            ("1000:", "", "the group is empty", "write the group, or leave the colon out"),
            (
                "4294967295",
                "4294967295",
                "`4294967295` is too large a number",
                "write at most `4294967294`",
            ),
            ("-x", "-x", "`-x` starts with `-`", start),
            ("-1", "-1", "`-1` starts with `-`", start),
            ("1000abc", "1000abc", "`1000abc` starts with `1`", start),
            ("a%h", "%", "`a%h` holds `%`", letters),
            ("a$b", "$", "`a$b` holds `$`", letters),
            ("usér", "é", "`usér` holds `é`", letters),
            (
                "a:b:c",
                ":",
                "`b:c` holds `:`",
                "write a group name of letters, digits, `_`, `.` and `-`",
            ),
            ("a b", " ", "`a b` holds a space", "remove it"),
            ("a\0", "\0", "`a\\u{0}` holds the control character U+0000", "write `a`"),
            (
                long,
                long,
                "`abcdefghijklmnopqrstuvwxyz0123456` is 33 bytes long",
                "write a user name of at most 32 bytes",
            ),
        ]);
    }

    #[test]
    fn obeys_the_laws() {
        check::laws::<UserSpec>(UserSpec::PATTERN);
    }
}
