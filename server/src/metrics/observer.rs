//! Takes snapshots of an engine between its steps, in its own thread.

use crate::connection::account::Account;
use crate::connection::end::EndReason;
use crate::engine::state::Engine;
use crate::metrics::gauges::Gauges;
use crate::metrics::snapshot::{Backlog, Class, Snapshot};
use std::sync::Arc;

/// Between two snapshots, in ns: as often as the engine reads acknowledgements.
const SNAPSHOT_NS: u64 = 5_000_000;
/// A full socket that takes nothing for this long is stalled, in ns.
const STALLED_NS: u64 = 1_000_000_000;

/// The observer of one engine.
#[derive(Debug)]
pub struct Observer {
    gauges: Arc<Gauges>,
    next_ns: u64,
    /// For each key of a connection: the bytes that its socket had taken, and since when.
    taken: Vec<Option<(u64, u64)>>,
    /// Connections that have left, by [`EndReason`].
    left: [u64; EndReason::ALL.len()],
    /// Ticks that were offered to connections that have left.
    offered: u64,
    /// Ticks that their policy dropped.
    dropped: u64,
    /// Ticks that were never written to them.
    abandoned: u64,
}

impl Observer {
    /// An observer that stores its snapshots there.
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

    /// The connection with that key has left.
    pub fn connection_left(&mut self, key: usize, reason: EndReason, account: Account) {
        self.left[reason as usize] += 1;
        self.offered += account.offered;
        self.dropped += account.dropped;
        self.abandoned += account.waiting + account.given_up;
        // Another connection may get the key at once.
        if let Some(taken) = self.taken.get_mut(key) {
            *taken = None;
        }
    }

    /// Stores a snapshot, if the time has come.
    #[inline]
    pub fn publish_if_due(&mut self, engine: &Engine, now_ns: u64) {
        if now_ns >= self.next_ns {
            self.publish(engine, now_ns);
        }
    }

    /// Stores a snapshot now.
    pub fn publish(&mut self, engine: &Engine, now_ns: u64) {
        self.next_ns = now_ns + SNAPSHOT_NS;
        let snapshot = self.snapshot(engine, now_ns);
        self.gauges.store(&snapshot);
    }

    fn snapshot(&mut self, engine: &Engine, now_ns: u64) -> Snapshot {
        let counts = &engine.counts;
        let mut snapshot = Snapshot {
            generated: counts.generated,
            offered: self.offered,
            written: counts.written,
            acknowledged: counts.acknowledged,
            confirmed: counts.confirmed,
            dropped: self.dropped,
            abandoned: self.abandoned,
            written_bytes: counts.written_bytes,
            log_bytes: engine.feeds.held_bytes(),
            blocked_ns: counts.blocked_ns,
            spun_ns: counts.spun_ns,
            left: self.left,
            classes: Default::default(),
            lateness: engine.lateness.unwrap_or_default(),
        };
        self.taken.resize(engine.connections.len(), None);
        for (key, taken) in self.taken.iter_mut().enumerate() {
            let connection = engine.connections[key].as_ref();
            let Some((connection, account)) = connection.zip(engine.account(key)) else { continue };
            snapshot.offered += account.offered;
            snapshot.dropped += account.dropped;
            snapshot.abandoned += account.given_up;
            let bytes = connection.wire_bytes();
            // A connection that is not blocked takes nothing only for lack of ticks.
            let since_ns = match *taken {
                Some((before, since_ns)) if before == bytes && connection.is_blocked() => since_ns,
                _ => now_ns,
            };
            *taken = Some((bytes, since_ns));
            let class = match connection.is_blocked() {
                false => Class::Current,
                true if now_ns - since_ns < STALLED_NS => Class::Behind,
                true => Class::Stalled,
            };
            let Backlog { connections, ticks, bytes } = &mut snapshot.classes[class as usize];
            *connections += 1;
            *ticks += account.waiting;
            *bytes += connection.stream().waiting_bytes(engine.log_of(connection));
        }
        snapshot
    }
}
