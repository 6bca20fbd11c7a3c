//! The tests from outside: one program, one file for each thing that is promised.

// Without it, clippy takes what tests share for production code.
#![cfg(test)]
#![allow(
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a test that is skipped says so aloud"
)]

mod apply;
mod compose;
mod diagnostics;
mod docs;
mod fresh;
mod generate;
mod generated;
mod hostile;
mod outputs;
mod patterns;
mod real;
mod routes;
mod schema;
mod seeds;
mod support;
mod threads;
mod tidy;
