//! Rules that a note in the file, or the project's configuration, silences with a reason.

use std::collections::BTreeMap;

use crate::load::tree::Comment;
use crate::report::code::{self, raw};
use crate::report::human::escape;
use crate::report::{Code, Diagnostic, Findings, Severity};
use crate::source::{Source, SourceId, Sources, Span};

/// The beginning of a note, behind the `#` of its comment.
const MARK: &str = "stackwright:";

/// A code that is silenced in one line.
struct Silence {
    code: &'static Code,
    source: SourceId,
    line: usize,
    /// The place of the note.
    span: Span,
}

/// Takes away what the notes silence, and tells notes that are wrong or silence nothing.
pub fn notes<'c>(
    comments: impl Iterator<Item = &'c Comment>,
    sources: &Sources,
    findings: &mut Findings,
) {
    let mut silences = Vec::new();
    for comment in comments.filter(|comment| comment.text.starts_with(MARK)) {
        if let Some(source) = sources.get(comment.span.source) {
            read(comment, source, &mut silences, findings);
        }
    }
    let mut used = vec![false; silences.len()];
    let mut by_line: BTreeMap<(SourceId, usize), Vec<usize>> = BTreeMap::new();
    for (place, silence) in silences.iter().enumerate() {
        by_line.entry((silence.source, silence.line)).or_default().push(place);
    }
    if by_line.is_empty() {
        return;
    }
    findings.retain(|one| {
        let line = sources.get(one.span.source).map(|source| source.position(one.span.start).line);
        let here = line.and_then(|line| by_line.get(&(one.span.source, line)));
        let silence = here
            .into_iter()
            .flatten()
            .find(|place| silences.get(**place).is_some_and(|silence| silence.code == one.code));
        let Some(flag) = silence.and_then(|place| used.get_mut(*place)) else { return true };
        *flag = true;
        one.severity == Severity::Error
    });
    for (silence, used) in silences.iter().zip(used) {
        if let Some(diagnostic) = misuse(silence, used) {
            findings.add(diagnostic);
        }
    }
}

fn misuse(silence: &Silence, used: bool) -> Option<Diagnostic> {
    let id = silence.code.id;
    if silence.code.severity == Severity::Error {
        let message = format!("{id} is an error, it cannot be silenced");
        let diagnostic = Diagnostic::new(&raw::SILENCE_ERROR, silence.span, message);
        return Some(diagnostic.help("mend what it says, and take the note away"));
    }
    (!used).then(|| {
        let message = format!("{id} says nothing about this line");
        let diagnostic = Diagnostic::new(&raw::SILENCE_UNUSED, silence.span, message);
        diagnostic.help("take the note away, or put it right above the line it is about")
    })
}

fn read(comment: &Comment, source: &Source, silences: &mut Vec<Silence>, findings: &mut Findings) {
    let text = comment.text.strip_prefix(MARK).unwrap_or("").trim();
    let inside = text.strip_prefix("allow(").and_then(|rest| rest.split_once(')'));
    let Some((codes, reason)) = inside else {
        let message = format!("`{}` is no note of stackwright", escape(text));
        let diagnostic = Diagnostic::new(&raw::SILENCE_UNKNOWN, comment.span, message);
        findings.add(diagnostic.help("write `# stackwright: allow(SW422) the reason`"));
        return;
    };
    if reason.trim().is_empty() {
        let message = "a rule is silenced without a reason";
        let diagnostic = Diagnostic::new(&raw::SILENCE_WITHOUT_REASON, comment.span, message);
        findings.add(diagnostic.help("write the reason behind the bracket"));
    }
    let line = concerned_line(comment.span, source);
    for id in codes.split(',').map(str::trim) {
        match code::find(id) {
            Some(code) => {
                let (source, span) = (comment.span.source, comment.span);
                silences.push(Silence { code, source, line, span });
            }
            None => findings.add(unknown(id, comment.span)),
        }
    }
}

/// The diagnostic of a code that does not exist.
pub fn unknown(id: &str, span: Span) -> Diagnostic {
    let known = code::all().map(|code| code.id);
    let near = crate::model::value::nearest::nearest(id, known);
    let help = near.map(|near| format!("did you mean `{near}`? `stackwright explain` lists all"));
    let message = format!("`{}` is no code", escape(id));
    Diagnostic::new(&raw::SILENCE_UNKNOWN, span, message).maybe_help(help)
}

/// The line that a note is about: its own, or the next one that holds anything.
fn concerned_line(span: Span, source: &Source) -> usize {
    let own = source.position(span.start).line;
    let before = source.line_range(own).start..span.start as usize;
    let alone = source.text.get(before).is_none_or(|before| before.trim().is_empty());
    if !alone {
        return own;
    }
    let rest = source.text.get(span.end as usize..).unwrap_or("");
    let mut line = own;
    for text in rest.split('\n').skip(1) {
        line += 1;
        let text = text.trim_start();
        if !text.is_empty() && !text.starts_with('#') {
            break;
        }
    }
    line
}
