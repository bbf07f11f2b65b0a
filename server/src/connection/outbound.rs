//! What the server sends on a connection: ticks, as far as the socket takes them, and what
//! its policy makes of those that wait.

use crate::connection::end::{CutOff, End};
use crate::connection::endpoint::Connection;
use crate::connection::stream::outgoing::SLICES;
use crate::log::segments::Log;
use std::io::{ErrorKind, Result};
use std::net::Shutdown;
use std::ops::Range;
use std::sync::Arc;
use tick::clock::now_ns;

/// How long a connection may be written to in one step, in ns: a kernel that takes MiB at once
/// would hold up the schedule. It gets one call in any case.
const WRITING_NS: u64 = 500_000;

impl Connection {
    /// Applies a policy that has begun to act to what was made since.
    pub fn continue_policy(&mut self, log: &Log, now: u64) {
        self.stream.continue_policy(log, now);
    }

    /// Applies the policy to what waits, if that is too much.
    pub fn check_policy(&mut self, log: &Log, now: u64) {
        if self.stream.check_policy(log, now) {
            self.cut_off(log, CutOff::Policy(self.stream.waiting(log, now)));
        }
    }

    /// Writes what waits, as far as the socket takes it and the time of one step lasts. For each call, `written` gets the
    /// seqs that it wrote to the last byte, and when it began.
    pub fn write(&mut self, log: &Log, now: u64, mut written: impl FnMut(Range<u64>, u64)) {
        self.stream.continue_policy(log, now);
        if self.end.is_none() && !self.blocked && self.protocol.get_ref().has_unsent() {
            let flushed = self.protocol.get_mut().flush_unsent();
            self.note_written(flushed);
        }
        let mut has_written = false;
        while self.end.is_none() && !self.blocked && !self.stream.is_drained(log) {
            let mut slices = Vec::with_capacity(SLICES + 2);
            let lead = self.stream.next_slices(log, &mut slices);
            let began_ns = now_ns();
            if began_ns > now + WRITING_NS && has_written {
                break;
            }
            has_written = true;
            match self.protocol.get_mut().send(&slices) {
                Ok((sent, is_full)) => {
                    self.blocked = is_full;
                    self.stream.advance(log, sent as u64, lead, |seqs| written(seqs, began_ns));
                }
                failed => self.note_written(failed.map(drop)),
            }
        }
        self.finish_closing(log);
    }

    fn note_written(&mut self, result: Result<()>) {
        match result {
            Ok(()) => {}
            Err(e) if e.kind() == ErrorKind::WouldBlock => self.blocked = true,
            Err(e) if e.kind() == ErrorKind::Interrupted => {}
            Err(e) => self.end_with(End::WriteFailed(Arc::new(e))),
        }
    }

    /// Shuts the sending side down once the close frame is sent: the client sees the end
    /// and leaves (RFC 6455, 7.1.1). If it has left before, the connection ends.
    pub(super) fn finish_closing(&mut self, log: &Log) {
        let Some(closing) = &mut self.closing else { return };
        if !closing.is_shut_down && self.stream.is_drained(log) {
            closing.is_shut_down = self.protocol.get_mut().send_close_notify();
            match closing.is_shut_down {
                true => drop(self.socket.shutdown(Shutdown::Write)),
                false => self.blocked = true,
            }
        }
        if closing.client_has_left && (closing.is_shut_down || self.blocked) {
            let end = closing.end.clone();
            self.end_with(end);
        }
    }
}
