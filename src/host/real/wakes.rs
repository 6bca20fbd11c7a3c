//! What happened and was not told yet: the end of jobs, changes of units, an interrupt.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::super::change::Fault;
use super::super::units::Wake;
use super::clock;

/// A queue that threads fill and one waits for.
#[derive(Debug, Default)]
pub struct Wakes {
    queue: Mutex<Queue>,
    news: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    wakes: VecDeque<Wake>,
    /// The units in `wakes` that changed: a unit that changes all the time is there once.
    changed: BTreeSet<String>,
    /// Why nothing more can come.
    end: Option<Fault>,
}

impl Wakes {
    /// Adds what happened.
    pub fn push(&self, wake: Wake) {
        let mut queue = self.lock();
        if let Wake::Changed(unit) = &wake
            && !queue.changed.insert(unit.clone())
        {
            return;
        }
        queue.wakes.push_back(wake);
        drop(queue);
        self.news.notify_one();
    }

    /// Says that nothing more can come.
    pub fn end(&self, why: Fault) {
        self.lock().end = Some(why);
        self.news.notify_all();
    }

    /// The next that happened, or that the time is up.
    pub fn wait(&self, until: Duration) -> Result<Wake, Fault> {
        let mut queue = self.lock();
        loop {
            if let Some(wake) = queue.wakes.pop_front() {
                if let Wake::Changed(unit) = &wake {
                    queue.changed.remove(unit);
                }
                return Ok(wake);
            }
            if let Some(why) = &queue.end {
                return Err(why.clone());
            }
            let left = clock::left(until);
            if left.is_zero() {
                return Ok(Wake::TimeUp);
            }
            let waited = self.news.wait_timeout(queue, left);
            queue = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn a_change_is_told_once_until_it_is_taken() {
        let wakes = Wakes::default();
        let changed = || Wake::Changed("web.service".to_owned());
        for wake in [changed(), Wake::Interrupted, changed(), changed()] {
            wakes.push(wake);
        }
        assert_eq!(wakes.wait(Duration::ZERO), Ok(changed()));
        wakes.push(changed());
        assert_eq!(wakes.wait(Duration::ZERO), Ok(Wake::Interrupted));
        assert_eq!(wakes.wait(Duration::ZERO), Ok(changed()));
        assert_eq!(wakes.wait(Duration::ZERO), Ok(Wake::TimeUp));
        let begun = clock::now();
        assert_eq!(wakes.wait(begun + Duration::from_millis(30)), Ok(Wake::TimeUp));
        assert!(clock::now() >= begun + Duration::from_millis(30));
    }

    #[test]
    fn who_waits_is_woken_and_told_of_the_end() {
        let wakes = Arc::new(Wakes::default());
        let pushed = wakes.clone();
        let pushing = std::thread::spawn(move || {
            pushed.push(Wake::Interrupted);
            pushed.end(Fault::other("wait", "the bus is gone"));
        });
        assert_eq!(wakes.wait(clock::now() + LONG), Ok(Wake::Interrupted));
        assert!(wakes.wait(clock::now() + LONG).is_err() && wakes.wait(Duration::ZERO).is_err());
        pushing.join().unwrap();
    }
}
