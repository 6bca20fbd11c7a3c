//! Units as the service manager in memory reads them: their text, and what it makes them do.
//!
//! The reader is its own, so that a mistake in the one that is tested shows.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

/// The lines of a text: section, key, value.
#[derive(Debug, Clone, Default)]
pub struct Text(Vec<(String, String, String)>);

impl Text {
    pub fn read(text: &str) -> Self {
        let mut section = String::new();
        let mut lines = Vec::new();
        for line in text.lines() {
            if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
                name.clone_into(&mut section);
            } else if let Some((key, value)) = line.split_once('=') {
                lines.push((section.clone(), key.to_owned(), value.to_owned()));
            }
        }
        Self(lines)
    }

    pub fn all(&self, section: &str, key: &str) -> Vec<&str> {
        let is_it = |line: &&(String, String, String)| line.0 == section && line.1 == key;
        self.0.iter().filter(is_it).map(|line| line.2.as_str()).collect()
    }

    pub fn one(&self, section: &str, key: &str) -> Option<&str> {
        self.all(section, key).pop()
    }

    pub fn words(&self, section: &str, key: &str) -> Vec<&str> {
        self.all(section, key).into_iter().flat_map(str::split_whitespace).collect()
    }
}

/// What Quadlet calls the service of one of its files, and the section that it reads.
pub fn quadlet(file: &str) -> Option<(String, &'static str)> {
    let kinds = [
        (".container", "", "Container"),
        (".network", "-network", "Network"),
        (".volume", "-volume", "Volume"),
    ];
    let kind = kinds.into_iter().find(|(end, ..)| file.ends_with(end))?;
    let stem = file.strip_suffix(kind.0)?;
    Some((format!("{stem}{}.service", kind.1), kind.2))
}

/// A unit that the manager has read.
#[derive(Debug, Clone)]
pub struct Unit {
    pub text: String,
    pub lines: Text,
    /// The section of Quadlet; none for a plain unit.
    pub section: Option<&'static str>,
    pub source: Option<PathBuf>,
    pub fragment: PathBuf,
    pub requires: BTreeSet<String>,
    pub wants: BTreeSet<String>,
    pub binds: BTreeSet<String>,
    pub after: BTreeSet<String>,
    /// Whether it starts with the machine.
    pub at_boot: bool,
}

impl Unit {
    pub fn read(file: &str, text: String, source: Option<PathBuf>, fragment: PathBuf) -> Self {
        let lines = Text::read(&text);
        let section = quadlet(file).map(|(_, section)| section);
        let names = |key| -> BTreeSet<String> {
            let words = lines.words("Unit", key).into_iter();
            words.map(|word| quadlet(word).map_or(word.to_owned(), |(name, _)| name)).collect()
        };
        let mut unit = Self {
            requires: names("Requires"),
            wants: names("Wants"),
            binds: names("BindsTo"),
            after: names("After"),
            at_boot: false,
            text,
            lines: Text::default(),
            section,
            source,
            fragment,
        };
        for key in ["Network", "Volume"] {
            for value in lines.all("Container", key) {
                let file = value.split(':').next().unwrap();
                if let Some((service, _)) = quadlet(file) {
                    unit.requires.insert(service.clone());
                    unit.after.insert(service);
                }
            }
        }
        // Quadlet writes what it finds there into the folders of wants itself.
        unit.at_boot = section.is_some() && !lines.words("Install", "WantedBy").is_empty();
        unit.lines = lines;
        unit
    }

    /// Whatever this one does not run without.
    pub fn needs(&self) -> impl Iterator<Item = &String> {
        self.requires.iter().chain(&self.binds)
    }

    pub fn seconds(&self, key: &str, usual: u64) -> Duration {
        let value = self.lines.one("Service", key);
        Duration::from_secs(value.map_or(usual, |value| value.parse().unwrap()))
    }

    pub fn restarts(&self) -> bool {
        self.lines.one("Service", "Restart") == Some("always")
    }

    pub fn restarts_directly(&self) -> bool {
        self.lines.one("Service", "RestartMode") == Some("direct")
    }

    /// Whether its start is its end.
    pub fn is_job(&self) -> bool {
        self.lines.one("Service", "Type") == Some("oneshot")
            && self.lines.one("Service", "RemainAfterExit") != Some("yes")
    }

    /// Its name in Podman.
    pub fn name(&self) -> Option<&str> {
        let section = self.section?;
        self.lines.one(section, &format!("{section}Name"))
    }

    pub fn labels(&self) -> std::collections::BTreeMap<String, String> {
        let labels = self.section.map(|section| self.lines.all(section, "Label"));
        let labels = labels.unwrap_or_default().into_iter().filter_map(|one| one.split_once('='));
        labels.map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    }

    pub fn does(&self) -> Does {
        Does::read(&self.lines.words("X-Test", "Does").join(" "))
    }
}

/// How a service behaves, in milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "a service can do any of it")]
pub struct Does {
    /// When it is ready, or else ends.
    pub ready: u64,
    pub never_ready: bool,
    pub exits: bool,
    /// When it ends after it was ready.
    pub dies: Option<u64>,
    /// How long its end takes.
    pub stops: u64,
    pub ignores_stop: bool,
    pub cannot_be_stopped: bool,
    pub has_no_condition: bool,
    /// When somebody else calls its start off.
    pub is_called_off: Option<u64>,
}

impl Does {
    pub fn read(words: &str) -> Self {
        let mut does = Self {
            ready: 100,
            never_ready: false,
            exits: false,
            dies: None,
            stops: 50,
            ignores_stop: false,
            cannot_be_stopped: false,
            has_no_condition: false,
            is_called_off: None,
        };
        for word in words.split_whitespace() {
            let (word, number) = word.split_once('=').unwrap_or((word, "0"));
            let number: u64 = number.parse().unwrap();
            match word {
                "ready" => does.ready = number,
                "never-ready" => does.never_ready = true,
                "exits" => does.exits = true,
                "dies" => does.dies = Some(number),
                "stops" => does.stops = number,
                "ignores-stop" => does.ignores_stop = true,
                "cannot-be-stopped" => does.cannot_be_stopped = true,
                "no-condition" => does.has_no_condition = true,
                "called-off" => does.is_called_off = Some(number),
                other => panic!("what does `{other}` mean?"),
            }
        }
        does
    }
}
