//! The content of `campaign.json`, and the evidence of a round: what is saved and read again.

use bench_core::analysis::capacity::result::Capacity;
use bench_core::analysis::rows::counters::CountersNote;
use bench_core::analysis::rows::ranks::precision::{Ended, Goal};
use bench_core::analysis::rows::ranks::ranking::Noise;
use bench_core::analysis::rows::ranks::rules::RowRules;
use bench_core::analysis::rows::row::Row;
use bench_core::load::congestion;
use bench_core::load::server::ServedBy;
use bench_core::load::workload::Workload;
use bench_core::record::environment::{Environment, Padding, Toolchain};
use bench_core::record::jitter::Jitter;
use bench_core::record::machine::Machine;
use bench_core::record::placement::Placed;
use bench_core::record::round::Record;
use bench_core::record::snapshot::Method;
use contract::{ClientFinal, ClientHello, ServerFinal};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use tick::{Sample, Schedule};

/// The version of campaign files and of the objects of `--json`.
pub const SCHEMA: u32 = 3;
/// The version before that, which can still be read: its reasons and remarks are sentences,
/// and its request is only in its command line.
pub const SENTENCES: u32 = 2;

/// The form of times in saved objects, as a regular expression.
pub const UTC: &str = "^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}Z$";

/// The kind of a campaign.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, JsonSchema, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// All clients under a few workloads.
    Compare,
    /// The highest rate of each client.
    Capacity,
    /// All clients at the same rates.
    Sweep,
}

/// The subcommand that runs it.
impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Compare => "compare",
            Self::Capacity => "capacity",
            Self::Sweep => "sweep",
        })
    }
}

impl Request {
    /// The kind of campaign that it asks for.
    #[must_use]
    pub fn kind(&self) -> Kind {
        match self {
            Self::Compare { .. } => Kind::Compare,
            Self::Sweep { .. } => Kind::Sweep,
            Self::Capacity { .. } => Kind::Capacity,
        }
    }
}

/// Whether a campaign has all of its rounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Rounds are still to come, or the harness was killed.
    Running,
    /// All rounds were run.
    Complete,
    /// It ended before all rounds were run.
    Interrupted,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Running => "running",
            Self::Complete => "complete",
            Self::Interrupted => "interrupted",
        })
    }
}

/// The options of a campaign that are not fields of [`Campaign`] itself.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Request {
    /// `harness compare`.
    Compare {
        /// The client that runs twice in every block.
        control: String,
        /// Further clients that do.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        controls: Vec<String>,
        /// How exact its figures are meant to be; absent where the number of rounds was given.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        goal: Option<Goal>,
        /// How often a disturbed round may be played again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        repeats: Option<u32>,
        /// Whether each client has a further round with counters, which is not timed.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        counters: bool,
    },
    /// `harness sweep`.
    Sweep {
        /// The workload whose rate is varied.
        workload: String,
        /// The rates, in ticks per second.
        rates_per_s: Vec<u64>,
        /// The client that runs twice in every block.
        control: String,
        /// How often a disturbed round may be played again.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        repeats: Option<u32>,
    },
    /// `harness capacity`.
    Capacity {
        /// The workload whose rate is varied.
        workload: String,
        /// A rate is sustained only if the p99 of the response time is below this, in ns.
        objective_p99_ns: u64,
        /// Time for the search of each client, in ns.
        budget_ns: u64,
        /// The first and lowest rate, in ticks per second.
        lowest_per_s: u64,
        /// No rate above this is tried, in ticks per second.
        highest_per_s: u64,
        /// Fresh rounds that have to sustain the rate that was found.
        confirmations: u32,
    },
}

/// The content of `campaign.json`.
#[derive(Debug, Clone, JsonSchema, Serialize, Deserialize)]
pub struct Campaign {
    /// The version of this file.
    #[schemars(extend("const" = SCHEMA))]
    pub schema: u32,
    /// The subcommand that ran it.
    pub kind: Kind,
    /// The version of the contract.
    #[schemars(extend("const" = contract::VERSION))]
    pub contract: u32,
    /// Whether it has all of its rounds.
    pub status: Status,
    /// When it began, UTC.
    #[schemars(regex(pattern = UTC))]
    pub started: String,
    /// When it ended, UTC; `None` while it runs.
    #[schemars(regex(pattern = UTC))]
    pub ended: Option<String>,
    /// The command that repeats it, without paths: for people.
    pub command: String,
    /// Its further options; `None` in campaigns of schema 2.
    #[serde(default)]
    pub request: Option<Request>,
    /// Seed of the market and of the order of rounds.
    pub seed: u64,
    /// Commit of the suite.
    pub commit: Option<String>,
    /// Whether files of the suite differed from that commit.
    pub dirty: Option<bool>,
    /// The machine that it ran on.
    pub machine: Machine,
    /// Share of CPU time that the hypervisor took during the campaign.
    pub stolen_share: Option<f64>,
    /// Which process ran on which CPUs, and why there: data, or a sentence in older campaigns.
    pub placement: Placed,
    /// The pauses of the CPUs in use while they were idle, before the first round; empty in older
    /// campaigns.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub jitter: Vec<Jitter>,
    /// Which variables of the environment server and clients had; absent in older campaigns,
    /// where they had all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<Environment>,
    /// How they were built; absent in older campaigns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub toolchain: Option<Toolchain>,
    /// Rounds per client and workload: all of them, or those before the ones that its precision
    /// needs.
    pub rounds: u32,
    /// Warm-up, in s.
    pub warmup_s: f64,
    /// Measured window, in s.
    pub measure_s: f64,
    /// From one snapshot to the next, in ms.
    pub grid_ms: u64,
    /// The server; absent where it is the default, as before there was a choice.
    #[serde(default, skip_serializing_if = "ServedBy::is_default")]
    pub server: ServedBy,
    /// The server's versions.
    pub server_versions: Vec<String>,
    /// The hello of each client, by its name.
    pub clients: BTreeMap<String, ClientHello>,
    /// The workloads that were run.
    pub workloads: Vec<Workload>,
    /// The rows of the tables.
    pub rows: Vec<Row>,
    /// How far the two entries of the control differ, by workload and metric.
    pub noise: Vec<Noise>,
    /// By which rules its rows are made and ranked; absent in older campaigns.
    #[serde(default, skip_serializing_if = "RowRules::are_default")]
    pub rules: RowRules,
    /// Why its workloads have no further rounds, where that depended on their precision.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub endings: Vec<Ended>,
    /// What readers of the rows' counters should know.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub counters_notes: Vec<CountersNote>,
    /// The results of a search for capacities.
    pub capacities: Vec<Capacity>,
}

impl Campaign {
    /// Keeps the client's hello and the server's versions of a round, if it ran.
    pub fn took_part(&mut self, client: &str, record: Option<&Record>) {
        if let Some(record) = record {
            self.server_versions.clone_from(&record.server_versions);
            self.clients.insert(client.to_owned(), record.hello.clone());
        }
    }

    /// What has to be known about the environment and the build of its programs.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let of_environment = self.environment.iter().flat_map(Environment::notes);
        let jitter = self.jitter.iter().map(|one| format!("Idle before the first round, {one}."));
        jitter
            .chain(of_environment)
            .chain(self.toolchain.as_ref().and_then(Toolchain::note))
            .collect()
    }

    /// The congestion control that its workloads ask for or inherit from the machine: each
    /// algorithm once, in the order of the workloads.
    #[must_use]
    pub fn congestion(&self) -> Vec<&str> {
        let default = self.machine.congestion_control.as_deref();
        let mut all = Vec::new();
        for name in self.workloads.iter().filter_map(|load| congestion::in_force(load, default)) {
            if !all.contains(&name) {
                all.push(name);
            }
        }
        all
    }

    /// The machine in one line, with the congestion control of the workloads instead of its
    /// default.
    #[must_use]
    pub fn machine_line(&self) -> String {
        match self.congestion().as_slice() {
            [] => self.machine.to_string(),
            all => self.machine.with_congestion(&all.join(" and ")),
        }
    }

    /// The rows of one workload, and its noise.
    #[must_use]
    pub fn of_workload(&self, name: &str) -> (Vec<Row>, Vec<Noise>) {
        let rows = self.rows.iter().filter(|row| row.workload == name).cloned();
        let noise = self.noise.iter().filter(|noise| noise.workload == name).cloned();
        (rows.collect(), noise.collect())
    }
}

/// What is saved of a round besides its numbers, if it ran: a part of its line in
/// `rounds.jsonl`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Evidence {
    /// The offered load.
    pub schedule: Schedule,
    /// Which seqs were stamped.
    pub sample: Sample,
    /// From tick 0 to the planned window.
    pub warmup_ns: u64,
    /// The length of the planned window.
    pub measure_ns: u64,
    /// When tick 0 was due, in ns of the monotonic clock.
    pub start_ns: u64,
    /// When the observation ended, in ns of the monotonic clock.
    pub ended_ns: u64,
    /// Whether the client still ran then, and was sent `stop`.
    pub told_to_stop: bool,
    /// How the kernel's queues were read.
    pub queues_by: Method,
    /// Congestion control of all connections at the server's end, read while they were open;
    /// `None`: it could not be read.
    pub congestion: Option<String>,
    /// The same at the client's end; not read before the workload could choose it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_congestion: Option<String>,
    /// Send buffer of the first connection at its beginning.
    pub send_buffer_bytes: u64,
    /// By how much the environments of its processes were lengthened; absent before they were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub padding: Option<Padding>,
    /// What each of the client's processes reported.
    pub client_finals: Vec<ClientFinal>,
    /// What the server reported.
    pub server_final: ServerFinal,
    /// How many messages the server generated, where it sent them repeatedly.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub messages: Option<usize>,
    /// The file of its journeys, relative to the campaign's directory.
    pub journeys: String,
    /// The file of its snapshots, relative to the campaign's directory.
    pub grid: String,
}
