//! When each tick is due, in closed form: no drift, no state, the same answer
//! in the server that keeps the schedule and in the harness that checks it.

use serde::{Deserialize, Serialize};

const SECOND_NS: u64 = 1_000_000_000;

/// The offered load.
///
/// All arithmetic is exact for rates up to 18 G/s and for as long as the due
/// offset fits 64 bits (584 years).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Schedule {
    /// Tick n is due `floor(n * 10^9 / rate_per_s)` ns after the start.
    Rate {
        /// Ticks per second, at least 1.
        rate_per_s: u64,
    },
    /// A tick is always ready; the connection's back-pressure sets the pace,
    /// and no tick has a due time but that of its own making.
    Flood,
}

impl Schedule {
    /// When tick `seq` is due, in ns after the start; `None` under flood.
    #[inline]
    #[must_use]
    pub fn due_offset_ns(&self, seq: u64) -> Option<u64> {
        match *self {
            Self::Rate { rate_per_s } => {
                let (seconds, rest) = (seq / rate_per_s, seq % rate_per_s);
                Some(seconds * SECOND_NS + rest * SECOND_NS / rate_per_s)
            }
            Self::Flood => None,
        }
    }

    /// How many ticks are due at `elapsed_ns` after the start (tick 0 is due at
    /// 0, so at least one); `None` under flood.
    #[inline]
    #[must_use]
    pub fn due_count(&self, elapsed_ns: u64) -> Option<u64> {
        match *self {
            Self::Rate { rate_per_s } => {
                // due(n) = floor(n*10^9/rate) <= e  <=>  n < (e+1)*rate/10^9
                let edge = elapsed_ns + 1;
                let (seconds, rest) = (edge / SECOND_NS, edge % SECOND_NS);
                Some(seconds * rate_per_s + (rest * rate_per_s).div_ceil(SECOND_NS))
            }
            Self::Flood => None,
        }
    }

    /// How many ticks a load of `duration_ns` has: those due before its end;
    /// `None` under flood, where the clients decide.
    #[must_use]
    pub fn ticks_within(&self, duration_ns: u64) -> Option<u64> {
        match duration_ns {
            0 => self.due_count(0).map(|_| 0),
            _ => self.due_count(duration_ns - 1),
        }
    }

    /// The offered load in ticks per second; `None` under flood.
    #[must_use]
    pub fn offered_per_s(&self) -> Option<u64> {
        match *self {
            Self::Rate { rate_per_s } => Some(rate_per_s),
            Self::Flood => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATES: [u64; 7] = [1, 3, 997, 100_000, 500_000, 9_999_991, 10_000_000];

    #[test]
    fn equals_the_wide_arithmetic_for_hours() {
        for rate_per_s in RATES {
            let schedule = Schedule::Rate { rate_per_s };
            for seq in [0, 1, 2, 999, 1_000_003, 360_000_000_000, 1 << 40] {
                let wide = u128::from(seq) * 1_000_000_000 / u128::from(rate_per_s);
                if wide > u128::from(u64::MAX) {
                    continue; // beyond the documented 584 years
                }
                assert_eq!(schedule.due_offset_ns(seq).map(u128::from), Some(wide));
            }
        }
    }

    #[test]
    fn count_is_the_inverse_of_due() {
        for rate_per_s in RATES {
            let schedule = Schedule::Rate { rate_per_s };
            for seq in [0, 1, 5, 1234, 77_777_777] {
                let due = schedule.due_offset_ns(seq).unwrap();
                assert!(schedule.due_count(due).unwrap() > seq);
                if due > 0 {
                    assert!(schedule.due_count(due - 1).unwrap() <= seq);
                }
            }
        }
    }

    #[test]
    fn a_load_of_one_second_has_rate_ticks() {
        for rate_per_s in RATES {
            let schedule = Schedule::Rate { rate_per_s };
            assert_eq!(schedule.ticks_within(SECOND_NS), Some(rate_per_s));
            assert_eq!(schedule.ticks_within(0), Some(0));
        }
    }

    #[test]
    fn flood_has_no_due_times() {
        assert_eq!(Schedule::Flood.due_offset_ns(7), None);
        assert_eq!(Schedule::Flood.ticks_within(SECOND_NS), None);
    }
}
