//! The only place that prints.

#![expect(clippy::disallowed_methods, reason = "the width of the terminal is in the environment")]

use std::borrow::Cow;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::sync::atomic::{AtomicBool, Ordering};

use anstream::{AutoStream, ColorChoice};
use clap::ValueEnum;
use rustix::event::{PollFd, PollFlags, poll};

use super::{Color, Exit};
use crate::report::human::{self, Style, escape};

/// How something is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    Human,
    /// For scripts
    Json,
}

/// Settles for the whole run whether there are colours.
pub fn choose_color(color: Color) {
    match color {
        Color::Auto => {}
        Color::Always => ColorChoice::Always.write_global(),
        Color::Never => ColorChoice::Never.write_global(),
    }
}

/// How diagnostics are drawn on standard output.
pub fn style() -> Style {
    let color = AutoStream::choice(&io::stdout()) != ColorChoice::Never;
    let width = std::env::var("COLUMNS").ok().and_then(|columns| columns.parse().ok());
    Style { color, unicode: false, width: width.unwrap_or(100) }
}

/// Prints a result.
pub fn out(text: &str) {
    write(&mut AutoStream::auto(io::stdout()), text);
}

/// Prints bytes as they are, part by part.
pub fn raw<'b>(parts: impl IntoIterator<Item = Cow<'b, [u8]>>) {
    let mut stream = io::BufWriter::with_capacity(AT_ONCE, io::stdout().lock());
    let written = parts.into_iter().try_for_each(|part| stream.write_all(&part));
    told(written.and_then(|()| stream.flush()));
}

/// How many bytes are gathered before they are printed.
const AT_ONCE: usize = 64 << 10;

/// Prints something beside the result.
pub fn note(text: &str) {
    write(&mut AutoStream::auto(io::stderr()), text);
}

/// Prints why a command could not begin.
pub fn error(message: &str) {
    note(&format!("error: {}\n", escape(message)));
}

fn write(stream: &mut dyn Write, text: &str) {
    told(stream.write_all(text.as_bytes()).and_then(|()| stream.flush()));
}

/// Asks a question on the terminal; without one, nobody agreed.
pub fn agreed(question: &str) -> bool {
    let answer = answer(&format!("{question} [y/N] "));
    answer.is_some_and(|answer| matches!(answer.as_str(), "y" | "Y" | "yes"))
}

/// What somebody types at a prompt; nothing without a terminal, or when it is interrupted.
pub fn answer(prompt: &str) -> Option<String> {
    if !can_ask() {
        return None;
    }
    note(prompt);
    let input = io::stdin();
    // To read would go on after a signal that this process has a handler for, but this ends.
    let waited = poll(&mut [PollFd::new(&input, PollFlags::IN)], None);
    let mut answer = String::new();
    if waited.is_ok() && input.read_line(&mut answer).is_ok_and(|length| length > 0) {
        return Some(answer.trim().to_owned());
    }
    note("\n");
    None
}

/// Whether there is somebody at a terminal.
pub fn can_ask() -> bool {
    io::stdin().is_terminal() && is_watched()
}

/// Whether somebody may watch what is told beside the result.
pub fn is_watched() -> bool {
    io::stderr().is_terminal()
}

/// Prints a picture in the place of the one before, where there is a terminal for that.
pub fn redraw(text: &str) {
    let clear = if io::stdout().is_terminal() { "\x1b[H\x1b[2J" } else { "" };
    out(&format!("{clear}{text}"));
}

/// Whether something could not be printed.
static LOST: AtomicBool = AtomicBool::new(false);

/// Whether the reader went away.
static UNREAD: AtomicBool = AtomicBool::new(false);

/// Whether somebody still reads what is printed.
pub fn is_read() -> bool {
    !UNREAD.load(Ordering::Relaxed) && !LOST.load(Ordering::Relaxed)
}

/// A reader that went away has all that it wanted, so a closed pipe is no failure.
fn told(written: io::Result<()>) {
    match written {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => {
            UNREAD.store(true, Ordering::Relaxed);
        }
        Err(error) => {
            LOST.store(true, Ordering::Relaxed);
            let _lost = writeln!(io::stderr(), "error: cannot write: {error}");
        }
        Ok(()) => {}
    }
}

/// What a run ends with: not well where its result was lost.
pub fn end(exit: Exit) -> Exit {
    match exit {
        Exit::Done if LOST.load(Ordering::Relaxed) => Exit::WrongInput,
        exit => exit,
    }
}

/// Prints the help that was asked for, or what is wrong with the arguments.
pub fn usage(error: &clap::Error) -> Exit {
    let _closed = error.print();
    if error.use_stderr() { Exit::WrongUsage } else { Exit::Done }
}

/// The summary of a run, on standard error where the result is for a machine.
pub fn summary(findings: &crate::report::Findings, files: usize) -> String {
    human::summary(findings, files) + "\n"
}
