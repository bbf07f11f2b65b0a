//! The work on each tick: what is measured besides socket, runtime and queue.

use super::counts::Counts;
use super::receive::{ReceiveCounter, Stamp};
use super::report::{End, Outcome, Run};
use super::samples::SampleRows;
use super::sequence::{Arrival, Sequence};
use crate::connection::Connection;
use crate::stop::StopSignal;
use crate::system::spin_ns;
use contract::meter::{Meter, Slot};
use std::ops::ControlFlow;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tick::clock::now_ns;
use tick::{Format, Sample, Tick, cents};

/// No run has a tick with a higher seq.
const MAX_SEQ: u64 = 1 << 60;

/// Decodes, checks, counts and stamps ticks, and does the work per tick.
///
/// It costs a few ns per tick: the clock is read for sampled ticks only. One comparison
/// before decoding decides whether a tick is sampled, as without gaps its seq is known.
///
/// Every method that takes a message breaks when no more messages are to be taken.
#[derive(Debug)]
pub struct Processor {
    sequence: Sequence,
    next_sample: u64,
    /// All but those that `sequence` and the client's queue count.
    counts: Counts,
    last_prices: Box<[f64]>,
    format: Format,
    work_ns: u64,
    meter: Arc<Meter>,
    /// The meter's counters of this connection.
    received_slot: Slot,
    processed_slot: Slot,
    connection: usize,
    stop: Arc<StopSignal>,
    sample: Sample,
    /// Seq minus count of messages, for the [`ReceiveCounter`].
    shift: Arc<AtomicU64>,
    rows: SampleRows,
    /// When the newest sampled tick was received.
    newest_received_ns: u64,
}

impl Processor {
    pub(crate) fn new(connection: &Connection, shift: Arc<AtomicU64>) -> Self {
        let plan = &connection.plan;
        Self {
            sequence: Sequence::default(),
            next_sample: plan.sample.first,
            counts: Counts::default(),
            last_prices: vec![0.0; plan.symbols as usize].into(),
            format: plan.format,
            work_ns: plan.work_ns,
            meter: Arc::clone(&connection.meter),
            received_slot: Slot::RECEIVED.of(connection.index),
            processed_slot: Slot::PROCESSED.of(connection.index),
            connection: connection.index,
            stop: Arc::clone(&connection.stop),
            sample: plan.sample,
            shift,
            rows: SampleRows::for_run(plan.sample, plan.schedule, plan.duration_ns),
            newest_received_ns: 0,
        }
    }

    /// Processes a binary message straight from the library.
    #[inline]
    pub fn process_binary(&mut self, payload: &[u8]) -> ControlFlow<()> {
        let stamp = self.count_message();
        self.process_queued_binary(payload, stamp)
    }

    /// Processes a text message straight from the library.
    #[inline]
    pub fn process_text(&mut self, text: &str) -> ControlFlow<()> {
        let stamp = self.count_message();
        self.process_queued_text(text, stamp)
    }

    /// Processes a binary message from the client's own queue, with the stamp that the
    /// [`ReceiveCounter`] gave it.
    #[inline]
    pub fn process_queued_binary(&mut self, payload: &[u8], stamp: Stamp) -> ControlFlow<()> {
        match self.format {
            // A copy of the code for each format: a quarter of the cost of asking for the
            // format at each step.
            Format::Binary => self.process(Format::Binary, payload, stamp),
            Format::ClassicBinary => self.process(Format::ClassicBinary, payload, stamp),
            Format::Json | Format::ClassicJson => self.refuse(),
        }
    }

    /// Processes a text message from the client's own queue.
    #[inline(never)]
    pub fn process_queued_text(&mut self, text: &str, stamp: Stamp) -> ControlFlow<()> {
        match self.format.is_text() {
            true => self.process(self.format, text.as_bytes(), stamp),
            false => self.refuse(),
        }
    }

    /// The end of a connection without a queue.
    #[must_use]
    pub fn finish(self, end: End) -> Outcome {
        let received = self.counts.received;
        self.outcome(end, received, 0)
    }

    /// The end of a connection with a queue, in which `queued` ticks are left, counted
    /// there.
    #[must_use]
    pub fn finish_queued(self, end: End, counter: &ReceiveCounter, queued: usize) -> Outcome {
        self.outcome(end, counter.received(), queued as u64)
    }

    #[inline]
    fn count_message(&mut self) -> Stamp {
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
            match self.record_unexpected(tick.seq) {
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
            // No earlier than the tick before it, which behind a gap may have been stamped
            // only when it left the queue.
            received_ns => received_ns.max(self.newest_received_ns),
        };
        self.newest_received_ns = received_ns;
        self.work(tick);
        self.rows.push([tick.seq, received_ns, now_ns()]);
        self.next_sample = self.sample.at_or_after(self.sequence.next);
    }

    /// Records a seq that was not expected. Returns whether its tick is to be stamped;
    /// `None` when no run has such a seq.
    #[cold]
    fn record_unexpected(&mut self, seq: u64) -> Option<bool> {
        if seq > MAX_SEQ {
            return None;
        }
        let before = self.sequence.next;
        let arrival = self.sequence.record_unexpected(seq);
        match arrival {
            Arrival::AfterGap => self.shift_by(seq - before),
            Arrival::Late | Arrival::Duplicate => self.shift_by(u64::MAX),
        }
        // A sampled seq after a gap is stamped by `work_sampled`, which also moves on to
        // the next one.
        self.next_sample = self.sample.at_or_after(self.sequence.next);
        Some(arrival != Arrival::Duplicate && self.sample.at_or_after(seq) == seq)
    }

    #[cold]
    fn refuse(&mut self) -> ControlFlow<()> {
        self.counts.undecodable += 1;
        self.shift_by(u64::MAX);
        self.flow()
    }

    /// The difference of seqs and the count of messages has grown; `u64::MAX` is minus one.
    fn shift_by(&self, seqs: u64) {
        self.shift.fetch_add(seqs, Ordering::Relaxed);
    }

    #[inline]
    fn flow(&self) -> ControlFlow<()> {
        match self.stop.is_set() {
            false => ControlFlow::Continue(()),
            true => ControlFlow::Break(()),
        }
    }

    fn outcome(self, end: End, received: u64, queued: u64) -> Outcome {
        let Sequence { gaps, duplicates, reorders, .. } = self.sequence;
        let counts = Counts { received, queued, gaps, duplicates, reorders, ..self.counts };
        let rows = vec![(self.connection, self.rows)];
        Outcome::ran(Run { end, counts, rows, counts_age_ns: None })
    }
}
