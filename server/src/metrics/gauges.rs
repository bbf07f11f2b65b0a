//! Where an engine leaves its figures for whoever asks: plain atomics, written
//! without ever waiting, read as one instant.

use super::lateness::{BUCKETS, Lateness};
use crate::departure::Reason;
use std::sync::atomic::{AtomicU64, Ordering, fence};

/// How a connection keeps up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Nothing waits for it but what its next write will take.
    Current,
    /// Its socket is full, and something waits.
    Behind,
    /// Its socket is full, and has taken nothing for a second.
    Stalled,
}

impl Class {
    /// All of them, each at the place of its number.
    pub const ALL: [Self; 3] = [Self::Current, Self::Behind, Self::Stalled];

    /// The word that it is counted under.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Behind => "behind",
            Self::Stalled => "stalled",
        }
    }
}

/// The connections of one class, and what waits for them in the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    /// How many there are.
    pub connections: u64,
    /// Ticks that are not wholly written; each counts once for each connection.
    pub ticks: u64,
    /// Bytes of the log that are not written; counted in the same way.
    pub bytes: u64,
}

/// The figures of one engine at one instant. At each,
/// `offered = written + dropped + abandoned + the backlog's ticks`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reading {
    /// Ticks made.
    pub generated: u64,
    /// Ticks made, once for each connection that there was; so all that follow.
    pub offered: u64,
    /// Ticks that the kernel took.
    pub written: u64,
    /// Ticks that the clients' kernels acknowledged.
    pub acknowledged: u64,
    /// Ticks that a pong confirmed.
    pub confirmed: u64,
    /// Ticks that a policy for slow consumers passed over.
    pub dropped: u64,
    /// Ticks that still waited for a connection when it left, was cut off, or chose
    /// symbols that they do not have.
    pub abandoned: u64,
    /// Bytes that the kernel took, control frames included.
    pub written_bytes: u64,
    /// Bytes that the log holds.
    pub log_bytes: u64,
    /// Time that ticks waited while a socket took nothing, in ns.
    pub blocked_ns: u64,
    /// Time spun away, in ns.
    pub spun_ns: u64,
    /// Connections that have left, by [`Reason`].
    pub left: [u64; Reason::ALL.len()],
    /// Connections that stand, by [`Class`].
    pub classes: [Backlog; Class::ALL.len()],
    /// How late ticks were encoded; empty without due times.
    pub lateness: Lateness,
}

impl Reading {
    /// Every figure, always in the same order.
    fn words(&mut self) -> impl Iterator<Item = &mut u64> {
        // Taken apart by name, so that none can be forgotten.
        let Self {
            generated,
            offered,
            written,
            acknowledged,
            confirmed,
            dropped,
            abandoned,
            written_bytes,
            log_bytes,
            blocked_ns,
            spun_ns,
            left,
            classes,
            lateness: Lateness { counts, sum_ns },
        } = self;
        [generated, offered, written, acknowledged, confirmed, dropped, abandoned]
            .into_iter()
            .chain([written_bytes, log_bytes, blocked_ns, spun_ns])
            .chain(left)
            .chain(
                classes
                    .iter_mut()
                    .flat_map(|Backlog { connections, ticks, bytes }| [connections, ticks, bytes]),
            )
            .chain(counts)
            .chain([sum_ns])
    }

    /// Adds what another engine of the same server did.
    pub fn add(&mut self, mut other: Self) {
        // All engines send the same market: as much is made as the first has made.
        let generated = self.generated.max(other.generated);
        for (sum, word) in self.words().zip(other.words()) {
            *sum += *word;
        }
        self.generated = generated;
    }
}

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
