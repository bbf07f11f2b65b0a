//! The pacing of the older benchmark, after its description: a timer for each message, a
//! timer for each batch, or a loop that sends as many messages as the elapsed time requires;
//! and one message that is repeated for a millisecond.

use clap::ValueEnum;
use tick::Schedule;

/// How long a message is repeated before it is made anew, in ns.
const CACHED_NS: u64 = 1_000_000;
/// The shortest timer of Node.js, in ns.
const MILLISECOND_NS: u64 = 1_000_000;
/// The highest rate with a timer for each message, in ticks per second.
const SINGLE_PER_S: u64 = 1_000;
/// The highest rate with a batch every millisecond, in ticks per second.
const BATCH_PER_S: u64 = 10_000;

/// How the server decides when to send what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum Style {
    /// Each tick at its due time, with its own content.
    #[default]
    Schedule,
    /// Like the server of the older benchmark.
    Classic,
}

/// The three modes of the older server, and its flood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// `ticks` ticks whenever a timer with this period fires.
    Timer { period_ns: u64, ticks: u64 },
    /// In each step, as many ticks as the time since the start requires.
    Elapsed { rate_per_s: u64 },
    /// As many ticks as the connection takes.
    Flood,
}

/// What the older server would send, and when.
#[derive(Debug, Clone)]
pub struct Classic {
    mode: Mode,
    start_ns: u64,
    next_ns: u64,
    /// The seq whose content is repeated, and when it was made.
    cached: Option<(u64, u64)>,
    /// The seqs at which a message was made anew.
    fresh: Vec<u64>,
}

/// A load that the older server did not have.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "the classic style supports a fixed rate and a flood only: choose another workload, or leave --style out"
)]
pub struct UnsupportedLoad;

impl Classic {
    /// The pacing of a load that begins at `start_ns`.
    ///
    /// # Errors
    /// A load that the older server did not have.
    pub fn new(schedule: Schedule, start_ns: u64) -> Result<Self, UnsupportedLoad> {
        let mode = match schedule {
            Schedule::Flood => Mode::Flood,
            // setInterval rounds its period down to whole milliseconds, and up to one.
            Schedule::Rate { rate_per_s: rate @ 1..=SINGLE_PER_S } => {
                Mode::Timer { period_ns: 1_000 / rate * MILLISECOND_NS, ticks: 1 }
            }
            Schedule::Rate { rate_per_s: rate @ ..=BATCH_PER_S } => {
                Mode::Timer { period_ns: MILLISECOND_NS, ticks: rate.div_ceil(1_000) }
            }
            Schedule::Rate { rate_per_s } => Mode::Elapsed { rate_per_s },
            _ => return Err(UnsupportedLoad),
        };
        let next_ns = match mode {
            // The first call of a setInterval comes after one period.
            Mode::Timer { period_ns, .. } => start_ns + period_ns,
            Mode::Elapsed { .. } | Mode::Flood => start_ns,
        };
        Ok(Self { mode, start_ns, next_ns, cached: None, fresh: Vec::new() })
    }

    /// How many ticks are to be made at `now`, after `made` ticks; `None`: as many as the
    /// connection takes.
    pub fn count(&mut self, now: u64, made: u64) -> Option<u64> {
        match self.mode {
            Mode::Flood => None,
            Mode::Elapsed { rate_per_s } => {
                let required = u128::from(now - self.start_ns) * u128::from(rate_per_s);
                Some(((required / 1_000_000_000) as u64).saturating_sub(made))
            }
            Mode::Timer { .. } if now < self.next_ns => Some(0),
            Mode::Timer { period_ns, ticks } => {
                // Node.js starts a timer again when it has fired: lateness adds up.
                self.next_ns = now + period_ns;
                Some(ticks)
            }
        }
    }

    /// When the next ticks are to be made; a time in the past: at once.
    #[must_use]
    pub fn next_ns(&self) -> u64 {
        self.next_ns
    }

    /// The content of tick `seq`, sent at `now`: the seq that it has the content of, and when
    /// that was made.
    pub fn message(&mut self, seq: u64, now: u64) -> (u64, u64) {
        match self.cached {
            Some(cached) if now - cached.1 < CACHED_NS => cached,
            _ => {
                self.fresh.push(seq);
                *self.cached.insert((seq, now))
            }
        }
    }

    /// The seqs at which a message was made anew.
    #[must_use]
    pub fn fresh(&self) -> &[u64] {
        &self.fresh
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(rate_per_s: u64) -> Classic {
        Classic::new(Schedule::Rate { rate_per_s }, 0).unwrap()
    }

    #[test]
    fn the_rate_decides_the_mode() {
        let timer = |period_ms: u64, ticks| Mode::Timer { period_ns: period_ms * 1_000_000, ticks };
        for (rate, mode) in [
            (1, timer(1000, 1)),
            (300, timer(3, 1)),
            (999, timer(1, 1)),
            (1_000, timer(1, 1)),
            (1_001, timer(1, 2)),
            (9_999, timer(1, 10)),
            (10_000, timer(1, 10)),
            (10_001, Mode::Elapsed { rate_per_s: 10_001 }),
        ] {
            assert_eq!(of(rate).mode, mode, "{rate}");
        }
        let poisson = Schedule::Poisson { rate_per_s: 5, seed: 1 };
        assert_eq!(Classic::new(poisson, 0).unwrap_err(), UnsupportedLoad);
    }

    #[test]
    fn a_timer_starts_again_when_it_has_fired() {
        let mut batches = of(5_000);
        assert_eq!(batches.count(999_999, 0), Some(0));
        assert_eq!(batches.count(1_000_000, 0), Some(5));
        // Half a millisecond late, and so is everything after it.
        assert_eq!(batches.count(2_500_000, 5), Some(5));
        assert_eq!(batches.next_ns(), 3_500_000);
        assert_eq!(batches.count(3_400_000, 10), Some(0));
        assert_eq!(batches.count(9_000_000, 10), Some(5), "missed ticks are not made later");
    }

    #[test]
    fn the_loop_makes_every_tick_of_the_elapsed_time() {
        let mut elapsed = of(500_000);
        assert_eq!(elapsed.count(0, 0), Some(0));
        assert_eq!(elapsed.count(10_000, 0), Some(5));
        assert_eq!(elapsed.count(10_000, 5), Some(0));
        assert_eq!(elapsed.count(1_000_000_000, 5), Some(499_995));
    }

    #[test]
    fn a_message_is_made_anew_after_a_millisecond() {
        let mut classic = of(500_000);
        assert_eq!(classic.message(0, 100), (0, 100));
        assert_eq!(classic.message(7, 1_000_099), (0, 100));
        assert_eq!(classic.message(8, 1_000_100), (8, 1_000_100));
        assert_eq!(classic.fresh(), [0, 8]);
    }
}
