//! What a round takes of memory and of files, so that a long one is known before it starts. Pure.

use super::plan::Timing;
use crate::record::signals::Signals;
use crate::record::snapshot::Snapshot;
use crate::text::units;
use std::fmt;
use std::time::Duration;

/// Snapshots of a round: beyond this number they are further apart.
const MOST_SNAPSHOTS: u64 = 100_000;
/// The step by which they are, in ns: the usual time between two.
const STEP_NS: u64 = 20_000_000;
/// A round is long from this time on, in ns.
const LONG_NS: u64 = 600_000_000_000;
/// CPU times of a snapshot beside its fixed part, in bytes: three lists, for eight CPUs in use.
const LISTS_BYTES: u64 = 3 * 64;
/// A line of the grid, compressed, in bytes; measured: 40.
const LINE_BYTES: u64 = 64;
/// What is saved of one sampled tick, compressed, in bytes; measured: 12 to 20.
const SAMPLE_BYTES: u64 = 32;
/// The line of one sampled tick in a report of server and client, in bytes: a number and up to
/// five stamps.
const REPORT_BYTES: u64 = 6 * 21;

/// From one snapshot to the next, in ns, of a round that lasts so long: `usual_ns`, unless that
/// would be too many.
#[must_use]
pub fn grid_ns(usual_ns: u64, lasts_s: f64) -> u64 {
    let least_ns = (lasts_s.max(0.0) * 1e9) as u64 / MOST_SNAPSHOTS;
    if least_ns <= usual_ns { usual_ns } else { least_ns.next_multiple_of(STEP_NS) }
}

/// The bounds of a long round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RoundSize {
    /// Snapshots.
    pub snapshots: u64,
    /// From one to the next, in ns.
    pub grid_ns: u64,
    /// Memory of the harness, in bytes.
    pub memory_bytes: u64,
    /// Its files, in bytes.
    pub disk_bytes: u64,
    /// The longest report of a child, in bytes.
    pub report_bytes: u64,
}

impl fmt::Display for RoundSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mib = |bytes: u64| bytes.div_ceil(1 << 20);
        write!(
            f,
            "each round has {} snapshots, one every {}, and takes at most {} MiB of memory and {} MiB of disk; reports of server and client are at most {} MiB",
            self.snapshots,
            units::shown_duration(Duration::from_nanos(self.grid_ns)),
            mib(self.memory_bytes),
            mib(self.disk_bytes),
            mib(self.report_bytes),
        )
    }
}

/// The bounds of a round over all its connections; `None`: it is short.
#[must_use]
pub fn of_long_round(timing: &Timing, connections: usize) -> Option<RoundSize> {
    let lasts_ns = timing.warmup_ns + timing.measure_ns;
    let snapshots = lasts_ns / timing.grid_ns.max(1) + 1;
    let connections = connections as u64;
    let each_bytes = if connections > 1 { 8 * connections } else { 0 };
    let fixed_bytes = (size_of::<Snapshot>() + size_of::<Signals>()) as u64;
    let report_bytes = timing.samples * REPORT_BYTES;
    (lasts_ns >= LONG_NS).then_some(RoundSize {
        snapshots,
        grid_ns: timing.grid_ns,
        memory_bytes: snapshots * (fixed_bytes + LISTS_BYTES + each_bytes) + 2 * report_bytes,
        disk_bytes: snapshots * LINE_BYTES + timing.samples * SAMPLE_BYTES,
        report_bytes,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const S: u64 = 1_000_000_000;

    #[test]
    fn a_night_has_a_bounded_number_of_snapshots() {
        assert_eq!(grid_ns(STEP_NS, 2.5), STEP_NS);
        assert_eq!(grid_ns(STEP_NS, 2000.0), STEP_NS);
        assert_eq!(grid_ns(STEP_NS, 28_800.0), 300_000_000);
        let night = |connections| {
            let timing = Timing {
                warmup_ns: 0,
                measure_ns: 28_800 * S,
                grid_ns: grid_ns(STEP_NS, 28_800.0),
                samples: 20_000,
            };
            of_long_round(&timing, connections).unwrap()
        };
        assert_eq!(night(1).snapshots, 96_001);
        assert!(night(1).memory_bytes < 100 << 20 && night(1).disk_bytes < 16 << 20);
        assert!(night(1000).memory_bytes > night(1).memory_bytes + 96_000 * 8000);
    }

    #[test]
    fn short_rounds_are_not_worth_a_word() {
        let timing =
            Timing { warmup_ns: S / 2, measure_ns: 2 * S, grid_ns: STEP_NS, samples: 20_000 };
        assert_eq!(of_long_round(&timing, 1), None);
    }
}
