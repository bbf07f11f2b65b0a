//! What a client sends: pongs, requests for symbols, a close, and violations that close its
//! connection.

use crate::connection::closing::Closing;
use crate::connection::end::{CutOff, End};
use crate::connection::endpoint::Connection;
use crate::connection::request::Request;
use crate::connection::subscription;
use crate::connection::violation::{ANSWER_BYTES, Violation};
use crate::log::segments::Log;
use std::io::{ErrorKind, Read};
use std::sync::Arc;
use tick::clock::now_ns;
use tungstenite::error::ProtocolError;
use tungstenite::{Error, Message};

/// Bytes that are read from a connection in one step of the engine: a client must not hold
/// up the schedule, neither with messages nor with fragments that never make one.
const STEP_BYTES: usize = 4 * 1024;
/// The most that may wait for a client that asks for other symbols: some 600 000 ticks,
/// which take the engine tens of ms to search.
const MOST_SEARCHED_BYTES: u64 = 16 << 20;
/// The most of it that may wait as copies when it asks again within [`AGAIN_NS`].
const MOST_COPIED_BYTES: u64 = 1 << 20;
const AGAIN_NS: u64 = 1_000_000_000;

impl Connection {
    /// Reads what the client has sent: pongs count, pings are answered, texts are requests;
    /// anything else closes the connection.
    pub fn read(&mut self, log: &Log) {
        self.protocol.get_mut().allow(STEP_BYTES);
        while self.end.is_none() && self.closing.is_none() {
            match self.protocol.read() {
                Ok(Message::Pong(payload)) => self.confirm(&payload),
                Ok(Message::Text(text)) => self.handle_text(&text, log),
                Ok(Message::Binary(_)) => self.reject(log, Violation::Binary),
                Ok(_) => {}
                Err(Error::Io(e)) if e.kind() == ErrorKind::WouldBlock => {
                    return self.input_is_exhausted(log);
                }
                Err(e) => self.handle_error(e, log),
            }
            self.queue_answers(log);
        }
        self.discard_input(log);
    }

    /// In a run, clients send no texts.
    fn handle_text(&mut self, text: &str, log: &Log) {
        if !self.may_subscribe {
            let refusal = subscription::from_message(text).err();
            let violation = refusal.map_or(Violation::AllSymbolsOnly, Violation::Subscription);
            return self.reject(log, violation);
        }
        match Request::read(text) {
            Request::Ping(answer) => self.send_text(answer),
            Request::Pong => {}
            Request::Subscribe(symbols, answer) => {
                self.requested_symbols = Some(symbols);
                answer.into_iter().for_each(|answer| self.send_text(answer));
            }
            Request::Refused(answer) => match self.refused.allows_another(text.len(), now_ns()) {
                true => self.send_text(answer),
                false => self.reject(log, Violation::RefusedRequests),
            },
        }
    }

    /// Queues a message, like a control frame between two ticks.
    fn send_text(&mut self, text: String) {
        // Nothing follows its own close frame.
        if !self.stream.is_closing() {
            let sent = self.protocol.send(Message::text(text));
            self.note_error(sent.err());
        }
    }

    /// Whether it may change symbols, for which what waits is searched and copied; else it
    /// is cut off. So neither the time of the other connections nor memory is unbounded.
    pub fn may_resubscribe(&mut self, log: &Log, now: u64) -> bool {
        let (copied, all) = (self.stream.copied_bytes(), self.stream.waiting_bytes(log));
        let again = now.saturating_sub(self.resubscribed_ns) < AGAIN_NS;
        if all > MOST_SEARCHED_BYTES {
            self.cut_off(log, CutOff::FarBehind);
        } else if again && copied > MOST_COPIED_BYTES {
            self.cut_off(log, CutOff::AsksTooOften);
        } else {
            self.resubscribed_ns = now;
        }
        self.closing.is_none()
    }

    /// Nothing more is there for now. A frame that is announced as too long is rejected
    /// before it comes.
    fn input_is_exhausted(&mut self, log: &Log) {
        self.queue_answers(log);
        if self.closing.is_none() && self.protocol.get_ref().is_long_control() {
            self.handle_error(Error::Protocol(ProtocolError::ControlFrameTooBig), log);
        }
    }

    /// Queues the answers of the WebSocket library, as long as the client reads them.
    fn queue_answers(&mut self, log: &Log) {
        self.queue_control_frames();
        if self.stream.control_bytes() > ANSWER_BYTES {
            self.reject(log, Violation::UnreadAnswers);
        }
    }

    fn confirm(&mut self, payload: &[u8]) {
        // An unsolicited pong (RFC 6455, 5.5.3) may carry anything.
        if let Ok(bytes) = payload.try_into() {
            let ticks = u64::from_le_bytes(bytes);
            if (self.confirmed..=self.pinged).contains(&ticks) {
                self.confirmed = ticks;
            }
        }
    }

    fn handle_error(&mut self, error: Error, log: &Log) {
        let closing = self.stream.is_closing();
        match (Violation::of(&error, self.protocol.get_ref().is_long_control()), error) {
            (Some(violation), _) if closing => self.end_with(End::Violation(violation)),
            (Some(violation), _) => self.reject(log, violation),
            (None, Error::Io(e)) => self.end_with(End::ReadFailed(Arc::new(e))),
            (None, Error::Protocol(_)) => self.end_with(End::NoCloseFrame),
            (None, _) if closing => {
                self.protocol.get_mut().send_close_notify();
                self.end_with(End::Closed);
            }
            (None, _) => {
                // Its close frame is answered after a frame that was sent in part.
                self.stream.cut_off(log);
                let answer = self.protocol.get_mut().take_control_frames();
                self.stream.push_control(&answer, true);
                self.closing = Some(Closing::new(End::ClosedByClient));
            }
        }
    }

    /// Discards what still comes in, while the connection is closing. Closing a socket with
    /// unread bytes would reset the connection, and the close frame could be lost.
    fn discard_input(&mut self, log: &Log) {
        let Some(closing) = &mut self.closing else { return };
        match (&*self.socket).read(&mut [0; STEP_BYTES]) {
            Ok(1..) => {}
            Err(e) if e.kind() == ErrorKind::WouldBlock => {}
            Ok(_) | Err(_) => closing.client_has_left = true,
        }
        self.finish_closing(log);
    }
}
