//! Counters of one round, per tick that the client processed. Pure.

use crate::record::counters::{Count, Counter, Counts};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Counters of a client per tick that it processed.
#[derive(Debug, Clone, Copy, Default, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct PerTick {
    /// System calls per tick.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub system_calls: Option<f64>,
    /// Context switches per tick.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context_switches: Option<f64>,
    /// Page faults per tick.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page_faults: Option<f64>,
    /// CPU cycles per tick.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cycles: Option<f64>,
    /// Instructions per tick.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub instructions: Option<f64>,
    /// Cache misses per tick.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_misses: Option<f64>,
    /// Mispredicted branches per tick.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub branch_misses: Option<f64>,
}

impl PerTick {
    /// Each count divided by the ticks processed meanwhile; `None` if there were none.
    #[must_use]
    pub fn of(counts: &Counts) -> Option<Self> {
        if counts.processed == 0 {
            return None;
        }
        let of = |counter: Counter| {
            let count = counts.counted.iter().find(|count| count.counter == counter)?;
            Some(whole(count)? / counts.processed as f64)
        };
        Some(Self {
            system_calls: of(Counter::SystemCalls),
            context_switches: of(Counter::ContextSwitches),
            page_faults: of(Counter::PageFaults),
            cycles: of(Counter::Cycles),
            instructions: of(Counter::Instructions),
            cache_misses: of(Counter::CacheMisses),
            branch_misses: of(Counter::BranchMisses),
        })
    }

    /// One of them.
    #[must_use]
    pub fn get(&self, counter: Counter) -> Option<f64> {
        match counter {
            Counter::SystemCalls => self.system_calls,
            Counter::ContextSwitches => self.context_switches,
            Counter::PageFaults => self.page_faults,
            Counter::Cycles => self.cycles,
            Counter::Instructions => self.instructions,
            Counter::CacheMisses => self.cache_misses,
            Counter::BranchMisses => self.branch_misses,
        }
    }
}

/// The count over the whole time, estimated if the counter had to share the processor's with
/// others (perf_event_open(2)); `None` if it was never counted though the client ran.
fn whole(count: &Count) -> Option<f64> {
    match (count.running_ns, count.enabled_ns) {
        (0, 1..) => None,
        (running, enabled) if running < enabled => {
            Some(count.count as f64 * (enabled as f64 / running as f64))
        }
        _ => Some(count.count as f64),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(counter: Counter, count: u64, [enabled_ns, running_ns]: [u64; 2]) -> Count {
        Count { counter, count, enabled_ns, running_ns, user_space_only: false }
    }

    #[test]
    fn counts_are_divided_by_the_ticks_and_scaled_to_the_whole_time() {
        let counts = Counts {
            processed: 1000,
            counted: vec![
                count(Counter::SystemCalls, 1500, [100, 100]),
                count(Counter::PageFaults, 0, [100, 100]),
                count(Counter::Cycles, 2_000_000, [100, 50]),
                count(Counter::Instructions, 0, [100, 0]),
            ],
            not_counted: Vec::new(),
        };
        let per_tick = PerTick::of(&counts).unwrap();
        assert_eq!(per_tick.system_calls, Some(1.5));
        assert_eq!(per_tick.page_faults, Some(0.0));
        assert_eq!(per_tick.cycles, Some(4000.0), "counted for half of the time");
        assert_eq!(per_tick.instructions, None, "never counted");
        assert_eq!((per_tick.context_switches, per_tick.branch_misses), (None, None));
        // A client that never ran: there was nothing to count.
        let idle = Counts { counted: vec![count(Counter::Cycles, 0, [0, 0])], ..counts.clone() };
        assert_eq!(PerTick::of(&idle).unwrap().cycles, Some(0.0));
        assert_eq!(PerTick::of(&Counts { processed: 0, ..counts }), None);
    }
}
