//! What a plain word of YAML is: the core schema of YAML 1.2, and what other readers make of it.

use super::shape::Kinds;
use super::tree::Style;

/// The kinds that a scalar can be taken for.
pub fn kind_of(text: &str, style: Style) -> Kinds {
    match style {
        Style::Quoted | Style::Secret => Kinds::TEXT,
        Style::Plain => plain_kind(text),
        // What came out of a variable is whatever fits.
        Style::Expanded => match plain_kind(text) {
            Kinds::NULL => Kinds::TEXT,
            kind => kind.with(Kinds::TEXT),
        },
    }
}

fn plain_kind(text: &str) -> Kinds {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => Kinds::NULL,
        "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => Kinds::BOOL,
        _ if !text.starts_with(|c: char| c.is_ascii_digit() || "+-.".contains(c)) => Kinds::TEXT,
        _ if is_integer(text) => Kinds::INT.with(Kinds::NUMBER),
        _ if is_float(text) => Kinds::NUMBER,
        _ => Kinds::TEXT,
    }
}

fn unsigned(text: &str) -> &str {
    text.strip_prefix(['-', '+']).unwrap_or(text)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// A whole number; one with a leading zero is left to [`plain_number`], readers differ in it.
fn is_integer(text: &str) -> bool {
    let digits = unsigned(text);
    is_digits(digits) && (digits == "0" || !digits.starts_with('0'))
}

/// A number with a point or an exponent, a number of another base, or one with leading zeros.
fn is_float(text: &str) -> bool {
    let number = unsigned(text);
    if matches!(number, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN") {
        return true;
    }
    let based = |prefix: &str, radix: u32| {
        text.strip_prefix(prefix).is_some_and(|digits| {
            !digits.is_empty() && digits.chars().all(|digit| digit.is_digit(radix))
        })
    };
    if based("0o", 8) || based("0x", 16) || is_digits(number) {
        return true;
    }
    let (mantissa, exponent) = match number.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (number, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, "0"));
    let part = |text: &str| text.is_empty() || is_digits(text);
    let has_digits = mantissa.bytes().any(|byte| byte.is_ascii_digit());
    let exponent_fits = exponent.is_none_or(|exponent| is_digits(unsigned(exponent)));
    has_digits && part(whole) && part(fraction) && exponent_fits
}

/// The truth value that YAML 1.1 sees in a word.
pub fn truth_value(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "y" | "yes" | "on" | "true" => Some(true),
        "n" | "no" | "off" | "false" => Some(false),
        _ => None,
    }
}

/// The whole number that is meant by a word that only some readers take for one.
pub fn plain_number(text: &str) -> Option<u64> {
    let radix = |digits: &str, radix| u64::from_str_radix(digits, radix).ok();
    if let Some(digits) = text.strip_prefix("0o") {
        return radix(digits, 8);
    }
    if let Some(digits) = text.strip_prefix("0x") {
        return radix(digits, 16);
    }
    if let Some(digits) = text.strip_prefix("0b") {
        return radix(digits, 2);
    }
    if is_digits(text) && text.starts_with('0') {
        return text.trim_start_matches('0').parse().or(Ok::<u64, ()>(0)).ok();
    }
    if text.contains('_') && is_digits(&text.replace('_', "")) {
        return text.replace('_', "").parse().ok();
    }
    let (mantissa, exponent) = text.split_once(['e', 'E'])?;
    let mantissa: u64 = mantissa.parse().ok()?;
    mantissa.checked_mul(10_u64.checked_pow(exponent.parse().ok()?)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_words_follow_the_core_schema() {
        for (text, kind) in [
            ("", Kinds::NULL),
            ("~", Kinds::NULL),
            ("true", Kinds::BOOL),
            ("yes", Kinds::TEXT),
            ("22:22", Kinds::TEXT),
            ("2026-11-20", Kinds::TEXT),
            ("1_000", Kinds::TEXT),
            ("5432", Kinds::INT.with(Kinds::NUMBER)),
            ("-1", Kinds::INT.with(Kinds::NUMBER)),
            ("1.20", Kinds::NUMBER),
            ("1e3", Kinds::NUMBER),
            (".inf", Kinds::NUMBER),
            ("017", Kinds::NUMBER),
            ("0o17", Kinds::NUMBER),
            (".", Kinds::TEXT),
            ("-", Kinds::TEXT),
            ("e3", Kinds::TEXT),
            ("1.2.3", Kinds::TEXT),
        ] {
            assert_eq!(kind_of(text, Style::Plain), kind, "{text}");
        }
        assert_eq!(kind_of("5", Style::Quoted), Kinds::TEXT);
    }

    #[test]
    fn other_readers_are_understood() {
        for (text, number) in [
            ("0o17", Some(15)),
            ("017", Some(17)),
            ("000", Some(0)),
            ("0x1F", Some(31)),
            ("1_000", Some(1000)),
            ("1e3", Some(1000)),
            ("1e400", None),
            ("abc", None),
        ] {
            assert_eq!(plain_number(text), number, "{text}");
        }
        assert_eq!(truth_value("Yes"), Some(true));
        assert_eq!(truth_value("offf"), None);
    }
}
