//! YAML events to a tree that keeps the place of every value.

mod halves;

use std::collections::BTreeMap;
use std::sync::Arc;

use granit_parser::{Event, Options, Parser, ScalarStyle, ScanError, Span as Mark, Tag};

use super::syntax;
use super::tree::{Comment, Entry, NOTE, Node, NodeId, Scalar, Style, Text, Tree, Value};
use crate::model::value::nearest::did_you_mean;
use crate::report::code::text as code;
use crate::report::{Diagnostic, Findings};
use crate::source::{Source, SourceId, Span};
use crate::threads::are_there;

/// How deep values may nest; no stack needs a quarter of it.
pub const DEPTH_MAX: usize = 64;
/// How many values a file may hold, keys not counted; a stack of 10,000 services has that many.
pub const VALUES_MAX: usize = 500_000;
/// How many entries one list or mapping may have: an entry can be a service, which takes 2 KiB.
pub const ENTRIES_MAX: usize = 12_000;
/// How many values aliases may repeat before their growth is weighed against the file.
const REPEATED_MIN: usize = 10_000;
/// How many times its own size a file may grow to through aliases.
const GROWTH_MAX: usize = 10;
/// How many bytes of a text weigh as much as a value.
const VALUE_BYTES: usize = 16;

/// Reads one YAML document; what could be read is returned even where something is wrong.
pub fn parse(id: SourceId, source: &Arc<Source>, findings: &mut Findings) -> Tree {
    let shared = if are_there() { halves::parse(id, source) } else { None };
    shared.unwrap_or_else(|| part(id, source, 0, &source.text, DEPTH_MAX, findings))
}

/// Reads a part of a document, which begins at a place of its text, as if it was one.
fn part(
    id: SourceId,
    source: &Arc<Source>,
    start: usize,
    text: &str,
    depth: usize,
    findings: &mut Findings,
) -> Tree {
    let mut builder = Builder::new(id, Arc::clone(source), start, findings);
    let mut parser = Parser::new_from_str_with_options(text, options(depth));
    while let Some(next) = parser.next_event() {
        match next {
            Ok((event, mark)) => {
                if !builder.take(event, &mark) {
                    break;
                }
            }
            Err(error) => {
                builder.syntax_error(&error);
                break;
            }
        }
    }
    builder.finish()
}

fn options(depth: usize) -> Options {
    let mut options = Options::default();
    options.emit_unresolved_aliases = true;
    options.flow_nesting_limit = depth;
    options.block_nesting_limit = depth;
    options.max_buffered_comment_events = 100_000;
    options
}

/// A collection whose end was not seen yet.
#[derive(Clone, Copy)]
struct Open {
    id: NodeId,
    anchor: usize,
    is_map: bool,
    /// How many children stood open before its own.
    before: usize,
    /// How many values it holds when all aliases in it are written out.
    weight: usize,
}

struct Builder<'f> {
    id: SourceId,
    /// Where the part that is read begins.
    start: usize,
    tree: Tree,
    open: Vec<Open>,
    /// The children of all open collections, those of the innermost one last.
    children: Vec<NodeId>,
    /// Nodes by anchor, with their weight; a node that is still open has none yet.
    anchors: BTreeMap<usize, (NodeId, Option<usize>)>,
    /// The weight of every finished node that is an alias or holds one.
    repeated: usize,
    documents: usize,
    findings: &'f mut Findings,
}

impl<'f> Builder<'f> {
    fn new(id: SourceId, source: Arc<Source>, start: usize, findings: &'f mut Findings) -> Self {
        let tree = Tree::new(id, source);
        let (open, children, anchors) = Default::default();
        Self { id, start, tree, open, children, anchors, repeated: 0, documents: 0, findings }
    }

    /// Takes in one event; says whether to go on.
    fn take(&mut self, event: Event<'_>, mark: &Mark) -> bool {
        let span = self.span(mark);
        match event {
            Event::DocumentStart(..) => return self.document(span),
            Event::Scalar(text, style, anchor, tag) => {
                let weight = 1 + text.len() / VALUE_BYTES;
                let text = self.text(&text);
                let style = self.tagged(tag.as_deref(), style_of(style), span);
                let scalar = style.map(|style| Value::Scalar(Scalar { text, style }));
                let node = self.push(span, scalar.unwrap_or(Value::Broken));
                self.anchor(anchor, node, Some(weight));
                self.attach(node, weight);
            }
            Event::SequenceStart(_, anchor, tag) => {
                self.collection_tag(tag.as_deref(), "seq", span);
                self.start(span, anchor, false);
            }
            Event::MappingStart(_, anchor, tag) => {
                self.collection_tag(tag.as_deref(), "map", span);
                self.start(span, anchor, true);
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(span),
            Event::Alias(anchor) => self.alias(anchor, span),
            Event::UnresolvedAlias(name) => {
                let message = format!("`*{name}` names no anchor that stands above it");
                let diagnostic = Diagnostic::new(&code::UNKNOWN_ANCHOR, span, message);
                let near = did_you_mean(&name, self.anchor_names(span), self.findings);
                let help =
                    || format!("write `&{name}` at the value it means, or quotes around a text");
                self.findings.add(diagnostic.help(near.unwrap_or_else(help)));
                let node = self.push(span, Value::Broken);
                self.attach(node, 1);
            }
            Event::Comment(text, _) => self.comment(text.trim(), span),
            _ => {}
        }
        self.within_limits(span)
    }

    /// The words behind a `&` above a place, for a name that is misspelt.
    fn anchor_names(&self, span: Span) -> impl Iterator<Item = &str> {
        let above = self.tree.source.text.get(..span.start as usize).unwrap_or("");
        let ends = |c: char| c.is_whitespace() || "[]{},".contains(c);
        above.split('&').skip(1).filter_map(move |rest| rest.split(ends).next())
    }

    fn document(&mut self, span: Span) -> bool {
        self.documents += 1;
        if self.documents > 1 {
            let message = "a second document begins here, one file holds one document";
            let diagnostic = Diagnostic::new(&code::SECOND_DOCUMENT, span, message);
            self.findings.add(diagnostic.help("put the second document in a file of its own"));
        }
        self.documents == 1
    }

    /// Keeps the comments that say something to this program; others may come by the million.
    fn comment(&mut self, text: &str, span: Span) {
        if text.starts_with(NOTE) {
            self.tree.comments.push(Comment { span, text: text.into() });
        }
    }

    /// Tells, at the first value that is too many, that there are no more to be read.
    fn within_limits(&mut self, span: Span) -> bool {
        let entries =
            self.open.last().map_or(0, |open| self.of(open).len() >> u8::from(open.is_map));
        let message = if entries > ENTRIES_MAX {
            format!("more than {ENTRIES_MAX} entries in one list or mapping")
        } else if self.tree.values > VALUES_MAX {
            format!("more than {VALUES_MAX} values in one file")
        } else {
            return true;
        };
        let diagnostic = Diagnostic::new(&code::TOO_MANY_VALUES, span, message);
        self.findings.add(diagnostic.help("make several files of it, each a stack of its own"));
        self.tree.truncated = true;
        false
    }

    fn span(&self, mark: &Mark) -> Span {
        let at = |mark: granit_parser::Marker| self.start + mark.byte_offset().unwrap_or_default();
        Span::new(self.id, at(mark.start), at(mark.end))
    }

    /// Keeps a text as a stretch of the source where it stands there as it is.
    fn text(&self, text: &str) -> Text {
        let base = self.tree.source.text.as_ptr() as usize;
        let offset = (text.as_ptr() as usize).wrapping_sub(base);
        if self.tree.source.text.get(offset..offset.wrapping_add(text.len())) == Some(text) {
            return Text::slice(offset, text.len());
        }
        Text::Owned(text.into())
    }

    fn push(&mut self, span: Span, value: Value) -> NodeId {
        self.tree.push(Node { span, value })
    }

    fn start(&mut self, span: Span, anchor: usize, is_map: bool) {
        let id = self.push(span, Value::Broken);
        self.anchor(anchor, id, None);
        let before = self.children.len();
        self.open.push(Open { id, anchor, is_map, before, weight: 1 });
    }

    /// The children so far of an open collection, which is the innermost one.
    fn of(&self, open: &Open) -> &[NodeId] {
        self.children.get(open.before..).unwrap_or_default()
    }

    fn anchor(&mut self, anchor: usize, node: NodeId, weight: Option<usize>) {
        if anchor != 0 {
            self.anchors.insert(anchor, (node, weight));
        }
    }

    fn attach(&mut self, node: NodeId, weight: usize) {
        match self.open.last_mut() {
            Some(open) => {
                let is_key = open.is_map && (self.children.len() - open.before).is_multiple_of(2);
                self.tree.values += usize::from(!is_key);
                self.children.push(node);
                open.weight = open.weight.saturating_add(weight);
            }
            None if self.tree.root.is_none() => self.tree.root = Some(node),
            None => {}
        }
    }

    fn end(&mut self, span: Span) {
        let Some(open) = self.open.pop() else { return };
        self.close(open, span);
    }

    fn close(&mut self, open: Open, end: Span) {
        let Open { id, anchor, is_map, before, weight } = open;
        let mut children = std::mem::take(&mut self.children);
        let own = children.get(before..).unwrap_or_default();
        let value = if is_map { self.map(own) } else { Value::Seq(own.into()) };
        children.truncate(before);
        self.children = children;
        if let Some(node) = self.tree.nodes.get_mut(id.index()) {
            node.span.end = node.span.end.max(end.end);
            node.value = value;
        }
        self.anchor(anchor, id, Some(weight));
        self.attach(id, weight);
    }

    fn alias(&mut self, anchor: usize, span: Span) {
        let known = self.anchors.get(&anchor).copied();
        let mut own = 1;
        let value = if let Some((target, Some(weight))) = known {
            own = weight;
            self.repeated = self.repeated.saturating_add(weight);
            self.grows_too_far(span).unwrap_or(Value::Alias(target))
        } else {
            let message = "this alias repeats the value that it stands in";
            let diagnostic = Diagnostic::new(&code::ALIAS_CYCLE, span, message);
            self.findings.add(diagnostic.help("take it away, or move the anchor further in"));
            Value::Broken
        };
        let node = self.push(span, value);
        self.attach(node, own);
    }

    /// A broken value in place of an alias that lets the file grow beyond all measure.
    fn grows_too_far(&mut self, span: Span) -> Option<Value> {
        let own = self.tree.nodes.len() + self.tree.source.text.len() / VALUE_BYTES;
        let allowed = own.saturating_mul(GROWTH_MAX).clamp(REPEATED_MIN, VALUES_MAX / 2);
        if self.repeated <= allowed {
            return None;
        }
        if !self.tree.truncated {
            let message = format!("aliases repeat more than {} values", self.repeated);
            let diagnostic = Diagnostic::new(&code::TOO_MANY_VALUES, span, message);
            self.findings.add(diagnostic.help("write the values out, or repeat smaller ones"));
        }
        self.tree.truncated = true;
        Some(Value::Broken)
    }

    /// Pairs keys with values, follows `<<`, and tells keys that come twice.
    fn map(&mut self, children: &[NodeId]) -> Value {
        let mut entries: Vec<Entry> = Vec::with_capacity(children.len() / 2);
        let mut merges: Vec<NodeId> = Vec::new();
        let mut seen: BTreeMap<Arc<str>, Span> = BTreeMap::new();
        for pair in children.chunks_exact(2) {
            let [key, value] = *pair else { continue };
            if self.tree.plain_text(key) == Some("<<") {
                merges.push(value);
            } else if self.usable_key(key, &entries, &mut seen) {
                entries.push(Entry { key, value });
            }
        }
        for value in merges {
            self.merge(value, &mut entries, &mut seen);
        }
        Value::Map(entries.into())
    }

    fn usable_key(
        &mut self,
        key: NodeId,
        entries: &[Entry],
        seen: &mut BTreeMap<Arc<str>, Span>,
    ) -> bool {
        let span = self.tree.span(key);
        let Some(text) = self.tree.scalar_text(key) else {
            let message = "a key is a plain word, this one is a list or a mapping";
            let diagnostic = Diagnostic::new(&code::COMPLEX_KEY, span, message);
            let help = "write a word, or put quotes around a text that begins with `[` or `{`";
            self.findings.add(diagnostic.help(help));
            return false;
        };
        let first = self.first_use(text, entries, seen);
        let Some(first) = first else {
            if entries.len() >= SMALL_MAP {
                seen.insert(text.into(), span);
            }
            return true;
        };
        let message = format!("`{}` is given twice here", crate::report::human::escape(text));
        let diagnostic = Diagnostic::new(&code::DUPLICATE_KEY, span, message)
            .note("given again here")
            .label(first, "given first here")
            .help("keep one of the two");
        self.findings.add(diagnostic);
        false
    }

    /// Where the key stands already; small maps are searched, large ones are indexed.
    fn first_use(
        &self,
        text: &str,
        entries: &[Entry],
        seen: &mut BTreeMap<Arc<str>, Span>,
    ) -> Option<Span> {
        if entries.len() < SMALL_MAP {
            let same = |entry: &&Entry| self.tree.scalar_text(entry.key) == Some(text);
            return entries.iter().find(same).map(|entry| self.tree.span(entry.key));
        }
        if seen.is_empty() {
            for entry in entries {
                if let Some(text) = self.tree.scalar_text(entry.key) {
                    seen.insert(text.into(), self.tree.span(entry.key));
                }
            }
        }
        seen.get(text).copied()
    }

    /// Lays the entries of `<<` under those that the mapping has itself.
    fn merge(
        &mut self,
        value: NodeId,
        entries: &mut Vec<Entry>,
        seen: &mut BTreeMap<Arc<str>, Span>,
    ) {
        let sources: Vec<NodeId> = match self.tree.value(value) {
            Value::Seq(items) => items.to_vec(),
            _ => vec![value],
        };
        for source in sources {
            if *self.tree.value(source) == Value::Broken {
                continue; // That was told already.
            }
            let Value::Map(under) = self.tree.value(source) else {
                let message = "`<<` takes a mapping, or a list of mappings";
                let span = self.tree.span(source);
                let diagnostic = Diagnostic::new(&code::MERGE_KEY, span, message);
                self.findings
                    .add(diagnostic.help("put the anchor on a mapping, or write the keys out"));
                continue;
            };
            let under: Vec<Entry> = under.to_vec();
            for entry in under {
                self.repeated += 1;
                let Some(text) = self.tree.scalar_text(entry.key) else { continue };
                if self.first_use(text, entries, seen).is_none() {
                    let (text, span) = (Arc::from(text), self.tree.span(entry.key));
                    if entries.len() >= SMALL_MAP {
                        seen.insert(text, span);
                    }
                    entries.push(entry);
                }
            }
            let span = self.tree.span(source);
            if self.grows_too_far(span).is_some() {
                return;
            }
        }
    }

    /// The core tags say what is known already; `!!str` makes a text of a plain word.
    fn tagged(&mut self, tag: Option<&Tag>, style: Style, span: Span) -> Option<Style> {
        let Some(tag) = tag else { return Some(style) };
        match tag.core_suffix() {
            Some("str") => Some(Style::Quoted),
            Some("int" | "bool" | "float" | "null") => Some(style),
            _ if tag.handle().is_empty() && tag.suffix() == "!" => Some(Style::Quoted),
            _ => {
                self.unknown_tag(tag, span);
                None
            }
        }
    }

    fn collection_tag(&mut self, tag: Option<&Tag>, allowed: &str, span: Span) {
        if let Some(tag) = tag
            && tag.core_suffix() != Some(allowed)
        {
            self.unknown_tag(tag, span);
        }
    }

    fn unknown_tag(&mut self, tag: &Tag, span: Span) {
        let original = tag.original();
        let message = format!("`{}` has no meaning here", crate::report::human::escape(&original));
        // The parser knows the place of the value alone; the tag stands right before it.
        let before = self.tree.source.text.get(..span.start as usize).unwrap_or("").trim_end();
        let start = before.len().saturating_sub(original.len());
        let at_tag = before.ends_with(&*original);
        let span = if at_tag { Span::new(span.source, start, before.len()) } else { span };
        let diagnostic = Diagnostic::new(&code::UNKNOWN_TAG, span, message);
        self.findings.add(diagnostic.help("leave the tag out"));
    }

    fn syntax_error(&mut self, error: &ScanError) {
        let known = error.marker().byte_offset().map(|offset| self.start + offset);
        let start = known.unwrap_or(self.tree.source.text.len());
        let span = Span::new(self.id, start, start);
        let deep = error.info().contains("recursion limit");
        let diagnostic = if deep {
            let message = format!("values nest deeper than {DEPTH_MAX} levels");
            Diagnostic::new(&code::TOO_DEEP, span, message).help("write it flatter")
        } else {
            syntax::diagnostic(error, self.open_bracket(), span, &self.tree.source)
        };
        self.findings.add(diagnostic);
        self.tree.truncated = true;
        self.forget_last(start);
    }

    /// The value that stands in the broken line is not what was meant, so nothing is said of it.
    fn forget_last(&mut self, place: usize) {
        let Some(open) = self.open.last() else { return };
        let children = self.of(open);
        let is_value = !open.is_map || children.len().is_multiple_of(2);
        let Some(last) = children.last().copied().filter(|_| is_value) else { return };
        let end = self.tree.span(last).end as usize;
        let between = self.tree.source.text.get(end..place);
        if between.is_some_and(|between| !between.contains('\n')) {
            self.tree.take_away(last);
        }
    }

    /// The innermost bracket that is still open.
    fn open_bracket(&self) -> Option<Span> {
        let places = self.open.iter().rev().map(|open| self.tree.span(open.id));
        let begins = |span: &Span| {
            let text = self.tree.source.text.get(span.start as usize..);
            text.is_some_and(|text| text.starts_with(['[', '{']))
        };
        places.into_iter().find(begins)
    }

    /// Closes what a broken text left open, so that what was read can still be checked.
    fn finish(mut self) -> Tree {
        while let Some(open) = self.open.pop() {
            if open.is_map && self.of(&open).len() % 2 == 1 {
                let end = self.tree.span(open.id);
                let missing = self.push(end, Value::Broken);
                self.children.push(missing);
            }
            let span = self.tree.span(open.id);
            self.close(open, span);
        }
        self.tree
    }
}

/// Up to this many entries a mapping is searched from end to end.
const SMALL_MAP: usize = 16;

fn style_of(style: ScalarStyle) -> Style {
    match style {
        ScalarStyle::Plain => Style::Plain,
        _ => Style::Quoted,
    }
}
