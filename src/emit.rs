//! A resolved stack as files for a target.

pub mod quadlet;
pub mod template;

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
