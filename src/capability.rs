//! What Podman, Quadlet and systemd can express: plain tables that every stage may read.

pub mod linux;
pub mod quadlet;
pub mod raw;
pub mod systemd;
