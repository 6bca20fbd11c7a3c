//! Parameters of a pattern: what kind of value each takes, and what it is where nobody says it.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Pattern, fits};
use crate::load::expand::{self, Names};
use crate::model::at::At;
use crate::model::layer::{Map, layered};
use crate::model::text::{AbsolutePath, HostName, Name};
use crate::model::value::duration::Duration;
use crate::model::value::image::ImageRef;
use crate::model::value::nearest::nearest;
use crate::model::value::size::Size;
use crate::model::value::{ValueError, excerpt, is_hidden};
use crate::model::variable::Plain;

/// The longest value, in bytes.
pub const VALUE_MAX: usize = 4096;

/// The parameter that is always there.
pub const NAME: &str = "name";

layered! {
    /// A value that `stackwright new` puts into the stack file.
    pub struct Parameter {
        /// What kind of value it takes (text).
        #[serde(rename = "type")]
        pub kind: Option<At<Kind>>,
        /// What it is for; `new` asks with it.
        pub description: Option<At<String>>,
        /// Its value where nobody gives one; parameters before it may stand in it.
        pub default: Option<Plain>,
        /// A value as one would give it. The pattern is checked with it.
        pub example: Option<Plain>,
        /// Whether `new` asks for it (true); not for what is hardly ever changed.
        pub asked: Option<At<bool>>,
        /// The words that it may be, each with values for other names in the stack file.
        pub choices: Map<Map<Plain>>,
    }
}

/// What kind of value a parameter takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, schemars::JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Any text of one line.
    #[default]
    Text,
    /// The name of a service, a volume or the like.
    Name,
    /// An image, with its registry and a tag.
    Image,
    /// A host name.
    Hostname,
    /// An amount of memory, such as `512M`.
    Size,
    /// A port.
    Port,
    /// A path from the root.
    Path,
    /// A time, such as `30s`.
    Duration,
}

impl Kind {
    /// The word for it, as in a pattern.
    pub fn word(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Name => "name",
            Self::Image => "image",
            Self::Hostname => "hostname",
            Self::Size => "size",
            Self::Port => "port",
            Self::Path => "path",
            Self::Duration => "duration",
        }
    }

    /// Says why a text is not such a value; a text that is empty leaves an entry out.
    fn check(self, text: &str) -> Result<(), ValueError> {
        if let Some(c) = text.chars().find(|c| is_hidden(*c)) {
            let message = format!("a value with the character `{}`", c.escape_default());
            return Err(ValueError::new(message).help("write one line of visible text"));
        }
        if text.is_empty() {
            return Ok(());
        }
        if text.len() > VALUE_MAX {
            let message = format!("a value of {} bytes, at most {VALUE_MAX} fit", text.len());
            return Err(ValueError::new(message).help("put a long text into a file"));
        }
        match self {
            Self::Text => Ok(()),
            Self::Name => text.parse::<Name>().map(drop),
            Self::Image => text.parse::<ImageRef>().map(drop),
            Self::Hostname => text.parse::<HostName>().map(drop),
            Self::Size => text.parse::<Size>().map(drop),
            Self::Path => text.parse::<AbsolutePath>().map(drop),
            Self::Duration => text.parse::<Duration>().map(drop),
            Self::Port => match text.parse::<u16>() {
                Ok(1..) => Ok(()),
                _ => Err(ValueError::new(format!("`{}` is no port", excerpt(text)))
                    .help("write a number from 1 to 65535")),
            },
        }
    }
}

impl Parameter {
    /// The kind of its value.
    pub fn kind(&self) -> Kind {
        self.kind.map_or(Kind::default(), |kind| kind.value)
    }

    /// Says why a text is not what it takes.
    pub fn check(&self, text: &str) -> Result<(), ValueError> {
        let words = || self.choices.iter().map(|(word, _, _)| word);
        if self.choices.is_empty() || words().any(|word| word == text) {
            return self.kind().check(text);
        }
        let all = words().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ");
        let help = nearest(text, words()).map(|near| format!("did you mean `{near}`?"));
        let error = ValueError::new(format!("`{}` is none of {all}", excerpt(text)));
        Err(error.help(help.unwrap_or_else(|| "write one of these words".to_owned())))
    }
}

/// The parameters of a pattern, on their way to a value each.
pub struct Settling<'p> {
    pattern: &'p Pattern,
    names: Names,
    /// What the image brings along for parameters that nobody says.
    of_image: BTreeMap<String, String>,
}

impl<'p> Settling<'p> {
    /// Nothing is settled yet but the name.
    pub fn new(pattern: &'p Pattern, name: &str) -> Self {
        let mut names = Names::default();
        names.variables.insert(NAME.to_owned(), name.to_owned());
        Self { pattern, names, of_image: BTreeMap::new() }
    }

    /// The parameters in their order, without the name.
    pub fn parameters(&self) -> impl Iterator<Item = (&'p str, &'p Parameter)> + use<'p> {
        let all = self.pattern.parameters.iter();
        let all = all.filter_map(|(key, _, parameter)| Some((key, &parameter.get()?.value)));
        all.filter(|(key, _)| *key != NAME)
    }

    /// What a parameter is where nobody says it.
    pub fn usual(&self, key: &str, parameter: &Parameter) -> Option<String> {
        if let Some(known) = self.of_image.get(key) {
            return Some(known.clone());
        }
        parameter.default.as_ref().map(|text| self.filled(&text.0.value))
    }

    /// A value as one would give it.
    pub fn example(&self, parameter: &Parameter) -> Option<String> {
        parameter.example.as_ref().map(|text| self.filled(&text.0.value))
    }

    /// Whether somebody is to be asked: not for what the image says, nor what is hardly changed.
    pub fn asks(&self, key: &str, parameter: &Parameter) -> bool {
        let asked = parameter.asked.is_none_or(|asked| asked.value);
        asked && !self.of_image.contains_key(key)
    }

    fn filled(&self, text: &str) -> String {
        expand::one(text, &self.names, VALUE_MAX).0
    }

    /// Gives a parameter its value, and those behind it what follows from that.
    pub fn take(&mut self, key: &str, parameter: &Parameter, text: &str) -> Result<(), ValueError> {
        parameter.check(text)?;
        let info = self.pattern.pattern.get();
        if parameter.kind() == Kind::Image
            && let Some(fits) = info.and_then(|info| info.fits.get())
            && let Some(known) = fits::image(fits, text)
        {
            let values = known.values.iter().map(|(key, _, text)| (key, self.filled(&text.0)));
            let values = values.map(|(key, text)| (key.to_owned(), text));
            self.of_image = values.collect();
        }
        self.names.variables.insert(key.to_owned(), text.to_owned());
        if let Some(chosen) = parameter.choices.get(text) {
            for (key, _, text) in chosen.iter() {
                let text = self.filled(&text.0);
                self.names.variables.insert(key.to_owned(), text);
            }
        }
        Ok(())
    }

    /// The values of all names.
    pub fn done(self) -> Names {
        self.names
    }
}

/// The values of all names with the examples of a pattern; what has none is left open.
pub fn examples(pattern: &Pattern) -> Names {
    let name = pattern.parameters.get(NAME).and_then(|name| name.get()?.example.clone());
    let name = name.map_or_else(|| "app".to_owned(), |name| name.0.value);
    let mut settling = Settling::new(pattern, &name);
    for (key, parameter) in settling.parameters() {
        let text = settling.example(parameter).or_else(|| settling.usual(key, parameter));
        // What does not fit is told at its place.
        let _told = settling.take(key, parameter, &text.unwrap_or_default());
    }
    settling.done()
}
