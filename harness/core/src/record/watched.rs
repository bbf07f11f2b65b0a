//! What was observed of a round from outside: its snapshots, and the rest of the machine.

use super::counters::Counts;
use super::disturbance::Disturbance;
use super::signals::Signals;
use super::snapshot::Snapshot;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Context switches of all threads of a process.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Switches {
    /// A thread had to wait for something.
    pub voluntary: u64,
    /// A thread was preempted.
    pub involuntary: u64,
}

impl std::ops::AddAssign for Switches {
    fn add_assign(&mut self, other: Self) {
        self.voluntary += other.voluntary;
        self.involuntary += other.involuntary;
    }
}

/// What the host took of the CPUs of a round, in total.
#[derive(Debug, Clone, Copy, Default, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct HostUse {
    /// Share of the CPUs' time that the hypervisor took.
    pub stolen_share: f64,
    /// CPU time of processes outside of the round, in CPUs: 0.1 is a tenth of
    /// one.
    pub others_cpus: f64,
    /// The number of CPUs that the round used; 0 in campaigns from before it was recorded.
    #[serde(default)]
    pub cpus: usize,
    /// Lowest and highest CPU frequency observed, in kHz; `None` where it is not reported.
    pub frequency_khz: Option<[u64; 2]>,
}

/// What was observed of a round from outside.
#[derive(Debug, Clone, Default)]
pub struct Watched {
    /// The snapshots on the grid, the first at the start.
    pub snapshots: Vec<Snapshot>,
    /// The processed count of each connection at each of them, where there are several.
    pub processed_each: Vec<Vec<u64>>,
    /// When the observation ended, in ns of the monotonic clock: ticks that were not
    /// processed by then have waited at least until then.
    pub ended_ns: u64,
    /// Whether the client still ran then, and was sent `stop`.
    pub told_to_stop: bool,
    /// Context switches of the client, from the snapshot before the window to its end.
    pub client_switches: Switches,
    /// Whether a thread of the client could run on CPUs that it was not given, at the begin of
    /// the window or at its end.
    pub client_left_its_cpus: bool,
    /// Context switches of the server over the same time.
    pub server_switches: Switches,
    /// Peak resident memory of the client, in bytes.
    pub client_peak_rss_bytes: u64,
    /// Peak resident memory of the server, in bytes.
    pub server_peak_rss_bytes: u64,
    /// What disturbed the round, from the snapshot before the window to its end.
    pub disturbance: HostUse,
    /// The counters of the machine at each snapshot.
    pub signals: Vec<Signals>,
    /// How far their CPU times may be off between two readings, in ns: 0 where the kernel counts
    /// exactly.
    pub busy_error_ns: u64,
    /// What took CPU time from the round, in the order of time: located from those counters.
    pub disturbances: Vec<Disturbance>,
    /// CPU time of the harness over the same time, in CPUs: 0.01 is a hundredth of one.
    pub harness_cpus: f64,
    /// What was counted of the client within the window, in a round that is not timed.
    pub counts: Option<Counts>,
}
