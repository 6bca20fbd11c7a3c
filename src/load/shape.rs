//! The JSON schema as a table that a tree can be checked against quickly.

mod compile;
mod stack;

use crate::model::form::Form;

pub use stack::STACK;

/// A shape in the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ShapeId(pub u32);

/// The kinds of values that a shape takes, one bit each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Kinds(pub u8);

impl Kinds {
    /// Nothing.
    pub const NULL: Self = Self(1);
    /// A truth value.
    pub const BOOL: Self = Self(2);
    /// A whole number.
    pub const INT: Self = Self(4);
    /// Any number.
    pub const NUMBER: Self = Self(8);
    /// A text.
    pub const TEXT: Self = Self(16);
    /// A list.
    pub const LIST: Self = Self(32);
    /// A mapping.
    pub const MAP: Self = Self(64);
    /// Any kind at all.
    pub const ANY: Self = Self(127);

    /// Both sets together.
    pub fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }

    /// Whether the sets have a kind in common.
    pub fn meets(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// The words for the kinds, as in "a text or a list".
    pub fn words(self) -> String {
        let names = [
            (Self::BOOL, "`true` or `false`"),
            (Self::INT, "a whole number"),
            (Self::NUMBER, "a number"),
            (Self::TEXT, "a text"),
            (Self::LIST, "a list"),
            (Self::MAP, "a mapping"),
        ];
        let here = names.iter().filter(|(kind, _)| self.meets(*kind)).map(|(_, name)| *name);
        let mut here: Vec<&str> = here.collect();
        if self.meets(Self::INT) && self.meets(Self::NUMBER) {
            here.retain(|name| *name != "a whole number");
        }
        match here.split_last() {
            Some((last, [])) => (*last).to_owned(),
            Some((last, others)) => format!("{} or {last}", others.join(", ")),
            None => "nothing".to_owned(),
        }
    }
}

/// What a value at one place may be. All of it lives as long as the program: the shapes of the
/// stack file are a part of it, others are made once.
#[derive(Clone, Copy)]
pub struct Shape {
    /// The kinds it takes.
    pub kinds: Kinds,
    /// The known keys of a mapping, in the order of their names.
    pub keys: &'static [Key],
    /// The keys that must be given.
    pub required: &'static [&'static str],
    /// The shape of keys that the user chooses.
    pub other_keys: Option<ShapeId>,
    /// Whether keys that are not known are an error.
    pub closed: bool,
    /// The shape of the items of a list.
    pub items: Option<ShapeId>,
    /// How many items a list has at least.
    pub items_min: usize,
    /// How many characters a text has at least.
    pub length_min: usize,
    /// The words it takes; empty for any.
    pub choices: &'static [&'static str],
    /// The form that a text must have.
    pub form: Option<&'static Form>,
    /// Whether a secret may stand here.
    pub secret: bool,
    /// Whether a text is an assignment in a list.
    pub assignment: bool,
    /// The pattern that a text must match, where it has no form.
    pub pattern: Option<&'static str>,
    /// The smallest number.
    pub min: Option<f64>,
    /// The largest number.
    pub max: Option<f64>,
    /// An example.
    pub example: Option<&'static str>,
    /// What is wanted, in words, for a text that must match a pattern.
    pub wanted: Option<&'static str>,
}

/// A key of a mapping.
#[derive(Debug, Clone, Copy)]
pub struct Key {
    /// Its name.
    pub name: &'static str,
    /// The shape of its value.
    pub shape: ShapeId,
    /// The first name, where this is the second one.
    pub second_name_of: Option<&'static str>,
}

impl Shape {
    /// Takes anything and says nothing.
    pub const EMPTY: Self = Self {
        kinds: Kinds(0),
        keys: &[],
        required: &[],
        other_keys: None,
        closed: false,
        items: None,
        items_min: 0,
        length_min: 0,
        choices: &[],
        form: None,
        secret: false,
        assignment: false,
        pattern: None,
        min: None,
        max: None,
        example: None,
        wanted: None,
    };

    /// The key with that name.
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        let place = self.keys.binary_search_by(|key| key.name.cmp(name)).ok()?;
        self.keys.get(place)
    }

    /// The names that keys have first.
    pub fn first_names(&self) -> impl Iterator<Item = &'static str> {
        self.keys.iter().filter(|key| key.second_name_of.is_none()).map(|key| key.name)
    }
}

/// All shapes of a schema.
#[derive(Clone, Copy)]
pub struct Shapes {
    /// Each by its identity.
    pub list: &'static [Shape],
    /// The shape of the whole file.
    pub root: ShapeId,
}

impl Shapes {
    /// The shape with that identity.
    pub fn get(&self, id: ShapeId) -> Option<&'static Shape> {
        self.list.get(id.0 as usize)
    }
}
