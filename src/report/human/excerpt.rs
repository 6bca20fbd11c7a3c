//! Cuts out what is shown of the texts around the places of one diagnostic.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::ops::Range;

use annotate_snippets::{Annotation, AnnotationKind, Element, Origin, Snippet};

use super::window::Window;
use super::{LABEL_MAX, NAME_MAX, clip};
use crate::source::{Position, Source, SourceId, Sources, Span};

/// Stands for an origin until `put_origins`: the renderer would count the column in the cut line.
/// It is no character and thus escaped in every text, so it cannot come from anywhere else.
const ORIGIN: char = '\u{fdd0}';

/// Places that are at most so many lines apart are shown in one excerpt.
const GAP: usize = 100;

/// All that is shown of the texts for one diagnostic.
pub(super) struct Excerpts<'a> {
    sources: &'a Sources,
    room: usize,
    list: Vec<Excerpt<'a>>,
}

/// Marked lines of one text near to each other; without lines, only the origin is shown.
struct Excerpt<'a> {
    id: SourceId,
    source: &'a Source,
    origin: Position,
    room: usize,
    rows: BTreeMap<usize, Row<'a>>,
}

/// A line with its marks.
struct Row<'a> {
    window: Window,
    marks: Vec<Mark<'a>>,
}

/// A marked stretch.
struct Mark<'a> {
    range: Range<usize>,
    label: Option<&'a str>,
    primary: bool,
}

impl<'a> Excerpts<'a> {
    /// Nothing yet; lines will be cut so that they fit in a terminal of that width.
    pub(super) fn new(sources: &'a Sources, width: usize) -> Self {
        // Some columns go to the line's number and the frame.
        Self { sources, room: width.clamp(50, 200) - 10, list: Vec::new() }
    }

    /// Takes in a place; says false where it is in no text.
    pub(super) fn add(&mut self, span: Span, label: Option<&'a str>, primary: bool) -> bool {
        let Some(source) = self.sources.get(span.source) else { return false };
        let Some(range) = inside(&source.text, span.range()) else { return false };
        let line = source.position(span.start).line;
        let found = self.list.iter().position(|one| one.fits(span.source, line, range.start));
        let at = found.unwrap_or(self.list.len());
        if found.is_none() {
            self.name(span);
        }
        if let Some(excerpt) = self.list.get_mut(at) {
            let window = || Window::around(&source.text, &range, self.room);
            let row = || Row { window: window(), marks: Vec::new() };
            let row = excerpt.rows.entry(line).or_insert_with(row);
            row.marks.push(Mark { range, label, primary });
        }
        true
    }

    /// Takes in the origin of a place without its line, where its text is known.
    pub(super) fn name(&mut self, span: Span) {
        if let Some(source) = self.sources.get(span.source) {
            let (origin, rows) = (source.position(span.start), BTreeMap::new());
            self.list.push(Excerpt { id: span.source, source, origin, room: self.room, rows });
        }
    }

    /// What the renderer gets.
    pub(super) fn elements(&self) -> Vec<Element<'static>> {
        self.list.iter().map(Excerpt::element).collect()
    }

    /// Puts names, lines and columns into what was rendered.
    pub(super) fn put_origins(&self, rendered: &str) -> String {
        let mut pieces = rendered.split(ORIGIN);
        let mut out = pieces.next().unwrap_or_default().to_owned();
        for (piece, excerpt) in pieces.zip(&self.list) {
            let Position { line, column } = excerpt.origin;
            let _ = write!(out, "{}:{line}:{column}", clip(&excerpt.source.name, NAME_MAX));
            out += piece.trim_start_matches(|one: char| one == ':' || one.is_ascii_digit());
        }
        out
    }
}

impl Excerpt<'_> {
    /// Whether a place belongs here: near in lines and, in a line that is shown, visible.
    fn fits(&self, id: SourceId, line: usize, start: usize) -> bool {
        let near = |(first, last): (usize, usize)| {
            (first.saturating_sub(GAP)..=last.saturating_add(GAP)).contains(&line)
        };
        let visible = |row: &Row| row.window.holds(start);
        self.id == id && self.reach().is_some_and(near) && self.rows.get(&line).is_none_or(visible)
    }

    /// The first and the last marked line.
    fn reach(&self) -> Option<(usize, usize)> {
        Some((*self.rows.keys().next()?, *self.rows.keys().next_back()?))
    }

    fn element(&self) -> Element<'static> {
        let Some((first, last)) = self.reach() else {
            return Origin::path(ORIGIN.to_string()).into();
        };
        let (mut text, mut annotations) = (String::new(), Vec::new());
        for line in first..=last {
            match self.rows.get(&line) {
                Some(row) => annotations.extend(row.write(&self.source.text, &mut text)),
                None => text += &self.between(line).unwrap_or_default(),
            }
            // Also after the last line: an empty line at the end would be none without it.
            text.push('\n');
        }
        let snippet = Snippet::source(text).line_start(first).path(ORIGIN.to_string());
        snippet.annotations(annotations).into()
    }

    /// A line between two marked ones: the only one that is shown without being marked.
    fn between(&self, line: usize) -> Option<String> {
        self.rows.get(&(line + 1))?;
        let (row, text) = (self.rows.get(&(line - 1))?, &self.source.text);
        let end = row.window.end();
        let start = end + text.get(end..)?.find('\n')? + 1;
        Some(Window::around(text, &(start..start), self.room).show(text))
    }
}

impl Row<'_> {
    /// Writes the line and says where its marks came to stand.
    fn write(&self, text: &str, out: &mut String) -> Vec<Annotation<'static>> {
        let start = out.len();
        out.push_str(&self.window.show(text));
        let annotation = |mark: &Mark| {
            let kind = if mark.primary { AnnotationKind::Primary } else { AnnotationKind::Context };
            let range = self.window.place(text, &mark.range);
            let label = mark.label.map(|label| clip(label, LABEL_MAX));
            kind.span(start + range.start..start + range.end).label(label)
        };
        self.marks.iter().map(annotation).collect()
    }
}

/// The stretch on whole characters within the text; nothing where it starts behind the text.
fn inside(text: &str, range: Range<usize>) -> Option<Range<usize>> {
    let whole = |offset: usize| {
        (0..=offset.min(text.len())).rev().find(|one| text.is_char_boundary(*one)).unwrap_or(0)
    };
    let (before, after) = text.split_at_checked(whole(range.start))?;
    let end = whole(range.end).max(before.len());
    // Between the two characters of a line break is the end of the line.
    let inner = before.ends_with('\r') && after.starts_with('\n');
    let start = before.len() - usize::from(inner);
    (range.start <= text.len()).then_some(start..end)
}
