//! The server's end of one connection: its socket, its stream of frames, and how far its
//! ticks have come.

use crate::connection::account::Account;
use crate::connection::closing::Closing;
use crate::connection::end::{CutOff, End};
use crate::connection::kernel;
use crate::connection::stream::outgoing::Stream;
use crate::connection::stream::policy::{Limits, Waiting};
use crate::connection::transport::Transport;
use crate::connection::violation::{RefusedRequests, Violation, limits};
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

/// A socket after its handshakes, and its TLS connection, under TLS.
pub type Wire = (TcpStream, Option<Box<ServerConnection>>);

/// A connection after its handshake.
#[derive(Debug)]
pub struct Connection {
    pub(super) socket: Arc<TcpStream>,
    pub(super) peer: SocketAddr,
    /// Ticks that were made before it joined.
    pub(super) joined: u64,
    /// The feed that it writes from.
    pub(super) feed: usize,
    /// Whether it may choose symbols.
    pub(super) may_subscribe: bool,
    /// The symbols that it has asked for, and that the engine has not yet applied.
    pub(super) requested_symbols: Option<Symbols>,
    /// Its requests that were refused.
    pub(super) refused: RefusedRequests,
    /// When it last changed symbols, in ns.
    pub(super) resubscribed_ns: u64,
    pub(super) protocol: WebSocket<Transport>,
    pub(super) stream: Stream,
    /// What the kernel had acknowledged before the first byte of the stream.
    pub(super) acked_base: u64,
    pub(super) acknowledged: u64,
    /// The tick count of the newest ping.
    pub(super) pinged: u64,
    /// The tick count of the newest pong.
    pub(super) confirmed: u64,
    /// When to ping it next, in ns.
    pub next_ping_ns: u64,
    pub(super) blocked: bool,
    /// Its last phase, if it ends before its time.
    pub(super) closing: Option<Closing>,
    pub(super) end: Option<End>,
}

impl Connection {
    /// A connection that joins at the end of a feed's log. With `records_drops`, it keeps
    /// which ticks it dropped, and has to get all symbols.
    ///
    /// # Errors
    /// When the connection has already ended.
    pub fn new(
        (socket, tls): Wire,
        feeds: (&Feeds, usize),
        policy: Limits,
        records_drops: bool,
    ) -> Result<Self> {
        let (joined, feed, log) = (feeds.0.all_symbols().ticks(), feeds.1, feeds.0.log(feeds.1));
        socket.set_nonblocking(true)?;
        let acked_base = kernel::acked_bytes(&socket)? + kernel::queued_bytes(&socket)?;
        let peer = socket.peer_addr()?;
        let socket = Arc::new(socket);
        let transport = Transport::new(Arc::clone(&socket), tls);
        Ok(Self {
            protocol: WebSocket::from_raw_socket(transport, Role::Server, Some(limits())),
            socket,
            peer,
            joined,
            feed,
            may_subscribe: !records_drops,
            requested_symbols: None,
            refused: RefusedRequests::default(),
            resubscribed_ns: 0,
            stream: Stream::new(log, policy, records_drops),
            acked_base,
            acknowledged: 0,
            pinged: 0,
            confirmed: 0,
            next_ping_ns: 0,
            blocked: false,
            closing: None,
            end: None,
        })
    }

    /// Its socket.
    #[must_use]
    pub fn socket(&self) -> &TcpStream {
        &self.socket
    }

    /// The address of its client, also after the client has left.
    #[must_use]
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Ticks that were made before it joined.
    #[must_use]
    pub fn joined(&self) -> u64 {
        self.joined
    }

    /// The feed that it writes from.
    #[must_use]
    pub fn feed(&self) -> usize {
        self.feed
    }

    /// Takes the symbols that it has just asked for. A connection that is being closed gets
    /// nothing more (RFC 6455, 5.5.1).
    pub fn take_requested_symbols(&mut self) -> Option<Symbols> {
        self.requested_symbols.take().filter(|_| !self.stream.is_closing() && self.end.is_none())
    }

    /// Changes to another feed.
    pub fn resubscribe(&mut self, feeds: &Feeds, to: usize) {
        let (from, symbols) = (feeds.log(self.feed), feeds.symbols(to));
        self.stream.resubscribe(from, feeds.log(to), symbols);
        self.feed = to;
    }

    /// Its outgoing bytes.
    #[must_use]
    pub fn stream(&self) -> &Stream {
        &self.stream
    }

    /// Its outgoing bytes, when the connection is over.
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

    /// Ticks that the client's kernel had acknowledged at the last reading.
    #[must_use]
    pub fn acknowledged(&self) -> u64 {
        self.acknowledged
    }

    /// Ticks that a pong has confirmed.
    #[must_use]
    pub fn confirmed(&self) -> u64 {
        self.confirmed
    }

    /// Whether its socket was full at the last write.
    #[must_use]
    pub fn is_blocked(&self) -> bool {
        self.blocked
    }

    /// The socket takes bytes again.
    pub fn unblock(&mut self) {
        self.blocked = false;
    }

    /// Why it has ended, if it has.
    #[must_use]
    pub fn end(&self) -> Option<&End> {
        let over = self.closing.as_ref().filter(|closing| closing.is_over());
        self.end.as_ref().or(over.map(|closing| &closing.end))
    }

    /// What waited for it when its policy closed it, if it did.
    #[must_use]
    pub fn cut_off_by_policy(&self) -> Option<Waiting> {
        match self.closing.as_ref()?.end {
            End::CutOff(CutOff::Policy(waiting)) => Some(waiting),
            _ => None,
        }
    }

    /// Whether it ends before its time: its client has left, or is being closed.
    #[must_use]
    pub fn is_ending(&self) -> bool {
        self.closing.is_some()
    }

    /// Whether everything for it is written, including control frames; false if it ends
    /// before its time.
    #[must_use]
    pub fn is_drained(&self, log: &Log) -> bool {
        let transport = self.protocol.get_ref();
        self.closing.is_none() && self.stream.is_drained(log) && !transport.has_unsent()
    }

    /// Bytes that the kernel has taken for it.
    #[must_use]
    pub fn wire_bytes(&self) -> u64 {
        self.protocol.get_ref().wire_bytes(self.stream.bytes())
    }

    /// Whether it is under TLS, which may have read more than it has returned.
    #[must_use]
    pub fn is_encrypted(&self) -> bool {
        self.protocol.get_ref().is_encrypted()
    }

    /// Whether its close frame is queued or sent.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.stream.is_closing()
    }

    /// Queues a ping that carries the count of the ticks before it. While other control
    /// frames wait, another ping would tell nothing more.
    pub fn ping(&mut self, log: &Log) {
        if self.stream.is_closing() || self.stream.control_bytes() > 0 {
            return;
        }
        let ticks = self.stream.ticks_before_control(log);
        self.pinged = ticks;
        let payload = ticks.to_le_bytes().to_vec();
        let sent = self.protocol.send(Message::Ping(payload.into()));
        self.stream.push_ping(&self.protocol.get_mut().take_control_frames());
        self.note_error(sent.err());
    }

    /// Queues the close frame that ends the stream.
    pub fn close(&mut self, code: CloseCode, reason: &str) {
        if self.stream.is_closing() {
            return;
        }
        let frame = CloseFrame { code, reason: reason.into() };
        let sent = self.protocol.close(Some(frame));
        self.stream.push_control(&self.protocol.get_mut().take_control_frames(), true);
        self.note_error(sent.err());
    }

    /// Closes it before it has everything; it ends when the client has read that.
    pub fn cut_off(&mut self, log: &Log, cut_off: CutOff) {
        self.close_early(log, cut_off.code(), &cut_off.to_string(), End::CutOff(cut_off));
    }

    /// Closes it because its client has broken the protocol.
    pub(super) fn reject(&mut self, log: &Log, violation: Violation) {
        let (code, reason) = (violation.code(), violation.close_reason());
        self.close_early(log, code, &reason, End::Violation(violation));
    }

    fn close_early(&mut self, log: &Log, code: CloseCode, reason: &str, end: End) {
        // What the client sent before it saw our close frame is no violation.
        if !self.stream.is_closing() {
            self.stream.cut_off(log);
            self.close(code, reason);
            self.closing = Some(Closing::new(end));
        }
    }

    pub(super) fn end_with(&mut self, end: End) {
        self.end.get_or_insert(end);
    }

    /// Queues the control frames that the WebSocket library wants to send.
    pub(super) fn queue_control_frames(&mut self) {
        let frames = self.protocol.get_mut().take_control_frames();
        // Nothing follows its own close frame.
        if !self.stream.is_closing() {
            self.stream.push_control(&frames, false);
        }
    }

    pub(super) fn note_error(&mut self, error: Option<Error>) {
        match error {
            None | Some(Error::ConnectionClosed | Error::AlreadyClosed) => {}
            Some(other) => {
                let violation = Violation::of(&other, false);
                let violation = violation.unwrap_or_else(|| Violation::Library(other.to_string()));
                self.end_with(End::Violation(violation));
            }
        }
    }

    /// Reads how many ticks the client's kernel has acknowledged; gives how many are new.
    pub fn read_acknowledged(&mut self, log: &Log) -> u64 {
        let before = self.acknowledged;
        if let Ok(acked) = kernel::acked_bytes(&self.socket) {
            let sent = self.protocol.get_mut().acknowledge(acked.saturating_sub(self.acked_base));
            self.acknowledged = self.stream.acknowledge(sent, log);
        }
        self.acknowledged - before
    }
}
