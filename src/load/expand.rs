//! Variables in values, by Compose's rules, and references to secrets.

use std::collections::{BTreeMap, BTreeSet};

use super::tree::{NodeId, Style, Text, Tree, Value};
use crate::report::code::{secrets, text as code};
use crate::report::human::escape;
use crate::report::{Diagnostic, Findings};
use crate::source::{SourceId, Span};

/// How long a text may become; a default may repeat a variable that repeats another.
const EXPANDED_MAX: usize = 1 << 20;
/// How long all texts with variables may become together, where the file itself is small.
pub const EXPANDED_TOTAL: usize = 16 << 20;
/// How many problems of one text are told, of errors and of warnings each.
const PROBLEMS_MAX: usize = 100;
/// How deep defaults may stand in defaults.
const NESTING_MAX: usize = 16;

/// What to do about a dollar that stands alone.
const DOUBLE: &str = "write `$$` for a dollar that is meant as one";
/// What to do about a variable that is open.
const CLOSE: &str = "close it with `}`, or write `$$` for a dollar that is meant as one";
/// What to do about a variable with a sign that is none of those that are known.
const FORMS: &str = "write `${NAME}`, `${NAME:-default}`, `${NAME:?message}` or `${NAME:+other}`";

/// What names stand for.
#[derive(Debug, Default)]
pub struct Names {
    /// The variables.
    pub variables: BTreeMap<String, String>,
    /// The secrets that the stack declares.
    pub secrets: BTreeSet<String>,
}

/// What becomes of a variable that is not set, as the text says it that names it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unset {
    /// It counts as empty.
    Empty,
    /// This text stands for it.
    Text(String),
    /// Nothing works without it, and why.
    Required(String),
}

/// The variables that texts name.
pub type Mentions = BTreeMap<String, Unset>;

/// Expands the variables of all values, and tells which these are; keys stay as they are.
pub fn expand(tree: &mut Tree, names: &Names, findings: &mut Findings) -> Mentions {
    let mut mentions = Mentions::new();
    if !tree.source.text.contains('$') {
        return mentions;
    }
    let mut is_key = vec![false; tree.nodes.len()];
    for node in &tree.nodes {
        let Value::Map(entries) = &node.value else { continue };
        for entry in entries {
            if let Some(flag) = is_key.get_mut(entry.key.index()) {
                *flag = true;
            }
        }
    }
    let literal = literal_texts(tree);
    let ids: Vec<NodeId> =
        tree.ids().filter(|id| !is_key.get(id.index()).unwrap_or(&true)).collect();
    let mut room = EXPANDED_TOTAL.max(2 * tree.source.text.len());
    for id in ids.into_iter().filter(|id| !literal.contains(id)) {
        let Some(Value::Scalar(scalar)) = tree.nodes.get(id.index()).map(|node| &node.value) else {
            continue;
        };
        if tree.read(&scalar.text).contains('$') {
            let mut work = Expansion::new(names, room);
            let length = expand_scalar(tree, id, &mut work, findings);
            room = room.saturating_sub(length);
            keep(work.mentions, &mut mentions);
        }
    }
    mentions
}

/// Adds what was named; what was said of a variable first stands.
pub fn keep(new: Mentions, all: &mut Mentions) {
    for (name, unset) in new {
        all.entry(name).or_insert(unset);
    }
}

/// Expands the variables of a whole file, and tells which these are.
pub fn text(
    id: SourceId,
    text: &str,
    names: &Names,
    findings: &mut Findings,
) -> (String, Mentions) {
    let mut work = Expansion::new(names, EXPANDED_TOTAL);
    work.run(text);
    for problem in work.problems {
        let span = Span::new(id, problem.range.start, problem.range.end);
        findings.add(problem.diagnostic(span));
    }
    (work.out, work.mentions)
}

/// Expands a text in which nothing may be named but these names, not even with a default.
pub fn one(text: &str, names: &Names, room: usize) -> (String, Vec<Problem>) {
    let mut work = Expansion::new(names, room);
    work.all_known = true;
    work.run(text);
    (work.out, work.problems)
}

/// The texts of files and units, whose dollars are their own; a template says that it is one.
fn literal_texts(tree: &Tree) -> BTreeSet<NodeId> {
    let section = |name: &str| tree.root.and_then(|root| tree.get(root, name));
    let sections = ["files", "configs", "units"].into_iter().filter_map(section);
    let entries = sections.flat_map(|section| tree.entries(section)).map(|entry| entry.value);
    let is_template = |id: NodeId| {
        let template = tree.get(id, "template").and_then(|id| tree.plain_text(id));
        template.is_some_and(|text| text.eq_ignore_ascii_case("true"))
    };
    entries.filter(|id| !is_template(*id)).filter_map(|id| tree.get(id, "content")).collect()
}

/// Expands one text as far as there is room; returns how long it became.
fn expand_scalar(
    tree: &mut Tree,
    id: NodeId,
    work: &mut Expansion<'_>,
    findings: &mut Findings,
) -> usize {
    let Some(Value::Scalar(scalar)) = tree.nodes.get(id.index()).map(|node| &node.value) else {
        return 0;
    };
    let (text, names) = (tree.read(&scalar.text), work.names);
    if let Some(name) = secret_reference(text, names) {
        let name = Text::Owned(name.into());
        tree.rewrite(id, name, Style::Secret);
        return 0;
    }
    work.run(text);
    let (out, problems) = (std::mem::take(&mut work.out), std::mem::take(&mut work.problems));
    let style = if work.used { Style::Expanded } else { scalar.style };
    let slice = matches!(scalar.text, Text::Slice(..)).then(|| text_start(&scalar.text));
    let is_broken = problems.iter().any(|one| one.kind.is_error());
    let length = out.len();
    for problem in problems {
        let whole = tree.span(id);
        let span = match slice {
            Some(start) => {
                Span::new(whole.source, start + problem.range.start, start + problem.range.end)
            }
            None => whole,
        };
        let diagnostic = problem.diagnostic(span);
        findings.add(diagnostic.maybe_help(as_mapping(tree, id, names)));
    }
    match is_broken {
        // Whatever else could be said of the value would not be true of the one that is meant.
        true => tree.take_away(id),
        false => tree.rewrite(id, Text::Owned(out.into()), style),
    }
    length
}

/// What to do about a secret behind the `=` of an assignment in a list.
fn as_mapping(tree: &Tree, id: NodeId, names: &Names) -> Option<String> {
    let (variable, value) = tree.scalar_text(id)?.split_once('=')?;
    let is_name = name_length(variable) == variable.len();
    let secret = secret_reference(value, names).filter(|name| names.secrets.contains(*name));
    secret.filter(|_| is_name)?;
    Some(format!("write `{variable}: {value}`, in a mapping instead of a list"))
}

fn text_start(text: &Text) -> usize {
    match text {
        Text::Slice(start, _) => *start as usize,
        Text::Owned(_) => 0,
    }
}

/// The name of the secret that a whole value refers to.
fn secret_reference<'t>(text: &'t str, names: &Names) -> Option<&'t str> {
    if let Some(name) = text.strip_prefix('$').filter(|name| names.secrets.contains(*name)) {
        return Some(name);
    }
    let name = text.strip_prefix("${")?.strip_suffix('}')?;
    if names.secrets.contains(name) {
        return Some(name);
    }
    let is_name = !name.is_empty() && name_length(name) == name.len();
    (is_name && !names.variables.contains_key(name)).then_some(name)
}

/// How many bytes at the beginning of a text are the name of a variable.
fn name_length(text: &str) -> usize {
    let fits = |(place, c): (usize, char)| {
        c == '_' || c.is_ascii_alphabetic() || (place > 0 && c.is_ascii_digit())
    };
    text.char_indices().take_while(|next| fits(*next)).map(|(_, c)| c.len_utf8()).sum()
}

/// Something that is wrong with a variable.
#[derive(Debug)]
pub struct Problem {
    /// Where it stands in the text.
    pub range: std::ops::Range<usize>,
    kind: ProblemKind,
}

#[derive(Debug)]
enum ProblemKind {
    Malformed { what: String, help: &'static str },
    Unset(String),
    Required { name: String, why: String },
    SecretInText(String),
    TooLong(usize),
}

impl ProblemKind {
    fn is_error(&self) -> bool {
        !matches!(self, Self::Unset(_))
    }
}

impl Problem {
    /// The name that stands for nothing, where that is the problem.
    pub fn unset(&self) -> Option<&str> {
        match &self.kind {
            ProblemKind::Unset(name) => Some(name),
            _ => None,
        }
    }

    /// What is told about it at a place.
    pub fn diagnostic(self, span: Span) -> Diagnostic {
        match self.kind {
            ProblemKind::Malformed { what, help } => {
                Diagnostic::new(&code::VARIABLE_SYNTAX, span, what).help(help)
            }
            ProblemKind::Unset(name) => {
                let message = format!("variable `{name}` is not set, it counts as empty");
                Diagnostic::new(&code::VARIABLE_UNSET, span, message).help(format!(
                    "set it, write `${{{name}:-default}}`, or `$${name}` to leave it to the \
                     container"
                ))
            }
            ProblemKind::Required { name, why } => {
                let why =
                    if why.is_empty() { String::new() } else { format!(": {}", escape(&why)) };
                let message = format!("variable `{name}` is required and not set{why}");
                Diagnostic::new(&code::VARIABLE_REQUIRED, span, message)
                    .help("give it in the environment, in `.env`, or by `--env-file`")
            }
            ProblemKind::SecretInText(name) => {
                let message = format!("secret `{name}` inside of a longer text");
                Diagnostic::new(&secrets::SECRET_IN_TEXT, span, message).help(
                    "give the secret to a variable of its own, or mount it as a file under \
                     `secrets`",
                )
            }
            ProblemKind::TooLong(room) => {
                let message = match room {
                    EXPANDED_MAX => format!("variables make a text of more than {room} bytes"),
                    _ => "variables make the texts of this file too long together".to_owned(),
                };
                Diagnostic::new(&code::VARIABLE_SYNTAX, span, message)
                    .help("put a long text into a file, and name it under `files`")
            }
        }
    }
}

struct Expansion<'n> {
    names: &'n Names,
    depth: usize,
    out: String,
    /// How long the text may become.
    room: usize,
    is_full: bool,
    problems: Vec<Problem>,
    errors: usize,
    warnings: usize,
    /// Whether a variable was read, so that the text is no longer as it was written.
    used: bool,
    /// The variables that were named.
    mentions: Mentions,
    /// Whether a name that stands for nothing is a problem whatever is said behind it.
    all_known: bool,
}

impl<'n> Expansion<'n> {
    fn new(names: &'n Names, room: usize) -> Self {
        let room = room.min(EXPANDED_MAX);
        Self {
            names,
            depth: 0,
            out: String::new(),
            room,
            is_full: false,
            problems: Vec::new(),
            errors: 0,
            warnings: 0,
            used: false,
            mentions: Mentions::new(),
            all_known: false,
        }
    }

    fn run(&mut self, text: &str) {
        let mut rest = text;
        while let Some((before, after)) = rest.split_once('$') {
            self.put(before);
            let start = text.len() - after.len() - 1;
            let taken = self.dollar(after, start);
            rest = after.get(taken..).unwrap_or("");
        }
        self.put(rest);
    }

    fn put(&mut self, text: &str) {
        if self.out.len() + text.len() <= self.room {
            self.out.push_str(text);
        } else if !self.is_full {
            self.is_full = true;
            self.problem(0..0, ProblemKind::TooLong(self.room));
        }
    }

    /// Keeps a problem, where not too many of its weight are kept already.
    fn problem(&mut self, range: std::ops::Range<usize>, kind: ProblemKind) {
        let kept = if kind.is_error() { &mut self.errors } else { &mut self.warnings };
        *kept += 1;
        if *kept <= PROBLEMS_MAX {
            self.problems.push(Problem { range, kind });
        }
    }

    /// Handles what follows a dollar; returns how much of it was read.
    fn dollar(&mut self, after: &str, start: usize) -> usize {
        if after.starts_with('$') {
            self.put("$");
            return 1;
        }
        if let Some(inside) = after.strip_prefix('{') {
            let Some(end) = closing_brace(inside) else {
                self.malformed("`${` is not closed", CLOSE, start..start + 2);
                return after.len();
            };
            let length = end + 2;
            let body = inside.get(..end).unwrap_or("");
            self.braced(body, start..start + length + 1);
            return length;
        }
        let length = name_length(after);
        if length == 0 {
            self.malformed("a `$` that begins no variable", DOUBLE, start..start + 1);
            self.put("$");
            return 0;
        }
        let name = after.get(..length).unwrap_or("");
        self.plain(name, start..start + 1 + length);
        length
    }

    fn malformed(&mut self, what: &str, help: &'static str, range: std::ops::Range<usize>) {
        self.problem(range, ProblemKind::Malformed { what: what.to_owned(), help });
    }

    fn plain(&mut self, name: &str, range: std::ops::Range<usize>) {
        self.used = true;
        if self.names.secrets.contains(name) {
            return self.problem(range, ProblemKind::SecretInText(name.to_owned()));
        }
        self.mention(name, || Unset::Empty);
        if let Some(value) = self.names.variables.get(name) {
            return self.put(value);
        }
        self.problem(range, ProblemKind::Unset(name.to_owned()));
    }

    fn mention(&mut self, name: &str, unset: impl FnOnce() -> Unset) {
        if !self.mentions.contains_key(name) {
            self.mentions.insert(name.to_owned(), unset());
        }
    }

    fn braced(&mut self, body: &str, range: std::ops::Range<usize>) {
        if self.names.secrets.contains(body) {
            return self.plain(body, range);
        }
        let (name, operation) = body.split_at_checked(name_length(body)).unwrap_or(("", body));
        if name.is_empty() {
            let what = format!("`${{{}}}` names no variable", escape(body));
            return self.malformed(&what, DOUBLE, range);
        }
        if operation.is_empty() || (self.all_known && !self.names.variables.contains_key(name)) {
            return self.plain(name, range);
        }
        self.used = true;
        self.operation(name, operation, range);
    }

    fn operation(&mut self, name: &str, operation: &str, range: std::ops::Range<usize>) {
        let names = self.names;
        let value = names.variables.get(name).map(String::as_str);
        let sign = operation.get(..1).unwrap_or(operation);
        let (given, operation) = match operation.strip_prefix(':') {
            Some(rest) => (value.is_some_and(|value| !value.is_empty()), rest),
            None => (value.is_some(), operation),
        };
        let value = value.unwrap_or_default();
        let argument = operation.get(1..).unwrap_or("");
        self.mention(name, || match operation.chars().next() {
            Some('-') => Unset::Text(argument.to_owned()),
            Some('?') => Unset::Required(argument.to_owned()),
            _ => Unset::Empty,
        });
        match (operation.chars().next(), given) {
            (Some('-' | '?'), true) => self.put(value),
            (Some('-'), false) | (Some('+'), true) => self.nested(argument, range),
            (Some('+'), false) => {}
            (Some('?'), false) => {
                let kind = ProblemKind::Required { name: name.into(), why: argument.into() };
                self.problem(range, kind);
            }
            _ => {
                let what = format!("`{}` behind `{name}` means nothing", escape(sign));
                self.malformed(&what, FORMS, range);
            }
        }
    }

    /// A default may hold variables itself; its problems stand at the whole expression.
    fn nested(&mut self, argument: &str, range: std::ops::Range<usize>) {
        if self.depth >= NESTING_MAX {
            return self.malformed("defaults that nest too deep", "write them flatter", range);
        }
        let before = self.problems.len();
        self.depth += 1;
        self.run(argument);
        self.depth -= 1;
        for problem in self.problems.iter_mut().skip(before) {
            problem.range = range.clone();
        }
    }
}

/// Where the brace closes that was opened before the text.
fn closing_brace(text: &str) -> Option<usize> {
    let mut depth = 0_usize;
    let mut previous = ' ';
    for (place, c) in text.char_indices() {
        match c {
            '{' if previous == '$' => depth += 1,
            '}' if depth == 0 => return Some(place),
            '}' => depth -= 1,
            _ => {}
        }
        previous = c;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expand_text(text: &str) -> (String, usize) {
        let variables = [("A", "one"), ("EMPTY", ""), ("B_2", "two")];
        let variables = variables.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let secrets = ["pw".to_owned()].into();
        let names = Names { variables: variables.into(), secrets };
        let mut work = Expansion::new(&names, usize::MAX);
        work.run(text);
        (work.out, work.problems.len())
    }

    #[test]
    fn variables_follow_the_rules_of_compose() {
        for (text, expected, problems) in [
            ("plain", "plain", 0),
            ("$A-${A}-$B_2", "one-one-two", 0),
            ("a$$b$$", "a$b$", 0),
            ("${EMPTY-x}|${EMPTY:-x}", "|x", 0),
            ("${NO-x}|${NO:-${A}}", "x|one", 0),
            ("${A:+y}|${NO:+y}|${EMPTY+z}", "y||z", 0),
            ("${A?no}|${A:?no}", "one|one", 0),
            ("${NO?no}", "", 1),
            ("${EMPTY:?no}", "", 1),
            ("$NO", "", 1),
            ("${NO", "", 1),
            ("$(id)", "$(id)", 1),
            ("${}", "", 1),
            ("${A!x}", "", 1),
            ("x${pw}", "x", 1),
            ("x$pw", "x", 1),
            ("ä$A", "äone", 0),
            ("${NO:-{}}", "{}", 0),
        ] {
            assert_eq!(expand_text(text), (expected.to_owned(), problems), "{text}");
        }
    }

    #[test]
    fn variables_are_told_with_what_stands_for_them() {
        let names = Names { secrets: ["pw".to_owned()].into(), ..Names::default() };
        let mut work = Expansion::new(&names, usize::MAX);
        work.run("$A ${B:-b${C-c}} ${D:?why} ${E:+e} ${B:-other} $$F");
        let expected = [
            ("A", Unset::Empty),
            ("B", Unset::Text("b${C-c}".to_owned())),
            ("C", Unset::Text("c".to_owned())),
            ("D", Unset::Required("why".to_owned())),
            ("E", Unset::Empty),
        ];
        assert_eq!(work.mentions, expected.map(|(name, unset)| (name.to_owned(), unset)).into());
    }

    #[test]
    fn depth_and_length_end_somewhere() {
        let deep = "${NO:-".repeat(100) + &"}".repeat(100);
        assert!(expand_text(&deep).1 > 0);
        let long = "x".repeat(EXPANDED_MAX) + "$A";
        assert_eq!(expand_text(&long).1, 1);
    }
}
