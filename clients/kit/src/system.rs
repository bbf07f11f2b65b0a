//! Busy work, the wall clock, and the memory of this process.

use nix::unistd::{SysconfVar, sysconf};
use std::fs;

/// Keeps this thread's CPU busy until `ns` nanoseconds of the clock have passed.
///
/// Time in which the thread is preempted counts, as it does for a page that waits for a
/// frame.
#[inline]
pub fn spin_ns(ns: u64) {
    let end_ns = tick::clock::now_ns().saturating_add(ns);
    while tick::clock::now_ns() < end_ns {
        std::hint::spin_loop();
    }
}

/// The wall clock in whole ms since the Unix epoch, for clients that imitate an application
/// that takes latencies by it. No measurement uses it.
#[must_use]
pub fn unix_ms() -> i64 {
    (tick::clock::now_ns() as i64 + tick::clock::unix_offset_ns()).div_euclid(1_000_000)
}

/// The resident memory of this process in bytes, from `/proc/self/statm`.
///
/// # Errors
/// When there is no such file, or it has not the format of proc(5).
pub fn resident_bytes() -> std::io::Result<u64> {
    let statm = fs::read_to_string("/proc/self/statm")?;
    let pages = statm.split(' ').nth(1).and_then(|field| field.parse::<u64>().ok());
    let page_bytes = sysconf(SysconfVar::PAGE_SIZE)?.and_then(|n| u64::try_from(n).ok());
    match (pages, page_bytes) {
        (Some(pages), Some(page_bytes)) => Ok(pages * page_bytes),
        _ => Err(std::io::Error::new(
            std::io::ErrorKind::InvalidData,
            "/proc/self/statm has an unknown format",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spinning_takes_at_least_its_time() {
        let start_ns = tick::clock::now_ns();
        spin_ns(50_000);
        assert!(tick::clock::now_ns() >= start_ns + 50_000);
    }

    #[test]
    fn memory_grows_by_what_is_written_to() {
        let before = resident_bytes().unwrap();
        let block = std::hint::black_box(vec![1u8; 64 << 20]);
        let grown = resident_bytes().unwrap().saturating_sub(before);
        assert!(grown >= 48 << 20, "{grown} bytes for {}", block.len());
    }
}
