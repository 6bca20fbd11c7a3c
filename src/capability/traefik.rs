//! Traefik v3: the labels that it reads, and what they mean in a file.

pub mod keys;
pub mod label;
pub mod rule;
pub mod table;

pub use label::{Tree, decode, is_hidden};
