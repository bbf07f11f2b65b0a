//! Where an engine leaves its figures for whoever asks: plain atomics, written
//! without ever waiting, read as one instant.

use crate::connection::end::Reason;
use crate::engine::lateness::BUCKETS;
use crate::metrics::snapshot::{Class, Reading};
use std::sync::atomic::{AtomicU64, Ordering, fence};

/// How many figures a reading has.
const WORDS: usize = 11 + Reason::ALL.len() + 3 * Class::ALL.len() + BUCKETS + 1;

/// One engine's figures. One thread stores, any number read: a sequence lock
/// (Boehm, *Can seqlocks get along with programming language memory models?*,
/// MSPC 2012, figure 6), in which the writer never waits.
#[derive(Debug)]
pub struct Gauges {
    /// Odd while a reading is being stored.
    version: AtomicU64,
    words: [AtomicU64; WORDS],
}

impl Default for Gauges {
    fn default() -> Self {
        Self { version: AtomicU64::new(0), words: [const { AtomicU64::new(0) }; WORDS] }
    }
}

impl Gauges {
    /// Shows these figures from now on. For one thread only.
    pub fn store(&self, reading: &Reading) {
        let mut reading = *reading;
        let version = self.version.load(Ordering::Relaxed);
        self.version.store(version + 1, Ordering::Relaxed);
        fence(Ordering::Release);
        for (shown, word) in self.words.iter().zip(reading.words()) {
            shown.store(*word, Ordering::Relaxed);
        }
        self.version.store(version + 2, Ordering::Release);
    }

    /// The figures of one instant.
    #[must_use]
    pub fn load(&self) -> Reading {
        let mut reading = Reading::default();
        loop {
            let version = self.version.load(Ordering::Acquire);
            for (shown, word) in self.words.iter().zip(reading.words()) {
                *word = shown.load(Ordering::Relaxed);
            }
            fence(Ordering::Acquire);
            if version.is_multiple_of(2) && self.version.load(Ordering::Relaxed) == version {
                return reading;
            }
            // The engine may have lost its CPU in the middle.
            std::thread::yield_now();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicBool;

    /// A reading whose figures are all different, and follow from `n`.
    fn counted(n: u64) -> Reading {
        let mut reading = Reading::default();
        for (word, place) in reading.words().zip(0..) {
            *word = n * 1000 + place;
        }
        reading
    }

    #[test]
    fn every_figure_is_shown() {
        assert_eq!(Reading::default().words().count(), WORDS);
        let gauges = Gauges::default();
        gauges.store(&counted(7));
        assert_eq!(gauges.load(), counted(7));
    }

    #[test]
    fn engines_are_added_but_their_market_is_one() {
        let mut sum = counted(2);
        sum.add(counted(5));
        assert_eq!(sum.generated, 5000);
        assert_eq!(sum.offered, 7002);
        assert_eq!(sum.lateness.sum_ns, 7000 + 2 * (WORDS as u64 - 1));
    }

    #[test]
    fn a_reading_is_never_of_two_instants() {
        let (gauges, done) = (Gauges::default(), AtomicBool::new(false));
        gauges.store(&counted(0));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                for n in 1..50_000 {
                    gauges.store(&counted(n));
                }
                done.store(true, Ordering::Relaxed);
            });
            let mut last = 0;
            while !done.load(Ordering::Relaxed) {
                let reading = gauges.load();
                let n = reading.generated / 1000;
                assert_eq!(reading, counted(n));
                assert!(n >= last);
                last = n;
            }
        });
        assert_eq!(gauges.load(), counted(49_999));
    }
}
