//! Differences of two campaigns besides their numbers.

use super::machines::Differing;
use super::side::Which;
use bench_archive::campaign::Status;
use schemars::JsonSchema;
use serde::Serialize;
use std::fmt;

/// A property in which two machines, or the placement on them, differ.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize)]
pub struct Difference {
    /// The name of the property.
    pub what: String,
    /// Its value in A.
    pub a: String,
    /// Its value in B.
    pub b: String,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} and {}", self.what, self.a, self.b)
    }
}

/// The times of a round, and the interval of its snapshots.
#[derive(Debug, Clone, Copy, PartialEq, JsonSchema, Serialize)]
pub struct Times {
    /// Warm-up, in s.
    pub warmup_s: f64,
    /// Window, in s.
    pub measure_s: f64,
    /// From one snapshot to the next, in ms.
    pub grid_ms: u64,
}

impl fmt::Display for Times {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} s of warm-up, {} s measured, snapshots every {} ms",
            self.warmup_s, self.measure_s, self.grid_ms
        )
    }
}

/// A setting of a search for capacities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Setting {
    /// The first and lowest rate.
    Lowest,
    /// The highest rate.
    Highest,
    /// Time for each client, in ns.
    Budget,
    /// Number of fresh rounds that confirm.
    Confirmations,
}

/// The option that sets it.
impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Lowest => "--lowest",
            Self::Highest => "--highest",
            Self::Budget => "--budget",
            Self::Confirmations => "--confirmations",
        })
    }
}

/// Something to know before the numbers are read.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, thiserror::Error)]
#[serde(tag = "code", rename_all = "snake_case")]
#[allow(missing_docs)] // each message says what its fields are
pub enum Note {
    #[error("A and B are the same campaign")]
    SameCampaign,
    #[error(
        "different machines: the numbers compare machines as much as programs: {}",
        list(differences, "; ")
    )]
    Machines { differences: Vec<Difference> },
    #[error(
        "different machines: {}: absolute figures of one say nothing about the other, so nothing is concluded from them; compare ratios to a client that both have with --across-machines CLIENT",
        list(differing, "; ")
    )]
    OtherMachine { differing: Vec<Differing> },
    #[error(
        "ratios to {client} across machines: what the machines differ in ({}) need not affect all clients alike",
        list(differing, "; ")
    )]
    RatiosAcross { client: String, differing: Vec<Differing> },
    #[error("built or started in different ways: {}", list(differences, "; "))]
    Builds { differences: Vec<Difference> },
    #[error("the files of {side} differed from its commit")]
    Dirty { side: Which },
    #[error("{side} is incomplete ({status}): rounds are missing")]
    Incomplete { side: Which, status: Status },
    #[error("different servers: the numbers compare {a} and {b} as much as clients")]
    Servers { a: String, b: String },
    #[error("different servers: {} and {}", a.join(", "), b.join(", "))]
    ServerVersions { a: Vec<String>, b: Vec<String> },
    #[error("{client} consists of {} in A and of {} in B", a.join(", "), b.join(", "))]
    ClientVersions { client: String, a: Vec<String>, b: Vec<String> },
    #[error("{client} has another runtime, transport or queue in B")]
    ClientSetup { client: String },
    #[error("files of schema {a} and {b}")]
    Schemas { a: u32, b: u32 },
    #[error("different seeds, so different markets: {a} and {b}")]
    Seeds { a: u64, b: u64 },
    #[error("different numbers of rounds: {a} and {b}")]
    Rounds { a: u32, b: u32 },
    #[error("different times: {a} and {b}{}", if *tails_differ { ": a longer window contains more rare events, so high quantiles and maxima cannot be compared" } else { "" })]
    Times { a: Times, b: Times, tails_differ: bool },
    #[error("different searches: {setting} {a} and {b}")]
    Search { setting: Setting, a: u64, b: u64 },
    #[error(
        "the options of the search of {side} are not recorded: its latency objective may differ"
    )]
    SearchUnknown { side: Which },
    #[error("only {}: a selection made after seeing the numbers proves less", names.join(", "))]
    Chosen { names: Vec<String> },
    #[error(
        "rounds: {few} of {all} comparisons have a single round on one side, which shows nothing: measure with --rounds {enough} or more"
    )]
    OneRound { few: usize, all: usize, enough: usize },
    #[error(
        "rounds: {few} of {all} comparisons have fewer than {least} rounds on one side: too few for a test, so a difference is reported only where all rounds of one side are beyond all rounds of the other, and nothing is called the same; measure with --rounds {enough} or more"
    )]
    FewRounds { few: usize, all: usize, least: usize, enough: usize },
    #[error("rounds: among {comparisons} comparisons, {rounds} rounds cannot give a p below 0.05 after Holm's adjustment, however large a difference is: {}compare fewer with --workload and --only", rounds_needed(*needed))]
    NoPower { comparisons: usize, rounds: usize, needed: Option<usize> },
}

fn rounds_needed(needed: Option<usize>) -> String {
    needed.map_or(String::new(), |needed| format!("measure with --rounds {needed} or more, or "))
}

fn list(all: &[impl fmt::Display], between: &str) -> String {
    all.iter().map(ToString::to_string).collect::<Vec<_>>().join(between)
}
