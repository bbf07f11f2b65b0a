//! Means of few values each, compared with variances that learn from one another. Pure.
//!
//! The variance of three rounds says little by itself. Those of all clients of a table together
//! say what is usual, and how much clients differ in it. So each variance is moved towards the
//! usual one, the further the more alike they are, and counts for more degrees of freedom in
//! return (G. K. Smyth, Linear Models and Empirical Bayes Methods for Assessing Differential
//! Expression in Microarray Experiments, Statistical Applications in Genetics and Molecular
//! Biology 3, 2004, sections 5 and 6.2). Two means are compared as B. L. Welch did (The
//! Generalization of "Student's" Problem when Several Different Population Variances are
//! Involved, Biometrika 34, 1947), with these variances.

use super::inference::Interval;
use statrs::distribution::{ContinuousCDF, StudentsT};
use statrs::function::gamma::digamma;

/// No variance counts for less than this part of the usual one: values that are alike by chance,
/// or rounded to the same digits, prove no precision.
const LEAST_SHARE: f64 = 1e-2;

/// The mean of some values, and how exact it is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Estimate {
    /// The number of values.
    pub count: usize,
    /// Their mean.
    pub mean: f64,
    /// The moderated variance of one value.
    pub variance: f64,
    /// Its degrees of freedom.
    pub freedom: f64,
    /// How many of them are those of the usual variance, which others share.
    shared: f64,
    /// The degrees of freedom of all samples together.
    pooled: f64,
}

/// The difference of two means.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Difference {
    /// The first mean minus the second.
    pub by: f64,
    /// Its standard error.
    pub error: f64,
    /// Welch's degrees of freedom.
    pub freedom: f64,
}

/// Estimates for several samples, in their order; `None` for an empty one. Without two values of
/// the same sample nothing is known about variances, and the result is empty.
#[must_use]
pub fn estimates(samples: &[&[f64]]) -> Vec<Option<Estimate>> {
    let own: Vec<(f64, f64)> = samples.iter().filter_map(|values| own_variance(values)).collect();
    let Some(usual) = Usual::of(&own) else { return Vec::new() };
    let estimate = |values: &&[f64]| (!values.is_empty()).then(|| usual.estimate(values));
    samples.iter().map(estimate).collect()
}

impl Estimate {
    /// The standard error of the mean.
    #[must_use]
    pub fn error(&self) -> f64 {
        (self.variance / self.count as f64).sqrt()
    }

    /// Half of the 95 % interval of the mean.
    #[must_use]
    pub fn half_width(&self) -> f64 {
        quantile(0.975, self.freedom) * self.error()
    }

    /// This mean minus another.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Difference {
        let parts = [self, other].map(|of| (of.variance / of.count as f64, of.freedom));
        let sum: f64 = parts.iter().map(|(part, _)| part).sum();
        let weighed: f64 = parts.iter().map(|(part, freedom)| part.powi(2) / freedom).sum();
        let welch = if weighed > 0.0 { sum.powi(2) / weighed } else { self.freedom };
        // What both learned from the others is the same, and counts once.
        let known = self.freedom + other.freedom - self.shared.min(other.shared);
        let freedom = welch.min(known).min(self.pooled);
        Difference { by: self.mean - other.mean, error: sum.sqrt(), freedom }
    }
}

impl Difference {
    /// The two-sided p-value of no difference.
    #[must_use]
    pub fn p(&self) -> f64 {
        match (self.by, self.error) {
            (0.0, _) => 1.0,
            (_, 0.0) => 0.0,
            (by, error) => 2.0 * cumulative(-(by / error).abs(), self.freedom),
        }
    }

    /// Its 95 % interval.
    #[must_use]
    pub fn interval(&self) -> Interval {
        let half = quantile(0.975, self.freedom) * self.error;
        Interval { low: self.by - half, high: self.by + half }
    }
}

/// A quantile of Student's distribution, `probability` above a half; of the normal one beyond
/// ten thousand degrees of freedom, where both agree.
#[must_use]
pub fn quantile(probability: f64, freedom: f64) -> f64 {
    student(freedom).map_or(f64::INFINITY, |student| student.inverse_cdf(probability))
}

fn cumulative(t: f64, freedom: f64) -> f64 {
    student(freedom).map_or(0.5, |student| student.cdf(t))
}

fn student(freedom: f64) -> Option<StudentsT> {
    StudentsT::new(0.0, 1.0, freedom.min(1e4)).ok()
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

/// The variance of a sample and its degrees of freedom; `None` for fewer than two values.
fn own_variance(values: &[f64]) -> Option<(f64, f64)> {
    let freedom = values.len().checked_sub(1).filter(|&freedom| freedom > 0)? as f64;
    let mean = mean(values);
    let sum: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    Some((sum / freedom, freedom))
}

/// The distribution of the samples' true variances: a scaled inverse chi-square.
struct Usual {
    variance: f64,
    /// Infinite: all are alike.
    freedom: f64,
    /// Of all samples together.
    pooled_freedom: f64,
}

impl Usual {
    /// Fitted by the moments of the logarithms of the variances (Smyth, section 6.2).
    fn of(own: &[(f64, f64)]) -> Option<Self> {
        let pooled_freedom: f64 = own.iter().map(|(_, freedom)| freedom).sum();
        let sum: f64 = own.iter().map(|(variance, freedom)| variance * freedom).sum();
        if own.is_empty() {
            return None;
        }
        let pooled = sum / pooled_freedom;
        let alike = Self { variance: pooled, freedom: f64::INFINITY, pooled_freedom };
        if own.len() < 2 || pooled == 0.0 {
            return Some(alike);
        }
        let logs: Vec<f64> = own
            .iter()
            .map(|(variance, freedom)| {
                let half = freedom / 2.0;
                variance.max(pooled * LEAST_SHARE).ln() - digamma(half) + half.ln()
            })
            .collect();
        let centre = mean(&logs);
        let spread = own_variance(&logs).map_or(0.0, |(variance, _)| variance);
        let expected: f64 =
            own.iter().map(|(_, freedom)| trigamma(freedom / 2.0)).sum::<f64>() / own.len() as f64;
        let excess = spread - expected;
        if excess <= 0.0 {
            return Some(alike);
        }
        let half = inverse_trigamma(excess);
        let variance = (centre + digamma(half) - half.ln()).exp();
        Some(Self { variance, freedom: 2.0 * half, pooled_freedom })
    }

    /// A sample's variance, moved towards the usual one. It never has more degrees of freedom than
    /// all samples together.
    fn estimate(&self, values: &[f64]) -> Estimate {
        let (own, freedom) = own_variance(values).unwrap_or((self.variance, 0.0));
        let variance = match self.freedom.is_finite() {
            true => (self.freedom * self.variance + freedom * own) / (self.freedom + freedom),
            false => self.variance,
        };
        let pooled = self.pooled_freedom;
        let all = (self.freedom + freedom).min(pooled);
        let (count, mean) = (values.len(), mean(values));
        Estimate { count, mean, variance, freedom: all, shared: all - freedom, pooled }
    }
}

/// The second derivative of the logarithm of the gamma function, for positive `x` (M. Abramowitz,
/// I. A. Stegun, Handbook of Mathematical Functions, 6.4.6 and 6.4.12).
fn trigamma(mut x: f64) -> f64 {
    let mut sum = 0.0;
    while x < 8.0 {
        sum += 1.0 / (x * x);
        x += 1.0;
    }
    let r = 1.0 / (x * x);
    sum + 1.0 / x + r / 2.0 + r / x * (1.0 / 6.0 - r * (1.0 / 30.0 - r * (1.0 / 42.0 - r / 30.0)))
}

/// By bisection: the function falls from infinity to zero.
fn inverse_trigamma(value: f64) -> f64 {
    let (mut low, mut high) = (1e-8f64, 1e8f64);
    for _ in 0..100 {
        let middle = (low * high).sqrt();
        if trigamma(middle) > value { low = middle } else { high = middle }
    }
    (low * high).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64) -> bool {
        (a - b).abs() < 1e-6 * b.abs().max(1.0)
    }

    /// Trigamma of 1 is π²/6, of 1/2 it is π²/2.
    #[test]
    fn trigamma_has_its_known_values_and_its_inverse() {
        let square = std::f64::consts::PI.powi(2);
        assert!(near(trigamma(1.0), square / 6.0) && near(trigamma(0.5), square / 2.0));
        for x in [0.1, 1.0, 3.5, 50.0] {
            assert!(near(inverse_trigamma(trigamma(x)), x), "{x}");
        }
    }

    /// By hand: two samples with the same variance, 1, and three values each. Pooled, the error of
    /// the difference is sqrt(2/3) and t has four degrees of freedom: t = 2.4495, p = 0.0705.
    #[test]
    fn alike_variances_give_the_pooled_test() {
        let samples: [&[f64]; 2] = [&[3.0, 4.0, 5.0], &[1.0, 2.0, 3.0]];
        let all: Vec<Estimate> = estimates(&samples).into_iter().flatten().collect();
        let difference = all[0].minus(&all[1]);
        assert!(near(difference.by, 2.0) && near(difference.error, (2.0f64 / 3.0).sqrt()));
        assert!(near(difference.freedom, 4.0));
        assert!((difference.p() - 0.0705).abs() < 5e-4, "{}", difference.p());
        let interval = difference.interval();
        assert!(near(interval.high - 2.0, 2.0 - interval.low));
    }

    #[test]
    fn an_unusual_variance_stays_unusual() {
        let quiet = [0.0, 0.1, -0.1, 0.05, -0.05, 0.02];
        let loud = [0.0, 5.0, -5.0, 2.5, -2.5, 1.0];
        let mut samples: Vec<&[f64]> = vec![&quiet; 9];
        samples.push(&loud);
        let all: Vec<Estimate> = estimates(&samples).into_iter().flatten().collect();
        assert!(all[9].variance > 50.0 * all[0].variance, "{all:?}");
        assert!(all[9].freedom < 10.0, "{all:?}");
    }

    #[test]
    fn too_few_values_give_nothing() {
        assert!(estimates(&[]).is_empty() && estimates(&[&[1.0], &[2.0]]).is_empty());
        // One value is enough where others tell what is usual.
        let all = estimates(&[&[1.0], &[2.0, 2.2, 2.4], &[]]);
        assert_eq!(all.iter().map(Option::is_some).collect::<Vec<_>>(), [true, true, false]);
        assert!(all[0].unwrap().half_width() > all[1].unwrap().half_width());
    }

    #[test]
    fn equal_values_are_no_difference() {
        let alike = estimates(&[&[1.0; 3], &[1.0; 3], &[2.0; 3]]);
        let of = |index: usize| alike[index].unwrap();
        assert_eq!((of(0).minus(&of(1)).p(), of(0).minus(&of(2)).p()), (1.0, 0.0));
        assert_eq!(of(0).half_width(), 0.0);
    }
}
