//! A worker: an engine with connections that come and go, in a thread of its own.

use crate::accept::accepted::Accepted;
use crate::accept::dispatch::EngineInbox;
use crate::accept::slots::ConnectionSlots;
use crate::connection::account::Account;
use crate::connection::end::{CutOff, End};
use crate::connection::endpoint::Connection;
use crate::engine::state::Engine;
use crate::metrics::observer::Observer;
use anyhow::Result;
use tick::clock::now_ns;
use tracing::{info, warn};

/// The longest step: how soon a signal is seen at the latest.
const STEP_NS: u64 = 20_000_000;

/// An engine of the standalone server.
pub struct Worker {
    /// Makes and writes.
    pub engine: Engine,
    /// New connections.
    pub inbox: EngineInbox,
    /// The slots of the listener.
    pub slots: ConnectionSlots,
    /// Takes snapshots, if metrics are served.
    pub observer: Option<Observer>,
}

impl Worker {
    /// One step of the engine; adds new connections, and removes those that have ended.
    ///
    /// # Errors
    /// When the poller fails.
    pub fn step(&mut self) -> Result<()> {
        self.engine.step(now_ns() + STEP_NS)?;
        while let Ok(accepted) = self.inbox.accepted.try_recv() {
            self.add(accepted);
        }
        for key in 0..self.engine.connections.len() {
            let end = self.engine.connections[key].as_ref().and_then(Connection::end);
            if let Some(end) = end.cloned() {
                self.remove(key, &end);
            }
        }
        if let Some(observer) = &mut self.observer {
            observer.publish_if_due(&self.engine, now_ns());
        }
        Ok(())
    }

    fn add(&mut self, Accepted { peer, wire, symbols, .. }: Accepted) {
        let tick = self.engine.feeds.all_symbols().ticks();
        match self.engine.add(wire, symbols) {
            Ok(()) => info!(%peer, tick, "{peer} joined at tick {tick}"),
            Err(error) => {
                self.slots.release(peer.ip());
                self.inbox.connection_ended();
                warn!(%error, "a client left before its first tick: {error}");
            }
        }
    }

    /// Cuts off the connection for which most waits, once more waits than the ceiling. It
    /// may reconnect later: the server is at its limit.
    pub fn cut_off_slowest(&mut self, ceiling_bytes: u64) {
        let engine = &mut self.engine;
        if engine.backlog_bytes() <= ceiling_bytes {
            return;
        }
        let feeds = &engine.feeds;
        let open = engine.connections.iter_mut().flatten().filter(|c| !c.is_closing());
        let waiting = |c: &&mut Connection| c.stream().waiting_bytes(feeds.log(c.feed()));
        if let Some(slowest) = open.max_by_key(waiting) {
            slowest.cut_off(feeds.log(slowest.feed()), CutOff::Ceiling);
        }
    }

    /// Publishes a snapshot of this moment, if metrics are served.
    pub fn publish(&mut self) {
        if let Some(observer) = &mut self.observer {
            observer.publish(&self.engine, now_ns());
        }
    }

    /// Removes a connection and logs what it got, if there is one with that key.
    pub fn remove(&mut self, key: usize, end: &End) {
        let Some(account) = self.engine.account(key) else { return };
        let Some(connection) = self.engine.remove(key) else { return };
        self.slots.release(connection.peer().ip());
        self.inbox.connection_ended();
        if let Some(observer) = &mut self.observer {
            observer.connection_left(key, end.reason(), account);
        }
        let peer = connection.peer();
        let Account { written, dropped, waiting, given_up, .. } = account;
        info!(
            %peer, reason = %end.reason(), why = %end, tick = connection.joined(),
            written, dropped, waiting = waiting + given_up,
            "{peer} left: {end}; written {written} ticks, dropped {dropped}"
        );
    }
}
