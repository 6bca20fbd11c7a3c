//! A file mode such as `0440`, always octal.

use std::fmt;
use std::str::FromStr;

use crate::model::value::{ValueError, check_plain, check_sign, excerpt, first_char, whole};

/// The permission bits of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Mode(pub u32);

impl Mode {
    /// What editors accept: a superset of what parses.
    pub const PATTERN: &str = "^(0o)?[0-7]+$";

    /// Texts that parse.
    pub const EXAMPLES: &[&str] = &["0440", "644", "0o600"];

    /// The permission bits.
    #[must_use]
    pub const fn bits(self) -> u32 {
        self.0
    }
}

impl FromStr for Mode {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        check_plain::<Self>(text, "file mode", "0440")?;
        if let Some(bits) = symbolic(text) {
            return Err(ValueError::new(format!("`{}` is not octal", excerpt(text)))
                .suggest::<Self>(text, &Self(bits).to_string()));
        }
        check_sign::<Self>(text)?;
        let digits = text.strip_prefix("0o").unwrap_or(text);
        if whole(digits).is_none() {
            return Err(ValueError::new(format!("`{}` is not octal", excerpt(text)))
                .help("write octal digits such as `0644`"));
        }
        if let Some(digit) = first_char(digits, |c| !c.is_digit(8)) {
            return Err(ValueError::new(format!("`{digit}` is not an octal digit"))
                .help("write octal digits such as `0644`")
                .inside(text, digit));
        }
        let bits = u32::from_str_radix(digits, 8).ok().filter(|bits| *bits <= 0o7777);
        bits.map(Self).ok_or_else(|| {
            ValueError::new(format!("`{}` is above `7777`", excerpt(text)))
                .help("write three or four octal digits such as `0644`")
        })
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:04o}", self.0)
    }
}

/// The bits of a mode as `ls` shows it, with or without the file type in front.
fn symbolic(text: &str) -> Option<u32> {
    let bare = if text.len() == 10 { text.strip_prefix('-')? } else { text };
    if bare.len() != 9 {
        return None;
    }
    let letters = "rwxrwxrwx".chars().zip([0o4000, 0o2000, 0o1000].iter().flat_map(|&s| [0, 0, s]));
    bare.chars().zip(letters).enumerate().try_fold(0, |bits, (at, (found, (letter, special)))| {
        let bit = 0o400 >> at;
        let (set, unset) = if special == 0o1000 { ('t', 'T') } else { ('s', 'S') };
        match found {
            '-' => Some(bits),
            _ if found == letter => Some(bits | bit),
            _ if special != 0 && found == set => Some(bits | bit | special),
            _ if special != 0 && found == unset => Some(bits | special),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::value::check;

    #[test]
    fn reads_and_prints() {
        check::good::<Mode>(
            Mode::PATTERN,
            Mode::EXAMPLES,
            &[
                ("0440", "0440"),
                ("440", "0440"),
                ("0o440", "0440"),
                ("7777", "7777"),
                ("0", "0000"),
                ("00644", "0644"),
            ],
        );
    }

    #[test]
    fn explains() {
        let octal = "write octal digits such as `0644`";
        let short = "write three or four octal digits such as `0644`";
        check::bad::<Mode>(&[
            ("", "", "the file mode is empty", "write one such as `0440`"),
            ("0o", "0o", "`0o` is not octal", octal),
            ("0489", "8", "`8` is not an octal digit", octal),
            ("0o9", "9", "`9` is not an octal digit", octal),
            ("0x1a4", "0x1a4", "`0x1a4` is not octal", octal),
            ("rw-r--r--", "rw-r--r--", "`rw-r--r--` is not octal", "write `0644`"),
            ("-rwsr-xr-T", "-rwsr-xr-T", "`-rwsr-xr-T` is not octal", "write `5754`"),
            ("---------", "---------", "`---------` is not octal", "write `0000`"),
            ("u=rw", "u=rw", "`u=rw` is not octal", octal),
            ("-440", "-440", "`-440` is negative", "write `440`"),
            ("0 440", " ", "`0 440` holds a space", "remove it"),
            (" 440", " ", "` 440` holds a space", "write `440`"),
            ("10000", "10000", "`10000` is above `7777`", short),
            ("77777777777777", "77777777777777", "`77777777777777` is above `7777`", short),
        ]);
    }

    #[test]
    fn obeys_the_laws() {
        check::laws::<Mode>(Mode::PATTERN);
    }
}
