//! The one clock of the suite: `CLOCK_MONOTONIC`, which every process of a
//! machine reads alike, so that stamps of server, client and harness compare.

use nix::time::{ClockId, clock_gettime};

/// Nanoseconds of the machine's monotonic clock.
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
/// Needed by the classic formats only, whose stamps are wall-clock milliseconds.
/// Read once at start, so that a stepped wall clock cannot bend a run.
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
    fn never_runs_backwards() {
        let stamps: Vec<u64> = (0..1000).map(|_| now_ns()).collect();
        assert!(stamps.is_sorted());
    }

    #[test]
    fn offset_leads_to_this_century() {
        let unix_s = (now_ns() as i64 + unix_offset_ns()) / 1_000_000_000;
        assert!((946_684_800..4_102_444_800).contains(&unix_s), "{unix_s}");
    }
}
