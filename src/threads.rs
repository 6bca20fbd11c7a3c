//! Work that is shared by threads, and what threads that work side by side come back with.

use std::hint::black_box;
use std::panic::resume_unwind;
use std::thread::ScopedJoinHandle;

use rayon::iter::{IndexedParallelIterator, IntoParallelRefIterator, ParallelIterator};
use rayon::{ThreadPoolBuilder, current_thread_index, join};

/// How many threads share work at most: each takes time to be made, and there is not so much to do.
const THREADS_MAX: usize = 4;

/// From this number of bytes on, threads share what is to be done with a text.
const LARGE: u64 = 32 << 10;

/// From this number of items on, threads share them.
const MANY: usize = 64;

/// How many items a thread takes at once.
const SHARE: usize = 8;

/// How many bytes of memory the work takes for each byte of its text.
const MEMORY_FACTOR: u64 = 20;

/// How much room is made in a heap at most.
const ROOM_MAX: u64 = 24 << 20;

/// A piece that the allocator takes from its heap, and does not ask the system for by itself.
const PIECE: usize = 120 << 10;

/// How much stack a thread has: as much as the first one has by itself.
const STACK: usize = 8 << 20;

/// Does work on texts of so many bytes; where these are many, as many threads as there are
/// processors share what can be shared.
///
/// They are made at its beginning: one that sleeps is awake in a few microseconds, while a new one
/// may begin milliseconds late.
pub fn sharing<T: Send>(processors: usize, bytes: u64, work: impl FnOnce() -> T + Send) -> T {
    let threads = if bytes < LARGE { 1 } else { processors.min(THREADS_MAX) };
    if threads <= 1 {
        return work();
    }
    let threads = ThreadPoolBuilder::new().num_threads(threads).stack_size(STACK);
    match threads.start_handler(move |_| make_room(bytes)).build() {
        Ok(threads) => threads.install(work),
        Err(_) => work(),
    }
}

/// Lets the heap of a thread grow at once. The C library lets the heap of the first thread grow in
/// large steps, and that of any other by a page, with a call of the system for each (`sysmalloc`).
fn make_room(bytes: u64) {
    let room = bytes.saturating_mul(MEMORY_FACTOR).min(ROOM_MAX);
    let mut pieces: Vec<Vec<u8>> = vec![Vec::new(); usize::try_from(room).unwrap_or(0) / PIECE];
    let taken = pieces.iter_mut().all(|piece| piece.try_reserve_exact(PIECE).is_ok());
    black_box((pieces, taken));
}

/// Whether threads share the work at hand.
pub fn are_there() -> bool {
    current_thread_index().is_some()
}

/// What becomes of each item, in their order.
pub fn each<T: Sync, R: Send>(items: &[T], work: impl Fn(&T) -> R + Send + Sync) -> Vec<R> {
    if are_there() && items.len() >= MANY {
        items.par_iter().with_min_len(SHARE).map(work).collect()
    } else {
        items.iter().map(work).collect()
    }
}

/// What becomes of two things.
pub fn both<A: Send, B: Send>(
    one: impl FnOnce() -> A + Send,
    other: impl FnOnce() -> B + Send,
) -> (A, B) {
    if are_there() { join(one, other) } else { (one(), other()) }
}

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
