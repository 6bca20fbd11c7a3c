//! Files with variables, one `NAME=value` a line, as Compose reads them.

use crate::model::text::EnvName;
use crate::model::value::{ValueError, excerpt};
use crate::report::code::text as code;
use crate::report::{Diagnostic, Findings};
use crate::source::{Source, SourceId, Span};

/// How many lines the files of a stack may have together.
pub const LINES_MAX: usize = 100_000;

/// A variable of a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Its name.
    pub name: String,
    /// Its value, with quotes and escapes understood.
    pub value: String,
    /// Where it stands.
    pub span: Span,
}

/// Reads all lines for which there is `room`; malformed ones are told and left out.
pub fn read(id: SourceId, source: &Source, room: usize, findings: &mut Findings) -> Vec<Line> {
    let mut lines = Vec::new();
    let mut start = 0;
    while let Some(rest) = source.text.get(start..).filter(|rest| !rest.is_empty()) {
        let length = line_length(rest);
        let line = rest.get(..length).unwrap_or(rest);
        let span = Span::new(id, start, start + line.trim_end().len());
        if lines.len() >= room {
            let message = format!("more than {LINES_MAX} variables in files");
            let diagnostic = Diagnostic::new(&code::TOO_MANY_VALUES, span, message);
            findings.add(diagnostic.help("take away what no service needs"));
            break;
        }
        match parse(line) {
            Ok(Some((name, value))) => lines.push(Line { name, value, span }),
            Ok(None) => {}
            Err(error) => {
                let span = error.at.map_or(span, |at| span.part(&at));
                let diagnostic = Diagnostic::new(&code::ENV_LINE, span, error.message);
                findings.add(diagnostic.maybe_help(error.help));
            }
        }
        start += length + 1;
    }
    lines
}

/// The length of a logical line: a quoted value may go over several.
fn line_length(rest: &str) -> usize {
    let first = rest.find('\n').unwrap_or(rest.len());
    let line = rest.get(..first).unwrap_or(rest);
    let Some((name, value)) = line.split_once('=') else { return first };
    let value = value.trim_start();
    let Some(quote) = value.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
        return first;
    };
    if line.trim_start().starts_with('#') || name.contains(quote) {
        return first;
    }
    let opened = line.len() - value.len() + 1;
    match close(rest.get(opened..).unwrap_or(""), quote) {
        Some(closed) => {
            let end = opened + closed;
            end + rest.get(end..).and_then(|tail| tail.find('\n')).unwrap_or(rest.len() - end)
        }
        None => first,
    }
}

/// Where a quote closes; a backslash guards what follows it in double quotes.
fn close(text: &str, quote: char) -> Option<usize> {
    let mut guarded = false;
    text.char_indices().find_map(|(place, c)| {
        let closes = c == quote && !guarded;
        guarded = quote == '"' && c == '\\' && !guarded;
        closes.then_some(place)
    })
}

fn parse(whole: &str) -> Result<Option<(String, String)>, ValueError> {
    let line = whole.trim();
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let line = line.strip_prefix("export ").unwrap_or(line).trim_start();
    let Some((name, value)) = line.split_once('=') else {
        let error = ValueError::new(format!("`{}` has no `=`", excerpt(line)));
        let help = "write `NAME=value`, or `#` in front of a remark";
        return Err(error.help(help).inside(whole, line));
    };
    let name = name.trim();
    name.parse::<EnvName>().map_err(|error| error.inside(whole, name))?;
    Ok(Some((name.to_owned(), value_of(whole, value.trim())?)))
}

fn value_of(whole: &str, value: &str) -> Result<String, ValueError> {
    let Some(quote) = value.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
        // A comment needs a space before it, so that colours and anchors stay whole.
        let end = value.find(" #").unwrap_or(value.len());
        return Ok(value.get(..end).unwrap_or(value).trim_end().to_owned());
    };
    let inside = value.get(1..).unwrap_or("");
    let Some(end) = close(inside, quote) else {
        let error = ValueError::new("a quote that is not closed").help("close it");
        return Err(error.inside(whole, value.get(..1).unwrap_or(value)));
    };
    let text = inside.get(..end).unwrap_or("");
    let rest = inside.get(end + 1..).unwrap_or("").trim();
    if !rest.is_empty() && !rest.starts_with('#') {
        let error = ValueError::new(format!("`{}` behind the closing quote", excerpt(rest)));
        let help = "put the whole value into quotes, or ` #` in front of a remark";
        return Err(error.help(help).inside(whole, rest));
    }
    Ok(if quote == '\'' { text.to_owned() } else { unescape(text) })
}

fn unescape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        if c != '\\' {
            out.push(c);
            continue;
        }
        match rest.next() {
            Some('n') => out.push('\n'),
            Some('r') => out.push('\r'),
            Some('t') => out.push('\t'),
            Some(guarded @ ('"' | '\\' | '$')) => out.push(guarded),
            Some(other) => out.extend(['\\', other]),
            None => out.push('\\'),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::Sources;

    fn values(text: &str) -> (Vec<(String, String)>, usize) {
        let mut sources = Sources::default();
        let id = sources.add(".env", text);
        let mut findings = Findings::default();
        let lines = read(id, sources.get(id).unwrap(), 100, &mut findings);
        (lines.into_iter().map(|line| (line.name, line.value)).collect(), findings.iter().count())
    }

    #[test]
    fn lines_are_read_as_compose_reads_them() {
        let text = "# comment\nA=1\n B = two words # note\nexport C='x # $y'\nD=\"a\\nb\"\nE=\n\
                    F=\"one\ntwo\"\nG=a#b\r\n";
        let expected = [
            ("A", "1"),
            ("B", "two words"),
            ("C", "x # $y"),
            ("D", "a\nb"),
            ("E", ""),
            ("F", "one\ntwo"),
            ("G", "a#b"),
        ];
        let expected = expected.map(|(name, value)| (name.to_owned(), value.to_owned()));
        assert_eq!(values(text), (expected.to_vec(), 0));
    }

    #[test]
    fn malformed_lines_are_told_and_left_out() {
        assert_eq!(values("A\nB-C=1\nD=\"x\nE='a' b\nF=1").1, 4);
    }
}
