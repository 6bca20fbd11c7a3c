//! Variables in values, by Compose's rules, and references to secrets.

use std::collections::{BTreeMap, BTreeSet};

use super::tree::{NodeId, Style, Text, Tree, Value};
use crate::report::code::{secrets, text as code};
use crate::report::human::escape;
use crate::report::{Diagnostic, Findings};

/// How long a text may become; a default may repeat a variable that repeats another.
const EXPANDED_MAX: usize = 1 << 20;
/// How deep defaults may stand in defaults.
const NESTING_MAX: usize = 16;

/// What names stand for.
#[derive(Debug, Default)]
pub struct Names {
    /// The variables.
    pub variables: BTreeMap<String, String>,
    /// The secrets that the stack declares.
    pub secrets: BTreeSet<String>,
}

/// Expands the variables of all values; keys stay as they are.
pub fn expand(tree: &mut Tree, names: &Names, findings: &mut Findings) {
    if !tree.source.text.contains('$') {
        return;
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
    let ids: Vec<NodeId> =
        tree.ids().filter(|id| !is_key.get(id.index()).unwrap_or(&true)).collect();
    for id in ids {
        let Some(Value::Scalar(scalar)) = tree.nodes.get(id.index()).map(|node| &node.value) else {
            continue;
        };
        if tree.read(&scalar.text).contains('$') {
            expand_scalar(tree, id, names, findings);
        }
    }
}

fn expand_scalar(tree: &mut Tree, id: NodeId, names: &Names, findings: &mut Findings) {
    let Some(Value::Scalar(scalar)) = tree.nodes.get(id.index()).map(|node| &node.value) else {
        return;
    };
    let text = tree.read(&scalar.text);
    if let Some(name) = secret_reference(text, names) {
        let value = (Text::Owned(name.into()), Style::Secret);
        return tree.rewrite(id, value.0, value.1);
    }
    let mut work =
        Expansion { names, depth: 0, out: String::new(), problems: Vec::new(), used: false };
    work.run(text);
    let Expansion { out, problems, used, .. } = work;
    let style = if used { Style::Expanded } else { scalar.style };
    let slice = matches!(scalar.text, Text::Slice(..)).then(|| text_start(&scalar.text));
    for problem in problems {
        let whole = tree.span(id);
        let span = match slice {
            Some(start) => crate::source::Span::new(
                whole.source,
                start + problem.range.start,
                start + problem.range.end,
            ),
            None => whole,
        };
        findings.add(problem.diagnostic(span));
    }
    tree.rewrite(id, Text::Owned(out.into()), style);
}

fn text_start(text: &Text) -> usize {
    match text {
        Text::Slice(start, _) => *start as usize,
        Text::Owned(_) => 0,
    }
}

/// The name of the secret that a whole value refers to.
fn secret_reference<'t>(text: &'t str, names: &Names) -> Option<&'t str> {
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
struct Problem {
    range: std::ops::Range<usize>,
    kind: ProblemKind,
}

enum ProblemKind {
    Malformed(String),
    Unset(String),
    Required { name: String, why: String },
    SecretInText(String),
    TooLong,
}

impl Problem {
    fn diagnostic(self, span: crate::source::Span) -> Diagnostic {
        match self.kind {
            ProblemKind::Malformed(what) => Diagnostic::new(&code::VARIABLE_SYNTAX, span, what)
                .help("write `$$` for a dollar that is meant as one"),
            ProblemKind::Unset(name) => {
                let message = format!("variable `{name}` is not set, it counts as empty");
                Diagnostic::new(&code::VARIABLE_UNSET, span, message).help(format!(
                    "set it, write `${{{name}:-default}}`, or `$${name}` to leave it to the container"
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
                Diagnostic::new(&secrets::SECRET_IN_TEXT, span, message).help(format!(
                    "give the whole value as `${{{name}}}`, or mount the secret as a file and let \
                     the program read it"
                ))
            }
            ProblemKind::TooLong => {
                let message = format!("a text of more than {EXPANDED_MAX} bytes");
                Diagnostic::new(&code::VARIABLE_SYNTAX, span, message)
            }
        }
    }
}

struct Expansion<'n> {
    names: &'n Names,
    depth: usize,
    out: String,
    problems: Vec<Problem>,
    /// Whether a variable was read, so that the text is no longer as it was written.
    used: bool,
}

impl Expansion<'_> {
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
        if self.out.len() + text.len() <= EXPANDED_MAX {
            self.out.push_str(text);
        } else if !self.problems.iter().any(|one| matches!(one.kind, ProblemKind::TooLong)) {
            self.problems.push(Problem { range: 0..0, kind: ProblemKind::TooLong });
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
                self.malformed("`${` is not closed", start..start + 2);
                return after.len();
            };
            let length = end + 2;
            let body = inside.get(..end).unwrap_or("");
            self.braced(body, start..start + length + 1);
            return length;
        }
        let length = name_length(after);
        if length == 0 {
            self.malformed("a `$` that begins no variable", start..start + 1);
            self.put("$");
            return 0;
        }
        let name = after.get(..length).unwrap_or("");
        self.plain(name, start..start + 1 + length);
        length
    }

    fn malformed(&mut self, what: &str, range: std::ops::Range<usize>) {
        self.problems.push(Problem { range, kind: ProblemKind::Malformed(what.to_owned()) });
    }

    fn plain(&mut self, name: &str, range: std::ops::Range<usize>) {
        self.used = true;
        if self.names.secrets.contains(name) {
            let kind = ProblemKind::SecretInText(name.to_owned());
            return self.problems.push(Problem { range, kind });
        }
        match self.names.variables.get(name) {
            Some(value) => self.put(&value.clone()),
            None => {
                let kind = ProblemKind::Unset(name.to_owned());
                self.problems.push(Problem { range, kind });
            }
        }
    }

    fn braced(&mut self, body: &str, range: std::ops::Range<usize>) {
        if self.names.secrets.contains(body) {
            return self.plain(body, range);
        }
        let (name, operation) = body.split_at_checked(name_length(body)).unwrap_or(("", body));
        if name.is_empty() {
            let what = format!("`${{{}}}` names no variable", escape(body));
            return self.malformed(&what, range);
        }
        if operation.is_empty() {
            return self.plain(name, range);
        }
        self.used = true;
        self.operation(name, operation, range);
    }

    fn operation(&mut self, name: &str, operation: &str, range: std::ops::Range<usize>) {
        let value = self.names.variables.get(name).cloned();
        let (given, operation) = match operation.strip_prefix(':') {
            Some(rest) => (value.as_ref().is_some_and(|value| !value.is_empty()), rest),
            None => (value.is_some(), operation),
        };
        let value = value.unwrap_or_default();
        let argument = operation.get(1..).unwrap_or("");
        match (operation.chars().next(), given) {
            (Some('-' | '?'), true) => self.put(&value),
            (Some('-'), false) | (Some('+'), true) => self.nested(argument, range),
            (Some('+'), false) => {}
            (Some('?'), false) => {
                let kind = ProblemKind::Required { name: name.into(), why: argument.into() };
                self.problems.push(Problem { range, kind });
            }
            _ => {
                let what = format!("`${{{name}{}…}}` is no operation", escape(operation));
                self.malformed(&what, range);
            }
        }
    }

    /// A default may hold variables itself; its problems stand at the whole expression.
    fn nested(&mut self, argument: &str, range: std::ops::Range<usize>) {
        if self.depth >= NESTING_MAX {
            return self.malformed("defaults that nest too deep", range);
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
        let mut work = Expansion {
            names: &names,
            depth: 0,
            out: String::new(),
            problems: vec![],
            used: false,
        };
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
    fn depth_and_length_end_somewhere() {
        let deep = "${NO:-".repeat(100) + &"}".repeat(100);
        assert!(expand_text(&deep).1 > 0);
        let long = "x".repeat(EXPANDED_MAX) + "$A";
        assert_eq!(expand_text(&long).1, 1);
    }
}
