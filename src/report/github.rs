//! Diagnostics as workflow commands, which GitHub shows at the changed lines.

use std::fmt::Write;

use super::human::escape;
use super::{Diagnostic, Findings, Severity};
use crate::source::Sources;

/// All diagnostics, one command in each line.
pub fn render(findings: &Findings, sources: &Sources) -> String {
    let mut out: String = findings.iter().map(|one| command(one, sources)).collect();
    if findings.left_out() > 0 {
        let _ = writeln!(out, "::notice::{} more not shown", findings.left_out());
    }
    out
}

fn command(one: &Diagnostic, sources: &Sources) -> String {
    let name = match one.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Hint => "notice",
    };
    let title = property(&format!("{} {}", one.code.id, one.code.title));
    let place = place(one, sources);
    format!("::{name} {place}title={title}::{}\n", data(&text(one)))
}

fn place(one: &Diagnostic, sources: &Sources) -> String {
    let Some((file, start, end)) = sources.locate(one.span) else { return String::new() };
    let mut out = format!("file={},line={},endLine={},", property(file), start.line, end.line);
    // GitHub takes columns only where both are in the same line.
    if start.line == end.line {
        let _ = write!(out, "col={},endColumn={},", start.column, end.column);
    }
    out
}

fn text(one: &Diagnostic) -> String {
    let said =
        [("", Some(&one.message)), ("note: ", one.note.as_ref()), ("help: ", one.help.as_ref())];
    let lines = said.into_iter().filter_map(|(word, text)| Some(format!("{word}{}", text?)));
    lines.collect::<Vec<_>>().join("\n")
}

/// A text with all that would end the command encoded; line breaks stay line breaks.
fn data(text: &str) -> String {
    let lines = text.lines().map(|line| escape(line).replace('%', "%25"));
    lines.collect::<Vec<_>>().join("%0A")
}

/// Like `data` for a value in front of the text, where more characters have a meaning.
fn property(text: &str) -> String {
    escape(text).replace('%', "%25").replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::human::tests::{hostile, sample, too_many};

    /// What is one line in truth is shown in several, as it is long.
    fn folded((findings, sources): (Findings, Sources)) -> String {
        render(&findings, &sources).replace(",title=", ",\n  title=").replace("%0A", "\n  %0A")
    }

    #[test]
    fn commands_are_as_github_documents_them() {
        insta::assert_snapshot!(folded(sample()), @r"
        ::error file=shop/stack.yml,line=4,endLine=4,col=24,endColumn=29,
          title=SW201 dependency on nothing::`cache` is no service of this stack
          %0Anote: not in this stack
          %0Ahelp: declare it,
          %0Aor drop it
        ::warning file=shop/stack.yml,line=3,endLine=4,
          title=SW901 odd%2C for a test::100%25 odd: {x}
        ::notice title=SW902 could be better::could be shorter
        ");
    }

    #[test]
    fn nothing_ends_a_command_early() {
        insta::assert_snapshot!(folded(hostile()), @r"
        ::warning file=x%2Cy%3A␛%25␊.yml,line=1,endLine=1,col=9,endColumn=13,
          title=SW901 odd%2C for a test::bad
          %0A::error::fake ␛]8;;x␇ \u{202e}\u{e0041}\u{fdd0}:1:1 100%25
          %0Anote: here
          %0A␛[0m
          %0Ahelp: do␈ this
          %0A::warning::\u{85}
        ");
        let (findings, sources) = hostile();
        assert_eq!(render(&findings, &sources).lines().count(), 1);
    }

    #[test]
    fn commands_that_are_missing_are_mentioned() {
        let (findings, sources) = too_many();
        assert!(render(&findings, &sources).ends_with("\n::notice::3 more not shown\n"));
    }
}
