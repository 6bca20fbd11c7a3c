//! The shapes of the stack file, as a part of the program: making them anew at every start took
//! longer than to check a dozen services.

use super::{Key, Kinds, Shape, ShapeId, Shapes};
use crate::model::form::FORMS;

/// The shapes of the stack file. A test makes the table from the schema and compares it.
#[allow(
    clippy::indexing_slicing,
    clippy::unreadable_literal,
    reason = "nobody writes the table, and what is outside of another is found when it compiles"
)]
pub static STACK: Shapes =
    Shapes { root: ShapeId(0), list: include!("../../../schema/stack.shapes.rs") };
