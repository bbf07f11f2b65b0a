//! Reads an engine between its turns, in its own thread, and shows what it saw.

use crate::connection::account::Account;
use crate::connection::end::Reason;
use crate::engine::state::Engine;
use crate::metrics::gauges::Gauges;
use crate::metrics::snapshot::{Backlog, Class, Reading};
use std::sync::Arc;

/// Between two readings, in ns: as often as the engine asks the kernel.
const READ_NS: u64 = 5_000_000;
/// A full socket that takes nothing for so long is stalled, in ns.
const STALL_NS: u64 = 1_000_000_000;

/// Reads one engine.
#[derive(Debug)]
pub struct Observer {
    gauges: Arc<Gauges>,
    next_ns: u64,
    /// For each place of the engine's: the bytes that its socket had taken, and
    /// since when it has been so.
    taken: Vec<Option<(u64, u64)>>,
    left: [u64; Reason::ALL.len()],
    /// What those that left had been offered, and what of it was dropped or
    /// never written.
    offered: u64,
    dropped: u64,
    abandoned: u64,
}

impl Observer {
    /// One that shows its readings there.
    #[must_use]
    pub fn new(gauges: Arc<Gauges>) -> Self {
        Self {
            gauges,
            next_ns: 0,
            taken: Vec::new(),
            left: Default::default(),
            offered: 0,
            dropped: 0,
            abandoned: 0,
        }
    }

    /// Books that the connection at that place has left.
    pub fn left(&mut self, key: usize, reason: Reason, account: Account) {
        self.left[reason as usize] += 1;
        self.offered += account.offered;
        self.dropped += account.dropped;
        self.abandoned += account.waiting + account.given_up;
        // The place may be somebody else's at once.
        if let Some(taken) = self.taken.get_mut(key) {
            *taken = None;
        }
    }

    /// Reads the engine, if it is time to.
    #[inline]
    pub fn look(&mut self, engine: &Engine, now_ns: u64) {
        if now_ns >= self.next_ns {
            self.show(engine, now_ns);
        }
    }

    /// Reads the engine now.
    pub fn show(&mut self, engine: &Engine, now_ns: u64) {
        self.next_ns = now_ns + READ_NS;
        let reading = self.read(engine, now_ns);
        self.gauges.store(&reading);
    }

    fn read(&mut self, engine: &Engine, now_ns: u64) -> Reading {
        let books = &engine.books;
        let mut reading = Reading {
            generated: books.generated,
            offered: self.offered,
            written: books.written,
            acknowledged: books.acknowledged,
            confirmed: books.confirmed,
            dropped: self.dropped,
            abandoned: self.abandoned,
            written_bytes: books.written_bytes,
            log_bytes: engine.feeds.held_bytes(),
            blocked_ns: books.blocked_ns,
            spun_ns: books.spun_ns,
            left: self.left,
            classes: Default::default(),
            lateness: engine.lateness.unwrap_or_default(),
        };
        self.taken.resize(engine.outlets.len(), None);
        for (key, taken) in self.taken.iter_mut().enumerate() {
            let (Some(outlet), Some(account)) = (&engine.outlets[key], engine.account(key)) else {
                continue;
            };
            reading.offered += account.offered;
            reading.dropped += account.dropped;
            reading.abandoned += account.given_up;
            let bytes = outlet.wire_bytes();
            // One that is not full takes nothing only for want of ticks.
            let since_ns = match *taken {
                Some((before, since_ns)) if before == bytes && outlet.is_blocked() => since_ns,
                _ => now_ns,
            };
            *taken = Some((bytes, since_ns));
            let class = match outlet.is_blocked() {
                false => Class::Current,
                true if now_ns - since_ns < STALL_NS => Class::Behind,
                true => Class::Stalled,
            };
            let Backlog { connections, ticks, bytes } = &mut reading.classes[class as usize];
            *connections += 1;
            *ticks += account.waiting;
            *bytes += outlet.stream().waiting_bytes(engine.log_of(outlet));
        }
        reading
    }
}
