//! Ranks from comparisons of all pairs of rows. Pure.
//!
//! Rank n means that n − 1 clients are better beyond chance, and by more than the noise floor.
//! Clients of one rank are not told apart. The chance that any claim of a table is wrong stays
//! below [`ranking::SIGNIFICANT`] ([`crate::analysis::statistics::all_pairs`]).

use crate::analysis::rows::figures::Precision;
use crate::analysis::rows::metric::Metric;
use crate::analysis::rows::ranks::ranking::{self, Noise};
use crate::analysis::rows::row::{Row, Versus};
use crate::analysis::statistics::all_pairs;
use crate::analysis::statistics::inference::Interval;
use crate::analysis::statistics::moderated::{self, Difference, Estimate};
use crate::analysis::statistics::slope;
use crate::analysis::verdict::Verdict;
use crate::load::workload::RankBy;

/// A claim is made below this adjusted p-value. With three rounds of noise that is not log-normal,
/// false claims are up to a third more frequent than their level, as simulated. So they are tested
/// at a lower level than the one that is stated, [`ranking::SIGNIFICANT`].
pub const CLAIMED: f64 = 0.035;

/// Rounds of a campaign are not independent: up to a fifth of their variance is common to the
/// clients of a block, and blocks resemble those before. Differences between clients are free of
/// that, the figures themselves are not: the variance of a mean over many blocks is higher by
/// this factor if neighbouring blocks correlate by a half (0.8 + 0.2 · (1 + 0.5) ÷ (1 − 0.5)).
const DRIFT: f64 = 1.4;

/// Half of the 95 % interval of a mean, with [`DRIFT`].
#[must_use]
pub fn half_width(estimate: &Estimate) -> f64 {
    estimate.half_width() * DRIFT.sqrt()
}

/// The first mean minus the second. What a block has in common cancels only between clients that
/// played the same blocks: for others, [`DRIFT`] widens it.
fn difference(a: &Estimate, b: &Estimate) -> Difference {
    let found = a.minus(b);
    let drift = if a.count == b.count { 1.0 } else { DRIFT.sqrt() };
    Difference { error: found.error * drift, ..found }
}

/// The values of several rows in one metric, compared.
#[derive(Debug, Default)]
pub struct Compared {
    /// Whether means are of logarithms. They are where all values are positive: times and rates
    /// are about log-normal over rounds.
    pub is_log: bool,
    /// What is known about each row; empty if nothing is, as with one round each.
    pub estimates: Vec<Option<Estimate>>,
    /// Of each pair, in the order of [`Compared::index`].
    differences: Vec<Option<Difference>>,
    adjusted: Vec<f64>,
}

impl Compared {
    /// Compares all pairs.
    #[must_use]
    pub fn new(values: &[&[f64]]) -> Self {
        let is_log = values.iter().all(|values| values.iter().all(|&value| value > 0.0));
        let scale = |value: &f64| if is_log { value.ln() } else { *value };
        let scaled: Vec<Vec<f64>> =
            values.iter().map(|values| values.iter().map(scale).collect()).collect();
        let samples: Vec<&[f64]> = scaled.iter().map(Vec::as_slice).collect();
        let estimates = moderated::estimates(&samples);
        let mut differences = Vec::new();
        for (index, b) in estimates.iter().enumerate() {
            let to = |a: &Option<Estimate>| Some(difference(a.as_ref()?, b.as_ref()?));
            differences.extend(estimates[..index].iter().map(to));
        }
        let p = |difference: &Option<Difference>| difference.map_or(1.0, |found| found.p());
        let p: Vec<f64> = differences.iter().map(p).collect();
        let adjusted = all_pairs::adjust(&p, estimates.len());
        Self { is_log, estimates, differences, adjusted }
    }

    /// The place of a pair, the first one before the second.
    fn index(first: usize, second: usize) -> usize {
        all_pairs::pairs(second) + first
    }

    /// The difference of two rows, the first minus the second, with its adjusted p-value.
    #[must_use]
    pub fn difference(&self, first: usize, second: usize) -> Option<(Difference, f64)> {
        if first == second {
            return None;
        }
        let index = Self::index(first.min(second), first.max(second));
        let found = (*self.differences.get(index)?)?;
        let sign = if first < second { 1.0 } else { -1.0 };
        Some((Difference { by: sign * found.by, ..found }, *self.adjusted.get(index)?))
    }

    /// A ratio, from a difference of logarithms.
    fn ratio(&self, difference: f64) -> Option<f64> {
        self.is_log.then(|| difference.exp())
    }

    /// For each row, which others it is better than. A row whose values are only lower bounds
    /// (`bounds`) is better than none: how high they are is not known.
    #[must_use]
    pub fn better(&self, more_is_better: bool, floor: f64, bounds: &[bool]) -> Vec<Vec<bool>> {
        let count = self.estimates.len();
        let is_better = |first: usize, second: usize| {
            self.difference(first, second).is_some_and(|(difference, p)| {
                p < CLAIMED
                    && (difference.by > 0.0) == more_is_better
                    && ranking::is_beyond_noise(self.ratio(difference.by), floor)
                    && !bounds.get(first).is_some_and(|&bound| bound)
            })
        };
        let mut better: Vec<Vec<bool>> = (0..count)
            .map(|first| (0..count).map(|second| is_better(first, second)).collect())
            .collect();
        all_pairs::close(&mut better);
        better
    }

    /// How exact the mean of one row is.
    fn precision(&self, index: usize, metric: Metric) -> Option<Precision> {
        let estimate = (*self.estimates.get(index)?)?;
        let half = half_width(&estimate);
        let (low, mean, high) = (estimate.mean - half, estimate.mean, estimate.mean + half);
        let [low, mean, high] = match self.is_log {
            true => [low, mean, high].map(f64::exp),
            false => [low, mean, high],
        };
        let half_width = (high - mean).max(mean - low) / mean.abs();
        let is_known = half_width.is_finite();
        is_known.then_some(Precision { metric, mean, interval: Interval { low, high }, half_width })
    }

    /// One row against another: their ratio and its test.
    fn versus(&self, row: usize, leader: (usize, &str), metric: Metric) -> Option<Versus> {
        let (difference, p_holm) = self.difference(row, leader.0)?;
        let interval = difference.interval();
        let of = |interval: Interval| {
            Some(Interval { low: self.ratio(interval.low)?, high: self.ratio(interval.high)? })
        };
        let finite = |interval: &Interval| interval.low > 0.0 && interval.high.is_finite();
        Some(Versus {
            leader: leader.1.to_owned(),
            metric,
            ratio: self.ratio(difference.by),
            interval: of(interval).filter(finite),
            p: difference.p(),
            p_holm,
        })
    }
}

/// The rows of one verdict in the metric that ranks them, by their indexes.
#[derive(Debug)]
pub struct Alike {
    /// The metric.
    pub metric: Metric,
    /// The rows that have values.
    pub rows: Vec<usize>,
    /// Their comparison.
    pub compared: Compared,
}

/// The rows of a verdict, compared.
#[must_use]
pub fn of_verdict(rows: &[Row], rank_by: RankBy, verdict: Verdict) -> Alike {
    let metric = ranking::metric(rank_by, verdict);
    let has_value = |row: &Row| row.verdict == verdict && !row.samples.of(metric).is_empty();
    let indexes: Vec<usize> = (0..rows.len()).filter(|&index| has_value(&rows[index])).collect();
    let values: Vec<&[f64]> = indexes.iter().map(|&index| rows[index].samples.of(metric)).collect();
    Alike { metric, compared: Compared::new(&values), rows: indexes }
}

/// Sorts the rows of one workload and sets their ranks. Rows without a value to be ranked by come
/// last of their verdict, without a rank.
pub fn rank(rows: &mut [Row], rank_by: RankBy, noise: &[Noise]) {
    let mut before = 0;
    for verdict in [Verdict::Ok, Verdict::Overloaded] {
        let alike = of_verdict(rows, rank_by, verdict);
        let all_alike = verdict == Verdict::Ok && rank_by.is_keeping_up();
        let floor = ranking::floor(alike.metric, noise);
        let ranks = ranks(&alike, rows, all_alike, floor);
        for (place, (&index, &rank)) in alike.rows.iter().zip(&ranks).enumerate() {
            let row = &mut rows[index];
            row.rank = Some(before + rank);
            row.tied = ranks.iter().filter(|&&other| other == rank).count() > 1;
            row.precision = alike.compared.precision(place, alike.metric);
        }
        set_versus(rows, &alike, &ranks);
        before += rows.iter().filter(|row| row.verdict == verdict).count();
    }
    rows.sort_by(|a, b| {
        let key = |row: &Row| (row.verdict, row.rank.unwrap_or(usize::MAX));
        key(a).cmp(&key(b)).then(value(a, rank_by).total_cmp(&value(b, rank_by)))
    });
}

fn ranks(alike: &Alike, rows: &[Row], all_alike: bool, floor: f64) -> Vec<usize> {
    let count = alike.rows.len();
    let mut better = match all_alike || alike.compared.estimates.is_empty() {
        true => vec![vec![false; count]; count],
        false => {
            let is_bound = |&index: &usize| rows[index].samples.are_bounds(alike.metric);
            let bounds: Vec<bool> = alike.rows.iter().map(is_bound).collect();
            alike.compared.better(alike.metric.more_is_better(), floor, &bounds)
        }
    };
    let stalls_more: Vec<bool> = alike.rows.iter().map(|&row| rows[row].stalls_more).collect();
    put_stalling_behind(&mut better, &stalls_more);
    let above = |place: usize| better.iter().filter(|than| than[place]).count();
    (0..count).map(|place| 1 + above(place)).collect()
}

/// A row of the first group that stalls more than the reference is worse than those of that group
/// that do not: what it is ranked by forgives pauses in less than half of the time.
fn put_stalling_behind(better: &mut [Vec<bool>], stalls_more: &[bool]) {
    let is_first = |place: usize| !better.iter().any(|than| than[place]);
    let (stalling, others): (Vec<usize>, Vec<usize>) =
        (0..better.len()).filter(|&place| is_first(place)).partition(|&place| stalls_more[place]);
    for (&one, &other) in
        stalling.iter().flat_map(|one| others.iter().map(move |other| (one, other)))
    {
        better[other][one] = true;
    }
    all_pairs::close(better);
}

/// Compares each row with the first one.
fn set_versus(rows: &mut [Row], alike: &Alike, ranks: &[usize]) {
    let order = |&place: &usize| {
        let values = rows[alike.rows[place]].samples.of(alike.metric).to_vec();
        (ranks[place], ascending(alike.metric, slope::median(values)))
    };
    let places = 0..alike.rows.len();
    let first = places.min_by(|a, b| {
        let (a, b) = (order(a), order(b));
        a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
    });
    let Some(first) = first else { return };
    let leader = rows[alike.rows[first]].client.clone();
    for (place, &index) in alike.rows.iter().enumerate() {
        rows[index].versus_leader = alike.compared.versus(place, (first, &leader), alike.metric);
    }
}

/// The value of a row by which rows of one rank are sorted.
fn value(row: &Row, rank_by: RankBy) -> f64 {
    let metric = ranking::metric(rank_by, row.verdict);
    ascending(metric, slope::median(row.samples.of(metric).to_vec()))
}

fn ascending(metric: Metric, value: Option<f64>) -> f64 {
    let sign = if metric.more_is_better() { -1.0 } else { 1.0 };
    value.map_or(f64::INFINITY, |value| sign * value)
}
