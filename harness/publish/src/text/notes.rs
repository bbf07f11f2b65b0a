//! The notes below tables of rows.

use super::{labels, pairs};
use crate::columns::rows as catalogue;
use bench_archive::campaign::Campaign;
use bench_core::analysis::rows::ranking::{self, Noise, ROUNDS_FOR_TESTS};
use bench_core::analysis::rows::row::Row;
use bench_core::analysis::rows::rules::RowRules;
use bench_core::analysis::verdict::Verdict;
use bench_core::load::workload::Workload;
use bench_core::text::digits::{count, ratio};

/// The reasons and the remarks of a row; with its rate, where a table has several.
#[must_use]
pub fn of_row(row: &Row, with_rate: bool) -> Vec<String> {
    let name = match row.rate_per_s.filter(|_| with_rate) {
        Some(rate) => format!("{} at {} ticks/s", row.client, count(rate as f64)),
        None => row.client.clone(),
    };
    let reasons =
        (row.verdict != Verdict::Ok).then(|| format!("{name}: {}: {}", row.verdict, row.reasons));
    let remarks = row.remarks.iter().map(|remark| format!("{name}: {remark}"));
    reasons.into_iter().chain(remarks).collect()
}

/// The notes on a workload of a campaign, on its ranks, and on comparisons with the leader.
#[must_use]
pub fn of_workload(
    campaign: &Campaign,
    workload: &Workload,
    rows: &[Row],
    noise: &[Noise],
) -> Vec<String> {
    match campaign.rules {
        RowRules::Leaders => of_leaders(workload, rows, noise),
        RowRules::AllPairs => {
            let ended = campaign.endings.iter().filter(|ended| ended.workload == workload.name);
            pairs::of_workload(workload, rows, noise)
                .into_iter()
                .chain(ended.map(ToString::to_string))
                .chain(rows.iter().filter_map(|row| versus(row, "adjusted")))
                .collect()
        }
    }
}

fn of_leaders(workload: &Workload, rows: &[Row], noise: &[Noise]) -> Vec<String> {
    let ranks = format!(
        "Medians over rounds, ranked by {}. Ties share a rank (=). {}.",
        labels::ranked_by(workload.rank_by),
        test(workload, rows)
    );
    let mut notes = vec![workload.read.clone(), ranks];
    notes.extend(noise.iter().map(floor));
    notes.extend(rows.iter().filter_map(|row| versus(row, "after Holm")));
    notes
}

/// When the ranks of a table differ.
fn test(workload: &Workload, rows: &[Row]) -> String {
    let rounds = rows.iter().map(|row| row.rounds).max().unwrap_or(0);
    let among = ranking::most_compared(rows, workload.rank_by);
    match rounds {
        0 | 1 => "One round each cannot tell clients apart, so all that kept up share a rank".into(),
        2..ROUNDS_FOR_TESTS => {
            "With fewer than 5 rounds, ranks differ only where all rounds of one client are better than all rounds of the other".into()
        }
        rounds if !ranking::can_test(rounds, among) => format!(
            "{rounds} rounds are too few for a test among so many clients (no p below 0.05 after Holm's adjustment is possible; use --rounds {} or more), so ranks differ only where all rounds of one client are better than all rounds of the other, and by more than the noise floor",
            ranking::rounds_to_test(among)
        ),
        _ => {
            "Ranks differ where a Mann–Whitney test against the first client of the rank gives p < 0.05 after Holm's adjustment, and the difference is greater than the noise floor".into()
        }
    }
}

fn floor(noise: &Noise) -> String {
    format!(
        "Noise floor: {} against itself differs by {:.1} % in the {} (ratio {}, 95 % CI {} to {}); smaller differences are not distinguishable from noise.",
        noise.client,
        noise.floor * 100.0,
        catalogue::of_metric(noise.metric).name,
        ratio(noise.ratio),
        ratio(noise.interval.low),
        ratio(noise.interval.high)
    )
}

/// A row compared with the leader; `None` without intervals, or with one round.
fn versus(row: &Row, adjusted: &str) -> Option<String> {
    let versus = row.versus_leader.as_ref()?;
    let (times, interval) = (versus.ratio?, versus.interval?);
    (row.rounds >= 2).then(|| {
        format!(
            "{}: {} {} times that of {} (95 % CI {} to {}, p {:.4}, {adjusted} {:.4})",
            row.client,
            catalogue::of_metric(versus.metric).name,
            ratio(times),
            versus.leader,
            ratio(interval.low),
            ratio(interval.high),
            versus.p,
            versus.p_holm
        )
    })
}
