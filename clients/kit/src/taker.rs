//! The work on each tick: what is measured besides socket, runtime and queue.

use crate::counts::Counts;
use crate::outcome::{End, Outcome, Run};
use crate::rows::Rows;
use crate::sequence::{Place, Sequence};
use crate::watch::Shared;
use crate::{Intake, Session, Stamp, spin_ns};
use contract::meter::{Meter, Slot};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tick::clock::now_ns;
use tick::{Format, Sample, Tick, cents};

/// A seq beyond this is no tick of any run.
const MAX_SEQ: u64 = 1 << 60;

/// Decodes, checks, works on, counts and stamps ticks.
///
/// Of a run it costs a few ns per tick: the clock is read for sampled ticks
/// only. Whether a tick is sampled is told before it is decoded by one
/// comparison, as in a whole stream the next seq is known.
///
/// Every method that takes a message breaks when it was the last one to take.
#[derive(Debug)]
pub struct Taker {
    sequence: Sequence,
    next_sample: u64,
    /// Those that are counted here: the rest are `sequence`'s, and the queue's.
    counts: Counts,
    last_prices: Box<[f64]>,
    format: Format,
    work_ns: u64,
    meter: Arc<Meter>,
    /// The meter's counters of this connection.
    received_slot: Slot,
    processed_slot: Slot,
    connection: usize,
    shared: Arc<Shared>,
    sample: Sample,
    /// Seq minus count of messages, for the [`Intake`].
    shift: Arc<AtomicU64>,
    rows: Rows,
    /// When the newest sampled tick was received.
    newest_received_ns: u64,
}

impl Taker {
    pub(crate) fn new(session: &Session, shift: Arc<AtomicU64>) -> Self {
        let plan = &session.plan;
        Self {
            sequence: Sequence::default(),
            next_sample: plan.sample.first,
            counts: Counts::default(),
            last_prices: vec![0.0; plan.symbols as usize].into(),
            format: plan.format,
            work_ns: plan.work_ns,
            meter: Arc::clone(&session.meter),
            received_slot: Slot::RECEIVED.of(session.connection),
            processed_slot: Slot::PROCESSED.of(session.connection),
            connection: session.connection,
            shared: Arc::clone(&session.shared),
            sample: plan.sample,
            shift,
            rows: Rows::for_run(plan.sample, plan.schedule, plan.duration_ns),
            newest_received_ns: 0,
        }
    }

    /// Takes a binary message straight from the library.
    #[inline]
    pub fn take_binary(&mut self, payload: &[u8]) -> ControlFlow<()> {
        let stamp = self.arrive();
        self.take_queued_binary(payload, stamp)
    }

    /// Takes a text message straight from the library.
    #[inline]
    pub fn take_text(&mut self, text: &str) -> ControlFlow<()> {
        let stamp = self.arrive();
        self.take_queued_text(text, stamp)
    }

    /// Takes a binary message from the client's own queue, with the stamp that
    /// the [`Intake`] gave it.
    #[inline]
    pub fn take_queued_binary(&mut self, payload: &[u8], stamp: Stamp) -> ControlFlow<()> {
        match self.format {
            // All that follows for one format alone: a quarter of what it
            // costs when each step asks for the format.
            Format::Binary => self.process(Format::Binary, payload, stamp),
            Format::ClassicBinary => self.process(Format::ClassicBinary, payload, stamp),
            Format::Json | Format::ClassicJson => self.refuse(),
        }
    }

    /// Takes a text message from the client's own queue.
    #[inline(never)]
    pub fn take_queued_text(&mut self, text: &str, stamp: Stamp) -> ControlFlow<()> {
        match self.format.is_text() {
            true => self.process(self.format, text.as_bytes(), stamp),
            false => self.refuse(),
        }
    }

    /// The end of a client without a queue.
    #[must_use]
    pub fn finish(self, end: End) -> Outcome {
        let received = self.counts.received;
        self.run(end, received, 0)
    }

    /// The end of a client with a queue, in which `queued` ticks are left,
    /// counted there.
    #[must_use]
    pub fn finish_queued(self, end: End, intake: &Intake, queued: usize) -> Outcome {
        self.run(end, intake.received(), queued as u64)
    }

    #[inline]
    fn arrive(&mut self) -> Stamp {
        let is_sampled = self.sequence.next == self.next_sample;
        let received_ns = if is_sampled { now_ns() } else { 0 };
        self.counts.received += 1;
        self.meter.set(self.received_slot, self.counts.received);
        Stamp { received_ns }
    }

    #[inline(always)]
    fn process(&mut self, format: Format, payload: &[u8], stamp: Stamp) -> ControlFlow<()> {
        let expected = self.sequence.next;
        let tick = match format.decode(payload, expected) {
            Ok(tick) if (tick.symbol as usize) < self.last_prices.len() => tick,
            _ => return self.refuse(),
        };
        let is_sampled = if tick.seq == expected {
            self.sequence.next = expected.wrapping_add(1);
            expected == self.next_sample
        } else {
            match self.irregular(tick.seq) {
                Some(is_sampled) => is_sampled,
                None => return self.refuse(),
            }
        };
        match is_sampled {
            false => self.work(&tick),
            true => self.work_sampled(&tick, stamp),
        }
        self.counts.processed += 1;
        self.meter.set(self.processed_slot, self.counts.processed);
        self.flow()
    }

    #[inline]
    fn work(&mut self, tick: &Tick) {
        self.counts.checksum = self.counts.checksum.wrapping_add(cents(tick.price));
        self.last_prices[tick.symbol as usize] = tick.price;
        if self.work_ns > 0 {
            spin_ns(self.work_ns);
        }
    }

    /// The same between two stamps.
    #[cold]
    fn work_sampled(&mut self, tick: &Tick, stamp: Stamp) {
        let received_ns = match stamp.received_ns {
            0 => now_ns(),
            // Not before the one that it followed: behind a gap that one may have been
            // stamped only when it left the queue.
            received_ns => received_ns.max(self.newest_received_ns),
        };
        self.newest_received_ns = received_ns;
        self.work(tick);
        self.rows.push([tick.seq, received_ns, now_ns()]);
        self.next_sample = self.sample.at_or_after(self.sequence.next);
    }

    /// A seq that was not expected: whether its tick is to be stamped; `None`
    /// when it is no seq at all.
    #[cold]
    fn irregular(&mut self, seq: u64) -> Option<bool> {
        if seq > MAX_SEQ {
            return None;
        }
        let before = self.sequence.next;
        let place = self.sequence.irregular(seq);
        match place {
            Place::Ahead => self.shift_by(seq - before),
            Place::Late | Place::Again => self.shift_by(u64::MAX),
        }
        // A sampled seq that lies ahead is stamped on its way through
        // `work_sampled`, which also moves on to the one after it.
        self.next_sample = self.sample.at_or_after(self.sequence.next);
        Some(place != Place::Again && self.sample.at_or_after(seq) == seq)
    }

    #[cold]
    fn refuse(&mut self) -> ControlFlow<()> {
        self.counts.undecodable += 1;
        self.shift_by(u64::MAX);
        self.flow()
    }

    /// Seqs and the count of messages have moved apart; `u64::MAX` is minus one.
    fn shift_by(&self, seqs: u64) {
        self.shift.fetch_add(seqs, Ordering::Relaxed);
    }

    #[inline]
    fn flow(&self) -> ControlFlow<()> {
        match self.shared.is_stopped() {
            false => ControlFlow::Continue(()),
            true => ControlFlow::Break(()),
        }
    }

    fn run(self, end: End, received: u64, queued: u64) -> Outcome {
        let Sequence { gaps, duplicates, reorders, .. } = self.sequence;
        let counts = Counts { received, queued, gaps, duplicates, reorders, ..self.counts };
        Outcome::ran(Run { end, counts, rows: vec![(self.connection, self.rows)] })
    }
}
