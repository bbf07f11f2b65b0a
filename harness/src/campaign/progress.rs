//! What is reported of a campaign while it runs.

use bench_core::analysis::rows::result::RoundResult;
use bench_core::load::plan::Timing;
use bench_core::load::server::Paces;
use bench_core::load::workload::Workload;
use bench_core::record::snapshot::Snapshot;
use std::fmt;

/// What is going on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Activity {
    /// A comparison.
    #[default]
    Compare,
    /// A sweep.
    Sweep,
    /// Searches for capacities.
    Capacity,
    /// Searches for the rates of a sweep.
    SearchForRates,
}

impl fmt::Display for Activity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Compare => "compare",
            Self::Sweep => "sweep",
            Self::Capacity => "capacity",
            Self::SearchForRates => "search for rates",
        })
    }
}

/// What a campaign is going to do.
#[derive(Debug, Clone, Default)]
pub struct Outline {
    /// What it is called.
    pub title: Activity,
    /// Short names of the loads, in the order of their numbers.
    pub loads: Vec<String>,
    /// Names of the entries, in the order of their numbers; the control last.
    pub entries: Vec<String>,
    /// How much of it there is.
    pub extent: Extent,
}

/// How much there is to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// So many rounds of each client under each load, each so long in ns.
    Rounds {
        /// Rounds.
        each: u32,
        /// Warm-up and window.
        round_ns: u64,
    },
    /// A search for each client, at most so long in ns; how many rounds it takes
    /// is not known beforehand.
    Searches {
        /// The budget of each.
        budget_ns: u64,
    },
}

impl Default for Extent {
    fn default() -> Self {
        Self::Rounds { each: 0, round_ns: 0 }
    }
}

/// A round that begins.
#[derive(Debug, Clone)]
pub struct RoundStart {
    /// The number of its load in the outline.
    pub load: usize,
    /// The number of its entry there.
    pub entry: usize,
    /// What it is called.
    pub title: String,
    /// The load itself.
    pub workload: Workload,
    /// Of random gaps.
    pub seed: u64,
    /// How long it is.
    pub timing: Timing,
    /// Who says when a tick is made.
    pub paces: Paces,
}

/// A probe of a search that is over.
#[derive(Debug, Clone, PartialEq)]
pub struct Probed {
    /// In one line, as it stands in logs.
    pub line: String,
    /// The rate, if it was sustained, in ticks per second.
    pub sustained_per_s: Option<u64>,
}

/// Is told of everything that happens in a campaign, and never waits for anything.
pub trait Progress {
    /// A campaign, or a part of one, begins.
    fn plan(&mut self, outline: Outline);
    /// A round begins.
    fn begin(&mut self, round: RoundStart);
    /// A snapshot of a round whose tick 0 was due at `start_ns`.
    fn snapshot(&mut self, start_ns: u64, snapshot: &Snapshot);
    /// A round of a campaign is over.
    fn end(&mut self, result: &RoundResult);
    /// A probe of a search is over.
    fn probed(&mut self, result: &RoundResult, probe: Probed);
}
