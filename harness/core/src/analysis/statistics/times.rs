//! Times that may be only lower bounds (right-censored), and their quantiles.

use crate::text::digits::nanos;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A time in ns, or a lower bound for it: a tick that still waits at the stop has
/// waited *at least* that long (right-censored).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, JsonSchema, Serialize, Deserialize,
)]
#[serde(untagged)]
pub enum Time {
    /// Measured.
    Exact(u64),
    /// Not known, but no less than this.
    AtLeast {
        /// The lower bound, in ns.
        at_least: u64,
    },
}

impl fmt::Display for Time {
    /// `1.2 ms`, or `> 1.2 ms` for a lower bound.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let bound = if self.is_censored() { "> " } else { "" };
        write!(f, "{bound}{}", nanos(self.bound_ns()))
    }
}

impl Time {
    /// The time, or its lower bound, in ns.
    #[must_use]
    pub fn bound_ns(self) -> u64 {
        match self {
            Self::Exact(ns) | Self::AtLeast { at_least: ns } => ns,
        }
    }

    /// Whether it is only a lower bound.
    #[must_use]
    pub fn is_censored(self) -> bool {
        matches!(self, Self::AtLeast { .. })
    }

    fn of(ns: u64, censored: bool) -> Self {
        if censored { Self::AtLeast { at_least: ns } } else { Self::Exact(ns) }
    }
}

/// Times in ascending order of their bounds, ready for quantiles.
#[derive(Debug, Clone, Default)]
pub struct Times {
    sorted: Vec<Time>,
    /// The index of the first censored one.
    censored_from: usize,
}

impl Times {
    /// Takes times in any order.
    #[must_use]
    pub fn new(mut times: Vec<Time>) -> Self {
        times.sort_unstable_by_key(|time| (time.bound_ns(), time.is_censored()));
        let censored_from = times.iter().position(|t| t.is_censored()).unwrap_or(times.len());
        Self { sorted: times, censored_from }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.sorted.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }

    /// The quantile by nearest rank, `0 < q <= 1`; `None` without times.
    ///
    /// The quantile of the bounds is a lower bound for the true one. It is exact
    /// if no censored time is at or below it: whatever the censored ones really
    /// are, they are then above it.
    #[must_use]
    pub fn quantile(&self, q: f64) -> Option<Time> {
        let rank = (q * self.sorted.len() as f64).ceil() as usize;
        let index = rank.saturating_sub(1);
        let time = self.sorted.get(index)?;
        Some(Time::of(time.bound_ns(), index >= self.censored_from))
    }

    /// The sum of all bounds in ns.
    #[must_use]
    pub fn sum_ns(&self) -> u128 {
        self.sorted.iter().map(|time| u128::from(time.bound_ns())).sum()
    }
}

/// The quantiles of every latency in the suite, in ns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Quantiles {
    /// Half are below.
    pub p50: Time,
    /// 90 %.
    pub p90: Time,
    /// 99 %.
    pub p99: Time,
    /// 99.9 %.
    pub p999: Time,
    /// The longest.
    pub max: Time,
}

impl Quantiles {
    /// Of these times; `None` without any.
    #[must_use]
    pub fn of(times: &Times) -> Option<Self> {
        Some(Self {
            p50: times.quantile(0.5)?,
            p90: times.quantile(0.9)?,
            p99: times.quantile(0.99)?,
            p999: times.quantile(0.999)?,
            max: times.quantile(1.0)?,
        })
    }

    /// The median over rounds of each of them; `None` without any.
    #[must_use]
    pub fn median(rounds: &[Self]) -> Option<Self> {
        let of =
            |pick: fn(&Self) -> Time| Times::new(rounds.iter().map(pick).collect()).quantile(0.5);
        Some(Self {
            p50: of(|q| q.p50)?,
            p90: of(|q| q.p90)?,
            p99: of(|q| q.p99)?,
            p999: of(|q| q.p999)?,
            max: of(|q| q.max)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn exact(ns: u64) -> Time {
        Time::Exact(ns)
    }

    fn at_least(ns: u64) -> Time {
        Time::AtLeast { at_least: ns }
    }

    #[test]
    fn quantiles_are_nearest_ranks() {
        let times = Times::new((1..=1000).map(exact).collect());
        let q = Quantiles::of(&times).unwrap();
        assert_eq!([q.p50, q.p90, q.p99, q.p999, q.max], [500, 900, 990, 999, 1000].map(exact));
        assert_eq!(Quantiles::of(&Times::default()), None);
    }

    #[test]
    fn waiting_ticks_make_a_quantile_a_bound() {
        // The five waiting ones may turn out to be longer than everything.
        let mut all: Vec<Time> = (1..=95).map(exact).collect();
        all.extend((50..55).map(at_least));
        let q = Times::new(all);
        assert_eq!(q.quantile(0.4), Some(exact(40)));
        assert!(q.quantile(0.9).unwrap().is_censored());
    }

    proptest! {
        #[test]
        fn a_censored_quantile_never_exceeds_the_true_one(
            waits in prop::collection::vec(1..1000u64, 1..60), stop in 1..1000u64, q in 0.01..1.0f64,
        ) {
            // What is longer than `stop` is observed only as "at least stop".
            let seen = waits.iter().map(|&w| if w > stop { at_least(stop) } else { exact(w) });
            let seen = Times::new(seen.collect()).quantile(q).unwrap();
            let truth = Times::new(waits.iter().copied().map(exact).collect()).quantile(q).unwrap();
            prop_assert!(seen.bound_ns() <= truth.bound_ns());
            if !seen.is_censored() {
                prop_assert_eq!(seen, truth);
            }
        }
    }

    #[test]
    fn times_are_numbers_and_bounds_objects_in_json() {
        let json = |time| serde_json::to_string(&time).unwrap();
        assert_eq!(json(exact(5)), "5");
        assert_eq!(json(at_least(5)), r#"{"at_least":5}"#);
    }
}
