//! What becomes of a slow consumer under each policy: how much it loses against how old
//! its values and its ticks get. Pure.

use super::Table;
use crate::diff::terms;
use crate::policy;
use crate::report::grid;
use crate::rows::Row;
use crate::saved::Campaign;
use crate::stats::Time;
use crate::table::{Column, count, nanos, rate, time};
use crate::verdict::Verdict;
use crate::workload::Workload;
use contract::Policy;
use serde::Serialize;

/// One client under one policy: medians over rounds, as its row has them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Line {
    /// The client's name.
    pub client: String,
    /// The policy.
    pub policy: Policy,
    /// The workload's name.
    pub workload: String,
    /// How it came out.
    pub verdict: Verdict,
    /// Ticks per second.
    pub processed_per_s: Option<f64>,
    /// What the client did not get, as it was slow: dropped of what was made, or never
    /// made of what was due.
    pub lost: Option<f64>,
    /// Processed − due: half took less.
    pub response_p50_ns: Option<Time>,
    /// 99 % took less.
    pub response_p99_ns: Option<Time>,
    /// Age of the newest value of each symbol: half are younger.
    pub staleness_p50_ns: Option<u64>,
    /// 99 % are younger.
    pub staleness_p99_ns: Option<u64>,
    /// In all layers at the end of the window, in ticks.
    pub backlog_end: Option<f64>,
}

impl Line {
    fn new(row: &Row, policy: Policy) -> Self {
        Self {
            client: row.client.clone(),
            policy,
            workload: row.workload.clone(),
            verdict: row.verdict,
            processed_per_s: row.rates.processed_per_s,
            lost: lost(row),
            response_p50_ns: row.response_ns.map(|q| q.p50),
            response_p99_ns: row.response_ns.map(|q| q.p99),
            staleness_p50_ns: row.staleness_ns.map(|age| age.p50),
            staleness_p99_ns: row.staleness_ns.map(|age| age.p99),
            backlog_end: row.backlog_end.map(|backlog| backlog.total()),
        }
    }

    fn cells(&self) -> Vec<String> {
        let verdict = match self.verdict {
            Verdict::Ok => String::new(),
            other => format!(" [{}]", other.word()),
        };
        let age = |ns: Option<u64>| ns.map_or(String::new(), nanos);
        vec![
            self.client.clone(),
            format!("{}{verdict}", policy::word(self.policy)),
            rate(self.processed_per_s),
            percent(self.lost),
            time(self.response_p50_ns),
            time(self.response_p99_ns),
            age(self.staleness_p50_ns),
            age(self.staleness_p99_ns),
            self.backlog_end.map_or(String::new(), count),
        ]
    }
}

/// The workloads of a campaign that have a policy, if there are several.
fn workloads<'a>(campaign: &'a Campaign) -> Vec<(&'a Workload, Policy)> {
    let with_policy = |of: &'a Workload| Some((of, of.slow_consumer?.policy));
    let found: Vec<_> = campaign.workloads.iter().filter_map(with_policy).collect();
    if found.len() > 1 { found } else { Vec::new() }
}

/// Client by client, the policies in the order of the workloads; empty where a campaign
/// has not several of them.
#[must_use]
pub fn lines(campaign: &Campaign) -> Vec<Line> {
    let workloads = workloads(campaign);
    let mut clients: Vec<&str> = campaign.rows.iter().map(|row| row.client.as_str()).collect();
    clients.sort_unstable();
    clients.dedup();
    let of = |client| {
        let own = campaign.rows.iter().filter(move |row| row.client == client);
        workloads.iter().filter_map(move |(workload, policy)| {
            let row = own.clone().find(|row| row.workload == workload.name)?;
            Some(Line::new(row, *policy))
        })
    };
    clients.into_iter().flat_map(of).collect()
}

/// The table of these lines; `None` without any.
#[must_use]
pub fn table(campaign: &Campaign, lines: &[Line]) -> Option<Table> {
    if lines.is_empty() {
        return None;
    }
    let mut notes = vec![
        "Lost: dropped of what was made; under block what was never made of what was due. Stale: age of the newest value of each symbol at the client, over all symbols and looks. Response times are of the ticks that it got.".to_owned(),
        "A policy acts on what waits in the server. Whoever takes everything into a queue of its own is never behind there, and no policy makes its values younger.".to_owned(),
        "Medians over rounds; ranks, intervals and reasons are in the table of each workload.".to_owned(),
    ];
    notes.extend(differences(&workloads(campaign)));
    Some(Table {
        title: "Slow consumers: the policies side by side",
        anchor: "policies-side-by-side",
        heads: vec![
            "client",
            "policy",
            "processed\nk/s",
            "lost\n%",
            "response\np50",
            "\np99",
            "stale\np50",
            "\np99",
            "backlog at\nend, ticks",
        ],
        words: 2,
        rows: lines.iter().map(Line::cells).collect(),
        notes,
    })
}

/// What sets the workloads apart besides their policies, and so is in the table too.
fn differences(workloads: &[(&Workload, Policy)]) -> Option<String> {
    let [(first, _), others @ ..] = workloads else { return None };
    let alike = |other: &Workload| Workload {
        name: first.name.clone(),
        slow_consumer: first.slow_consumer,
        rank_by: first.rank_by,
        ..other.clone()
    };
    let differs = |(other, _): &(&Workload, Policy)| {
        let keys = terms::differing_keys(first, &alike(other));
        (!keys.is_empty()).then(|| format!("{} in {}", other.name, keys.join(", ")))
    };
    let all: Vec<String> = others.iter().filter_map(differs).collect();
    (!all.is_empty()).then(|| {
        format!(
            "Not only the policies differ: from {} differs {}; do not compare across these.",
            first.name,
            all.join("; ")
        )
    })
}

/// The share of the ticks that a client did not get, as it was slow.
fn lost(row: &Row) -> Option<f64> {
    row.loss.or(row.held_back)
}

fn percent(share: Option<f64>) -> String {
    share.map_or(String::new(), |share| format!("{:.1}", share * 100.0))
}

/// What a table of one policy shows besides.
pub(crate) fn columns() -> [Column<Row>; 3] {
    [
        ("lost\n%", |row| percent(lost(row))),
        ("stale\np50", |row| row.staleness_ns.map_or(String::new(), |age| nanos(age.p50))),
        ("\np99", |row| row.staleness_ns.map_or(String::new(), |age| nanos(age.p99))),
    ]
}

/// The same on a page.
pub(crate) fn page_columns<'a>() -> [grid::Column<'a, Row>; 3] {
    [
        grid::number(
            "lost %",
            "dropped of what was made, or never made of what was due",
            |row: &Row| percent(lost(row)),
            lost,
        ),
        grid::number(
            "stale p50",
            "age of the newest value of each symbol at the client: half are younger",
            |row: &Row| row.staleness_ns.map_or(String::new(), |age| nanos(age.p50)),
            |row| row.staleness_ns.map(|age| age.p50 as f64),
        ),
        grid::number(
            "stale p99",
            "99 % are younger",
            |row: &Row| row.staleness_ns.map_or(String::new(), |age| nanos(age.p99)),
            |row| row.staleness_ns.map(|age| age.p99 as f64),
        ),
    ]
}
