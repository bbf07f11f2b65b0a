//! The plan of a round: one load and its timing, the same for every client.

use crate::workload::Workload;
use contract::{Class, ClientPlan, ServerPlan, Version};
use std::ops::Range;
use std::path::PathBuf;
use tick::{Sample, Schedule};

/// Sampled ticks per round, about.
const SAMPLES: u64 = 50_000;
/// The stride under flood, where nobody knows the count of ticks beforehand.
const FLOOD_STRIDE: u64 = 997;
/// Time to connect, in ms.
const CONNECT_DEADLINE_MS: u64 = 5_000;
/// Time beyond the load after which a child has to have reported, in ms.
const REPORT_DEADLINE_MS: u64 = 15_000;

/// One load and its timing.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// What is sent.
    pub workload: Workload,
    /// What the client is expected to be.
    pub class: Class,
    /// The market's seed.
    pub seed: u64,
    /// From tick 0 to the window, in ns; a multiple of the grid.
    pub warmup_ns: u64,
    /// The measured window, in ns; a multiple of the grid.
    pub measure_ns: u64,
    /// Between two looks, in ns.
    pub grid_ns: u64,
}

impl Plan {
    /// The measured window, in ns from tick 0.
    #[must_use]
    pub fn window_ns(&self) -> Range<u64> {
        self.warmup_ns..self.duration_ns()
    }

    /// How long the load lasts, in ns.
    #[must_use]
    pub fn duration_ns(&self) -> u64 {
        self.warmup_ns + self.measure_ns
    }

    /// How many looks there are until the load's end.
    #[must_use]
    pub fn instants(&self) -> usize {
        usize::try_from(self.duration_ns() / self.grid_ns).unwrap_or(0) + 1
    }

    /// Which seqs are stamped.
    #[must_use]
    pub fn sample(&self) -> Sample {
        match self.schedule().ticks_within(self.duration_ns()) {
            Some(ticks) => Sample::about(ticks, SAMPLES),
            None => Sample { first: FLOOD_STRIDE / 2, stride: FLOOD_STRIDE },
        }
    }

    /// When each tick is due.
    #[must_use]
    pub fn schedule(&self) -> Schedule {
        self.workload.schedule()
    }

    /// Time to connect, in ms.
    #[must_use]
    pub fn connect_deadline_ms(&self) -> u64 {
        CONNECT_DEADLINE_MS
    }

    fn deadline_ms(&self) -> u64 {
        self.duration_ns() / 1_000_000 + CONNECT_DEADLINE_MS + REPORT_DEADLINE_MS
    }

    /// The server's line.
    #[must_use]
    pub fn for_server(&self, spin: bool, meter: Option<PathBuf>) -> ServerPlan {
        ServerPlan {
            contract: Version,
            format: self.workload.format,
            seed: self.seed,
            schedule: self.schedule(),
            duration_ns: self.duration_ns(),
            sample: self.sample(),
            send_buffer_bytes: self.workload.send_buffer_bytes,
            congestion: self.workload.congestion.clone(),
            spin,
            log_ceiling_bytes: self.workload.log_ceiling_bytes,
            meter,
            // Its client has a deadline of its own to connect, and comes later.
            connect_deadline_ms: 2 * CONNECT_DEADLINE_MS,
            deadline_ms: self.deadline_ms() + CONNECT_DEADLINE_MS,
        }
    }

    /// The client's line.
    #[must_use]
    pub fn for_client(&self, url: &str, meter: Option<PathBuf>) -> ClientPlan {
        ClientPlan {
            contract: Version,
            url: url.to_owned(),
            format: self.workload.format,
            symbols: tick::SYMBOLS,
            schedule: self.schedule(),
            duration_ns: self.duration_ns(),
            sample: self.sample(),
            work_ns: self.workload.work_ns,
            queue_bound: self.workload.queue_bound,
            receive_buffer_bytes: self.workload.receive_buffer_bytes,
            memory_ceiling_bytes: self.workload.memory_ceiling_bytes,
            meter,
            connect_deadline_ms: CONNECT_DEADLINE_MS,
            deadline_ms: self.deadline_ms(),
        }
    }
}

/// Seconds as ns, to the nearest multiple of the grid, at least one where there
/// is any: so that a window begins and ends with a look.
#[must_use]
pub fn on_grid(seconds: f64, grid_ns: u64) -> u64 {
    let instants = (seconds * 1e9 / grid_ns as f64).round() as u64;
    if seconds > 0.0 { instants.max(1) * grid_ns } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn windows_lie_on_the_grid() {
        assert_eq!(on_grid(2.0, 20_000_000), 2_000_000_000);
        assert_eq!(on_grid(1.013, 20_000_000), 1_020_000_000);
        assert_eq!(on_grid(0.001, 20_000_000), 20_000_000);
        assert_eq!(on_grid(0.0, 20_000_000), 0);
    }
}
