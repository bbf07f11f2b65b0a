//! The one clock of the suite: `CLOCK_MONOTONIC`, which is the same for every process of a
//! machine, so that time stamps of server, client and harness can be compared.

use nix::time::{ClockId, clock_gettime};

/// The monotonic clock of this machine, in ns.
///
/// # Panics
/// When the kernel has no monotonic clock, which Linux always has.
#[inline]
#[must_use]
pub fn now_ns() -> u64 {
    read(ClockId::CLOCK_MONOTONIC)
}

/// What to add to a monotonic instant to get nanoseconds since the Unix epoch.
///
/// Only the classic formats need it: their time stamps are wall-clock milliseconds. It is
/// read once at the start, so that a step of the wall clock does not change a run.
#[must_use]
pub fn unix_offset_ns() -> i64 {
    let unix = i128::from(read(ClockId::CLOCK_REALTIME));
    let monotonic = i128::from(now_ns());
    i64::try_from(unix - monotonic).unwrap_or(0)
}

#[inline]
fn read(clock: ClockId) -> u64 {
    let time = clock_gettime(clock).expect("this kernel has the clock");
    time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_never_runs_backwards() {
        let stamps: Vec<u64> = (0..1000).map(|_| now_ns()).collect();
        assert!(stamps.is_sorted());
    }

    #[test]
    fn the_offset_gives_a_time_in_this_century() {
        let unix_s = (now_ns() as i64 + unix_offset_ns()) / 1_000_000_000;
        assert!((946_684_800..4_102_444_800).contains(&unix_s), "{unix_s}");
    }
}
