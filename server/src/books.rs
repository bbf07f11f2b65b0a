//! The server's books of one run: each stage of a tick counted apart, kept in
//! the meter while running, and the stamps of the planned seqs.

use contract::SampleRow;
use contract::meter::{Meter, Slot};
use std::ops::Range;
use std::sync::Arc;
use tick::Sample;

/// Running counts of one engine. The meter always shows them in an order that balances:
/// generated is stored before written, written before acknowledged. Several engines
/// share a meter: it has what the first of them has made, and the sums of the rest.
#[derive(Debug)]
pub struct Books {
    meter: Arc<Meter>,
    /// How many share it.
    engines: u64,
    shown: Shown,
    /// Ticks made.
    pub generated: u64,
    /// Ticks whose last byte the kernel took; this and what follows is summed
    /// over all connections.
    pub written: u64,
    /// Ticks that the peer's kernel acknowledged.
    pub acknowledged: u64,
    /// Ticks confirmed by a pong.
    pub confirmed: u64,
    /// Bytes that the kernel took, control frames included.
    pub written_bytes: u64,
    /// Ticks that a policy left out.
    pub dropped: u64,
    /// Time that ticks waited while a socket took nothing, in ns.
    pub blocked_ns: u64,
    /// Time spun away, in ns.
    pub spun_ns: u64,
}

/// What the meter has of these books.
#[derive(Debug, Default)]
struct Shown {
    written: u64,
    written_bytes: u64,
    acknowledged: u64,
    confirmed: u64,
    dropped: u64,
    blocked_ns: u64,
    spun_ns: u64,
    log_bytes: u64,
}

impl Books {
    /// Empty books, shown in a meter that so many share.
    #[must_use]
    pub fn new(meter: Arc<Meter>, engines: usize) -> Self {
        Self {
            meter,
            engines: engines as u64,
            shown: Shown::default(),
            generated: 0,
            written: 0,
            acknowledged: 0,
            confirmed: 0,
            written_bytes: 0,
            dropped: 0,
            blocked_ns: 0,
            spun_ns: 0,
        }
    }

    /// Shows what was made; before any of it is written.
    #[inline]
    pub fn show_generated(&self) {
        self.meter.raise(Slot::GENERATED, self.generated);
    }

    /// Books ticks that a write call has taken, and shows them at once: one turn
    /// can make many such calls, and the client reads meanwhile.
    #[inline]
    pub fn wrote(&mut self, ticks: u64) {
        self.written += ticks;
        show(&self.meter, Slot::WRITTEN, &mut self.shown.written, self.written);
    }

    /// Shows what became of it.
    #[inline]
    pub fn show_written(&mut self, log_bytes: u64) {
        let blocked_ns = self.blocked_ns / self.engines;
        let shown = &mut self.shown;
        for (slot, shown, count) in [
            (Slot::WRITTEN_BYTES, &mut shown.written_bytes, self.written_bytes),
            (Slot::ACKNOWLEDGED, &mut shown.acknowledged, self.acknowledged),
            (Slot::CONFIRMED, &mut shown.confirmed, self.confirmed),
            (Slot::DROPPED, &mut shown.dropped, self.dropped),
            (Slot::BLOCKED_NS, &mut shown.blocked_ns, blocked_ns),
            (Slot::SPUN_NS, &mut shown.spun_ns, self.spun_ns),
            (Slot::LOG_BYTES, &mut shown.log_bytes, log_bytes),
        ] {
            show(&self.meter, slot, shown, count);
        }
    }
}

/// Adds to the meter by how much a count has changed.
fn show(meter: &Meter, slot: Slot, shown: &mut u64, count: u64) {
    if *shown != count {
        meter.add(slot, count.wrapping_sub(*shown));
        *shown = count;
    }
}

/// The stamps of the planned seqs.
#[derive(Debug)]
pub struct Stamps {
    sample: Sample,
    /// `(seq, encoded_ns)`, the same for all connections.
    made: Vec<(u64, u64)>,
    /// For each connection `(index, written_ns)` of those that were written.
    written: Vec<Vec<(u32, u64)>>,
}

/// Rows for which memory is set aside; only touched memory counts.
const MOST_ROWS: u64 = 1 << 20;

impl Stamps {
    /// Stamps for a run of about `ticks` ticks, if that is known, to so many
    /// connections.
    #[must_use]
    pub fn new(sample: Sample, ticks: Option<u64>, connections: usize) -> Self {
        let rows = ticks.map_or(MOST_ROWS, |n| sample.count_below(n).min(MOST_ROWS)) as usize;
        let written = (0..connections).map(|_| Vec::with_capacity(rows)).collect();
        Self { sample, made: Vec::with_capacity(rows), written }
    }

    /// These ticks were made, at that instant.
    #[inline]
    pub fn generated(&mut self, seqs: Range<u64>, at_ns: u64) {
        let mut seq = self.sample.at_or_after(seqs.start);
        while seq < seqs.end {
            self.made.push((seq, at_ns));
            seq += self.sample.stride;
        }
    }

    /// These ticks were written to a connection, by a call that began then.
    #[inline]
    pub fn written(&mut self, connection: usize, seqs: Range<u64>, at_ns: u64) {
        let Some(written) = self.written.get_mut(connection) else { return };
        let mut index = self.sample.count_below(seqs.start);
        while self.sample.nth(index) < seqs.end {
            written.push((index as u32, at_ns));
            index += 1;
        }
    }

    /// The rows of all ticks that were written to a connection.
    pub fn rows(&self, connection: usize) -> impl Iterator<Item = SampleRow> {
        let written = self.written.get(connection).map_or(&[][..], Vec::as_slice);
        written.iter().filter_map(|&(index, written_ns)| {
            let (seq, made_ns) = *self.made.get(index as usize)?;
            Some([seq, made_ns, written_ns])
        })
    }
}
