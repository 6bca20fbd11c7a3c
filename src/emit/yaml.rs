//! YAML that every reader takes alike: texts in double quotes, keys plain where nobody reads them
//! as anything else.

use std::fmt::Write;

use serde_json::Value;

/// The longest key that readers find without a mark before it, in bytes; the YAML standard says
/// 1024 characters.
const KEY_MAX: usize = 1000;

/// What readers of YAML 1.1 take for something else than a text.
const SPECIAL: [&str; 11] =
    ["y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"];

/// A document, in blocks.
pub fn document(value: &Value) -> String {
    let mut text = String::new();
    match value {
        Value::Object(map) if !map.is_empty() => block(value, 0, &mut text),
        Value::Array(list) if !list.is_empty() => block(value, 0, &mut text),
        _ => inline(value, &mut text),
    }
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

/// Writes what stands behind a key or a dash.
fn behind(value: &Value, depth: usize, text: &mut String) {
    match value {
        Value::Object(map) if !map.is_empty() => {
            text.push('\n');
            block(value, depth, text);
        }
        Value::Array(list) if !list.is_empty() => {
            text.push('\n');
            block(value, depth, text);
        }
        _ => {
            text.push(' ');
            inline(value, text);
            text.push('\n');
        }
    }
}

fn block(value: &Value, depth: usize, text: &mut String) {
    match value {
        Value::Object(map) => {
            for (name, value) in map {
                indent(depth, text);
                key(name, depth, text);
                behind(value, depth + 1, text);
            }
        }
        Value::Array(list) => list.iter().for_each(|value| item(value, depth, text)),
        _ => inline(value, text),
    }
}

/// An item of a list; the first key of a mapping stands behind the dash.
fn item(value: &Value, depth: usize, text: &mut String) {
    indent(depth, text);
    text.push('-');
    match value {
        Value::Object(map) if !map.is_empty() => {
            for (place, (name, value)) in map.iter().enumerate() {
                match place {
                    0 => text.push(' '),
                    _ => indent(depth + 1, text),
                }
                key(name, depth + 1, text);
                behind(value, depth + 2, text);
            }
        }
        _ => behind(value, depth + 1, text),
    }
}

fn indent(depth: usize, text: &mut String) {
    (0..depth).for_each(|_| text.push_str("  "));
}

fn key(name: &str, depth: usize, text: &mut String) {
    if name.len() > KEY_MAX {
        text.push_str("? ");
        quoted(name, text);
        text.push('\n');
        indent(depth, text);
    } else if is_plain(name) {
        text.push_str(name);
    } else {
        quoted(name, text);
    }
    text.push(':');
}

/// Whether a key is a text without quotes, to readers of any version.
fn is_plain(name: &str) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    let special = SPECIAL.iter().any(|word| word.eq_ignore_ascii_case(name));
    name.starts_with(|c: char| c.is_ascii_alphabetic()) && name.chars().all(fits) && !special
}

fn inline(value: &Value, text: &mut String) {
    match value {
        Value::Null => text.push_str("null"),
        Value::Bool(on) => text.push_str(if *on { "true" } else { "false" }),
        Value::Number(number) => write!(text, "{number}").unwrap_or_default(),
        Value::String(string) => quoted(string, text),
        Value::Array(_) => text.push_str("[]"),
        Value::Object(_) => text.push_str("{}"),
    }
}

fn quoted(string: &str, text: &mut String) {
    text.push('"');
    for c in string.chars() {
        match c {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\t' => text.push_str("\\t"),
            c if is_visible(c) => text.push(c),
            c => escaped(c, text),
        }
    }
    text.push('"');
}

/// Whether a character may stand in a text as it is, and no reader folds or refuses it.
fn is_visible(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
        && !matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn escaped(c: char, text: &mut String) {
    let code = u32::from(c);
    let written = match code {
        0..=0xff => write!(text, "\\x{code:02x}"),
        0x100..=0xffff => write!(text, "\\u{code:04x}"),
        _ => write!(text, "\\U{code:08x}"),
    };
    written.unwrap_or_default();
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn texts_are_quoted_and_keys_only_where_they_must_be() {
        let value = json!({
            "services": { "web": { "ports": ["2:2", { "target": 8, "mode": "host" }], "no": [] } },
            "on": "yes", "1": true, "a b": "x\n\u{85}\"", "e": {}, "l": [[1, 2], {}],
        });
        let expected = "services:\n  web:\n    ports:\n      - \"2:2\"\n      - target: 8\n        \
                        mode: \"host\"\n    \"no\": []\n\"on\": \"yes\"\n\"1\": true\n\"a b\": \
                        \"x\\n\\x85\\\"\"\ne: {}\nl:\n  -\n    - 1\n    - 2\n  - {}\n";
        assert_eq!(document(&value), expected);
    }

    fn any_value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            any::<String>().prop_map(Value::from),
            "[ -~\n\t]{0,12}".prop_map(Value::from),
        ];
        leaf.prop_recursive(4, 40, 5, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..5).prop_map(Value::from),
                prop::collection::btree_map(any::<String>(), inner, 0..5)
                    .prop_map(|map| Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        /// Another reader sees what was written.
        #[test]
        fn what_is_written_is_read(value in any_value()) {
            let text = document(&value);
            let read: Value = serde_yaml::from_str(&text).map_err(|error| {
                TestCaseError::fail(format!("{error}\n{text}"))
            })?;
            prop_assert_eq!(read, value, "{}", text);
        }
    }
}
