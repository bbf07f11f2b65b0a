//! Writing to the connections, and reading how far their ticks have come.

use crate::connection::endpoint::Connection;
use crate::engine::jitter::jittered;
use crate::engine::state::{Engine, PING_NS};
use anyhow::Result;
use polling::{Event, PollMode};
use tick::clock::now_ns;

/// With many connections, pings are rarer: about so many per second in all.
const PINGS_PER_S: u64 = 2_000;

impl Engine {
    /// Writes to every connection that can take something, and applies the policy to what
    /// waits.
    pub(super) fn serve(&mut self, now: u64) -> Result<()> {
        self.feeds.reset_needs();
        let (mut waits, mut copied_bytes) = (false, 0);
        for key in 0..self.connections.len() {
            waits |= self.connections[key].as_ref().is_some_and(Connection::is_blocked);
            self.serve_one(key, now)?;
            let connection = self.connections[key].as_ref();
            copied_bytes += connection.map_or(0, |c| c.stream().copied_bytes());
        }
        self.copied_bytes = copied_bytes;
        self.feeds.free_unneeded();
        if waits {
            self.counts.blocked_ns += now.saturating_sub(self.last_step_ns);
        }
        self.last_step_ns = now;
        Ok(())
    }

    pub(super) fn serve_one(&mut self, key: usize, now: u64) -> Result<()> {
        let Some(connection) = &mut self.connections[key] else { return Ok(()) };
        let log = self.feeds.log(connection.feed());
        let (counts, stamps) = (&mut self.counts, &mut self.stamps);
        let (bytes, dropped) = (connection.wire_bytes(), connection.stream().dropped());
        if connection.is_blocked() {
            connection.continue_policy(log, now);
        } else {
            connection.write(log, now, |seqs, began_ns| {
                counts.add_written(seqs.end - seqs.start);
                if let Some(stamps) = stamps {
                    stamps.written(key, seqs, began_ns);
                }
            });
            if connection.is_blocked() && connection.end().is_none() {
                let both = Event::all(key);
                self.poller.modify_with_mode(connection.socket(), both, PollMode::Level)?;
            }
        }
        connection.check_policy(log, now);
        counts.written_bytes += connection.wire_bytes() - bytes;
        counts.dropped += connection.stream().dropped() - dropped;
        let needed = connection.stream().needs_from(log);
        self.feeds.need(connection.feed(), needed);
        Ok(())
    }

    /// Asks the kernel how far the ticks of every connection have come.
    pub fn read_progress(&mut self) {
        self.read_progress_of(usize::MAX, now_ns());
        self.counts.publish(self.feeds.held_bytes());
    }

    /// Pings every connection, which tells how far it has read.
    pub fn ping(&mut self) {
        for connection in self.connections.iter_mut().flatten() {
            connection.ping(self.feeds.log(connection.feed()));
        }
    }

    /// Reads the progress of at most `most` connections, those first whose last reading is
    /// longest ago, and pings those whose time has come.
    pub(super) fn read_progress_of(&mut self, most: usize, now: u64) {
        let count = self.connections.len();
        let ping_ns = PING_NS.max(count as u64 * 1_000_000_000 / PINGS_PER_S);
        for _ in 0..most.min(count) {
            self.progress_key = (self.progress_key + 1) % count;
            let Some(connection) = &mut self.connections[self.progress_key] else { continue };
            let log = self.feeds.log(connection.feed());
            self.counts.acknowledged += connection.read_acknowledged(log);
            if now >= connection.next_ping_ns {
                let late_ns = now - connection.next_ping_ns;
                let key = self.progress_key as u64 ^ self.progress_count.rotate_left(32);
                connection.next_ping_ns += ping_ns * (late_ns / ping_ns) + jittered(ping_ns, key);
                connection.ping(log);
            }
        }
    }
}
