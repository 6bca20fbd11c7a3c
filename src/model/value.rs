//! Scalar values of a stack file: each reads one text, says why it cannot, and prints itself back.

pub mod address;
pub mod cpu;
pub mod device;
pub mod duration;
pub mod image;
pub mod mode;
pub mod mount;
pub mod nearest;
pub mod port;
pub mod restart;
pub mod size;
pub mod ulimit;
pub mod unit_name;
pub mod user;

#[cfg(test)]
mod check;

use std::fmt;
use std::ops::Range;
use std::str::FromStr;

/// Found text is cut after this many characters, so that a message stays one line.
const LONGEST_EXCERPT: usize = 40;

/// Longer corrections, in bytes, are not offered: nobody reads them, and hostile text stays cheap.
const LONGEST_ADVICE: usize = 600;

/// Why a text is not a value of its type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ValueError {
    /// What was found, then what was expected.
    pub message: String,
    /// What to do about it, as an order.
    pub help: Option<String>,
    /// The guilty bytes of the text, when they are fewer than the whole.
    pub at: Option<Range<usize>>,
}

impl ValueError {
    /// An error without help that blames the whole text.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), help: None, at: None }
    }

    /// Says what to do, in place of any help so far.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Blames a range of the text, in bytes.
    #[must_use]
    pub fn at(mut self, range: Range<usize>) -> Self {
        self.at = Some(range);
        self
    }

    /// Blames `part`, a slice of `text`, or moves a range found in that part to where it is there.
    #[must_use]
    pub fn inside(mut self, text: &str, part: &str) -> Self {
        let start = part.as_ptr().addr().saturating_sub(text.as_ptr().addr());
        let range = self.at.unwrap_or(0..part.len());
        self.at = Some(start + range.start..start + range.end)
            .filter(|at| at.end <= text.len() && *at != (0..text.len()));
        self
    }

    /// Orders to write `candidate` for `text` if that is a `T`: no advice leads to the next error.
    #[must_use]
    pub fn suggest<T: FromStr>(self, text: &str, candidate: &str) -> Self {
        let likely = (1..=LONGEST_ADVICE).contains(&candidate.len());
        // Reading the refused text itself again would never end.
        if likely && candidate != text && candidate.parse::<T>().is_ok() {
            return self.help(format!("write `{candidate}`"));
        }
        self
    }
}

impl fmt::Display for ValueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for ValueError {}

/// The start of a text, fit for a message: nothing in it can steer a terminal or hide.
#[must_use]
pub fn excerpt(text: &str) -> String {
    let mut chars = text.chars();
    let mut shown = String::new();
    for c in chars.by_ref().take(LONGEST_EXCERPT) {
        if is_hidden(c) || (c.is_whitespace() && c != ' ') {
            shown.extend(c.escape_default());
        } else {
            shown.push(c);
        }
    }
    if chars.next().is_some() {
        shown.push('…');
    }
    shown
}

/// Whether a character is a control, has no width, or changes the direction of the text.
#[must_use]
pub fn is_hidden(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{180e}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}'
            | '\u{3164}' | '\u{feff}' | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

/// Refuses a text of type `T` that is empty, or holds a space or a hidden character.
pub(crate) fn check_plain<T: FromStr>(
    text: &str,
    kind: &str,
    example: &str,
) -> Result<(), ValueError> {
    check_chars(text, kind, example, |c| c.is_whitespace() || is_hidden(c))
        .map_err(|error| error.suggest::<T>(text, &closed_up(text)))
}

/// Refuses a path of type `T` that is empty, holds a hidden character, or has spaces around it.
pub(crate) fn check_visible<T: FromStr>(
    text: &str,
    kind: &str,
    example: &str,
) -> Result<(), ValueError> {
    let inner = text.trim_matches(|c: char| c.is_whitespace() || is_hidden(c));
    let around = if inner.len() < text.len() { inner } else { "" };
    check_chars(text, kind, example, is_hidden)
        .and_then(|()| match around {
            "" if !inner.is_empty() => Ok(()),
            _ => Err(ValueError::new(format!("`{}` has a space around it", excerpt(text)))
                .help("remove it")),
        })
        .map_err(|error| error.suggest::<T>(text, around))
}

fn check_chars(
    text: &str,
    kind: &str,
    example: &str,
    stray: impl Fn(char) -> bool,
) -> Result<(), ValueError> {
    if text.is_empty() {
        return Err(ValueError::new(format!("the {kind} is empty"))
            .help(format!("write one such as `{example}`")));
    }
    // Nearly every value consists of what is never stray.
    if text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Ok(());
    }
    first_char(text, stray).map_or(Ok(()), |found| Err(stray_char(text, found)))
}

/// The text without its spaces and hidden characters; empty where a space parts words or numbers.
fn closed_up(text: &str) -> String {
    let mut closed = String::new();
    for word in text.split_whitespace() {
        let sides = (closed.chars().next_back(), word.chars().next());
        if let (Some(a), Some(b)) = sides
            && (a.is_alphabetic() && b.is_alphabetic() || a.is_numeric() && b.is_numeric())
        {
            return String::new();
        }
        closed.extend(word.chars().filter(|c| !is_hidden(*c)));
    }
    closed
}

/// The error for a space or hidden character, `found`, in `text`.
fn stray_char(text: &str, found: &str) -> ValueError {
    let code = found.chars().map(u32::from).next().unwrap_or_default();
    let what = match found.chars().next() {
        Some(' ') => "a space".to_owned(),
        Some(c) if c.is_control() => format!("the control character U+{code:04X}"),
        Some(c) if c.is_whitespace() => format!("the space U+{code:04X}"),
        _ => format!("the invisible character U+{code:04X}"),
    };
    ValueError::new(format!("`{}` holds {what}", excerpt(text)))
        .help("remove it")
        .inside(text, found)
}

/// Refuses a text of type `T` that is a number below zero.
pub(crate) fn check_sign<T: FromStr>(text: &str) -> Result<(), ValueError> {
    let amount = text.trim_start_matches('-');
    if amount.len() < text.len() && amount.starts_with(|c: char| c.is_ascii_digit()) {
        return Err(ValueError::new(format!("`{}` is negative", excerpt(text)))
            .help("write a number without `-`")
            .suggest::<T>(text, amount));
    }
    Ok(())
}

/// Reads a part of `text`, a slice of it, and blames that part of the text.
pub(crate) fn parse_part<T: FromStr<Err = ValueError>>(
    text: &str,
    part: &str,
) -> Result<T, ValueError> {
    part.parse().map_err(|error: ValueError| error.inside(text, part))
}

/// The first character of `text` that is `wanted`, as a slice of it.
pub(crate) fn first_char(text: &str, wanted: impl Fn(char) -> bool) -> Option<&str> {
    text.char_indices()
        .find(|(_, c)| wanted(*c))
        .and_then(|(at, c)| text.get(at..at + c.len_utf8()))
}

/// The leading characters that `belong`, and the rest.
pub(crate) fn split_run(text: &str, belong: impl Fn(char) -> bool) -> (&str, &str) {
    let rest = text.trim_start_matches(belong);
    (text.strip_suffix(rest).unwrap_or(text), rest)
}

/// The number that a text of digits alone writes; one too large reads as the largest there is.
pub(crate) fn whole(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| text.parse().unwrap_or(u64::MAX))
}

/// A decimal number such as `1.5` times `unit`, when that is a whole number that fits.
pub(crate) fn exact(number: &str, unit: u64) -> Option<u64> {
    let (integer, fraction) = number.split_once('.').unwrap_or((number, "0"));
    let scale = u128::from(10_u64.checked_pow(u32::try_from(fraction.len()).ok()?)?);
    let scaled = u128::from(whole(fraction)?) * u128::from(unit);
    let rest = (scaled % scale == 0).then_some(scaled / scale)?;
    whole(integer)?.checked_mul(unit)?.checked_add(u64::try_from(rest).ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn excerpts_are_short_and_visible() {
        for (text, shown) in [
            ("plain é", "plain é"),
            ("a\nb\u{1b}[0m", "a\\nb\\u{1b}[0m"),
            ("a\u{202e}b\u{200b}\u{a0}", "a\\u{202e}b\\u{200b}\\u{a0}"),
        ] {
            assert_eq!(excerpt(text), shown);
        }
        assert_eq!(excerpt(&"é".repeat(41)), "é".repeat(40) + "…");
        assert_eq!(excerpt(&"é".repeat(40)), "é".repeat(40));
    }

    #[test]
    fn ranges_move_out_of_parts() {
        let text = "ab:cd";
        let part = text.get(3..).unwrap();
        assert_eq!(ValueError::new("x").inside(text, part).at, Some(3..5));
        assert_eq!(ValueError::new("x").at(1..2).inside(text, part).at, Some(4..5));
        assert_eq!(ValueError::new("x").inside(text, text).at, None);
        assert_eq!(ValueError::new("x").inside(text, "elsewhere, and longer").at, None);
    }

    #[test]
    fn decimals_scale_exactly_or_not_at_all() {
        for (number, unit, expected) in [
            ("1.5", 1024, Some(1536)),
            ("2", 1000, Some(2000)),
            ("0.3", 1024, None),
            ("1.", 1000, None),
            (".5", 1000, None),
            ("1.5.5", 1000, None),
            ("1.0000000000000000000000", 1, None),
            ("18446744073709551615", 2, None),
        ] {
            assert_eq!(exact(number, unit), expected, "{number}");
        }
        assert_eq!(whole("99999999999999999999"), Some(u64::MAX));
        assert_eq!((whole("+1"), whole("")), (None, None));
    }
}
