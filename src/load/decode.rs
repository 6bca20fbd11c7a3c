//! A tree that was found to be of the right shape, read into the model by serde.

use std::fmt;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer, U32Deserializer};
use serde::de::{
    DeserializeOwned, DeserializeSeed, Deserializer, EnumAccess, Error, IntoDeserializer,
    MapAccess, SeqAccess, VariantAccess, Visitor,
};

use super::tree::{Entry, NodeId, Style, Tree, Value};
use crate::model::at::AT;
use crate::model::layer::DENTED;
use crate::model::union::EITHER;
use crate::model::variable::TEXT_OR_SECRET;
use crate::source::Span;

/// Reads the tree; values that were told to be wrong are left out, as if they were not given.
pub fn decode<T: DeserializeOwned>(tree: &Tree, bad: &[bool]) -> Result<T, DecodeError> {
    let Some(root) = tree.root else { return Err(DecodeError("nothing to read".into())) };
    let has_bad = bad.contains(&true);
    T::deserialize(Place { tree, bad, has_bad, id: root })
}

/// Why a tree of the right shape could not be read: a fault of ours, never the user's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DecodeError(pub String);

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for DecodeError {}

impl Error for DecodeError {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self(message.to_string())
    }
}

/// A node as something that serde can read.
#[derive(Clone, Copy)]
struct Place<'t> {
    tree: &'t Tree,
    bad: &'t [bool],
    /// Whether anything at all is to be left out.
    has_bad: bool,
    id: NodeId,
}

impl<'t> Place<'t> {
    fn at(self, id: NodeId) -> Self {
        Self { id, ..self }
    }

    fn is_good(self, id: NodeId) -> bool {
        !self.bad.get(id.index()).copied().unwrap_or(true)
    }

    fn text(self) -> Result<&'t str, DecodeError> {
        self.tree.scalar_text(self.id).ok_or_else(|| DecodeError("a text was expected".into()))
    }

    fn number<T: std::str::FromStr>(self) -> Result<T, DecodeError> {
        let text = self.text()?;
        let digits = text.strip_prefix('+').unwrap_or(text);
        let digits = if digits == "-0" { "0" } else { digits };
        digits.parse().map_err(|_| DecodeError(format!("`{digits}` is not a number that fits")))
    }

    fn items(self) -> Items<'t> {
        Items { place: self, rest: self.tree.items(self.id).iter() }
    }

    fn entries(self) -> Entries<'t> {
        let rest = self.tree.entries(self.id).iter();
        Entries { place: self, rest, value: None, dent: Dent::None }
    }

    /// The entries of a struct, which are told whether something in it is left out.
    fn fields(self) -> Entries<'t> {
        let dent = if self.is_dented() { Dent::Due } else { Dent::None };
        Entries { dent, ..self.entries() }
    }

    /// Whether something in the node is left out.
    fn is_dented(self) -> bool {
        let mut open = if self.has_bad { vec![self.id] } else { Vec::new() };
        while let Some(id) = open.pop() {
            if !self.is_good(id) {
                return true;
            }
            open.extend_from_slice(self.tree.items(id));
            open.extend(self.tree.entries(id).iter().flat_map(|entry| [entry.key, entry.value]));
        }
        false
    }

    fn is_secret(self) -> bool {
        matches!(self.tree.value(self.id), Value::Scalar(scalar) if scalar.style == Style::Secret)
    }
}

macro_rules! numbers {
    ($($method:ident, $visit:ident;)+) => {
        $(fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
            visitor.$visit(self.number()?)
        })+
    };
}

impl<'de> Deserializer<'de> for Place<'de> {
    type Error = DecodeError;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.tree.value(self.id) {
            Value::Scalar(_) if self.tree.is_null(self.id) => visitor.visit_unit(),
            Value::Scalar(scalar) => visitor.visit_str(self.tree.read(&scalar.text)),
            Value::Seq(_) => visitor.visit_seq(self.items()),
            Value::Map(_) => visitor.visit_map(self.entries()),
            Value::Alias(_) | Value::Broken => Err(DecodeError("a broken value".into())),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.tree.is_null(self.id) {
            true => visitor.visit_none(),
            false => visitor.visit_some(self),
        }
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_bool(self.text()?.eq_ignore_ascii_case("true"))
    }

    fn deserialize_str<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_str(self.text()?)
    }

    fn deserialize_string<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_str(self.text()?)
    }

    fn deserialize_identifier<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_str(self.text()?)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match name {
            AT => visitor.visit_seq(Parts { place: self, span: self.tree.head(self.id), part: 0 }),
            TEXT_OR_SECRET => visitor.visit_seq(TextParts { place: self, part: 0 }),
            _ => visitor.visit_seq(self.items()),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match self.tree.value(self.id) {
            Value::Seq(_) if name == EITHER => visitor.visit_seq(self.items()),
            Value::Map(_) if name == EITHER => visitor.visit_map(self.fields()),
            _ => visitor.visit_newtype_struct(self),
        }
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _name: &'static str,
        _variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        visitor.visit_enum(Word(self))
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        visitor.visit_unit()
    }

    numbers! {
        deserialize_i64, visit_i64;
        deserialize_u32, visit_u32;
        deserialize_u64, visit_u64;
        deserialize_f64, visit_f64;
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, DecodeError> {
        match self.tree.is_null(self.id) {
            true => visitor.visit_unit(),
            false => visitor.visit_map(self.entries()),
        }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _name: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        match self.tree.value(self.id) {
            Value::Map(_) if fields.contains(&DENTED) => visitor.visit_map(self.fields()),
            Value::Map(_) => visitor.visit_map(self.entries()),
            _ => Err(DecodeError("a mapping was expected".into())),
        }
    }

    serde::forward_to_deserialize_any! {
        i8 i16 i32 u8 u16 f32 char bytes byte_buf unit unit_struct seq tuple
    }
}

/// The good items of a list.
struct Items<'t> {
    place: Place<'t>,
    rest: std::slice::Iter<'t, NodeId>,
}

impl<'de> SeqAccess<'de> for Items<'de> {
    type Error = DecodeError;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, DecodeError> {
        let place = self.place;
        let next = self.rest.find(|id| place.is_good(**id));
        next.map(|id| seed.deserialize(place.at(*id))).transpose()
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

/// The good entries of a mapping.
struct Entries<'t> {
    place: Place<'t>,
    rest: std::slice::Iter<'t, Entry>,
    value: Option<NodeId>,
    dent: Dent,
}

/// Whether a struct is still to be told that something in it is left out.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dent {
    None,
    Due,
    Told,
}

impl<'de> MapAccess<'de> for Entries<'de> {
    type Error = DecodeError;

    fn next_key_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, DecodeError> {
        let place = self.place;
        let next = self.rest.find(|entry| place.is_good(entry.key) && place.is_good(entry.value));
        let Some(entry) = next else {
            if self.dent == Dent::Due {
                self.dent = Dent::Told;
                return seed.deserialize(DENTED.into_deserializer()).map(Some);
            }
            return Ok(None);
        };
        self.value = Some(entry.value);
        seed.deserialize(place.at(entry.key)).map(Some)
    }

    fn next_value_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<S::Value, DecodeError> {
        match self.value.take() {
            Some(id) => seed.deserialize(self.place.at(id)),
            None if self.dent == Dent::Told => seed.deserialize(true.into_deserializer()),
            None => Err(DecodeError("a value without its key".into())),
        }
    }

    fn size_hint(&self) -> Option<usize> {
        Some(self.rest.len())
    }
}

/// A place as serde sees it: text, start, end, value.
struct Parts<'t> {
    place: Place<'t>,
    span: Span,
    part: u8,
}

impl<'de> SeqAccess<'de> for Parts<'de> {
    type Error = DecodeError;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, DecodeError> {
        let number = |number: u32| -> U32Deserializer<DecodeError> { number.into_deserializer() };
        self.part += 1;
        match self.part {
            1 => seed.deserialize(number(self.span.source.index())),
            2 => seed.deserialize(number(self.span.start)),
            3 => seed.deserialize(number(self.span.end)),
            _ => seed.deserialize(self.place),
        }
        .map(Some)
    }
}

/// A text as serde sees it: whether it names a secret, and what it says.
struct TextParts<'t> {
    place: Place<'t>,
    part: u8,
}

impl<'de> SeqAccess<'de> for TextParts<'de> {
    type Error = DecodeError;

    fn next_element_seed<S: DeserializeSeed<'de>>(
        &mut self,
        seed: S,
    ) -> Result<Option<S::Value>, DecodeError> {
        self.part += 1;
        match self.part {
            1 => seed.deserialize(self.place.is_secret().into_deserializer()),
            _ => seed.deserialize(self.place),
        }
        .map(Some)
    }
}

/// A word of an enumeration.
struct Word<'t>(Place<'t>);

impl<'de> EnumAccess<'de> for Word<'de> {
    type Error = DecodeError;
    type Variant = Self;

    fn variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<(S::Value, Self), DecodeError> {
        Ok((seed.deserialize(self.0)?, self))
    }
}

impl<'de> VariantAccess<'de> for Word<'de> {
    type Error = DecodeError;

    fn unit_variant(self) -> Result<(), DecodeError> {
        Ok(())
    }

    fn newtype_variant_seed<S: DeserializeSeed<'de>>(
        self,
        seed: S,
    ) -> Result<S::Value, DecodeError> {
        seed.deserialize(self.0)
    }

    fn tuple_variant<V: Visitor<'de>>(
        self,
        _length: usize,
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        SeqAccessDeserializer::new(self.0.items()).deserialize_any(visitor)
    }

    fn struct_variant<V: Visitor<'de>>(
        self,
        _fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, DecodeError> {
        MapAccessDeserializer::new(self.0.entries()).deserialize_any(visitor)
    }
}
