//! A pattern file with the stack that it writes: checked at its places, and written out.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::{Arc, OnceLock};

use super::parameter::{self, Parameter, VALUE_MAX};
use super::{Pattern, PatternInfo};
use crate::load::expand::{self, Names};
use crate::load::shape::Shapes;
use crate::load::tree::{Entry, NodeId, Style, Text, Tree, Value};
use crate::load::{self, Loaded, decode, walk, yaml};
use crate::model::schema;
use crate::model::value::ValueError;
use crate::model::value::nearest::did_you_mean;
use crate::report::code::patterns as code;
use crate::report::{Diagnostic, Findings};
use crate::source::{Source, SourceId, Sources, Span};

/// The key of the stack file in a pattern, and that of what is no part of it.
const NEW: &str = "new";
const CONFIGURATION: &str = "configuration";

/// A pattern file that was read as YAML.
pub struct Draft {
    tree: Tree,
    new: Option<NodeId>,
}

impl Draft {
    /// Reads the text of a pattern.
    pub fn parse(id: SourceId, sources: &Sources, findings: &mut Findings) -> Option<Self> {
        let source = Arc::clone(sources.get(id)?);
        let tree = yaml::parse(id, &source, findings);
        let new = tree.get(tree.root?, NEW);
        Some(Self { tree, new })
    }

    /// The pattern without the stack that it writes, where it is known to be right.
    pub fn pattern(&self) -> Option<Pattern> {
        let mut bad = vec![false; self.tree.nodes.len()];
        self.leave_out(&mut bad);
        decode::decode(&self.tree, &bad).ok()
    }

    fn leave_out(&self, bad: &mut [bool]) {
        if let Some(flag) = self.new.and_then(|new| bad.get_mut(new.index())) {
            *flag = true;
        }
    }

    /// The same for a pattern of the user's own, of which every mistake is told. The stack that it
    /// writes is filled with the examples.
    pub fn checked(&mut self, name: &str, findings: &mut Findings) -> Option<Pattern> {
        static SHAPES: OnceLock<Shapes> = OnceLock::new();
        let shapes =
            SHAPES.get_or_init(|| Shapes::compile(schema::rounded::<Pattern>().as_value()));
        // The stack is held against its own shapes, once it has values where parameters stand.
        let held = self.new.and_then(|new| self.tree.nodes.get_mut(new.index()));
        let held = held.map(|node| std::mem::replace(&mut node.value, Value::Broken));
        let mut bad = walk::walk(&self.tree, shapes, &|_| false, findings);
        if let (Some(value), Some(new)) = (held, self.new)
            && let Some(node) = self.tree.nodes.get_mut(new.index())
        {
            node.value = value;
        }
        self.leave_out(&mut bad);
        let pattern: Pattern = decode::decode(&self.tree, &bad).ok()?;
        check_name(name, pattern.pattern.get().map(|info| &info.value), findings);
        let names = parameter::examples(&pattern);
        for (key, span, parameter) in pattern.parameters.iter() {
            if let Some(parameter) = parameter.get() {
                check_parameter((key, span), parameter, &names, findings);
            }
        }
        self.fill(&names, findings);
        Some(pattern)
    }

    /// Puts the values of parameters into all values of the file.
    fn fill(&mut self, names: &Names, findings: &mut Findings) {
        let root = self.tree.root;
        let literal = root.and_then(|root| self.tree.get(root, CONFIGURATION));
        let literal = literal.map_or(0..0, |id| self.tree.span(id).range());
        let mut emptied = BTreeSet::new();
        let mut room = expand::EXPANDED_TOTAL;
        for id in self.tree.ids() {
            let place = self.tree.span(id);
            let Some(Value::Scalar(scalar)) = self.tree.nodes.get(id.index()).map(|one| &one.value)
            else {
                continue;
            };
            let text = self.tree.read(&scalar.text);
            if !text.contains('$') || literal.contains(&(place.start as usize)) {
                continue;
            }
            let start = match &scalar.text {
                Text::Slice(start, _) => Some(*start as usize),
                Text::Owned(_) => None,
            };
            let (filled, problems) = expand::one(text, names, room);
            room = room.saturating_sub(filled.len());
            let style = if filled.is_empty() { Style::Plain } else { Style::Expanded };
            for problem in problems {
                let at = |start| start + problem.range.start..start + problem.range.end;
                let span = start.map(at).map(|at| Span::new(place.source, at.start, at.end));
                let span = span.unwrap_or(place);
                findings.add(match problem.unset() {
                    Some(name) => unknown_parameter(name, span, names, findings),
                    None => problem.diagnostic(span),
                });
            }
            emptied.extend(filled.is_empty().then_some(id));
            self.tree.rewrite(id, Text::Owned(filled.into()), style);
        }
        self.prune(&emptied);
    }

    /// Takes out what parameters left empty.
    fn prune(&mut self, emptied: &BTreeSet<NodeId>) {
        if emptied.is_empty() {
            return;
        }
        let is_left = |id: NodeId| !is_emptied(&self.tree, id, &|id| emptied.contains(&id));
        let left = |id: NodeId| match self.tree.nodes.get(id.index()).map(|node| &node.value) {
            Some(Value::Map(entries)) => {
                let left = entries.iter().copied();
                let left = left.filter(|entry| is_left(entry.key) && is_left(entry.value));
                Some(Value::Map(left.collect()))
            }
            Some(Value::Seq(items)) => {
                Some(Value::Seq(items.iter().copied().filter(|item| is_left(*item)).collect()))
            }
            _ => None,
        };
        let left: Vec<(NodeId, Value)> =
            self.tree.ids().filter_map(|id| Some((id, left(id)?))).collect();
        for (id, value) in left {
            if let Some(node) = self.tree.nodes.get_mut(id.index()) {
                node.value = value;
            }
        }
    }

    /// The stack that the pattern writes, as if it stood in a file of its own.
    pub fn stack(mut self, findings: &mut Findings) -> Option<Loaded> {
        let new = self.new?;
        let section = self.section()?;
        for id in self.tree.ids() {
            // What does not belong to the stack was read already.
            if !section.contains(&(self.tree.span(id).start as usize)) {
                self.tree.take_away(id);
            }
        }
        self.tree.root = Some(new);
        Some(load::inside(self.tree, findings))
    }

    /// Where the text of the stack stands: the lines below `new:`.
    fn section(&self) -> Option<Range<usize>> {
        let entries = self.tree.entries(self.tree.root?);
        let key = entries.iter().find(|entry| Some(entry.value) == self.new)?.key;
        let text = &self.tree.source.text;
        let start = end_of_line(text, self.tree.span(key).range().end);
        let lines = text.get(start..)?.split_inclusive('\n');
        let inside = lines.take_while(|line| line.starts_with([' ', '\n', '\r']));
        let length: usize = inside.map(str::len).sum();
        (length > 0).then_some(start..start + length)
    }

    /// The stack file with the values of parameters, as it stands in the pattern.
    pub fn text(&self, names: &Names) -> Option<String> {
        let section = self.section()?;
        // The tree as it is written, whatever it was filled with since.
        let source = Arc::clone(&self.tree.source);
        let tree = yaml::parse(self.tree.id, &source, &mut Findings::default());
        let mut writer = Writer { tree: &tree, quoted: Quoted::new(names), edits: Vec::new() };
        writer.node(tree.get(tree.root?, NEW)?);
        let Writer { mut edits, .. } = writer;
        edits.sort_by_key(|(place, _)| (place.start, std::cmp::Reverse(place.end)));
        // What stands between values may be a comment, which speaks of parameters too.
        let beside = |text: &str| expand::one(text, names, expand::EXPANDED_TOTAL).0;
        let (mut text, mut at) = (String::new(), section.start);
        let source = &source.text;
        for (place, written) in
            edits.into_iter().filter(|(place, _)| section.contains(&place.start))
        {
            // What is left out as a whole has no parts.
            if place.start >= at {
                text += &beside(source.get(at..place.start)?);
                text += &written;
                at = place.end;
            }
        }
        text += &beside(source.get(at..section.end)?);
        Some(outdented(&text))
    }
}

fn check_name(name: &str, info: Option<&PatternInfo>, findings: &mut Findings) {
    let Some(said) = info.and_then(|info| info.name.as_ref()) else { return };
    if said.as_str() != name {
        let message = format!("this pattern calls itself `{said}`, and its file `{name}`");
        let diagnostic = Diagnostic::new(&code::PATTERN_NAME, said.span, message);
        findings.add(diagnostic.help(format!("write `{name}`, or rename the file")));
    }
}

/// Holds what a parameter is usually against what it takes.
fn check_parameter(
    (key, span): (&str, Span),
    parameter: &Parameter,
    names: &Names,
    findings: &mut Findings,
) {
    let given: Vec<_> = [&parameter.default, &parameter.example].into_iter().flatten().collect();
    if given.is_empty() {
        let message = format!("parameter `{key}` has neither a default nor an example");
        let diagnostic = Diagnostic::new(&code::PARAMETER_VALUE, span, message);
        findings.add(diagnostic.help("write `example:` with a value as one would give it"));
    }
    for text in given {
        let (filled, _) = expand::one(&text.0.value, names, 2 * VALUE_MAX);
        if let Err(ValueError { message, help, .. }) = parameter.check(&filled) {
            let diagnostic = Diagnostic::new(&code::PARAMETER_VALUE, text.0.span, message);
            findings.add(diagnostic.maybe_help(help));
        }
    }
}

fn unknown_parameter(name: &str, span: Span, names: &Names, findings: &Findings) -> Diagnostic {
    let help = did_you_mean(name, names.variables.keys().map(String::as_str), findings);
    let help = help.unwrap_or_else(|| {
        format!("add it under `parameters`, or write `$${{{name}}}` for one of the stack file")
    });
    let message = format!("there is no parameter `{name}`");
    Diagnostic::new(&code::UNKNOWN_PARAMETER, span, message).help(help)
}

/// The values as they are written in each way in which YAML quotes.
struct Quoted {
    plain: Names,
    double: Names,
    single: Names,
}

impl Quoted {
    fn new(names: &Names) -> Self {
        let each = |write: &dyn Fn(&str) -> String| {
            let variables = names.variables.iter();
            let variables = variables.map(|(name, text)| (name.clone(), write(text))).collect();
            Names { variables, ..Names::default() }
        };
        let double = |text: &str| {
            let quoted = in_quotes(text);
            quoted.get(1..quoted.len() - 1).unwrap_or_default().to_owned()
        };
        Self {
            plain: each(&str::to_owned),
            double: each(&double),
            single: each(&|text| text.replace('\'', "''")),
        }
    }
}

/// What has to be changed in the text of a pattern.
struct Writer<'t> {
    tree: &'t Tree,
    quoted: Quoted,
    edits: Vec<(Range<usize>, String)>,
}

impl Writer<'_> {
    fn node(&mut self, id: NodeId) {
        let tree = self.tree;
        match tree.nodes.get(id.index()).map(|node| &node.value) {
            Some(Value::Map(entries)) => {
                for Entry { key, value } in entries {
                    self.part((*key, *value), "");
                }
            }
            Some(Value::Seq(items)) => {
                for item in items {
                    self.part((*item, *item), "-");
                }
            }
            Some(Value::Scalar(scalar)) => self.scalar(id, scalar.style),
            _ => {}
        }
    }

    /// A part that a parameter leaves empty is left out, with the comment above it.
    fn part(&mut self, (first, value): (NodeId, NodeId), mark: &str) {
        if (self.is_emptied(first) || self.is_emptied(value))
            && let Some(lines) = self.lines(first, value, mark)
        {
            return self.edits.push((lines, String::new()));
        }
        if first != value {
            self.node(first);
        }
        self.node(value);
    }

    fn scalar(&mut self, id: NodeId, style: Style) {
        let place = self.tree.span(id).range();
        let Some(raw) = self.raw(id) else { return };
        let written = |names| expand::one(raw, names, expand::EXPANDED_TOTAL).0;
        let written = match (raw.chars().next(), style) {
            (Some('"'), _) => written(&self.quoted.double),
            (Some('\''), _) => written(&self.quoted.single),
            (_, Style::Plain | Style::Expanded) => plain(written(&self.quoted.plain)),
            // The lines of a block are read as they are.
            _ => written(&self.quoted.plain),
        };
        self.edits.push((place, written));
    }

    /// The text of a scalar as it stands in the file, where there is a parameter in it.
    fn raw(&self, id: NodeId) -> Option<&str> {
        let raw = self.tree.source.slice(self.tree.span(id));
        raw.contains('$').then_some(raw)
    }

    /// Whether nothing is left of a value.
    fn is_emptied(&self, id: NodeId) -> bool {
        is_emptied(self.tree, id, &|id| {
            let raw = self.raw(id).map(|raw| raw.trim_matches(['"', '\'']));
            raw.is_some_and(|raw| expand::one(raw, &self.quoted.plain, VALUE_MAX).0.is_empty())
        })
    }

    /// The lines of a part, with the comment right above; none where others share them.
    fn lines(&self, first: NodeId, value: NodeId, mark: &str) -> Option<Range<usize>> {
        let source: &Source = &self.tree.source;
        let before = source.text.get(..self.tree.span(first).range().start)?;
        let start = before.rfind('\n').map_or(0, |place| place + 1);
        let begin = before.get(start..)?;
        if begin.trim() != mark {
            return None;
        }
        let indent = begin.len() - begin.trim_start().len();
        let comment = format!("{}#", begin.get(..indent)?);
        let above = before.get(..start)?.split_inclusive('\n').rev();
        let above: usize = above.take_while(|line| line.starts_with(&comment)).map(str::len).sum();
        let (start, end) = (start - above, end_of_line(&source.text, self.end(value)));
        // Of two empty lines around what is left out, one is enough.
        let is_alone = source.text.get(..start)?.ends_with("\n\n");
        let gap = is_alone && source.text.get(end..)?.starts_with('\n');
        Some(start..end + usize::from(gap))
    }

    /// The end of what a value consists of.
    fn end(&self, id: NodeId) -> usize {
        let last = match self.tree.nodes.get(id.index()).map(|node| &node.value) {
            Some(Value::Map(entries)) => entries.last().map(|entry| entry.value),
            Some(Value::Seq(items)) => items.last().copied(),
            _ => None,
        };
        last.map_or_else(|| self.tree.span(id).range().end, |last| self.end(last))
    }
}

/// Whether nothing is left of a value, where some single values are empty.
fn is_emptied(tree: &Tree, id: NodeId, is_empty: &dyn Fn(NodeId) -> bool) -> bool {
    let is_gone = |id: NodeId| is_emptied(tree, id, is_empty);
    match tree.nodes.get(id.index()).map(|node| &node.value) {
        Some(Value::Map(entries)) if !entries.is_empty() => {
            entries.iter().all(|entry| is_gone(entry.key) || is_gone(entry.value))
        }
        Some(Value::Seq(items)) if !items.is_empty() => items.iter().all(|item| is_gone(*item)),
        Some(Value::Scalar(_)) => is_empty(id),
        _ => false,
    }
}

/// The first byte behind the line of a place.
fn end_of_line(text: &str, place: usize) -> usize {
    let rest = text.get(place..).unwrap_or_default();
    rest.find('\n').map_or(text.len(), |length| place + length + 1)
}

/// A text as a plain scalar, or in quotes where that would not be read as the same.
fn plain(text: String) -> String {
    let begins = |c: char| c.is_alphanumeric() || matches!(c, '/' | '.' | '_' | '$' | '(');
    let ends = text.ends_with([':', ' ']);
    let breaks = [": ", " #"].iter().any(|part| text.contains(part));
    let in_flow = text.contains(['[', ']', '{', '}', ',']) && !text.contains("${");
    let special = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    let is_special = special.iter().any(|word| word.eq_ignore_ascii_case(&text));
    let fits = text.is_empty() || text.starts_with(begins);
    match fits && !(ends || breaks || in_flow || is_special) {
        true => text,
        false => in_quotes(&text),
    }
}

/// A text in double quotes, which are those of JSON in YAML too.
fn in_quotes(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_default()
}

/// A text moved to the left margin, without empty lines around it.
fn outdented(text: &str) -> String {
    let depth = |line: &&str| line.len() - line.trim_start_matches(' ').len();
    let says = |line: &&str| !line.trim().is_empty();
    let indent = text.lines().filter(says).map(|line| depth(&line)).min().unwrap_or(0);
    let lines = text.lines().map(|line| line.get(indent..).unwrap_or_default().trim_end());
    let text: String = lines.map(|line| format!("{line}\n")).collect();
    format!("{}\n", text.trim_matches('\n'))
}
