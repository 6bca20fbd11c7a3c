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
    left_out: usize,
    left_out_errors: usize,
}

impl Findings {
    /// Takes in a diagnostic; past the limit it is only counted.
    pub fn add(&mut self, diagnostic: Diagnostic) {
        if self.list.len() < DIAGNOSTICS_MAX {
            self.list.push(diagnostic);
        } else {
            self.left_out += 1;
            self.left_out_errors += usize::from(diagnostic.severity == Severity::Error);
        }
    }

    /// Takes in all that another collection holds.
    pub fn append(&mut self, other: Self) {
        self.left_out += other.left_out;
        self.left_out_errors += other.left_out_errors;
        other.list.into_iter().for_each(|diagnostic| self.add(diagnostic));
    }

    /// How many diagnostics of this weight there are, those past the limit included.
    pub fn count(&self, severity: Severity) -> usize {
        let kept = self.list.iter().filter(|one| one.severity == severity).count();
        kept + if severity == Severity::Error { self.left_out_errors } else { 0 }
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
        self.left_out
    }

    /// The diagnostics, ordered by place once they are settled.
    pub fn iter(&self) -> impl Iterator<Item = &Diagnostic> {
        self.list.iter()
    }

    /// Keeps those that a test lets pass.
    pub fn retain(&mut self, keep: impl FnMut(&Diagnostic) -> bool) {
        self.list.retain(keep);
    }

    /// Orders by place and drops what was said twice of one place.
    pub fn settle(&mut self) {
        let key = |one: &Diagnostic| (one.span, one.code.id);
        self.list.sort_by(|a, b| key(a).cmp(&key(b)));
        self.list
            .dedup_by(|later, first| key(later) == key(first) && later.message == first.message);
    }
}
