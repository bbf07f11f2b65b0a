//! What one connection gets, byte after byte: the log from a cursor on, with frames of
//! its own in between, and what its policy leaves of that. No sockets.

use crate::aside::{Aside, Copied, Gone, Kind};
use crate::flight::Flight;
use crate::gaps::Gaps;
use crate::log::{Frame, Log};
use crate::newest::Newest;
use crate::policy::{Limits, Waiting};
use crate::subscription::Symbols;
use contract::Policy;
use std::io::IoSlice;
use std::ops::Range;

/// Slices of one vectored write: about a MiB of segments.
pub const SLICES: usize = 8;

/// How far behind the next byte the log is kept for the places of unacknowledged bytes,
/// where some of it is passed over.
const HELD_BEHIND_BYTES: u64 = 8 << 20;

/// How ticks come into the stream.
#[derive(Debug, Default)]
enum Mode {
    /// From the log, all of them.
    #[default]
    Flowing,
    /// What was made is copied; what is made now is dropped.
    Skipping,
    /// Only the newest of each symbol.
    Conflating(Box<Newest>),
}

/// The outgoing side of a connection.
#[derive(Debug)]
pub struct Stream {
    /// The log's bytes before this are gone, or copied, or dropped; and the ticks that
    /// end before it.
    cursor: u64,
    seq: u64,
    aside: Aside,
    flight: Flight,
    limits: Limits,
    mode: Mode,
    dropped: u64,
    /// Ticks that waited, and do no more: a cut or another subscription took them away.
    given_up: u64,
    gaps: Option<Gaps>,
    /// The seqs of what a cut took away, where gaps are recorded: no policy dropped them.
    abandoned: Vec<u64>,
    closing: bool,
    /// Whether the log has nothing more for it.
    cut: bool,
}

impl Stream {
    /// A stream that begins at the end of the log. With `records`, it remembers which
    /// ticks it dropped.
    #[must_use]
    pub fn new(log: &Log, limits: Limits, records: bool) -> Self {
        Self {
            cursor: log.end(),
            seq: log.ticks(),
            aside: Aside::default(),
            flight: Flight::default(),
            limits,
            mode: Mode::Flowing,
            dropped: 0,
            given_up: 0,
            gaps: (records && limits.policy.is_lossy()).then(Gaps::default),
            abandoned: Vec::new(),
            closing: false,
            cut: false,
        }
    }

    /// The log must be kept from here on.
    #[must_use]
    pub fn needs_from(&self, log: &Log) -> u64 {
        if self.cut {
            return log.end();
        }
        // Without fixed frames, the place of an acknowledged byte can only be
        // found in the log itself.
        match log.has_fixed_frames() {
            true => self.cursor,
            false => self.flight.needs_from().map_or(self.cursor, |from| from.min(self.cursor)),
        }
    }

    /// Bytes that the kernel has taken.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.flight.stream_bytes()
    }

    /// Ticks of which the kernel has taken every byte.
    #[must_use]
    pub fn ticks(&self) -> u64 {
        self.flight.ticks()
    }

    /// Ticks that the policy left out.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Ticks that waited until it was cut, or chose symbols that they do not have.
    #[must_use]
    pub fn given_up(&self) -> u64 {
        self.given_up
    }

    /// Ticks that wait.
    #[must_use]
    pub fn waiting_ticks(&self, log: &Log) -> u64 {
        self.aside.ticks() + self.conflated() as u64 + (log.ticks() - self.seq)
    }

    /// Bytes of ticks that wait, in the log and as copies.
    #[must_use]
    pub fn waiting_bytes(&self, log: &Log) -> u64 {
        self.own_bytes() + (log.end() - self.cursor)
    }

    /// Bytes of ticks that wait as copies.
    #[must_use]
    pub fn own_bytes(&self) -> u64 {
        let newest = match &self.mode {
            Mode::Conflating(newest) => newest.bytes(),
            Mode::Flowing | Mode::Skipping => 0,
        };
        (self.aside.len() - self.aside.control_bytes()) as u64 + newest
    }

    /// Ticks that wait as the newest of their symbol.
    fn conflated(&self) -> usize {
        match &self.mode {
            Mode::Conflating(newest) => newest.len(),
            Mode::Flowing | Mode::Skipping => 0,
        }
    }

    /// Bytes of control frames that wait.
    #[must_use]
    pub fn control_bytes(&self) -> usize {
        self.aside.control_bytes()
    }

    /// Ticks that the peer has acknowledged, when so many bytes are.
    pub fn acknowledge(&mut self, bytes: u64, log: &Log) -> u64 {
        self.flight.acknowledge(bytes, log)
    }

    /// Whether nothing is to be written.
    #[must_use]
    pub fn is_drained(&self, log: &Log) -> bool {
        // Nothing may follow a close frame (RFC 6455, 5.5.1).
        let more = self.cursor < log.end() || self.conflated() > 0;
        let flows = !self.closing && !self.cut && more;
        self.aside.is_empty() && !flows
    }

    /// Queues control frames. The last of them when `closes`.
    pub fn push_control(&mut self, frames: &[u8], closes: bool) {
        self.aside.push_control(frames);
        self.closing |= closes;
    }

    /// Queues a ping that carries the count of the ticks before it.
    pub fn push_ping(&mut self, frame: &[u8]) {
        self.aside.push_ping(frame);
    }

    /// Whether its close frame is queued or gone.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.closing
    }

    /// How many ticks come before a control frame that is queued now.
    #[must_use]
    pub fn ticks_before_control(&self, log: &Log) -> u64 {
        let begun = log.boundary(self.cursor) > self.cursor;
        self.ticks() + self.aside.ticks() + u64::from(begun)
    }

    /// Lays out the next bytes: the log up to a frame boundary, then the frames of its
    /// own, then the log. Gives the length of the first part.
    pub fn plan<'a>(&'a mut self, log: &'a Log, slices: &mut Vec<IoSlice<'a>>) -> u64 {
        self.refill();
        if self.cut {
            self.aside.slices(slices);
            return 0;
        }
        // While a policy works, the log's ticks come by way of it.
        let flows = !self.closing && matches!(self.mode, Mode::Flowing);
        if self.aside.is_empty() && flows {
            log.slices(self.cursor..log.end(), SLICES, slices);
            return log.end() - self.cursor;
        }
        // A frame once begun comes first: its rest may not wait.
        let gap = match self.aside.is_begun() {
            true => self.cursor,
            false => log.boundary(self.cursor),
        };
        log.slices(self.cursor..gap, SLICES, slices);
        self.aside.slices(slices);
        if flows {
            log.slices(gap..log.end(), SLICES, slices);
        }
        gap - self.cursor
    }

    /// When everything before is gone, what was conflated meanwhile comes next.
    fn refill(&mut self) {
        let Mode::Conflating(newest) = &mut self.mode else { return };
        if self.closing || !self.aside.is_empty() {
            return;
        }
        match newest.len() {
            0 => self.mode = Mode::Flowing,
            _ => newest.drain(|frame, tick| self.aside.push_frame(frame, tick)),
        }
    }

    /// Books `sent` bytes, of which the first `lead` were of the log. `written` is told
    /// which ticks are out.
    pub fn advance(
        &mut self,
        log: &Log,
        sent: u64,
        lead: u64,
        mut written: impl FnMut(Range<u64>),
    ) {
        let data = sent.min(lead);
        self.advance_log(log, data, &mut written);
        let own = (sent - data).min(self.aside.len() as u64);
        let (flight, gaps) = (&mut self.flight, &mut self.gaps);
        self.aside.advance(own as usize, |Gone { bytes, kind, begins, ends }| {
            match kind {
                Kind::Frame(_) if begins && ends => flight.push_copy(bytes as u64),
                Kind::Control | Kind::Ping => flight.push_control(bytes as u64),
                Kind::Frame(_) | Kind::Rest(_) => flight.push_other(bytes as u64, ends.into()),
            }
            if let (Kind::Frame(tick) | Kind::Rest(tick), true) = (kind, ends) {
                let seqs = tick.seq..tick.seq + 1;
                if let Some(gaps) = gaps {
                    gaps.written(seqs.clone());
                }
                written(seqs);
            }
        });
        self.advance_log(log, sent - data - own, &mut written);
    }

    fn advance_log(&mut self, log: &Log, bytes: u64, written: &mut impl FnMut(Range<u64>)) {
        if bytes == 0 {
            return;
        }
        self.cursor += bytes;
        let seqs = self.seq..log.whole_ticks(self.cursor);
        self.seq = seqs.end;
        self.flight.push_log(bytes, self.cursor, seqs.end, seqs.end - seqs.start);
        if !seqs.is_empty() {
            if let Some(gaps) = &mut self.gaps {
                gaps.written(seqs.clone());
            }
            written(seqs);
        }
    }

    /// What waits at `now`.
    #[must_use]
    pub fn waiting(&self, log: &Log, now: u64) -> Waiting {
        let bytes = self.waiting_bytes(log);
        let oldest_ns = match self.aside.copies().next() {
            Some(tick) => Some(tick.made_ns),
            None => log.made_ns(self.seq),
        };
        let age_ns = oldest_ns.map_or(0, |made_ns| now.saturating_sub(made_ns));
        Waiting { bytes, age_ns: if bytes == 0 { 0 } else { age_ns } }
    }

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

    /// The seqs of what waits as copies.
    fn own_seqs(&self) -> Vec<u64> {
        let newest = match &self.mode {
            Mode::Conflating(newest) => newest.seqs(),
            Mode::Flowing | Mode::Skipping => Vec::new(),
        };
        self.aside.copies().map(|tick| tick.seq).chain(newest).collect()
    }

    /// Which ticks were dropped in the end, `[first, count]`, where that is recorded.
    #[must_use]
    pub fn into_dropped(self, log: &Log) -> Vec<[u64; 2]> {
        let mut own = self.own_seqs();
        own.extend(self.abandoned);
        own.sort_unstable();
        let Some(gaps) = self.gaps else { return Vec::new() };
        let waiting =
            own.into_iter().map(|seq| seq..seq + 1).chain(std::iter::once(self.seq..log.ticks()));
        gaps.close(waiting.filter(|seqs| !seqs.is_empty()), log.ticks())
    }
}

/// What is to be known of a copy.
fn copied(log: &Log, frame: Frame<'_>) -> Copied {
    let made_ns = log.made_ns(frame.seq).unwrap_or(0);
    Copied { seq: frame.seq, made_ns, symbol: frame.symbol }
}

#[cfg(test)]
#[path = "stream_tests.rs"]
mod tests;
