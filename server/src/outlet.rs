//! One connection: its socket, its stream of frames, and what is known of how far its
//! ticks have come.

mod hear;

use crate::departure::{Account, Reason};
use crate::feeds::Feeds;
use crate::inbound::{Ending, limits};
use crate::kernel;
use crate::log::Log;
use crate::policy::{Limits, Waiting};
use crate::stream::{SLICES, Stream};
use crate::subscription::Symbols;
use crate::tap::Tap;
use rustls::ServerConnection;
use std::io::{ErrorKind, Result};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::ops::Range;
use std::sync::Arc;
use tick::clock::now_ns;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::protocol::{CloseFrame, Role};
use tungstenite::{Error, Message, WebSocket};

/// A socket behind its handshake, and what TLS is to it.
pub type Wire = (TcpStream, Option<Box<ServerConnection>>);

/// A connection after its handshake.
#[derive(Debug)]
pub struct Outlet {
    socket: Arc<TcpStream>,
    peer: SocketAddr,
    /// Ticks that were made before it joined.
    joined: u64,
    /// Which of the logs it writes from.
    feed: usize,
    /// Whether it may choose symbols.
    may_subscribe: bool,
    /// What it has asked for.
    asked_symbols: Option<Symbols>,
    /// When it last went over to other symbols, in ns.
    resubscribed_ns: u64,
    protocol: WebSocket<Tap>,
    stream: Stream,
    /// What the kernel counts as acknowledged when nothing of ours is.
    acked_base: u64,
    acknowledged: u64,
    /// The count of the newest ping, and of the newest pong.
    asked: u64,
    confirmed: u64,
    /// When to ping it next, in ns.
    pub next_ping_ns: u64,
    blocked: bool,
    /// What waited for it when its policy closed it.
    cut: Option<Waiting>,
    /// It ends before its time.
    ending: Option<Ending>,
    gone: Option<(Reason, String)>,
}

impl Outlet {
    /// A connection that joins at the head of a feed's log. With `records`, it remembers
    /// which ticks it dropped, and all of them are its business.
    ///
    /// # Errors
    /// When the socket is gone already.
    pub fn new(
        (socket, tls): Wire,
        feeds: (&Feeds, usize),
        policy: Limits,
        records: bool,
    ) -> Result<Self> {
        let (joined, feed, log) = (feeds.0.whole().ticks(), feeds.1, feeds.0.log(feeds.1));
        socket.set_nonblocking(true)?;
        let acked_base = kernel::acked_bytes(&socket)? + kernel::queued_bytes(&socket)?;
        let peer = socket.peer_addr()?;
        let socket = Arc::new(socket);
        let tap = Tap::new(Arc::clone(&socket), tls);
        Ok(Self {
            protocol: WebSocket::from_raw_socket(tap, Role::Server, Some(limits())),
            socket,
            peer,
            joined,
            feed,
            may_subscribe: !records,
            asked_symbols: None,
            resubscribed_ns: 0,
            stream: Stream::new(log, policy, records),
            acked_base,
            acknowledged: 0,
            asked: 0,
            confirmed: 0,
            next_ping_ns: 0,
            blocked: false,
            cut: None,
            ending: None,
            gone: None,
        })
    }

    /// Its socket.
    #[must_use]
    pub fn socket(&self) -> &TcpStream {
        &self.socket
    }

    /// Its client, also when that has left.
    #[must_use]
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Ticks that were made before it joined.
    #[must_use]
    pub fn joined(&self) -> u64 {
        self.joined
    }

    /// Which of the logs it writes from.
    #[must_use]
    pub fn feed(&self) -> usize {
        self.feed
    }

    /// The symbols that it has just asked for. One that is being closed gets nothing more
    /// (RFC 6455, 5.5.1).
    pub fn asked_symbols(&mut self) -> Option<Symbols> {
        self.asked_symbols.take().filter(|_| !self.stream.is_closing() && self.gone.is_none())
    }

    /// Goes over to another feed.
    pub fn resubscribe(&mut self, feeds: &Feeds, to: usize) {
        let (from, symbols) = (feeds.log(self.feed), feeds.symbols(to));
        self.stream.resubscribe(from, feeds.log(to), symbols);
        self.feed = to;
    }

    /// What it gets.
    #[must_use]
    pub fn stream(&self) -> &Stream {
        &self.stream
    }

    /// The same, when the connection is over.
    #[must_use]
    pub fn into_stream(self) -> Stream {
        self.stream
    }

    /// What has become of its ticks by now.
    #[must_use]
    pub fn account(&self, log: &Log) -> Account {
        let (written, dropped) = (self.stream.ticks(), self.stream.dropped());
        let (waiting, given_up) = (self.stream.waiting_ticks(log), self.stream.given_up());
        let offered = written + dropped + waiting + given_up;
        Account { offered, written, dropped, waiting, given_up }
    }

    /// Ticks that the client's kernel had acknowledged at the last look.
    #[must_use]
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    /// Ticks that a pong has confirmed.
    #[must_use]
    pub fn confirmed(&self) -> u64 {
        self.confirmed
    }

    /// Whether the socket took nothing the last time.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        self.blocked
    }

    /// The socket can take bytes again.
    pub fn unblock(&mut self) {
        self.blocked = false;
    }

    /// Why it is of no more use, if so.
    #[must_use]
    pub fn gone(&self) -> Option<&str> {
        self.departed().map(|(_, why)| why)
    }

    /// The same with the word that it is counted under.
    #[must_use]
    pub fn departed(&self) -> Option<(Reason, &str)> {
        let over = self.ending.as_ref().filter(|ending| ending.is_over());
        let over = over.map(|ending| (ending.reason, ending.why.as_str()));
        self.gone.as_ref().map(|(reason, why)| (*reason, why.as_str())).or(over)
    }

    /// What waited for it when its policy closed it, if that is so.
    #[must_use]
    pub fn cut(&self) -> Option<Waiting> {
        self.cut
    }

    /// Whether it ends before its time: its client has left or is being sent away.
    #[must_use]
    pub fn is_ending(&self) -> bool {
        self.ending.is_some()
    }

    /// Whether everything for it is written, control frames included; never of one
    /// that ends before its time.
    #[must_use]
    pub fn is_drained(&self, log: &Log) -> bool {
        self.ending.is_none() && self.is_out(log)
    }

    /// Whether the kernel has everything for it.
    fn is_out(&self, log: &Log) -> bool {
        self.stream.is_drained(log) && !self.protocol.get_ref().is_clogged()
    }

    /// Bytes that the kernel has taken for it.
    #[must_use]
    pub fn wire_bytes(&self) -> u64 {
        self.protocol.get_ref().wire_bytes(self.stream.bytes())
    }

    /// Whether it is under TLS, which may have read more than it has given.
    #[must_use]
    pub fn is_secret(&self) -> bool {
        self.protocol.get_ref().is_secret()
    }

    /// Whether its close frame is queued or gone.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.stream.is_closing()
    }

    /// Queues a ping that carries the count of ticks before it. While other control
    /// frames wait it would tell no more.
    pub fn ping(&mut self, log: &Log) {
        if self.stream.is_closing() || self.stream.control_bytes() > 0 {
            return;
        }
        let ticks = self.stream.ticks_before_control(log);
        self.asked = ticks;
        let payload = ticks.to_le_bytes().to_vec();
        let sent = self.protocol.send(Message::Ping(payload.into()));
        self.stream.push_ping(&self.protocol.get_mut().take());
        self.note(sent.err());
    }

    /// Queues the close frame that ends the stream.
    pub fn close(&mut self, code: CloseCode, reason: &str) {
        if self.stream.is_closing() {
            return;
        }
        let frame = CloseFrame { code, reason: reason.into() };
        let sent = self.protocol.close(Some(frame));
        self.stream.push_control(&self.protocol.get_mut().take(), true);
        self.note(sent.err());
    }

    /// Closes it before it has everything, and ends once the client has taken that.
    pub fn cut_off(&mut self, log: &Log, code: CloseCode, words: &str, reason: Reason, why: &str) {
        // What was sent before our own close frame was seen is no fault.
        if !self.stream.is_closing() {
            self.stream.cut(log);
            self.close(code, words);
            self.ending = Some(Ending::new(reason, why));
        }
    }

    /// What was made since the last turn goes the way of a policy that has set in.
    pub fn absorb(&mut self, log: &Log, now: u64) {
        self.stream.absorb(log, now);
    }

    /// Applies the policy to what waits.
    pub fn hold(&mut self, log: &Log, now: u64) {
        if self.stream.hold(log, now) {
            let waiting = self.stream.waiting(log, now);
            self.cut = Some(waiting);
            let why = format!("cut off by the policy: {waiting}");
            self.cut_off(log, CloseCode::Policy, "too far behind", Reason::CutOff, &why);
        }
    }

    /// Writes what there is, as far as the socket takes it. `written` is told
    /// each time which ticks are out, and when the call began that put them.
    pub fn write(&mut self, log: &Log, now: u64, mut written: impl FnMut(Range<u64>, u64)) {
        self.stream.absorb(log, now);
        if self.gone.is_none() && !self.blocked && self.protocol.get_ref().is_clogged() {
            let unclogged = self.protocol.get_mut().unclog();
            self.heed(unclogged);
        }
        while self.gone.is_none() && !self.blocked && !self.stream.is_drained(log) {
            let mut slices = Vec::with_capacity(SLICES + 2);
            let lead = self.stream.plan(log, &mut slices);
            let began_ns = now_ns();
            match self.protocol.get_mut().send(&slices) {
                Ok((sent, full)) => {
                    self.blocked = full;
                    self.stream.advance(log, sent as u64, lead, |seqs| written(seqs, began_ns));
                }
                failed => self.heed(failed.map(drop)),
            }
        }
        self.shut(log);
    }

    /// Takes note of a write that did not do.
    fn heed(&mut self, written: Result<()>) {
        match written {
            Ok(()) => {}
            Err(e) if e.kind() == ErrorKind::WouldBlock => self.blocked = true,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => self.fail(Reason::Broken, &format!("writing failed: {e}")),
        }
    }

    /// Once the close frame is out, nothing more is: the client sees the end and
    /// leaves (RFC 6455, 7.1.1). If it has left before, that was all.
    fn shut(&mut self, log: &Log) {
        let Some(ending) = &mut self.ending else { return };
        if !ending.is_shut && self.stream.is_drained(log) {
            ending.is_shut = self.protocol.get_mut().bid_farewell();
            match ending.is_shut {
                true => drop(self.socket.shutdown(Shutdown::Write)),
                false => self.blocked = true,
            }
        }
        if ending.is_left && (ending.is_shut || self.blocked) {
            let (reason, why) = (ending.reason, ending.why.clone());
            self.fail(reason, &why);
        }
    }

    fn fail(&mut self, reason: Reason, why: &str) {
        self.gone.get_or_insert_with(|| (reason, why.to_owned()));
    }

    /// Takes what the protocol wants to be written: between two frames.
    fn take_control(&mut self, error: Option<Error>) {
        // After its own close frame, a connection says nothing more.
        let frames = self.protocol.get_mut().take();
        if !self.stream.is_closing() {
            self.stream.push_control(&frames, false);
        }
        self.note(error);
    }

    fn note(&mut self, error: Option<Error>) {
        match error {
            None | Some(Error::ConnectionClosed | Error::AlreadyClosed) => {}
            Some(other) => {
                self.fail(Reason::Protocol, &format!("the client broke the protocol: {other}"));
            }
        }
    }

    /// Looks how many ticks the client's kernel has acknowledged; gives how many are new.
    pub fn look(&mut self, log: &Log) -> u64 {
        let before = self.acknowledged;
        if let Ok(acked) = kernel::acked_bytes(&self.socket) {
            let sent = self.protocol.get_mut().acknowledge(acked.saturating_sub(self.acked_base));
            self.acknowledged = self.stream.acknowledge(sent, log);
        }
        self.acknowledged - before
    }
}
