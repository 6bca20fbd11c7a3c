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
