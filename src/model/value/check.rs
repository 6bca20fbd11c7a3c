//! Checks that the tests of every scalar type share: tables of good and bad texts, and laws.

use std::fmt::{Debug, Display};
use std::str::FromStr;

use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use regex::Regex;

use crate::model::value::{ValueError, is_hidden};

/// A bad text, its guilty part, the message, and the help (empty for none).
pub(crate) type Bad<'a> = (&'a str, &'a str, &'a str, &'a str);

/// Every text and example parses and matches the pattern; every text prints as its canonical form.
pub(crate) fn good<T>(pattern: &str, examples: &[&str], table: &[(&str, &str)])
where
    T: FromStr<Err = ValueError> + Display + PartialEq + Debug,
{
    let pattern = Regex::new(pattern).unwrap();
    for (text, canonical) in table {
        let value = text.parse::<T>().unwrap_or_else(|error| panic!("{text}: {error:?}"));
        assert_eq!(value.to_string(), *canonical, "{text}");
        assert!(pattern.is_match(text), "{text} does not match {pattern}");
    }
    for example in examples {
        obeys::<T>(example, &pattern);
        assert!(example.parse::<T>().is_ok(), "{example}");
    }
}

/// Every text is refused with exactly this error.
pub(crate) fn bad<T: FromStr<Err = ValueError> + Debug>(table: &[Bad<'_>]) {
    for (text, guilty, message, help) in table {
        let error = text.parse::<T>().expect_err(text);
        let at = error.at.clone().unwrap_or(0..text.len());
        let found = (error.message.as_str(), error.help.as_deref().unwrap_or(""));
        assert_eq!(found, (*message, *help), "{text:?}");
        assert_eq!(text.get(at), Some(*guilty), "{text:?}");
    }
}

/// Generated and hostile texts are refused with a decent error, or print and parse back.
pub(crate) fn laws<T>(pattern: &str)
where
    T: FromStr<Err = ValueError> + Display + PartialEq + Debug,
{
    let shape = pattern.strip_prefix('^').and_then(|rest| rest.strip_suffix('$')).unwrap();
    let shape = || proptest::string::string_regex(shape).unwrap();
    let likely = "[-0-9a-zA-Z~/.:,@%_\\[\\]\\\\=$ é\n]{0,12}";
    let broken = (shape(), likely, any::<prop::sample::Index>()).prop_map(|(text, bit, at)| {
        let ends: Vec<usize> = text.char_indices().map(|(at, _)| at).chain([text.len()]).collect();
        let (head, tail) = text.split_at(ends[at.index(ends.len())]);
        format!("{head}{bit}{tail}")
    });
    let pattern = Regex::new(pattern).unwrap();
    TestRunner::default()
        .run(&prop_oneof![any::<String>(), likely, shape(), broken], |text: String| {
            obeys::<T>(&text, &pattern);
            Ok(())
        })
        .unwrap();
    for seed in ["a", "-", "1", "1m", ":", "/", "ro,", "a/", "\u{202e}", " ", "é", ".", "1.", "0-"]
    {
        obeys::<T>(&seed.repeat(100_000), &pattern);
        obeys::<T>(&format!("/{}", seed.repeat(200)), &pattern);
        obeys::<T>(&format!("a{}", seed.repeat(200)), &pattern);
    }
}

fn obeys<T>(text: &str, pattern: &Regex)
where
    T: FromStr<Err = ValueError> + Display + PartialEq + Debug,
{
    match text.parse::<T>() {
        Ok(value) => {
            assert_eq!(value.to_string().parse().as_ref(), Ok(&value), "{text:?}");
            assert!(pattern.is_match(text), "{text:?}");
        }
        Err(ValueError { message, help, at }) => {
            let help = help.expect(text);
            assert!(message.len() < 1000 && help.len() < 1000, "{message} {help}");
            assert!(!message.contains(is_hidden) && !help.contains(is_hidden), "{message} {help}");
            assert!(at.is_none_or(|at| text.get(at).is_some()), "{text:?}");
            assert!(!message.ends_with('.') && !help.ends_with('.'), "{message} {help}");
        }
    }
}
