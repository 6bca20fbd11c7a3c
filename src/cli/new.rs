//! `new`: write a stack file to begin with, from a pattern or from a ready stack.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::lint::Checking;
use super::{Exit, StackArguments, discover, generate, output, patterns};
use crate::check::{self, Checked, Kind};
use crate::config::Config;
use crate::host::disk::{self, Disk};
use crate::host::{Listed, Look, ReadError};
use crate::load::yaml;
use crate::model::text::Name;
use crate::model::value::ValueError;
use crate::model::value::nearest::nearest;
use crate::pattern::parameter::Settling;
use crate::pattern::{Library, fits};
use crate::report::{Severity, human};

mod ask;
mod ready;

pub use ready::READY;

pub const EXAMPLES: &str = "\
Examples:
  stackwright new                                  on a terminal: it asks
  stackwright new jellyfin --pattern media-server-stack \\
      --image docker.io/jellyfin/jellyfin:10.11.11 --hostname media.example.org --generate
  stackwright new shop --pattern web-app-with-database --image registry.example.org/shop:3.1 \\
      --hostname shop.example.org --memory 2G --set engine=mariadb --set port=3000
  stackwright new photos --from immich             a ready stack, under another name
  stackwright patterns                             the patterns that there are

The file is stacks/NAME.yml where there is a folder `stacks`, and NAME.yml otherwise. It is checked
before it is written, and never written over another one.";

#[derive(Debug, Args)]
pub struct NewArguments {
    /// The name of the stack
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// The pattern that it is made from
    #[arg(long, value_name = "PATTERN")]
    pattern: Option<String>,
    /// The ready stack that it begins as, in place of a pattern
    #[arg(long, value_name = "STACK", conflicts_with_all = ["pattern", "image", "hostname",
        "memory", "set"])]
    from: Option<String>,
    /// The image, with its registry and tag
    #[arg(long, value_name = "IMAGE")]
    image: Option<String>,
    /// The address under which it is reached
    #[arg(long, value_name = "HOST")]
    hostname: Option<String>,
    /// The memory that it may use, such as `4G`
    #[arg(long, value_name = "SIZE")]
    memory: Option<String>,
    /// Another parameter of the pattern; may be given again
    #[arg(long, value_name = "NAME=VALUE", value_parser = setting)]
    set: Vec<(String, String)>,
    /// The file; `stacks/NAME.yml` or `NAME.yml` where none is given
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Write its units too, as `generate` does
    #[arg(long)]
    generate: bool,
    /// A folder with patterns of your own, in place of `patterns/` beside `.stackwright.yml`
    #[arg(long, value_name = "DIR", value_parser = discover::folder)]
    patterns: Option<PathBuf>,
}

fn setting(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

/// Why nothing was written.
enum Stop {
    /// This was said wrong.
    Usage(String),
    /// All was told already.
    Told(Exit),
}

impl From<String> for Stop {
    fn from(message: String) -> Self {
        Self::Usage(message)
    }
}

/// Somebody left, and nothing was written.
const LEFT: Stop = Stop::Told(Exit::Refused);

/// A stack file that was not written yet.
struct Draft {
    name: String,
    text: String,
    /// What is to be said about the image.
    note: Option<String>,
}

/// Runs the command.
pub fn run(arguments: &NewArguments) -> Exit {
    match written(arguments) {
        Ok(exit) | Err(Stop::Told(exit)) => exit,
        Err(Stop::Usage(message)) => {
            output::error(&message);
            Exit::WrongUsage
        }
    }
}

fn written(arguments: &NewArguments) -> Result<Exit, Stop> {
    let mut checking = Checking::new();
    let config = checking.config(Path::new(""), arguments.patterns.as_deref());
    let draft = match &arguments.from {
        Some(from) => from_ready(arguments, from)?,
        None => from_pattern(arguments, &config, &mut checking)?,
    };
    let path = place(arguments, &draft.name)?;
    let checked = lint(&draft, &path, arguments)?;
    if let Err(error) = disk::create(&path, draft.text.as_bytes()) {
        output::error(&format!("cannot write `{}`: {error}", path.display()));
        return Err(Stop::Told(Exit::WrongInput));
    }
    output::out(&format!("{}: written and checked\n", path.display()));
    if arguments.generate {
        output::out("\n");
        let exit =
            generate::run(&generate::GenerateArguments::usual(&path, arguments.patterns.as_ref()));
        if exit != Exit::Done {
            return Ok(exit);
        }
    }
    output::out(&patterns::visible(&next(&draft, &path, &checked, arguments)));
    Ok(Exit::Done)
}

/// Where the file is to be; another one there stays.
fn place(arguments: &NewArguments, name: &str) -> Result<PathBuf, Stop> {
    let folder = if discover::folder("stacks").is_ok() { "stacks" } else { "" };
    let usual = || Path::new(folder).join(format!("{name}.yml"));
    let path = arguments.file.clone().unwrap_or_else(usual);
    if matches!(Disk.read(&path, 0), Err(ReadError::NotFound)) {
        return Ok(path);
    }
    output::error(&format!("`{}` is there already; it is left as it is", path.display()));
    Err(Stop::Told(Exit::Refused))
}

/// A ready stack under the name that was given.
fn from_ready(arguments: &NewArguments, from: &str) -> Result<Draft, Stop> {
    let names = || READY.iter().map(|(name, _)| *name);
    let Some((_, text)) = READY.iter().find(|(name, _)| *name == from) else {
        let near = nearest(from, names()).map(|near| format!("did you mean `{near}`?"));
        let all = names().collect::<Vec<_>>().join(", ");
        let help = near.unwrap_or_else(|| format!("there are {all}"));
        return Err(format!("there is no ready stack `{from}`: {help}").into());
    };
    let name = arguments.name.clone().unwrap_or_else(|| from.to_owned());
    check_name(&name).map_err(|error| ask::told(&error))?;
    let text = renamed(text, &name).unwrap_or_else(|| (*text).to_owned());
    Ok(Draft { name, text, note: None })
}

fn check_name(name: &str) -> Result<(), ValueError> {
    name.parse::<Name>().map(drop)
}

/// The text of a stack with another name, without the line that tells an editor of our own folder.
fn renamed(text: &str, name: &str) -> Option<String> {
    let mut checking = Checking::new();
    let id = checking.sources.add("ready stack", text);
    let tree = yaml::parse(id, &Arc::clone(checking.sources.get(id)?), &mut checking.findings);
    let place = tree.span(tree.get(tree.get(tree.root?, "stack")?, "name")?).range();
    let text = format!("{}{name}{}", text.get(..place.start)?, text.get(place.end..)?);
    let rest = text.strip_prefix("# yaml-language-server:").and_then(|rest| rest.split_once('\n'));
    Some(rest.map_or(text.clone(), |(_, rest)| rest.trim_start_matches("#\n").to_owned()))
}

/// What a pattern writes, with what was said and what was answered.
fn from_pattern(
    arguments: &NewArguments,
    config: &Config,
    checking: &mut Checking,
) -> Result<Draft, Stop> {
    let asks = output::can_ask() && !is_enough(arguments, config, checking);
    if asks {
        output::note(ask::HOW);
    }
    let name = match &arguments.name {
        Some(name) => name.clone(),
        None if asks => ask::ask("The name of the stack", None, &check_name).ok_or(LEFT)?,
        None => {
            return Err("a name is needed: stackwright new NAME --pattern PATTERN"
                .to_owned()
                .into());
        }
    };
    check_name(&name).map_err(|error| ask::told(&error))?;
    place(arguments, &name)?;
    let chosen = choose(arguments, &name, asks, config, checking)?;
    let Checking { sources, findings } = checking;
    let library = Library::new(config.patterns(), &Disk);
    let mut draft = library.draft(&chosen, sources, findings);
    let pattern = draft.as_mut().and_then(|draft| draft.checked(&chosen, findings));
    if findings.has_errors() {
        output::note(&human::render(findings, sources, output::style()));
        return Err(Stop::Told(Exit::WrongInput));
    }
    let (Some(pattern), Some(draft)) = (pattern, draft) else {
        return Err(Stop::Told(patterns::unknown(&chosen, std::iter::empty())));
    };
    let mut settling = Settling::new(&pattern, &name);
    let names = settle(&mut settling, given(arguments), &chosen, asks).map(|()| settling.done())?;
    let note = names.variables.get("image").and_then(|image| fits::note(&pattern, image));
    match draft.text(&names) {
        Some(text) => Ok(Draft { name, text, note }),
        None => Err(format!("pattern `{chosen}` has no stack to begin with, only defaults").into()),
    }
}

/// What was said on the command line, by parameter.
fn given(arguments: &NewArguments) -> BTreeMap<String, String> {
    let flags = [
        ("image", &arguments.image),
        ("hostname", &arguments.hostname),
        ("memory", &arguments.memory),
    ];
    let flags = flags.into_iter().filter_map(|(name, value)| Some((name.into(), value.clone()?)));
    flags.chain(arguments.set.iter().cloned()).collect()
}

/// Whether all is said that has to be.
fn is_enough(arguments: &NewArguments, config: &Config, checking: &mut Checking) -> bool {
    let (Some(_), Some(pattern)) = (&arguments.name, &arguments.pattern) else { return false };
    let given = given(arguments);
    let Checking { sources, findings } = checking;
    let library = Library::new(config.patterns(), &Disk);
    let pattern = library.draft(pattern, sources, findings).and_then(|draft| draft.pattern());
    pattern.is_none_or(|pattern| {
        let settling = Settling::new(&pattern, "");
        settling.parameters().all(|(key, one)| one.default.is_some() || given.contains_key(key))
    })
}

/// The pattern that was said, or is asked for.
fn choose(
    arguments: &NewArguments,
    name: &str,
    asks: bool,
    config: &Config,
    checking: &mut Checking,
) -> Result<String, Stop> {
    let all = Library::new(config.patterns(), &Disk).names();
    let names = || all.iter().map(String::as_str);
    let image = arguments.image.as_deref().unwrap_or(name);
    let mut best = || patterns::fitting(image, &[], &[], config, checking).into_iter().next();
    if let Some(pattern) = &arguments.pattern {
        return match all.contains(pattern) {
            true => Ok(pattern.clone()),
            false => Err(Stop::Told(patterns::unknown(pattern, names()))),
        };
    }
    let best = best().map(|fit| fit.name);
    if !asks {
        let best = best.map(|best| format!(", such as --pattern {best}")).unwrap_or_default();
        let message = format!("a pattern is needed{best}; `stackwright patterns` lists them");
        return Err(message.into());
    }
    for name in names() {
        output::note(&format!("  {name}\n"));
    }
    let check = |answer: &str| {
        if all.contains(answer) {
            return Ok(());
        }
        let near = nearest(answer, names()).map(|near| format!("did you mean `{near}`?"));
        let error = ValueError::new(format!("there is no pattern `{}`", human::escape(answer)));
        Err(error.help(near.unwrap_or_else(|| "take one of the list above".to_owned())))
    };
    ask::ask("The pattern", best.as_deref(), &check).ok_or(LEFT)
}

/// Gives each parameter what was said, what is answered, or what it is usually.
fn settle(
    settling: &mut Settling<'_>,
    mut given: BTreeMap<String, String>,
    pattern: &str,
    asks: bool,
) -> Result<(), Stop> {
    let known: Vec<&str> = settling.parameters().map(|(key, _)| key).collect();
    if let Some(unknown) = given.keys().find(|key| !known.contains(&key.as_str())) {
        let near = nearest(unknown, known.iter().copied());
        let near = near.map(|near| format!("did you mean `{near}`?"));
        let help = near.unwrap_or_else(|| format!("it has {}", known.join(", ")));
        return Err(format!("pattern `{pattern}` has no parameter `{unknown}`: {help}").into());
    }
    let mut missing = Vec::new();
    for (key, parameter) in settling.parameters() {
        let usual = settling.usual(key, parameter);
        let text = match given.remove(key) {
            Some(text) => Some(text),
            None if asks && settling.asks(key, parameter) => {
                let usual = usual.or_else(|| settling.example(parameter));
                let question = parameter.description.as_ref().map_or(key, |text| &text.value);
                let check = |text: &str| parameter.check(text);
                Some(ask::ask(question, usual.as_deref(), &check).ok_or(LEFT)?)
            }
            None => usual,
        };
        match text {
            Some(text) => settling
                .take(key, parameter, &text)
                .map_err(|error| format!("{}: {}", flag(key), ask::told(&error)))?,
            None => missing.push(flag(key)),
        }
    }
    match missing.is_empty() {
        true => Ok(()),
        false => Err(format!("pattern `{pattern}` needs {}", missing.join(" and ")).into()),
    }
}

/// How a parameter is said on the command line.
fn flag(key: &str) -> String {
    match key {
        "image" | "hostname" | "memory" => format!("--{key}"),
        _ => format!("--set {key}"),
    }
}

/// The disk with a file that is not there yet.
struct Unwritten<'u> {
    path: &'u Path,
    text: &'u str,
}

impl Look for Unwritten<'_> {
    fn read(&self, path: &Path, limit: u64) -> Result<Vec<u8>, ReadError> {
        match path == self.path {
            true => Ok(self.text.as_bytes().to_vec()),
            false => Disk.read(path, limit),
        }
    }

    fn read_inside(&self, folder: &Path, path: &Path, limit: u64) -> Result<Vec<u8>, ReadError> {
        Disk.read_inside(folder, path, limit)
    }

    fn list(&self, folder: &Path) -> Vec<Listed> {
        Disk.list(folder)
    }

    fn identity(&self, path: &Path) -> PathBuf {
        Disk.identity(path)
    }
}

/// Checks the stack before it is written, and tells what is to be said about it.
fn lint(draft: &Draft, path: &Path, arguments: &NewArguments) -> Result<Vec<Checked>, Stop> {
    let mut checking = Checking::new();
    let stack = StackArguments::with_patterns(arguments.patterns.clone());
    let target = |config: &Config| check::Target {
        podman: config.podman(),
        generates: false,
        kind: Kind::Quadlet,
    };
    let look = Unwritten { path, text: &draft.text };
    let (_, compiled) = checking.run_on(&look, &[path.to_owned()], false, &stack, &target);
    checking.findings.retain(|one| one.severity != Severity::Hint);
    if checking.findings.iter().next().is_some() {
        output::note(&human::render(&checking.findings, &checking.sources, output::style()));
        output::note(&format!("\n{}", output::summary(&checking.findings, 1)));
    }
    match checking.findings.has_errors() {
        true => Err(Stop::Told(Exit::WrongInput)),
        false => Ok(std::mem::ManuallyDrop::into_inner(compiled).stacks),
    }
}

/// What to do next: what must be there, and how it is brought up.
fn next(draft: &Draft, path: &Path, checked: &[Checked], arguments: &NewArguments) -> String {
    let mut text = String::new();
    let mut line = |line: &str| writeln!(text, "{line}").unwrap_or_default();
    if let Some(note) = &draft.note {
        line(&format!("\nNote on the image: {note}."));
    }
    let settings = if arguments.from.is_some() { settings(&draft.text) } else { BTreeMap::new() };
    if !settings.is_empty() {
        line("\nIts settings; write those that differ into `.env` beside it:");
        for (name, usual) in settings {
            line(&format!("  {name}={usual}"));
        }
    }
    let wants = wants(checked);
    if !wants.is_empty() {
        line("\nMust be there first:");
    }
    for one in wants {
        line(&format!("  {one}"));
    }
    let by_name = path == Path::new("stacks").join(format!("{}.yml", draft.name));
    let called = if by_name { draft.name.clone() } else { path.display().to_string() };
    line("\nNext:");
    line(&format!("  stackwright plan {called:<24} what would be done"));
    line(&format!("  stackwright apply {called:<23} bring it up"));
    text
}

/// What a stack uses and does not make: networks of others, and secrets that somebody writes.
fn wants(checked: &[Checked]) -> Vec<String> {
    let stacks = || checked.iter().map(Checked::stack);
    let networks = stacks().flat_map(|stack| stack.networks.iter()).filter_map(|(name, _, one)| {
        let one = one.get().filter(|one| one.external.is_some_and(|external| external.value))?;
        Some(format!("the network {}", one.name.as_ref().map_or(name, |name| name.as_str())))
    });
    let secrets = stacks().flat_map(|stack| stack.secrets.iter()).filter_map(|(name, _, one)| {
        let is_made = one.get().is_some_and(|one| {
            one.generate.is_some() || one.file.is_some() || one.environment.is_some()
        });
        (!is_made).then(|| format!("the secret {name}: podman secret create {name} FILE"))
    });
    networks.chain(secrets).collect()
}

/// The variables of a text that have a default.
fn settings(text: &str) -> BTreeMap<&str, &str> {
    let parts = text.split("${").skip(1);
    let found = parts.filter_map(|part| part.split_once('}')?.0.split_once(":-"));
    found.collect()
}
