//! The state of an engine, and its connections.

use crate::connection::account::Account;
use crate::connection::endpoint::{Connection, Wire};
use crate::connection::stream::policy::Limits;
use crate::engine::classic::Classic;
use crate::engine::counts::Counts;
use crate::engine::jitter::jittered;
use crate::engine::lateness::Lateness;
use crate::engine::load::Load;
use crate::engine::stamps::Stamps;
use crate::log::feeds::Feeds;
use crate::log::segments::Log;
use crate::log::symbols::Symbols;
use anyhow::Result;
use polling::{Event, Events, PollMode, Poller};
use std::sync::Arc;
use tick::clock::now_ns;
use tungstenite::protocol::frame::coding::CloseCode;

/// Between two pings to a connection on average, in ns: ten per second.
pub(super) const PING_NS: u64 = 100_000_000;

/// A running engine.
pub struct Engine {
    /// Ticks that were made, and that not every connection has taken.
    pub feeds: Feeds,
    /// The connections by their keys; `None`: a key that is free.
    pub connections: Vec<Option<Connection>>,
    /// The counts.
    pub counts: Counts,
    /// The time stamps of sampled ticks, if any are wanted.
    pub stamps: Option<Stamps>,
    /// How late ticks are made, if that is wanted.
    pub lateness: Option<Lateness>,
    pub(super) load: Load,
    pub(super) limits: Limits,
    /// Whether connections keep which ticks they dropped.
    pub(super) records_drops: bool,
    /// The pacing of the older server, in place of due times.
    pub(super) classic: Option<Classic>,
    pub(super) poller: Arc<Poller>,
    pub(super) events: Events,
    /// The time stamp of the newest tick of a flood.
    pub(super) newest_ns: u64,
    pub(super) finished: bool,
    /// Whether the load was over in the last step.
    pub(super) was_over: bool,
    /// The connection whose progress was read last.
    pub(super) progress_key: usize,
    /// How often the progress of connections was read.
    pub(super) progress_count: u64,
    pub(super) next_progress_ns: u64,
    pub(super) next_poll_ns: u64,
    pub(super) last_step_ns: u64,
    /// Bytes of ticks that wait as copies, after the last step.
    pub(super) copied_bytes: u64,
}

impl Engine {
    /// An engine without connections.
    #[must_use]
    pub fn new(
        log: Log,
        load: Load,
        counts: Counts,
        stamps: Option<Stamps>,
        poller: Arc<Poller>,
    ) -> Self {
        Self {
            feeds: Feeds::new(log),
            connections: Vec::new(),
            counts,
            stamps,
            lateness: None,
            limits: Limits::default(),
            records_drops: false,
            progress_count: 0,
            next_progress_ns: load.start_ns,
            last_step_ns: load.start_ns,
            load,
            classic: None,
            poller,
            events: Events::new(),
            newest_ns: 0,
            finished: false,
            was_over: false,
            progress_key: 0,
            next_poll_ns: 0,
            copied_bytes: 0,
        }
    }

    /// Paces like the older server.
    #[must_use]
    pub fn with_classic(self, classic: Option<Classic>) -> Self {
        Self { classic, ..self }
    }

    /// Applies a policy for slow consumers. With `records_drops`, connections keep which
    /// ticks they dropped.
    #[must_use]
    pub fn with_policy(self, limits: Limits, records_drops: bool) -> Self {
        Self { limits, records_drops, ..self }
    }

    /// The seqs at which a message was made anew, where messages are repeated.
    #[must_use]
    pub fn fresh(&self) -> Option<&[u64]> {
        self.classic.as_ref().map(Classic::fresh)
    }

    /// Adds a connection; it begins with the next tick of its symbols.
    ///
    /// # Errors
    /// When the connection has already ended.
    pub fn add(&mut self, wire: Wire, symbols: Symbols) -> Result<()> {
        let feed = self.feeds.join(symbols);
        let connection =
            Connection::new(wire, (&self.feeds, feed), self.limits, self.records_drops);
        let mut connection = connection.inspect_err(|_| self.feeds.leave(feed))?;
        let free = self.connections.iter().position(Option::is_none);
        let key = free.unwrap_or(self.connections.len());
        let first_ns = jittered(PING_NS, key as u64);
        connection.next_ping_ns = now_ns().max(self.load.start_ns) + first_ns;
        // SAFETY: `remove` takes the socket from the poller before it is closed, and this
        // engine is the last user of the poller.
        unsafe {
            let event = Event::readable(key);
            self.poller.add_with_mode(connection.socket(), event, PollMode::Level)?;
        }
        if key == self.connections.len() {
            self.connections.push(None);
        }
        // Bytes that came with the end of a TLS handshake are no longer in the socket.
        if connection.is_encrypted() {
            connection.read(self.feeds.log(feed));
        }
        let requested = connection.take_requested_symbols();
        self.connections[key] = Some(connection);
        if let Some(symbols) = requested {
            self.subscribe(key, symbols);
        }
        Ok(())
    }

    /// Removes a connection.
    pub fn remove(&mut self, key: usize) -> Option<Connection> {
        let mut connection = self.connections.get_mut(key)?.take()?;
        // Its last acknowledgements count.
        let log = self.feeds.log(connection.feed());
        self.counts.acknowledged += connection.read_acknowledged(log);
        let _ = self.poller.delete(connection.socket());
        self.feeds.leave(connection.feed());
        Some(connection)
    }

    /// Changes the symbols of a connection.
    pub(super) fn subscribe(&mut self, key: usize, symbols: Symbols) {
        let Some(Some(connection)) = self.connections.get_mut(key) else { return };
        if !connection.may_resubscribe(self.feeds.log(connection.feed()), now_ns()) {
            return;
        }
        let (from, to) = (connection.feed(), self.feeds.join(symbols));
        connection.resubscribe(&self.feeds, to);
        self.feeds.leave(from);
    }

    /// What has become of a connection's ticks by now; `None`: there is no connection.
    #[must_use]
    pub fn account(&self, key: usize) -> Option<Account> {
        let connection = self.connections.get(key)?.as_ref()?;
        Some(connection.account(self.log_of(connection)))
    }

    /// The log that a connection writes from.
    #[must_use]
    pub fn log_of(&self, connection: &Connection) -> &Log {
        self.feeds.log(connection.feed())
    }

    /// Bytes that are kept because a connection has not taken them, in logs and as copies.
    #[must_use]
    pub fn backlog_bytes(&self) -> u64 {
        self.feeds.needed_bytes() + self.copied_bytes
    }

    /// Whether every tick of the load was made.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.finished
    }

    /// Whether every connection has confirmed every tick by a pong.
    #[must_use]
    pub fn is_confirmed(&self) -> bool {
        let is_confirmed = |connection: &Connection| {
            connection.is_drained(self.log_of(connection))
                && connection.confirmed() == connection.stream().ticks()
        };
        self.connections.iter().flatten().all(is_confirmed)
    }

    /// Whether all that was made is written to every connection.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        let is_drained = |connection: &Connection| connection.is_drained(self.log_of(connection));
        self.connections.iter().flatten().all(is_drained)
    }

    /// Closes each connection that has taken everything; gives how many have not.
    pub fn close_drained(&mut self, code: CloseCode) -> usize {
        let mut waiting = 0;
        let open = self.connections.iter_mut().flatten().filter(|c| !c.is_closing());
        for connection in open {
            match connection.is_drained(self.feeds.log(connection.feed())) {
                true => connection.close(code, ""),
                false => waiting += 1,
            }
        }
        waiting
    }

    /// Makes no more ticks.
    pub fn finish(&mut self) {
        self.finished = true;
    }
}
