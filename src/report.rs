//! What is said about a text: diagnostics with a stable code, a place and a way out.

use crate::source::Span;

pub mod code;
pub mod github;
pub mod human;
pub mod json;
pub mod sarif;

pub use code::Code;

/// How much a diagnostic weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Severity {
    /// Worth knowing; never fails a run.
    Hint,
    /// Probably not meant; fails a run only with `--deny-warnings`.
    Warning,
    /// Cannot be compiled.
    Error,
}

impl Severity {
    /// The word for it in every output.
    pub fn word(self) -> &'static str {
        match self {
            Self::Hint => "hint",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

/// A second place that explains the first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Label {
    /// The place.
    pub span: Span,
    /// What is there.
    pub message: String,
}

/// One thing to say about a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Diagnostic {
    /// What kind of problem it is.
    pub code: &'static Code,
    /// How much it weighs here; usually what its code says.
    pub severity: Severity,
    /// What was found, then what was expected.
    pub message: String,
    /// The place that is to blame.
    pub span: Span,
    /// What stands under the caret, where the message alone is not enough.
    pub note: Option<String>,
    /// Other places that belong to it.
    pub labels: Vec<Label>,
    /// What to do.
    pub help: Option<String>,
    /// Whether its line holds something that must not be shown, such as a password.
    pub private: bool,
}

impl Diagnostic {
    /// A diagnostic with the weight of its code.
    pub fn new(code: &'static Code, span: Span, message: impl Into<String>) -> Self {
        Self {
            code,
            severity: code.severity,
            message: cut(message.into(), MESSAGE_MAX),
            span,
            note: None,
            labels: Vec::new(),
            help: None,
            private: false,
        }
    }

    /// Says what to do.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(cut(help.into(), HELP_MAX));
        self
    }

    /// Says what to do, where that is known.
    #[must_use]
    pub fn maybe_help(self, help: Option<String>) -> Self {
        match help {
            Some(help) => self.help(help),
            None => self,
        }
    }

    /// Says something right under the caret.
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.note = Some(cut(note.into(), MESSAGE_MAX));
        self
    }

    /// Shows another place.
    #[must_use]
    pub fn label(mut self, span: Span, message: impl Into<String>) -> Self {
        self.labels.push(Label { span, message: cut(message.into(), MESSAGE_MAX) });
        self
    }

    /// Keeps its line out of every output.
    #[must_use]
    pub fn private(mut self) -> Self {
        self.private = true;
        self
    }

    /// Gives it another weight than its code has.
    #[must_use]
    pub fn severity(mut self, severity: Severity) -> Self {
        self.severity = severity;
        self
    }
}

/// How many bytes of a message are kept; what it quotes may be as long as the file.
const MESSAGE_MAX: usize = 600;

/// How many bytes of a help are kept; it may have several lines.
const HELP_MAX: usize = 1500;

/// The beginning of a text; `…` says that there was more.
fn cut(mut text: String, max: usize) -> String {
    if text.len() > max {
        let end = (0..=max).rev().find(|end| text.is_char_boundary(*end));
        text.truncate(end.unwrap_or(0));
        text.push('…');
        text.shrink_to_fit();
    }
    text
}

/// How many diagnostics of one run are kept; a hostile file could make millions.
pub const DIAGNOSTICS_MAX: usize = 500;

/// All that was said about one run's texts.
#[derive(Debug, Default)]
pub struct Findings {
    list: Vec<Diagnostic>,
    kept: Tally,
    left_out: Tally,
}

/// How many diagnostics there are of each weight.
#[derive(Debug, Clone, Copy, Default)]
struct Tally {
    hints: usize,
    warnings: usize,
    errors: usize,
}

impl Tally {
    fn of(&mut self, severity: Severity) -> &mut usize {
        match severity {
            Severity::Hint => &mut self.hints,
            Severity::Warning => &mut self.warnings,
            Severity::Error => &mut self.errors,
        }
    }

    /// The least weight of which there is one.
    fn lightest(&self) -> Severity {
        match (self.hints, self.warnings) {
            (0, 0) => Severity::Error,
            (0, _) => Severity::Warning,
            _ => Severity::Hint,
        }
    }
}

impl Findings {
    /// Takes in a diagnostic; past the limit it is only counted, or it takes the place of a
    /// lighter one: a flood of hints hides no error.
    pub fn add(&mut self, diagnostic: Diagnostic) {
        let (severity, lightest) = (diagnostic.severity, self.kept.lightest());
        if self.list.len() >= DIAGNOSTICS_MAX {
            *self.left_out.of(severity.min(lightest)) += 1;
            if severity <= lightest {
                return;
            }
            if let Some(place) = self.list.iter().rposition(|one| one.severity == lightest) {
                self.list.remove(place);
                *self.kept.of(lightest) -= 1;
            }
        }
        *self.kept.of(severity) += 1;
        self.list.push(diagnostic);
    }

    /// Takes in all that another collection holds.
    pub fn append(&mut self, other: Self) {
        self.left_out.hints += other.left_out.hints;
        self.left_out.warnings += other.left_out.warnings;
        self.left_out.errors += other.left_out.errors;
        other.list.into_iter().for_each(|diagnostic| self.add(diagnostic));
    }

    /// How many diagnostics of this weight there are, those past the limit included.
    pub fn count(&self, severity: Severity) -> usize {
        let (mut kept, mut left_out) = (self.kept, self.left_out);
        *kept.of(severity) + *left_out.of(severity)
    }

    /// Whether anything forbids to go on.
    pub fn has_errors(&self) -> bool {
        self.count(Severity::Error) > 0
    }

    /// Whether another diagnostic would only be counted.
    pub fn is_full(&self) -> bool {
        self.list.len() >= DIAGNOSTICS_MAX
    }

    /// How many diagnostics were counted and not kept.
    pub fn left_out(&self) -> usize {
        self.left_out.hints + self.left_out.warnings + self.left_out.errors
    }

    /// The diagnostics, ordered by place once they are settled.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.list.iter()
    }

    /// Keeps those that a test lets pass.
    pub fn retain(&mut self, keep: impl FnMut(&Diagnostic) -> bool) {
        self.list.retain(keep);
        self.kept = Tally::default();
        self.list.iter().for_each(|one| *self.kept.of(one.severity) += 1);
    }

    /// Orders by place and drops what was said twice of one place.
    pub fn settle(&mut self) {
        let key = |one: &Diagnostic| (one.span, one.code.id);
        self.list.sort_by(|a, b| key(a).cmp(&key(b)));
        self.list
            .dedup_by(|later, first| key(later) == key(first) && later.message == first.message);
        self.retain(|_| true);
    }
}
