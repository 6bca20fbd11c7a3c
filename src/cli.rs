//! The command line: arguments, and which command they start.

use std::path::PathBuf;

use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};

mod deploy;
mod discover;
mod explain;
mod gate;
mod generate;
mod graph;
mod lint;
mod new;
mod output;
mod patterns;
mod reference;

pub use deploy::diff::DiffReport;
pub use deploy::health::HealthReport;
pub use deploy::list::ListReport;
pub use deploy::preflight_command::PreflightReport;
pub use deploy::status::StatusReport;
pub use explain::{codes_page, format_page, laws_page};
pub use generate::GenerateReport;
pub use graph::GraphReport;
pub use new::READY;
pub use patterns::PatternsReport;

/// What a run ends with; the numbers are a promise to scripts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done, or nothing to do.
    Done = 0,
    /// The input is wrong.
    WrongInput = 1,
    /// Something differs, and that was the question.
    Differs = 2,
    /// Nothing was changed, because something stands in the way.
    Refused = 3,
    /// It failed, and all is as before.
    Restored = 4,
    /// It failed, and not all is as before.
    NotRestored = 5,
    /// Another run works on the stack.
    Locked = 6,
    /// The saved plan is of another time.
    Stale = 7,
    /// Wrong usage.
    WrongUsage = 64,
}

/// Compiles stacks of services to units for Podman and systemd
#[derive(Debug, Parser)]
#[command(name = "stackwright", version, propagate_version = true, max_term_width = 100)]
#[command(after_help = EXIT_CODES)]
struct Arguments {
    /// When to use colours
    #[arg(long, value_enum, default_value_t = Color::Auto, global = true, value_name = "WHEN")]
    color: Color,
    #[command(subcommand)]
    command: Command,
}

const EXIT_CODES: &str = "\
Exit codes:
   0  done, or nothing to do
   1  the input is wrong
   2  something differs (`diff`, `generate --check`, `plan --exit-code`), or is not well (`health`,
      `verify`)
   3  refused before any change
   4  failed, and all is as it was before
   5  failed, and not all is as it was before
   6  another run works on the stack
   7  the saved plan is stale
  64  wrong usage";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Color {
    /// On a terminal that has them
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

#[derive(Debug, Subcommand)]
// What a command takes is made when it is called: all of it takes a quarter of a short run.
#[command(defer = true)]
enum Command {
    /// Write a stack file to begin with, from a pattern or a ready stack
    #[command(after_help = new::EXAMPLES)]
    New(new::NewArguments),
    /// Show patterns, and tell which one fits an image
    #[command(after_help = patterns::EXAMPLES)]
    Patterns(patterns::PatternsArguments),
    /// Check stack files and tell every problem with its place
    #[command(after_help = lint::EXAMPLES)]
    Lint(lint::LintArguments),
    /// Write the units of stacks
    #[command(after_help = generate::EXAMPLES)]
    Generate(generate::GenerateArguments),
    /// Tell what `apply` would do, and change nothing
    #[command(after_help = deploy::plan_command::EXAMPLES)]
    Plan(deploy::plan_command::PlanArguments),
    /// Tell what a host lacks for stacks, or has in their way, and change nothing
    #[command(after_help = deploy::preflight_command::EXAMPLES)]
    Preflight(deploy::preflight_command::PreflightArguments),
    /// Bring stacks up as their files say, or leave all as it was
    #[command(after_help = deploy::apply::EXAMPLES)]
    Apply(deploy::apply::ApplyArguments),
    /// Stop stacks and take their units away; data stays
    #[command(after_help = deploy::kept::REMOVE_EXAMPLES)]
    Remove(deploy::kept::RemoveArguments),
    /// Bring an older generation of a stack back
    #[command(after_help = deploy::kept::ROLLBACK_EXAMPLES)]
    Rollback(deploy::kept::RollbackArguments),
    /// Tell what has drifted from what was applied
    #[command(after_help = deploy::diff::EXAMPLES)]
    Diff(deploy::diff::DiffArguments),
    /// Bring back what has drifted; deploy, update and remove what a folder of stacks says
    #[command(after_help = deploy::reconcile::EXAMPLES)]
    Reconcile(deploy::reconcile::ReconcileArguments),
    /// Show how the services of stacks are
    #[command(after_help = deploy::status::EXAMPLES)]
    Status(deploy::status::StatusArguments),
    /// Show the logs of a stack, line by line in their order
    #[command(after_help = deploy::logs::EXAMPLES)]
    Logs(deploy::logs::LogsArguments),
    /// Tell what is not well: services, and the host with its score; for scripts
    #[command(after_help = deploy::health::EXAMPLES)]
    Health(deploy::health::HealthArguments),
    /// Ask stacks that are up whether they work
    #[command(after_help = deploy::verify::EXAMPLES)]
    Verify(deploy::verify::VerifyArguments),
    /// Show stacks, their groups and services, what needs what, and what is deployed
    #[command(after_help = deploy::list::EXAMPLES)]
    List(deploy::list::ListArguments),
    /// Look for drift by a timer, and report it
    #[command(after_help = deploy::watch::EXAMPLES)]
    Watch(deploy::watch::WatchArguments),
    /// Tell what was done to stacks, and how it ended
    #[command(after_help = deploy::history::EXAMPLES)]
    History(deploy::history::HistoryArguments),
    /// Put back what a crash cut short
    #[command(after_help = deploy::kept::RECOVER_EXAMPLES)]
    Recover(deploy::kept::RecoverArguments),
    /// Print the JSON schema of the stack file or of a pattern, for editors
    #[command(after_help = reference::SCHEMA_EXAMPLES)]
    Schema {
        /// Of what
        #[arg(value_enum, default_value_t = reference::Described::Stack)]
        what: reference::Described,
    },
    /// Ask a service in the network of its container; only this program runs it
    #[command(hide = true)]
    Inside,
    /// Wait until a service is ready; only units run it
    #[command(hide = true)]
    Gate(gate::GateArguments),
    /// Explain a code, or list all of them
    #[command(after_help = explain::EXAMPLES)]
    Explain(explain::ExplainArguments),
    /// Show in which order the services of a stack start
    #[command(after_help = graph::EXAMPLES)]
    Graph(graph::GraphArguments),
    /// Print the completions for a shell
    #[command(after_help = reference::COMPLETIONS_EXAMPLES)]
    Completions {
        /// The shell
        #[arg(value_enum)]
        shell: clap_complete::Shell,
    },
    /// Write the manual pages into a folder
    #[command(after_help = reference::MAN_EXAMPLES)]
    Man {
        /// The folder; it is made where it does not exist
        #[arg(value_name = "DIR")]
        folder: PathBuf,
    },
}

// What every command takes that reads stacks. Documentation would take the place of the command's.
#[derive(Debug, Clone, Args)]
struct StackArguments {
    /// Lay a partial stack file over the stack; given again, the last one is on top
    #[arg(long = "overlay", value_name = "FILE")]
    overlays: Vec<PathBuf>,
    /// Read variables from a file; `.env` beside the stack file where none is given
    #[arg(long = "env-file", value_name = "FILE")]
    env_files: Vec<PathBuf>,
    /// A folder with patterns of your own, in place of `patterns/` beside `.stackwright.yml`
    #[arg(long, value_name = "DIR", value_parser = discover::folder)]
    patterns: Option<PathBuf>,
    /// How large a file may be, such as `16M`
    #[arg(long, value_name = "SIZE", default_value = "8M")]
    max_file_size: crate::model::value::size::Size,
}

impl StackArguments {
    /// A stack with nothing beside it but patterns.
    fn with_patterns(patterns: Option<PathBuf>) -> Self {
        let max_file_size = crate::model::value::size::Size(crate::load::FILE_SIZE_MAX);
        Self { overlays: Vec::new(), env_files: Vec::new(), patterns, max_file_size }
    }
}

/// Runs the program with the arguments of the process.
pub fn run(arguments: impl IntoIterator<Item = std::ffi::OsString>) -> Exit {
    let arguments = match Arguments::try_parse_from(arguments) {
        Ok(arguments) => arguments,
        Err(error) => return output::usage(&error),
    };
    output::choose_color(arguments.color);
    output::end(start(arguments.command))
}

/// Runs another command as if it had been called by these words.
fn call(words: impl IntoIterator<Item = std::ffi::OsString>) -> Exit {
    let program = std::iter::once("stackwright".into());
    match Arguments::try_parse_from(program.chain(words)) {
        Ok(arguments) => start(arguments.command),
        Err(error) => output::usage(&error),
    }
}

fn start(command: Command) -> Exit {
    match command {
        Command::New(arguments) => new::run(&arguments),
        Command::Patterns(arguments) => patterns::run(&arguments),
        Command::Lint(arguments) => lint::run(&arguments),
        Command::Generate(arguments) => generate::run(&arguments),
        Command::Plan(arguments) => deploy::plan_command::run(&arguments),
        Command::Preflight(arguments) => deploy::preflight_command::run(&arguments),
        Command::Apply(arguments) => deploy::apply::run(&arguments),
        Command::Remove(arguments) => deploy::kept::remove(&arguments),
        Command::Rollback(arguments) => deploy::kept::rollback(&arguments),
        Command::Diff(arguments) => deploy::diff::run(&arguments),
        Command::Reconcile(arguments) => deploy::reconcile::run(&arguments),
        Command::Status(arguments) => deploy::status::run(&arguments),
        Command::Logs(arguments) => deploy::logs::run(&arguments),
        Command::Health(arguments) => deploy::health::run(&arguments),
        Command::Verify(arguments) => deploy::verify::run(&arguments),
        Command::List(arguments) => deploy::list::run(&arguments),
        Command::Watch(arguments) => deploy::watch::run(&arguments),
        Command::History(arguments) => deploy::history::run(&arguments),
        Command::Recover(arguments) => deploy::kept::recover(&arguments),
        Command::Inside => inside(),
        Command::Gate(arguments) => gate::run(&arguments),
        Command::Schema { what } => reference::schema(what),
        Command::Explain(arguments) => explain::run(&arguments),
        Command::Graph(arguments) => graph::run(&arguments),
        Command::Completions { shell } => reference::completions(shell),
        Command::Man { folder } => reference::man(&folder),
    }
}

fn inside() -> Exit {
    match crate::host::real::inside::run() {
        Ok(()) => Exit::Done,
        Err(answer) => {
            output::note(&answer);
            Exit::Differs
        }
    }
}

/// The definition of the command line, for completions, manual pages and tests.
pub fn definition() -> clap::Command {
    let mut definition = Arguments::command();
    definition.build();
    definition
}
