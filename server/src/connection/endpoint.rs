//! One connection: its socket, its stream of frames, and what is known of how far its
//! ticks have come.

use crate::connection::account::Account;
use crate::connection::closing::Ending;
use crate::connection::end::Reason;
use crate::connection::kernel;
use crate::connection::stream::outgoing::Stream;
use crate::connection::stream::policy::{Limits, Waiting};
use crate::connection::transport::Tap;
use crate::connection::violation::limits;
use crate::log::feeds::Feeds;
use crate::log::segments::Log;
use crate::log::symbols::Symbols;
use rustls::ServerConnection;
use std::io::Result;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::protocol::{CloseFrame, Role};
use tungstenite::{Error, Message, WebSocket};

/// A socket behind its handshake, and what TLS is to it.
pub type Wire = (TcpStream, Option<Box<ServerConnection>>);

/// A connection after its handshake.
#[derive(Debug)]
pub struct Outlet {
    pub(super) socket: Arc<TcpStream>,
    pub(super) peer: SocketAddr,
    /// Ticks that were made before it joined.
    pub(super) joined: u64,
    /// Which of the logs it writes from.
    pub(super) feed: usize,
    /// Whether it may choose symbols.
    pub(super) may_subscribe: bool,
    /// What it has asked for.
    pub(super) asked_symbols: Option<Symbols>,
    /// When it last went over to other symbols, in ns.
    pub(super) resubscribed_ns: u64,
    pub(super) protocol: WebSocket<Tap>,
    pub(super) stream: Stream,
    /// What the kernel counts as acknowledged when nothing of ours is.
    pub(super) acked_base: u64,
    pub(super) acknowledged: u64,
    /// The count of the newest ping, and of the newest pong.
    pub(super) asked: u64,
    pub(super) confirmed: u64,
    /// When to ping it next, in ns.
    pub next_ping_ns: u64,
    pub(super) blocked: bool,
    /// What waited for it when its policy closed it.
    pub(super) cut: Option<Waiting>,
    /// It ends before its time.
    pub(super) ending: Option<Ending>,
    pub(super) gone: Option<(Reason, String)>,
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
    pub(super) fn is_out(&self, log: &Log) -> bool {
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

    pub(super) fn fail(&mut self, reason: Reason, why: &str) {
        self.gone.get_or_insert_with(|| (reason, why.to_owned()));
    }

    /// Takes what the protocol wants to be written: between two frames.
    pub(super) fn take_control(&mut self, error: Option<Error>) {
        // After its own close frame, a connection says nothing more.
        let frames = self.protocol.get_mut().take();
        if !self.stream.is_closing() {
            self.stream.push_control(&frames, false);
        }
        self.note(error);
    }

    pub(super) fn note(&mut self, error: Option<Error>) {
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
