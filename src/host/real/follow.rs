//! Reads what a program writes, line by line, until somebody has seen enough.

use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::process::{ChildStdout, Command, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};

use super::super::change::Fault;
use super::interrupts::Interrupts;
use super::{clock, fault};

/// How long a line may be; of a longer one the end is another line.
const LINE_MAX: usize = 1 << 20;

/// The least pause between two looks at what is not told.
const LOOK_PAUSE: Duration = Duration::from_millis(10);

/// Tells whether the last that was wanted came by another way.
pub type Look<'l> = &'l mut dyn FnMut() -> bool;

/// Reads lines, as many at once as there are, until some are the last that are wanted, the time is
/// up, or somebody stops it; whether these came.
pub fn follow(
    doing: &str,
    command: &mut Command,
    until: Duration,
    stop: &Interrupts,
    is_last: &mut dyn FnMut(&[u8]) -> bool,
    look: Option<Look<'_>>,
) -> Result<bool, Fault> {
    command.process_group(0).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|error| fault::of(doing, &error))?;
    let seen = match child.stdout.take() {
        Some(out) => {
            let seen = read(out, until, stop, is_last, look);
            seen.map_err(|error| fault::of(doing, &error))
        }
        None => Ok(false),
    };
    // It goes on for ever by itself, and nobody listens any more.
    drop(child.kill());
    drop(child.wait());
    seen
}

fn read(
    mut out: ChildStdout,
    until: Duration,
    stop: &Interrupts,
    is_last: &mut dyn FnMut(&[u8]) -> bool,
    mut look: Option<Look<'_>>,
) -> io::Result<bool> {
    let mut unread: Vec<u8> = Vec::new();
    let mut buffer = vec![0; 64 << 10];
    let mut next = clock::now();
    while !clock::left(until).is_zero() && !stop.came() {
        if let Some(look) = &mut look
            && clock::left(next).is_zero()
        {
            let began = clock::now();
            if look() {
                return Ok(true);
            }
            // Much to look at takes no more than half of a processor.
            let now = clock::now();
            next = now.saturating_add(now.saturating_sub(began).max(LOOK_PAUSE));
        }
        let until = if look.is_some() { until.min(next) } else { until };
        let mut polled = [PollFd::new(&out, PollFlags::IN), PollFd::new(stop, PollFlags::IN)];
        match poll(&mut polled, Some(&clock::left_for_kernel(until))) {
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
        if polled.first().is_none_or(|out| out.revents().is_empty()) {
            continue;
        }
        let length = out.read(&mut buffer)?;
        if length == 0 {
            return Ok(!unread.is_empty() && is_last(&unread));
        }
        unread.extend(buffer.get(..length).unwrap_or_default());
        // What stands behind the last line end is the beginning of a line.
        let end = unread.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        if end > 0 && is_last(unread.get(..end).unwrap_or_default()) {
            return Ok(true);
        }
        unread.drain(..end);
        if unread.len() > LINE_MAX {
            unread.clear();
        }
    }
    Ok(false)
}
