//! What the A/A controls of a table say: clients that were entered twice, compared with
//! themselves. Pure.
//!
//! The test of a table already allows for what the spread over rounds explains. The noise floor is
//! what is left: the differences of all controls beyond that spread, as a root mean square. With a
//! few rounds, the difference of a single control is itself little more than a draw.

use crate::analysis::rows::metric::Metric;
use crate::analysis::rows::ranks::pairs::Compared;
use crate::analysis::rows::ranks::ranking::Noise;
use crate::analysis::rows::ranks::rules::RowRules;
use crate::analysis::rows::result::RoundResult;
use crate::analysis::rows::row::Row;
use crate::analysis::statistics::inference::Interval;
use crate::analysis::statistics::moderated::Difference;
use crate::load::workload::{RankBy, Workload};

/// The noise of one workload: each metric that its tables are ranked by, each control.
#[must_use]
pub fn noise(
    workload: &Workload,
    controls: &[String],
    rows: &[Row],
    rounds: &[&RoundResult],
) -> Vec<Noise> {
    let own = (workload.rank_by == RankBy::Staleness).then_some(Metric::StalenessP99);
    let always = [Metric::Processed, Metric::ResponseP99, Metric::TypicalP99];
    let metrics = always.into_iter().chain(own);
    metrics.flat_map(|metric| in_metric(metric, workload, controls, rows, rounds)).collect()
}

fn in_metric(
    metric: Metric,
    workload: &Workload,
    controls: &[String],
    rows: &[Row],
    rounds: &[&RoundResult],
) -> Vec<Noise> {
    // The rows of all clients tell what spread is usual.
    let first: Vec<&[f64]> = rows.iter().map(|row| row.samples.of(metric)).collect();
    let second: Vec<Vec<f64>> =
        controls.iter().map(|client| second_entry(metric, client, rows, rounds)).collect();
    let all: Vec<&[f64]> = first.into_iter().chain(second.iter().map(Vec::as_slice)).collect();
    let compared = Compared::new(&all);
    if !compared.is_log {
        return Vec::new();
    }
    let found = controls.iter().enumerate().filter_map(|(index, client)| {
        let row = rows.iter().position(|row| row.client == *client)?;
        let (difference, _) = compared.difference(rows.len() + index, row)?;
        let interval = difference.interval();
        let is_finite = interval.low.exp() > 0.0 && interval.high.exp().is_finite();
        is_finite.then_some((client, difference))
    });
    let found: Vec<_> = found.collect();
    let excess =
        |(_, difference): &(&String, Difference)| difference.by.powi(2) - difference.error.powi(2);
    let mean = found.iter().map(excess).sum::<f64>() / found.len().max(1) as f64;
    let floor = mean.max(0.0).sqrt().exp_m1();
    let noise = |(client, difference): &(&String, Difference)| {
        let interval = difference.interval();
        Noise {
            workload: workload.name.clone(),
            client: (*client).clone(),
            metric,
            ratio: difference.by.exp(),
            interval: Interval { low: interval.low.exp(), high: interval.high.exp() },
            floor,
            p: Some(difference.p()),
        }
    };
    found.iter().map(noise).collect()
}

/// The values of a control's second entry, from rounds like those behind the row of the first.
fn second_entry(metric: Metric, client: &str, rows: &[Row], rounds: &[&RoundResult]) -> Vec<f64> {
    let Some(row) = rows.iter().find(|row| row.client == client) else { return Vec::new() };
    let of_entry = rounds.iter().filter(|round| {
        round.control && round.client == client && RowRules::AllPairs.counts(row.verdict, round)
    });
    of_entry.filter_map(|round| metric.of(round.measurement.as_ref()?)).collect()
}
