//! The text of a unit, for systemd or for Quadlet, as sections of keys with their values.

use std::borrow::Cow;

pub mod facts;

/// A unit's lines that say something.
#[derive(Debug, Clone, Default)]
pub struct UnitFile<'t> {
    lines: Vec<Line<'t>>,
}

#[derive(Debug, Clone)]
struct Line<'t> {
    section: &'t str,
    key: &'t str,
    value: Cow<'t, str>,
}

impl<'t> UnitFile<'t> {
    /// Reads a text; what is no section, key or comment is passed over, as systemd does.
    pub fn parse(text: &'t str) -> Self {
        let mut lines: Vec<Line<'t>> = Vec::new();
        let mut section = "";
        // systemd.syntax(7): a backslash at the end goes on with the next line, after a blank, and
        // comments between the two lines are passed over.
        let mut goes_on = false;
        for line in text.lines() {
            let trimmed = line.trim();
            if trimmed.starts_with(['#', ';']) || (trimmed.is_empty() && !goes_on) {
                continue;
            }
            let (part, more) = match trimmed.strip_suffix('\\') {
                Some(part) => (part, true),
                None => (trimmed, false),
            };
            if goes_on {
                if let Some(last) = lines.last_mut() {
                    let value = last.value.to_mut();
                    value.push(' ');
                    value.push_str(part);
                }
            } else if let Some(name) = trimmed.strip_prefix('[').and_then(|t| t.strip_suffix(']')) {
                section = name;
            } else if let Some((key, value)) = part.split_once('=') {
                let (key, value) = (key.trim_end(), Cow::Borrowed(value.trim_start()));
                lines.push(Line { section, key, value });
            } else {
                continue;
            }
            goes_on = more;
        }
        Self { lines }
    }

    /// The values of a key in their order; an empty one takes back those before it.
    pub fn values(&self, section: &str, key: &str) -> Vec<&str> {
        let mut values = Vec::new();
        for line in self.lines.iter().filter(|line| line.section == section && line.key == key) {
            match line.value.as_ref() {
                "" => values.clear(),
                value => values.push(value),
            }
        }
        values
    }

    /// The last value of a key.
    pub fn last(&self, section: &str, key: &str) -> Option<&str> {
        self.values(section, key).pop()
    }

    /// The words of all values of a key.
    pub fn words(&self, section: &str, key: &str) -> Vec<&str> {
        self.values(section, key).into_iter().flat_map(str::split_whitespace).collect()
    }

    /// All that matters to a running service: the lines without descriptions and documentation.
    pub fn essence(&self) -> Vec<(&str, &str, &str)> {
        let says_nothing = |line: &&Line<'_>| {
            !(line.section == "Unit" && matches!(line.key, "Description" | "Documentation"))
        };
        let lines = self.lines.iter().filter(says_nothing);
        lines.map(|line| (line.section, line.key, line.value.as_ref())).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_belong_to_their_section_and_an_empty_value_takes_back() {
        let text =
            "A=0\n[Unit]\n# A=1\nA=2\nA = 3\n\n[X]\nA=4\n[Unit]\nB=1 2\nB=\nB=3\\\n; no\n 4\nC";
        let unit = UnitFile::parse(text);
        assert_eq!(unit.values("Unit", "A"), ["2", "3"]);
        assert_eq!(unit.last("X", "A"), Some("4"));
        assert_eq!(unit.words("Unit", "B"), ["3", "4"]);
        assert_eq!(unit.last("Unit", "C"), None);
    }

    #[test]
    fn a_description_is_not_of_the_essence() {
        let essence = |text| {
            UnitFile::parse(text).essence().iter().map(|(_, key, _)| (*key).to_owned()).collect()
        };
        let keys: Vec<String> = essence("[Unit]\nDescription=a\nAfter=b\n[Service]\nDescription=c");
        assert_eq!(keys, ["After", "Description"]);
    }
}
