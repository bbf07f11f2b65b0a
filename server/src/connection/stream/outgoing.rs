//! What one connection gets, byte after byte: the log from a cursor on, with frames of
//! its own in between. No sockets.

use crate::connection::stream::gaps::Gaps;
use crate::connection::stream::in_flight::Flight;
use crate::connection::stream::newest::Newest;
use crate::connection::stream::own_queue::{Aside, Gone, Kind};
use crate::connection::stream::policy::{Limits, Waiting};
use crate::log::segments::Log;
use std::io::IoSlice;
use std::ops::Range;

/// Slices of one vectored write: about a MiB of segments.
pub const SLICES: usize = 8;

/// How ticks come into the stream.
#[derive(Debug, Default)]
pub(super) enum Mode {
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
    pub(super) cursor: u64,
    pub(super) seq: u64,
    pub(super) aside: Aside,
    pub(super) flight: Flight,
    pub(super) limits: Limits,
    pub(super) mode: Mode,
    pub(super) dropped: u64,
    /// Ticks that waited, and do no more: a cut or another subscription took them away.
    pub(super) given_up: u64,
    pub(super) gaps: Option<Gaps>,
    /// The seqs of what a cut took away, where gaps are recorded: no policy dropped them.
    pub(super) abandoned: Vec<u64>,
    pub(super) closing: bool,
    /// Whether the log has nothing more for it.
    pub(super) cut: bool,
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

    /// The seqs of what waits as copies.
    pub(super) fn own_seqs(&self) -> Vec<u64> {
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
