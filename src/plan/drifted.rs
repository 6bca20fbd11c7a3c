//! What is not as it was applied, and is to be brought back.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// What is not as it was applied, as far as it was looked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Drifted {
    /// Services that cannot go on as they are, with why.
    pub services: BTreeMap<String, String>,
    /// Services whose name a container has that runs without them, and that goes when they start.
    pub replaced: BTreeSet<String>,
    /// Networks of Podman that are not as their units would make them.
    pub networks: BTreeSet<String>,
    /// Whether links to the units are missing or lead elsewhere.
    pub links: bool,
    /// Links that forbid services to start.
    pub masks: BTreeSet<PathBuf>,
    /// Whether systemd knows units otherwise than they are.
    pub is_unread: bool,
}
