//! The tail of a row: quantiles of the ticks of all its rounds together, with their confidence
//! intervals. Pure.

use crate::analysis::round::latency::tail::Tail;
use crate::analysis::round::measure::Measurement;
use crate::analysis::statistics::inference::Interval;
use crate::analysis::statistics::times::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use statrs::distribution::{Binomial, DiscreteCDF};
use std::fmt;

/// A quantile is shown only with so many ticks beyond it.
const LEAST_BEYOND: f64 = 10.0;

/// Quantiles of the response times of all rounds behind a row together.
#[derive(Debug, Clone, Copy, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct PooledTail {
    /// Of so many ticks.
    pub samples: usize,
    /// 99.9 % took less.
    pub p999: TailQuantile,
    /// 99.99 % took less.
    pub p9999: TailQuantile,
    /// The longest.
    pub max: Time,
}

/// A quantile far in the tail, as far as there are enough ticks beyond it.
#[derive(Debug, Clone, Copy, Default, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct TailQuantile {
    /// In ns, or a lower bound of it; `None`: too few ticks.
    pub time: Option<Time>,
    /// Its 95 % confidence interval, from order statistics; of a lower bound, one of lower
    /// bounds. `None` where its upper end lies beyond the longest tick.
    pub interval_ns: Option<Interval>,
    /// What it would take to have enough ticks; `None`: there are enough.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs: Option<Needs>,
}

/// How long a run a quantile needs.
#[derive(Debug, Clone, Copy, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Needs {
    /// Rounds like those behind the row: a round has the same number of samples, however long.
    pub rounds: usize,
    /// Their measured windows together, in s.
    pub measured_s: f64,
}

impl fmt::Display for Needs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "needs {} rounds, {:.0} s measured", self.rounds, self.measured_s)
    }
}

impl PooledTail {
    /// From the rounds behind a row; `None` where they have none.
    #[must_use]
    pub fn of(rounds: &[&Measurement]) -> Option<Self> {
        let with_tail = rounds.iter().filter_map(|m| Some((m.tail.as_ref()?, window_s(m)?)));
        let (tails, seconds): (Vec<&Tail>, Vec<f64>) = with_tail.unzip();
        let pool = Pool::new(&tails)?;
        let each_s = seconds.iter().sum::<f64>() / seconds.len() as f64;
        let quantile = |beyond: f64| pool.quantile(beyond, each_s);
        let max = pool.time(1)?;
        Some(Self { samples: pool.samples, p999: quantile(1e-3), p9999: quantile(1e-4), max })
    }
}

fn window_s(m: &Measurement) -> Option<f64> {
    Some(m.window_to_ns?.saturating_sub(m.window_from_ns) as f64 / 1e9)
}

/// The longest ticks of all rounds.
struct Pool {
    rounds: usize,
    samples: usize,
    /// Descending.
    longest_ns: Vec<u64>,
    /// Ticks below this are not known one by one: some round has not kept them.
    known_from_ns: u64,
    /// From here on, ticks still waited.
    least_waiting_ns: u64,
}

impl Pool {
    fn new(tails: &[&Tail]) -> Option<Self> {
        let samples = tails.iter().fold(0usize, |sum, tail| sum.saturating_add(tail.samples));
        let mut longest_ns: Vec<u64> =
            tails.iter().flat_map(|tail| tail.longest_ns.iter().copied()).collect();
        longest_ns.sort_unstable_by(|a, b| b.cmp(a));
        let cut = tails.iter().filter(|tail| !tail.is_whole());
        let known_from_ns = cut.filter_map(|tail| tail.longest_ns.last()).max().copied();
        let waiting = tails.iter().filter_map(|tail| tail.least_waiting_ns).min();
        (!longest_ns.is_empty()).then(|| Self {
            rounds: tails.len(),
            samples,
            longest_ns,
            known_from_ns: known_from_ns.unwrap_or(0),
            least_waiting_ns: waiting.unwrap_or(u64::MAX),
        })
    }

    /// The time that so many ticks reach or exceed, itself included. Of times that a round has
    /// not kept, those that are known are a lower bound.
    fn time(&self, from_longest: usize) -> Option<Time> {
        let ns = *self.longest_ns.get(from_longest.checked_sub(1)?)?;
        let is_exact = ns >= self.known_from_ns && ns < self.least_waiting_ns;
        Some(if is_exact { Time::Exact(ns) } else { Time::AtLeast { at_least: ns } })
    }

    /// The quantile with this share of the ticks beyond it, by nearest rank.
    fn quantile(&self, beyond: f64, each_s: f64) -> TailQuantile {
        let ticks = self.samples as f64;
        if ticks * beyond < LEAST_BEYOND - 1e-9 {
            let least = LEAST_BEYOND / beyond * self.rounds as f64 / ticks;
            let rounds = least.ceil() as usize;
            let needs = Some(Needs { rounds, measured_s: rounds as f64 * each_s });
            return TailQuantile { needs, ..TailQuantile::default() };
        }
        let rank = (ticks * (1.0 - beyond) - 1e-6).ceil() as usize;
        let time = self.time(self.samples - rank + 1);
        TailQuantile { time, interval_ns: self.interval(beyond), needs: None }
    }

    /// The number of ticks beyond the true quantile is binomial, whatever the distribution of the
    /// times is: so two order statistics enclose it with at least 95 % (W. J. Conover, Practical
    /// Nonparametric Statistics, 3rd edition, 1999, section 3.2; H. A. David, H. N. Nagaraja,
    /// Order Statistics, 3rd edition, 2003, section 7.1).
    fn interval(&self, beyond: f64) -> Option<Interval> {
        let binomial = Binomial::new(beyond, self.samples as u64).ok()?;
        // The fewest with at most 2.5 % above them, and the most with at most 2.5 % below.
        let low = binomial.inverse_cdf(0.975) as usize + 1;
        let high = binomial.inverse_cdf(0.025) as usize;
        let bound = |place: usize| Some(self.time(place)?.bound_ns() as f64);
        Some(Interval { low: bound(low)?, high: bound(high)? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rngs::ChaCha8Rng;
    use rand::{RngExt, SeedableRng};

    fn round(times: &[Time]) -> Measurement {
        let responses: Vec<_> = times.iter().map(|time| (0, *time)).collect();
        Measurement {
            window_from_ns: 500_000_000,
            window_to_ns: Some(2_500_000_000),
            tail: Tail::of(&responses),
            ..Measurement::default()
        }
    }

    fn pooled(rounds: &[Measurement]) -> PooledTail {
        PooledTail::of(&rounds.iter().collect::<Vec<_>>()).unwrap()
    }

    /// Three rounds of 20 000 ticks: 1 to 60 000 ns, each in one of them.
    fn rounds() -> Vec<Measurement> {
        let of = |round: u64| (0..20_000).map(move |n| Time::Exact(1 + n * 3 + round));
        (0..3).map(|number| round(&of(number).collect::<Vec<_>>())).collect()
    }

    #[test]
    fn quantiles_are_those_of_all_ticks_together() {
        let found = pooled(&rounds());
        assert_eq!((found.samples, found.max), (60_000, Time::Exact(60_000)));
        assert_eq!(found.p999.time, Some(Time::Exact(59_940)));
        // 60 ticks are beyond it: 45 to 76 of them are with 95 %.
        let interval = found.p999.interval_ns.unwrap();
        assert!((59_923.0..=59_926.0).contains(&interval.low), "{interval:?}");
        assert!((59_954.0..=59_957.0).contains(&interval.high), "{interval:?}");
    }

    #[test]
    fn fewer_than_ten_ticks_beyond_it_give_no_quantile_but_what_it_needs() {
        let found = pooled(&rounds()).p9999;
        assert_eq!((found.time, found.interval_ns), (None, None));
        let needs = found.needs.unwrap();
        assert_eq!((needs.rounds, needs.measured_s), (5, 10.0));
        assert_eq!(needs.to_string(), "needs 5 rounds, 10 s measured");
    }

    #[test]
    fn ticks_that_still_wait_make_bounds() {
        let mut all = rounds();
        all.push(round(&[Time::AtLeast { at_least: 59_000 }; 20]));
        let found = pooled(&all);
        assert!(found.p999.time.unwrap().is_censored() && found.max.is_censored());
    }

    /// All of the slowest ticks are in one round, which has not kept as many.
    #[test]
    fn what_a_round_has_not_kept_makes_a_bound() {
        let slow: Vec<Time> = (0..20_000).map(|n| Time::Exact(1_000_000 + n)).collect();
        let mut all = vec![round(&slow)];
        all.extend((0..9).flat_map(|_| rounds().into_iter().take(1)));
        let found = pooled(&all).p999.time.unwrap();
        assert!(found.is_censored() && found.bound_ns() <= 1_019_800, "{found:?}");
        assert_eq!(PooledTail::of(&[&Measurement::default()]), None);
    }

    /// Of 200 samples of 20 000 log-uniform times, the interval has the true p99.9 in at least
    /// 95 %, within what 200 samples can tell.
    #[test]
    fn intervals_cover_what_they_say() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let truth = 10f64.powf(3.0 + 4.0 * 0.999);
        let covered = (0..200).filter(|_| {
            let times: Vec<Time> = (0..20_000)
                .map(|_| Time::Exact(10f64.powf(3.0 + 4.0 * random.random_range(0.0..1.0)) as u64))
                .collect();
            let interval = pooled(&[round(&times)]).p999.interval_ns.unwrap();
            (interval.low..=interval.high).contains(&truth)
        });
        let covered = covered.count();
        assert!((184..=200).contains(&covered), "{covered} of 200");
    }
}
