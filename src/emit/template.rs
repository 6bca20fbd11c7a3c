//! Templates of units: a line is a key, and a value gets into the text by its section alone.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::sync::Arc;

use minijinja::value::{Object, Value, ValueKind};
use minijinja::{Environment, Error, ErrorKind, Output, State, UndefinedBehavior};

use super::names::Names;
use crate::capability::encode::{Reader, Unwritable};
use crate::capability::podman::Podman;
use crate::capability::quadlet::{self, Key};
use crate::capability::systemd;
use crate::model::value::nearest::nearest;

/// The templates that the program brings along, by the type of the unit.
pub const BUILT_IN: &[(&str, &str)] = &[
    ("build.j2", include_str!("../../templates/quadlet/build.j2")),
    ("container.j2", include_str!("../../templates/quadlet/container.j2")),
    ("network.j2", include_str!("../../templates/quadlet/network.j2")),
    ("pod.j2", include_str!("../../templates/quadlet/pod.j2")),
    ("volume.j2", include_str!("../../templates/quadlet/volume.j2")),
];

/// Why a template of the user makes no unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateError {
    /// The name of the template.
    pub template: String,
    /// The line that is wrong, counted from one, where that is known.
    pub line: Option<usize>,
    /// What is wrong with it.
    pub message: String,
}

impl TemplateError {
    pub(super) fn new(template: &str, error: &Error) -> Self {
        let mut message = error.detail().map_or(error.kind().to_string(), str::to_owned);
        // What a function said is behind what the engine says about the call.
        if let Some(source) = std::error::Error::source(error) {
            write!(message, ": {source}").unwrap_or_default();
        }
        let template = error.name().unwrap_or(template).to_owned();
        Self { template, line: error.line(), message }
    }
}

/// Templates that were read.
pub struct Templates(Environment<'static>);

/// Templates that are ready to be filled.
pub struct Filler<'t> {
    environment: &'t Environment<'static>,
    functions: Functions,
}

/// The functions that templates may call. They are handed over with the fields: as globals, each
/// call would look through all fields before.
type Functions = Arc<Names<Value>>;

impl Templates {
    /// The templates of the program, with those of the user in their place.
    pub fn new(own: &BTreeMap<String, String>) -> Result<Self, TemplateError> {
        let mut environment = Environment::empty();
        environment.set_undefined_behavior(UndefinedBehavior::Lenient);
        environment.set_formatter(refuse_bare_values);
        for (name, text) in BUILT_IN {
            let fail = |error: Error| TemplateError::new(name, &error);
            environment.add_template(name, text).map_err(fail)?;
            let Some(own) = own.get(*name) else { continue };
            let known = environment.get_template(name).map_err(fail)?.undeclared_variables(false);
            environment.add_template_owned(*name, own.replace("\r\n", "\n")).map_err(fail)?;
            let used = environment.get_template(name).map_err(fail)?.undeclared_variables(false);
            let functions = functions(Podman::USUAL);
            let sections = functions.names().map(str::to_owned);
            let known: BTreeSet<String> = known.into_iter().chain(sections).collect();
            for field in used.into_iter().collect::<BTreeSet<String>>() {
                if !known.contains(&field) {
                    return Err(unknown_field(name, own, &field, &known));
                }
            }
        }
        Ok(Self(environment))
    }

    /// With what must be known to fill them for a Podman.
    pub fn filler(&self, podman: Podman) -> Filler<'_> {
        Filler { environment: &self.0, functions: functions(podman) }
    }
}

impl Filler<'_> {
    /// Fills a template; lines that came out empty are left out.
    pub fn render(&self, name: &str, fields: Fields) -> Result<String, TemplateError> {
        let fail = |error: Error| TemplateError::new(name, &error);
        let template = self.environment.get_template(name).map_err(fail)?;
        let functions = Arc::clone(&self.functions);
        let known = Value::from_object(Context { fields, functions });
        let text = template.render(known).map_err(fail)?;
        Ok(tidy(&text))
    }
}

/// A field that nothing ever sets would leave its line out without a word.
fn unknown_field(
    template: &str,
    text: &str,
    field: &str,
    known: &BTreeSet<String>,
) -> TemplateError {
    let line = text.lines().position(|line| line.contains(field)).map(|place| place + 1);
    let fields = known.iter().map(String::as_str).filter(|name| !is_section(name));
    let near = nearest(field, fields);
    let near = near.map(|near| format!(", did you mean `{near}`?")).unwrap_or_default();
    let message = format!("`{field}` is no field{near}");
    TemplateError { template: template.to_owned(), line, message }
}

/// What a template may name: its fields and the functions.
#[derive(Debug)]
struct Context {
    fields: Fields,
    functions: Functions,
}

impl Object for Context {
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        self.get_value_by_str(key.as_str()?)
    }

    fn get_value_by_str(self: &Arc<Self>, name: &str) -> Option<Value> {
        let is_function = is_section(name) || name == COMMENT_FUNCTION;
        let names = if is_function { &self.functions } else { &self.fields.0 };
        // What is not there is nothing; the engine need not look any further.
        Some(names.get(name).cloned().unwrap_or(Value::UNDEFINED))
    }
}

/// Whether a name is that of a section, and no field.
fn is_section(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_uppercase())
}

/// The values of one unit by their names; what is not there is nothing.
#[derive(Debug, Default)]
pub struct Fields(Names<Value>);

impl Fields {
    /// Sets a field to a text, a number or a truth value.
    pub fn set(&mut self, name: &'static str, value: impl Into<Value>) {
        self.0.set(name, value.into());
    }

    /// Sets a field where there is a value.
    pub fn maybe(&mut self, name: &'static str, value: Option<impl ToString>) {
        if let Some(value) = value {
            self.set(name, value.to_string());
        }
    }

    /// Sets a field to texts, unless there is none.
    pub fn list<T: Into<Value>>(&mut self, name: &'static str, items: impl IntoIterator<Item = T>) {
        let items: Vec<Value> = items.into_iter().map(Into::into).collect();
        if !items.is_empty() {
            self.set(name, items);
        }
    }

    /// Sets a field to lines that were written as a unit has them.
    pub fn written(&mut self, name: &'static str, lines: String) {
        self.set(name, Value::from_safe_string(lines));
    }
}

/// A text with a specifier of systemd in front of it.
#[derive(Debug)]
pub struct Led {
    /// The specifier, such as `%h`.
    pub lead: &'static str,
    /// The text behind it.
    pub text: String,
}

impl Object for Led {}

impl From<Led> for Value {
    fn from(led: Led) -> Self {
        Value::from_object(led)
    }
}

/// A function for each section, and one for comments.
fn functions(podman: Podman) -> Functions {
    let quadlet = quadlet::SECTIONS.iter().map(|(name, keys)| {
        let keys = keys.iter().map(|key| (key.name, Known::Quadlet(key))).collect();
        (*name, Section { name, keys, podman }.into())
    });
    let systemd =
        [("Unit", systemd::UNIT), ("Service", systemd::SERVICE), ("Install", systemd::INSTALL)];
    let systemd = systemd.into_iter().map(|(name, keys)| {
        let keys = keys.iter().map(|key| (*key, Known::Systemd)).collect();
        (name, Section { name, keys, podman }.into())
    });
    let comment = |text: &str| Value::from_safe_string(comment(text));
    let comment = (COMMENT_FUNCTION, Value::from_function(comment));
    Arc::new(quadlet.chain(systemd).chain([comment]).collect())
}

/// A key of a section.
#[derive(Debug, Clone, Copy)]
enum Known {
    /// Read by Quadlet.
    Quadlet(&'static Key),
    /// Passed on to systemd.
    Systemd,
}

/// The function that writes keys of a section: their names, each with its value behind it. As an
/// object it gets its arguments as they lie, where the engine would copy each for a function.
#[derive(Debug)]
struct Section {
    name: &'static str,
    keys: Names<Known>,
    podman: Podman,
}

impl Object for Section {
    fn call(self: &Arc<Self>, _: &mut State<'_, '_>, pairs: &[Value]) -> Result<Value, Error> {
        let mut lines = String::with_capacity(SECTION_BYTES);
        for pair in pairs.chunks(2) {
            let [name, value] = pair else {
                return Err(refused("a key without a value".to_owned()));
            };
            if !value.is_undefined() && !value.is_none() {
                let name = name.as_str().unwrap_or_default();
                self.key(name, value, &mut lines).map_err(refused)?;
            }
        }
        Ok(Value::from_safe_string(lines))
    }
}

/// How long the lines of most sections are at most.
const SECTION_BYTES: usize = 1024;

fn refused(message: String) -> Error {
    Error::new(ErrorKind::InvalidOperation, message)
}

impl From<Section> for Value {
    fn from(section: Section) -> Self {
        Value::from_object(section)
    }
}

impl Section {
    /// Writes the lines of one key, or of a comment.
    fn key(&self, name: &str, value: &Value, lines: &mut String) -> Result<(), String> {
        if name == COMMENT {
            lines.push_str(&comment(value.as_str().unwrap_or_default()));
            return Ok(());
        }
        match self.keys.get(name) {
            None => Err(format!("`{name}` is no key of [{}]", self.name)),
            Some(Known::Quadlet(key)) => quadlet_lines(key, self.podman, value, lines),
            Some(Known::Systemd) => each(value, &mut |lead, text| {
                let is_literal = systemd::LITERAL.contains(&name);
                let reader = if is_literal { Reader::Literal } else { Reader::Passed };
                line(name, reader, lead, text, lines).map_err(|why| unwritable(name, why))
            }),
        }
    }
}

/// The function that writes comments.
const COMMENT_FUNCTION: &str = "comment";

/// Stands for a key where a comment is meant.
const COMMENT: &str = "#";

/// Writes a key with each of its values.
fn quadlet_lines(
    key: &Key,
    podman: Podman,
    value: &Value,
    lines: &mut String,
) -> Result<(), String> {
    if key.reader != Reader::Words {
        return each(value, &mut |lead, text| {
            quadlet_line(key, podman, lead, text, lines).map_err(|why| match why {
                None => format!("`{}` needs Podman {}", key.name, key.since),
                Some(why) => unwritable(key.name, why),
            })
        });
    }
    lines.push_str(key.name);
    let mut sign = '=';
    each(value, &mut |lead, text| {
        lines.push(std::mem::replace(&mut sign, ' '));
        key.reader.write(lead, text, lines).map_err(|why| unwritable(key.name, why))
    })?;
    lines.push('\n');
    Ok(())
}

/// Writes one value, by the flag of `podman` where this Podman or this reader cannot take it;
/// an error without a reason means that a newer Podman could.
pub fn quadlet_line(
    key: &Key,
    podman: Podman,
    lead: &str,
    text: &str,
    lines: &mut String,
) -> Result<(), Option<Unwritable>> {
    let direct = match podman >= key.since {
        true => line(key.name, key.reader, lead, text, lines).map_err(Some),
        false => Err(None),
    };
    let Some(flag) = key.flag_for(podman).filter(|_| direct.is_err()) else { return direct };
    let flag = match (key.reader, text) {
        (Reader::Switch, "true") => {
            return line(ARGUMENTS, Reader::Word, "", flag, lines).map_err(Some);
        }
        _ if flag.ends_with(':') => format!("{flag}{lead}"),
        _ => format!("{flag}={lead}"),
    };
    line(ARGUMENTS, Reader::Word, &flag, text, lines).map_err(Some)
}

/// The key for flags that Quadlet has no key for.
const ARGUMENTS: &str = "PodmanArgs";

/// Writes one line, or nothing.
fn line(
    name: &str,
    reader: Reader,
    lead: &str,
    text: &str,
    lines: &mut String,
) -> Result<(), Unwritable> {
    let start = lines.len();
    lines.push_str(name);
    lines.push('=');
    let written = reader.write(lead, text, lines);
    match written {
        Ok(()) => lines.push('\n'),
        Err(_) => lines.truncate(start),
    }
    written
}

/// Calls a function with every text of a value.
fn each(
    value: &Value,
    write: &mut dyn FnMut(&str, &str) -> Result<(), String>,
) -> Result<(), String> {
    if let Some(text) = value.as_str() {
        return write("", text);
    }
    if let Some(led) = value.downcast_object_ref::<Led>() {
        return write(led.lead, &led.text);
    }
    match value.kind() {
        ValueKind::Bool => write("", if value.is_true() { "true" } else { "false" }),
        ValueKind::Number => write("", &value.to_string()),
        ValueKind::Seq => {
            let items = value.try_iter().map_err(|error| error.to_string())?;
            items.into_iter().try_for_each(|item| each(&item, write))
        }
        kind => Err(format!("{kind} is no value of a key")),
    }
}

fn unwritable(name: &str, why: Unwritable) -> String {
    match why {
        Unwritable::Empty => format!("`{name}` cannot hold an empty text"),
        Unwritable::Semicolon => format!("`{name}` cannot hold a `;` alone"),
        Unwritable::Character(c) => format!("`{name}` cannot hold `{}`", c.escape_default()),
        Unwritable::Edge => format!("`{name}` cannot begin or end so"),
        Unwritable::Space => format!("`{name}` cannot hold a space"),
    }
}

/// Lines that neither Quadlet nor systemd reads.
pub fn comment(text: &str) -> String {
    let line = |line: &str| {
        let visible: String = line.chars().filter(|c| !c.is_control()).collect();
        format!("# {}\n", visible.trim_end_matches('\\'))
    };
    text.lines().map(line).collect()
}

/// A value that no key function wrote is a mistake of the template.
fn refuse_bare_values(
    out: &mut Output<'_>,
    _: &mut State<'_, '_>,
    value: &Value,
) -> Result<(), Error> {
    match value.as_str() {
        None if value.is_undefined() => Ok(()),
        Some(text) if value.is_safe() => out.write_str(text).map_err(Error::from),
        _ => Err(Error::new(
            ErrorKind::InvalidOperation,
            "a bare value: give it to a section with its key, as in `Container(\"Image\", image)`",
        )),
    }
}

/// Takes empty lines and sections without keys away, and parts sections by one empty line.
fn tidy(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 1);
    let mut header = None;
    for line in text.split_inclusive('\n') {
        match line.as_bytes().first() {
            Some(b'[') => header = Some(line),
            Some(first) if !first.is_ascii_graphic() && line.trim().is_empty() => {}
            _ => {
                if let Some(header) = header.take() {
                    out.push_str(if out.is_empty() { "" } else { "\n" });
                    out.push_str(header);
                }
                out.push_str(line);
            }
        }
    }
    if !out.is_empty() && !out.ends_with('\n') {
        out.push('\n');
    }
    out
}
