//! What a client sends in: pongs, requests for symbols, and what sends it away.

use crate::connection::closing::Ending;
use crate::connection::end::Reason;
use crate::connection::endpoint::Outlet;
use crate::connection::subscription;
use crate::connection::violation::{ANSWER_BYTES, Breach, TURN_BYTES};
use crate::log::segments::Log;
use std::io::{ErrorKind, Read};
use tungstenite::error::ProtocolError;
use tungstenite::protocol::frame::coding::CloseCode;
use tungstenite::{Error, Message};

/// The most that may wait for a client that asks for other symbols: some 600 000 ticks,
/// which take the engine tens of ms to look through.
const MOST_MOVED_BYTES: u64 = 16 << 20;
/// The most of it that may wait when it asks again within this time, in ns.
const MOST_COPIED_BYTES: u64 = 1 << 20;
const AGAIN_NS: u64 = 1_000_000_000;

impl Outlet {
    /// Reads what the client has sent: pongs count, pings are answered, texts are
    /// taken; anything else sends it away.
    pub fn read(&mut self, log: &Log) {
        self.protocol.get_mut().allow(TURN_BYTES);
        while self.gone.is_none() && self.ending.is_none() {
            match self.protocol.read() {
                Ok(Message::Pong(payload)) => self.confirm(&payload),
                Ok(Message::Text(text)) => self.obey(&text, log),
                Ok(Message::Binary(_)) => self.send_away(log, &Breach::binary()),
                Ok(_) => {}
                Err(Error::Io(e)) if e.kind() == ErrorKind::WouldBlock => return self.pause(log),
                Err(e) => self.leave(&e, log),
            }
            self.answer(log);
        }
        self.hear_out(log);
    }

    /// A text message has come: the one place where clients say something. All that
    /// they may ask for are symbols.
    fn obey(&mut self, text: &str, log: &Log) {
        match subscription::from_message(text) {
            Ok(symbols) if self.may_subscribe => self.asked_symbols = Some(symbols),
            Ok(_) => self.send_away(log, &Breach::words("this run is of all symbols")),
            Err(refusal) => self.send_away(log, &Breach::words(refusal.to_string())),
        }
    }

    /// Whether it may go over to other symbols, for which what waits is looked through and
    /// copied; else it is closed. Neither takes the others' time, nor memory without bound.
    pub fn may_resubscribe(&mut self, log: &Log, now: u64) -> bool {
        let (own, all) = (self.stream.own_bytes(), self.stream.waiting_bytes(log));
        let again = now.saturating_sub(self.resubscribed_ns) < AGAIN_NS;
        if all > MOST_MOVED_BYTES {
            let words = "too far behind for other symbols: come again";
            self.cut_off(log, CloseCode::Again, words, Reason::CutOff, words);
        } else if again && own > MOST_COPIED_BYTES {
            let words = "other symbols again before what waits was taken";
            self.cut_off(log, CloseCode::Policy, words, Reason::CutOff, words);
        } else {
            self.resubscribed_ns = now;
        }
        self.ending.is_none()
    }

    /// Nothing more is there for now. What is known to be too long is not waited for.
    fn pause(&mut self, log: &Log) {
        self.answer(log);
        if self.ending.is_none() && self.protocol.get_ref().is_long_control() {
            self.leave(&Error::Protocol(ProtocolError::ControlFrameTooBig), log);
        }
    }

    /// Takes over what the protocol answers, as far as the client reads it.
    fn answer(&mut self, log: &Log) {
        self.take_control(None);
        if self.stream.control_bytes() > ANSWER_BYTES {
            self.send_away(log, &Breach::pings());
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
        let closing = self.stream.is_closing();
        match (error, Breach::of(error, self.protocol.get_ref().is_long_control())) {
            (_, Some(breach)) if closing => self.fail(Reason::Protocol, &breach.reason),
            (_, Some(breach)) => self.send_away(log, &breach),
            (Error::Io(e), _) => self.fail(Reason::Broken, &format!("the connection broke: {e}")),
            (Error::Protocol(_), _) => {
                self.fail(Reason::Vanished, "the connection ended without a close frame");
            }
            _ if closing => {
                self.protocol.get_mut().bid_farewell();
                self.fail(Reason::Closed, "closed");
            }
            _ => {
                // Its close frame is answered behind the frame that is out in part.
                self.stream.cut(log);
                self.stream.push_control(&self.protocol.get_mut().take(), true);
                let why = "the client closed the connection";
                self.ending = Some(Ending::new(Reason::ClosedByClient, why));
            }
        }
    }

    /// Throws away what still comes in. A socket that is closed with unread
    /// bytes would reset the connection, and with it the close frame.
    fn hear_out(&mut self, log: &Log) {
        let Some(ending) = &mut self.ending else { return };
        match (&*self.socket).read(&mut [0; TURN_BYTES]) {
            Ok(1..) => {}
            Err(e) if e.kind() == ErrorKind::WouldBlock => {}
            Ok(_) | Err(_) => ending.is_left = true,
        }
        self.shut(log);
    }

    fn send_away(&mut self, log: &Log, breach: &Breach) {
        let Breach { code, reason } = breach;
        let why = format!("the client broke the protocol: {reason} ({code})");
        self.cut_off(log, *code, reason, Reason::Protocol, &why);
    }
}
