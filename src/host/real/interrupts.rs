//! Signals that ask this process to stop: the first is told, the second ends it at once.

use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::{flag, low_level};

use super::super::change::Held;
use super::super::units::Wake;
use super::clock;
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

    /// One that no signal makes come, but who drops what comes with it.
    pub fn by_hand() -> io::Result<(Self, Called)> {
        let (readable, written) = UnixStream::pair()?;
        let came = Arc::new(AtomicBool::new(false));
        let called = Called { came: came.clone(), _closed: written };
        Ok((Self { came, readable: Arc::new(readable) }, called))
    }

    /// Whether one came.
    pub fn came(&self) -> bool {
        self.came.load(Ordering::SeqCst)
    }

    /// Waits for one until a moment of [`clock::now`]; whether it came.
    pub fn wait(&self, until: Duration) -> bool {
        while !self.came() && !clock::left(until).is_zero() {
            let mut polled = [PollFd::new(&*self.readable, PollFlags::IN)];
            // What fails is looked at again, as what ends.
            let _polled = poll(&mut polled, Some(&clock::left_for_kernel(until)));
        }
        self.came()
    }

    fn tell(&self, wakes: &Wakes) {
        let mut polled = [PollFd::new(&*self.readable, PollFlags::IN)];
        // What fails is begun again: a signal handler ran in this thread.
        while poll(&mut polled, None).is_err() {}
        wakes.push(Wake::Interrupted);
    }
}

/// Makes an interrupt come when it is dropped.
#[derive(Debug)]
pub struct Called {
    came: Arc<AtomicBool>,
    /// The other end becomes readable when this one is closed.
    _closed: UnixStream,
}

impl Drop for Called {
    fn drop(&mut self) {
        self.came.store(true, Ordering::SeqCst);
    }
}

impl Held for Called {}

impl AsFd for Interrupts {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.readable.as_fd()
    }
}
