//! Waiting for the next due time or for a socket, and what sockets have to say.

use crate::connection::endpoint::Outlet;
use crate::engine::state::Engine;
use anyhow::Result;
use contract::Policy;
use polling::{Event, PollMode};
use std::time::Duration;
use tick::clock::now_ns;

/// The last stretch before a due time, which is spun away where that is allowed.
const SPIN_NS: u64 = 200_000;
/// While spinning, sockets are polled this often, in ns.
const POLL_NS: u64 = 100_000;

impl Engine {
    /// Waits for the next due time, or for a socket.
    pub(super) fn wait(&mut self, until_ns: u64) -> Result<()> {
        let now = now_ns();
        let target = self.next_due_ns(now).min(self.next_look_ns).min(until_ns);
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
        let began = now_ns();
        let mut at = began;
        while at < target {
            std::hint::spin_loop();
            at = now_ns();
        }
        self.books.spun_ns += at - began;
        Ok(())
    }

    fn next_due_ns(&self, now: u64) -> u64 {
        // A consumer that sets the pace wakes us by itself.
        if self.finished || self.limits.policy == Policy::Block && !self.is_drained() {
            return u64::MAX;
        }
        let flood = !self.load.timetable.schedule().is_open_loop();
        if let Some(classic) = self.classic.as_ref().filter(|_| !flood) {
            return classic.next_ns();
        }
        match self.load.due_ns(self.feeds.whole().ticks()) {
            Some(due_ns) => due_ns,
            None if now < self.load.start_ns => self.load.start_ns,
            None => {
                let has_nothing = |o: &Outlet| o.is_drained(self.log_of(o));
                let idle = |o: &Outlet| {
                    o.is_blocked() || o.is_ending() || o.gone().is_some() || has_nothing(o)
                };
                let stuck = self.outlets.iter().flatten().all(idle) && !self.has_appetite();
                if stuck { u64::MAX } else { now }
            }
        }
    }

    /// Hears what the clients say until then; makes nothing, and writes only what sees a
    /// client off that has closed its connection.
    ///
    /// # Errors
    /// When the poller fails.
    pub fn listen(&mut self, until_ns: u64) -> Result<()> {
        for key in 0..self.outlets.len() {
            if self.outlets[key].as_ref().is_some_and(Outlet::is_ending) {
                self.serve_one(key, now_ns())?;
            }
        }
        self.poll(until_ns.saturating_sub(now_ns()))
    }

    /// Waits so long for sockets, and serves those that have something.
    fn poll(&mut self, limit_ns: u64) -> Result<()> {
        self.events.clear();
        self.poller.wait(&mut self.events, Some(Duration::from_nanos(limit_ns)))?;
        self.next_poll_ns = now_ns() + POLL_NS;
        let mut asked = Vec::new();
        for event in self.events.iter() {
            let Some(Some(outlet)) = self.outlets.get_mut(event.key) else { continue };
            if event.readable {
                let before = outlet.confirmed();
                outlet.read(self.feeds.log(outlet.feed()));
                self.books.confirmed += outlet.confirmed() - before;
                asked.extend(outlet.asked_symbols().map(|symbols| (event.key, symbols)));
            }
            if event.writable && outlet.is_blocked() {
                outlet.unblock();
                let calm = Event::readable(event.key);
                self.poller.modify_with_mode(outlet.socket(), calm, PollMode::Level)?;
            }
        }
        for (key, symbols) in asked {
            self.subscribe(key, symbols);
        }
        Ok(())
    }
}
