//! The engine: makes what is due, writes it to whoever can take it, looks how
//! far it has come, and waits for the next due time. One thread for all, so
//! that nothing here is ever locked.

mod produce;
mod wait;

use crate::books::{Books, Stamps};
use crate::classic::Classic;
use crate::departure::Account;
use crate::feeds::Feeds;
use crate::load::Load;
use crate::log::Log;
use crate::metrics::lateness::Lateness;
use crate::outlet::{Outlet, Wire};
use crate::policy::Limits;
use crate::subscription::Symbols;
use anyhow::Result;
use polling::{Event, Events, PollMode, Poller};
use std::sync::Arc;
use tick::clock::now_ns;
use tungstenite::protocol::frame::coding::CloseCode;

/// Between two pings to a connection, in ns: ten a second.
const PING_NS: u64 = 100_000_000;
/// Among many connections, pings are rarer: about so many a second in all.
const PINGS_PER_S: u64 = 2_000;
/// Connections that are looked at in one look: a look must not hold up the schedule.
const LOOKED_AT: usize = 256;
/// Between two looks at the kernel's acknowledgements, in ns.
const LOOK_NS: u64 = 5_000_000;

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
    load: Load,
    limits: Limits,
    /// Whether connections remember what they dropped.
    records: bool,
    /// In place of due times, where the older server is imitated.
    classic: Option<Classic>,
    poller: Arc<Poller>,
    events: Events,
    /// The stamp of the newest tick of a flood.
    newest_ns: u64,
    finished: bool,
    /// Whether the load's time was over at the last turn.
    overtime: bool,
    /// The connection to be looked at next.
    next_key: usize,
    next_look_ns: u64,
    next_poll_ns: u64,
    last_turn_ns: u64,
    /// Bytes of ticks that wait as copies, after the last turn.
    copied_bytes: u64,
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
    fn subscribe(&mut self, key: usize, symbols: Symbols) {
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

    /// Writes to all that can take something, and applies the policy to what waits.
    fn serve(&mut self, now: u64) -> Result<()> {
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

    fn serve_one(&mut self, key: usize, now: u64) -> Result<()> {
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
    fn look_at(&mut self, most: usize, now: u64) {
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
