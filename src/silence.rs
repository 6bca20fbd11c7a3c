//! Rules that a note in the file, or the project's configuration, silences with a reason.

use std::collections::BTreeMap;

use crate::load::tree::{Comment, NOTE};
use crate::model::value::nearest::did_you_mean;
use crate::report::code::{self, project};
use crate::report::human::escape;
use crate::report::{Code, Diagnostic, Findings, Severity};
use crate::source::{Source, SourceId, Sources, Span};

/// How many codes of one note are read; nobody silences half of them in one line.
const CODES_MAX: usize = 50;

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
    let mut lines = Lines::default();
    for comment in comments {
        if let Some(source) = sources.get(comment.span.source) {
            let line = lines.concerned(comment.span, source);
            read(comment, line, &mut silences, findings);
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
        let diagnostic = Diagnostic::new(&project::SILENCE_ERROR, silence.span, message);
        return Some(diagnostic.help("mend what it says, and take the note away"));
    }
    (!used).then(|| {
        let message = format!("{id} says nothing about this line");
        let diagnostic = Diagnostic::new(&project::SILENCE_UNUSED, silence.span, message);
        diagnostic.help("take the note away, or put it right above the line it is about")
    })
}

fn read(comment: &Comment, line: usize, silences: &mut Vec<Silence>, findings: &mut Findings) {
    let text = comment.text.strip_prefix(NOTE).unwrap_or("").trim();
    let inside = text.strip_prefix("allow(").and_then(|rest| rest.split_once(')'));
    let Some((codes, reason)) = inside else {
        let message = format!("`{}` is no note of stackwright", escape(text));
        let diagnostic = Diagnostic::new(&project::SILENCE_UNKNOWN, comment.span, message);
        findings.add(diagnostic.help("write `# stackwright: allow(SW422) the reason`"));
        return;
    };
    if reason.trim().is_empty() {
        let message = "a rule is silenced without a reason";
        let diagnostic = Diagnostic::new(&project::SILENCE_WITHOUT_REASON, comment.span, message);
        findings.add(diagnostic.help("write the reason behind the bracket"));
    }
    for id in codes.split(',').map(str::trim).take(CODES_MAX) {
        match code::find(id) {
            Some(code) => {
                let (source, span) = (comment.span.source, comment.span);
                silences.push(Silence { code, source, line, span });
            }
            None => findings.add(unknown(id, comment.span, findings)),
        }
    }
}

/// The diagnostic of a code that does not exist.
pub fn unknown(id: &str, span: Span, findings: &Findings) -> Diagnostic {
    // A number of another topic is no likely mistake.
    let topic = id.get(..3).unwrap_or(id);
    let known = code::all().map(|code| code.id).filter(|known| known.starts_with(topic));
    let near = did_you_mean(id, known, findings).map(|near| near + " ").unwrap_or_default();
    let message = format!("`{}` is no code", escape(id));
    let help = format!("{near}`stackwright explain` lists all");
    Diagnostic::new(&project::SILENCE_UNKNOWN, span, message).help(help)
}

/// The lines that notes are about; a row of notes is looked through once and not for each of them.
#[derive(Default)]
struct Lines {
    source: SourceId,
    /// From the last note to the line it is about, there is no other line that says anything.
    gap: std::ops::Range<usize>,
}

impl Lines {
    /// The line that a note is about: its own, or the next one that holds anything.
    fn concerned(&mut self, span: Span, source: &Source) -> usize {
        let own = source.position(span.start).line;
        let before = source.line_range(own).start..span.start as usize;
        let alone = source.text.get(before).is_none_or(|before| before.trim().is_empty());
        if !alone {
            return own;
        }
        if span.source != self.source || !self.gap.contains(&own) {
            let rest = source.text.get(span.end as usize..).unwrap_or("");
            let mut line = own;
            for text in rest.split('\n').skip(1) {
                line += 1;
                let text = text.trim_start();
                if !text.is_empty() && !text.starts_with('#') {
                    break;
                }
            }
            (self.source, self.gap) = (span.source, own..line);
        }
        self.gap.end
    }
}
