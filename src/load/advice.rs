//! What to do about a value that does not fit its place, as an order that works.

use super::shape::{Kinds, Shape, Shapes};
use super::tree::Style;
use super::words::{kind_of, truth_value};
use crate::model::value::excerpt;

/// An example of what a shape takes.
pub fn like(shape: &Shape) -> Option<String> {
    shape.example.as_ref().map(|example| format!("write it like `{example}`"))
}

/// For a mapping or a list where something else is wanted; `first` is its first word.
pub fn for_collection(
    shape: &Shape,
    shapes: &Shapes,
    found: Kinds,
    first: Option<&str>,
) -> Option<String> {
    let first = first.filter(|word| is_plain(word));
    let item = shape.items.and_then(|items| shapes.get(items));
    if found == Kinds::MAP && item.is_some_and(|item| item.key("name").is_some()) {
        let name = first.unwrap_or("web");
        return Some(format!("write each one as an item that begins with `- name: {name}`"));
    }
    if found == Kinds::LIST && shape.other_keys.is_some() {
        return first.map(|first| format!("write `{first}:` instead of `- {first}`"));
    }
    if found == Kinds::LIST && shape.kinds.meets(Kinds::MAP) {
        return keys(shape);
    }
    if found == Kinds::LIST && shape.kinds == Kinds::BOOL.with(Kinds::NULL) {
        return first.and_then(truth_value).map(|value| format!("write `{value}`"));
    }
    like(shape).or_else(|| like(item?))
}

/// For a single value of the wrong kind.
pub fn for_scalar(shape: &Shape, shapes: &Shapes, text: &str, found: Kinds) -> Option<String> {
    let shown = excerpt(text);
    if found == Kinds::NULL {
        return like(shape);
    }
    if shape.kinds.meets(Kinds::TEXT) {
        return Some(format!("write `\"{shown}\"`"));
    }
    if shape.kinds.meets(Kinds::BOOL) {
        let value = ["false", "true"].into_iter().zip(["0", "1"]).find(|(_, digit)| text == *digit);
        return value.map(|(value, _)| format!("write `{value}`"));
    }
    if shape.kinds.meets(Kinds::LIST) {
        let item = shape.items.and_then(|items| shapes.get(items));
        let fits = item.is_some_and(|item| {
            let formed = item.form.is_none_or(|form| (form.check)(text).is_ok());
            formed && !item.assignment && item.kinds.meets(found)
        });
        return match fits && is_plain(text) {
            true => Some(format!("write `[{shown}]`")),
            false => item.and_then(like),
        };
    }
    if shape.kinds.meets(Kinds::NUMBER.with(Kinds::INT)) {
        return for_bounds(shape).or_else(|| Some("write a number".to_owned()));
    }
    keys(shape)
}

/// Whether a text is only a text because it stands in quotes.
pub fn is_quoted_in_vain(shape: &Shape, text: &str) -> bool {
    let plain = kind_of(text, Style::Plain);
    plain != Kinds::NULL && shape.kinds.meets(plain)
}

/// For a number that is too small or too large.
pub fn for_bounds(shape: &Shape) -> Option<String> {
    match (shape.min, shape.max) {
        (Some(min), Some(max)) => Some(format!("write a number from {min} to {max}")),
        (Some(min), None) => Some(format!("write {min} or more")),
        (None, Some(max)) => Some(format!("write {max} or less")),
        (None, None) => None,
    }
}

/// For a text that is not of the form of its key.
pub fn for_form(shape: &Shape) -> Option<String> {
    match shape.wanted {
        Some(wanted) => Some(format!("wanted here: {wanted}")),
        None => like(shape),
    }
}

/// For a text where a mapping with known keys is wanted.
fn keys(shape: &Shape) -> Option<String> {
    let known: Vec<String> = shape.first_names().take(4).map(|name| format!("`{name}:`")).collect();
    (!known.is_empty()).then(|| format!("write keys below it, such as {}", known.join(", ")))
}

/// Whether a word can stand in an example as it is.
fn is_plain(word: &str) -> bool {
    let fits = |c: char| c.is_alphanumeric() || "_.-/".contains(c);
    !word.is_empty() && word.len() <= 40 && word.chars().all(fits)
}
