//! A resolved stack as files for a target.

pub mod compose;
pub mod docs;
mod names;
pub mod quadlet;
pub mod template;
pub mod traefik;
mod words;
mod yaml;

use crate::resolve;

/// One file of a target.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    /// Where it stands, from the folder of the target on.
    pub path: String,
    /// What it holds.
    pub contents: Vec<u8>,
    /// Its permissions.
    pub mode: u32,
}

/// The mode of a unit, which everybody may read.
pub const UNIT_MODE: u32 = 0o644;

/// Who runs the services.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Scope {
    /// The systemd of an ordinary user.
    #[default]
    User,
    /// The systemd of the machine.
    System,
}

/// A configuration file, which stands by its content.
fn configuration_file(file: &resolve::File<'_>) -> File {
    let path = format!("files/{}/{}", file.digest, file.name);
    File { path, contents: file.contents.to_vec(), mode: file.mode }
}
