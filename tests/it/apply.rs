//! Applying: all is new, or all is as it was, whatever fails and whenever the process dies.

mod disk;
mod driver;
mod failures;
mod host;
mod images;
mod manager;
mod minimal;
mod paused;
mod podman;
mod ready;
mod secrets;
mod settings;
mod stack;
mod sweep;
mod unit;
mod whole;
