//! One connection: its cursor in the log, its control frames, and what is
//! known of how far its ticks have come.

use crate::inbound::{ANSWER_BYTES, Breach, Ending, TURN_BYTES, limits};
use crate::kernel;
use crate::log::Log;
use crate::tap::Tap;
use std::collections::VecDeque;
use std::io::{ErrorKind, IoSlice, Read, Result, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use tick::clock::now_ns;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::protocol::{CloseFrame, Role};
use tungstenite::{Error, Message, WebSocket};

/// Slices of one vectored write: about a MiB of segments.
const SLICES: usize = 8;

/// A connection after its handshake.
#[derive(Debug)]
pub struct Outlet {
    socket: Arc<TcpStream>,
    peer: SocketAddr,
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
    /// It ends before its time, by the client's doing.
    ending: Option<Ending>,
    gone: Option<String>,
}

impl Outlet {
    /// A connection that joins at the head of the log.
    ///
    /// # Errors
    /// When the socket is gone already.
    pub fn new(socket: TcpStream, log: &Log) -> Result<Self> {
        socket.set_nonblocking(true)?;
        let acked_base = kernel::acked_bytes(&socket)? + kernel::queued_bytes(&socket)?;
        let peer = socket.peer_addr()?;
        let socket = Arc::new(socket);
        let tap = Tap::new(Arc::clone(&socket));
        Ok(Self {
            protocol: WebSocket::from_raw_socket(tap, Role::Server, Some(limits())),
            socket,
            peer,
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
        let over = || Some(self.ending.as_ref().filter(|ending| ending.is_over())?.why.as_str());
        self.gone.as_deref().or_else(over)
    }

    /// Whether its client has left or is being sent away; soon it is gone.
    #[must_use]
    pub fn is_ending(&self) -> bool {
        self.ending.is_some()
    }

    /// Whether all of the log and every control frame is written; never of one
    /// that ends before its time.
    #[must_use]
    pub fn is_drained(&self, log: &Log) -> bool {
        self.ending.is_none() && self.is_written(log)
    }

    fn is_written(&self, log: &Log) -> bool {
        // Nothing may follow a close frame (RFC 6455, 5.5.1).
        (self.closing || self.cursor == log.end()) && self.control.is_empty()
    }

    /// Queues a ping that carries the count of ticks before it. While another
    /// waits it would tell no more: the cursor has not moved.
    pub fn ping(&mut self, log: &Log) {
        if self.closing || !self.control.is_empty() {
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
        self.close_because(code, "");
    }

    fn close_because(&mut self, code: CloseCode, reason: &str) {
        self.closing = true;
        let frame = CloseFrame { code, reason: reason.into() };
        let sent = self.protocol.close(Some(frame));
        self.take_control(sent.err());
    }

    /// Writes what there is, as far as the socket takes it. `written` is told
    /// each time how many ticks are out, and when the call began that put them.
    pub fn write(&mut self, log: &Log, mut written: impl FnMut(u64, u64)) {
        while self.gone.is_none() && !self.blocked && !self.is_written(log) {
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
                Err(e) => self.fail(&format!("writing failed: {e}")),
            }
        }
        self.shut();
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

    /// Reads what the client has sent: pongs count, pings are answered, texts are
    /// taken; anything else sends it away.
    pub fn read(&mut self) {
        self.protocol.get_mut().allow(TURN_BYTES);
        while self.gone.is_none() && self.ending.is_none() {
            match self.protocol.read() {
                Ok(Message::Pong(payload)) => self.confirm(&payload),
                Ok(Message::Text(text)) => self.take_text(&text),
                Ok(Message::Binary(_)) => self.send_away(&Breach::binary()),
                Ok(_) => {}
                Err(Error::Io(e)) if e.kind() == ErrorKind::WouldBlock => return self.answer(),
                Err(e) => self.leave(&e),
            }
            self.answer();
        }
        self.hear_out();
    }

    /// A text message has come: the one place where clients say something.
    fn take_text(&mut self, _text: &str) {
        self.send_away(&Breach::text());
    }

    /// Takes over what the protocol answers, as far as the client reads it.
    fn answer(&mut self) {
        self.take_control(None);
        if self.control.len() - self.control_sent > ANSWER_BYTES {
            self.send_away(&Breach::pings());
        }
    }

    /// Closes with that code, and ends once the client has taken it.
    fn send_away(&mut self, breach: &Breach) {
        // What was sent before our own close frame was seen is no fault.
        if !self.closing {
            let Breach { code, reason } = breach;
            self.close_because(*code, reason);
            let why = format!("the client broke the protocol: {reason} ({code})");
            self.ending = Some(Ending::new(why));
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
        match (error, Breach::of(error)) {
            (_, Some(breach)) if self.closing => self.fail(&breach.reason),
            (_, Some(breach)) => self.send_away(&breach),
            (Error::Io(e), _) => self.fail(&format!("the connection broke: {e}")),
            (Error::Protocol(_), _) => self.fail("the connection ended without a close frame"),
            _ if self.closing => self.fail("closed"),
            _ => {
                self.closing = true;
                self.ending = Some(Ending::new("the client closed the connection"));
            }
        }
    }

    /// Throws away what still comes in. A socket that is closed with unread
    /// bytes would reset the connection, and with it the close frame.
    fn hear_out(&mut self) {
        let Some(ending) = &mut self.ending else { return };
        match (&*self.socket).read(&mut [0; TURN_BYTES]) {
            Ok(1..) => {}
            Err(e) if e.kind() == ErrorKind::WouldBlock => {}
            Ok(_) | Err(_) => ending.is_left = true,
        }
        self.shut();
    }

    /// Once the close frame is out, nothing more is: the client sees the end and
    /// leaves (RFC 6455, 7.1.1). If it has left before, that was all.
    fn shut(&mut self) {
        let Some(ending) = &mut self.ending else { return };
        if self.control.is_empty() && !ending.is_shut {
            ending.is_shut = true;
            let _ = self.socket.shutdown(Shutdown::Write);
        }
        if ending.is_left && (ending.is_shut || self.blocked) {
            self.gone.get_or_insert_with(|| ending.why.clone());
        }
    }

    fn fail(&mut self, why: &str) {
        self.gone.get_or_insert_with(|| why.to_owned());
    }

    fn take_control(&mut self, error: Option<Error>) {
        if self.control_sent > 0 && !self.protocol.get_ref().caught.is_empty() {
            // What is written of it need not be kept.
            self.control.drain(..self.control_sent);
            self.control_sent = 0;
        }
        self.control.append(&mut self.protocol.get_mut().caught);
        match error {
            None | Some(Error::ConnectionClosed | Error::AlreadyClosed) => {}
            Some(other) => self.fail(&format!("the client broke the protocol: {other}")),
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
