//! Commands: one text that is split into words, or a list of words that are taken as they are.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, SeqAccess, Visitor};

use super::text::CommandLine;

/// A command.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Command {
    words: Vec<String>,
}

impl Command {
    /// The program and its arguments; none where the list is empty on purpose.
    pub fn words(&self) -> &[String] {
        &self.words
    }
}

impl<'de> Deserialize<'de> for Command {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextOrWords;

        impl<'de> Visitor<'de> for TextOrWords {
            type Value = Command;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a command")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Command, E> {
                let line: CommandLine = text
                    .parse()
                    .map_err(|error: super::value::ValueError| E::custom(error.message))?;
                Ok(Command { words: line.words().to_vec() })
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Command, A::Error> {
                let mut words = Vec::new();
                while let Some(word) = items.next_element()? {
                    words.push(word);
                }
                Ok(Command { words })
            }
        }

        deserializer.deserialize_any(TextOrWords)
    }
}

impl schemars::JsonSchema for Command {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Command".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A command: one text, split into words as a shell would with nothing \
                expanded, or a list of words that are taken as they are.",
            "type": ["string", "array"],
            "format": "command",
            "items": { "type": ["string", "number", "boolean"] },
            "examples": ["redis-server --save 60 1", ["redis-server", "--save", "60", "1"]],
        })
    }
}

/// The command of a health check.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HealthCommand {
    /// A text for the shell of the container.
    Shell(String),
    /// A program with its arguments, started without a shell.
    Exec(Vec<String>),
    /// No check at all, also not the one of the image.
    None,
}

impl HealthCommand {
    /// Reads the list form, which begins with `CMD`, `CMD-SHELL` or `NONE` as in Compose.
    ///
    /// What does not fit is kept as it is, for a rule to tell.
    fn from_words(words: Vec<String>) -> Self {
        match words.split_first() {
            Some((first, _)) if first == "NONE" => Self::None,
            Some((first, rest)) if first == "CMD" => Self::Exec(rest.to_vec()),
            Some((first, [text])) if first == "CMD-SHELL" => Self::Shell(text.clone()),
            _ => Self::Exec(words),
        }
    }
}

impl<'de> Deserialize<'de> for HealthCommand {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextOrWords;

        impl<'de> Visitor<'de> for TextOrWords {
            type Value = HealthCommand;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a health command")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<HealthCommand, E> {
                match text {
                    "NONE" => Ok(HealthCommand::None),
                    text => Ok(HealthCommand::Shell(text.to_owned())),
                }
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<HealthCommand, A::Error> {
                let mut words = Vec::new();
                while let Some(word) = items.next_element()? {
                    words.push(word);
                }
                Ok(HealthCommand::from_words(words))
            }
        }

        deserializer.deserialize_any(TextOrWords)
    }
}

impl schemars::JsonSchema for HealthCommand {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "HealthCommand".into()
    }
    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "The command of a health check, run inside the container: a text for \
                its shell, or a list of words that needs no shell. The list may begin with `CMD` \
                or `CMD-SHELL` as in Compose; `NONE` switches the image's own check off.",
            "type": ["string", "array"],
            "minLength": 1,
            "items": { "type": ["string", "number", "boolean"] },
            "minItems": 1,
            "examples": ["pg_isready -U app", ["CMD", "wget", "--spider", "http://127.0.0.1:80"]],
        })
    }
}
