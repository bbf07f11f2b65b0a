//! Which differences between clients are more than chance: tests and intervals. Pure, seeded.

use crate::analysis::statistics::slope;
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A 95 % interval, saved as `[low, high]`.
#[derive(Debug, Clone, Copy, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(into = "[f64; 2]", from = "[f64; 2]")]
pub struct Interval {
    /// Its lower end.
    pub low: f64,
    /// Its upper end.
    pub high: f64,
}

impl From<Interval> for [f64; 2] {
    fn from(interval: Interval) -> Self {
        [interval.low, interval.high]
    }
}

impl From<[f64; 2]> for Interval {
    fn from([low, high]: [f64; 2]) -> Self {
        Self { low, high }
    }
}

/// Resamples of a bootstrap. A thousand suffice for intervals (B. Efron,
/// R. J. Tibshirani, An Introduction to the Bootstrap, 1993, section 14.3).
const RESAMPLES: usize = 2000;

/// The 95 % percentile bootstrap interval of the median (Efron, Tibshirani, as
/// above, section 13.3). `None` without values; with one it is that value.
#[must_use]
pub fn median_interval(values: &[f64], seed: u64) -> Option<Interval> {
    // Every resample of one value is that value.
    if let &[only] = values {
        return Some(Interval { low: only, high: only });
    }
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    bootstrap(|| slope::median(resample(values, &mut random)))
}

/// The ratio of the medians of `a` and `b`, and its 95 % bootstrap interval:
/// both are resampled, as rounds of two clients are independent. `None` when one
/// of them is empty or has a median of zero or below.
#[must_use]
pub fn ratio_of_medians(a: &[f64], b: &[f64], seed: u64) -> Option<(f64, Interval)> {
    let ratio = |a: Vec<f64>, b: Vec<f64>| {
        let (a, b) = (slope::median(a)?, slope::median(b)?);
        (a > 0.0 && b > 0.0).then(|| a / b)
    };
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let found = ratio(a.to_vec(), b.to_vec())?;
    if a.len() == 1 && b.len() == 1 {
        return Some((found, Interval { low: found, high: found }));
    }
    let interval = bootstrap(|| ratio(resample(a, &mut random), resample(b, &mut random)))?;
    Some((found, interval))
}

fn resample(values: &[f64], random: &mut ChaCha8Rng) -> Vec<f64> {
    values.iter().map(|_| values[random.random_range(0..values.len())]).collect()
}

fn bootstrap(mut statistic: impl FnMut() -> Option<f64>) -> Option<Interval> {
    let mut found: Vec<f64> = (0..RESAMPLES).filter_map(|_| statistic()).collect();
    found.sort_unstable_by(f64::total_cmp);
    let at = |share: f64| {
        found.get(((found.len() as f64 * share) as usize).min(found.len().max(1) - 1)).copied()
    };
    Some(Interval { low: at(0.025)?, high: at(0.975)? })
}

/// Up to this number of ways to assign the ranks, all are enumerated.
const EXACT_WAYS: u64 = 200_000;
/// Above that, this number of them is drawn.
const DRAWS: u32 = 20_000;

/// The two-sided p-value of the Mann–Whitney test that `a` and `b` come from one
/// distribution (H. B. Mann, D. R. Whitney, On a Test of Whether one of Two
/// Random Variables is Stochastically Larger than the Other, Annals of
/// Mathematical Statistics 18, 1947). It is the exact permutation distribution
/// of the rank sum, with mid-ranks for ties; from 200 000 ways on, a seeded
/// sample of it. 1 when one of them is empty.
#[must_use]
pub fn mann_whitney_p(a: &[f64], b: &[f64], seed: u64) -> f64 {
    if a.is_empty() || b.is_empty() {
        return 1.0;
    }
    // Twice the mid-ranks: whole numbers, so that equal sums are equal.
    let ranks = double_ranks(&[a, b].concat());
    let expected = (ranks.iter().sum::<u64>() * a.len() as u64) as f64 / ranks.len() as f64;
    let off = |sum: u64| (sum as f64 - expected).abs();
    let found = off(ranks[..a.len()].iter().sum());
    let as_far = |sum: u64| off(sum) >= found - 1e-9;
    if ways(ranks.len() as u64, a.len() as u64) <= EXACT_WAYS {
        let (mut far, mut all) = (0u64, 0u64);
        each_sum(&ranks, a.len(), 0, &mut |sum| {
            all += 1;
            far += u64::from(as_far(sum));
        });
        return far as f64 / all as f64;
    }
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut ranks = ranks;
    let mut far = 0;
    for _ in 0..DRAWS {
        for i in 0..a.len() {
            let j = random.random_range(i..ranks.len());
            ranks.swap(i, j);
        }
        far += u32::from(as_far(ranks[..a.len()].iter().sum()));
    }
    // Never zero: the arrangement that was found is one of them (B. Phipson,
    // G. K. Smyth, Permutation P-values Should Never Be Zero, 2010).
    f64::from(far + 1) / f64::from(DRAWS + 1)
}

/// The smallest p-value that [`mann_whitney_p`] can give for samples of these sizes: that of
/// two samples that do not overlap.
#[must_use]
pub fn least_p(a: usize, b: usize) -> f64 {
    match ways((a + b) as u64, a as u64) {
        0 | 1 => 1.0,
        ways if ways <= EXACT_WAYS => 2.0 / ways as f64,
        _ => 1.0 / f64::from(DRAWS + 1),
    }
}

fn double_ranks(values: &[f64]) -> Vec<u64> {
    let below = |x: f64| values.iter().filter(|&&y| y < x).count() as u64;
    let equal = |x: f64| values.iter().filter(|&&y| y == x).count() as u64;
    values.iter().map(|&x| 2 * below(x) + equal(x) + 1).collect()
}

/// How many ways there are to choose `k` of `n`; at most about 10^18.
fn ways(n: u64, k: u64) -> u64 {
    (0..k.min(n - k)).fold(1u64, |ways, i| ways.saturating_mul(n - i) / (i + 1))
}

/// Calls `with` for the sum of every choice of `count` of the ranks.
fn each_sum(ranks: &[u64], count: usize, sum: u64, with: &mut impl FnMut(u64)) {
    if count == 0 {
        return with(sum);
    }
    for first in 0..=ranks.len() - count {
        each_sum(&ranks[first + 1..], count - 1, sum + ranks[first], with);
    }
}

/// Holm's adjustment for several tests at once, in the order given (S. Holm, A
/// Simple Sequentially Rejective Multiple Test Procedure, Scandinavian Journal
/// of Statistics 6, 1979).
#[must_use]
pub fn holm(p_values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..p_values.len()).collect();
    order.sort_by(|&i, &j| p_values[i].total_cmp(&p_values[j]));
    let mut adjusted = vec![1.0; p_values.len()];
    let mut highest = 0.0f64;
    for (done, index) in order.into_iter().enumerate() {
        let left = (p_values.len() - done) as f64;
        highest = highest.max((p_values[index] * left).min(1.0));
        adjusted[index] = highest;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-9
    }

    /// By hand: of the C(4, 2) = 6 ways to assign the ranks 1 to 4, two are as
    /// uneven as {1, 2} against {3, 4}.
    #[test]
    fn two_against_two() {
        assert!(near(mann_whitney_p(&[1.0, 2.0], &[3.0, 4.0], 1), 2.0 / 6.0));
        assert!(near(mann_whitney_p(&[1.0, 3.0], &[2.0, 4.0], 1), 4.0 / 6.0));
    }

    /// The smallest two-sided p-values, 2 / C(2n, n), as in the first lines of the
    /// tables of Mann and Whitney.
    #[test]
    fn complete_separation_has_the_smallest_p() {
        for (n, ways) in [(3, 20.0), (5, 252.0), (7, 3432.0)] {
            let low: Vec<f64> = (0..n).map(f64::from).collect();
            let high: Vec<f64> = (100..100 + n).map(f64::from).collect();
            assert!(near(mann_whitney_p(&low, &high, 1), 2.0 / ways), "{n}");
            assert!(near(least_p(n as usize, n as usize), 2.0 / ways), "{n}");
        }
    }

    #[test]
    fn ties_share_their_ranks() {
        assert_eq!(double_ranks(&[5.0, 1.0, 5.0, 9.0]), [5, 2, 5, 8]);
        assert!(near(mann_whitney_p(&[4.0; 5], &[4.0; 5], 1), 1.0));
    }

    #[test]
    fn many_rounds_are_sampled_with_a_seed() {
        let a: Vec<f64> = (0..12).map(|i| f64::from(i * 3 % 13)).collect();
        let b: Vec<f64> = (0..12).map(|i| f64::from(i * 5 % 17) + 2.0).collect();
        let sampled = mann_whitney_p(&a, &b, 1);
        assert!((0.0..1.0).contains(&sampled));
        assert!(near(sampled, mann_whitney_p(&a, &b, 1)), "the same seed gives the same value");
        assert!((sampled - mann_whitney_p(&a, &b, 2)).abs() < 0.02);
        assert_eq!(ways(24, 12), 2_704_156);
        assert!(least_p(12, 12) < 1e-4 && near(least_p(0, 5), 1.0));
    }

    /// By hand: the smallest times 4, the next times 3, and so on, never falling:
    /// 0.01, 0.02, 0.03, 0.04 become 0.04, 0.06, 0.06, 0.06.
    #[test]
    fn holm_steps_down() {
        let adjusted = holm(&[0.04, 0.01, 0.03, 0.02]);
        assert!(
            adjusted.iter().zip([0.06, 0.04, 0.06, 0.06]).all(|(a, b)| near(*a, b)),
            "{adjusted:?}"
        );
        assert!(holm(&[]).is_empty());
        assert!(near(holm(&[0.6, 0.7])[0], 1.0));
    }

    /// The rats of Efron and Tibshirani, table 2.1: treated 94, 197, 16, 38, 99, 141,
    /// 23. The median is 94; the bootstrap's standard error for it is given as 37.83.
    #[test]
    fn the_interval_of_a_median_is_that_of_the_worked_example() {
        let treated = [94.0, 197.0, 16.0, 38.0, 99.0, 141.0, 23.0];
        let interval = median_interval(&treated, 7).unwrap();
        // The distribution of a resampled median of seven: 23 and 141 are its 2.5 %
        // points, P(median <= 16) = 0.0102, P(<= 23) = 0.0981.
        assert_eq!((interval.low, interval.high), (23.0, 141.0));
        let mut random = ChaCha8Rng::seed_from_u64(3);
        let medians: Vec<f64> =
            (0..20_000).filter_map(|_| slope::median(resample(&treated, &mut random))).collect();
        let mean = medians.iter().sum::<f64>() / 20_000.0;
        let error = (medians.iter().map(|m| (m - mean).powi(2)).sum::<f64>() / 20_000.0).sqrt();
        assert!((error - 37.83).abs() < 1.0, "{error}");
    }

    #[test]
    fn ratios_have_intervals_around_them() {
        let a = [10.0, 11.0, 12.0, 10.5, 11.5];
        let b = [5.0, 5.5, 6.0, 5.2, 5.8];
        let (ratio, interval) = ratio_of_medians(&a, &b, 1).unwrap();
        assert!(near(ratio, 2.0));
        assert!(interval.low < 2.0 && 2.0 < interval.high && interval.low > 1.5);
        let all_of_it = Interval { low: 2.0, high: 2.0 };
        assert_eq!(ratio_of_medians(&[10.0], &[5.0], 1), Some((2.0, all_of_it)));
        assert_eq!(median_interval(&[2.0], 1), Some(all_of_it));
        assert_eq!(ratio_of_medians(&a, &[0.0], 1), None);
        assert_eq!(ratio_of_medians(&[], &b, 1), None);
    }
}
