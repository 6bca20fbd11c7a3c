//! Texts that were read, and places in them.

use std::sync::{Arc, OnceLock};

/// Which text a place belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct SourceId(u32);

impl SourceId {
    /// The place in the list of texts.
    pub fn index(self) -> u32 {
        self.0
    }

    /// The identity of the text at that place in the list.
    pub fn from_index(index: u32) -> Self {
        Self(index)
    }
}

/// A stretch of bytes in one text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Span {
    /// The text.
    pub source: SourceId,
    /// The first byte.
    pub start: u32,
    /// The byte after the last one.
    pub end: u32,
}

impl Span {
    /// A stretch from byte to byte; offsets are cut at 4 GiB, which no text reaches.
    pub fn new(source: SourceId, start: usize, end: usize) -> Self {
        let cut = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        Self { source, start: cut(start), end: cut(end.max(start)) }
    }

    /// The part of this stretch that `range` names, counted from its start.
    #[must_use]
    pub fn part(self, range: &std::ops::Range<usize>) -> Self {
        let start = self.start as usize;
        let end = (start + range.end).min(self.end as usize);
        Self::new(self.source, (start + range.start).min(end), end)
    }

    /// The bytes as a range to cut a text with.
    pub fn range(self) -> std::ops::Range<usize> {
        self.start as usize..self.end as usize
    }
}

/// A line and a column, both counted from one; columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line.
    pub line: usize,
    /// The character in the line.
    pub column: usize,
}

/// One text with the name that messages give it.
#[derive(Debug)]
pub struct Source {
    /// The name in messages: the path as the user gave it.
    pub name: String,
    /// The whole text.
    pub text: String,
    line_starts: OnceLock<Vec<u32>>,
}

impl Source {
    /// The text of a stretch; empty where the stretch is not in the text.
    pub fn slice(&self, span: Span) -> &str {
        self.text.get(span.range()).unwrap_or("")
    }

    /// Where a byte stands, counted in lines and characters.
    pub fn position(&self, offset: u32) -> Position {
        let offset = (offset as usize).min(self.text.len());
        let starts = self.line_starts();
        let line = starts.partition_point(|start| *start as usize <= offset).max(1);
        let start = starts.get(line - 1).map_or(0, |start| *start as usize);
        let before = self.text.get(start..offset).unwrap_or("");
        Position { line, column: before.chars().count() + 1 }
    }

    /// The stretch of one line without its line break; lines count from one.
    pub fn line_range(&self, line: usize) -> std::ops::Range<usize> {
        let starts = self.line_starts();
        let start = starts.get(line.saturating_sub(1)).map(|start| *start as usize);
        let start = start.unwrap_or(self.text.len());
        let rest = self.text.get(start..).unwrap_or("");
        let length = rest.find(['\n', '\r']).unwrap_or(rest.len());
        start..start + length
    }

    fn line_starts(&self) -> &[u32] {
        self.line_starts.get_or_init(|| {
            let next = |(place, _)| u32::try_from(place + 1).unwrap_or(u32::MAX);
            std::iter::once(0).chain(self.text.match_indices('\n').map(next)).collect()
        })
    }
}

/// All texts of one run.
#[derive(Debug, Default)]
pub struct Sources {
    list: Vec<Arc<Source>>,
}

impl Sources {
    /// Takes in a text and gives it an identity.
    pub fn add(&mut self, name: impl Into<String>, text: impl Into<String>) -> SourceId {
        let id = SourceId(u32::try_from(self.list.len()).unwrap_or(u32::MAX));
        let (name, text) = (name.into(), text.into());
        self.list.push(Arc::new(Source { name, text, line_starts: OnceLock::new() }));
        id
    }

    /// The text with that identity.
    pub fn get(&self, id: SourceId) -> Option<&Arc<Source>> {
        self.list.get(id.0 as usize)
    }

    /// The name, start and end of a place, for messages that are read by machines.
    pub fn locate(&self, span: Span) -> Option<(&str, Position, Position)> {
        let source = self.get(span.source)?;
        Some((&source.name, source.position(span.start), source.position(span.end)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_characters_and_survive_any_offset() {
        let mut sources = Sources::default();
        let id = sources.add("a.yml", "ä: ü\r\nb: 1\n");
        let source = sources.get(id).unwrap();
        let at = |offset| {
            let position = source.position(offset);
            (position.line, position.column)
        };
        assert_eq!(at(0), (1, 1));
        assert_eq!(at(4), (1, 4));
        assert_eq!(at(8), (2, 1));
        assert_eq!(at(9999), (3, 1));
        assert_eq!(source.text.get(source.line_range(1)), Some("ä: ü"));
        assert_eq!(source.line_range(99), 13..13);
    }
}
