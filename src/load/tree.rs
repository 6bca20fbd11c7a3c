//! The tree of a YAML document: nodes in one list, texts as stretches of the source.

use std::sync::Arc;

use crate::source::{Source, SourceId, Span};

/// A node of one tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeId(u32);

impl NodeId {
    /// The place in the list of nodes.
    pub fn index(self) -> usize {
        self.0 as usize
    }

    /// The place that it has when so many nodes are put before it.
    pub fn behind(self, nodes: usize) -> Self {
        Self(self.0.saturating_add(u32::try_from(nodes).unwrap_or(u32::MAX)))
    }
}

/// How a scalar is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// As a plain word, which may be a number, a truth value or nothing.
    Plain,
    /// In quotes or as a block: always a text.
    Quoted,
    /// It came out of a variable, so it is whatever fits.
    Expanded,
    /// It is the name of a secret, written `${name}`.
    Secret,
}

/// A text that stands in the source, or one that was made from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Text {
    /// A stretch of the source.
    Slice(u32, u32),
    /// A text of its own, for escapes, folded lines and variables.
    Owned(Box<str>),
}

impl Text {
    /// A stretch of the source by its first byte and length.
    pub fn slice(offset: usize, length: usize) -> Self {
        let cut = |offset: usize| u32::try_from(offset).unwrap_or(u32::MAX);
        Self::Slice(cut(offset), cut(offset + length))
    }
}

/// A single value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scalar {
    /// What it says.
    pub text: Text,
    /// How it is written.
    pub style: Style,
}

/// A key and its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry {
    /// The key, always a scalar.
    pub key: NodeId,
    /// The value.
    pub value: NodeId,
}

/// What a node holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// A single value.
    Scalar(Scalar),
    /// A list.
    Seq(Box<[NodeId]>),
    /// Keys and values in the order they were written.
    Map(Box<[Entry]>),
    /// The same value as another node.
    Alias(NodeId),
    /// Something that could not be read and was told already.
    Broken,
}

/// A value with its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Where it stands.
    pub span: Span,
    /// What it holds.
    pub value: Value,
}

/// The beginning of a comment that is a note, behind its `#`.
pub const NOTE: &str = "stackwright:";

/// A comment that is a note to this program, such as one that silences a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Comment {
    /// Where it stands, with its `#`.
    pub span: Span,
    /// What it says, without its `#`.
    pub text: Box<str>,
}

/// A whole document.
#[derive(Debug)]
pub struct Tree {
    /// The text it was read from.
    pub source: Arc<Source>,
    /// The identity of that text.
    pub id: SourceId,
    /// All nodes.
    pub nodes: Vec<Node>,
    /// How many of them are values, and no keys.
    pub values: usize,
    /// The outermost value; none in an empty file.
    pub root: Option<NodeId>,
    /// The notes in their order.
    pub comments: Vec<Comment>,
    /// Whether the end of the text was not read, so that nothing can be said to be missing.
    pub truncated: bool,
}

impl Tree {
    /// A tree without a node.
    pub fn new(id: SourceId, source: Arc<Source>) -> Self {
        let (nodes, comments) = (Vec::new(), Vec::new());
        Self { source, id, nodes, values: 0, root: None, comments, truncated: false }
    }

    /// Takes in a node.
    pub fn push(&mut self, node: Node) -> NodeId {
        let id = NodeId(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
        self.nodes.push(node);
        id
    }

    /// All nodes in the order they were read.
    pub fn ids(&self) -> impl Iterator<Item = NodeId> + use<> {
        (0..u32::try_from(self.nodes.len()).unwrap_or(u32::MAX)).map(NodeId)
    }

    /// Gives a scalar another text.
    pub fn rewrite(&mut self, id: NodeId, text: Text, style: Style) {
        if let Some(node) = self.nodes.get_mut(id.index()) {
            node.value = Value::Scalar(Scalar { text, style });
        }
    }

    /// Leaves a value out that was told to be wrong.
    pub fn take_away(&mut self, id: NodeId) {
        if let Some(node) = self.nodes.get_mut(id.index()) {
            node.value = Value::Broken;
        }
    }

    /// What a node holds, with aliases followed.
    pub fn value(&self, id: NodeId) -> &Value {
        match self.nodes.get(id.index()).map(|node| &node.value) {
            Some(Value::Alias(target)) => match self.nodes.get(target.index()) {
                // An alias names an anchored value and never another alias.
                Some(node) => &node.value,
                None => &Value::Broken,
            },
            Some(value) => value,
            None => &Value::Broken,
        }
    }

    /// Where a node stands; an alias stands where it is used.
    pub fn span(&self, id: NodeId) -> Span {
        self.nodes.get(id.index()).map_or_else(Span::default, |node| node.span)
    }

    /// The place to point at for a node: collections show where they begin.
    pub fn head(&self, id: NodeId) -> Span {
        match self.nodes.get(id.index()).map(|node| &node.value) {
            Some(Value::Map(entries)) => entries.first().map_or(self.span(id), |entry| {
                let (map, key) = (self.span(id), self.span(entry.key));
                // A merged first entry stands elsewhere.
                if map.start <= key.start && key.end <= map.end { key } else { map }
            }),
            Some(Value::Seq(items)) => items.first().map_or(self.span(id), |item| self.head(*item)),
            _ => self.span(id),
        }
    }

    /// The characters of a text.
    pub fn read<'t>(&'t self, text: &'t Text) -> &'t str {
        match text {
            Text::Owned(text) => text,
            Text::Slice(start, end) => {
                self.source.text.get(*start as usize..*end as usize).unwrap_or("")
            }
        }
    }

    /// What a scalar says.
    pub fn scalar_text(&self, id: NodeId) -> Option<&str> {
        match self.value(id) {
            Value::Scalar(scalar) => Some(self.read(&scalar.text)),
            _ => None,
        }
    }

    /// What a scalar says that is written without quotes.
    pub fn plain_text(&self, id: NodeId) -> Option<&str> {
        match self.value(id) {
            Value::Scalar(scalar) if scalar.style == Style::Plain => Some(self.read(&scalar.text)),
            _ => None,
        }
    }

    /// Whether a node says nothing: `key:`, `key: null`, `key: ~`.
    pub fn is_null(&self, id: NodeId) -> bool {
        self.plain_text(id).is_some_and(|text| matches!(text, "" | "~" | "null" | "Null" | "NULL"))
    }

    /// The value of a key.
    pub fn get(&self, map: NodeId, key: &str) -> Option<NodeId> {
        let Value::Map(entries) = self.value(map) else { return None };
        let found = entries.iter().find(|entry| self.scalar_text(entry.key) == Some(key));
        found.map(|entry| entry.value)
    }

    /// The items of a list; nothing where the node is no list.
    pub fn items(&self, id: NodeId) -> &[NodeId] {
        match self.value(id) {
            Value::Seq(items) => items,
            _ => &[],
        }
    }

    /// The entries of a mapping; nothing where the node is none.
    pub fn entries(&self, id: NodeId) -> &[Entry] {
        match self.value(id) {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }
}
