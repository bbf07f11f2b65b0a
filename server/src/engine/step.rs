//! One step of the engine.

use crate::engine::jitter::jittered;
use crate::engine::state::Engine;
use anyhow::Result;
use tick::clock::now_ns;

/// Connections whose progress is read at a time, so that this does not hold up the schedule.
const CONNECTIONS_READ: usize = 256;
/// Between two readings of the kernel's acknowledgements on average, in ns.
const PROGRESS_NS: u64 = 5_000_000;

impl Engine {
    /// One step: produce, serve, read progress, wait; at most until `until_ns`.
    ///
    /// # Errors
    /// When the poller fails.
    pub fn step(&mut self, until_ns: u64) -> Result<()> {
        let now = now_ns();
        self.produce(now);
        self.serve(now)?;
        if now >= self.next_progress_ns {
            self.progress_count += 1;
            self.next_progress_ns = now + jittered(PROGRESS_NS, self.progress_count);
            self.read_progress_of(CONNECTIONS_READ, now);
        }
        self.counts.publish(self.feeds.held_bytes());
        self.wait(until_ns)
    }
}
