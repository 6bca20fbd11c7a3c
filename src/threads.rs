//! What threads that work side by side come back with.

use std::panic::resume_unwind;
use std::thread::ScopedJoinHandle;

/// What a thread came to; its panic goes on here.
pub fn joined<T>(thread: ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| resume_unwind(panic))
}

/// The same for what was perhaps not asked.
pub fn joined_or_default<T: Default, E>(
    thread: Option<ScopedJoinHandle<'_, Result<T, E>>>,
) -> Result<T, E> {
    thread.map_or_else(|| Ok(T::default()), joined)
}
