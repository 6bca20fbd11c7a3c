//! `explain`: what a code means, and how layers are merged.

mod format;

use std::fmt::Write;

use clap::Args;
use serde::Serialize;

use super::output::Format;
use super::{Exit, output};
use crate::model::Stack;
use crate::model::layer::{Law, Layer};
use crate::model::value::nearest::nearest;
use crate::report::Code;
use crate::report::code;

pub const EXAMPLES: &str = "\
Examples:
  stackwright explain            all codes
  stackwright explain SW203      what a circular dependency is, and what to do
  stackwright explain format     every key of a stack file, with what may stand behind it
  stackwright explain merge      how overlays, includes and patterns are merged, field by field";

#[derive(Debug, Args)]
pub struct ExplainArguments {
    /// A code such as `SW203`, or `format` or `merge`; all codes where it is left out
    #[arg(value_name = "CODE")]
    code: Option<String>,
    /// How it is told
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
}

/// A code as scripts read it.
#[derive(Serialize)]
struct Explained {
    code: &'static str,
    severity: &'static str,
    title: &'static str,
    explanation: String,
}

/// Runs the command.
pub fn run(arguments: &ExplainArguments) -> Exit {
    let codes: Vec<&Code> = match arguments.code.as_deref() {
        None => code::all().collect(),
        Some("merge") => {
            output::out(&laws_page());
            return Exit::Done;
        }
        Some("format") => {
            output::out(&format_page());
            return Exit::Done;
        }
        Some(id) => match code::find(id) {
            Some(code) => vec![code],
            None => return unknown(id),
        },
    };
    let text = match arguments.format {
        Format::Json => {
            let codes: Vec<Explained> = codes.into_iter().map(explained).collect();
            serde_json::to_string_pretty(&codes).unwrap_or_default() + "\n"
        }
        Format::Human if arguments.code.is_none() => {
            codes.into_iter().map(|code| line(code) + "\n").collect()
        }
        Format::Human => codes.into_iter().map(|code| line(code) + "\n\n" + &body(code)).collect(),
    };
    output::out(&text);
    Exit::Done
}

fn unknown(id: &str) -> Exit {
    let near = nearest(&id.to_ascii_uppercase(), code::all().map(|code| code.id));
    let near = near.map(|near| format!(", did you mean `{near}`?")).unwrap_or_default();
    output::error(&format!("`{id}` is no code{near}; `stackwright explain` lists all"));
    Exit::WrongUsage
}

fn explained(code: &Code) -> Explained {
    let Code { id, severity, title, .. } = *code;
    Explained { code: id, severity: severity.word(), title, explanation: body(code) }
}

fn line(code: &Code) -> String {
    format!("{}  {:7}  {}", code.id, code.severity.word(), code.title)
}

/// The explanation without the space that a documentation comment puts before each line.
fn body(code: &Code) -> String {
    let lines = code.explanation.lines().map(|line| line.strip_prefix(' ').unwrap_or(line));
    lines.fold(String::new(), |text, line| text + line + "\n")
}

/// The reference of the stack file, as a page of the documentation.
pub fn format_page() -> String {
    format::page()
}

/// The reference of all codes, as a page of the documentation.
pub fn codes_page() -> String {
    let mut page = String::from(
        "# Codes\n\n\
         What `stackwright lint` can say, and `stackwright preflight` from SW850 to SW899.\n\
         `stackwright explain CODE` shows the same.\n",
    );
    for code in code::all() {
        let _infallible = write!(
            page,
            "\n## {}: {}\n\n*{}*\n\n{}",
            code.id,
            code.title,
            code.severity.word(),
            body(code)
        );
    }
    page
}

/// The table of merge laws, as a page of the documentation.
pub fn laws_page() -> String {
    let mut table: Vec<(String, Law)> = Vec::new();
    Stack::laws("", &mut table);
    let services = table.iter().position(|(path, _)| path.starts_with("services"));
    let mut own = Vec::new();
    crate::model::service::Service::laws("services[]", &mut own);
    let at = services.map_or(table.len(), |place| place + 1);
    table.splice(at..at, own);
    let mut page = String::from(
        "# How layers are merged\n\n\
         An overlay lies over the stack file, the stack file over its includes, and a service\n\
         over its pattern. Where both layers give a field, its law decides:\n\n\
         - *replace*: the upper value stands.\n\
         - *append*: the lower values come first, then the upper ones that are not among them.\n\
         - *by key*: entries of the same key are merged, the others are kept.\n\n\
         Where one layer gives a field, that stands. A variable without a value takes away what a\n\
         lower layer gives.\n\n\
         | field | law |\n|---|---|\n",
    );
    for (path, law) in table {
        let _infallible = writeln!(page, "| `{path}` | {} |", law.word());
    }
    page
}
