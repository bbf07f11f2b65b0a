//! The server's cost per tick, and response times, by the number of connections.

use super::lines;
use super::table::{Numbers, Table};
use crate::columns::column::Format;
use bench_archive::campaign::Campaign;
use bench_core::analysis::rows::row::Row;
use bench_core::analysis::statistics::times::Time;
use bench_core::analysis::verdict::Verdict;
use bench_core::load::workload::Workload;
use schemars::JsonSchema;
use serde::Serialize;

/// The group of the workloads that are compared here.
pub const GROUP: &str = "fan-out";

/// One client with one number of connections: medians over rounds, as its row has them.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize)]
#[schemars(rename = "FanOutLine")]
pub struct Line {
    /// The client's name.
    pub client: String,
    /// Number of connections of all client processes.
    pub connections: usize,
    /// The workload's name.
    pub workload: String,
    /// The verdict of its row.
    pub verdict: Verdict,
    /// Sum over all connections, in ticks per second: a tick counts once for each of them.
    pub processed_per_s: Option<f64>,
    /// CPU time of the server without spinning, per tick and connection.
    pub server_cpu_ns_per_tick: Option<f64>,
    /// CPU time of the client, per processed tick.
    pub client_cpu_ns_per_tick: Option<f64>,
    /// The p50 of processed − due.
    pub response_p50_ns: Option<Time>,
    /// The p99 of processed − due.
    pub response_p99_ns: Option<Time>,
    /// Highest resident memory of the server.
    pub server_peak_rss_bytes: Option<f64>,
}

impl Line {
    fn new((row, workload): (&Row, &Workload)) -> Self {
        Self {
            client: row.client.clone(),
            connections: connections(workload),
            workload: row.workload.clone(),
            verdict: row.verdict,
            processed_per_s: row.rates.processed_per_s,
            server_cpu_ns_per_tick: row.server_cpu_ns_per_tick,
            client_cpu_ns_per_tick: row.client_cpu_ns_per_tick,
            response_p50_ns: row.response_ns.map(|q| q.p50),
            response_p99_ns: row.response_ns.map(|q| q.p99),
            server_peak_rss_bytes: row.samples.server_peak_rss_bytes(),
        }
    }
}

/// Whether a workload belongs to the group.
#[must_use]
pub fn has(workload: &Workload) -> bool {
    workload.group.as_deref() == Some(GROUP)
}

fn connections(workload: &Workload) -> usize {
    workload.connections * workload.clients
}

/// Client by client, the workloads in their order; empty where a campaign does not have
/// several of the group.
#[must_use]
pub fn lines(campaign: &Campaign) -> Vec<Line> {
    lines::of_group(campaign, has).into_iter().map(Line::new).collect()
}

/// The table; `None` where a campaign does not have several of the group.
#[must_use]
pub fn table(campaign: &Campaign) -> Option<Table> {
    let all = lines::of_group(campaign, has);
    let numbers = Numbers::new(&[
        ("processed", Some(Format::Count)),
        ("server_cpu", None),
        ("client_cpu", None),
        ("response_p50", None),
        ("response_p99", None),
        ("server_memory", None),
    ]);
    let row =
        |(row, workload): &(&Row, &Workload)| numbers.row(&connections(workload).to_string(), row);
    (!all.is_empty()).then(|| Table {
        title: "Fan-out: the numbers of connections side by side",
        anchor: "fan-out-side-by-side",
        heads: numbers.heads("connections"),
        rows: all.iter().map(row).collect(),
        notes: vec![
            "A tick counts once for each connection that receives it: rates are ticks/s summed over all connections, and CPU time is per tick and connection, without the server's spinning before due times.".to_owned(),
            "Medians over rounds; ranks, confidence intervals and reasons are in the table of each workload.".to_owned(),
        ],
    })
}
