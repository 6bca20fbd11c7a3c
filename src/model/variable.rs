//! Values of variables and labels: a text as it is written, or the name of a secret.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};

use super::at::At;
use super::layer::{Law, Layer};
use super::union::Assigned;

/// The name by which the reader of trees knows that a text may be the name of a secret.
pub(crate) const TEXT_OR_SECRET: &str = "$stackwright::TextOrSecret";

/// The value of an environment variable.
#[derive(Debug, Clone, PartialEq)]
pub enum EnvValue {
    /// A text, as written: `5432`, `yes` and `1.20` stay what they are.
    Text(At<String>),
    /// The secret of that name; its value never stands in a file.
    Secret(At<String>),
    /// Nothing: takes away what a pattern or a lower file gives.
    Unset(crate::source::Span),
}

impl Layer for EnvValue {
    fn lay_over(&mut self, _under: &Self) {}
    fn laws(path: &str, table: &mut Vec<(String, Law)>) {
        table.push((path.into(), Law::Replace));
    }
}

impl Assigned for EnvValue {
    fn assigned(text: At<String>) -> Self {
        Self::Text(text)
    }
}

impl<'de> Deserialize<'de> for EnvValue {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let At { value, span } = At::<Option<TextOrSecret>>::deserialize(deserializer)?;
        Ok(match value {
            Some(TextOrSecret { text, secret: true }) => Self::Secret(At::new(text, span)),
            Some(TextOrSecret { text, secret: false }) => Self::Text(At::new(text, span)),
            None => Self::Unset(span),
        })
    }
}

impl schemars::JsonSchema for EnvValue {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "EnvValue".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "The value of a variable, as written. `${NAME}` of a declared secret \
                gives the secret; nothing at all takes the variable of a pattern away.",
            "type": ["string", "number", "boolean", "null"],
            "format": "text-or-secret",
            "examples": ["Europe/Oslo", "${db_password}"],
        })
    }
}

/// A text together with what it is.
struct TextOrSecret {
    text: String,
    secret: bool,
}

impl<'de> Deserialize<'de> for TextOrSecret {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Parts;

        impl<'de> Visitor<'de> for Parts {
            type Value = TextOrSecret;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut parts: A) -> Result<TextOrSecret, A::Error> {
                let missing = || A::Error::custom("a text without its parts");
                let secret = parts.next_element()?.ok_or_else(missing)?;
                let text = parts.next_element()?.ok_or_else(missing)?;
                Ok(TextOrSecret { text, secret })
            }
        }

        deserializer.deserialize_tuple_struct(TEXT_OR_SECRET, 2, Parts)
    }
}

/// A plain text that may be written as a number or a truth value and is kept as written.
#[derive(Debug, Clone, PartialEq)]
pub struct Plain(pub At<String>);

impl Layer for Plain {
    fn lay_over(&mut self, _under: &Self) {}
    fn laws(path: &str, table: &mut Vec<(String, Law)>) {
        table.push((path.into(), Law::Replace));
    }
}

impl Layer for Option<Plain> {
    fn lay_over(&mut self, under: &Self) {
        if self.is_none() {
            self.clone_from(under);
        }
    }
    fn laws(path: &str, table: &mut Vec<(String, Law)>) {
        table.push((path.into(), Law::Replace));
    }
}

impl Assigned for Plain {
    fn assigned(text: At<String>) -> Self {
        Self(text)
    }
}

impl<'de> Deserialize<'de> for Plain {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        At::deserialize(deserializer).map(Self)
    }
}

impl schemars::JsonSchema for Plain {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Plain".into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": ["string", "number", "boolean"] })
    }
}
