//! From rounds to rows: one row per workload and client, medians over rounds.

use crate::measure::{Backlog, Lateness, Measurement, Rates};
use crate::stats::{self, Quantiles, Time};
use crate::workload::RankBy;
use contract::Class;
use serde::{Deserialize, Serialize};

/// How a round, or a row, came out; in ascending order of trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It passed its audit.
    Measured,
    /// The client cannot run on this machine.
    Unavailable,
    /// The campaign was broken off before its turn.
    Interrupted,
    /// It ran, but failed its audit.
    Invalid,
    /// It crashed, hung, or broke the contract.
    Failed,
}

impl Verdict {
    /// As it stands in tables.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Measured => "measured",
            Self::Unavailable => "unavailable",
            Self::Interrupted => "interrupted",
            Self::Invalid => "invalid",
            Self::Failed => "failed",
        }
    }
}

/// One round, as it is stored and summed up.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RoundResult {
    /// The workload's name.
    pub workload: String,
    /// The client's name.
    pub client: String,
    /// From 1.
    pub round: u32,
    /// How it came out.
    pub verdict: Verdict,
    /// Why, unless it was measured.
    pub reason: Option<String>,
    /// What its readers should know.
    pub remarks: Vec<String>,
    /// Its numbers, also where the audit failed, if there are any.
    pub measurement: Option<Measurement>,
}

/// Smallest and greatest value over rounds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// The smallest.
    pub min: f64,
    /// The greatest.
    pub max: f64,
}

/// One row of a table. Numbers are medians over the measured rounds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// The workload's name.
    pub workload: String,
    /// The client's name.
    pub client: String,
    /// What it is compared as.
    pub class: Class,
    /// The worst verdict of its rounds.
    pub verdict: Verdict,
    /// Why, unless it was measured.
    pub reason: Option<String>,
    /// Rounds that were measured.
    pub rounds: usize,
    /// Rates within the window.
    #[serde(flatten)]
    pub rates: MedianRates,
    /// Processed of what was offered.
    pub efficiency: Option<f64>,
    /// Ticks per second.
    pub backlog_growth_per_s: Option<f64>,
    /// By layer, in ticks.
    pub backlog_end: Option<Backlog>,
    /// Age of the oldest unprocessed tick at the end.
    pub oldest_age_ns: Option<f64>,
    /// Time to drain the final backlog.
    pub drain_s: Option<f64>,
    /// Processed − due.
    pub response_ns: Option<Quantiles>,
    /// Processed − written.
    pub service_ns: Option<Quantiles>,
    /// CPU of the client.
    pub client_cpu_ns_per_tick: Option<f64>,
    /// CPU of the server without spinning.
    pub server_cpu_ns_per_tick: Option<f64>,
    /// Most resident memory of the client.
    pub client_peak_rss_bytes: Option<f64>,
    /// Written − due.
    pub server_lateness_ns: Option<Lateness>,
    /// Of what the workload ranks by, in its unit (ns, ticks/s).
    pub ranked_spread: Option<Spread>,
    /// What its readers should know.
    pub remarks: Vec<String>,
}

/// [`Rates`], absent where nothing was measured.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
#[allow(missing_docs)]
pub struct MedianRates {
    pub offered_per_s: Option<f64>,
    pub generated_per_s: Option<f64>,
    pub written_per_s: Option<f64>,
    pub acknowledged_per_s: Option<f64>,
    pub confirmed_per_s: Option<f64>,
    pub received_per_s: Option<f64>,
    pub processed_per_s: Option<f64>,
}

/// Sums up the rounds of one client under one workload.
#[must_use]
pub fn row(
    workload: &str,
    rank_by: RankBy,
    client: &str,
    class: Class,
    rounds: &[RoundResult],
) -> Row {
    let worst = rounds.iter().max_by_key(|r| r.verdict);
    let verdict = worst.map_or(Verdict::Interrupted, |r| r.verdict);
    let good: Vec<&Measurement> = rounds
        .iter()
        .filter(|r| r.verdict == Verdict::Measured)
        .filter_map(|r| r.measurement.as_ref())
        .collect();
    let mut remarks: Vec<String> = rounds.iter().flat_map(|r| r.remarks.clone()).collect();
    remarks.dedup_by(|a, b| a.split(':').next() == b.split(':').next());
    let of = |pick: &dyn Fn(&Measurement) -> Option<f64>| {
        stats::median(good.iter().filter_map(|m| pick(m)).collect())
    };
    let quantiles = |pick: fn(&Measurement) -> Option<Quantiles>| {
        Quantiles::median(&good.iter().filter_map(|m| pick(m)).collect::<Vec<_>>())
    };
    Row {
        workload: workload.to_owned(),
        client: client.to_owned(),
        class,
        verdict,
        reason: worst.and_then(|r| r.reason.clone()),
        rounds: good.len(),
        rates: rates(&of),
        efficiency: of(&|m| Some(m.efficiency)),
        backlog_growth_per_s: of(&|m| Some(m.backlog_growth_per_s)),
        backlog_end: backlog(&of),
        oldest_age_ns: of(&|m| m.oldest_age_ns.map(|n| n as f64)),
        drain_s: of(&|m| m.drain_s),
        response_ns: quantiles(|m| m.response_ns),
        service_ns: quantiles(|m| m.service_ns),
        client_cpu_ns_per_tick: of(&|m| m.client_cpu_ns_per_tick),
        server_cpu_ns_per_tick: of(&|m| m.server_cpu_ns_per_tick),
        client_peak_rss_bytes: of(&|m| Some(m.client_peak_rss_bytes as f64)),
        server_lateness_ns: lateness(&of),
        ranked_spread: spread(rank_by, &good),
        remarks,
    }
}

type Pick<'a> = dyn Fn(&dyn Fn(&Measurement) -> Option<f64>) -> Option<f64> + 'a;

fn rates(of: &Pick<'_>) -> MedianRates {
    let rate = |pick: fn(&Rates) -> f64| of(&|m| Some(pick(&m.rates)));
    MedianRates {
        offered_per_s: of(&|m| m.rates.offered_per_s),
        generated_per_s: rate(|r| r.generated_per_s),
        written_per_s: rate(|r| r.written_per_s),
        acknowledged_per_s: rate(|r| r.acknowledged_per_s),
        confirmed_per_s: rate(|r| r.confirmed_per_s),
        received_per_s: rate(|r| r.received_per_s),
        processed_per_s: rate(|r| r.processed_per_s),
    }
}

/// Layer by layer, so that the sum of medians need not be the median of sums.
fn backlog(of: &Pick<'_>) -> Option<Backlog> {
    let layer = |pick: fn(&Backlog) -> f64| of(&|m| Some(pick(&m.backlog_end)));
    Some(Backlog {
        server: layer(|b| b.server)?,
        kernel_send: layer(|b| b.kernel_send)?,
        kernel_receive: layer(|b| b.kernel_receive)?,
        library: layer(|b| b.library)?,
        client: layer(|b| b.client)?,
    })
}

fn lateness(of: &Pick<'_>) -> Option<Lateness> {
    let at = |pick: fn(&Lateness) -> u64| {
        of(&|m| m.server_lateness_ns.as_ref().map(|l| pick(l) as f64)).map(|ns| ns as u64)
    };
    Some(Lateness { p50: at(|l| l.p50)?, p99: at(|l| l.p99)?, max: at(|l| l.max)? })
}

/// What a measurement is ranked by: its value, and whether less is better.
#[must_use]
pub fn ranked(rank_by: RankBy, m: &Measurement) -> Option<f64> {
    match rank_by {
        RankBy::ResponseP99 => m.response_ns.map(|q| q.p99.bound_ns() as f64),
        RankBy::BacklogGrowth => Some(m.backlog_growth_per_s),
        RankBy::Processed => Some(m.rates.processed_per_s),
    }
}

fn spread(rank_by: RankBy, good: &[&Measurement]) -> Option<Spread> {
    let values: Vec<f64> = good.iter().filter_map(|m| ranked(rank_by, m)).collect();
    stats::spread(&values).map(|(min, max)| Spread { min, max })
}

/// Below this share of the offered load, a backlog does not count as growing:
/// its slope is then the noise of a few ticks under way.
pub const KEEPS_UP_SHARE: f64 = 0.01;

/// The order of a table: measured rows first, best first.
pub fn sort(rows: &mut [Row], rank_by: RankBy) {
    rows.sort_by(|a, b| {
        let measured = |row: &Row| row.verdict != Verdict::Measured;
        measured(a).cmp(&measured(b)).then_with(|| {
            let (a, b) = (keys(a, rank_by), keys(b, rank_by));
            a[0].total_cmp(&b[0]).then(a[1].total_cmp(&b[1]))
        })
    });
}

/// Sort keys, least first.
fn keys(row: &Row, rank_by: RankBy) -> [f64; 2] {
    let p99 = row.response_ns.map_or(f64::MAX, |q| q.p99.bound_ns() as f64);
    match rank_by {
        RankBy::ResponseP99 => [p99, 0.0],
        RankBy::BacklogGrowth => [fall_behind_per_s(row), p99],
        RankBy::Processed => [-row.rates.processed_per_s.unwrap_or(0.0), 0.0],
    }
}

/// The growth of the backlog, or 0 for a client that keeps up.
fn fall_behind_per_s(row: &Row) -> f64 {
    let growth = row.backlog_growth_per_s.unwrap_or(f64::MAX);
    let limit = row.rates.offered_per_s.unwrap_or(0.0) * KEEPS_UP_SHARE;
    if growth < limit { 0.0 } else { growth }
}

/// Which rows are best: the first competitor, and all whose spread overlaps
/// with it. References and simulations do not compete; and one round has no
/// spread, so that it names nobody.
#[must_use]
pub fn best(rows: &[Row], rank_by: RankBy) -> Vec<usize> {
    let competes = |row: &Row| {
        row.verdict == Verdict::Measured
            && row.rounds > 1
            && !matches!(row.class, Class::Reference | Class::Simulated)
    };
    let Some(first) = rows.iter().position(competes) else { return Vec::new() };
    let tied = |row: &Row| match rank_by {
        RankBy::BacklogGrowth => fall_behind_per_s(row) == fall_behind_per_s(&rows[first]),
        _ => overlap(row.ranked_spread, rows[first].ranked_spread),
    };
    let same = rows.iter().enumerate().filter(|(_, row)| competes(row) && tied(row));
    same.map(|(index, _)| index).collect()
}

fn overlap(a: Option<Spread>, b: Option<Spread>) -> bool {
    matches!((a, b), (Some(a), Some(b)) if a.min <= b.max && b.min <= a.max)
}

/// A quantile of a row, for tables.
#[must_use]
pub fn pick(quantiles: Option<Quantiles>, which: fn(&Quantiles) -> Time) -> Option<Time> {
    quantiles.as_ref().map(which)
}
