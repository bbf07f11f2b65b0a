//! One connection: its cursor in the log, its control frames, and what is
//! known of how far its ticks have come.

use crate::departure::Reason;
use crate::kernel;
use crate::log::Log;
use crate::tap::Tap;
use std::collections::VecDeque;
use std::io::{ErrorKind, IoSlice, Result, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use tick::clock::now_ns;
use tungstenite::error::ProtocolError;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tungstenite::{Error, Message, WebSocket};

/// The largest message that a client may send in.
pub const INBOUND_BYTES: usize = 64 * 1024;
/// Slices of one vectored write: about a MiB of segments.
const SLICES: usize = 8;
/// Inbound messages that are looked at in one turn: a chatty client must not
/// hold up the schedule.
const INBOUND_PER_TURN: usize = 16;

/// A connection after its handshake.
#[derive(Debug)]
pub struct Outlet {
    socket: Arc<TcpStream>,
    peer: SocketAddr,
    /// Ticks that were made before it joined.
    joined: u64,
    protocol: WebSocket<Tap>,
    /// The log's bytes before this have been taken by the kernel.
    cursor: u64,
    /// Control frames on their way, and how much of them is written.
    control: Vec<u8>,
    control_sent: usize,
    /// Bytes that the kernel has taken since the handshake.
    stream_bytes: u64,
    /// Where control frames stand in the stream, `(first byte, length)`, as far
    /// as they are not acknowledged; and the bytes of those that are.
    inserted: VecDeque<(u64, u64)>,
    inserted_acked_bytes: u64,
    /// What the kernel counts as acknowledged when nothing of ours is.
    acked_base: u64,
    /// Where in the log the acknowledged bytes end.
    acked_cursor: u64,
    /// The count of the newest ping, and of the newest pong.
    asked: u64,
    confirmed: u64,
    blocked: bool,
    closing: bool,
    gone: Option<(Reason, String)>,
}

/// What inbound frames are held to.
#[must_use]
pub fn limits() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(8 * 1024)
        .max_message_size(Some(INBOUND_BYTES))
        .max_frame_size(Some(INBOUND_BYTES))
}

impl Outlet {
    /// A connection that joins at the head of the log.
    ///
    /// # Errors
    /// When the socket is gone already.
    pub fn new(socket: TcpStream, log: &Log) -> Result<Self> {
        socket.set_nonblocking(true)?;
        let peer = socket.peer_addr()?;
        let acked_base = kernel::acked_bytes(&socket)? + kernel::queued_bytes(&socket)?;
        let socket = Arc::new(socket);
        let tap = Tap::new(Arc::clone(&socket));
        Ok(Self {
            protocol: WebSocket::from_raw_socket(tap, Role::Server, Some(limits())),
            socket,
            peer,
            joined: log.ticks(),
            cursor: log.end(),
            control: Vec::new(),
            control_sent: 0,
            stream_bytes: 0,
            inserted: VecDeque::new(),
            inserted_acked_bytes: 0,
            acked_base,
            acked_cursor: log.end(),
            asked: log.ticks(),
            confirmed: log.ticks(),
            blocked: false,
            closing: false,
            gone: None,
        })
    }

    /// Its socket.
    #[must_use]
    pub fn socket(&self) -> &TcpStream {
        &self.socket
    }

    /// Whose it is.
    #[must_use]
    pub fn peer(&self) -> SocketAddr {
        self.peer
    }

    /// Ticks that were made before it joined: it gets those after.
    #[must_use]
    pub fn joined(&self) -> u64 {
        self.joined
    }

    /// Where its next data byte stands in the log.
    #[must_use]
    pub fn cursor(&self) -> u64 {
        self.cursor
    }

    /// The log must be kept from here on.
    #[must_use]
    pub fn needs_from(&self, log: &Log) -> u64 {
        // Without fixed frames, the place of an acknowledged byte can only be
        // found in the log itself.
        if log.has_fixed_frames() { self.cursor } else { self.acked_cursor }
    }

    /// Bytes that the kernel has taken since the handshake.
    #[must_use]
    pub fn stream_bytes(&self) -> u64 {
        self.stream_bytes
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
        self.gone.as_ref().map(|(reason, why)| (*reason, why.as_str()))
    }

    /// Whether its close frame is queued or sent.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.closing
    }

    /// Whether all of the log and every control frame is written.
    #[must_use]
    pub fn is_drained(&self, log: &Log) -> bool {
        // Nothing may follow a close frame (RFC 6455, 5.5.1).
        (self.closing || self.cursor == log.end()) && self.control.is_empty()
    }

    /// Queues a ping that carries the count of ticks before it.
    pub fn ping(&mut self, log: &Log) {
        // Nothing may follow a close frame (RFC 6455, 5.5.1).
        if self.closing {
            return;
        }
        let ticks = log.whole_ticks(log.boundary(self.cursor));
        self.asked = ticks;
        let payload = ticks.to_le_bytes().to_vec();
        let sent = self.protocol.send(Message::Ping(payload.into()));
        self.take_control(sent.err());
    }

    /// Queues the close frame that ends the stream.
    pub fn close(&mut self, code: CloseCode) {
        self.closing = true;
        let frame = CloseFrame { code, reason: "".into() };
        let sent = self.protocol.close(Some(frame));
        self.take_control(sent.err());
    }

    /// Writes what there is, as far as the socket takes it. `written` is told
    /// each time how many ticks are out, and when the call began that put them.
    pub fn write(&mut self, log: &Log, mut written: impl FnMut(u64, u64)) {
        while self.gone.is_none() && !self.blocked && !self.is_drained(log) {
            let mut slices = Vec::with_capacity(SLICES);
            let lead = self.plan_write(log, &mut slices);
            let wanted: usize = slices.iter().map(|slice| slice.len()).sum();
            let began_ns = now_ns();
            match (&*self.socket).write_vectored(&slices) {
                Ok(sent) => {
                    self.blocked = sent < wanted;
                    self.advance(sent as u64, lead);
                    written(log.whole_ticks(self.cursor), began_ns);
                }
                Err(e) if e.kind() == ErrorKind::WouldBlock => self.blocked = true,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => self.fail(Reason::Broken, &format!("writing failed: {e}")),
            }
        }
    }

    /// Lays out the next bytes of the stream: data up to a frame boundary,
    /// then the control frames, then data. Gives the length of the first part.
    fn plan_write<'a>(&'a self, log: &'a Log, slices: &mut Vec<IoSlice<'a>>) -> u64 {
        if self.control.is_empty() {
            log.slices(self.cursor..log.end(), SLICES, slices);
            return log.end() - self.cursor;
        }
        // A control frame once begun comes first: its rest may not wait.
        let gap = match self.control_sent {
            0 => log.boundary(self.cursor),
            _ => self.cursor,
        };
        log.slices(self.cursor..gap, SLICES, slices);
        slices.push(IoSlice::new(&self.control[self.control_sent..]));
        if !self.closing {
            log.slices(gap..log.end(), SLICES, slices);
        }
        gap - self.cursor
    }

    /// Books `sent` bytes, of which the first `lead` were data.
    fn advance(&mut self, sent: u64, lead: u64) {
        let data = sent.min(lead);
        self.cursor += data;
        self.stream_bytes += data;
        let control = (sent - data).min((self.control.len() - self.control_sent) as u64);
        if control > 0 {
            self.inserted.push_back((self.stream_bytes, control));
            self.stream_bytes += control;
            self.control_sent += control as usize;
            if self.control_sent == self.control.len() {
                self.control.clear();
                self.control_sent = 0;
            }
        }
        let rest = sent - data - control;
        self.cursor += rest;
        self.stream_bytes += rest;
    }

    /// Reads what the client has sent: pongs count, the rest is only answered.
    pub fn read(&mut self) {
        for _ in 0..INBOUND_PER_TURN {
            if self.gone.is_some() {
                return;
            }
            match self.protocol.read() {
                Ok(Message::Pong(payload)) => self.confirm(&payload),
                Ok(_) => self.take_control(None),
                Err(Error::Io(e)) if e.kind() == ErrorKind::WouldBlock => {
                    return self.take_control(None);
                }
                Err(e) => {
                    self.take_control(None);
                    self.leave(&e);
                }
            }
        }
    }

    fn confirm(&mut self, payload: &[u8]) {
        // An unsolicited pong (RFC 6455, 5.5.3) may carry anything.
        if let Ok(bytes) = payload.try_into() {
            let ticks = u64::from_le_bytes(bytes);
            if (self.confirmed..=self.asked).contains(&ticks) {
                self.confirmed = ticks;
            }
        }
    }

    fn leave(&mut self, error: &Error) {
        match error {
            Error::ConnectionClosed | Error::AlreadyClosed if self.closing => {
                self.fail(Reason::Closed, "closed");
            }
            Error::ConnectionClosed | Error::AlreadyClosed => {
                // Answer its close frame as far as the socket takes it.
                let _ = (&*self.socket).write(&self.control[self.control_sent..]);
                self.fail(Reason::ClosedByClient, "the client closed the connection");
            }
            Error::Io(e) => self.fail(Reason::Broken, &format!("the connection broke: {e}")),
            Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
                self.fail(Reason::Vanished, "the connection ended without a close frame");
            }
            other => self.break_protocol(other),
        }
    }

    fn break_protocol(&mut self, error: &Error) {
        self.fail(Reason::Protocol, &format!("the client broke the protocol: {error}"));
    }

    fn fail(&mut self, reason: Reason, why: &str) {
        self.gone.get_or_insert_with(|| (reason, why.to_owned()));
    }

    fn take_control(&mut self, error: Option<Error>) {
        self.control.append(&mut self.protocol.get_mut().caught);
        match error {
            None | Some(Error::ConnectionClosed | Error::AlreadyClosed) => {}
            Some(other) => self.break_protocol(&other),
        }
    }

    /// Ticks that the client's kernel has acknowledged by now.
    pub fn acknowledged(&mut self, log: &Log) -> u64 {
        if let Ok(acked) = kernel::acked_bytes(&self.socket) {
            // A FIN counts as a byte: no more than was written.
            let stream = acked.saturating_sub(self.acked_base).min(self.stream_bytes);
            while let Some(&(at, len)) = self.inserted.front()
                && at + len <= stream
            {
                self.inserted_acked_bytes += len;
                self.inserted.pop_front();
            }
            // A control frame that is acknowledged in part.
            let part = self.inserted.front().map_or(0, |&(at, _)| stream.saturating_sub(at));
            let joined = self.cursor - (self.stream_bytes - self.all_inserted());
            self.acked_cursor = joined + stream - self.inserted_acked_bytes - part;
        }
        log.whole_ticks(self.acked_cursor)
    }

    /// Bytes of all control frames written so far.
    fn all_inserted(&self) -> u64 {
        let waiting: u64 = self.inserted.iter().map(|&(_, len)| len).sum();
        self.inserted_acked_bytes + waiting
    }
}
