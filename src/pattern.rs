//! Patterns: defaults that lie under what a service says, and whole stacks to begin with.
//!
//! A pattern file says what it is for, which parameters it takes, and how a service of its kind
//! runs (`configuration`): that lies under every service that names the pattern, each value with
//! its own place. Below `new` it has a stack file, with `${parameter}` in its values; what
//! `stackwright new` writes is that very text.

use std::collections::BTreeSet;

use schemars::Schema;

use crate::model::Stack;
use crate::model::at::At;
use crate::model::configuration::Configuration;
use crate::model::layer::{Layer, List, Map, Section, layered};
use crate::model::schema;
use crate::model::text::{EnvName, Name};
use crate::model::value::nearest::did_you_mean;
use crate::model::variable::Plain;
use crate::report::code::patterns as code;
use crate::report::{Diagnostic, Findings};
use crate::source::{SourceId, Sources};

pub mod draft;
pub mod fits;
pub mod library;
pub mod parameter;

pub use library::Library;

layered! {
    /// A reusable set of defaults for a kind of service.
    #[schemars(extend("required" = ["pattern"]))]
    pub struct Pattern {
        /// What the pattern is called and what it is for.
        pub pattern: Section<PatternInfo>,
        /// What `stackwright new` puts into the stack file that it writes, in the order in which it
        /// asks. `name` is always there: the name of the stack.
        pub parameters: Map<Section<parameter::Parameter>>,
        /// How a service of this kind runs, where it says nothing itself.
        pub configuration: Section<Configuration>,
        /// The stack file that `stackwright new` writes, as it stands here with its comments.
        /// `${parameter}` is the value of a parameter, `$$` is a dollar of the stack file, and an
        /// entry that a parameter leaves empty is left out.
        pub new: Section<Stack>,
    }
}

layered! {
    /// What a pattern is called and what it is for.
    #[schemars(extend("required" = ["name"]))]
    pub struct PatternInfo {
        /// Its name, which is that of its file.
        pub name: Option<At<Name>>,
        /// What it is for, in a sentence.
        pub description: Option<At<String>>,
        /// What it is used for.
        pub use_cases: List<String>,
        /// What tells that an application is of this kind.
        pub fits: Section<Fits>,
        /// What it needs of the machine.
        pub needs: Section<Needs>,
    }
}

layered! {
    /// What tells that an application is of this kind.
    pub struct Fits {
        /// Its images without registry and tag, or the end of that, with `*` for anything; and
        /// what other values the parameters take for them. `note` says what an image wants beside.
        pub images: Map<Map<Plain>>,
        /// The ports that it listens on.
        #[schemars(inner(range(min = 1, max = 65_535)))]
        pub ports: List<u32>,
        /// Variables by which it is configured.
        pub variables: List<EnvName>,
    }
}

layered! {
    /// What a kind of service needs of the machine.
    pub struct Needs {
        /// What it keeps, and how much that may become.
        pub storage: Map<At<String>>,
        /// The networks that it is in, and why.
        pub networks: Map<At<String>>,
    }
}

/// The schema of a pattern, for editors.
pub fn schema() -> Schema {
    let mut schema = schema::rounded::<Pattern>();
    schema.insert("title".into(), "stackwright pattern".into());
    schema
}

/// Lays the pattern of each service under it.
pub fn apply(
    stack: &mut Stack,
    library: &mut Library<'_>,
    sources: &mut Sources,
    findings: &mut Findings,
) {
    for service in &mut stack.services.0 {
        let Some(name) = service.value.pattern.clone() else { continue };
        match library.get(name.as_str(), sources, findings) {
            library::Found::Pattern(pattern) => {
                service.value.configuration.lay_over(&pattern.configuration);
            }
            library::Found::Wrong => {}
            library::Found::Nothing => findings.add(unknown(&name, library, findings)),
        }
    }
}

fn unknown(name: &At<Name>, library: &Library<'_>, findings: &Findings) -> Diagnostic {
    // Once nobody would read it, the folder is not looked at any more.
    let names = if findings.is_full() { BTreeSet::new() } else { library.names() };
    let names = || names.iter().map(String::as_str);
    let help = did_you_mean(name.as_str(), names(), findings);
    let help = help.unwrap_or_else(|| "`stackwright patterns` lists those that there are".into());
    let message = format!("there is no pattern `{name}`");
    Diagnostic::new(&code::UNKNOWN_PATTERN, name.span, message).help(help)
}

/// The texts of patterns, whose values are no user's own.
pub type Texts = BTreeSet<SourceId>;
