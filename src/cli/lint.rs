//! `lint`: check stack files and tell every problem.

use std::mem::ManuallyDrop;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};

use super::{Exit, StackArguments, discover, output};
use crate::capability::podman::Podman;
use crate::check::{Kind, Target};
use crate::config::{self, Config};
use crate::host::Look;
use crate::host::disk::{self, Disk};
use crate::load::Request;
use crate::model::at::At;
use crate::report::{Findings, Severity, github, human, json, sarif};
use crate::source::{Sources, Span};
use crate::threads::sharing;
use crate::{Compiled, Input, compile};

pub const EXAMPLES: &str = "\
Examples:
  stackwright lint stacks/                       every stack file in a folder, checked together
  stackwright lint immich                        stacks/immich.yml, or stacks/immich/stack.yml
  stackwright lint app.yml --overlay prod.yml    a stack with what differs in production
  stackwright lint stacks/ --format github       annotations for a pull request
  stackwright lint stacks/ --format sarif > lint.sarif

A line is silenced by a note with a reason, right above it or behind it:
  # stackwright: allow(SW422) the tag moves on purpose
A project silences a code in `.stackwright.yml`:
  allow: { SW423: our registry keeps what latest was }";

#[derive(Debug, Args)]
pub struct LintArguments {
    /// Stack files, folders with stack files, or names in `stacks/`
    #[arg(required = true, value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// How problems are told
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// Fail on warnings too
    #[arg(long)]
    deny_warnings: bool,
    /// The oldest Podman that units must run on, such as `4.9`
    #[arg(long, value_name = "VERSION")]
    podman: Option<Podman>,
    #[command(flatten)]
    stack: StackArguments,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people, with the lines and what to do
    Human,
    /// For scripts
    Json,
    /// For code scanning (SARIF 2.1.0)
    Sarif,
    /// For GitHub's annotations
    Github,
}

/// Runs the command.
pub fn run(arguments: &LintArguments) -> Exit {
    let Some((files, all_known)) = discover::all(&arguments.paths, &Disk) else {
        return Exit::WrongInput;
    };
    sharing(disk::processors(), disk::size(&files), || run_on(&files, all_known, arguments))
}

fn run_on(files: &[PathBuf], all_known: bool, arguments: &LintArguments) -> Exit {
    let mut checked = Checking::new();
    let podman = arguments.podman;
    let target = |config: &Config| Target {
        podman: podman.unwrap_or_else(|| config.podman()),
        generates: false,
        kind: Kind::Quadlet,
    };
    let (config, compiled) = checked.run(files, all_known, &arguments.stack, &target);
    let Checking { sources, findings } = checked;
    match arguments.format {
        Format::Human => {
            output::out(&human::render(&findings, &sources, output::style()));
            let gap = if findings.iter().next().is_some() { "\n" } else { "" };
            output::out(&format!("{gap}{}", output::summary(&findings, compiled.files)));
        }
        Format::Json => output::out(&json::render(&findings, &sources)),
        Format::Sarif => output::out(&sarif::render(&findings, &sources)),
        Format::Github => output::out(&github::render(&findings, &sources)),
    }
    let deny = arguments.deny_warnings || config.deny_warnings.is_some_and(|deny| deny.value);
    let warned = deny && findings.count(Severity::Warning) > 0;
    if findings.has_errors() || warned { Exit::WrongInput } else { Exit::Done }
}

/// The texts and findings of one run of a command that reads stacks.
pub struct Checking {
    /// The texts.
    pub sources: Sources,
    /// What was said about them.
    pub findings: Findings,
}

impl Checking {
    /// Nothing read and nothing said.
    pub fn new() -> Self {
        Self { sources: Sources::default(), findings: Findings::default() }
    }

    /// The configuration of a folder, with the patterns of another folder where one is given.
    pub fn config(&mut self, folder: &Path, patterns: Option<&Path>) -> Config {
        let mut config = config::find(folder, &Disk, &mut self.sources, &mut self.findings);
        if let Some(folder) = patterns {
            config.patterns = Some(At::new(folder.to_owned(), Span::default()));
        }
        config
    }

    /// Reads and checks the files.
    pub fn run(
        &mut self,
        files: &[PathBuf],
        all_known: bool,
        arguments: &StackArguments,
        target: &(dyn Fn(&Config) -> Target + Sync),
    ) -> (Config, ManuallyDrop<Compiled>) {
        self.run_on(&Disk, files, all_known, arguments, target)
    }

    /// The same with files that are seen another way.
    pub fn run_on(
        &mut self,
        look: &dyn Look,
        files: &[PathBuf],
        all_known: bool,
        arguments: &StackArguments,
        target: &(dyn Fn(&Config) -> Target + Sync),
    ) -> (Config, ManuallyDrop<Compiled>) {
        let environment = disk::environment();
        let folder = files.first().and_then(|file| file.parent()).unwrap_or(Path::new(""));
        let config = self.config(folder, arguments.patterns.as_deref());
        let request = |path| Request {
            path,
            overlays: &arguments.overlays,
            env_files: &arguments.env_files,
            environment: &environment,
            size_max: arguments.max_file_size.0,
        };
        let requests: Vec<Request<'_>> = files.iter().map(|file| request(file)).collect();
        let target = target(&config);
        let input = Input { requests: &requests, config: &config, all_known, target };
        let compiled = compile(&input, look, &mut self.sources, &mut self.findings);
        // The run ends with it: to give back each of its many small values takes as long as to
        // check some of them, and the system takes them back at once.
        (config, ManuallyDrop::new(compiled))
    }
}
