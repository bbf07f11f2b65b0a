//! What becomes of the ticks that wait for a slow consumer: by its policy, by other symbols
//! that it chooses, or when it is cut off.

use crate::connection::stream::outgoing::{Mode, Stream};
use crate::connection::stream::own_queue::CopiedTick;
use crate::connection::stream::policy::Waiting;
use crate::log::segments::{Frame, Log};
use crate::log::symbols::Symbols;
use contract::Policy;

/// How much of the log is kept before the cursor to look up acknowledged bytes, where ticks
/// are skipped.
pub(super) const KEPT_BYTES: u64 = 8 << 20;

impl Stream {
    /// Applies a policy that has begun to act to what was made since.
    pub fn continue_policy(&mut self, log: &Log, now: u64) {
        match &mut self.mode {
            Mode::Direct => {}
            Mode::Dropping => {
                let oldest_ns = self.own.copies().next().map(|tick| tick.made_ns);
                let age_ns = oldest_ns.map_or(0, |made_ns| now.saturating_sub(made_ns));
                if self.limits.is_caught_up(Waiting { bytes: self.copied_bytes(), age_ns }) {
                    self.mode = Mode::Direct;
                } else {
                    self.drop_up_to(log, log.end());
                }
            }
            Mode::Conflating(newest) => {
                self.dropped += newest.insert(log.frames(self.cursor), |frame| copied(log, frame));
                self.move_to(log, log.end(), log.ticks());
            }
        }
    }

    /// Begins to apply the policy when too much waits; true: the connection is to be closed.
    #[must_use]
    pub fn check_policy(&mut self, log: &Log, now: u64) -> bool {
        let acts = !matches!(self.limits.policy, Policy::Queue | Policy::Block);
        let flows = matches!(self.mode, Mode::Direct) && !self.closing && !self.is_cut_off;
        if !acts || !flows || !self.limits.is_behind(self.waiting(log, now)) {
            return false;
        }
        match self.limits.policy {
            Policy::Disconnect => return true,
            Policy::DropOldest => self.drop_oldest(log, now),
            Policy::DropNewest => self.drop_newest(log),
            Policy::Conflate => {
                self.copy_rest_of_frame(log);
                self.mode = Mode::Conflating(Box::default());
                self.continue_policy(log, now);
            }
            Policy::Queue | Policy::Block => {}
        }
        false
    }

    /// Drops the oldest ticks until it has caught up: first copies that an earlier
    /// subscription left, then ticks of the log.
    fn drop_oldest(&mut self, log: &Log, now: u64) {
        self.copy_rest_of_frame(log);
        let copies = self.own.ticks();
        let room = self
            .limits
            .bytes
            .map_or(u64::MAX, |most| (most / 2).saturating_sub(log.end() - self.cursor));
        let since_ns = self.limits.age_ns.map_or(0, |most| now.saturating_sub(most / 2));
        self.own.keep_newest(room, since_ns);
        self.dropped += copies - self.own.ticks();
        let by_bytes = self.limits.bytes.map_or(self.cursor, |most| {
            log.boundary(log.end().saturating_sub(most / 2).max(self.cursor))
        });
        let by_age = self.limits.age_ns.map_or(self.cursor, |most| {
            log.offset_of(log.first_made_since(now.saturating_sub(most / 2)).max(self.seq))
        });
        self.drop_up_to(log, by_bytes.max(by_age));
    }

    /// Copies what fits under the limit, and drops the rest.
    fn drop_newest(&mut self, log: &Log) {
        self.copy_rest_of_frame(log);
        let most = self.limits.bytes.unwrap_or(u64::MAX);
        let mut frames = log.frames(self.cursor).peekable();
        while let Some(&frame) = frames.peek()
            && (self.own.len() + frame.bytes.len()) as u64 <= most
        {
            self.own.push_frame(frame.bytes, copied(log, frame));
            self.cursor += frame.bytes.len() as u64;
            self.seq = frame.seq + 1;
            frames.next();
        }
        drop(frames);
        self.drop_up_to(log, log.end());
        self.mode = Mode::Dropping;
    }

    /// Drops the ticks between the cursor and another frame boundary.
    fn drop_up_to(&mut self, log: &Log, offset: u64) {
        let seq = log.whole_ticks(offset);
        self.dropped += seq - self.seq;
        self.move_to(log, offset, seq);
    }

    /// Continues from another offset of the log. Unacknowledged bytes do not hold the log
    /// before it for ever: a client may never acknowledge them.
    fn move_to(&mut self, log: &Log, offset: u64, seq: u64) {
        (self.cursor, self.seq) = (offset, seq);
        if self.cursor - self.needs_from(log).min(self.cursor) > KEPT_BYTES {
            self.in_flight.forget_log_offsets();
        }
    }

    /// Copies the rest of a frame that was sent in part, so that the cursor can move.
    fn copy_rest_of_frame(&mut self, log: &Log) {
        let boundary = log.boundary(self.cursor);
        if boundary == self.cursor {
            return;
        }
        let mut slices = Vec::new();
        log.slices(self.cursor..boundary, 1, &mut slices);
        let rest = slices.first().map_or(&[][..], |slice| slice);
        // Its symbol does not matter: a frame that was sent in part is never given up.
        let frame = Frame { seq: self.seq, symbol: 0, bytes: rest };
        let tick = copied(log, frame);
        self.own.push_rest(rest, tick);
        self.cursor = boundary;
        self.seq += 1;
    }

    /// Changes to the log of other symbols: of what waits, only these symbols remain.
    pub fn resubscribe(&mut self, from: &Log, to: &Log, symbols: Symbols) {
        let waited = self.waiting_ticks(from);
        self.copy_rest_of_frame(from);
        self.own.retain(|tick| symbols.contains(tick.symbol));
        for frame in from.frames(self.cursor).filter(|frame| symbols.contains(frame.symbol)) {
            self.own.push_frame(frame.bytes, copied(from, frame));
        }
        if let Mode::Conflating(newest) = &mut self.mode {
            newest.retain(symbols);
        }
        self.in_flight.forget_log_offsets();
        (self.cursor, self.seq) = (to.end(), to.ticks());
        self.given_up += waited - self.waiting_ticks(to);
    }

    /// Gives up what waits, except a frame that was sent in part, so that a close frame
    /// can follow at once.
    pub fn cut_off(&mut self, log: &Log) {
        let waited = self.waiting_ticks(log);
        let copied = self.gaps.as_ref().map(|_| self.copied_seqs()).unwrap_or_default();
        self.own.keep_partly_sent();
        self.copy_rest_of_frame(log);
        self.mode = Mode::Direct;
        self.in_flight.forget_log_offsets();
        let kept = self.copied_seqs();
        self.abandoned.extend(copied.into_iter().filter(|seq| !kept.contains(seq)));
        self.given_up += waited - self.waiting_ticks(log);
        self.is_cut_off = true;
    }
}

/// The tick of a frame that is copied.
fn copied(log: &Log, frame: Frame<'_>) -> CopiedTick {
    let made_ns = log.made_ns(frame.seq).unwrap_or(0);
    CopiedTick { seq: frame.seq, made_ns, symbol: frame.symbol }
}
