//! Where an engine stores its snapshots for other threads: atomics, written without ever
//! waiting, and read as one instant.

use crate::connection::end::EndReason;
use crate::engine::lateness::BUCKETS;
use crate::metrics::snapshot::{Class, Snapshot};
use std::sync::atomic::{AtomicU64, Ordering, fence};

/// How many figures a snapshot has.
const FIGURES: usize = 11 + EndReason::ALL.len() + 3 * Class::ALL.len() + BUCKETS + 1;

/// The newest snapshot of one engine. One thread stores, any number load: a sequence lock
/// (Boehm, *Can seqlocks get along with programming language memory models?*, MSPC 2012,
/// figure 6), in which the writer never waits.
#[derive(Debug)]
pub struct Gauges {
    /// Odd while a snapshot is being stored.
    version: AtomicU64,
    figures: [AtomicU64; FIGURES],
}

impl Default for Gauges {
    fn default() -> Self {
        Self { version: AtomicU64::new(0), figures: [const { AtomicU64::new(0) }; FIGURES] }
    }
}

impl Gauges {
    /// Stores a snapshot. To be called by one thread only.
    pub fn store(&self, snapshot: &Snapshot) {
        let mut snapshot = *snapshot;
        let version = self.version.load(Ordering::Relaxed);
        self.version.store(version + 1, Ordering::Relaxed);
        fence(Ordering::Release);
        for (stored, figure) in self.figures.iter().zip(snapshot.figures()) {
            stored.store(*figure, Ordering::Relaxed);
        }
        self.version.store(version + 2, Ordering::Release);
    }

    /// The newest snapshot.
    #[must_use]
    pub fn load(&self) -> Snapshot {
        let mut snapshot = Snapshot::default();
        loop {
            let version = self.version.load(Ordering::Acquire);
            for (stored, figure) in self.figures.iter().zip(snapshot.figures()) {
                *figure = stored.load(Ordering::Relaxed);
            }
            fence(Ordering::Acquire);
            if version.is_multiple_of(2) && self.version.load(Ordering::Relaxed) == version {
                return snapshot;
            }
            // The engine may have been preempted within `store`.
            std::thread::yield_now();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicBool;

    /// A snapshot whose figures are all different, and follow from `n`.
    fn numbered(n: u64) -> Snapshot {
        let mut snapshot = Snapshot::default();
        for (figure, place) in snapshot.figures().zip(0..) {
            *figure = n * 1000 + place;
        }
        snapshot
    }

    #[test]
    fn every_figure_is_stored() {
        assert_eq!(Snapshot::default().figures().count(), FIGURES);
        let gauges = Gauges::default();
        gauges.store(&numbered(7));
        assert_eq!(gauges.load(), numbered(7));
    }

    #[test]
    fn the_sum_of_engines_has_the_ticks_of_one_market() {
        let mut sum = numbered(2);
        sum.add(numbered(5));
        assert_eq!(sum.generated, 5000);
        assert_eq!(sum.offered, 7002);
        assert_eq!(sum.lateness.sum_ns, 7000 + 2 * (FIGURES as u64 - 1));
    }

    #[test]
    fn a_snapshot_never_mixes_two_instants() {
        let (gauges, done) = (Gauges::default(), AtomicBool::new(false));
        gauges.store(&numbered(0));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for n in 1..50_000 {
                    gauges.store(&numbered(n));
                }
                done.store(true, Ordering::Relaxed);
            });
            let mut last = 0;
            while !done.load(Ordering::Relaxed) {
                let snapshot = gauges.load();
                let n = snapshot.generated / 1000;
                assert_eq!(snapshot, numbered(n));
                assert!(n >= last);
                last = n;
            }
        });
        assert_eq!(gauges.load(), numbered(49_999));
    }
}
