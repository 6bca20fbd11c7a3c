//! `gate`: what a unit calls to hold others back until its service is ready.

use clap::Args;

use super::{Exit, output};
use crate::host::probe::{Ask, NOT_READY, Probe};
use crate::host::real::{self, Scope};
use crate::model::value::duration::Duration;

#[derive(Debug, Args)]
pub struct GateArguments {
    /// The container of the service
    #[arg(value_name = "CONTAINER")]
    container: String,
    /// It is a service of the machine
    #[arg(long)]
    system: bool,
    /// How long it may take from the start of the service on
    #[arg(long, value_name = "TIME")]
    timeout: Duration,
    /// The pause between two tries; a short one where nothing is said
    #[arg(long, value_name = "TIME")]
    interval: Option<Duration>,
    #[command(flatten)]
    what: What,
    /// The status that the page must have
    #[arg(long, value_name = "STATUS", default_value_t = 200)]
    status: u16,
    /// A regular expression that the page must match
    #[arg(long, value_name = "PATTERN")]
    body: Option<String>,
    /// A header of the request; may be given again
    #[arg(long = "header", value_name = "NAME:VALUE", value_parser = header)]
    headers: Vec<(String, String)>,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct What {
    /// A page that must answer
    #[arg(long, value_name = "URL")]
    page: Option<String>,
    /// A port that must take a connection
    #[arg(long)]
    port: Option<u16>,
    /// A regular expression that a line of the log must match
    #[arg(long, value_name = "PATTERN")]
    line: Option<String>,
    /// A command in the container that must end well
    #[arg(last = true)]
    command: Option<Vec<String>>,
}

fn header(text: &str) -> Result<(String, String), String> {
    let parts = text.split_once(':').ok_or("a header is NAME:VALUE")?;
    Ok((parts.0.to_owned(), parts.1.to_owned()))
}

impl GateArguments {
    fn probe(&self) -> Option<Probe> {
        let What { page, port, line, command } = &self.what;
        let ask = match (page, port, line, command) {
            (Some(url), ..) => Ask::Page {
                url: url.clone(),
                status: self.status,
                body: self.body.clone(),
                headers: self.headers.clone(),
            },
            (_, Some(port), ..) => Ask::Port { port: *port },
            (_, _, Some(pattern), _) => Ask::Log { pattern: pattern.clone() },
            (.., Some(words)) => Ask::Command { words: words.clone(), answer: None },
            (None, None, None, None) => return None,
        };
        let time = |time: Duration| u64::try_from(time.as_std().as_millis()).unwrap_or(u64::MAX);
        Some(Probe { ask, timeout: time(self.timeout), interval: self.interval.map(time) })
    }
}

/// Runs the command.
pub fn run(arguments: &GateArguments) -> Exit {
    let scope = if arguments.system { Scope::System } else { Scope::User };
    let Some(probe) = arguments.probe() else { return Exit::WrongUsage };
    match real::gate(scope, &arguments.container, &probe) {
        Ok(()) => Exit::Done,
        Err(answer) => {
            output::note(&format!("{NOT_READY}{answer}\n"));
            Exit::Differs
        }
    }
}
