//! The engine: makes what is due, writes it to whoever can take it, looks how
//! far it has come, and waits for the next due time. One thread for all, so
//! that nothing here is ever locked.

use crate::connection::account::Account;
use crate::connection::endpoint::{Outlet, Wire};
use crate::connection::stream::policy::Limits;
use crate::engine::classic::Classic;
use crate::engine::counts::Books;
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

/// Between two pings to a connection, in ns: ten a second.
pub(super) const PING_NS: u64 = 100_000_000;
/// The running server.
pub struct Engine {
    /// What was made and is not yet everywhere.
    pub feeds: Feeds,
    /// The connections; a place stays empty once its connection is gone.
    pub outlets: Vec<Option<Outlet>>,
    /// The counts.
    pub books: Books,
    /// The stamps, if any are asked for.
    pub stamps: Option<Stamps>,
    /// How late ticks are made, if that is asked for.
    pub lateness: Option<Lateness>,
    pub(super) load: Load,
    pub(super) limits: Limits,
    /// Whether connections remember what they dropped.
    pub(super) records: bool,
    /// In place of due times, where the older server is imitated.
    pub(super) classic: Option<Classic>,
    pub(super) poller: Arc<Poller>,
    pub(super) events: Events,
    /// The stamp of the newest tick of a flood.
    pub(super) newest_ns: u64,
    pub(super) finished: bool,
    /// Whether the load's time was over at the last turn.
    pub(super) overtime: bool,
    /// The connection to be looked at next.
    pub(super) next_key: usize,
    pub(super) next_look_ns: u64,
    pub(super) next_poll_ns: u64,
    pub(super) last_turn_ns: u64,
    /// Bytes of ticks that wait as copies, after the last turn.
    pub(super) copied_bytes: u64,
}

impl Engine {
    /// An engine without connections.
    #[must_use]
    pub fn new(
        log: Log,
        load: Load,
        books: Books,
        stamps: Option<Stamps>,
        poller: Arc<Poller>,
    ) -> Self {
        Self {
            feeds: Feeds::new(log),
            outlets: Vec::new(),
            books,
            stamps,
            lateness: None,
            limits: Limits::default(),
            records: false,
            next_look_ns: load.start_ns,
            last_turn_ns: load.start_ns,
            load,
            classic: None,
            poller,
            events: Events::new(),
            newest_ns: 0,
            finished: false,
            overtime: false,
            next_key: 0,
            next_poll_ns: 0,
            copied_bytes: 0,
        }
    }

    /// The same with the older server's way to pace.
    #[must_use]
    pub fn paced_by(self, classic: Option<Classic>) -> Self {
        Self { classic, ..self }
    }

    /// The same with a policy for slow consumers. With `records`, connections remember
    /// which ticks they dropped.
    #[must_use]
    pub fn held_to(self, limits: Limits, records: bool) -> Self {
        Self { limits, records, ..self }
    }

    /// The seqs at which a message was made anew, where messages are sent again.
    #[must_use]
    pub fn fresh(&self) -> Option<&[u64]> {
        self.classic.as_ref().map(Classic::fresh)
    }

    /// Takes a connection in; it begins with the next tick of those symbols.
    ///
    /// # Errors
    /// When the connection is gone already.
    pub fn admit(&mut self, wire: Wire, symbols: Symbols) -> Result<()> {
        let feed = self.feeds.join(symbols);
        let outlet = Outlet::new(wire, (&self.feeds, feed), self.limits, self.records);
        let mut outlet = outlet.inspect_err(|_| self.feeds.leave(feed))?;
        outlet.next_ping_ns = now_ns().max(self.load.start_ns) + PING_NS;
        let key = self.outlets.iter().position(Option::is_none).unwrap_or(self.outlets.len());
        // SAFETY: `dismiss` takes the socket from the poller before it is closed,
        // and the poller's last user is this engine.
        unsafe {
            self.poller.add_with_mode(outlet.socket(), Event::readable(key), PollMode::Level)?;
        }
        if key == self.outlets.len() {
            self.outlets.push(None);
        }
        // What came with the end of a TLS handshake is in no socket any more.
        if outlet.is_secret() {
            outlet.read(self.feeds.log(feed));
        }
        let asked = outlet.asked_symbols();
        self.outlets[key] = Some(outlet);
        if let Some(symbols) = asked {
            self.subscribe(key, symbols);
        }
        Ok(())
    }

    /// Lets a connection go.
    pub fn dismiss(&mut self, key: usize) -> Option<Outlet> {
        let mut outlet = self.outlets.get_mut(key)?.take()?;
        // Its counts go into the sums with it.
        self.books.acknowledged += outlet.look(self.feeds.log(outlet.feed()));
        let _ = self.poller.delete(outlet.socket());
        self.feeds.leave(outlet.feed());
        Some(outlet)
    }

    /// A connection is to get those symbols from now on.
    pub(super) fn subscribe(&mut self, key: usize, symbols: Symbols) {
        let Some(Some(outlet)) = self.outlets.get_mut(key) else { return };
        if !outlet.may_resubscribe(self.feeds.log(outlet.feed()), now_ns()) {
            return;
        }
        let (from, to) = (outlet.feed(), self.feeds.join(symbols));
        outlet.resubscribe(&self.feeds, to);
        self.feeds.leave(from);
    }

    /// What has become of a connection's ticks by now; `None` where there is none.
    #[must_use]
    pub fn account(&self, key: usize) -> Option<Account> {
        let outlet = self.outlets.get(key)?.as_ref()?;
        Some(outlet.account(self.log_of(outlet)))
    }

    /// The log that a connection writes from.
    #[must_use]
    pub fn log_of(&self, outlet: &Outlet) -> &Log {
        self.feeds.log(outlet.feed())
    }

    /// Bytes that are kept because a connection has not got them, in logs and as copies.
    #[must_use]
    pub fn backlog_bytes(&self) -> u64 {
        self.feeds.needed_bytes() + self.copied_bytes
    }

    /// Whether every tick of the load has been made.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.finished
    }

    /// Whether every connection has confirmed every tick by a pong.
    #[must_use]
    pub fn is_confirmed(&self) -> bool {
        let is_confirmed = |outlet: &Outlet| {
            outlet.is_drained(self.log_of(outlet)) && outlet.confirmed() == outlet.stream().ticks()
        };
        self.outlets.iter().flatten().all(is_confirmed)
    }

    /// Whether all that was made is written to every connection.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.outlets.iter().flatten().all(|outlet| outlet.is_drained(self.log_of(outlet)))
    }

    /// Closes each connection that has taken everything; gives how many have not.
    pub fn close_drained(&mut self, code: CloseCode) -> usize {
        let mut waiting = 0;
        for outlet in self.outlets.iter_mut().flatten().filter(|outlet| !outlet.is_closing()) {
            match outlet.is_drained(self.feeds.log(outlet.feed())) {
                true => outlet.close(code, ""),
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
