//! What is reported about a campaign while it runs.

use bench_core::analysis::rows::counters::CountersRound;
use bench_core::analysis::rows::result::RoundResult;
use bench_core::load::plan::Timing;
use bench_core::load::server::Paces;
use bench_core::load::workload::Workload;
use bench_core::record::snapshot::Snapshot;
use std::fmt;

/// What is being run.
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
    /// What is run.
    pub title: Activity,
    /// Short names of the loads, by index.
    pub loads: Vec<String>,
    /// Names of the entries, by index; the controls last.
    pub entries: Vec<String>,
    /// The number and length of its rounds or searches.
    pub extent: Extent,
}

/// The number and length of rounds or searches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// Each client runs the same number of rounds under each load, and further ones as announced.
    Rounds {
        /// Rounds of each client under each load.
        each: u32,
        /// Further rounds with counters, of all clients under all loads together.
        counters: usize,
        /// Length of warm-up and window, in ns.
        round_ns: u64,
        /// Time within which further rounds may be played, in ns; 0: there are none.
        budget_ns: u64,
    },
    /// A search for each client; how many rounds it takes is not known beforehand.
    Searches {
        /// Time limit of each search, in ns.
        budget_ns: u64,
    },
}

impl Default for Extent {
    fn default() -> Self {
        Self::Rounds { each: 0, counters: 0, round_ns: 0, budget_ns: 0 }
    }
}

/// A round that begins.
#[derive(Debug, Clone)]
pub struct RoundStart {
    /// Index of its load in the outline.
    pub load: usize,
    /// Index of its entry in the outline.
    pub entry: usize,
    /// Load, client and round, as text.
    pub title: String,
    /// The load itself.
    pub workload: Workload,
    /// Seed of random gaps.
    pub seed: u64,
    /// Length of warm-up and window.
    pub timing: Timing,
    /// Who decides when a tick is generated.
    pub paces: Paces,
}

/// A probe of a search that is over.
#[derive(Debug, Clone, PartialEq)]
pub struct Probed {
    /// One line for logs.
    pub line: String,
    /// The rate, if it was sustained, in ticks per second.
    pub sustained_per_s: Option<u64>,
}

/// Receives everything that happens in a campaign. It must not block.
pub trait Progress {
    /// A campaign, or a part of one, begins.
    fn plan(&mut self, outline: Outline);
    /// A round begins.
    fn begin(&mut self, round: RoundStart);
    /// A snapshot of a round whose tick 0 was due at `start_ns`.
    fn snapshot(&mut self, start_ns: u64, snapshot: &Snapshot);
    /// A round of a campaign is over.
    fn end(&mut self, result: &RoundResult);
    /// A round with counters is over.
    fn counted(&mut self, round: &CountersRound);
    /// Further rounds are going to be played: of clients that are not exact enough yet, or again.
    fn more(&mut self, rounds: usize);
    /// A round with counters that was planned is left out.
    fn left_out(&mut self);
    /// A probe of a search is over.
    fn probed(&mut self, result: &RoundResult, probe: Probed);
}
