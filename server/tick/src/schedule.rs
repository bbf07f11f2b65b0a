//! Which load is offered, as a plan describes it. When each of its ticks is due, a
//! [`crate::Timetable`] computes.

use crate::burst::Bursts;
use serde::{Deserialize, Serialize};
use std::ops::RangeInclusive;

/// Ticks per second that a load may have.
const RATES_PER_S: RangeInclusive<u64> = 1..=100_000_000;
/// How long the parts of a load may be: a microsecond to a day.
const TIMES_NS: RangeInclusive<u64> = 1_000..=86_400_000_000_000;

/// The offered load. Open-loop except for the flood: each tick has a due time that
/// depends on its seq alone, and that server and harness compute alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Schedule {
    /// Tick n is due `floor(n * 10^9 / rate_per_s)` ns after the start.
    Rate {
        /// Ticks per second, at least 1.
        rate_per_s: u64,
    },
    /// A tick is always ready, and the back-pressure of the connection sets the pace. A
    /// tick is due when it is made.
    Flood,
    /// Periods that begin with a burst and continue at a base rate.
    Burst {
        /// Ticks per second between bursts.
        base_per_s: u64,
        /// Ticks per second within a burst.
        burst_per_s: u64,
        /// From the beginning of one burst to the beginning of the next.
        period_ns: u64,
        /// How long a burst lasts; less than the period.
        length_ns: u64,
    },
    /// A rate that rises or falls linearly, then stays.
    Ramp {
        /// Ticks per second at the start.
        from_per_s: u64,
        /// Ticks per second at the end of the ramp, and from then on.
        to_per_s: u64,
        /// How long the ramp takes.
        over_ns: u64,
    },
    /// A Poisson process: independent, exponentially distributed gaps.
    Poisson {
        /// Mean ticks per second.
        rate_per_s: u64,
        /// The seed of the gaps.
        seed: u64,
    },
    /// The gaps of a recorded market, repeated.
    Replay {
        /// Ticks of the recording.
        ticks: u64,
        /// From its first tick to the first tick of its next run.
        span_ns: u64,
    },
}

/// Why a load cannot be carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// A rate of 0, or one that is too high.
    #[error("{key}: {rate_per_s} is not between {} and {}", RATES_PER_S.start(), RATES_PER_S.end())]
    Rate {
        /// The key that has it.
        key: &'static str,
        /// In ticks per second.
        rate_per_s: u64,
    },
    /// A time that is too short or too long.
    #[error("{key}: {ns} ns is not between a microsecond and a day")]
    Time {
        /// The key that has it.
        key: &'static str,
        /// The time.
        ns: u64,
    },
    /// A burst or the rest of its period without a tick.
    #[error(
        "a burst has to be shorter than its period, and both the burst and the rest need at least one tick"
    )]
    Burst,
    /// A recording without ticks, or of no length.
    #[error("a replay needs a recording with ticks and a length above 0 ns")]
    Replay,
}

impl Schedule {
    /// An estimate of the ticks of a load of `duration_ns`, within a few per cent, for
    /// reserving memory. `None` under a flood, in which the clients decide.
    #[must_use]
    pub fn about_ticks(&self, duration_ns: u64) -> Option<u64> {
        let seconds = duration_ns as f64 / 1e9;
        let ticks = match *self {
            Self::Flood => return None,
            Self::Rate { rate_per_s } | Self::Poisson { rate_per_s, .. } => {
                rate_per_s as f64 * seconds
            }
            Self::Burst { base_per_s, burst_per_s, period_ns, length_ns } => {
                let share = length_ns as f64 / period_ns as f64;
                let mean = burst_per_s as f64 * share + base_per_s as f64 * (1.0 - share);
                // The load may end right after a burst.
                mean * seconds + burst_per_s as f64 * length_ns as f64 / 1e9
            }
            Self::Ramp { from_per_s, to_per_s, .. } => from_per_s.max(to_per_s) as f64 * seconds,
            Self::Replay { ticks, span_ns } => {
                (duration_ns as f64 / span_ns.max(1) as f64 + 1.0).ceil() * ticks as f64
            }
        };
        Some((ticks as u64).saturating_add(1))
    }

    /// Whether each tick has a due time.
    #[must_use]
    pub fn is_open_loop(&self) -> bool {
        *self != Self::Flood
    }

    /// Whether the offered rate is constant apart from chance: only then is there a steady
    /// state to wait for.
    #[must_use]
    pub fn is_stationary(&self) -> bool {
        matches!(self, Self::Rate { .. } | Self::Poisson { .. } | Self::Flood)
    }

    /// Checks that it can be carried out.
    ///
    /// # Errors
    /// The first key that is wrong.
    pub fn check(&self) -> Result<(), ScheduleError> {
        let rate = |key, rate_per_s| match RATES_PER_S.contains(&rate_per_s) {
            true => Ok(()),
            false => Err(ScheduleError::Rate { key, rate_per_s }),
        };
        let time = |key, ns| match TIMES_NS.contains(&ns) {
            true => Ok(()),
            false => Err(ScheduleError::Time { key, ns }),
        };
        match *self {
            Self::Flood => Ok(()),
            Self::Rate { rate_per_s } | Self::Poisson { rate_per_s, .. } => {
                rate("rate_per_s", rate_per_s)
            }
            Self::Burst { base_per_s, burst_per_s, period_ns, length_ns } => {
                rate("base_per_s", base_per_s)?;
                rate("burst_per_s", burst_per_s)?;
                time("period_ns", period_ns)?;
                time("length_ns", length_ns)?;
                let sound = length_ns < period_ns
                    && Bursts::new(base_per_s, burst_per_s, period_ns, length_ns).has_ticks();
                match sound {
                    true => Ok(()),
                    false => Err(ScheduleError::Burst),
                }
            }
            Self::Ramp { from_per_s, to_per_s, over_ns } => {
                rate("from_per_s", from_per_s)?;
                rate("to_per_s", to_per_s)?;
                time("over_ns", over_ns)
            }
            Self::Replay { ticks, span_ns } => match ticks > 0 && span_ns > 0 {
                true => Ok(()),
                false => Err(ScheduleError::Replay),
            },
        }
    }
}
