//! Which differences a table can tell. Pure.

use crate::analysis::rows::metric::Metric;
use crate::analysis::rows::ranks::pairs::{self, CLAIMED, Compared};
use crate::analysis::rows::ranks::ranking::{self, Noise};
use crate::analysis::rows::row::Row;
use crate::analysis::statistics::all_pairs;
use crate::analysis::statistics::moderated::{self, Difference};
use crate::analysis::statistics::slope;
use crate::analysis::verdict::Verdict;
use crate::load::workload::RankBy;

/// The power for which ratios are given.
const POWER: f64 = 0.8;

/// The ratios that the rounds of a table tell apart in 80 of 100 campaigns.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Power {
    /// The metric that ranks the rows.
    pub metric: Metric,
    /// Between two clients of the table, with one error level for all pairs.
    pub any_pair: f64,
    /// Between two clients that were chosen before, as if there were no others.
    pub one_pair: f64,
}

/// The power of the ranks of one workload; none where nothing is compared.
#[must_use]
pub fn of_workload(rows: &[Row], rank_by: RankBy, noise: &[Noise]) -> Vec<Power> {
    let of = |verdict: Verdict| {
        if verdict == Verdict::Ok && rank_by.is_keeping_up() {
            return None;
        }
        let alike = pairs::of_verdict(rows, rank_by, verdict);
        power(alike.metric, &alike.compared, ranking::floor(alike.metric, noise))
    };
    [Verdict::Ok, Verdict::Overloaded].into_iter().filter_map(of).collect()
}

/// From the standard errors of all pairs: the median of the ratios that they tell apart.
#[must_use]
pub fn power(metric: Metric, compared: &Compared, floor: f64) -> Option<Power> {
    let count = compared.estimates.len();
    let pairs = (0..count).flat_map(|second| (0..second).map(move |first| (first, second)));
    let found = pairs.filter_map(|(first, second)| compared.difference(first, second));
    let differences: Vec<Difference> = found.map(|(difference, _)| difference).collect();
    if !compared.is_log || differences.is_empty() {
        return None;
    }
    let ratio = |level: f64| {
        let least = |found: &Difference| {
            let quantile = |probability| moderated::quantile(probability, found.freedom);
            ((quantile(1.0 - level / 2.0) + quantile(POWER)) * found.error).exp()
        };
        slope::median(differences.iter().map(least).collect()).map(|all| all.max(1.0 + floor))
    };
    Some(Power {
        metric,
        any_pair: ratio(CLAIMED / all_pairs::pairs(count) as f64)?,
        one_pair: ratio(CLAIMED)?,
    })
}
