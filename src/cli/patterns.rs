//! `patterns`: which patterns there are, what one of them is, and which fits an image.

use std::fmt::Write;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use schemars::JsonSchema;
use serde::Serialize;

use super::lint::Checking;
use super::output::Format;
use super::{Exit, discover, output};
use crate::compile_pattern;
use crate::config::Config;
use crate::host::disk::Disk;
use crate::load::expand;
use crate::model::at::At;
use crate::model::layer::{List, Map};
use crate::model::value::nearest::nearest;
use crate::pattern::fits::{self, Evidence};
use crate::pattern::parameter::{self, VALUE_MAX};
use crate::pattern::{Library, Pattern};
use crate::report::human;
use crate::report::json::{self, LintReport};

pub const EXAMPLES: &str = "\
Examples:
  stackwright patterns                               all of them, with what each is for
  stackwright patterns media-server-stack            one: parameters, needs, what to do afterwards
  stackwright patterns suggest docker.io/jellyfin/jellyfin:10.11.11
  stackwright patterns suggest registry.example.org/app:1 --port 5432 --env POSTGRES_DB
  stackwright patterns --format json | jq -r '.patterns[].name'

A pattern of your own is a file `patterns/NAME.yml` beside `.stackwright.yml`; it stands in for the
one of the program that has its name. This command tells what is wrong with it.";

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct PatternsArguments {
    #[command(subcommand)]
    question: Option<Question>,
    /// The name of a pattern; all are listed where it is left out
    #[arg(value_name = "NAME")]
    name: Option<String>,
    /// A folder with patterns of your own, in place of `patterns/` beside `.stackwright.yml`
    #[arg(long = "patterns", value_name = "DIR", value_parser = discover::folder, global = true)]
    folder: Option<PathBuf>,
    /// How it is told
    #[arg(long, value_enum, default_value_t = Format::Human, global = true)]
    format: Format,
}

#[derive(Debug, Subcommand)]
enum Question {
    /// Name the patterns that fit images
    Suggest(SuggestArguments),
}

#[derive(Debug, Args)]
pub struct SuggestArguments {
    /// Images, with or without registry and tag
    #[arg(required = true, value_name = "IMAGE")]
    images: Vec<String>,
    /// A port that they listen on; may be given again
    #[arg(long = "port", value_name = "PORT")]
    ports: Vec<u16>,
    /// The name of a variable that they read; may be given again
    #[arg(long = "env", value_name = "NAME")]
    variables: Vec<String>,
}

/// The patterns that there are, or those that fit.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "Patterns of stackwright patterns")]
pub struct PatternsReport {
    /// The patterns; none of them for `suggest`.
    patterns: Vec<PatternReport>,
    /// What fits each image, for `suggest`.
    suggestions: Vec<Suggestion>,
    /// What is to be said about patterns of the user's own.
    #[serde(flatten)]
    told: LintReport,
}

/// One pattern.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct PatternReport {
    /// Its name.
    name: String,
    /// Its file; nothing where it came with the program.
    file: Option<String>,
    /// What it is for, in a sentence.
    description: String,
    /// What it is used for.
    use_cases: Vec<String>,
    /// The images that it knows.
    images: Vec<String>,
    /// Its parameters, in the order in which `new` asks for them.
    parameters: Vec<ParameterReport>,
    /// What it keeps, and how much that may become.
    storage: Vec<Named>,
    /// The networks that it is in, and why.
    networks: Vec<Named>,
    /// The services that `new` writes, with its examples.
    services: Vec<Named>,
    /// What to do once the stack is up.
    post_deployment: Vec<String>,
    /// What goes wrong now and then, and what helps.
    common_issues: Vec<Issue>,
}

/// One parameter.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
struct ParameterReport {
    name: String,
    /// What kind of value it takes.
    #[serde(rename = "type")]
    kind: &'static str,
    description: String,
    /// Its value where nobody gives one.
    default: Option<String>,
    /// A value as one would give it.
    example: Option<String>,
    /// The words that it may be, where it is one of several.
    choices: Vec<String>,
}

/// Something with a name, and what it is.
#[derive(Debug, Serialize, JsonSchema)]
struct Named {
    name: String,
    text: String,
}

/// Something that goes wrong now and then.
#[derive(Debug, Serialize, JsonSchema)]
struct Issue {
    /// What is seen.
    issue: String,
    /// What helps.
    solution: String,
}

/// The patterns that fit an image, the best one first.
#[derive(Debug, Serialize, JsonSchema)]
struct Suggestion {
    image: String,
    patterns: Vec<Fit>,
}

/// A pattern that fits.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Fit {
    /// Its name.
    pub name: String,
    /// Why it fits.
    pub reasons: Vec<String>,
    /// What this image wants beside it.
    pub note: Option<String>,
}

/// Runs the command.
pub fn run(arguments: &PatternsArguments) -> Exit {
    let mut checking = Checking::new();
    let config = checking.config(Path::new(""), arguments.folder.as_deref());
    let all = Library::new(config.patterns(), &Disk).names();
    if let Some(name) = arguments.name.as_ref().filter(|name| !all.contains(*name)) {
        return unknown(name, all.iter().map(String::as_str));
    }
    let one = arguments.name.as_ref();
    let is_meant = |name: &&String| one.is_none_or(|one| one == *name);
    let names = all.iter().filter(|name| arguments.question.is_none() && is_meant(name));
    let patterns: Vec<PatternReport> =
        names.filter_map(|name| report(name, &config, &mut checking)).collect();
    let suggestions = match &arguments.question {
        Some(Question::Suggest(asked)) => suggestions(asked, &config, &mut checking),
        None => Vec::new(),
    };
    let text = match (arguments.format, one, &arguments.question) {
        (Format::Json, _, _) => {
            let told = json::report(&checking.findings, &checking.sources);
            let report = PatternsReport { patterns, suggestions, told };
            serde_json::to_string_pretty(&report).unwrap_or_default() + "\n"
        }
        (_, _, Some(_)) => suggested(&suggestions),
        (_, Some(_), _) => patterns.iter().map(page).collect(),
        _ => listed(&patterns),
    };
    output::out(&visible(&text));
    if arguments.format == Format::Human && checking.findings.iter().next().is_some() {
        let told = human::render(&checking.findings, &checking.sources, output::style());
        output::note(&format!("\n{told}"));
    }
    if checking.findings.has_errors() { Exit::WrongInput } else { Exit::Done }
}

/// Tells that there is no such pattern.
pub fn unknown<'n>(name: &str, all: impl Iterator<Item = &'n str>) -> Exit {
    let near = nearest(name, all).map(|near| format!(", did you mean `{near}`?"));
    let near = near.unwrap_or_else(|| "; `stackwright patterns` lists all".to_owned());
    output::error(&format!("there is no pattern `{name}`{near}"));
    Exit::WrongUsage
}

fn report(name: &str, config: &Config, checking: &mut Checking) -> Option<PatternReport> {
    let Checking { sources, findings } = checking;
    let (pattern, loaded) = compile_pattern(name, config, &Disk, sources, findings)?;
    let info = pattern.pattern.get().map(|info| info.value.clone()).unwrap_or_default();
    let needs = info.needs.get().map(|needs| needs.value.clone()).unwrap_or_default();
    let named =
        |map: &Map<At<String>>| map.iter().map(|(name, _, text)| said(name, text)).collect();
    let documentation = loaded.stack.documentation.get().map(|all| all.value.clone());
    let documentation = documentation.unwrap_or_default();
    let services = loaded.stack.services.iter().map(|service| {
        said(service.name.as_str(), service.description.as_ref().map_or("", |text| &text.value))
    });
    let words = |list: &List<String>| list.iter().map(ToString::to_string).collect();
    let issue = |text: &Option<At<String>>| text.as_ref().map(ToString::to_string);
    Some(PatternReport {
        name: name.to_owned(),
        file: Library::new(config.patterns(), &Disk)
            .file(name)
            .map(|path| path.to_string_lossy().into_owned()),
        description: info.description.as_ref().map(ToString::to_string).unwrap_or_default(),
        use_cases: words(&info.use_cases),
        images: info.fits.get().map_or_else(Vec::new, |fits| {
            fits.images.iter().map(|(name, _, _)| name.to_owned()).collect()
        }),
        parameters: parameters(&pattern),
        storage: named(&needs.storage),
        networks: named(&needs.networks),
        services: services.collect(),
        post_deployment: documentation.post_deployment.iter().map(ToString::to_string).collect(),
        common_issues: documentation
            .troubleshooting
            .iter()
            .filter_map(|one| {
                Some(Issue { issue: issue(&one.issue)?, solution: issue(&one.solution)? })
            })
            .collect(),
    })
}

fn said(name: &str, text: &str) -> Named {
    Named { name: name.to_owned(), text: text.to_owned() }
}

fn parameters(pattern: &Pattern) -> Vec<ParameterReport> {
    let names = parameter::examples(pattern);
    let all = parameter::Settling::new(pattern, "").parameters();
    let report = |(name, one): (&str, &parameter::Parameter)| ParameterReport {
        name: name.to_owned(),
        kind: one.kind().word(),
        description: one.description.as_ref().map(ToString::to_string).unwrap_or_default(),
        default: one.default.as_ref().map(|text| text.0.value.clone()),
        example: one.example.as_ref().map(|text| expand::one(&text.0, &names, VALUE_MAX).0),
        choices: one.choices.iter().map(|(word, _, _)| word.to_owned()).collect(),
    };
    all.map(report).collect()
}

fn suggestions(
    asked: &SuggestArguments,
    config: &Config,
    checking: &mut Checking,
) -> Vec<Suggestion> {
    let each = asked.images.iter().map(|image| Suggestion {
        image: image.clone(),
        patterns: fitting(image, &asked.ports, &asked.variables, config, checking),
    });
    each.collect()
}

/// The patterns that fit an image, the best one first.
pub fn fitting(
    image: &str,
    ports: &[u16],
    variables: &[String],
    config: &Config,
    checking: &mut Checking,
) -> Vec<Fit> {
    let Checking { sources, findings } = checking;
    let mut library = Library::new(config.patterns(), &Disk);
    let evidence = Evidence { image, ports, variables };
    let mut found: Vec<(usize, Fit)> = Vec::new();
    for name in library.names() {
        let crate::pattern::library::Found::Pattern(pattern) =
            library.get(&name, sources, findings)
        else {
            continue;
        };
        let Some((weight, reasons)) = fits::weigh(pattern, &evidence) else { continue };
        let note = fits::note(pattern, image);
        found.push((weight, Fit { name, reasons, note }));
    }
    // Of two that fit as well, the first by name.
    found.sort_by_key(|(weight, _)| std::cmp::Reverse(*weight));
    found.into_iter().map(|(_, fit)| fit).collect()
}

fn suggested(suggestions: &[Suggestion]) -> String {
    let mut text = String::new();
    for Suggestion { image, patterns } in suggestions {
        let head = if patterns.is_empty() { ": no pattern knows it" } else { "" };
        writeln!(text, "{}{head}", human::escape(image)).unwrap_or_default();
        let width = patterns.iter().map(|fit| fit.name.len()).max().unwrap_or(0);
        for Fit { name, reasons, note } in patterns {
            writeln!(text, "  {name:<width$}  {}", reasons.join(", ")).unwrap_or_default();
            if let Some(note) = note {
                writeln!(text, "  {:<width$}  note: {note}", "").unwrap_or_default();
            }
        }
    }
    text
}

/// A text in which nothing steers the terminal: patterns are files of anybody.
pub fn visible(text: &str) -> String {
    text.lines().map(|line| format!("{}\n", human::escape(line))).collect()
}

fn listed(patterns: &[PatternReport]) -> String {
    let width = patterns.iter().map(|one| one.name.len()).max().unwrap_or(0);
    let line = |one: &PatternReport| format!("{:<width$}  {}\n", one.name, one.description);
    patterns.iter().map(line).collect()
}

/// All that there is to say about a pattern.
fn page(one: &PatternReport) -> String {
    let mut text = format!("{}: {}\n", one.name, one.description);
    if let Some(file) = &one.file {
        writeln!(text, "It stands in {file}.").unwrap_or_default();
    }
    section(&mut text, "Used for", one.use_cases.iter().map(|case| ("-", case.clone())));
    let images = (!one.images.is_empty()).then(|| ("-", one.images.join(", ")));
    section(&mut text, "Images that it knows", images.into_iter());
    let parameters = one.parameters.iter().map(|one| (one.name.as_str(), explained(one)));
    section(&mut text, "Parameters", parameters);
    let named = |all: &'_ [Named]| -> Vec<(String, String)> {
        all.iter().map(|one| (one.name.clone(), one.text.clone())).collect()
    };
    for (title, all) in
        [("Services", &one.services), ("Storage", &one.storage), ("Networks", &one.networks)]
    {
        let all = named(all);
        section(&mut text, title, all.iter().map(|(name, text)| (name.as_str(), text.clone())));
    }
    section(&mut text, "Once it is up", one.post_deployment.iter().map(|step| ("-", step.clone())));
    let issues = one.common_issues.iter();
    let issues = issues.map(|Issue { issue, solution }| ("-", format!("{issue}: {solution}")));
    section(&mut text, "When something is wrong", issues);
    text
}

fn section<'p>(text: &mut String, title: &str, lines: impl Iterator<Item = (&'p str, String)>) {
    let lines: Vec<(&str, String)> = lines.collect();
    let width = lines.iter().map(|(name, _)| name.len()).max().unwrap_or(0);
    for (place, (name, line)) in lines.into_iter().enumerate() {
        if place == 0 {
            writeln!(text, "\n{title}:").unwrap_or_default();
        }
        writeln!(text, "  {name:<width$} {line}").unwrap_or_default();
    }
}

/// What a parameter is, and what it is usually.
fn explained(one: &ParameterReport) -> String {
    let usual = match (&one.default, &one.example) {
        (Some(usual), _) if !usual.is_empty() => format!(" ({usual})"),
        (None, Some(example)) => format!(", such as {example}"),
        _ => String::new(),
    };
    let choices = match one.choices.is_empty() {
        true => String::new(),
        false => format!(": {}", one.choices.join(" or ")),
    };
    format!("{}{choices}{usual}", one.description)
}
