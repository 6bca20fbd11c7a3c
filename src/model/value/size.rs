//! An amount of memory or storage such as `512M`.

use std::fmt;
use std::str::FromStr;

use crate::model::value::{ValueError, check_plain, check_sign, exact, excerpt, split_run, whole};

/// The units, largest first, and their size in bytes.
const UNITS: [(&str, u64); 6] =
    [("P", 1 << 50), ("T", 1 << 40), ("G", 1 << 30), ("M", 1 << 20), ("K", 1 << 10), ("b", 1)];

/// What Podman holds in a signed number: a larger one would turn negative there.
const LARGEST: u64 = i64::MAX.unsigned_abs();

/// An amount in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Size(pub u64);

impl Size {
    /// What editors accept: a superset of what parses.
    pub const PATTERN: &str = "^[0-9]+([bB]|[kKmMgGtTpP]([iI]?[bB]?))$";

    /// Texts that parse.
    pub const EXAMPLES: &[&str] = &["512M", "2g", "512MiB", "64k", "100b"];

    /// The amount in bytes.
    #[must_use]
    pub const fn bytes(self) -> u64 {
        self.0
    }
}

impl FromStr for Size {
    type Err = ValueError;

    fn from_str(text: &str) -> Result<Self, ValueError> {
        check_plain::<Self>(text, "size", "512M")?;
        check_sign::<Self>(text)?;
        let (number, unit) = split_run(text, |c| c.is_ascii_digit() || c == '.');
        if number.is_empty() {
            return Err(no_number(text));
        }
        if unit.is_empty() {
            return Err(no_unit(text));
        }
        let scale = unit_size(unit).ok_or_else(|| {
            ValueError::new(format!("`{}` is not a unit of size", excerpt(unit)))
                .help("use the units `b`, `K`, `M`, `G`, `T` and `P`")
                .inside(text, unit)
        })?;
        let Some(amount) = whole(number) else { return Err(fraction(text, number, scale)) };
        amount.checked_mul(scale).filter(|bytes| *bytes <= LARGEST).map(Self).ok_or_else(|| {
            ValueError::new(format!("`{}` is too large", excerpt(text)))
                .help("write less than `8192P`")
        })
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fits = |size: u64| self.0 > 0 && self.0.is_multiple_of(size);
        let (unit, size) = UNITS.into_iter().find(|(_, size)| fits(*size)).unwrap_or(("b", 1));
        write!(f, "{}{unit}", self.0 / size)
    }
}

/// The bytes of a unit in any case: `m`, `MB`, `Mi` and `MiB` are all 1024 times 1024.
fn unit_size(name: &str) -> Option<u64> {
    let matches = |unit: &str, size: u64| {
        let parts = name.split_at_checked(unit.len());
        let rest = parts.filter(|(own, _)| own.eq_ignore_ascii_case(unit)).map(|(_, rest)| rest);
        let is_end = |rest: &str| ["b", "i", "ib"].iter().any(|end| end.eq_ignore_ascii_case(rest));
        rest.is_some_and(|rest| rest.is_empty() || (size > 1 && is_end(rest)))
    };
    UNITS.into_iter().find(|(unit, size)| matches(unit, *size)).map(|(_, size)| size)
}

fn no_number(text: &str) -> ValueError {
    let error = ValueError::new(format!("`{}` does not start with a number", excerpt(text)));
    match text {
        "infinity" | "infinite" | "unlimited" | "max" => {
            error.help("leave the setting out, which sets no limit")
        }
        _ => error.help("write a size such as `512M`"),
    }
}

fn no_unit(text: &str) -> ValueError {
    let error = ValueError::new(format!("`{}` has no unit", excerpt(text)));
    match format!("{text}M").parse::<Size>() {
        Ok(_) => error.help(format!("write `{text}M` for megabytes, or `{text}b` for bytes")),
        Err(_) => error.help("write a whole number and a unit, such as `512M`"),
    }
}

fn fraction(text: &str, number: &str, scale: u64) -> ValueError {
    let error = ValueError::new(format!("`{}` is a fraction", excerpt(text)))
        .help("write a whole number of a smaller unit");
    match exact(number, scale) {
        Some(bytes) => error.suggest::<Size>(text, &Size(bytes).to_string()),
        None => error,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::value::check;

    #[test]
    fn reads_and_prints() {
        check::good::<Size>(
            Size::PATTERN,
            Size::EXAMPLES,
            &[
                ("2048M", "2G"),
                ("2g", "2G"),
                ("1536m", "1536M"),
                ("512MiB", "512M"),
                ("512Mi", "512M"),
                ("1GB", "1G"),
                ("1gib", "1G"),
                ("64k", "64K"),
                ("100b", "100b"),
                ("100B", "100b"),
                ("1024b", "1K"),
                ("0M", "0b"),
                ("3t", "3T"),
                ("1p", "1P"),
                ("8191P", "8191P"),
                ("9223372036854775807b", "9223372036854775807b"),
            ],
        );
    }

    #[test]
    fn explains() {
        let units = "use the units `b`, `K`, `M`, `G`, `T` and `P`";
        let smaller = "write a whole number of a smaller unit";
        check::bad::<Size>(&[
            ("", "", "the size is empty", "write one such as `512M`"),
            ("512", "512", "`512` has no unit", "write `512M` for megabytes, or `512b` for bytes"),
            ("1.5", "1.5", "`1.5` has no unit", "write a whole number and a unit, such as `512M`"),
            ("1.5g", "1.5g", "`1.5g` is a fraction", "write `1536M`"),
            ("0.3g", "0.3g", "`0.3g` is a fraction", smaller),
            ("1..5g", "1..5g", "`1..5g` is a fraction", smaller),
            ("1 GiB", " ", "`1 GiB` holds a space", "write `1GiB`"),
            (
                "1\u{200b}G",
                "\u{200b}",
                "`1\\u{200b}G` holds the invisible character U+200B",
                "write `1G`",
            ),
            ("-1M", "-1M", "`-1M` is negative", "write `1M`"),
            ("-1", "-1", "`-1` is negative", "write a number without `-`"),
            (
                "infinity",
                "infinity",
                "`infinity` does not start with a number",
                "leave the setting out, which sets no limit",
            ),
            ("M", "M", "`M` does not start with a number", "write a size such as `512M`"),
            ("16EiB", "EiB", "`EiB` is not a unit of size", units),
            ("1ib", "ib", "`ib` is not a unit of size", units),
            ("1e400", "e400", "`e400` is not a unit of size", units),
            ("8192P", "8192P", "`8192P` is too large", "write less than `8192P`"),
            ("9999999t", "9999999t", "`9999999t` is too large", "write less than `8192P`"),
            (
                "18446744073709551616b",
                "18446744073709551616b",
                "`18446744073709551616b` is too large",
                "write less than `8192P`",
            ),
        ]);
    }

    #[test]
    fn obeys_the_laws() {
        check::laws::<Size>(Size::PATTERN);
    }
}
