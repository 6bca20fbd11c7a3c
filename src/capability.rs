//! What the outside can do, as tables: kernels, systemd, Traefik, and Quadlet of every version of
//! Podman.

pub mod encode;
pub mod linux;
pub mod podman;
pub mod quadlet;
pub mod raw;
pub mod systemd;
pub mod traefik;
