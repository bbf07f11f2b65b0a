//! Where a run becomes steady: MSER-5, the truncation that minimises the standard
//! error of the rest (K. P. White, An Effective Truncation Heuristic
//! for Bias Reduction in Simulation Output, Simulation 69(6), 1997; K. P. White,
//! M. J. Cobb, S. C. Spratt, A Comparison of Five Steady-State Truncation
//! Heuristics for Simulation, Winter Simulation Conference 2000).
//!
//! Two things differ from the papers. Batches of five are summarised by their
//! medians, so that one late snapshot changes nothing. And only a deviation at the
//! very beginning counts as a transient: a stall in the middle of a run is part
//! of what is measured, and truncating up to its end would hide it.

use crate::analysis::statistics::slope;

/// Values per batch.
pub const BATCH: usize = 5;
/// The lowest number of batches in the steady part.
const LEAST_BATCHES: usize = 5;

/// The truncation point after MSER: the index that minimises
/// `sum((x - mean)^2) / n^2` of the values from there on.
#[must_use]
pub fn mser(values: &[f64]) -> usize {
    let (mut sum, mut squares, mut count) = (0.0, 0.0, 0.0);
    let mut best = (f64::MAX, 0);
    // Relative to one of the values: sums of squares of large numbers would cancel.
    let origin = values.last().copied().unwrap_or(0.0);
    for (index, value) in values.iter().enumerate().rev() {
        let value = value - origin;
        sum += value;
        squares += value * value;
        count += 1.0;
        let error = (squares - sum * sum / count).max(0.0) / (count * count);
        if count >= LEAST_BATCHES as f64 && error <= best.0 {
            best = (error, index);
        }
    }
    best.1
}

/// Where `series` settles, as an index into it; differences within `tolerance`
/// do not count.
///
/// # Errors
/// When it never does: it keeps no level through its second half.
pub fn begin(series: &[f64], tolerance: f64) -> Result<usize, Unsettled> {
    let batches: Vec<f64> =
        series.chunks_exact(BATCH).filter_map(|batch| slope::median(batch.to_vec())).collect();
    if batches.len() <= LEAST_BATCHES {
        return Ok(0); // too short to tell a transient from chance
    }
    let steady = &batches[mser(&batches)..];
    let (low, high) = slope::spread(steady).unwrap_or((0.0, 0.0));
    // A short steady part may have a smaller range than the rest of the run: it is
    // widened by its own size on both sides.
    let margin = tolerance + (high - low);
    let settled = (low - margin)..=(high + margin);
    let first = batches.iter().position(|batch| settled.contains(batch)).unwrap_or(0);
    if first > batches.len() / 2 {
        let last = slope::median(steady.to_vec()).unwrap_or(0.0);
        return Err(Unsettled { from: batches[0], to: last });
    }
    Ok(first * BATCH)
}

/// A series that never settles: its first and its last level.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Unsettled {
    /// The level of its first batch.
    pub from: f64,
    /// The level at its end.
    pub to: f64,
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::rngs::ChaCha8Rng;
    use rand::{RngExt, SeedableRng};

    /// The rule by its definition, for comparison.
    fn mser_by_definition(values: &[f64]) -> usize {
        let error = |from: usize| {
            let rest = &values[from..];
            let n = rest.len() as f64;
            let mean = rest.iter().sum::<f64>() / n;
            rest.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n * n)
        };
        let last = values.len() - LEAST_BATCHES;
        (0..=last).min_by(|&a, &b| error(a).total_cmp(&error(b))).unwrap()
    }

    fn noise(count: usize, seed: u64) -> Vec<f64> {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        (0..count).map(|_| random.random::<f64>() - 0.5).collect()
    }

    #[test]
    fn running_sums_agree_with_the_definition() {
        for seed in 0..20 {
            // An exponential transient under noise, as in the papers' examples.
            let values: Vec<f64> = noise(60, seed)
                .iter()
                .enumerate()
                .map(|(i, e)| 1e6 + 100.0 * (-(i as f64) / 5.0).exp() + e)
                .collect();
            assert_eq!(mser(&values), mser_by_definition(&values), "{seed}");
        }
    }

    #[test]
    fn a_transient_is_truncated_and_a_level_is_not() {
        let level = noise(200, 1);
        assert_eq!(begin(&level, 0.0), Ok(0));
        let warming: Vec<f64> =
            level.iter().enumerate().map(|(i, e)| e + if i < 40 { 50.0 } else { 0.0 }).collect();
        assert_eq!(begin(&warming, 0.0), Ok(40));
        assert_eq!(begin(&warming, 100.0), Ok(0), "within the tolerance");
    }

    #[test]
    fn a_stall_in_the_middle_is_not_a_transient() {
        for at in [30, 100, 150] {
            let mut stalled = noise(200, 2);
            stalled[at..at + 15].iter_mut().for_each(|x| *x += 1000.0);
            assert_eq!(begin(&stalled, 0.0), Ok(0), "at {at}");
        }
    }

    #[test]
    fn a_drift_never_settles() {
        let drift: Vec<f64> = noise(200, 3).iter().enumerate().map(|(i, e)| i as f64 + e).collect();
        let unsettled = begin(&drift, 1.0).unwrap_err();
        assert!(unsettled.from < 10.0 && unsettled.to > 100.0);
    }

    #[test]
    fn a_short_series_is_not_truncated() {
        assert_eq!(begin(&[9.0, 1.0, 1.0], 0.0), Ok(0));
        assert_eq!(begin(&[], 0.0), Ok(0));
    }
}
