//! The engine: makes what is due, writes it to whoever can take it, looks how
//! far it has come, and waits for the next due time. One thread for all, so
//! that nothing here is ever locked.

use crate::books::{Books, Stamps};
use crate::classic::Classic;
use crate::departure::Account;
use crate::log::Log;
use crate::metrics::lateness::Lateness;
use crate::outlet::Outlet;
use anyhow::Result;
use polling::{Event, Events, PollMode, Poller};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;
use tick::Timetable;
use tick::clock::now_ns;

/// Between two pings, in ns: ten a second.
const PING_NS: u64 = 100_000_000;
/// Between two looks at the kernel's acknowledgements, in ns.
const LOOK_NS: u64 = 5_000_000;
/// The last stretch before a due time, which is spun away where that is allowed.
const SPIN_NS: u64 = 200_000;
/// While spinning, sockets are polled this often, in ns.
const POLL_NS: u64 = 100_000;

/// What is sent, and when.
#[derive(Debug, Clone)]
pub struct Load {
    /// When each tick is due.
    pub timetable: Timetable,
    /// When tick 0 is due, in ns of the monotonic clock.
    pub start_ns: u64,
    /// How long the load lasts; `None`: for ever.
    pub duration_ns: Option<u64>,
    /// Whether due times may be spun for.
    pub spin: bool,
}

impl Load {
    /// Whether the load's time is over at `at_ns`.
    fn is_over(&self, at_ns: u64) -> bool {
        self.duration_ns.is_some_and(|ns| at_ns >= self.start_ns + ns)
    }

    /// How many ticks of the load are due at `now`; `None` under flood.
    fn due_count(&self, now: u64) -> Option<u64> {
        let elapsed_ns = now - self.start_ns;
        match self.duration_ns {
            Some(ns) if elapsed_ns >= ns => self.timetable.ticks_within(ns),
            _ => self.timetable.due_count(elapsed_ns),
        }
    }

    /// When tick `seq` is due, if the load has it; `None` under flood, too.
    fn due_ns(&self, seq: u64) -> Option<u64> {
        let offset_ns = self.timetable.due_offset_ns(seq)?;
        let within = self.duration_ns.is_none_or(|ns| offset_ns < ns);
        within.then_some(self.start_ns + offset_ns)
    }
}

/// The running server.
pub struct Engine {
    /// What was made and is not yet everywhere.
    pub log: Log,
    /// The connections; a place stays empty once its connection is gone.
    pub outlets: Vec<Option<Outlet>>,
    /// The counts.
    pub books: Books,
    /// The stamps, if any are asked for.
    pub stamps: Option<Stamps>,
    /// How late ticks are made, if that is asked for.
    pub lateness: Option<Lateness>,
    /// Ticks written to each connection.
    written: Vec<u64>,
    /// Acknowledged and confirmed ticks of the connections that have left.
    departed: (u64, u64),
    load: Load,
    /// In place of due times, where the older server is imitated.
    classic: Option<Classic>,
    poller: Arc<Poller>,
    events: Events,
    /// The stamp of the newest tick of a flood.
    newest_ns: u64,
    finished: bool,
    next_ping_ns: u64,
    next_look_ns: u64,
    next_poll_ns: u64,
    last_turn_ns: u64,
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
            log,
            outlets: Vec::new(),
            books,
            stamps,
            lateness: None,
            written: Vec::new(),
            departed: (0, 0),
            next_ping_ns: load.start_ns + PING_NS,
            next_look_ns: load.start_ns,
            last_turn_ns: load.start_ns,
            load,
            classic: None,
            poller,
            events: Events::new(),
            newest_ns: 0,
            finished: false,
            next_poll_ns: 0,
        }
    }

    /// The same with the older server's way to pace.
    #[must_use]
    pub fn paced_by(self, classic: Option<Classic>) -> Self {
        Self { classic, ..self }
    }

    /// The seqs at which a message was made anew, where messages are sent again.
    #[must_use]
    pub fn fresh(&self) -> Option<&[u64]> {
        self.classic.as_ref().map(Classic::fresh)
    }

    /// Takes a connection in; it begins with the next tick.
    ///
    /// # Errors
    /// When the connection is gone already.
    pub fn admit(&mut self, socket: TcpStream) -> Result<()> {
        let outlet = Outlet::new(socket, &self.log)?;
        let key = self.outlets.iter().position(Option::is_none).unwrap_or(self.outlets.len());
        // SAFETY: `dismiss` takes the socket from the poller before it is closed,
        // and the poller's last user is this engine.
        unsafe {
            self.poller.add_with_mode(outlet.socket(), Event::readable(key), PollMode::Level)?;
        }
        if key == self.outlets.len() {
            self.outlets.push(None);
            self.written.push(0);
        }
        // What came before its time is not to be written to it.
        self.written[key] = self.log.ticks();
        self.outlets[key] = Some(outlet);
        Ok(())
    }

    /// Lets a connection go.
    pub fn dismiss(&mut self, key: usize) -> Option<Outlet> {
        let mut outlet = self.outlets.get_mut(key)?.take()?;
        self.departed.0 += outlet.acknowledged(&self.log).saturating_sub(outlet.joined());
        self.departed.1 += outlet.confirmed() - outlet.joined();
        let _ = self.poller.delete(outlet.socket());
        Some(outlet)
    }

    /// What has become of a connection's ticks by now; `None` where there is none.
    #[must_use]
    pub fn account(&self, key: usize) -> Option<Account> {
        let outlet = self.outlets.get(key)?.as_ref()?;
        let offered = self.log.ticks() - outlet.joined();
        let written = self.written[key] - outlet.joined();
        // No policy drops ticks: what is not written waits.
        Some(Account { offered, written, dropped: 0, waiting: offered - written })
    }

    /// Whether every tick of the load has been made.
    #[must_use]
    pub fn is_finished(&self) -> bool {
        self.finished
    }

    /// Whether every connection has confirmed every tick by a pong.
    #[must_use]
    pub fn is_confirmed(&self) -> bool {
        self.outlets.iter().flatten().all(|outlet| outlet.confirmed() == self.log.ticks())
    }

    /// Whether all that was made is written to every connection.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        self.outlets.iter().flatten().all(|outlet| outlet.is_drained(&self.log))
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
        self.count_blocked(now);
        self.produce(now);
        self.write()?;
        if now >= self.next_look_ns {
            self.next_look_ns = now + LOOK_NS;
            self.look();
        }
        if now >= self.next_ping_ns {
            self.next_ping_ns += PING_NS * (1 + (now - self.next_ping_ns) / PING_NS);
            self.ping();
        }
        let needed = self.outlets.iter().flatten().map(|o| o.needs_from(&self.log)).min();
        self.log.free(needed.unwrap_or(self.log.end()));
        self.books.show_written(self.log.held_bytes());
        self.wait(until_ns)
    }

    /// Makes what is due. After a stall no more than a segment at a time, so
    /// that the first of it need not wait for the last.
    fn produce(&mut self, now: u64) {
        if self.finished || now < self.load.start_ns {
            return;
        }
        let chunk = self.log.ticks_per_segment();
        if self.classic.is_some() {
            return self.produce_classic(now, chunk);
        }
        let Some(due) = self.load.due_count(now) else {
            return self.produce_flood(now, chunk);
        };
        let first = self.log.ticks();
        let count = (due - first).min(chunk);
        let Load { timetable, start_ns, .. } = &self.load;
        if count > 0 {
            self.log.append(count, |seq| start_ns + timetable.due_offset_ns(seq).unwrap_or(0));
            self.made(first, now);
            if let Some(lateness) = &mut self.lateness {
                let Load { timetable, start_ns, .. } = &self.load;
                let due = |seq| Some(start_ns + timetable.due_offset_ns(seq)?);
                lateness.note(now, (first..self.log.ticks()).filter_map(due));
            }
        }
        self.finished = self.load.due_ns(self.log.ticks()).is_none();
    }

    /// Under a flood, a segment is made whenever the slowest connection has
    /// less than one left.
    fn produce_flood(&mut self, now: u64, chunk: u64) {
        if self.load.is_over(now) {
            self.finished = true;
            return;
        }
        if !self.has_appetite() {
            return;
        }
        let first = self.log.ticks();
        let begin = now.max(self.newest_ns + 1);
        self.log.append(chunk, |seq| begin + (seq - first));
        self.newest_ns = begin + chunk - 1;
        self.made(first, now);
    }

    /// Whether the slowest connection has less than a segment left; false without any.
    fn has_appetite(&self) -> bool {
        let slowest = self.outlets.iter().flatten().map(Outlet::cursor).min();
        slowest.is_some_and(|cursor| self.log.end() - cursor < crate::log::SEGMENT_BYTES as u64)
    }

    /// As the older server would: with its counts, and its one message.
    fn produce_classic(&mut self, now: u64, chunk: u64) {
        if self.load.is_over(now) {
            self.finished = true;
            return;
        }
        let (first, hungry) = (self.log.ticks(), self.has_appetite());
        let Some(classic) = &mut self.classic else { return };
        let flood = if hungry { chunk } else { 0 };
        let count = classic.count(now, first).map_or(flood, |count| count.min(chunk));
        if count > 0 {
            let (of, made_ns) = classic.message(first, now);
            self.log.append_again(count, of, made_ns);
            self.made(first, made_ns);
        }
    }

    fn made(&mut self, first: u64, now: u64) {
        self.books.generated = self.log.ticks();
        self.books.show_generated();
        if let Some(stamps) = &mut self.stamps {
            stamps.generated(first..self.log.ticks(), now);
        }
    }

    fn write(&mut self) -> Result<()> {
        for (key, place) in self.outlets.iter_mut().enumerate() {
            let Some(outlet) = place else { continue };
            if outlet.is_blocked() {
                continue;
            }
            let (books, stamps) = (&mut self.books, &mut self.stamps);
            let (so_far, bytes_before) = (&mut self.written[key], outlet.stream_bytes());
            outlet.write(&self.log, |ticks, began_ns| {
                books.wrote(ticks - *so_far);
                *so_far = ticks;
                if let Some(stamps) = stamps {
                    stamps.written(key, ticks, began_ns);
                }
            });
            self.books.written_bytes += outlet.stream_bytes() - bytes_before;
            if outlet.is_blocked() && outlet.gone().is_none() {
                let both = Event::all(key);
                self.poller.modify_with_mode(outlet.socket(), both, PollMode::Level)?;
            }
        }
        Ok(())
    }

    /// Asks the kernel how far the ticks have come.
    pub fn look(&mut self) {
        let (mut acknowledged, mut confirmed) = self.departed;
        for outlet in self.outlets.iter_mut().flatten() {
            acknowledged += outlet.acknowledged(&self.log).saturating_sub(outlet.joined());
            confirmed += outlet.confirmed() - outlet.joined();
        }
        self.books.acknowledged = acknowledged;
        self.books.confirmed = confirmed;
        self.books.show_written(self.log.held_bytes());
    }

    fn ping(&mut self) {
        for outlet in self.outlets.iter_mut().flatten() {
            outlet.ping(&self.log);
        }
    }

    fn count_blocked(&mut self, now: u64) {
        let waits = self.outlets.iter().flatten().any(Outlet::is_blocked);
        if waits {
            self.books.blocked_ns += now.saturating_sub(self.last_turn_ns);
        }
        self.last_turn_ns = now;
    }

    /// Waits for the next due time, or for a socket.
    fn wait(&mut self, until_ns: u64) -> Result<()> {
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
        if self.finished {
            return u64::MAX;
        }
        let flood = !self.load.timetable.schedule().is_open_loop();
        if let Some(classic) = self.classic.as_ref().filter(|_| !flood) {
            return classic.next_ns();
        }
        match self.load.due_ns(self.log.ticks()) {
            Some(due_ns) => due_ns,
            None if now < self.load.start_ns => self.load.start_ns,
            None => {
                let idle = |o: &Outlet| o.is_blocked() || o.gone().is_some();
                let stuck = self.outlets.iter().flatten().all(idle);
                if stuck { u64::MAX } else { now }
            }
        }
    }

    /// Hears what the clients say until then, and makes and writes nothing.
    ///
    /// # Errors
    /// When the poller fails.
    pub fn listen(&mut self, until_ns: u64) -> Result<()> {
        self.poll(until_ns.saturating_sub(now_ns()))
    }

    /// Waits so long for sockets, and serves those that have something.
    fn poll(&mut self, limit_ns: u64) -> Result<()> {
        self.events.clear();
        self.poller.wait(&mut self.events, Some(Duration::from_nanos(limit_ns)))?;
        self.next_poll_ns = now_ns() + POLL_NS;
        for event in self.events.iter() {
            let Some(Some(outlet)) = self.outlets.get_mut(event.key) else { continue };
            if event.readable {
                outlet.read();
            }
            if event.writable && outlet.is_blocked() {
                outlet.unblock();
                let calm = Event::readable(event.key);
                self.poller.modify_with_mode(outlet.socket(), calm, PollMode::Level)?;
            }
        }
        Ok(())
    }
}
