//! Patterns: sets of defaults that lie under what the user says, each value with its own place.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::load::{decode, yaml};
use crate::model::Stack;
use crate::model::at::At;
use crate::model::configuration::Configuration;
use crate::model::layer::{Layer, Section, layered};
use crate::model::text::Name;
use crate::model::value::nearest::did_you_mean;
use crate::report::code::patterns as code;
use crate::report::{Diagnostic, Findings};
use crate::source::{SourceId, Sources};

/// The patterns that come with the program, by name.
pub const BUILT_IN: &[(&str, &str)] = &[
    ("cache-service", include_str!("../templates/patterns/cache-service.yml")),
    ("database-service", include_str!("../templates/patterns/database-service.yml")),
    ("monitoring-exporter", include_str!("../templates/patterns/monitoring-exporter.yml")),
    ("reverse-proxy-backend", include_str!("../templates/patterns/reverse-proxy-backend.yml")),
    ("web-app-with-database", include_str!("../templates/patterns/web-app-with-database.yml")),
];

layered! {
    /// A reusable set of defaults for a kind of service.
    #[schemars(extend("required" = ["pattern"]))]
    pub struct Pattern {
        /// What the pattern is called and what it is for.
        pub pattern: Section<PatternInfo>,
        /// How a service of this kind runs, where it says nothing itself.
        pub configuration: Section<Configuration>,
    }
}

layered! {
    /// What a pattern is called and what it is for.
    #[schemars(extend("required" = ["name"]))]
    pub struct PatternInfo {
        /// Its name.
        pub name: Option<At<Name>>,
        /// What it is for, in a sentence.
        pub description: Option<At<String>>,
    }
}

/// Lays the pattern of each service under it; returns the texts of the patterns.
pub fn apply(
    stack: &mut Stack,
    sources: &mut Sources,
    findings: &mut Findings,
) -> BTreeSet<SourceId> {
    let mut library = Library::default();
    for service in &mut stack.services.0 {
        let Some(name) = service.value.pattern.clone() else { continue };
        match library.get(name.as_str(), sources, findings) {
            Some(pattern) => service.value.configuration.lay_over(&pattern.configuration),
            None => findings.add(unknown(&name, findings)),
        }
    }
    library.sources
}

fn unknown(name: &At<Name>, findings: &Findings) -> Diagnostic {
    let names = || BUILT_IN.iter().map(|(name, _)| *name);
    let known = names().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let help = did_you_mean(name.as_str(), names(), findings);
    let message = format!("there is no pattern `{name}`");
    let help = help.unwrap_or_else(|| format!("known patterns: {known}"));
    Diagnostic::new(&code::UNKNOWN_PATTERN, name.span, message).help(help)
}

/// The patterns that were asked for; each is read once.
#[derive(Default)]
struct Library {
    read: BTreeMap<String, Option<Pattern>>,
    sources: BTreeSet<SourceId>,
}

impl Library {
    fn get(
        &mut self,
        name: &str,
        sources: &mut Sources,
        findings: &mut Findings,
    ) -> Option<&Pattern> {
        if !self.read.contains_key(name) {
            let text = BUILT_IN.iter().find(|(known, _)| *known == name).map(|(_, text)| *text);
            let pattern = text.and_then(|text| {
                let id = sources.add(format!("pattern {name}"), text);
                self.sources.insert(id);
                read(id, sources, findings)
            });
            self.read.insert(name.to_owned(), pattern);
        }
        self.read.get(name).and_then(Option::as_ref)
    }
}

/// Reads the text of a pattern that a test has held against its schema, so that no run has to.
fn read(id: SourceId, sources: &Sources, findings: &mut Findings) -> Option<Pattern> {
    let source = Arc::clone(sources.get(id)?);
    let tree = yaml::parse(id, &source, findings);
    decode::decode(&tree, &vec![false; tree.nodes.len()]).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::read_tree;
    use crate::load::shape::Shapes;
    use crate::model::schema;

    #[test]
    fn built_in_patterns_are_of_the_right_shape() {
        let shapes = Shapes::compile(schema::rounded::<Pattern>().as_value());
        for (name, text) in BUILT_IN {
            let (mut sources, mut findings) = (Sources::default(), Findings::default());
            let id = sources.add(*name, *text);
            let tree = yaml::parse(id, &Arc::clone(sources.get(id).unwrap()), &mut findings);
            let pattern: Pattern = read_tree(&tree, &shapes, &|_| false, &mut findings).unwrap();
            assert_eq!(findings.iter().count(), 0, "{name}: {findings:?}");
            assert_eq!(pattern.pattern.get().unwrap().name.as_ref().unwrap().as_str(), *name);
            assert_eq!(read(id, &sources, &mut findings), Some(pattern), "{name}");
        }
    }
}
