//! The effect of each policy on a slow consumer: how much it loses, and how old its values and
//! its ticks become.

use super::lines;
use super::table::{Numbers, Table};
use bench_archive::campaign::Campaign;
use bench_core::analysis::rows::row::Row;
use bench_core::analysis::statistics::times::Time;
use bench_core::analysis::verdict::Verdict;
use bench_core::load::workload::{self, Workload};
use contract::Policy;
use schemars::JsonSchema;
use serde::Serialize;

/// One client under one policy: medians over rounds, as its row has them.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize)]
#[schemars(rename = "PolicyLine")]
pub struct Line {
    /// The client's name.
    pub client: String,
    /// The policy.
    pub policy: Policy,
    /// The workload's name.
    pub workload: String,
    /// The verdict of its row.
    pub verdict: Verdict,
    /// Processed, in ticks per second.
    pub processed_per_s: Option<f64>,
    /// The share that the client did not receive because it was slow: dropped of the ticks
    /// generated, or never generated of the ticks due.
    pub lost: Option<f64>,
    /// The p50 of processed − due.
    pub response_p50_ns: Option<Time>,
    /// The p99 of processed − due.
    pub response_p99_ns: Option<Time>,
    /// The p50 of the age of the newest value of each symbol.
    pub staleness_p50_ns: Option<u64>,
    /// The p99 of the age of the newest value of each symbol.
    pub staleness_p99_ns: Option<u64>,
    /// The backlog in all layers at the end of the window, in ticks.
    pub backlog_end: Option<f64>,
}

impl Line {
    fn new((row, workload): (&Row, &Workload)) -> Self {
        Self {
            client: row.client.clone(),
            policy: workload.policy(),
            workload: row.workload.clone(),
            verdict: row.verdict,
            processed_per_s: row.rates.processed_per_s,
            lost: row.loss.or(row.held_back),
            response_p50_ns: row.response_ns.map(|q| q.p50),
            response_p99_ns: row.response_ns.map(|q| q.p99),
            staleness_p50_ns: row.staleness_ns.map(|age| age.p50),
            staleness_p99_ns: row.staleness_ns.map(|age| age.p99),
            backlog_end: row.backlog_end.map(|backlog| backlog.total()),
        }
    }
}

/// Whether a workload belongs to the group.
#[must_use]
pub fn has(workload: &Workload) -> bool {
    workload.slow_consumer.is_some()
}

/// Client by client, the policies in the order of the workloads; empty where a campaign
/// does not have several of them.
#[must_use]
pub fn lines(campaign: &Campaign) -> Vec<Line> {
    lines::of_group(campaign, has).into_iter().map(Line::new).collect()
}

/// The table; `None` where a campaign does not have several of the group.
#[must_use]
pub fn table(campaign: &Campaign) -> Option<Table> {
    let all = lines::of_group(campaign, has);
    if all.is_empty() {
        return None;
    }
    let numbers = Numbers::new(
        &[
            "processed",
            "lost",
            "response_p50",
            "response_p99",
            "staleness_p50",
            "staleness_p99",
            "backlog",
        ]
        .map(|key| (key, None)),
    );
    let row =
        |(row, workload): &(&Row, &Workload)| numbers.row(&workload.policy().to_string(), row);
    let mut notes = vec![
        "Lost: dropped of the ticks generated; under `block`, never generated of the ticks due. Staleness: age of the newest value of each symbol at the client, over all symbols and snapshots. Response times are those of the ticks that the client received.".to_owned(),
        "A policy acts on ticks that wait in the server. A client that takes everything into its own queue is never behind there, so no policy makes its values fresher.".to_owned(),
        "Medians over rounds; ranks, confidence intervals and reasons are in the table of each workload.".to_owned(),
    ];
    notes.extend(differences(campaign));
    Some(Table {
        title: "Slow consumers: the policies side by side",
        anchor: "policies-side-by-side",
        heads: numbers.heads("policy"),
        rows: all.iter().map(row).collect(),
        notes,
    })
}

/// How the workloads differ besides their policies, if they do: such a difference affects the
/// table, too.
fn differences(campaign: &Campaign) -> Option<String> {
    let mut members = campaign.workloads.iter().filter(|workload| has(workload));
    let first = members.next()?;
    let differs = |other: &Workload| {
        let alike = Workload {
            name: first.name.clone(),
            slow_consumer: first.slow_consumer,
            rank_by: first.rank_by,
            ..other.clone()
        };
        let keys = workload::differing_keys(first, &alike);
        (!keys.is_empty()).then(|| format!("{} in {}", other.name, keys.join(", ")))
    };
    let all: Vec<String> = members.filter_map(differs).collect();
    (!all.is_empty()).then(|| {
        format!(
            "Not only the policies differ. Different from {}: {}. Do not compare across these.",
            first.name,
            all.join("; ")
        )
    })
}
