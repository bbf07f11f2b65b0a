//! Medians and the robust slope of Theil and Sen.

use statrs::statistics::{Data, OrderStatistics};

/// The slope of `(x, y)` after Theil and Sen: the median of the slopes of all
/// pairs, so that up to 29 % of outliers do not distort it (P. K. Sen, Estimates of
/// the Regression Coefficient Based on Kendall's Tau, JASA 63, 1968). Zero
/// when there are not two different x.
#[must_use]
pub fn slope(points: &[(f64, f64)]) -> f64 {
    median(pair_slopes(points)).unwrap_or(0.0)
}

/// A slope with its 95 % confidence interval.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Slope {
    /// The Theil–Sen slope.
    pub per_x: f64,
    /// The lower and the upper end of the interval.
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

/// Lowest and highest value; `None` without values.
#[must_use]
pub fn spread(values: &[f64]) -> Option<(f64, f64)> {
    let least = values.iter().copied().reduce(f64::min)?;
    let most = values.iter().copied().reduce(f64::max)?;
    Some((least, most))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slopes_ignore_outliers() {
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
}
