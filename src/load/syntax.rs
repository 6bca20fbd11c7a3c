//! Why a text is not YAML, in words that say what to do, for the mistakes that people make.

use granit_parser::ScanError;

use crate::model::value::excerpt;
use crate::report::Diagnostic;
use crate::report::code::text as code;
use crate::source::{Source, Span};

/// What the parser says, in part; what was found in truth; what to do.
///
/// The first row that fits is taken.
const WORDS: &[(&str, &str, &str)] = &[
    ("comments must be separated", "a `#` with no space before it", "put a space before the `#`"),
    (
        "block sequence entries are not allowed",
        "a list item where none can begin",
        "put each `- ` on a line of its own, indented like the other items",
    ),
    (
        "'-' indicator",
        "a line between the items of a list that is none itself",
        "begin it with `- `, or indent it less",
    ),
    (
        "scanning an anchor or alias",
        "a `*` or `&` without a name behind it",
        "put quotes around a text that begins with `*` or `&`",
    ),
    (
        "scanning a directive",
        "a `%` at the beginning of a line",
        "put quotes around a text that begins with `%`",
    ),
    (
        "unknown escape character",
        "a backslash that guards nothing",
        "write `\\\\` for a backslash, or use single quotes",
    ),
    (
        "invalid trailing content after",
        "more text behind the closing quote",
        "put the whole text in quotes, and double a quote that belongs to it",
    ),
    (
        "block scalar",
        "a text block that is not indented evenly",
        "indent every line of it at least as far as its first one",
    ),
    (
        "did not find expected key",
        "a line that is indented unlike its neighbours",
        "indent it like the keys that it belongs to",
    ),
    (
        "mapping keys are not allowed",
        "a `?` where no key can begin",
        "put quotes around a text that begins with `?`",
    ),
    (
        "too many buffered comments",
        "a hundred thousand comments in a row",
        "take some of them away",
    ),
    ("simple key expected ':'", "a line without `: `", "write `key: value`"),
];

/// The beginnings of lines that a merge leaves behind.
const CONFLICT: [&str; 4] = ["<<<<<<<", "=======", ">>>>>>>", "|||||||"];

/// The diagnostic of a text that is not YAML; `bracket` is the place of one that is still open.
pub fn diagnostic(
    error: &ScanError,
    bracket: Option<Span>,
    span: Span,
    source: &Source,
) -> Diagnostic {
    let said = |span: Span, message: &str, help: &str| {
        Diagnostic::new(&code::SYNTAX, span, format!("not YAML: {message}")).help(help)
    };
    let number = source.position(span.start).line;
    let range = source.line_range(number);
    let line = source.text.get(range.clone()).unwrap_or("");
    if let Some(mark) = CONFLICT.iter().find(|mark| line.starts_with(**mark)) {
        let span = Span::new(span.source, range.start, range.start + mark.len());
        return said(span, "a merge has left its marks in the file", "settle the conflict");
    }
    if let Some(tab) = [number, number + 1].into_iter().find_map(|line| leading_tab(source, line)) {
        let span = Span::new(span.source, tab, tab + 1);
        return said(span, "a tab at the beginning of a line", "indent with spaces");
    }
    let before = source.text.get(range.start..span.start as usize).unwrap_or("");
    let after = source.text.get(span.start as usize..range.end).unwrap_or("");
    let info = error.info();
    let place = visible(span, after);
    if let Some(row) = WORDS.iter().find(|(part, ..)| info.contains(part)) {
        let (_, message, help) = row;
        return said(place, message, help);
    }
    if info.contains("mapping values are not allowed") {
        return second_colon(before, place);
    }
    if let Some(first) = after.chars().next().filter(|_| info.contains("unexpected character")) {
        let first = match first {
            '`' => "a backtick".to_owned(),
            first => format!("`{}`", excerpt(first.encode_utf8(&mut [0; 4]))),
        };
        let message = format!("a text cannot begin with {first}");
        return said(place, &message, "put quotes around it");
    }
    let quoted = ["quoted scalar", "unclosed quote"].iter().any(|part| info.contains(part));
    if let Some(quote) = open_quote(source, span.start as usize).filter(|_| quoted) {
        let quote = Span::new(span.source, quote, quote + 1);
        let help = "close it, and double a quote that belongs to the text";
        return said(quote, "a quote that is not closed", help).label(span, "read up to here");
    }
    match bracket {
        Some(bracket) => open_bracket(source, bracket, place, after),
        None => Diagnostic::new(&code::SYNTAX, place, format!("not YAML: {info}")),
    }
}

/// The character at a place, where there is one in its line.
fn visible(span: Span, after: &str) -> Span {
    let length = after.chars().next().map_or(0, char::len_utf8);
    Span::new(span.source, span.start as usize, span.start as usize + length)
}

/// A `: ` in a text, or a key that is indented into the text above it.
fn second_colon(before: &str, place: Span) -> Diagnostic {
    let (message, help) = match before.contains(": ") {
        true => ("a `: ` in the middle of a text", "put quotes around the text"),
        false => (
            "a key in the middle of a text that begins above it",
            "indent it like the keys that it belongs to",
        ),
    };
    Diagnostic::new(&code::SYNTAX, place, format!("not YAML: {message}")).help(help)
}

/// A bracket that is never closed, or a comma that is missing in it.
fn open_bracket(source: &Source, bracket: Span, place: Span, after: &str) -> Diagnostic {
    let open = source.text.get(bracket.start as usize..).and_then(|rest| rest.chars().next());
    let (open, close) = if open == Some('{') { ('{', '}') } else { ('[', ']') };
    let same_line = source.position(bracket.start).line == source.position(place.start).line;
    if same_line && after.contains(close) {
        let message = format!("not YAML: something between `{open}` and `{close}` does not fit");
        let help = "put a comma between two items, and quotes around a text with signs in it";
        return Diagnostic::new(&code::SYNTAX, place, message).help(help);
    }
    let start = bracket.start as usize;
    let span = Span::new(bracket.source, start, start + 1);
    let message = format!("not YAML: a `{open}` that is not closed");
    Diagnostic::new(&code::SYNTAX, span, message)
        .label(place, "read up to here")
        .help(format!("add `{close}`, or put quotes around a text that begins with `{open}`"))
}

/// Where a tab stands that indents a line.
fn leading_tab(source: &Source, line: usize) -> Option<usize> {
    let range = source.line_range(line);
    let text = source.text.get(range.clone())?;
    let spaces = text.len() - text.trim_start_matches(' ').len();
    text.get(spaces..)?.starts_with('\t').then_some(range.start + spaces)
}

/// The quote that begins a text in the last line before a place that has an odd number of them.
fn open_quote(source: &Source, before: usize) -> Option<usize> {
    let text = source.text.get(..before)?;
    let mut end = text.len();
    for line in text.rsplit('\n').take(200) {
        let start = end - line.len();
        let odd = ['"', '\''].into_iter().find(|quote| line.matches(*quote).count() % 2 == 1);
        let opens = |place: &usize| {
            let before = line.get(..*place).and_then(|before| before.chars().next_back());
            before.is_none_or(|c| c.is_whitespace() || "[{,".contains(c))
        };
        let place = odd.and_then(|quote| line.match_indices(quote).map(|(at, _)| at).find(opens));
        if let Some(place) = place {
            return Some(start + place);
        }
        end = start.checked_sub(1)?;
    }
    None
}
