//! What values are compared: as they are, not at all, or divided by those of a named client.
//!
//! A ratio of two clients within one campaign cancels much of the machine, as both ran on it in
//! the same blocks. The value of each round is divided by that of the named client in the same
//! block, so a block's drift cancels too, and blocks are what is tested and resampled: the exact
//! Mann–Whitney test on the ratios of both campaigns, and a percentile bootstrap of the ratio of
//! their medians that resamples the blocks of both campaigns (B. Efron, R. J. Tibshirani, An
//! Introduction to the Bootstrap, 1993, sections 8.3 and 13.3).

use super::machines::Property;
use super::side::Side;
use bench_core::analysis::rows::metric::Metric;
use bench_core::analysis::rows::result::RoundResult;
use bench_core::analysis::rows::row::Row;
use std::collections::BTreeMap;

/// What is compared.
#[derive(Debug, Clone, Copy)]
pub(super) struct Basis<'a> {
    /// The properties in which the machines differ; none: absolute figures can be compared.
    pub(super) differing: &'a [Property],
    /// The client whose values all others are divided by.
    pub(super) reference: Option<&'a str>,
}

impl Basis<'_> {
    /// Whether the machines forbid what is asked for.
    pub(super) fn forbids_figures(&self) -> bool {
        !self.differing.is_empty() && self.reference.is_none()
    }

    /// The noise floor of a comparison, from those of both campaigns. A ratio of two clients is as
    /// uncertain as the two entries of the control, in each campaign: so for ratios of such ratios
    /// both floors multiply.
    pub(super) fn floor(&self, floors: [Option<f64>; 2]) -> Option<f64> {
        let floors = floors.into_iter().flatten();
        match self.reference {
            None => floors.reduce(f64::max),
            Some(_) => floors.map(|floor| 1.0 + floor).reduce(|a, b| a * b).map(|all| all - 1.0),
        }
    }
}

/// The values of one row, one per round.
#[derive(Debug, Clone, Default)]
pub(super) struct Values {
    pub(super) each: Vec<f64>,
    /// Whether they are only lower bounds.
    pub(super) at_least: bool,
}

/// Why the values of the named client cannot be divided by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unusable {
    /// It has none, or its row is not ranked.
    Missing,
    /// They are lower bounds.
    Bounds,
    /// Some are zero or negative.
    NotPositive,
}

/// The values of a row as they are.
pub(super) fn absolute(row: &Row, metric: Metric) -> Values {
    Values { each: row.samples.of(metric).to_vec(), at_least: row.samples.are_bounds(metric) }
}

/// The values of a row, divided by those of the named client in the same block.
///
/// # Errors
/// Why that is not possible.
pub(super) fn relative(
    side: &Side<'_>,
    row: &Row,
    reference: &str,
    metric: Metric,
) -> Result<Values, Unusable> {
    let divisor = find(side, &row.workload, reference)
        .filter(|divisor| divisor.verdict.is_ranked())
        .ok_or(Unusable::Missing)?;
    if divisor.samples.are_bounds(metric) {
        return Err(Unusable::Bounds);
    }
    let by = blocks(side, divisor, metric);
    if by.values().any(|value| *value <= 0.0) {
        return Err(Unusable::NotPositive);
    }
    let of = blocks(side, row, metric);
    let ratio = |(block, value): (&u32, &f64)| Some(value / by.get(block)?);
    let each: Vec<f64> = of.iter().filter_map(ratio).collect();
    if each.is_empty() && !of.is_empty() {
        return Err(Unusable::Missing);
    }
    Ok(Values { each, at_least: row.samples.are_bounds(metric) })
}

/// The value of each round behind a row, by its block. Of a round that was played several times,
/// only an undisturbed play is behind it.
fn blocks(side: &Side<'_>, row: &Row, metric: Metric) -> BTreeMap<u32, f64> {
    let is_behind = |round: &RoundResult| {
        !round.control
            && round.workload == row.workload
            && round.client == row.client
            && side.campaign.rules.counts(row.verdict, round)
    };
    let rounds = side.rounds.iter().filter(|round| is_behind(round));
    rounds
        .filter_map(|round| Some((round.round, metric.of(round.measurement.as_ref()?)?)))
        .collect()
}

/// The row of a client under a workload.
pub(super) fn find<'a>(side: &Side<'a>, workload: &str, client: &str) -> Option<&'a Row> {
    let is = |row: &&Row| row.workload == workload && row.client == client;
    side.campaign.rows.iter().find(is)
}
