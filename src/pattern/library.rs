//! The patterns that there are: those of the program, and those of the user's own folder.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::draft::Draft;
use super::{Pattern, Texts};
use crate::host::{Look, ReadError};
use crate::load::{FILE_SIZE_MAX, take_text, unreadable};
use crate::report::Findings;
use crate::source::{SourceId, Sources, Span};

/// Names the patterns that come with the program.
macro_rules! built_in {
    ($($name:literal)+) => {
        /// The patterns that come with the program, by name.
        pub const BUILT_IN: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("../../templates/patterns/", $name, ".yml")))),+];
    };
}

built_in! {
    "authentication-stack"
    "background-worker"
    "cache-service"
    "database-service"
    "document-management"
    "home-automation-stack"
    "media-server-stack"
    "monitoring-exporter"
    "password-manager"
    "photo-management-stack"
    "reverse-proxy-backend"
    "web-app-with-database"
}

/// All patterns; each that is asked for is read once.
pub struct Library<'l> {
    folder: Option<&'l Path>,
    look: &'l dyn Look,
    read: BTreeMap<String, Known>,
    texts: Texts,
}

/// What is known of a name.
enum Known {
    Pattern(Box<Pattern>),
    Wrong,
    Nothing,
}

/// What stands behind a name.
pub enum Found<'l> {
    /// This pattern.
    Pattern(&'l Pattern),
    /// A pattern with mistakes, which were told.
    Wrong,
    /// No pattern.
    Nothing,
}

impl<'l> Library<'l> {
    /// The patterns of the program, with those of a folder in front.
    pub fn new(folder: Option<&'l Path>, look: &'l dyn Look) -> Self {
        Self { folder, look, read: BTreeMap::new(), texts: BTreeSet::new() }
    }

    /// The names of all patterns, in their order.
    pub fn names(&self) -> BTreeSet<String> {
        let entries = self.folder.map(|folder| self.look.list(folder)).unwrap_or_default();
        let own = entries.iter().filter_map(|entry| {
            let is_yaml = entry.path.extension().is_some_and(|ending| ending == "yml");
            let stem = entry.path.file_stem().filter(|_| is_yaml && !entry.is_folder)?;
            Some(stem.to_string_lossy().into_owned()).filter(|stem| !stem.starts_with('.'))
        });
        own.chain(BUILT_IN.iter().map(|(name, _)| (*name).to_owned())).collect()
    }

    /// Where a pattern stands: its file, or nothing where it is the program's.
    pub fn file(&self, name: &str) -> Option<PathBuf> {
        let path = self.folder?.join(format!("{name}.yml"));
        match self.look.read(&path, 0) {
            Err(ReadError::NotFound) => None,
            _ => Some(path),
        }
    }

    /// The pattern of a name, as far as it lies under a service.
    pub fn get(&mut self, name: &str, sources: &mut Sources, findings: &mut Findings) -> Found<'_> {
        if !self.read.contains_key(name) {
            let known = match self.take(name, sources, findings) {
                Some((id, is_own)) => {
                    self.texts.insert(id);
                    Self::understand(name, (id, is_own), sources, findings)
                }
                // A file that could not be read was told, and hides no other one.
                None if self.file(name).is_some() => Known::Wrong,
                None => Known::Nothing,
            };
            self.read.insert(name.to_owned(), known);
        }
        match self.read.get(name) {
            Some(Known::Pattern(pattern)) => Found::Pattern(pattern),
            Some(Known::Wrong) => Found::Wrong,
            Some(Known::Nothing) | None => Found::Nothing,
        }
    }

    fn understand(
        name: &str,
        (id, is_own): (SourceId, bool),
        sources: &Sources,
        findings: &mut Findings,
    ) -> Known {
        let Some(mut draft) = Draft::parse(id, sources, findings) else { return Known::Wrong };
        // A test has held the program's own patterns against their schema, so that no run has to.
        let pattern = match is_own {
            true => draft.checked(name, findings),
            false => draft.pattern(),
        };
        pattern.map_or(Known::Wrong, |pattern| Known::Pattern(Box::new(pattern)))
    }

    /// The whole of a pattern, as a text of its own that can blame its user.
    pub fn draft(
        &self,
        name: &str,
        sources: &mut Sources,
        findings: &mut Findings,
    ) -> Option<Draft> {
        let (id, _) = self.take(name, sources, findings)?;
        Draft::parse(id, sources, findings)
    }

    /// Takes in the text of a pattern; says whether it is the user's own.
    fn take(
        &self,
        name: &str,
        sources: &mut Sources,
        findings: &mut Findings,
    ) -> Option<(SourceId, bool)> {
        let Some(path) = self.file(name) else {
            let (_, text) = BUILT_IN.iter().find(|(known, _)| *known == name)?;
            return Some((sources.add(format!("pattern {name}"), *text), false));
        };
        let file = path.to_string_lossy();
        match self.look.read(&path, FILE_SIZE_MAX) {
            Ok(bytes) => Some((take_text(&file, bytes, sources, findings)?, true)),
            Err(error) => {
                let id = sources.add(file.clone(), "");
                findings.add(unreadable(&file, &error, Span::new(id, 0, 0)));
                None
            }
        }
    }

    /// The texts of the patterns that were read to lie under services.
    pub fn texts(&self) -> &Texts {
        &self.texts
    }
}
