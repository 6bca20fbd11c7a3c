//! Signals that ask this process to stop: the first is told, the second ends it at once.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use rustix::event::{PollFd, PollFlags, poll};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::{flag, low_level};

use super::super::units::Wake;
use super::wakes::Wakes;

/// The signals that came since this was made.
#[derive(Debug, Clone)]
pub struct Interrupts {
    came: Arc<AtomicBool>,
    /// A signal writes to its other end, and nobody reads: readable means that one came.
    readable: Arc<UnixStream>,
}

impl Interrupts {
    /// Begins to listen; the first signal becomes a wake too.
    pub fn listen(wakes: Arc<Wakes>) -> io::Result<Self> {
        let (readable, written) = UnixStream::pair()?;
        let came = Arc::new(AtomicBool::new(false));
        for signal in [SIGINT, SIGTERM] {
            // In this order: the flag is not yet set when the first signal looks at it.
            flag::register_conditional_default(signal, came.clone())?;
            flag::register(signal, came.clone())?;
            low_level::pipe::register(signal, written.try_clone()?)?;
        }
        // A terminal that goes away stops nothing half way.
        flag::register(SIGHUP, Arc::new(AtomicBool::new(false)))?;
        let interrupts = Self { came, readable: Arc::new(readable) };
        let watched = interrupts.clone();
        thread::spawn(move || watched.tell(&wakes));
        Ok(interrupts)
    }

    /// Whether one came.
    pub fn came(&self) -> bool {
        self.came.load(Ordering::SeqCst)
    }

    fn tell(&self, wakes: &Wakes) {
        let mut polled = [PollFd::new(&*self.readable, PollFlags::IN)];
        // What fails is begun again: a signal handler ran in this thread.
        while poll(&mut polled, None).is_err() {}
        wakes.push(Wake::Interrupted);
    }
}

impl AsFd for Interrupts {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.readable.as_fd()
    }
}
