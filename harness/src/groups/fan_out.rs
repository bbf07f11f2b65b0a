//! What a tick costs the server, and when it arrives, by the number of connections that
//! it goes to. Pure.

use super::{Group, Table};
use crate::rows::Row;
use crate::saved::Campaign;
use crate::stats::Time;
use crate::table::{count, plain, time};
use crate::verdict::Verdict;
use crate::workload::Workload;
use serde::Serialize;

/// The group of the workloads that are compared here.
pub const GROUP: &str = "fan-out";

/// One client with one number of connections: medians over rounds, as its row has them.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Line {
    /// The client's name.
    pub client: String,
    /// Connections in all.
    pub connections: usize,
    /// The workload's name.
    pub workload: String,
    /// How it came out.
    pub verdict: Verdict,
    /// Over all connections, in ticks per second: a tick counts once for each.
    pub processed_per_s: Option<f64>,
    /// CPU of the server without spinning, by tick and connection.
    pub server_cpu_ns_per_tick: Option<f64>,
    /// CPU of the client, by processed tick.
    pub client_cpu_ns_per_tick: Option<f64>,
    /// Processed − due: half took less.
    pub response_p50_ns: Option<Time>,
    /// 99 % took less.
    pub response_p99_ns: Option<Time>,
    /// Most resident memory of the server.
    pub server_peak_rss_bytes: Option<f64>,
}

impl Line {
    fn new(row: &Row, workload: &Workload) -> Self {
        Self {
            client: row.client.clone(),
            connections: workload.connections * workload.clients,
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

    fn cells(&self) -> Vec<String> {
        let verdict = match self.verdict {
            Verdict::Ok => String::new(),
            other => format!(" [{}]", other.word()),
        };
        vec![
            self.client.clone(),
            format!("{}{verdict}", self.connections),
            self.processed_per_s.map_or(String::new(), count),
            plain(self.server_cpu_ns_per_tick),
            plain(self.client_cpu_ns_per_tick),
            time(self.response_p50_ns),
            time(self.response_p99_ns),
            plain(self.server_peak_rss_bytes.map(|bytes| bytes / 1e6)),
        ]
    }
}

/// Client by client, the workloads in their order; empty where a campaign has not
/// several of the group.
#[must_use]
pub fn lines(campaign: &Campaign) -> Vec<Line> {
    let is_one = |workload: &&Workload| Group::FanOut.has(workload);
    let workloads: Vec<&Workload> = campaign.workloads.iter().filter(is_one).collect();
    if workloads.len() < 2 {
        return Vec::new();
    }
    let mut clients: Vec<&str> = campaign.rows.iter().map(|row| row.client.as_str()).collect();
    clients.sort_unstable();
    clients.dedup();
    let of = |client| {
        let own = campaign.rows.iter().filter(move |row| row.client == client);
        workloads.iter().filter_map(move |workload| {
            let row = own.clone().find(|row| row.workload == workload.name)?;
            Some(Line::new(row, workload))
        })
    };
    clients.into_iter().flat_map(of).collect()
}

/// The table of these lines; `None` without any.
#[must_use]
pub fn table(lines: &[Line]) -> Option<Table> {
    (!lines.is_empty()).then(|| Table {
        title: "Fan-out: the numbers of connections side by side",
        anchor: "fan-out-side-by-side",
        heads: vec![
            "client",
            "connections",
            "processed\nticks/s",
            "server CPU\nns/tick",
            "client CPU\nns/tick",
            "response\np50",
            "\np99",
            "server\npeak MB",
        ],
        words: 2,
        rows: lines.iter().map(Line::cells).collect(),
        notes: vec![
            "A tick counts once for each connection that gets it: rates are sums over all, CPU time is by tick and connection, without what the server spins before due times.".to_owned(),
            "Medians over rounds; ranks, intervals and reasons are in the table of each workload.".to_owned(),
        ],
    })
}
