//! Waiting for the next due time or for a socket, and reading what clients send.

use crate::connection::endpoint::Connection;
use crate::engine::state::Engine;
use anyhow::Result;
use contract::Policy;
use polling::{Event, PollMode};
use std::time::Duration;
use tick::clock::now_ns;

/// How long before a due time the engine spins, where it may, in ns.
const SPIN_NS: u64 = 200_000;
/// While it spins, sockets are polled this often, in ns.
const POLL_NS: u64 = 100_000;

impl Engine {
    /// Waits for the next due time, or for a socket.
    pub(super) fn wait(&mut self, until_ns: u64) -> Result<()> {
        let now = now_ns();
        if self.is_unfinished() {
            return self.poll(0);
        }
        let target = self.next_due_ns(now).min(self.next_progress_ns).min(until_ns);
        let flood = !self.load.timetable.schedule().is_open_loop();
        // Node.js does not spin before its timers.
        let spin = self.load.spin && self.classic.is_none();
        if !spin || flood || target > now + SPIN_NS + POLL_NS {
            let early = if spin && !flood { SPIN_NS } else { 0 };
            return self.poll(target.saturating_sub(now + early));
        }
        if now >= self.next_poll_ns {
            self.poll(0)?;
        }
        let mut at = now_ns();
        while at < target {
            std::hint::spin_loop();
            let before = std::mem::replace(&mut at, now_ns());
            self.counts.spin(before, at);
        }
        Ok(())
    }

    /// Whether the time of this step was too short for all that a connection takes.
    fn is_unfinished(&self) -> bool {
        !self.connections.iter().flatten().all(|connection| self.is_idle(connection))
    }

    /// Whether nothing can be written to a connection now.
    fn is_idle(&self, c: &Connection) -> bool {
        c.is_blocked() || c.is_ending() || c.end().is_some() || c.is_drained(self.log_of(c))
    }

    fn next_due_ns(&self, now: u64) -> u64 {
        // A consumer that sets the pace wakes the engine through its socket.
        if self.finished || self.limits.policy == Policy::Block && !self.is_drained() {
            return u64::MAX;
        }
        let flood = !self.load.timetable.schedule().is_open_loop();
        if let Some(classic) = self.classic.as_ref().filter(|_| !flood) {
            return classic.next_ns();
        }
        match self.load.due_ns(self.feeds.all_symbols().ticks()) {
            Some(due_ns) => due_ns,
            None if now < self.load.start_ns => self.load.start_ns,
            // All ticks are made: the next event is the end of the load.
            None if !flood => self.load.end_ns(),
            None => {
                let nothing_to_do = !self.is_unfinished() && !self.needs_more();
                if nothing_to_do { u64::MAX } else { now }
            }
        }
    }

    /// Reads what clients send until then. Makes nothing, and writes only to clients that
    /// have closed their connections.
    ///
    /// # Errors
    /// When the poller fails.
    pub fn read_until(&mut self, until_ns: u64) -> Result<()> {
        for key in 0..self.connections.len() {
            if self.connections[key].as_ref().is_some_and(Connection::is_ending) {
                self.serve_one(key, now_ns())?;
            }
        }
        self.poll(until_ns.saturating_sub(now_ns()))
    }

    /// Waits for sockets for so long at most, and reads from those that have something.
    fn poll(&mut self, limit_ns: u64) -> Result<()> {
        self.events.clear();
        self.poller.wait(&mut self.events, Some(Duration::from_nanos(limit_ns)))?;
        self.next_poll_ns = now_ns() + POLL_NS;
        let mut requested = Vec::new();
        for event in self.events.iter() {
            let Some(Some(connection)) = self.connections.get_mut(event.key) else { continue };
            if event.readable {
                let before = connection.confirmed();
                connection.read(self.feeds.log(connection.feed()));
                self.counts.confirmed += connection.confirmed() - before;
                let symbols = connection.take_requested_symbols();
                requested.extend(symbols.map(|symbols| (event.key, symbols)));
            }
            if event.writable && connection.is_blocked() {
                connection.unblock();
                let readable = Event::readable(event.key);
                self.poller.modify_with_mode(connection.socket(), readable, PollMode::Level)?;
            }
        }
        for (key, symbols) in requested {
            self.subscribe(key, symbols);
        }
        Ok(())
    }
}
