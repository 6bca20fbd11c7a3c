//! Diagnostics as JSON, in a shape that is promised and described by a schema.

use std::fmt::Write;

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema};
use serde::Serialize;

use super::human::hides;
use super::{Diagnostic, Findings, Severity};
use crate::source::{Position, Sources, Span};

/// All that was found in the texts of one run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "Diagnostics of stackwright")]
pub struct LintReport {
    /// What was found, ordered by place.
    pub diagnostics: Vec<LintDiagnostic>,
    /// How many diagnostics there are beyond those that are listed.
    pub not_shown: usize,
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LintDiagnostic {
    /// The stable name of the kind of problem, such as `SW201`.
    pub code: String,
    /// How much it weighs.
    pub severity: LintSeverity,
    /// What was found, then what was expected.
    pub message: String,
    /// The path as it was given; empty where no text is to blame.
    pub file: String,
    /// The line where it starts, counted from one.
    #[schemars(range(min = 1))]
    pub line: usize,
    /// The character in that line where it starts, counted from one.
    #[schemars(range(min = 1))]
    pub column: usize,
    /// The line where it ends.
    #[schemars(range(min = 1))]
    pub end_line: usize,
    /// The character in that line behind the last one that belongs to it.
    #[schemars(range(min = 1))]
    pub end_column: usize,
    /// What to do, where that is known.
    pub help: Option<String>,
    /// What is to be said of the place beyond the message.
    pub note: Option<String>,
    /// Other places that belong to it.
    pub related: Vec<LintRelated>,
}

/// How much a diagnostic weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum LintSeverity {
    /// Cannot be compiled.
    Error,
    /// Probably not meant.
    Warning,
    /// Worth knowing; never fails a run.
    Hint,
}

/// Another place that explains a diagnostic.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LintRelated {
    /// The path as it was given; empty where there is no text.
    pub file: String,
    /// The line where it starts, counted from one.
    #[schemars(range(min = 1))]
    pub line: usize,
    /// The character in that line where it starts, counted from one.
    #[schemars(range(min = 1))]
    pub column: usize,
    /// The line where it ends.
    #[schemars(range(min = 1))]
    pub end_line: usize,
    /// The character in that line behind the last one that belongs to it.
    #[schemars(range(min = 1))]
    pub end_column: usize,
    /// What is there.
    pub message: String,
}

impl From<Severity> for LintSeverity {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Error => Self::Error,
            Severity::Warning => Self::Warning,
            Severity::Hint => Self::Hint,
        }
    }
}

/// All diagnostics as one JSON document.
pub fn render(findings: &Findings, sources: &Sources) -> String {
    pretty(&report(findings, sources))
}

/// All diagnostics, for a document that holds more.
pub fn report(findings: &Findings, sources: &Sources) -> LintReport {
    let diagnostics = findings.iter().map(|one| diagnostic(one, sources)).collect();
    LintReport { diagnostics, not_shown: findings.left_out() }
}

/// The schema of what `render` gives.
pub fn schema() -> Schema {
    let settings = SchemaSettings::draft2020_12().for_serialize();
    settings.into_generator().into_root_schema_for::<LintReport>()
}

fn diagnostic(one: &Diagnostic, sources: &Sources) -> LintDiagnostic {
    let (file, start, end) = place(sources, one.span);
    let related = one.labels.iter().map(|label| related(label.span, &label.message, sources));
    LintDiagnostic {
        code: one.code.id.to_owned(),
        severity: one.severity.into(),
        message: one.message.clone(),
        file,
        line: start.line,
        column: start.column,
        end_line: end.line,
        end_column: end.column,
        help: one.help.clone(),
        note: one.note.clone(),
        related: related.collect(),
    }
}

fn related(span: Span, message: &str, sources: &Sources) -> LintRelated {
    let (file, start, end) = place(sources, span);
    LintRelated {
        file,
        line: start.line,
        column: start.column,
        end_line: end.line,
        end_column: end.column,
        message: message.to_owned(),
    }
}

fn place(sources: &Sources, span: Span) -> (String, Position, Position) {
    let first = Position { line: 1, column: 1 };
    sources
        .locate(span)
        .map_or((String::new(), first, first), |(name, start, end)| (name.to_owned(), start, end))
}

/// A document with line breaks, which does no harm to a terminal either.
pub(super) fn pretty(document: &impl Serialize) -> String {
    // Fails only for keys that are no strings, which none of our documents has.
    let text = serde_json::to_string_pretty(document).unwrap_or_default() + "\n";
    let mut out = String::with_capacity(text.len());
    for one in text.chars() {
        if one == '\n' || !hides(one) {
            out.push(one);
            continue;
        }
        // Such a character stands in a string only, where its escape means the same.
        for unit in one.encode_utf16(&mut [0; 2]) {
            let _ = write!(out, "\\u{unit:04x}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::human::tests::{hostile, sample};

    #[test]
    fn fields_are_as_promised() {
        let (findings, sources) = sample();
        insta::assert_snapshot!(render(&findings, &sources), @r#"
        {
          "diagnostics": [
            {
              "code": "SW201",
              "severity": "error",
              "message": "`cache` is no service of this stack",
              "file": "shop/stack.yml",
              "line": 4,
              "column": 24,
              "endLine": 4,
              "endColumn": 29,
              "help": "declare it,\nor drop it",
              "note": "not in this stack",
              "related": [
                {
                  "file": "shop/base layer.yml",
                  "line": 2,
                  "column": 3,
                  "endLine": 2,
                  "endColumn": 8,
                  "message": "only a default has this name"
                }
              ]
            },
            {
              "code": "SW901",
              "severity": "warning",
              "message": "100% odd: {x}",
              "file": "shop/stack.yml",
              "line": 3,
              "column": 3,
              "endLine": 4,
              "endColumn": 8,
              "help": null,
              "note": null,
              "related": []
            },
            {
              "code": "SW902",
              "severity": "hint",
              "message": "could be shorter",
              "file": "",
              "line": 1,
              "column": 1,
              "endLine": 1,
              "endColumn": 1,
              "help": null,
              "note": null,
              "related": []
            }
          ],
          "notShown": 0
        }
        "#);
    }

    #[test]
    fn every_report_keeps_to_the_schema() {
        let schema = serde_json::to_value(schema()).unwrap();
        assert_eq!(schema["title"], "Diagnostics of stackwright");
        assert_eq!(schema.get("$id"), None);
        let validator = jsonschema::validator_for(&schema).unwrap();
        for (findings, sources) in [sample(), hostile(), Default::default()] {
            let report = serde_json::from_str(&render(&findings, &sources)).unwrap();
            let errors: Vec<_> = validator.iter_errors(&report).map(|e| e.to_string()).collect();
            assert_eq!(errors, Vec::<String>::new());
        }
    }

    #[test]
    fn hidden_characters_are_escaped_and_mean_the_same() {
        let (findings, sources) = hostile();
        let text = render(&findings, &sources);
        assert_eq!(text.chars().find(|one| *one != '\n' && hides(*one)), None);
        let report: serde_json::Value = serde_json::from_str(&text).unwrap();
        let first = findings.iter().next().unwrap();
        assert_eq!(report["diagnostics"][0]["message"], first.message);
    }
}
