//! The notes below tables of rows.

use super::{labels, pairs};
use crate::columns::rows as catalogue;
use bench_archive::campaign::Campaign;
use bench_core::analysis::rows::ranks::ranking::{self, Noise, ROUNDS_FOR_TESTS};
use bench_core::analysis::rows::ranks::rules::RowRules;
use bench_core::analysis::rows::row::Row;
use bench_core::analysis::verdict::Verdict;
use bench_core::analysis::verdict::remark::{Remark, RowRemark};
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

/// What the remarks of several rows have in common, by which they are listed together.
#[must_use]
pub fn kind(remark: &RowRemark) -> &'static str {
    match remark {
        RowRemark::Rounds { remark, .. } => kind_of_round(remark),
        RowRemark::OtherVerdict { .. } => "a round has another verdict than the row",
        RowRemark::Disturbed { .. } => "disturbed rounds are left out",
        RowRemark::StallsMore { .. } => "stalls more than the reference client",
        RowRemark::NoCounters { .. } => "no counters",
        RowRemark::Text(_) => "remarks",
    }
}

fn kind_of_round(remark: &Remark) -> &'static str {
    match remark {
        Remark::OwnPacing { .. } => "own pacing",
        Remark::Loss { .. } => "loss",
        Remark::StolenTime { .. } => "stolen time",
        Remark::OtherProcesses { .. } => "CPU time of other processes",
        Remark::ObserverEffect { .. } => "observer effect of the harness's snapshots",
        Remark::Frequency { .. } => "frequency changes",
        Remark::Preempted { .. } => "preempted often",
        Remark::LateSteadyState { .. } => "late steady state",
        Remark::MappedClock { .. } => "mapped clock",
        Remark::StaleCounts { .. } => "counts that reach the meter late",
        Remark::Stall { .. } => "stalls",
        Remark::OwnDoing { .. } => "disturbances that may be its own doing",
        Remark::LeftBehind { .. } => "processes left behind",
        Remark::Text(_) => "remarks",
    }
}

/// What several rows of a table have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KindLine {
    /// Whether it is a verdict, and so why they are not ranked with the others.
    pub is_verdict: bool,
    /// The kind with the clients that have it.
    pub text: String,
}

/// One line for each verdict that is not `ok`, then for each kind of remark, with the clients that
/// have it: what each row says is beside the row.
#[must_use]
pub fn by_kind(rows: &[Row]) -> Vec<KindLine> {
    let mut verdicts: Vec<(Verdict, Vec<&str>)> = Vec::new();
    let mut kinds: Vec<(&'static str, Vec<&str>)> = Vec::new();
    for row in rows {
        if row.verdict != Verdict::Ok {
            add(&mut verdicts, row.verdict, &row.client);
        }
        for remark in &row.remarks {
            add(&mut kinds, kind(remark), &row.client);
        }
    }
    let text = |kind: String, clients: &[&str]| match clients.len() == rows.len() {
        true if rows.len() > 1 => format!("{kind}: all clients"),
        _ => format!("{kind}: {}", clients.join(", ")),
    };
    let verdicts = verdicts.into_iter().map(|(verdict, clients)| KindLine {
        is_verdict: true,
        text: text(verdict.to_string(), &clients),
    });
    let kinds = kinds.into_iter().map(|(kind, clients)| KindLine {
        is_verdict: false,
        text: text(kind.to_owned(), &clients),
    });
    verdicts.chain(kinds).collect()
}

/// Adds a client to those of a kind, once.
fn add<'a, K: PartialEq>(all: &mut Vec<(K, Vec<&'a str>)>, kind: K, client: &'a str) {
    match all.iter_mut().find(|(one, _)| *one == kind) {
        Some((_, clients)) if clients.contains(&client) => {}
        Some((_, clients)) => clients.push(client),
        None => all.push((kind, vec![client])),
    }
}

/// The notes on a workload of a campaign, on its ranks, and on comparisons with the leader.
#[must_use]
pub fn of_workload(
    campaign: &Campaign,
    workload: &Workload,
    rows: &[Row],
    noise: &[Noise],
) -> Vec<String> {
    let mut notes = general(campaign, workload, rows, noise);
    notes.extend(rows.iter().filter_map(|row| of_versus(campaign, row)));
    notes
}

/// A row compared with the leader; `None` without intervals, or with one round.
#[must_use]
pub fn of_versus(campaign: &Campaign, row: &Row) -> Option<String> {
    versus(
        row,
        match campaign.rules {
            RowRules::Leaders => "after Holm",
            RowRules::AllPairs => "adjusted",
        },
    )
}

/// The notes on a workload of a campaign and on its ranks.
#[must_use]
pub fn general(
    campaign: &Campaign,
    workload: &Workload,
    rows: &[Row],
    noise: &[Noise],
) -> Vec<String> {
    match campaign.rules {
        RowRules::Leaders => of_leaders(workload, rows, noise),
        RowRules::AllPairs => {
            let ended = campaign.endings.iter().filter(|ended| ended.workload == workload.name);
            let mut notes = pairs::of_workload(workload, rows, noise);
            notes.extend(ended.map(ToString::to_string));
            notes
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
