//! One connection: its socket, its stream of frames, and what is known of how far its
//! ticks have come.

use crate::feeds::Feeds;
use crate::kernel;
use crate::log::Log;
use crate::policy::{Limits, Waiting};
use crate::stream::{SLICES, Stream};
use crate::subscription::Symbols;
use crate::tap::Tap;
use std::io::{ErrorKind, Read, Result, Write};
use std::net::{Shutdown, TcpStream};
use std::ops::Range;
use std::sync::Arc;
use tick::clock::now_ns;
use tungstenite::error::ProtocolError;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tungstenite::{Error, Message, WebSocket};

/// The largest message that a client may send in.
pub const INBOUND_BYTES: usize = 64 * 1024;
/// Inbound messages that are looked at in one turn: a chatty client must not
/// hold up the schedule.
const INBOUND_PER_TURN: usize = 16;
/// Time for a client to take its close frame and to leave, in ns.
const ENDING_NS: u64 = 2_000_000_000;

/// A connection after its handshake.
#[derive(Debug)]
pub struct Outlet {
    socket: Arc<TcpStream>,
    /// Which of the logs it writes from.
    feed: usize,
    /// Whether it may choose symbols.
    may_subscribe: bool,
    /// What it has asked for.
    asked_symbols: Option<Symbols>,
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
    /// It is to end once its close frame is out.
    ending: Option<Ending>,
    gone: Option<String>,
}

/// The end of a connection that the client has brought about.
#[derive(Debug)]
struct Ending {
    why: String,
    /// When it is over in any case, in ns.
    until_ns: u64,
    /// Whether our side is shut.
    shut: bool,
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
    /// A connection that joins at the head of the log. With `records`, it remembers
    /// which ticks it dropped, and all of them are its business.
    ///
    /// # Errors
    /// When the socket is gone already.
    pub fn new(
        socket: TcpStream,
        feed: usize,
        log: &Log,
        policy: Limits,
        records: bool,
    ) -> Result<Self> {
        socket.set_nonblocking(true)?;
        let acked_base = kernel::acked_bytes(&socket)? + kernel::queued_bytes(&socket)?;
        let socket = Arc::new(socket);
        let tap = Tap::new(Arc::clone(&socket));
        Ok(Self {
            protocol: WebSocket::from_raw_socket(tap, Role::Server, Some(limits())),
            socket,
            feed,
            may_subscribe: !records,
            asked_symbols: None,
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

    /// Which of the logs it writes from.
    #[must_use]
    pub fn feed(&self) -> usize {
        self.feed
    }

    /// The symbols that it has just asked for.
    pub fn asked_symbols(&mut self) -> Option<Symbols> {
        self.asked_symbols.take()
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
        self.gone.as_deref()
    }

    /// What waited for it when its policy closed it, if that is so.
    #[must_use]
    pub fn cut(&self) -> Option<Waiting> {
        self.cut
    }

    /// Whether everything for it is written, control frames included.
    #[must_use]
    pub fn is_drained(&self, log: &Log) -> bool {
        self.stream.is_drained(log)
    }

    /// Queues a ping that carries the count of ticks before it.
    pub fn ping(&mut self, log: &Log) {
        if self.stream.is_closing() {
            return;
        }
        let ticks = self.stream.ticks_before_control(log);
        self.asked = ticks;
        let payload = ticks.to_le_bytes().to_vec();
        let sent = self.protocol.send(Message::Ping(payload.into()));
        self.take_control(sent.err());
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

    /// What was made since the last turn goes the way of a policy that has set in.
    pub fn absorb(&mut self, log: &Log, now: u64) {
        self.stream.absorb(log, now);
    }

    /// Applies the policy to what waits.
    pub fn hold(&mut self, log: &Log, now: u64) {
        if self.stream.hold(log, now) {
            self.cut = Some(self.stream.waiting(log, now));
            self.cut_off(log, CloseCode::Policy, "too far behind", now);
        }
    }

    /// Closes it before it has everything.
    pub fn cut_off(&mut self, log: &Log, code: CloseCode, reason: &str, now: u64) {
        self.stream.cut(log);
        self.close(code, reason);
        self.ending.get_or_insert(Ending {
            why: format!("cut off: {reason}"),
            until_ns: now + ENDING_NS,
            shut: false,
        });
    }

    /// Writes what there is, as far as the socket takes it. `written` is told
    /// each time which ticks are out, and when the call began that put them.
    pub fn write(&mut self, log: &Log, now: u64, mut written: impl FnMut(Range<u64>, u64)) {
        self.stream.absorb(log, now);
        while self.gone.is_none() && !self.blocked && !self.is_drained(log) {
            let mut slices = Vec::with_capacity(SLICES + 2);
            let lead = self.stream.plan(log, &mut slices);
            let wanted: usize = slices.iter().map(|slice| slice.len()).sum();
            let began_ns = now_ns();
            match (&*self.socket).write_vectored(&slices) {
                Ok(sent) => {
                    self.blocked = sent < wanted;
                    self.stream.advance(log, sent as u64, lead, |seqs| written(seqs, began_ns));
                }
                Err(e) if e.kind() == ErrorKind::WouldBlock => self.blocked = true,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => self.fail(&format!("writing failed: {e}")),
            }
        }
    }

    /// Reads what the client has sent: pongs count, the rest is only answered.
    pub fn read(&mut self, log: &Log) {
        for _ in 0..INBOUND_PER_TURN {
            if self.gone.is_some() {
                return;
            }
            if self.ending.is_some() {
                return self.discard();
            }
            match self.protocol.read() {
                Ok(Message::Pong(payload)) => self.confirm(&payload),
                Ok(Message::Text(text)) => self.obey(&text, log),
                Ok(_) => self.take_control(None),
                Err(Error::Io(e)) if e.kind() == ErrorKind::WouldBlock => {
                    return self.take_control(None);
                }
                Err(e) => self.leave(&e, log),
            }
        }
    }

    /// The only thing that a client may ask for are symbols.
    fn obey(&mut self, text: &str, log: &Log) {
        match Symbols::from_message(text) {
            Ok(symbols) if self.may_subscribe => self.asked_symbols = Some(symbols),
            Ok(_) => self.cut_off(log, CloseCode::Policy, "this run is of all symbols", now_ns()),
            Err(refusal) => {
                self.cut_off(log, CloseCode::Policy, &refusal.to_string(), now_ns());
            }
        }
    }

    /// What comes from a client that is to leave is of no interest, but its end.
    fn discard(&mut self) {
        let mut scratch = [0; 4096];
        match (&*self.socket).read(&mut scratch) {
            Ok(0) => self.end(),
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {}
            Err(_) => self.end(),
            Ok(_) => {}
        }
    }

    fn end(&mut self) {
        if let Some(Ending { why, .. }) = self.ending.take() {
            self.fail(&why);
        }
    }

    /// Whether its end has begun.
    #[must_use]
    pub fn is_ending(&self) -> bool {
        self.ending.is_some()
    }

    /// Sees to the end of a connection that is ending: its close frame, then our side
    /// shut, then the client's. Closed at once, with bytes from the client unread, the
    /// kernel would send a reset, which can overtake the close frame.
    pub fn settle(&mut self, log: &Log, now: u64) {
        let drained = self.is_drained(log);
        let Some(ending) = &mut self.ending else { return };
        if now >= ending.until_ns {
            return self.end();
        }
        if drained && !ending.shut {
            ending.shut = true;
            let _ = self.socket.shutdown(Shutdown::Write);
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

    fn leave(&mut self, error: &Error, log: &Log) {
        match error {
            Error::ConnectionClosed | Error::AlreadyClosed if self.stream.is_closing() => {
                self.fail("closed");
            }
            Error::ConnectionClosed | Error::AlreadyClosed => {
                self.stream.cut(log);
                self.stream.push_control(&self.protocol.get_mut().take(), true);
                self.ending = Some(Ending {
                    why: "the client closed the connection".to_owned(),
                    until_ns: now_ns() + ENDING_NS,
                    shut: false,
                });
            }
            Error::Io(e) => self.fail(&format!("the connection broke: {e}")),
            Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => {
                self.fail("the connection ended without a close frame");
            }
            other => self.fail(&format!("the client broke the protocol: {other}")),
        }
    }

    fn fail(&mut self, why: &str) {
        self.gone.get_or_insert_with(|| why.to_owned());
    }

    /// Takes what the protocol wants to be written: between two frames.
    fn take_control(&mut self, error: Option<Error>) {
        self.stream.push_control(&self.protocol.get_mut().take(), false);
        self.note(error);
    }

    fn note(&mut self, error: Option<Error>) {
        match error {
            None | Some(Error::ConnectionClosed | Error::AlreadyClosed) => {}
            Some(other) => self.fail(&format!("the client broke the protocol: {other}")),
        }
    }

    /// Looks how many ticks the client's kernel has acknowledged; gives how many are new.
    pub fn look(&mut self, log: &Log) -> u64 {
        let before = self.acknowledged;
        if let Ok(acked) = kernel::acked_bytes(&self.socket) {
            self.acknowledged = self.stream.acknowledge(acked.saturating_sub(self.acked_base), log);
        }
        self.acknowledged - before
    }
}
