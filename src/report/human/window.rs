//! The part of a line that is shown: only so much of it is looked at, however long the line is.

use std::ops::Range;

use super::{cells, show};

/// What is shown of a tab, which is as wide in the renderer's eyes.
const TAB: &str = "    ";

/// What is shown where a line goes on.
const MORE: &str = "…";

/// The bytes of a line that are shown.
#[derive(Debug)]
pub(super) struct Window {
    range: Range<usize>,
    cut_left: bool,
    cut_right: bool,
}

impl Window {
    /// The surroundings of a stretch in its first line that are not wider than `room`.
    pub(super) fn around(text: &str, stretch: &Range<usize>, room: usize) -> Self {
        let (before, after) = text.split_at_checked(stretch.start).unwrap_or((text, ""));
        // What follows gets up to two thirds; what it does not need goes to what precedes.
        let wanted = walk(after.chars(), room * 2 / 3).columns;
        let left = walk(before.chars().rev(), room - wanted);
        let right = walk(after.chars(), room - left.columns);
        let start = before.len() - left.bytes;
        let mut end = before.len() + right.bytes;
        if after.get(right.bytes..).is_some_and(|rest| rest.starts_with('\n'))
            && text.get(..end).is_some_and(|shown| shown.ends_with('\r'))
        {
            end -= 1;
        }
        Self { range: start..end.max(before.len()), cut_left: left.cut, cut_right: right.cut }
    }

    /// Whether a place that is in the same line can be seen.
    pub(super) fn holds(&self, offset: usize) -> bool {
        let end = if self.cut_right { self.range.end } else { usize::MAX };
        (self.range.start..end).contains(&offset)
    }

    /// Where the shown part ends in the text.
    pub(super) fn end(&self) -> usize {
        self.range.end
    }

    /// The text to be shown.
    pub(super) fn show(&self, text: &str) -> String {
        let left = if self.cut_left { MORE } else { "" };
        let right = if self.cut_right { MORE } else { "" };
        format!("{left}{}{right}", shown(text, self.range.clone()))
    }

    /// Where a stretch of the text is in what `show` gives, as far as it is in there.
    pub(super) fn place(&self, text: &str, stretch: &Range<usize>) -> Range<usize> {
        let before = if self.cut_left { MORE.len() } else { 0 };
        let at = |offset: usize| {
            let offset = offset.clamp(self.range.start, self.range.end);
            before + shown(text, self.range.start..offset).len()
        };
        let beyond = self.cut_right && stretch.end > self.range.end;
        at(stretch.start)..at(stretch.end) + if beyond { MORE.len() } else { 0 }
    }
}

/// How far one gets in a line with so much room.
struct Walk {
    bytes: usize,
    columns: usize,
    cut: bool,
}

fn walk(line: impl Iterator<Item = char>, room: usize) -> Walk {
    let mut walk = Walk { bytes: 0, columns: 0, cut: false };
    for one in line.take_while(|one| *one != '\n') {
        let columns = walk.columns + width(one);
        if columns > room {
            return Walk { cut: true, ..walk };
        }
        walk = Walk { bytes: walk.bytes + one.len_utf8(), columns, cut: false };
    }
    walk
}

fn width(one: char) -> usize {
    if one == '\t' { TAB.len() } else { cells(one) }
}

fn shown(text: &str, range: Range<usize>) -> String {
    let mut out = String::new();
    for one in text.get(range).unwrap_or_default().chars() {
        if one == '\t' { out.push_str(TAB) } else { show(one, &mut out) }
    }
    out
}
