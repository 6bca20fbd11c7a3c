//! `generate`: write the files of a target.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::{Args, ValueEnum};
use schemars::JsonSchema;
use serde::Serialize;

use super::lint::Checking;
use super::{Exit, StackArguments, discover, graph, output};
use crate::capability::podman::Podman;
use crate::check::{self, Checked, Kind};
use crate::draw::mermaid;
use crate::emit::template::{BUILT_IN, TemplateError, Templates};
use crate::emit::{self, Scope, compose, docs, quadlet, traefik};
use crate::host::disk::{self, Disk};
use crate::host::folder::{self, State, Wanted};
use crate::host::{Look, ReadError};
use crate::load::expand::Unset;
use crate::report::code::target as code;
use crate::report::json::{self, LintReport};
use crate::report::{Diagnostic, Severity, human};
use crate::resolve::{Part, Resolved, order, resolve};
use crate::source::Span;
use crate::threads::{both, sharing};

pub const EXAMPLES: &str = "\
Examples:
  stackwright generate stacks/immich.yml         units in build/immich/quadlet/
  stackwright generate immich --out -            the same, printed
  stackwright generate stacks/ --podman 4.9      for an older Podman, such as that of Ubuntu 24.04
  stackwright generate stacks/ --check           exit 2 where build/ is not up to date
  stackwright generate shop --group web          the services of a group, and what they need
  stackwright generate shop --target compose     for where there is no Quadlet
  stackwright generate shop --target traefik     the routes, where Traefik has no socket
  stackwright generate stacks/ --target docs     a guide to each stack, for people

Podman's own generator shows what becomes of the units:
  QUADLET_UNIT_DIRS=$PWD/build/immich/quadlet /usr/libexec/podman/quadlet --dryrun --user";

/// Stands for standard output in place of a folder.
const PRINTED: &str = "-";

/// How large a template may be.
const TEMPLATE_MAX: u64 = 1 << 20;

#[derive(Debug, Args)]
pub struct GenerateArguments {
    /// Stack files, folders with stack files, or names in `stacks/`
    #[arg(required = true, value_name = "STACK")]
    paths: Vec<PathBuf>,
    /// What is written
    #[arg(long, value_enum, default_value_t = TargetName::Quadlet)]
    target: TargetName,
    /// The folder for DIR/STACK/TARGET/; `-` prints all files instead
    #[arg(long, value_name = "DIR", default_value = "build")]
    out: PathBuf,
    /// The oldest Podman that the units must run on; 5.4, or what `.stackwright.yml` says
    #[arg(long, value_name = "VERSION")]
    podman: Option<Podman>,
    /// Whose systemd runs the services
    #[arg(long, value_enum, default_value_t = ScopeName::User)]
    scope: ScopeName,
    /// A folder with templates that stand in for those of the program, such as `container.j2`
    #[arg(long, value_name = "DIR")]
    templates: Option<PathBuf>,
    /// Only the services of a group, and what they need; may be given again. What was generated
    /// for others stays
    #[arg(long = "group", value_name = "GROUP")]
    groups: Vec<String>,
    /// Write nothing, and tell what in the folder is not up to date
    #[arg(long)]
    check: bool,
    /// How the files are told
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    #[command(flatten)]
    stack: StackArguments,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum TargetName {
    /// Units for Podman's Quadlet
    Quadlet,
    /// Files for `docker compose` and `podman compose`
    Compose,
    /// Routes for Traefik's file provider
    Traefik,
    /// A guide for people: what runs, how it is reached, what must be kept, what to do
    Docs,
}

impl TargetName {
    fn kind(self) -> Kind {
        match self {
            Self::Quadlet => Kind::Quadlet,
            Self::Compose => Kind::Compose,
            Self::Traefik => Kind::Traefik,
            Self::Docs => Kind::Docs,
        }
    }

    /// The name of its folder.
    fn folder(self) -> &'static str {
        match self {
            Self::Quadlet => "quadlet",
            Self::Compose => "compose",
            Self::Traefik => "traefik",
            Self::Docs => "docs",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum ScopeName {
    /// An ordinary user's, for rootless containers
    User,
    /// The machine's
    System,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people, one line a file
    Human,
    /// For scripts
    Json,
}

/// What `generate` did, or would do.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "Files of stackwright generate")]
pub struct GenerateReport {
    /// The stacks, none of them where one has errors.
    stacks: Vec<GeneratedStack>,
    /// What is to be said about the stack files.
    #[serde(flatten)]
    told: LintReport,
}

/// What was generated for one stack.
#[derive(Debug, Serialize, JsonSchema)]
struct GeneratedStack {
    /// Its name.
    name: String,
    /// The target.
    target: &'static str,
    /// The folder of its files.
    folder: String,
    /// Its files, in the order of their paths.
    files: Vec<GeneratedFile>,
}

/// One generated file.
#[derive(Debug, Serialize, JsonSchema)]
struct GeneratedFile {
    /// Its path from the folder on.
    path: String,
    /// What became of it, or would.
    state: FileState,
}

/// What became of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum FileState {
    /// It was not there.
    New,
    /// It was there and differed.
    Changed,
    /// It was there, just so.
    Same,
    /// It was generated once, and is no longer.
    Obsolete,
}

/// The files of one stack.
struct Generated {
    name: String,
    files: Vec<emit::File>,
}

/// Runs the command.
pub fn run(arguments: &GenerateArguments) -> Exit {
    if arguments.out == Path::new(PRINTED) && (arguments.check || arguments.format == Format::Json)
    {
        output::error("`--out -` prints the files, there is nothing to check or to list");
        return Exit::WrongUsage;
    }
    let Some((files, all_known)) = discover::all(&arguments.paths, &Disk) else {
        return Exit::WrongInput;
    };
    sharing(disk::processors(), disk::size(&files), || run_on(&files, all_known, arguments))
}

fn run_on(files: &[PathBuf], all_known: bool, arguments: &GenerateArguments) -> Exit {
    let mut checking = Checking::new();
    let given = arguments.podman;
    let target = |config: &crate::config::Config| check::Target {
        podman: given.unwrap_or_else(|| config.podman()),
        generates: true,
        kind: arguments.target.kind(),
    };
    let own = own_templates(arguments.templates.as_deref());
    let ((config, compiled), templates) = both(
        || checking.run(files, all_known, &arguments.stack, &target),
        || own.as_ref().map_or_else(|_| Templates::new(&BTreeMap::new()), templates),
    );
    let part = Part { groups: &arguments.groups, services: &[] };
    if let Some(unknown) = discover::unknown(part, &compiled.stacks) {
        output::error(&unknown);
        return Exit::WrongInput;
    }
    let target = quadlet::Target {
        podman: target(&config).podman,
        scope: match arguments.scope {
            ScopeName::User => Scope::User,
            ScopeName::System => Scope::System,
        },
    };
    let generated = match own {
        Ok(own) => generate(&compiled.stacks, arguments, (target, templates), &own, &mut checking),
        Err(message) => {
            output::error(&message);
            return Exit::WrongInput;
        }
    };
    if checking.findings.has_errors() {
        return refuse(arguments, &checking);
    }
    if arguments.out == Path::new(PRINTED) {
        tell(arguments, &mut checking);
        print(&generated, arguments.target);
        return Exit::Done;
    }
    write(arguments, &generated, checking)
}

/// Templates of the user by their names, each with its path.
type OwnTemplates = BTreeMap<String, (PathBuf, String)>;

/// The templates of a folder.
fn own_templates(folder: Option<&Path>) -> Result<OwnTemplates, String> {
    let mut own = BTreeMap::new();
    let Some(folder) = folder else { return Ok(own) };
    match Disk.read(folder, 0) {
        Err(ReadError::NotAFile("a folder")) => {}
        Err(error @ ReadError::NotFound) => return Err(format!("`{}`: {error}", folder.display())),
        _ => return Err(format!("`{}` is no folder", folder.display())),
    }
    let units = BUILT_IN.iter().map(|(name, _)| *name);
    let known: Vec<&str> = units.chain([docs::TEMPLATE]).collect();
    for entry in Disk.list(folder) {
        let name = entry.path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if entry.path.extension().is_none_or(|ending| ending != "j2") {
            continue;
        }
        if !known.contains(&name.as_str()) {
            let known = known.join(", ");
            return Err(format!("`{}` stands for no template: {known}", entry.path.display()));
        }
        let refuse = |why: &dyn std::fmt::Display| format!("`{}`: {why}", entry.path.display());
        let bytes = Disk.read(&entry.path, TEMPLATE_MAX).map_err(|error| refuse(&error))?;
        let text = String::from_utf8(bytes).map_err(|error| refuse(&error))?;
        own.insert(name, (entry.path, text));
    }
    match own.is_empty() {
        true => Err(format!("no template in `{}`", folder.display())),
        false => Ok(own),
    }
}

/// The templates of the program, with those of the user in their place.
fn templates(own: &OwnTemplates) -> Result<Templates, TemplateError> {
    let texts = own.iter().map(|(name, (_, text))| (name.clone(), text.clone())).collect();
    Templates::new(&texts)
}

fn generate(
    stacks: &[Checked],
    arguments: &GenerateArguments,
    (target, templates): (quadlet::Target, Result<Templates, TemplateError>),
    own: &OwnTemplates,
    checking: &mut Checking,
) -> Vec<Generated> {
    let named = |stack: &Checked, files| Generated { name: stack.name().to_owned(), files };
    let resolved = |stack| resolve(stack, Part { groups: &arguments.groups, services: &[] });
    let units = move || -> Result<Vec<Generated>, TemplateError> {
        let templates = templates?;
        let units = |stack| Ok(named(stack, quadlet::emit(&resolved(stack), target, &templates)?));
        stacks.iter().map(units).collect()
    };
    let guides = || -> Result<Vec<Generated>, TemplateError> {
        let own = own.get(docs::TEMPLATE).map(|(_, text)| text.as_str());
        let guide = |stack| {
            let resolved = resolved(stack);
            Ok(named(stack, docs::emit(&resolved, &told_of(stack, &resolved), own)?))
        };
        stacks.iter().map(guide).collect()
    };
    let mut blame = |error: TemplateError| {
        blame_template(&error, own, checking);
        Vec::new()
    };
    match arguments.target {
        TargetName::Quadlet => units().unwrap_or_else(&mut blame),
        TargetName::Docs => guides().unwrap_or_else(&mut blame),
        TargetName::Compose => {
            stacks.iter().map(|stack| named(stack, compose::emit(&resolved(stack)))).collect()
        }
        TargetName::Traefik => {
            stacks.iter().map(|stack| named(stack, traefik::emit(&resolved(stack)))).collect()
        }
    }
}

/// What a guide tells beside what the stack says.
fn told_of(stack: &Checked, part: &Resolved<'_>) -> docs::Told {
    let variables = stack.variables().iter().map(|(name, unset)| {
        let unset = match unset {
            Unset::Required(_) => None,
            Unset::Text(text) => Some(text.clone()),
            Unset::Empty => Some(String::new()),
        };
        docs::Variable { name: name.clone(), unset }
    });
    let whole = order(stack);
    let shown = part.services.iter().map(|service| service.written.name.as_str());
    let shown: BTreeSet<usize> = shown.filter_map(|name| whole.place(name)).collect();
    let order = whole.restricted(&shown.into_iter().collect::<Vec<_>>());
    let graph = graph::drawn(stack, &order, mermaid::draw);
    docs::Told { graph, variables: variables.collect() }
}

/// Tells what is wrong with a template, at its line.
fn blame_template(error: &TemplateError, own: &OwnTemplates, checking: &mut Checking) {
    let built_in = || {
        if error.template == docs::TEMPLATE {
            return (format!("templates/docs/{}", docs::TEMPLATE), docs::BUILT_IN);
        }
        let known = BUILT_IN.iter().find(|(name, _)| *name == error.template);
        (format!("templates/quadlet/{}", error.template), known.map_or("", |(_, text)| text))
    };
    let given = own.get(&error.template);
    let given = given.map(|(path, text)| (path.to_string_lossy().into_owned(), text.as_str()));
    let (path, text) = given.unwrap_or_else(built_in);
    // A call may go over many lines; the key that the message names stands in one of them.
    let named = error.message.split('`').nth(1).map(|name| format!("\"{name}\""));
    let of_key = named.and_then(|name| text.lines().position(|line| line.contains(&name)));
    let before = of_key.unwrap_or(error.line.unwrap_or(1).saturating_sub(1));
    let start: usize = text.split_inclusive('\n').take(before).map(str::len).sum();
    let length = text.get(start..).and_then(|rest| rest.lines().next()).map_or(0, str::len);
    let id = checking.sources.add(path, text);
    let span = Span::new(id, start, start + length);
    checking.findings.add(Diagnostic::new(&code::TEMPLATE, span, error.message.clone()));
}

/// Tells everything, and writes nothing.
fn refuse(arguments: &GenerateArguments, checking: &Checking) -> Exit {
    let Checking { sources, findings } = checking;
    match arguments.format {
        Format::Human => {
            output::note(&human::render(findings, sources, output::style()));
            output::note(&format!("\n{}", output::summary(findings, arguments.paths.len())));
        }
        Format::Json => {
            let told = json::report(findings, sources);
            output::out(&pretty(&GenerateReport { stacks: Vec::new(), told }));
        }
    }
    Exit::WrongInput
}

/// Tells warnings beside the result; hints are for `lint`.
fn tell(arguments: &GenerateArguments, checking: &mut Checking) {
    checking.findings.retain(|one| one.severity != Severity::Hint);
    if arguments.format == Format::Human && checking.findings.iter().next().is_some() {
        let text = human::render(&checking.findings, &checking.sources, output::style());
        output::note(&format!("{text}\n"));
    }
}

/// Prints all files, each behind its path.
fn print(generated: &[Generated], target: TargetName) {
    let folder = target.folder();
    let mut gap = "";
    let files =
        generated.iter().flat_map(|stack| stack.files.iter().map(move |file| (stack, file)));
    output::raw(files.flat_map(|(stack, file)| {
        let head = format!("{gap}==> {}/{folder}/{} <==\n", stack.name, file.path);
        gap = "\n";
        [Cow::Owned(head.into_bytes()), Cow::Borrowed(file.contents.as_slice())]
    }));
}

fn write(arguments: &GenerateArguments, generated: &[Generated], mut checking: Checking) -> Exit {
    let all = arguments.groups.is_empty();
    let mut stacks = Vec::new();
    // All of them are compared before the first one is written.
    for stack in generated {
        let inner = Path::new(&stack.name).join(arguments.target.folder());
        let folder = arguments.out.join(&inner);
        let wanted: Vec<Wanted<'_>> = stack.files.iter().map(wanted).collect();
        match folder::compare(&folder, &wanted, all) {
            Ok(states) => stacks.push((stack, inner, wanted, states)),
            Err(error) => return failed("look at", &folder, &error),
        }
    }
    for (_, inner, wanted, states) in stacks.iter().filter(|_| !arguments.check) {
        if let Err(error) = folder::write(&arguments.out, inner, wanted, states, all) {
            return failed("write", &arguments.out.join(inner), &error);
        }
    }
    let stacks: Vec<GeneratedStack> = stacks
        .into_iter()
        .map(|(stack, inner, _, states)| {
            told(&stack.name, arguments.target, &arguments.out.join(inner), states)
        })
        .collect();
    tell(arguments, &mut checking);
    let differs =
        stacks.iter().flat_map(|stack| &stack.files).any(|file| file.state != FileState::Same);
    match arguments.format {
        Format::Human => output::out(&lines(&stacks, arguments.check)),
        Format::Json => {
            let told = json::report(&checking.findings, &checking.sources);
            output::out(&pretty(&GenerateReport { stacks, told }));
        }
    }
    if arguments.check && differs { Exit::Differs } else { Exit::Done }
}

fn failed(done: &str, folder: &Path, error: &std::io::Error) -> Exit {
    output::error(&format!("cannot {done} `{}`: {error}", folder.display()));
    Exit::WrongInput
}

fn wanted(file: &emit::File) -> Wanted<'_> {
    Wanted { path: &file.path, contents: &file.contents, mode: file.mode }
}

fn told(
    name: &str,
    target: TargetName,
    folder: &Path,
    states: Vec<(String, State)>,
) -> GeneratedStack {
    let file = |(path, state): (String, State)| {
        let state = match state {
            State::New => FileState::New,
            State::Changed => FileState::Changed,
            State::Same => FileState::Same,
            State::Obsolete => FileState::Obsolete,
        };
        GeneratedFile { path, state }
    };
    GeneratedStack {
        name: name.to_owned(),
        target: target.folder(),
        folder: folder.to_string_lossy().into_owned(),
        files: states.into_iter().map(file).collect(),
    }
}

/// One line a file, and one for all.
fn lines(stacks: &[GeneratedStack], is_check: bool) -> String {
    let mut text = String::new();
    let mut count = BTreeMap::new();
    for stack in stacks {
        for GeneratedFile { path, state } in &stack.files {
            let word = match (state, is_check) {
                (FileState::New, false) => "new",
                (FileState::New, true) => "missing",
                (FileState::Changed, _) => "changed",
                (FileState::Same, _) => "same",
                (FileState::Obsolete, false) => "removed",
                (FileState::Obsolete, true) => "obsolete",
            };
            *count.entry(word).or_insert(0_usize) += 1;
            writeln!(text, "{word:<8} {}/{path}", stack.folder).unwrap_or_default();
        }
    }
    let words: Vec<String> = count.iter().map(|(word, count)| format!("{count} {word}")).collect();
    let total: usize = count.values().sum();
    let files = if total == 1 { "file" } else { "files" };
    writeln!(text, "{total} {files}: {}", words.join(", ")).unwrap_or_default();
    text
}

fn pretty(report: &GenerateReport) -> String {
    serde_json::to_string_pretty(report).unwrap_or_default() + "\n"
}
