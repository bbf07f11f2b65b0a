//! What is left of a stream: by its policy when it is behind, by other symbols, by a cut.

use super::outgoing::{Mode, Stream};
use crate::connection::stream::own_queue::Copied;
use crate::connection::stream::policy::Waiting;
use crate::log::segments::{Frame, Log};
use crate::log::symbols::Symbols;
use contract::Policy;

/// How far behind the next byte the log is kept for the places of unacknowledged bytes,
/// where some of it is passed over.
pub(super) const HELD_BEHIND_BYTES: u64 = 8 << 20;

impl Stream {
    /// Carries on with a policy that has set in: what was made since goes its way.
    pub fn absorb(&mut self, log: &Log, now: u64) {
        match &mut self.mode {
            Mode::Flowing => {}
            Mode::Skipping => {
                let oldest_ns = self.aside.copies().next().map(|tick| tick.made_ns);
                let age_ns = oldest_ns.map_or(0, |made_ns| now.saturating_sub(made_ns));
                if self.limits.is_caught_up(Waiting { bytes: self.own_bytes(), age_ns }) {
                    self.mode = Mode::Flowing;
                } else {
                    self.skip_to(log, log.end());
                }
            }
            Mode::Conflating(newest) => {
                self.dropped += newest.take(log.frames(self.cursor), |frame| copied(log, frame));
                self.jump(log, log.end(), log.ticks());
            }
        }
    }

    /// Applies the policy, when too much waits; true: the connection is to be closed.
    #[must_use]
    pub fn hold(&mut self, log: &Log, now: u64) -> bool {
        let acts = !matches!(self.limits.policy, Policy::Queue | Policy::Block);
        let flows = matches!(self.mode, Mode::Flowing) && !self.closing && !self.cut;
        if !acts || !flows || !self.limits.is_behind(self.waiting(log, now)) {
            return false;
        }
        match self.limits.policy {
            Policy::Disconnect => return true,
            Policy::DropOldest => self.drop_oldest(log, now),
            Policy::DropNewest => self.drop_newest(log),
            Policy::Conflate => {
                self.take_rest(log);
                self.mode = Mode::Conflating(Box::default());
                self.absorb(log, now);
            }
            Policy::Queue | Policy::Block => {}
        }
        false
    }

    /// The oldest go until it has caught up: copies that an earlier subscription left,
    /// and then of the log.
    fn drop_oldest(&mut self, log: &Log, now: u64) {
        self.take_rest(log);
        let copies = self.aside.ticks();
        let room = self
            .limits
            .bytes
            .map_or(u64::MAX, |most| (most / 2).saturating_sub(log.end() - self.cursor));
        let since_ns = self.limits.age_ns.map_or(0, |most| now.saturating_sub(most / 2));
        self.aside.keep_newest(room, since_ns);
        self.dropped += copies - self.aside.ticks();
        let by_bytes = self.limits.bytes.map_or(self.cursor, |most| {
            log.boundary(log.end().saturating_sub(most / 2).max(self.cursor))
        });
        let by_age = self.limits.age_ns.map_or(self.cursor, |most| {
            log.offset_of(log.first_made_since(now.saturating_sub(most / 2)).max(self.seq))
        });
        self.skip_to(log, by_bytes.max(by_age));
    }

    /// What fits under the limit is copied; the rest goes.
    fn drop_newest(&mut self, log: &Log) {
        self.take_rest(log);
        let most = self.limits.bytes.unwrap_or(u64::MAX);
        let mut frames = log.frames(self.cursor).peekable();
        while let Some(&frame) = frames.peek()
            && (self.aside.len() + frame.bytes.len()) as u64 <= most
        {
            self.aside.push_frame(frame.bytes, copied(log, frame));
            self.cursor += frame.bytes.len() as u64;
            self.seq = frame.seq + 1;
            frames.next();
        }
        drop(frames);
        self.skip_to(log, log.end());
        self.mode = Mode::Skipping;
    }

    /// From a frame boundary on to another, and what lies between is dropped.
    fn skip_to(&mut self, log: &Log, offset: u64) {
        let seq = log.whole_ticks(offset);
        self.dropped += seq - self.seq;
        self.jump(log, offset, seq);
    }

    /// Goes on from another place of the log. What is in flight and not acknowledged does
    /// not hold the log behind it: a client that acknowledges nothing would for ever.
    fn jump(&mut self, log: &Log, offset: u64, seq: u64) {
        (self.cursor, self.seq) = (offset, seq);
        if self.cursor - self.needs_from(log).min(self.cursor) > HELD_BEHIND_BYTES {
            self.flight.forget_places();
        }
    }

    /// Copies the rest of a frame that is out in part, so that the cursor is free.
    fn take_rest(&mut self, log: &Log) {
        let boundary = log.boundary(self.cursor);
        if boundary == self.cursor {
            return;
        }
        let mut slices = Vec::new();
        log.slices(self.cursor..boundary, 1, &mut slices);
        let rest = slices.first().map_or(&[][..], |slice| slice);
        // Its symbol is of no use: a frame that has begun is never given up.
        let frame = Frame { seq: self.seq, symbol: 0, bytes: rest };
        let tick = copied(log, frame);
        self.aside.push_rest(rest, tick);
        self.cursor = boundary;
        self.seq += 1;
    }

    /// Goes over from one log to another, of those symbols: of what waits, these remain.
    pub fn resubscribe(&mut self, from: &Log, to: &Log, symbols: Symbols) {
        let waited = self.waiting_ticks(from);
        self.take_rest(from);
        self.aside.retain(|tick| symbols.contains(tick.symbol));
        for frame in from.frames(self.cursor).filter(|frame| symbols.contains(frame.symbol)) {
            self.aside.push_frame(frame.bytes, copied(from, frame));
        }
        if let Mode::Conflating(newest) = &mut self.mode {
            newest.retain(symbols);
        }
        self.flight.forget_places();
        (self.cursor, self.seq) = (to.end(), to.ticks());
        self.given_up += waited - self.waiting_ticks(to);
    }

    /// Gives up what waits, but for a frame that is out in part: a close frame is to
    /// come, and cannot wait for it.
    pub fn cut(&mut self, log: &Log) {
        let waited = self.waiting_ticks(log);
        let own = self.gaps.as_ref().map(|_| self.own_seqs()).unwrap_or_default();
        self.aside.cut();
        self.take_rest(log);
        self.mode = Mode::Flowing;
        self.flight.forget_places();
        let kept = self.own_seqs();
        self.abandoned.extend(own.into_iter().filter(|seq| !kept.contains(seq)));
        self.given_up += waited - self.waiting_ticks(log);
        self.cut = true;
    }
}

/// What is to be known of a copy.
fn copied(log: &Log, frame: Frame<'_>) -> Copied {
    let made_ns = log.made_ns(frame.seq).unwrap_or(0);
    Copied { seq: frame.seq, made_ns, symbol: frame.symbol }
}
