//! The notes below tables whose ranks are from comparisons of all pairs.

use super::labels;
use crate::columns::rows as catalogue;
use bench_core::analysis::rows::metric::Metric;
use bench_core::analysis::rows::ranks::power::{self, Power};
use bench_core::analysis::rows::ranks::ranking::Noise;
use bench_core::analysis::rows::row::Row;
use bench_core::load::workload::Workload;
use bench_core::text::digits::ratio;

/// What the ranks mean, what the table can tell, and what its controls say.
pub(super) fn of_workload(workload: &Workload, rows: &[Row], noise: &[Noise]) -> Vec<String> {
    let ranks = format!(
        "Medians over rounds, ranked by {}. {}.",
        labels::ranked_by(workload.rank_by),
        meaning(rows)
    );
    let mut notes = vec![workload.read.clone(), ranks];
    notes.extend(power::of_workload(rows, workload.rank_by, noise).iter().map(can_tell));
    let mut metrics: Vec<Metric> = noise.iter().map(|noise| noise.metric).collect();
    metrics.dedup();
    notes.extend(metrics.into_iter().filter_map(|metric| controls(metric, noise)));
    notes
}

fn meaning(rows: &[Row]) -> &'static str {
    match rows.iter().map(|row| row.rounds).max().unwrap_or(0) {
        0 | 1 => "One round each cannot tell clients apart, so all that kept up share a rank",
        _ => {
            "Rank n: n − 1 clients are better by more than chance and noise (tests of all pairs, any false claim in fewer than 5 % of campaigns); clients of one rank (=) are not told apart"
        }
    }
}

fn can_tell(power: &Power) -> String {
    format!(
        "This table can tell ratios above {} in the {} between any two of its clients, and above {} between two chosen beforehand, at 80 % power.",
        ratio(power.any_pair),
        catalogue::of_metric(power.metric).name,
        ratio(power.one_pair)
    )
}

/// What all controls say about a metric.
fn controls(metric: Metric, noise: &[Noise]) -> Option<String> {
    let of_metric: Vec<&Noise> = noise.iter().filter(|noise| noise.metric == metric).collect();
    let floor = of_metric.first()?.floor;
    let each = |noise: &&Noise| {
        format!(
            "{} {} (95 % CI {} to {}{})",
            noise.client,
            ratio(noise.ratio),
            ratio(noise.interval.low),
            ratio(noise.interval.high),
            if noise.is_told_apart() { ", told apart from itself" } else { "" }
        )
    };
    Some(format!(
        "Noise floor: clients against themselves in the {}: {}; beyond what their rounds vary, that is {:.1} %, and smaller differences are not distinguishable from noise.",
        catalogue::of_metric(metric).name,
        of_metric.iter().map(each).collect::<Vec<_>>().join(", "),
        floor * 100.0
    ))
}
