//! Which load is offered: the words of a plan. When each tick of it is due
//! is the [`crate::Timetable`]'s to say.

use serde::{Deserialize, Serialize};

/// The offered load. Open-loop but for the flood: each tick has a due time
/// that depends on its seq alone, which server and harness compute alike.
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
    /// Periods that begin with a burst and go on with a base rate.
    Burst {
        /// Ticks per second between bursts.
        base_per_s: u64,
        /// Ticks per second within a burst.
        burst_per_s: u64,
        /// From the beginning of one burst to that of the next.
        period_ns: u64,
        /// How long a burst lasts; less than the period.
        length_ns: u64,
    },
    /// A rate that rises (or falls) evenly, then stays.
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
        /// Of the gaps.
        seed: u64,
    },
    /// The gaps of a recorded market, over and over.
    Replay {
        /// Ticks of the recording.
        ticks: u64,
        /// From its first tick to the first of its next run through.
        span_ns: u64,
    },
}

impl Schedule {
    /// About how many ticks a load of `duration_ns` has, within a few per
    /// cent: what memory to set aside. `None` under flood, where the clients
    /// decide.
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
                // The load may end just behind a burst.
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

    /// Whether the offered rate is the same all the time, apart from chance: only
    /// then there is a steady state to wait for.
    #[must_use]
    pub fn is_stationary(&self) -> bool {
        matches!(self, Self::Rate { .. } | Self::Poisson { .. } | Self::Flood)
    }

    /// Whether it can be carried out, in words that name the key.
    ///
    /// # Errors
    /// What is wrong.
    pub fn check(&self) -> Result<(), String> {
        let rate = |key: &str, n: u64| match n {
            1..=100_000_000 => Ok(()),
            _ => Err(format!("{key}: {n} is not between 1 and 100000000")),
        };
        let time = |key: &str, ns: u64| match ns {
            1_000..=86_400_000_000_000 => Ok(()),
            _ => Err(format!("{key}: {ns} ns is not between a microsecond and a day")),
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
                let [bursting, quiet] = crate::burst::ticks(self);
                match length_ns < period_ns && bursting > 0 && quiet > 0 {
                    true => Ok(()),
                    false => Err("a burst has to be shorter than its period, and both burst and rest need a tick at least".into()),
                }
            }
            Self::Ramp { from_per_s, to_per_s, over_ns } => {
                rate("from_per_s", from_per_s)?;
                rate("to_per_s", to_per_s)?;
                time("over_ns", over_ns)
            }
            Self::Replay { ticks, span_ns } => match ticks > 0 && span_ns > 0 {
                true => Ok(()),
                false => Err("a replay without ticks, or of no length".into()),
            },
        }
    }
}
