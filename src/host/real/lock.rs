//! A lock on a file, which the kernel gives back when its holder ends, however that ends.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, poll};
use rustix::fs::OFlags;

use super::super::change::{Held, LockError};
use super::interrupts::Interrupts;
use super::{clock, fault};

/// How long a lock may be held by who only looks whether it is.
const LOOK: Duration = Duration::from_millis(50);

/// The open file is the lock. It is closed in every program that this process starts.
struct Lock {
    _file: File,
}

impl Held for Lock {}

/// Takes the lock of a file, which is made where it is missing and never taken away: a file with
/// the same name would be another lock. An interrupt ends the wait for it.
pub fn take(
    path: &Path,
    wait: Duration,
    interrupts: Option<&Interrupts>,
) -> Result<Box<dyn Held>, LockError> {
    let refused = |error: &_| LockError::Fault(fault::at("lock", path, error));
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false).mode(0o600);
    options.custom_flags(OFlags::NOFOLLOW.bits().cast_signed());
    let file = options.open(path).map_err(|error| refused(&error))?;
    match file.try_lock() {
        Ok(()) => return Ok(Box::new(Lock { _file: file })),
        Err(TryLockError::WouldBlock) => {}
        Err(TryLockError::Error(error)) => return Err(refused(&error)),
    }
    let (sender, taken) = mpsc::channel();
    let (ended, end) = UnixStream::pair().map_err(|error| refused(&error))?;
    thread::spawn(move || {
        let locked = file.lock();
        // Where nobody waits any more, the file is closed here and with it the lock is free.
        let _nobody_waits = sender.send(locked.map(|()| Lock { _file: file }));
        // Who waits reads the end of this.
        drop(end);
    });
    let until = clock::now().saturating_add(wait.max(LOOK));
    loop {
        let mut polled = vec![PollFd::new(&ended, PollFlags::IN)];
        polled.extend(interrupts.map(|came| PollFd::new(came, PollFlags::IN)));
        // What fails is begun again: a signal handler ran in this thread.
        let _waited = poll(&mut polled, Some(&clock::left_for_kernel(until)));
        match taken.try_recv() {
            Ok(locked) => return Ok(Box::new(locked.map_err(|error| refused(&error))?)),
            Err(_) if interrupts.is_some_and(Interrupts::came) => {
                return Err(refused(&io::Error::other("somebody asked to stop")));
            }
            Err(_) if clock::left(until).is_zero() => return Err(LockError::Held),
            Err(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    #![expect(clippy::disallowed_methods, reason = "programs are started to be waited for")]

    use super::*;
    use std::io::Read;
    use std::process::{Command, Stdio};
    use std::time::Instant;

    const LONG: Duration = Duration::from_secs(20);

    fn is_held(taken: &Result<Box<dyn Held>, LockError>) -> bool {
        matches!(taken, Err(LockError::Held))
    }

    #[test]
    fn one_holder_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let lock = take(&path, Duration::ZERO, None).unwrap();
        assert!(is_held(&take(&path, Duration::ZERO, None)));
        assert!(is_held(&take(&path, Duration::from_millis(50), None)));
        // What this process starts does not go on holding it.
        let mut child = Command::new("sleep").arg("20").spawn().unwrap();
        thread::scope(|scope| {
            let waiting = scope.spawn(|| take(&path, LONG, None).map(|_| Instant::now()));
            thread::sleep(Duration::from_millis(50));
            let given_back = Instant::now();
            drop(lock);
            let taken = waiting.join().unwrap().unwrap();
            assert!(taken >= given_back);
        });
        child.kill().unwrap();
        child.wait().unwrap();
        drop(take(&path, LONG, None).unwrap());
        assert!(path.exists());
    }

    #[test]
    fn who_only_looks_is_in_nobodys_way() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let look = take(&path, Duration::ZERO, None).unwrap();
        thread::scope(|scope| {
            let taking = scope.spawn(|| take(&path, Duration::ZERO, None).map(drop));
            thread::sleep(Duration::from_millis(1));
            drop(look);
            assert!(taking.join().unwrap().is_ok());
        });
    }

    #[test]
    fn a_holder_that_is_killed_holds_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let mut holder = Command::new("flock");
        holder.arg("--no-fork").arg(&path).args(["sh", "-c", "echo; exec sleep 60"]);
        let mut holder = holder.stdout(Stdio::piped()).spawn().unwrap();
        holder.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
        assert!(is_held(&take(&path, Duration::ZERO, None)));
        holder.kill().unwrap();
        holder.wait().unwrap();
        take(&path, LONG, None).unwrap();
    }
}
