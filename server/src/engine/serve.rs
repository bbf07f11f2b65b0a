//! Writing to the connections, and reading how far each has come.

use crate::connection::endpoint::Outlet;
use crate::engine::state::{Engine, PING_NS};
use anyhow::Result;
use polling::{Event, PollMode};
use tick::clock::now_ns;

/// Among many connections, pings are rarer: about so many a second in all.
const PINGS_PER_S: u64 = 2_000;

impl Engine {
    /// Writes to all that can take something, and applies the policy to what waits.
    pub(super) fn serve(&mut self, now: u64) -> Result<()> {
        self.feeds.ask();
        let (mut waits, mut copied_bytes) = (false, 0);
        for key in 0..self.outlets.len() {
            waits |= self.outlets[key].as_ref().is_some_and(Outlet::is_blocked);
            self.serve_one(key, now)?;
            copied_bytes += self.outlets[key].as_ref().map_or(0, |o| o.stream().own_bytes());
        }
        self.copied_bytes = copied_bytes;
        self.feeds.free();
        if waits {
            self.books.blocked_ns += now.saturating_sub(self.last_turn_ns);
        }
        self.last_turn_ns = now;
        Ok(())
    }

    pub(super) fn serve_one(&mut self, key: usize, now: u64) -> Result<()> {
        let Some(outlet) = &mut self.outlets[key] else { return Ok(()) };
        let log = self.feeds.log(outlet.feed());
        let (books, stamps) = (&mut self.books, &mut self.stamps);
        let (bytes, dropped) = (outlet.wire_bytes(), outlet.stream().dropped());
        if outlet.is_blocked() {
            outlet.absorb(log, now);
        } else {
            outlet.write(log, now, |seqs, began_ns| {
                books.wrote(seqs.end - seqs.start);
                if let Some(stamps) = stamps {
                    stamps.written(key, seqs, began_ns);
                }
            });
            if outlet.is_blocked() && outlet.gone().is_none() {
                let both = Event::all(key);
                self.poller.modify_with_mode(outlet.socket(), both, PollMode::Level)?;
            }
        }
        outlet.hold(log, now);
        books.written_bytes += outlet.wire_bytes() - bytes;
        books.dropped += outlet.stream().dropped() - dropped;
        let needed = outlet.stream().needs_from(log);
        self.feeds.need(outlet.feed(), needed);
        Ok(())
    }

    /// Asks the kernel how far the ticks of every connection have come.
    pub fn look(&mut self) {
        self.look_at(usize::MAX, now_ns());
        self.books.show_written(self.feeds.held_bytes());
    }

    /// Asks every connection how far it has come.
    pub fn ping(&mut self) {
        for outlet in self.outlets.iter_mut().flatten() {
            outlet.ping(self.feeds.log(outlet.feed()));
        }
    }

    /// Looks at so many connections, those that waited for it longest, and pings those
    /// whose time has come.
    pub(super) fn look_at(&mut self, most: usize, now: u64) {
        let count = self.outlets.len();
        let ping_ns = PING_NS.max(count as u64 * 1_000_000_000 / PINGS_PER_S);
        for _ in 0..most.min(count) {
            self.next_key = (self.next_key + 1) % count;
            let Some(outlet) = &mut self.outlets[self.next_key] else { continue };
            let log = self.feeds.log(outlet.feed());
            self.books.acknowledged += outlet.look(log);
            if now >= outlet.next_ping_ns {
                outlet.next_ping_ns += ping_ns * (1 + (now - outlet.next_ping_ns) / ping_ns);
                outlet.ping(log);
            }
        }
    }
}
