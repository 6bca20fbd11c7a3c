//! Applying: all is new, or all is as it was, whatever fails and whenever the process dies.

mod caught;
mod disk;
mod driver;
mod failures;
mod faults;
mod graphs;
mod host;
mod images;
mod manager;
mod minimal;
mod paused;
mod plans;
mod podman;
mod program;
mod promises;
mod pulls;
mod ready;
mod score;
mod secrets;
mod seeded;
mod settings;
mod stack;
mod sweep;
mod torn;
mod unit;
mod whole;
