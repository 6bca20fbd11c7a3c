//! The clock that only goes forward, as systemd uses it for its times.

#![expect(clippy::disallowed_methods, reason = "the kernel tells in a file when a process began")]

use std::time::Duration;

use rustix::time::{ClockId, Timespec, clock_gettime};

/// The time since this machine was started.
pub fn now() -> Duration {
    of(clock_gettime(ClockId::Monotonic))
}

fn of(time: Timespec) -> Duration {
    let seconds = u64::try_from(time.tv_sec).unwrap_or(0);
    Duration::new(seconds, u32::try_from(time.tv_nsec).unwrap_or(0))
}

/// How long ago a process began, where that is known.
pub fn age_of_process(number: u32) -> Option<Duration> {
    let stat = std::fs::read_to_string(format!("/proc/{number}/stat")).ok()?;
    // The name stands in brackets and may hold anything; what is looked for is the 22nd field.
    let ticks: u64 = stat.rsplit(')').next()?.split_whitespace().nth(19)?.parse().ok()?;
    let milliseconds = ticks.checked_mul(1000)? / rustix::param::clock_ticks_per_second();
    let since_boot = of(clock_gettime(ClockId::Boottime));
    Some(since_boot.saturating_sub(Duration::from_millis(milliseconds)))
}

/// The time of day of a moment of [`now`], in microseconds since 1970.
pub fn wall_time_of(moment: Duration) -> u64 {
    let wall = of(clock_gettime(ClockId::Realtime));
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
