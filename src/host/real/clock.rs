//! The clock that only goes forward, as systemd uses it for its times.

use std::time::Duration;

use rustix::time::{ClockId, Timespec, clock_gettime};

/// The time since this machine was started.
pub fn now() -> Duration {
    let now = clock_gettime(ClockId::Monotonic);
    let seconds = u64::try_from(now.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(now.tv_nsec).unwrap_or(0))
}

/// The time of day of a moment of [`now`], in microseconds since 1970.
pub fn wall_time_of(moment: Duration) -> u64 {
    let wall = clock_gettime(ClockId::Realtime);
    let wall = u64::try_from(wall.tv_sec).map_or(Duration::ZERO, Duration::from_secs)
        + u64::try_from(wall.tv_nsec).map_or(Duration::ZERO, Duration::from_nanos);
    let time = wall.saturating_sub(now().saturating_sub(moment));
    u64::try_from(time.as_micros()).unwrap_or(0)
}

/// What is left until a moment of [`now`].
pub fn left(until: Duration) -> Duration {
    until.saturating_sub(now())
}

/// The same, as the kernel takes it.
pub fn left_for_kernel(until: Duration) -> Timespec {
    // Rounded up: a wait that ends a moment early would be begun again and again.
    let left = left(until).saturating_add(Duration::from_micros(1));
    Timespec { tv_sec: left.as_secs().cast_signed(), tv_nsec: left.subsec_nanos().into() }
}
