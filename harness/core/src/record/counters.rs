//! What the kernel and the processor counted of a client, in a round of its own that is not
//! timed: plain data.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// What is counted (perf_event_open(2)).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, JsonSchema, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Counter {
    /// The tracepoint `raw_syscalls:sys_enter`.
    SystemCalls,
    /// `PERF_COUNT_SW_CONTEXT_SWITCHES`, voluntary and involuntary.
    ContextSwitches,
    /// `PERF_COUNT_SW_PAGE_FAULTS`, minor and major.
    PageFaults,
    /// `PERF_COUNT_HW_CPU_CYCLES`.
    Cycles,
    /// `PERF_COUNT_HW_INSTRUCTIONS`, retired.
    Instructions,
    /// `PERF_COUNT_HW_CACHE_MISSES`, usually of the last level.
    CacheMisses,
    /// `PERF_COUNT_HW_BRANCH_MISSES`.
    BranchMisses,
}

impl Counter {
    /// All counters, in the order of tables.
    pub const ALL: [Self; 7] = [
        Self::SystemCalls,
        Self::ContextSwitches,
        Self::PageFaults,
        Self::Cycles,
        Self::Instructions,
        Self::CacheMisses,
        Self::BranchMisses,
    ];

    /// Whether the processor counts it, not the kernel.
    #[must_use]
    pub fn is_of_hardware(self) -> bool {
        self >= Self::Cycles
    }
}

impl fmt::Display for Counter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::SystemCalls => "system calls",
            Self::ContextSwitches => "context switches",
            Self::PageFaults => "page faults",
            Self::Cycles => "cycles",
            Self::Instructions => "instructions",
            Self::CacheMisses => "cache misses",
            Self::BranchMisses => "branch misses",
        })
    }
}

/// Several counters in one phrase: `cycles, instructions`.
#[must_use]
pub fn names(counters: &[Counter]) -> String {
    counters.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Why a counter is not available.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum NotCounted {
    /// The kernel refused it.
    #[error(
        "not permitted (kernel.perf_event_paranoid is {}): run as root, give the container CAP_PERFMON, or `sudo sysctl kernel.perf_event_paranoid=1`",
        paranoid.map_or_else(|| "unknown".to_owned(), |level| level.to_string())
    )]
    NotPermitted {
        /// The sysctl `kernel.perf_event_paranoid`, if it can be read.
        paranoid: Option<i32>,
    },
    /// The kernel would permit it, but a seccomp filter refuses the system call.
    #[error(
        "a seccomp filter refuses perf_event_open, as those of containers do: allow it in the filter (`docker run --security-opt seccomp=FILE`)"
    )]
    Filtered,
    /// The processor has no such counter, or the hypervisor hides it.
    #[error("this machine has no such hardware counters, as most virtual machines")]
    NoHardware,
    /// The numbers of tracepoints cannot be read, as their file system is not mounted.
    #[error(
        "tracefs is not mounted: `sudo mount -t tracefs tracefs /sys/kernel/tracing` (in a container: on the host, and with the directory mounted)"
    )]
    NoTracefs,
    /// The numbers of tracepoints cannot be read by this user.
    #[error("only root can read tracefs (/sys/kernel/tracing): run as root")]
    TracefsNotReadable,
    /// The kernel was built without it.
    #[error("this kernel has no tracepoint raw_syscalls:sys_enter (CONFIG_FTRACE_SYSCALLS)")]
    NoTracepoint,
    /// The kernel was built without counters.
    #[error("this kernel has no perf_event_open (CONFIG_PERF_EVENTS)")]
    NoPerfEvents,
    /// Anything else that the kernel reports.
    #[error("{error}")]
    Other {
        /// The message of the operating system.
        error: String,
    },
}

/// A counter that is not available, and why.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Missing {
    /// Which one.
    pub counter: Counter,
    /// Why.
    pub why: NotCounted,
}

/// Each reason once, with the counters that it is about, in order.
#[must_use]
pub fn by_reason<'a>(
    all: impl IntoIterator<Item = &'a Missing>,
) -> Vec<(&'a NotCounted, Vec<Counter>)> {
    let mut reasons: Vec<(&NotCounted, Vec<Counter>)> = Vec::new();
    for Missing { counter, why } in all {
        match reasons.iter_mut().find(|(known, _)| *known == why) {
            Some((_, counters)) => insert(counters, *counter),
            None => reasons.push((why, vec![*counter])),
        }
    }
    reasons
}

/// Adds a counter, in order and once.
pub fn insert(counters: &mut Vec<Counter>, counter: Counter) {
    if let Err(place) = counters.binary_search(&counter) {
        counters.insert(place, counter);
    }
}

/// What a counter has counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Count {
    /// Which one.
    pub counter: Counter,
    /// How often it happened while it was counted.
    pub count: u64,
    /// How long the client's threads ran, in ns of CPU time.
    pub enabled_ns: u64,
    /// For how long of that it was counted: less if the processor has fewer counters than were
    /// asked for, and they take turns.
    pub running_ns: u64,
    /// Whether only what happened outside of the kernel was counted, as no more is permitted.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub user_space_only: bool,
}

impl Count {
    /// What was counted since `earlier`.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self {
            count: self.count.saturating_sub(earlier.count),
            enabled_ns: self.enabled_ns.saturating_sub(earlier.enabled_ns),
            running_ns: self.running_ns.saturating_sub(earlier.running_ns),
            ..*self
        }
    }
}

/// All counters between two instants.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Ticks that the client processed between them.
    pub processed: u64,
    /// The counters that were available.
    pub counted: Vec<Count>,
    /// The others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_counted: Vec<Missing>,
}

/// Which counters a machine has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Availability {
    /// Those that count everything.
    pub all: Vec<Counter>,
    /// Those that count only what happens outside of the kernel.
    pub user_space_only: Vec<Counter>,
    /// The others.
    pub not_counted: Vec<Missing>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_name_the_sysctl_and_are_saved_with_a_code() {
        let why = NotCounted::NotPermitted { paranoid: Some(4) };
        let text = why.to_string();
        assert!(text.contains("kernel.perf_event_paranoid is 4"), "{text}");
        assert!(text.contains("`sudo sysctl kernel.perf_event_paranoid=1`"), "{text}");
        let json = serde_json::to_value(&why).unwrap();
        assert_eq!(json, serde_json::json!({ "code": "not_permitted", "paranoid": 4 }));
        assert_eq!(serde_json::from_value::<NotCounted>(json).unwrap(), why);
    }

    #[test]
    fn the_last_four_are_of_the_processor() {
        let of_hardware = Counter::ALL.map(Counter::is_of_hardware);
        assert_eq!(of_hardware, [false, false, false, true, true, true, true]);
        assert_eq!(names(&Counter::ALL[..2]), "system calls, context switches");
    }
}
