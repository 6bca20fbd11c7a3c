//! Values with a short and a long form: a text, or a mapping that says more.

use std::fmt;
use std::marker::PhantomData;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::at::At;
use super::layer::Entries;

pub use super::layer::Map;

/// A value that can be made from its long form.
pub trait Long<L> {
    /// The value that the long form means; an error only where a required key is not there,
    /// which the schema has told before.
    fn long(long: L) -> Option<Self>
    where
        Self: Sized;
}

/// Reads a text as the short form and a mapping as the long form.
///
/// The kind is looked at first, on the tree itself, because serde's untagged enums buffer the
/// value and lose every place in it.
pub struct Either<S, L, T>(pub PhantomData<(S, L, T)>);

impl<'de, S, L, T> Visitor<'de> for Either<S, L, T>
where
    S: Deserialize<'de>,
    L: Deserialize<'de>,
    T: From<S> + Long<L>,
{
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a mapping")
    }

    /// The tree hands a scalar over as a new type, so that it can be read with its place.
    fn visit_newtype_struct<D: Deserializer<'de>>(self, scalar: D) -> Result<T, D::Error> {
        S::deserialize(scalar).map(T::from)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, items: A) -> Result<T, A::Error> {
        S::deserialize(SeqAccessDeserializer::new(items)).map(T::from)
    }

    fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<T, A::Error> {
        let long = L::deserialize(MapAccessDeserializer::new(entries))?;
        T::long(long).ok_or_else(|| A::Error::custom("a required key is missing"))
    }
}

/// The name by which the reader of trees knows that a short or a long form is wanted.
pub(crate) const EITHER: &str = "$stackwright::Either";

/// Declares a type that has a short and a long form.
macro_rules! either {
    ($(#[doc = $doc:literal])+ $name:ident = short $short:ty, long $long:ty) => {
        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let visitor =
                    $crate::model::union::Either::<$short, $long, Self>(std::marker::PhantomData);
                deserializer.deserialize_newtype_struct($crate::model::union::EITHER, visitor)
            }
        }

        impl schemars::JsonSchema for $name {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($name).into()
            }
            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                let short = generator.subschema_for::<$short>();
                let long = generator.subschema_for::<$long>();
                let description = concat!($($doc),+).trim();
                schemars::json_schema!({
                    "description": description,
                    "anyOf": [short, long],
                })
            }
        }
    };
}
pub(crate) use either;

/// Names and values, as a mapping or as a list of `NAME=value`.
#[derive(Debug, Clone, PartialEq)]
pub struct Assignments<V>(pub Map<V>);

impl<V> Default for Assignments<V> {
    fn default() -> Self {
        Self(Map::default())
    }
}

impl<V> std::ops::Deref for Assignments<V> {
    type Target = Map<V>;

    fn deref(&self) -> &Map<V> {
        &self.0
    }
}

/// A value that stands behind the `=` of an assignment in a list.
pub trait Assigned {
    /// The value of a text.
    fn assigned(text: At<String>) -> Self;
}

impl<V: super::layer::Layer> super::layer::Layer for Assignments<V> {
    fn lay_over(&mut self, under: &Self) {
        self.0.lay_over(&under.0);
    }
    fn laws(path: &str, table: &mut Vec<(String, super::layer::Law)>) {
        Map::<V>::laws(path, table);
    }
}

impl<V: schemars::JsonSchema> schemars::JsonSchema for Assignments<V> {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        format!("Assignments_of_{}", V::schema_name()).into()
    }
    fn inline_schema() -> bool {
        true
    }
    fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let value = generator.subschema_for::<V>();
        schemars::json_schema!({
            "type": ["object", "array", "null"],
            "additionalProperties": value,
            "items": { "type": "string", "format": "assignment", "pattern": "=|\\$",
                       "examples": ["TZ=Europe/Oslo"] },
        })
    }
}

impl<'de, V: Deserialize<'de> + Assigned> Deserialize<'de> for Assignments<V> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Both<V>(PhantomData<V>);

        impl<'de, V: Deserialize<'de> + Assigned> Visitor<'de> for Both<V> {
            type Value = Assignments<V>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a mapping or a list")
            }

            fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
                Ok(Assignments::default())
            }

            fn visit_map<A: MapAccess<'de>>(self, entries: A) -> Result<Self::Value, A::Error> {
                Entries(PhantomData).visit_map(entries).map(Assignments)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
                let mut map = Map::default();
                while let Some(item) = items.next_element::<At<String>>()? {
                    let (name, value) = item.value.split_once('=').unwrap_or((&item.value, ""));
                    let value = V::assigned(At::new(value.to_owned(), item.span));
                    map.0.insert(name.to_owned(), (item.span, value));
                }
                Ok(Assignments(map))
            }
        }

        deserializer.deserialize_any(Both(PhantomData))
    }
}
