//! Diagnostics as SARIF 2.1.0, the format of code scanning services.

use std::collections::BTreeMap;

use serde::Serialize;

use super::json::pretty;
use super::{Code, Diagnostic, Findings, Severity};
use crate::source::{Sources, Span};

/// Where the format is described.
const SCHEMA: &str = "https://json.schemastore.org/sarif-2.1.0.json";

/// Name and version of what identifies a result from run to run.
const FINGERPRINT: &str = "stackwright/v1";

#[derive(Serialize)]
struct Log {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run {
    tool: Tool,
    column_kind: &'static str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    invocations: Vec<Invocation>,
    results: Vec<Outcome>,
}

#[derive(Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Serialize)]
struct Driver {
    name: &'static str,
    version: &'static str,
    rules: Vec<Rule>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: &'static str,
    short_description: Text,
    full_description: Text,
    help: Text,
    default_configuration: Configuration,
}

#[derive(Serialize)]
struct Configuration {
    level: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Invocation {
    execution_successful: bool,
    tool_execution_notifications: [Notification; 1],
}

#[derive(Serialize)]
struct Notification {
    level: &'static str,
    message: Text,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Outcome {
    rule_id: &'static str,
    rule_index: usize,
    level: &'static str,
    message: Text,
    locations: Vec<Location>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_locations: Vec<Location>,
    partial_fingerprints: BTreeMap<&'static str, String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    physical_location: PhysicalLocation,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Text>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation {
    artifact_location: ArtifactLocation,
    region: Region,
}

#[derive(Serialize)]
struct ArtifactLocation {
    uri: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: usize,
    start_column: usize,
    end_line: usize,
    end_column: usize,
}

#[derive(Clone, Serialize)]
struct Text {
    text: String,
}

impl Text {
    /// A text that means itself: without placeholders in braces and without links.
    fn new(text: &str) -> Self {
        Self { text: text.replace('{', "{{").replace('}', "}}").replace("](", "\\](") }
    }
}

/// All diagnostics as one SARIF document.
pub fn render(findings: &Findings, sources: &Sources) -> String {
    let codes: BTreeMap<&str, &Code> = findings.iter().map(|one| (one.code.id, one.code)).collect();
    let index = |id| codes.keys().position(|one| *one == id).unwrap_or_default();
    let results = findings.iter().map(|one| outcome(one, index(one.code.id), sources)).collect();
    let rules = codes.values().map(|code| rule(code)).collect();
    let driver = Driver { name: "stackwright", version: env!("CARGO_PKG_VERSION"), rules };
    let invocations = invocations(findings.left_out());
    let column_kind = "unicodeCodePoints";
    let run = Run { tool: Tool { driver }, column_kind, invocations, results };
    pretty(&Log { schema: SCHEMA, version: "2.1.0", runs: [run] })
}

/// Says that results are missing, where that is so.
fn invocations(left_out: usize) -> Vec<Invocation> {
    let invocation = |left_out| {
        let message = Text::new(&format!("{left_out} more not shown"));
        Invocation {
            execution_successful: true,
            tool_execution_notifications: [Notification { level: "warning", message }],
        }
    };
    Some(left_out).filter(|count| *count > 0).map(invocation).into_iter().collect()
}

fn rule(code: &Code) -> Rule {
    // Each line comes from a documentation comment and starts with its blank.
    let lines = code.explanation.trim().lines().map(|line| line.strip_prefix(' ').unwrap_or(line));
    let explanation = Text::new(&lines.collect::<Vec<_>>().join("\n"));
    Rule {
        id: code.id,
        short_description: Text::new(code.title),
        full_description: explanation.clone(),
        help: explanation,
        default_configuration: Configuration { level: level(code.severity) },
    }
}

fn outcome(one: &Diagnostic, rule_index: usize, sources: &Sources) -> Outcome {
    let help = one.help.as_ref().map(|help| format!("\n\n{help}")).unwrap_or_default();
    let file = sources.locate(one.span).map_or("", |(file, ..)| file);
    let fingerprint = format!("{}:{file}:{}", one.code.id, one.message);
    let labels = one.labels.iter();
    Outcome {
        rule_id: one.code.id,
        rule_index,
        level: level(one.severity),
        message: Text::new(&format!("{}{help}", one.message)),
        locations: location(one.span, one.note.as_deref(), sources).into_iter().collect(),
        related_locations: labels
            .filter_map(|label| location(label.span, Some(&label.message), sources))
            .collect(),
        partial_fingerprints: BTreeMap::from([(FINGERPRINT, fingerprint)]),
    }
}

fn level(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Hint => "note",
    }
}

fn location(span: Span, message: Option<&str>, sources: &Sources) -> Option<Location> {
    let (file, start, end) = sources.locate(span)?;
    let region = Region {
        start_line: start.line,
        start_column: start.column,
        end_line: end.line,
        end_column: end.column,
    };
    let physical_location =
        PhysicalLocation { artifact_location: ArtifactLocation { uri: uri(file) }, region };
    Some(Location { physical_location, message: message.map(Text::new) })
}

/// A path as a reference by RFC 3986; a colon is encoded, too, as it could end a scheme.
fn uri(path: &str) -> String {
    let scheme = if path.starts_with('/') { "file://" } else { "" };
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    path.bytes().map(encode).fold(scheme.to_owned(), |uri, one| uri + &one)
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::path::PathBuf;

    use serde_json::Value;

    use super::*;
    use crate::report::human::tests::{hostile, sample, too_many};

    /// The folder of the files that come from elsewhere, where it is at hand.
    #[allow(clippy::disallowed_methods, reason = "a test has to find its files")]
    fn corpora() -> Option<PathBuf> {
        let given = std::env::var_os("STACKWRIGHT_CORPORA").map(PathBuf::from);
        let beside =
            || Some(PathBuf::from(env!("CARGO_MANIFEST_DIR")).parent()?.join("shared/corpora"));
        given.or_else(beside).filter(|folder| folder.is_dir())
    }

    #[test]
    #[allow(clippy::disallowed_methods, reason = "a test has to read its files")]
    fn documents_keep_to_the_official_schema() {
        let Some(folder) = corpora() else {
            // Written, not printed: what is printed is kept back as long as no test fails.
            let said = "skipped: no corpora; set STACKWRIGHT_CORPORA to their folder";
            writeln!(std::io::stderr(), "{said}").unwrap();
            return;
        };
        let schema = std::fs::read_to_string(folder.join("sarif/files/sarif-2.1.0.json")).unwrap();
        let schema: Value = serde_json::from_str(&schema).unwrap();
        let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
        for (findings, sources) in [sample(), hostile(), too_many(), Default::default()] {
            let log = serde_json::from_str(&render(&findings, &sources)).unwrap();
            let errors: Vec<_> = validator.iter_errors(&log).map(|e| e.to_string()).collect();
            assert_eq!(errors, Vec::<String>::new());
        }
    }

    #[test]
    fn a_document_has_rules_and_results() {
        let (findings, sources) = sample();
        let log: Value = serde_json::from_str(&render(&findings, &sources)).unwrap();
        assert_eq!(log["version"], "2.1.0");
        let run = &log["runs"][0];
        assert_eq!(run["columnKind"], "unicodeCodePoints");
        assert_eq!(run["tool"]["driver"]["name"], "stackwright");
        let rules = &run["tool"]["driver"]["rules"];
        let ids: Vec<_> = rules.as_array().unwrap().iter().map(|one| &one["id"]).collect();
        assert_eq!(ids, ["SW201", "SW901", "SW902"]);
        insta::assert_snapshot!(pretty(&rules[1]), @r#"
        {
          "id": "SW901",
          "shortDescription": {
            "text": "odd, for a test"
          },
          "fullDescription": {
            "text": "A test says so.\n\nIt has {{braces}}."
          },
          "help": {
            "text": "A test says so.\n\nIt has {{braces}}."
          },
          "defaultConfiguration": {
            "level": "warning"
          }
        }
        "#);
        assert_eq!(run["results"][2]["ruleIndex"], 2);
        assert_eq!(run["results"][2]["level"], "note");
        assert_eq!(run["results"][2]["locations"], serde_json::json!([]));
    }

    #[test]
    fn a_result_has_its_places() {
        let (findings, sources) = sample();
        let log: Value = serde_json::from_str(&render(&findings, &sources)).unwrap();
        insta::assert_snapshot!(pretty(&log["runs"][0]["results"][0]), @r#"
        {
          "ruleId": "SW201",
          "ruleIndex": 0,
          "level": "error",
          "message": {
            "text": "`cache` is no service of this stack\n\ndeclare it,\nor drop it"
          },
          "locations": [
            {
              "physicalLocation": {
                "artifactLocation": {
                  "uri": "shop/stack.yml"
                },
                "region": {
                  "startLine": 4,
                  "startColumn": 24,
                  "endLine": 4,
                  "endColumn": 29
                }
              },
              "message": {
                "text": "not in this stack"
              }
            }
          ],
          "relatedLocations": [
            {
              "physicalLocation": {
                "artifactLocation": {
                  "uri": "shop/base%20layer.yml"
                },
                "region": {
                  "startLine": 2,
                  "startColumn": 3,
                  "endLine": 2,
                  "endColumn": 8
                }
              },
              "message": {
                "text": "only a default has this name"
              }
            }
          ],
          "partialFingerprints": {
            "stackwright/v1": "SW201:shop/stack.yml:`cache` is no service of this stack"
          }
        }
        "#);
    }

    #[test]
    fn results_that_are_missing_are_mentioned() {
        let (findings, sources) = too_many();
        let log: Value = serde_json::from_str(&render(&findings, &sources)).unwrap();
        let said = &log["runs"][0]["invocations"][0]["toolExecutionNotifications"][0];
        assert_eq!(said["message"]["text"], "3 more not shown");
    }

    #[test]
    fn paths_become_references() {
        assert_eq!(uri("a b/ä%.yml"), "a%20b/%C3%A4%25.yml");
        assert_eq!(uri("/srv/c:d.yml"), "file:///srv/c%3Ad.yml");
        assert_eq!(uri("../x?#.yml"), "../x%3F%23.yml");
    }

    #[test]
    fn messages_have_no_placeholders_and_links() {
        assert_eq!(Text::new("{0} [a](b)").text, "{{0}} [a\\](b)");
    }
}
