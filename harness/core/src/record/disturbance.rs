//! What took CPU time from a round although it was none of the round's own work: plain data,
//! located in time.

use super::cpus::CpuList;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::Range;

/// One disturbance: a stretch of time, and how much of it was taken. Its signals come from
/// outside: nothing that a client reports, and none of its figures, is in it.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Disturbance {
    /// When the stretch began, in ns since tick 0 was due.
    pub at_ns: i64,
    /// Its length, in ns: between two readings of the counters. The disturbance lay within.
    pub within_ns: u64,
    /// How much was taken, in ns of CPU time, or of waiting for it.
    pub took_ns: u64,
    /// From which CPUs: one, or as many as the counters cannot tell apart.
    pub cpus: CpuList,
    /// What took it.
    pub cause: Cause,
}

impl Disturbance {
    /// Whether it may have been within this stretch of time, in ns since tick 0 was due.
    #[must_use]
    pub fn overlaps(&self, ns: &Range<i64>) -> bool {
        let end_ns = self.at_ns.saturating_add_unsigned(self.within_ns);
        self.at_ns < ns.end && ns.start < end_ns
    }
}

/// What can take time from a round.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, JsonSchema, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The hypervisor ran other guests.
    Stolen,
    /// Processes that are not of the round ran.
    OtherProcesses,
    /// The kernel served interrupts, of the round's own packets too.
    Interrupts,
    /// The control group had used up its quota of CPU time.
    Throttled,
    /// The machine was suspended (clock_gettime(2): the boot time went on and the monotonic clock
    /// did not).
    Suspended,
    /// The server, which spins on a CPU of its own, did not run, whatever the reason.
    ServerPaused,
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stolen => "stolen by the hypervisor",
            Self::OtherProcesses => "other processes",
            Self::Interrupts => "interrupts",
            Self::Throttled => "throttled by the CPU quota",
            Self::Suspended => "the machine was suspended",
            Self::ServerPaused => "the server was paused",
        })
    }
}
