//! The merge law: how a file lies over another, and a service over its pattern.
//!
//! The law of a field is its type. [`layered!`] declares a struct together with its law, so that
//! no field can be forgotten, and the table that the documentation shows is made from the types.

use std::borrow::Cow;
use std::collections::BTreeMap;

use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use super::at::At;
use crate::source::Span;

/// What becomes of a field that both layers give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Law {
    /// The upper value stands, the lower one is forgotten.
    Replace,
    /// The lower values come first, then the upper ones that are not among them.
    Append,
    /// Entries with the same key are merged; those that only one layer has are kept.
    ByKey,
}

impl Law {
    /// The words of the table.
    pub fn word(self) -> &'static str {
        match self {
            Self::Replace => "replace",
            Self::Append => "append",
            Self::ByKey => "by key",
        }
    }
}

/// A value that can lie over another of its type.
pub trait Layer: Clone {
    /// Takes from the lower layer what the upper one leaves open.
    fn lay_over(&mut self, under: &Self);

    /// Adds the rows of this value to the table of laws.
    fn laws(path: &str, table: &mut Vec<(String, Law)>);
}

impl<T: Clone> Layer for At<T> {
    fn lay_over(&mut self, _under: &Self) {}
    fn laws(path: &str, table: &mut Vec<(String, Law)>) {
        table.push((path.into(), Law::Replace));
    }
}

impl<T: Clone> Layer for Option<At<T>> {
    fn lay_over(&mut self, under: &Self) {
        if self.is_none() {
            self.clone_from(under);
        }
    }
    fn laws(path: &str, table: &mut Vec<(String, Law)>) {
        table.push((path.into(), Law::Replace));
    }
}

/// Forwards the schema of a wrapper to what it wraps.
macro_rules! schema_of {
    ([$($generics:tt)*] $name:ty => $inner:ty) => {
        impl<$($generics)*> JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                <$inner>::schema_name()
            }
            fn inline_schema() -> bool {
                true
            }
            fn json_schema(generator: &mut SchemaGenerator) -> Schema {
                <$inner>::json_schema(generator)
            }
        }
    };
}

/// A mapping with keys of its own, which may be left out: merged key by key.
#[derive(Debug, Clone, PartialEq)]
pub struct Section<T>(pub Option<Box<At<T>>>);

impl<T> Section<T> {
    /// What it holds, with its place.
    pub fn get(&self) -> Option<&At<T>> {
        self.0.as_deref()
    }
}

impl<T> Default for Section<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Layer> Layer for Section<T> {
    fn lay_over(&mut self, under: &Self) {
        match (&mut self.0, &under.0) {
            (Some(over), Some(under)) => over.value.lay_over(&under.value),
            (over @ None, Some(under)) => *over = Some(under.clone()),
            (_, None) => {}
        }
    }
    fn laws(path: &str, table: &mut Vec<(String, Law)>) {
        T::laws(path, table);
    }
}

schema_of!([T: JsonSchema] Section<T> => Option<T>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Section<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(Self)
    }
}

/// A list that the upper layer replaces as a whole.
#[derive(Debug, Clone, PartialEq)]
pub struct List<T>(pub Option<At<Vec<At<T>>>>);

impl<T> List<T> {
    /// The items; none where the list is not given.
    pub fn iter(&self) -> std::slice::Iter<'_, At<T>> {
        self.0.as_ref().map_or([].iter(), |list| list.value.iter())
    }

    /// The place of the list, where it is given.
    pub fn span(&self) -> Option<Span> {
        self.0.as_ref().map(|list| list.span)
    }

    /// Whether there is no item.
    pub fn is_empty(&self) -> bool {
        self.iter().len() == 0
    }
}

impl<T> Default for List<T> {
    fn default() -> Self {
        Self(None)
    }
}

impl<T: Clone> Layer for List<T> {
    fn lay_over(&mut self, under: &Self) {
        self.0.lay_over(&under.0);
    }
    fn laws(path: &str, table: &mut Vec<(String, Law)>) {
        table.push((path.into(), Law::Replace));
    }
}

schema_of!([T: JsonSchema] List<T> => Option<Vec<T>>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for List<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(Self)
    }
}

/// A list to which both layers add.
#[derive(Debug, Clone, PartialEq)]
pub struct Additive<T>(pub Vec<At<T>>);

impl<T> Additive<T> {
    /// The items.
    pub fn iter(&self) -> std::slice::Iter<'_, At<T>> {
        self.0.iter()
    }

    /// Whether there is no item.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T> Default for Additive<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Clone + Ord> Layer for Additive<T> {
    fn lay_over(&mut self, under: &Self) {
        if under.0.is_empty() {
            return;
        }
        let mut merged = under.0.clone();
        let places: BTreeMap<&T, usize> =
            under.iter().enumerate().map(|(place, item)| (&item.value, place)).collect();
        for item in std::mem::take(&mut self.0) {
            match places.get(&item.value).and_then(|place| merged.get_mut(*place)) {
                // The upper place is the better one to blame for what both say.
                Some(lower) => *lower = item,
                None => merged.push(item),
            }
        }
        self.0 = merged;
    }
    fn laws(path: &str, table: &mut Vec<(String, Law)>) {
        table.push((path.into(), Law::Append));
    }
}

schema_of!([T: JsonSchema] Additive<T> => Option<Vec<T>>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Additive<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(|list| Self(list.unwrap_or_default()))
    }
}

/// An item that is known by one of its parts.
pub trait HasKey: Clone {
    /// The key, as the table of laws names it.
    const KEY: &'static str;

    /// The part that tells two items apart.
    fn key(&self) -> Cow<'_, str>;

    /// What becomes of an item that both layers have; the upper one stands.
    fn merge(&mut self, _under: &Self) {}
}

/// A list whose items are merged by their key.
#[derive(Debug, Clone, PartialEq)]
pub struct Keyed<T>(pub Vec<At<T>>);

impl<T> Keyed<T> {
    /// The items.
    pub fn iter(&self) -> std::slice::Iter<'_, At<T>> {
        self.0.iter()
    }

    /// Whether there is no item.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<T> Default for Keyed<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: HasKey> Layer for Keyed<T> {
    fn lay_over(&mut self, under: &Self) {
        if under.0.is_empty() {
            return;
        }
        let mut merged = under.0.clone();
        let places: BTreeMap<String, usize> = under
            .iter()
            .enumerate()
            .map(|(place, item)| (item.key().into_owned(), place))
            .collect();
        for mut item in std::mem::take(&mut self.0) {
            let lower = places.get(item.key().as_ref()).and_then(|place| merged.get_mut(*place));
            match lower {
                Some(lower) => {
                    item.value.merge(&lower.value);
                    *lower = item;
                }
                None => merged.push(item),
            }
        }
        self.0 = merged;
    }
    fn laws(path: &str, table: &mut Vec<(String, Law)>) {
        table.push((format!("{path} (by {})", T::KEY), Law::ByKey));
    }
}

schema_of!([T: JsonSchema] Keyed<T> => Option<Vec<T>>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Keyed<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Option::deserialize(deserializer).map(|list| Self(list.unwrap_or_default()))
    }
}

/// A mapping from names that the user chooses, merged key by key.
#[derive(Debug, Clone, PartialEq)]
pub struct Map<V>(pub IndexMap<String, (Span, V)>);

impl<V> Map<V> {
    /// The names with their places, and the values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, Span, &V)> {
        self.0.iter().map(|(name, (span, value))| (name.as_str(), *span, value))
    }

    /// The value of a name.
    pub fn get(&self, name: &str) -> Option<&V> {
        self.0.get(name).map(|(_, value)| value)
    }

    /// Whether there is no entry.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl<V> Default for Map<V> {
    fn default() -> Self {
        Self(IndexMap::new())
    }
}

impl<V: Layer> Layer for Map<V> {
    fn lay_over(&mut self, under: &Self) {
        if self.0.is_empty() {
            self.0.clone_from(&under.0);
            return;
        }
        for (name, (span, lower)) in &under.0 {
            match self.0.get_mut(name) {
                Some((_, upper)) => upper.lay_over(lower),
                None => {
                    self.0.insert(name.clone(), (*span, lower.clone()));
                }
            }
        }
    }
    fn laws(path: &str, table: &mut Vec<(String, Law)>) {
        table.push((path.into(), Law::ByKey));
    }
}

impl<V: JsonSchema> JsonSchema for Map<V> {
    fn schema_name() -> Cow<'static, str> {
        format!("Map_of_{}", V::schema_name()).into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        <Option<BTreeMap<String, V>>>::json_schema(generator)
    }
}

impl<'de, V: Deserialize<'de>> Deserialize<'de> for Map<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Entries(std::marker::PhantomData))
    }
}

/// Reads the entries of a [`Map`], with the places of their names.
pub(super) struct Entries<V>(pub std::marker::PhantomData<V>);

impl<'de, V: Deserialize<'de>> Visitor<'de> for Entries<V> {
    type Value = Map<V>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a mapping")
    }

    fn visit_unit<E>(self) -> Result<Map<V>, E> {
        Ok(Map::default())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Map<V>, A::Error> {
        let mut map = IndexMap::with_capacity(entries.size_hint().unwrap_or(0));
        while let Some((name, value)) = entries.next_entry::<At<String>, V>()? {
            map.insert(name.value, (name.span, value));
        }
        Ok(Map(map))
    }
}

/// The name by which the reader of trees knows that a struct wants to be told of its dents.
pub(crate) const DENTED: &str = "$stackwright::Dented";

/// Whether something in a mapping was told to be wrong and left out, so that nothing of it can be
/// said to be missing.
#[derive(Debug, Clone, Copy, Default, PartialEq, serde::Deserialize)]
#[serde(transparent)]
pub struct Dented(pub bool);

impl Layer for Dented {
    fn lay_over(&mut self, under: &Self) {
        self.0 |= under.0;
    }
    fn laws(_path: &str, _table: &mut Vec<(String, Law)>) {}
}

/// Declares a struct of the stack file; every field may be left out and has its law by its type.
macro_rules! layered {
    (
        $(#[$meta:meta])*
        pub struct $name:ident {
            $( $(#[$field_meta:meta])* pub $field:ident : $type:ty, )*
        }
    ) => {
        #[derive(Debug, Clone, Default, PartialEq, serde::Deserialize, schemars::JsonSchema)]
        #[serde(default)]
        $(#[$meta])*
        pub struct $name {
            $( $(#[$field_meta])* pub $field: $type, )*
        }

        impl $crate::model::layer::Layer for $name {
            fn lay_over(&mut self, under: &Self) {
                $( self.$field.lay_over(&under.$field); )*
            }
            fn laws(path: &str, table: &mut Vec<(String, $crate::model::layer::Law)>) {
                $(
                    let name = stringify!($field).trim_start_matches("r#");
                    let dot = if path.is_empty() { "" } else { "." };
                    <$type as $crate::model::layer::Layer>::laws(
                        &format!("{path}{dot}{name}"),
                        table,
                    );
                )*
            }
        }
    };
}
pub(crate) use layered;
