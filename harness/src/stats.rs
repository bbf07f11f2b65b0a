//! The few statistics that the suite needs; pure. Plain medians come from
//! `statrs`; here is what knows about right-censored values and robust slopes.

use serde::{Deserialize, Serialize};
use statrs::statistics::{Data, OrderStatistics};

/// A time in ns, or a lower bound for it: a tick still waiting at the stop has
/// waited *at least* so long (right-censored).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Time {
    /// Measured.
    Exact(u64),
    /// Measured to be no less.
    AtLeast {
        /// The bound.
        at_least: u64,
    },
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
    /// Where the first censored one stands.
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
    /// The bounds' own quantile is a lower bound for the true one. It is exact
    /// as long as no censored time stands at or below it, for then whatever the
    /// censored ones really are, they stay above.
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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

/// The slope of `(x, y)` after Theil and Sen: the median of the slopes of all
/// pairs, so that up to 29 % of outliers do not bend it (P. K. Sen, Estimates of
/// the Regression Coefficient Based on Kendall's Tau, JASA 63, 1968). Zero
/// when there are not two different x.
#[must_use]
pub fn slope(points: &[(f64, f64)]) -> f64 {
    median(pair_slopes(points)).unwrap_or(0.0)
}

/// A slope with its 95 % confidence interval.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Slope {
    /// After Theil and Sen.
    pub per_x: f64,
    /// The interval's ends.
    pub interval: [f64; 2],
}

/// The slope of [`slope`] with its 95 % interval: the slopes of all pairs at
/// those ranks that Kendall's S allows (P. K. Sen, as above; worked example in
/// M. Hollander, D. A. Wolfe, E. Chicken, Nonparametric Statistical Methods,
/// 3rd edition, section 9.3). Assumes independent deviations from the line.
#[must_use]
pub fn slope_with_interval(points: &[(f64, f64)]) -> Slope {
    let mut slopes = pair_slopes(points);
    if slopes.is_empty() {
        return Slope::default();
    }
    slopes.sort_unstable_by(f64::total_cmp);
    let n = points.len() as f64;
    let width = 1.96 * (n * (n - 1.0) * (2.0 * n + 5.0) / 18.0).sqrt();
    let all = slopes.len() as f64;
    let rank = |r: f64| slopes[(r.max(0.0) as usize).min(slopes.len() - 1)];
    // The M-th smallest and the (N + 1 - M)-th smallest, M = (N - width) / 2.
    let low = ((all - width) / 2.0).round().max(1.0);
    let interval = [rank(low - 1.0), rank(all - low)];
    Slope { per_x: median(slopes).unwrap_or(0.0), interval }
}

fn pair_slopes(points: &[(f64, f64)]) -> Vec<f64> {
    let mut slopes = Vec::with_capacity(points.len() * points.len() / 2);
    for (index, (x0, y0)) in points.iter().enumerate() {
        let later = points[index + 1..].iter().filter(|(x1, _)| x1 != x0);
        slopes.extend(later.map(|(x1, y1)| (y1 - y0) / (x1 - x0)));
    }
    slopes
}

/// The median; `None` without values.
#[must_use]
pub fn median(values: Vec<f64>) -> Option<f64> {
    if values.is_empty() { None } else { Some(Data::new(values).median()) }
}

/// Smallest and greatest value; `None` without values.
#[must_use]
pub fn spread(values: &[f64]) -> Option<(f64, f64)> {
    let least = values.iter().copied().reduce(f64::min)?;
    let most = values.iter().copied().reduce(f64::max)?;
    Some((least, most))
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
            // What is longer than `stop` is seen only as "at least stop".
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
    fn slopes_ignore_a_hiccup() {
        let line = |x: f64| 470_000.0 * x + 3.0;
        let mut points: Vec<_> = (0..100).map(|i| (f64::from(i) * 0.02, 0.0)).collect();
        points.iter_mut().for_each(|(x, y)| *y = line(*x));
        for point in &mut points[40..50] {
            point.1 += 100_000.0;
        }
        assert!((slope(&points) - 470_000.0).abs() < 1.0);
        assert_eq!(slope(&[(1.0, 5.0)]), 0.0);
    }

    /// The cloud-seeding ratios of years 1 to 5, an example of Hollander, Wolfe and
    /// Chicken's section 9.3. By hand: the ten slopes are -0.15, -0.13, -0.08, -0.07,
    /// -0.0575, -0.055, -0.045, -0.0333, 0.01, 0.04; the width of the interval is
    /// 1.96 * sqrt(5 * 4 * 15 / 18) = 8.0 ranks, so it reaches from the first to the last.
    #[test]
    fn slopes_have_the_interval_of_the_worked_example() {
        let points = [(1.0, 1.26), (2.0, 1.27), (3.0, 1.12), (4.0, 1.16), (5.0, 1.03)];
        let slope = slope_with_interval(&points);
        let near = |a: f64, b: f64| (a - b).abs() < 1e-9;
        assert!(near(slope.per_x, -0.05625), "{slope:?}");
        assert!(near(slope.interval[0], -0.15) && near(slope.interval[1], 0.04), "{slope:?}");
        let line: Vec<_> = (0..30).map(|i| (f64::from(i), 5.0 * f64::from(i))).collect();
        assert_eq!(slope_with_interval(&line), Slope { per_x: 5.0, interval: [5.0, 5.0] });
    }

    #[test]
    fn times_are_written_as_the_readers_expect() {
        let json = |time| serde_json::to_string(&time).unwrap();
        assert_eq!(json(exact(5)), "5");
        assert_eq!(json(at_least(5)), r#"{"at_least":5}"#);
    }
}
