//! Campaigns for tests: synthetic ones, whose rows are computed as in the harness, and the
//! published ones.

use crate::compare::side::Side;
use bench_archive::archive::Archive;
use bench_archive::campaign::Campaign;
use bench_archive::publication;
use bench_core::analysis::round::measure::{Measurement, Rates};
use bench_core::analysis::rows::result::RoundResult;
use bench_core::analysis::rows::summary::{self, Participants};
use bench_core::analysis::statistics::times::{Quantiles, Time};
use bench_core::analysis::verdict::Verdict;
use bench_core::analysis::verdict::reason::{Reason, Reasons};
use bench_core::load::workload::Workload;
use contract::Class;
use serde_json::json;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// A workload of 100 000 ticks/s, ranked by the p99 of the response time.
pub fn steady() -> Workload {
    workload("steady", "rate_per_s = 100000\nrank_by = \"response_p99\"")
}

/// A workload with these further lines.
pub fn workload(name: &str, lines: &str) -> Workload {
    let text = format!("name = \"{name}\"\nwhy = \"w\"\nread = \"r\"\n{lines}");
    toml::from_str(&text).unwrap()
}

/// A round that kept up with [`steady`]: its p99 is three times `unit_ns`.
pub fn kept_up(unit_ns: u64) -> Measurement {
    let times = [1, 2, 3, 5, 9].map(|n| Time::Exact(n * unit_ns));
    let [p50, p90, p99, p999, max] = times;
    Measurement {
        rates: Rates {
            offered_per_s: Some(100_000.0),
            processed_per_s: 100_000.0,
            ..Rates::default()
        },
        efficiency: Some(1.0),
        backlog_growth_per_s: -3.0,
        response_ns: Some(Quantiles { p50, p90, p99, p999, max }),
        client_cpu_ns_per_tick: Some(500.0),
        ..Measurement::default()
    }
}

/// An overloaded round: all of its times are lower bounds.
pub fn fell_behind(growth_per_s: f64) -> Measurement {
    let mut m = kept_up(1);
    m.rates.processed_per_s = 100_000.0 - growth_per_s;
    m.backlog_growth_per_s = growth_per_s;
    let bound = Time::AtLeast { at_least: 2_000_000_000 };
    m.response_ns = Some(Quantiles { p50: bound, p90: bound, p99: bound, p999: bound, max: bound });
    m
}

/// `count` rounds near `unit_ns`, one per mille apart.
pub fn around(unit_ns: u64, count: u64) -> Vec<Measurement> {
    (0..count).map(|i| kept_up(unit_ns + i * unit_ns / 1000)).collect()
}

/// The reasons of any verdict but `ok`.
pub fn reasons(verdict: Verdict) -> Reasons {
    match verdict {
        Verdict::Ok => Reasons::default(),
        _ => Reason::Text("for a test".into()).into(),
    }
}

/// The rounds of a client under a workload, all with one verdict.
pub fn rounds(
    workload: &str,
    client: &str,
    verdict: Verdict,
    all: Vec<Measurement>,
) -> Vec<RoundResult> {
    let round = |(round, measurement)| RoundResult {
        workload: workload.into(),
        client: client.into(),
        control: false,
        round,
        repeat: 0,
        disturbances: Vec::new(),
        verdict,
        reasons: reasons(verdict),
        remarks: Vec::new(),
        measurement: verdict.is_measured().then_some(measurement),
    };
    (1..).zip(all).map(round).collect()
}

/// The same rounds, as those of the control.
pub fn control(mut rounds: Vec<RoundResult>) -> Vec<RoundResult> {
    rounds.iter_mut().for_each(|round| round.control = true);
    rounds
}

/// A synthetic campaign and its rounds.
pub struct Synthetic {
    pub name: String,
    pub campaign: Campaign,
    pub rounds: Vec<RoundResult>,
}

impl Synthetic {
    pub fn new(name: &str, workloads: &[Workload], rounds: Vec<RoundResult>) -> Self {
        let mut campaign = empty("compare", workloads);
        let mut clients: Vec<(String, Class)> =
            rounds.iter().map(|round| (round.client.clone(), Class::Library)).collect();
        clients.sort_by(|a, b| a.0.cmp(&b.0));
        clients.dedup();
        let control = rounds.iter().find(|round| round.control);
        let controls = control.map(|round| round.client.clone()).into_iter().collect();
        let participants = Participants { clients, controls, ..Participants::default() };
        for workload in workloads {
            let all: Vec<&RoundResult> = rounds.iter().collect();
            let (rows, noise) = summary::of_workload(workload, &participants, &all);
            campaign.rows.extend(rows);
            campaign.noise.extend(noise);
        }
        Self { name: name.into(), campaign, rounds }
    }

    pub fn side(&self) -> Side<'_> {
        Side {
            name: self.name.clone(),
            campaign: &self.campaign,
            rounds: self.rounds.iter().collect(),
            tapes: BTreeMap::new(),
            congestion: BTreeMap::new(),
        }
    }
}

/// A campaign of a kind, without rows.
pub fn empty(kind: &str, workloads: &[Workload]) -> Campaign {
    let value = json!({
        "schema": bench_archive::campaign::SCHEMA,
        "kind": kind,
        "contract": contract::VERSION,
        "status": "complete",
        "started": "2026-01-01T00:00:00Z",
        "ended": null,
        "command": "cargo harness compare x",
        "seed": 1,
        "commit": "0123456789abcdef",
        "dirty": false,
        "machine": {
            "host": "vm", "kernel": "6.18", "architecture": "x86_64", "cpu_model": "EPYC",
            "cpu_flags": [], "cpus_allowed": "0-1", "cpus_online": 2, "memory_bytes": null,
            "governor": null, "congestion_control": "bbr", "tcp_rmem_bytes": null,
            "tcp_wmem_bytes": null, "clocksource": null, "load_before": null
        },
        "stolen_share": null,
        "placement": "server and harness on CPU 0, client on CPU 1",
        "rounds": 7,
        "warmup_s": 0.5,
        "measure_s": 2.0,
        "grid_ms": 20,
        "server_versions": ["tick-server 0.1.0"],
        "clients": {},
        "workloads": workloads,
        "rows": [],
        "noise": [],
        "capacities": []
    });
    serde_json::from_value(value).unwrap()
}

/// The published campaigns, the oldest first, without those that were measured here but not
/// published.
pub fn published() -> Vec<Archive> {
    published_dirs().iter().map(|dir| Archive::open(dir).unwrap()).collect()
}

/// Their directories.
pub fn published_dirs() -> Vec<PathBuf> {
    publication::published(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../results")).unwrap()
}
