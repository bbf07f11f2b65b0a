//! What the server sends on a connection: ticks as far as the socket takes them, and
//! what its policy makes of those that wait.

use crate::connection::end::Reason;
use crate::connection::endpoint::Outlet;
use crate::connection::stream::outgoing::SLICES;
use crate::log::segments::Log;
use std::io::{ErrorKind, Result};
use std::net::Shutdown;
use std::ops::Range;
use tick::clock::now_ns;
use tungstenite::protocol::frame::coding::CloseCode;

impl Outlet {
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
    pub(super) fn shut(&mut self, log: &Log) {
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
}
