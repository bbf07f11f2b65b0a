//! The outgoing bytes of a connection: the log from a cursor on, with frames of its own in
//! between. No sockets.

use crate::connection::stream::gaps::Gaps;
use crate::connection::stream::in_flight::InFlight;
use crate::connection::stream::newest::NewestTicks;
use crate::connection::stream::own_queue::{Kind, OwnQueue, Sent};
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
    Direct,
    /// What waited is copied; what is made now is dropped.
    Dropping,
    /// Only the newest tick of each symbol.
    Conflating(Box<NewestTicks>),
}

/// The outgoing side of a connection.
#[derive(Debug)]
pub struct Stream {
    /// Bytes of the log before this were sent, copied or dropped.
    pub(super) cursor: u64,
    /// Ticks of the log that end at or before the cursor.
    pub(super) seq: u64,
    pub(super) own: OwnQueue,
    pub(super) in_flight: InFlight,
    pub(super) limits: Limits,
    pub(super) mode: Mode,
    pub(super) dropped: u64,
    /// Ticks that waited until it was cut off, or until it chose other symbols.
    pub(super) given_up: u64,
    pub(super) gaps: Option<Gaps>,
    /// The seqs of copies that were given up when it was cut off, where gaps are recorded:
    /// no policy dropped them.
    pub(super) abandoned: Vec<u64>,
    pub(super) closing: bool,
    /// Whether it gets nothing more from the log.
    pub(super) is_cut_off: bool,
}

impl Stream {
    /// A stream that begins at the end of the log. With `records_drops`, it keeps which
    /// ticks it dropped.
    #[must_use]
    pub fn new(log: &Log, limits: Limits, records_drops: bool) -> Self {
        Self {
            cursor: log.end(),
            seq: log.ticks(),
            own: OwnQueue::default(),
            in_flight: InFlight::default(),
            limits,
            mode: Mode::Direct,
            dropped: 0,
            given_up: 0,
            gaps: (records_drops && limits.policy.is_lossy()).then(Gaps::default),
            abandoned: Vec::new(),
            closing: false,
            is_cut_off: false,
        }
    }

    /// The offset from which the log has to be kept.
    #[must_use]
    pub fn needs_from(&self, log: &Log) -> u64 {
        if self.is_cut_off {
            return log.end();
        }
        // Without fixed frames, the tick of an acknowledged byte is found only in the log
        // itself.
        match log.has_fixed_frames() {
            true => self.cursor,
            false => self.in_flight.needs_from().map_or(self.cursor, |from| from.min(self.cursor)),
        }
    }

    /// Bytes that the kernel has taken.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.in_flight.stream_bytes()
    }

    /// Ticks of which the kernel has taken the last byte.
    #[must_use]
    pub fn ticks(&self) -> u64 {
        self.in_flight.ticks()
    }

    /// Ticks that the policy dropped.
    #[must_use]
    pub fn dropped(&self) -> u64 {
        self.dropped
    }

    /// Ticks that waited until it was cut off, or until it chose symbols that they do not
    /// have.
    #[must_use]
    pub fn given_up(&self) -> u64 {
        self.given_up
    }

    /// Ticks that wait.
    #[must_use]
    pub fn waiting_ticks(&self, log: &Log) -> u64 {
        self.own.ticks() + self.conflated() as u64 + (log.ticks() - self.seq)
    }

    /// Bytes of ticks that wait, in the log and as copies.
    #[must_use]
    pub fn waiting_bytes(&self, log: &Log) -> u64 {
        self.copied_bytes() + (log.end() - self.cursor)
    }

    /// Bytes of ticks that wait as copies.
    #[must_use]
    pub fn copied_bytes(&self) -> u64 {
        let newest = match &self.mode {
            Mode::Conflating(newest) => newest.bytes(),
            Mode::Direct | Mode::Dropping => 0,
        };
        (self.own.len() - self.own.control_bytes()) as u64 + newest
    }

    /// Ticks that wait as the newest of their symbol.
    fn conflated(&self) -> usize {
        match &self.mode {
            Mode::Conflating(newest) => newest.len(),
            Mode::Direct | Mode::Dropping => 0,
        }
    }

    /// Bytes of control frames that wait.
    #[must_use]
    pub fn control_bytes(&self) -> usize {
        self.own.control_bytes()
    }

    /// Ticks that the peer has acknowledged, when it has acknowledged `bytes`.
    pub fn acknowledge(&mut self, bytes: u64, log: &Log) -> u64 {
        self.in_flight.acknowledge(bytes, log)
    }

    /// Whether nothing waits to be written.
    #[must_use]
    pub fn is_drained(&self, log: &Log) -> bool {
        // Nothing may follow a close frame (RFC 6455, 5.5.1).
        let more = self.cursor < log.end() || self.conflated() > 0;
        let flows = !self.closing && !self.is_cut_off && more;
        self.own.is_empty() && !flows
    }

    /// Queues control frames; with `closes`, the last of the stream.
    pub fn push_control(&mut self, frames: &[u8], closes: bool) {
        self.own.push_control(frames);
        self.closing |= closes;
    }

    /// Queues a ping that carries the count of the ticks before it.
    pub fn push_ping(&mut self, frame: &[u8]) {
        self.own.push_ping(frame);
    }

    /// Whether its close frame is queued or sent.
    #[must_use]
    pub fn is_closing(&self) -> bool {
        self.closing
    }

    /// How many ticks are sent before a control frame that is queued now.
    #[must_use]
    pub fn ticks_before_control(&self, log: &Log) -> u64 {
        let is_within_frame = log.boundary(self.cursor) > self.cursor;
        self.ticks() + self.own.ticks() + u64::from(is_within_frame)
    }

    /// Adds the next bytes to `slices`: the log up to a frame boundary, then its own
    /// frames, then the log. Gives the length of the first part.
    pub fn next_slices<'a>(&'a mut self, log: &'a Log, slices: &mut Vec<IoSlice<'a>>) -> u64 {
        self.refill();
        if self.is_cut_off {
            self.own.slices(slices);
            return 0;
        }
        // While a policy acts, it passes the ticks of the log on.
        let flows = !self.closing && matches!(self.mode, Mode::Direct);
        if self.own.is_empty() && flows {
            log.slices(self.cursor..log.end(), SLICES, slices);
            return log.end() - self.cursor;
        }
        // A frame that was sent in part comes first.
        let boundary = match self.own.is_partly_sent() {
            true => self.cursor,
            false => log.boundary(self.cursor),
        };
        log.slices(self.cursor..boundary, SLICES, slices);
        self.own.slices(slices);
        if flows {
            log.slices(boundary..log.end(), SLICES, slices);
        }
        boundary - self.cursor
    }

    /// Queues the conflated ticks, once everything before them was sent.
    fn refill(&mut self) {
        let Mode::Conflating(newest) = &mut self.mode else { return };
        if self.closing || !self.own.is_empty() {
            return;
        }
        match newest.len() {
            0 => self.mode = Mode::Direct,
            _ => newest.drain(|frame, tick| self.own.push_frame(frame, tick)),
        }
    }

    /// `sent` bytes were sent, of which the first `lead` were of the log. `written` gets the
    /// seqs of the ticks that were sent to the last byte.
    pub fn advance(
        &mut self,
        log: &Log,
        sent: u64,
        lead: u64,
        mut written: impl FnMut(Range<u64>),
    ) {
        let data = sent.min(lead);
        self.advance_log(log, data, &mut written);
        let own = (sent - data).min(self.own.len() as u64);
        let (in_flight, gaps) = (&mut self.in_flight, &mut self.gaps);
        self.own.advance(own as usize, |Sent { bytes, kind, begins, ends }| {
            match kind {
                Kind::Frame(_) if begins && ends => in_flight.push_copy(bytes as u64),
                Kind::Control | Kind::Ping => in_flight.push_control(bytes as u64),
                Kind::Frame(_) | Kind::Rest(_) => in_flight.push_other(bytes as u64, ends.into()),
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
        self.in_flight.push_log(bytes, self.cursor, seqs.end, seqs.end - seqs.start);
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
        let oldest_ns = match self.own.copies().next() {
            Some(tick) => Some(tick.made_ns),
            None => log.made_ns(self.seq),
        };
        let age_ns = oldest_ns.map_or(0, |made_ns| now.saturating_sub(made_ns));
        Waiting { bytes, age_ns: if bytes == 0 { 0 } else { age_ns } }
    }

    /// The seqs of ticks that wait as copies.
    pub(super) fn copied_seqs(&self) -> Vec<u64> {
        let newest = match &self.mode {
            Mode::Conflating(newest) => newest.seqs(),
            Mode::Direct | Mode::Dropping => Vec::new(),
        };
        self.own.copies().map(|tick| tick.seq).chain(newest).collect()
    }

    /// Which ticks were dropped, as `[first, count]`, where that is recorded.
    #[must_use]
    pub fn into_dropped(self, log: &Log) -> Vec<[u64; 2]> {
        let mut copied = self.copied_seqs();
        copied.extend(self.abandoned);
        copied.sort_unstable();
        let Some(gaps) = self.gaps else { return Vec::new() };
        let in_log = std::iter::once(self.seq..log.ticks());
        let waiting = copied.into_iter().map(|seq| seq..seq + 1).chain(in_log);
        gaps.finish(waiting.filter(|seqs| !seqs.is_empty()), log.ticks())
    }
}
