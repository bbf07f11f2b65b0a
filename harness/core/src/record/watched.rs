//! What a round looked like from outside: its snapshots, and what else the machine did.

use super::snapshot::Snapshot;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Context switches of all threads of a process since it began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Switches {
    /// It waited for something.
    pub voluntary: u64,
    /// It was put off its CPU.
    pub involuntary: u64,
}

impl std::ops::AddAssign for Switches {
    fn add_assign(&mut self, other: Self) {
        self.voluntary += other.voluntary;
        self.involuntary += other.involuntary;
    }
}

/// What disturbed a round.
#[derive(Debug, Clone, Copy, Default, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Disturbance {
    /// Share of the CPUs' time that the hypervisor took.
    pub stolen_share: f64,
    /// CPU time of processes outside of the round, in CPUs: 0.1 is a tenth of
    /// one.
    pub others_cpus: f64,
    /// Lowest and highest frequency seen, in kHz; `None` where it is not told.
    pub frequency_khz: Option<[u64; 2]>,
}

/// What was seen from outside.
#[derive(Debug, Clone, Default)]
pub struct Watched {
    /// The snapshots on the grid, the first at the start.
    pub snapshots: Vec<Snapshot>,
    /// What each connection had processed at each of them, where there are several.
    pub processed_each: Vec<Vec<u64>>,
    /// When the watching ended, ns of the monotonic clock: what was not
    /// processed by then had waited at least so long.
    pub ended_ns: u64,
    /// Whether the client still ran then, and was told to stop.
    pub told_to_stop: bool,
    /// Context switches of the client within the window.
    pub client_switches: Switches,
    /// Context switches of the server within the window.
    pub server_switches: Switches,
    /// Most resident memory of the client.
    pub client_peak_rss_bytes: u64,
    /// Most resident memory of the server.
    pub server_peak_rss_bytes: u64,
    /// What went on around it, within the window.
    pub disturbance: Disturbance,
}
