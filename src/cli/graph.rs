//! `graph`: in which order the services of a stack start.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use schemars::JsonSchema;
use serde::Serialize;

use super::lint::Checking;
use super::{Exit, StackArguments, discover, output};
use crate::capability::podman::Podman;
use crate::check::Checked;
use crate::check::Target;
use crate::draw::{self, Line, Node, Picture};
use crate::host::disk::Disk;
use crate::model::value::duration::Duration;
use crate::model::value::nearest::nearest;
use crate::report::{Severity, human};
use crate::resolve::{Order, order};

pub const EXAMPLES: &str = "\
Examples:
  stackwright graph immich                              phases, and the critical path
  stackwright graph immich --format svg > immich.svg    a picture
  stackwright graph immich --needs immich-server        what must be up for one service
  stackwright graph immich --needed-by immich-postgres  what one service holds up
  stackwright graph immich --format json | jq .phases";

#[derive(Debug, Args)]
pub struct GraphArguments {
    /// A stack file, or a name in `stacks/`
    #[arg(value_name = "STACK")]
    stack: PathBuf,
    /// How it is shown
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Only this service and what it needs
    #[arg(long, value_name = "SERVICE", conflicts_with = "needed_by")]
    needs: Option<String>,
    /// Only this service and what needs it
    #[arg(long, value_name = "SERVICE")]
    needed_by: Option<String>,
    #[command(flatten)]
    files: StackArguments,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Phases as text
    Text,
    /// For scripts
    Json,
    /// For Graphviz
    Dot,
    /// For Mermaid, as GitHub shows it
    Mermaid,
    /// As a picture
    Svg,
}

/// The order of a stack, as scripts read it.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct GraphReport {
    /// The name of the stack.
    stack: String,
    /// Services that can start together, phase after phase.
    phases: Vec<Vec<String>>,
    /// Who needs whom.
    edges: Vec<GraphEdge>,
    /// The chain of services that decides how long the whole start takes.
    critical_path: Vec<String>,
}

/// `from` needs `to`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct GraphEdge {
    /// The service that waits.
    from: String,
    /// The service that it waits for.
    to: String,
    /// What it waits for: `started`, `healthy`, `ready` or `completed`.
    condition: String,
}

/// Runs the command.
pub fn run(arguments: &GraphArguments) -> Exit {
    let mut checking = Checking::new();
    let file = discover::named(&arguments.stack, &Disk);
    // The order is the same for every Podman.
    let target = |_: &_| Target { podman: Podman::NEWEST, ..Target::default() };
    let (_, compiled) = checking.run(&[file], false, &arguments.files, &target);
    let Checking { sources, mut findings } = checking;
    let Some(stack) = compiled.stacks.first() else {
        findings.retain(|one| one.severity == Severity::Error);
        let style = output::style();
        output::note(&human::render(&findings, &sources, style));
        output::note(&format!("\n{}", output::summary(&findings, 1)));
        return Exit::WrongInput;
    };
    let whole = order(stack);
    let order = match wanted(&whole, arguments) {
        Ok(None) => whole,
        Ok(Some(places)) => whole.restricted(&places),
        Err(name) => {
            let near = nearest(name, whole.names.iter().map(String::as_str));
            let near = near.map(|near| format!(", did you mean `{near}`?")).unwrap_or_default();
            output::error(&format!("`{name}` is no service of `{}`{near}", stack.name()));
            return Exit::WrongInput;
        }
    };
    output::out(&show(stack, &order, arguments.format));
    Exit::Done
}

/// The services to show, where not all of them are wanted, in their order in the file.
fn wanted<'a>(order: &Order, arguments: &'a GraphArguments) -> Result<Option<Vec<usize>>, &'a str> {
    let closure = |name: &'a str, of: fn(&Order, usize) -> Vec<usize>| {
        let place = order.place(name).ok_or(name)?;
        let mut places = of(order, place);
        places.push(place);
        places.sort_unstable();
        Ok(Some(places))
    };
    match (&arguments.needs, &arguments.needed_by) {
        (Some(name), _) => closure(name, Order::needs_of),
        (None, Some(name)) => closure(name, Order::needed_by),
        (None, None) => Ok(None),
    }
}

fn show(stack: &Checked, order: &Order, format: Format) -> String {
    match format {
        Format::Json => {
            serde_json::to_string_pretty(&report(stack, order)).unwrap_or_default() + "\n"
        }
        Format::Dot => drawn(stack, order, draw::dot::draw),
        Format::Mermaid => drawn(stack, order, draw::mermaid::draw),
        Format::Svg => drawn(stack, order, draw::svg::draw),
        Format::Text => drawn(stack, order, draw::text::draw),
    }
}

/// The order of a stack as a drawing.
pub fn drawn(stack: &Checked, order: &Order, draw: fn(&Picture<'_>) -> String) -> String {
    let notes: Vec<String> = order
        .seconds
        .iter()
        .map(|seconds| format!("ready in {} at most", Duration::from_secs(*seconds)))
        .collect();
    let named = order.names.iter().zip(&notes);
    let picture = Picture {
        title: stack.name(),
        nodes: named.map(|(name, note)| Node { name, note: Some(note.as_str()) }).collect(),
        phases: order.phases.clone(),
        edges: order.needs.iter().map(line).collect(),
        critical: order.critical_path.clone(),
    };
    draw(&picture)
}

fn line(need: &crate::check::Need) -> Line {
    Line { from: need.from, to: need.to, condition: need.condition.word() }
}

fn report(stack: &Checked, order: &Order) -> GraphReport {
    let name = |place: &usize| order.names.get(*place).cloned().unwrap_or_default();
    let edges = order.needs.iter().map(|need| GraphEdge {
        from: name(&need.from),
        to: name(&need.to),
        condition: need.condition.word().to_owned(),
    });
    GraphReport {
        stack: stack.name().to_owned(),
        phases: order.phases.iter().map(|phase| phase.iter().map(name).collect()).collect(),
        edges: edges.collect(),
        critical_path: order.critical_path.iter().map(name).collect(),
    }
}
