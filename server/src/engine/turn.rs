//! One turn of the engine.

use crate::engine::state::Engine;
use anyhow::Result;
use tick::clock::now_ns;

/// Connections that are looked at in one look: a look must not hold up the schedule.
const LOOKED_AT: usize = 256;
/// Between two looks at the kernel's acknowledgements, in ns.
const LOOK_NS: u64 = 5_000_000;

impl Engine {
    /// One turn: make, write, look, wait; at most until `until_ns`.
    ///
    /// # Errors
    /// When the poller fails.
    pub fn turn(&mut self, until_ns: u64) -> Result<()> {
        let now = now_ns();
        self.produce(now);
        self.serve(now)?;
        if now >= self.next_look_ns {
            self.next_look_ns = now + LOOK_NS;
            self.look_at(LOOKED_AT, now);
        }
        self.books.show_written(self.feeds.held_bytes());
        self.wait(until_ns)
    }
}
