//! What a search for a capacity found.

use crate::analysis::round::backlog::Layer;
use crate::analysis::rows::result::RoundResult;
use crate::analysis::verdict::Verdict;
use crate::analysis::verdict::reason::Reasons;
use crate::load::workload::Workload;
use contract::Class;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The result of the search for one client.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Capacity {
    /// The client's name.
    pub client: String,
    /// The client's class.
    pub class: Class,
    /// The highest rate that it sustained, in ticks per second; `None`: not even
    /// the lowest, or it could not be measured.
    pub capacity_per_s: Option<u64>,
    /// From the highest rate sustained to the lowest that was not; the latter is
    /// `None` when no rate was too high.
    pub interval_per_s: Option<(u64, Option<u64>)>,
    /// The most frequent limit at the lowest rate that was not sustained.
    pub limited_by: Option<Limit>,
    /// Whether fresh rounds confirmed the rate, and refuted the one above.
    pub confirmed: bool,
    /// CPU time of the client at that rate, in CPUs.
    pub client_cpus: Option<f64>,
    /// The p99 of the response time at that rate, in ns.
    pub response_p99_ns: Option<f64>,
    /// Why there is no answer, or a doubtful one, if so.
    pub note: Option<SearchNote>,
    /// How long the search took, in s.
    pub took_s: f64,
    /// Every probe, in order.
    pub probes: Vec<Probe>,
}

impl Capacity {
    /// Whether its probes are exactly the rounds of its client, under `workload` at the
    /// probed rates.
    #[must_use]
    pub fn is_of(&self, workload: &Workload, rounds: &[&RoundResult]) -> bool {
        let own: Vec<&&RoundResult> = rounds.iter().filter(|r| r.client == self.client).collect();
        let alike = |(probe, round): (&Probe, &&&RoundResult)| {
            let m = round.measurement.as_ref();
            round.workload == workload.at_rate(probe.rate_per_s).name
                && probe.verdict == round.verdict
                && probe.efficiency == m.and_then(|m| m.efficiency)
                && probe.backlog_growth_per_s == m.map(|m| m.backlog_growth_per_s)
                && probe.client_cpus == m.map(|m| m.client_cpus)
                && probe.response_p99_ns
                    == m.and_then(|m| m.response_ns).map(|response| response.p99.bound_ns())
        };
        self.probes.len() == own.len() && self.probes.iter().zip(&own).all(alike)
    }
}

/// One round at one rate.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Probe {
    /// Ticks per second.
    pub rate_per_s: u64,
    /// Why it was run.
    pub phase: Phase,
    /// The limit that was reached; `None`: the rate was sustained.
    pub gave_way: Option<Limit>,
    /// The verdict of the round.
    pub verdict: Verdict,
    /// Why the round has that verdict.
    #[serde(default, alias = "reason")]
    pub reasons: Reasons,
    /// Processed divided by offered load.
    pub efficiency: Option<f64>,
    /// Growth of the backlog, in ticks per second.
    pub backlog_growth_per_s: Option<f64>,
    /// The p99 of the response time, in ns; a lower bound where ticks still waited.
    pub response_p99_ns: Option<u64>,
    /// CPU time of the client, in CPUs.
    pub client_cpus: Option<f64>,
}

/// The phase of a search.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Higher each time, by a fixed factor.
    Climb,
    /// Between the highest rate sustained and the lowest that was not.
    Bisect,
    /// Fresh rounds at the rate that was found, and just above it.
    Confirm,
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Climb => "climb",
            Self::Bisect => "bisect",
            Self::Confirm => "confirm",
        })
    }
}

/// What limits a rate.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, JsonSchema, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Limit {
    /// Most of the backlog was in the server, behind full kernel queues.
    Server,
    /// Most of the backlog was in the kernel's send queue.
    KernelSend,
    /// Most of the backlog was in the kernel's receive queue.
    KernelReceive,
    /// Most of the backlog was in the client's library.
    Library,
    /// Most of the backlog was in the client's own queue.
    Client,
    /// No backlog grew, but the p99 of the response time was above its objective.
    Latency,
    /// The server itself could not generate ticks at that rate.
    ServerPace,
    /// The round failed its audit, or ended early.
    Audit,
    /// The hypervisor or other processes took CPU time.
    Noise,
}

impl fmt::Display for Limit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Server => "backlog in the server",
            Self::KernelSend => "backlog in the kernel's send queue",
            Self::KernelReceive => "backlog in the kernel's receive queue",
            Self::Library => "backlog in the library",
            Self::Client => "backlog in the client's queue",
            Self::Latency => "latency objective",
            Self::ServerPace => "the server's own pace",
            Self::Audit => "a failed round",
            Self::Noise => "a disturbed machine",
        })
    }
}

impl From<Layer> for Limit {
    fn from(layer: Layer) -> Self {
        match layer {
            Layer::Server => Self::Server,
            Layer::KernelSend => Self::KernelSend,
            Layer::KernelReceive => Self::KernelReceive,
            Layer::Library => Self::Library,
            Layer::Client => Self::Client,
        }
    }
}

/// Why a search has no answer, or a doubtful one.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum SearchNote {
    /// Not even the lowest rate was sustained.
    #[error("it does not sustain the lowest rate, {rate_per_s} ticks/s")]
    BelowLowest {
        /// The lowest rate.
        rate_per_s: u64,
    },
    /// The budget was spent.
    #[error("the budget of {budget_s} s was too small to finish: allow more with --budget")]
    OutOfTime {
        /// The budget for each client, in s.
        budget_s: f64,
    },
    /// Too many probes in a row were disturbed.
    #[error("too disturbed to go on: {reasons}")]
    Disturbed {
        /// Why the last probe was disturbed.
        reasons: Reasons,
    },
    /// A round could not be saved.
    #[error("the search ended because a round could not be saved")]
    DiskFull,
    /// The client cannot be measured.
    #[error("{verdict}: {reasons}")]
    NotMeasured {
        /// The verdict of its last probe.
        verdict: Verdict,
        /// Why that probe has that verdict.
        reasons: Reasons,
    },
    /// A sentence of a campaign from before notes had codes.
    #[error("{0}")]
    #[serde(untagged)]
    Text(String),
}
