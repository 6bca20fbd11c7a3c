//! YAML events to a tree that keeps the place of every value.

use std::collections::BTreeMap;
use std::sync::Arc;

use granit_parser::{Event, Options, Parser, ScalarStyle, ScanError, Span as Mark, Tag};

use super::tree::{Comment, Entry, Node, NodeId, Scalar, Style, Text, Tree, Value};
use crate::report::code::text as code;
use crate::report::{Diagnostic, Findings};
use crate::source::{Source, SourceId, Span};

/// How deep values may nest; no stack needs a quarter of it.
pub const DEPTH_MAX: usize = 64;
/// How many values a file may hold.
pub const NODES_MAX: usize = 1_000_000;
/// How many values aliases may repeat before their growth is weighed against the file.
const REPEATED_MIN: usize = 10_000;
/// How many times its own size a file may grow to through aliases.
const GROWTH_MAX: usize = 10;

/// Reads one YAML document; what could be read is returned even where something is wrong.
pub fn parse(id: SourceId, source: &Arc<Source>, findings: &mut Findings) -> Tree {
    let mut builder = Builder::new(id, Arc::clone(source), findings);
    let mut parser = Parser::new_from_str_with_options(&source.text, options());
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

fn options() -> Options {
    let mut options = Options::default();
    options.emit_unresolved_aliases = true;
    options.flow_nesting_limit = DEPTH_MAX;
    options.block_nesting_limit = DEPTH_MAX;
    options.max_buffered_comment_events = 100_000;
    options
}

/// A collection whose end was not seen yet.
struct Open {
    id: NodeId,
    anchor: usize,
    is_map: bool,
    children: Vec<NodeId>,
}

struct Builder<'f> {
    id: SourceId,
    tree: Tree,
    open: Vec<Open>,
    /// Nodes by anchor, with their weight; a node that is still open has none yet.
    anchors: BTreeMap<usize, (NodeId, Option<usize>)>,
    /// The weight of every finished node that is an alias or holds one.
    repeated: usize,
    documents: usize,
    findings: &'f mut Findings,
}

impl<'f> Builder<'f> {
    fn new(id: SourceId, source: Arc<Source>, findings: &'f mut Findings) -> Self {
        let tree = Tree::new(id, source);
        let anchors = BTreeMap::new();
        Self { id, tree, open: Vec::new(), anchors, repeated: 0, documents: 0, findings }
    }

    /// Takes in one event; says whether to go on.
    fn take(&mut self, event: Event<'_>, mark: &Mark) -> bool {
        let span = self.span(mark);
        match event {
            Event::DocumentStart(..) => return self.document(span),
            Event::Scalar(text, style, anchor, tag) => {
                let text = self.text(&text);
                let style = self.tagged(tag.as_deref(), style_of(style), span);
                let node = self.push(span, Value::Scalar(Scalar { text, style }));
                self.anchor(anchor, node, Some(1));
                self.attach(node, span);
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
                self.findings
                    .add(diagnostic.help(format!("write `&{name}` at the value it means")));
                let node = self.push(span, Value::Broken);
                self.attach(node, span);
            }
            Event::Comment(text, _) => {
                self.tree.comments.push(Comment { span, text: text.trim().into() });
            }
            _ => {}
        }
        self.within_limits(span)
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

    fn within_limits(&mut self, span: Span) -> bool {
        if self.tree.nodes.len() <= NODES_MAX {
            return true;
        }
        let message = format!("more than {NODES_MAX} values in one file");
        self.findings.add(Diagnostic::new(&code::TOO_MANY_VALUES, span, message));
        self.tree.truncated = true;
        false
    }

    fn span(&self, mark: &Mark) -> Span {
        let at = |marker: granit_parser::Marker| marker.byte_offset().unwrap_or_default();
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
        self.open.push(Open { id, anchor, is_map, children: Vec::new() });
    }

    fn anchor(&mut self, anchor: usize, node: NodeId, weight: Option<usize>) {
        if anchor != 0 {
            self.anchors.insert(anchor, (node, weight));
        }
    }

    fn attach(&mut self, node: NodeId, _span: Span) {
        match self.open.last_mut() {
            Some(open) => open.children.push(node),
            None if self.tree.root.is_none() => self.tree.root = Some(node),
            None => {}
        }
    }

    fn end(&mut self, span: Span) {
        let Some(open) = self.open.pop() else { return };
        self.close(open, span);
    }

    fn close(&mut self, open: Open, end: Span) {
        let Open { id, anchor, is_map, children } = open;
        let value = if is_map { self.map(&children) } else { Value::Seq(children.into()) };
        if let Some(node) = self.tree.nodes.get_mut(id.index()) {
            node.span.end = node.span.end.max(end.end);
            node.value = value;
        }
        if anchor != 0 {
            let weight = self.tree.weight(id);
            self.anchors.insert(anchor, (id, Some(weight)));
        }
        self.attach(id, end);
    }

    fn alias(&mut self, anchor: usize, span: Span) {
        let value = match self.anchors.get(&anchor).copied() {
            Some((target, Some(weight))) => {
                self.repeated = self.repeated.saturating_add(weight);
                self.grows_too_far(span).unwrap_or(Value::Alias(target))
            }
            _ => {
                let message = "this alias repeats the value that it stands in";
                self.findings.add(Diagnostic::new(&code::ALIAS_CYCLE, span, message));
                Value::Broken
            }
        };
        let node = self.push(span, value);
        self.attach(node, span);
    }

    /// A broken value in place of an alias that lets the file grow beyond all measure.
    fn grows_too_far(&mut self, span: Span) -> Option<Value> {
        let own = self.tree.nodes.len() + self.tree.source.text.len() / 16;
        if self.repeated <= REPEATED_MIN.max(own.saturating_mul(GROWTH_MAX)) {
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
            self.findings.add(Diagnostic::new(&code::COMPLEX_KEY, span, message));
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
            let Value::Map(under) = self.tree.value(source) else {
                let message = "`<<` takes a mapping, or a list of mappings";
                let span = self.tree.span(source);
                self.findings.add(Diagnostic::new(&code::MERGE_KEY, span, message));
                continue;
            };
            for entry in under.to_vec() {
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
    fn tagged(&mut self, tag: Option<&Tag>, style: Style, span: Span) -> Style {
        let Some(tag) = tag else { return style };
        match tag.core_suffix() {
            Some("str") => Style::Quoted,
            Some("int" | "bool" | "float" | "null") => style,
            _ if tag.handle().is_empty() && tag.suffix() == "!" => Style::Quoted,
            _ => {
                self.unknown_tag(tag, span);
                style
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
        let diagnostic = Diagnostic::new(&code::UNKNOWN_TAG, span, message);
        self.findings.add(diagnostic.help("leave the tag out"));
    }

    fn syntax_error(&mut self, error: &ScanError) {
        let start = error.marker().byte_offset().unwrap_or(self.tree.source.text.len());
        let span = Span::new(self.id, start, start);
        let deep = error.info().contains("recursion limit");
        let diagnostic = if deep {
            let message = format!("values nest deeper than {DEPTH_MAX} levels");
            Diagnostic::new(&code::TOO_DEEP, span, message)
        } else {
            syntax_diagnostic(error, span, &self.tree.source)
        };
        self.findings.add(diagnostic);
        self.tree.truncated = true;
    }

    /// Closes what a broken text left open, so that what was read can still be checked.
    fn finish(mut self) -> Tree {
        while let Some(mut open) = self.open.pop() {
            if open.is_map && open.children.len() % 2 == 1 {
                let end = self.tree.span(open.id);
                let missing = self.push(end, Value::Broken);
                open.children.push(missing);
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

/// A syntax error in words that say what to do, for the mistakes that people make.
fn syntax_diagnostic(error: &ScanError, span: Span, source: &Source) -> Diagnostic {
    let line = source.line_range(source.position(span.start).line);
    let line = source.text.get(line).unwrap_or("");
    let diagnostic = Diagnostic::new(&code::SYNTAX, span, format!("not YAML: {}", error.info()));
    if line.trim_start_matches(' ').starts_with('\t') {
        return diagnostic.help("indent with spaces, YAML allows no tabs there");
    }
    if error.info().contains("quoted scalar") {
        return diagnostic.help("close the quote, and double a quote that belongs to the text");
    }
    diagnostic
}
