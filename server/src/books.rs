//! The server's books of one run: each stage of a tick counted apart, kept in
//! the meter while running, and the stamps of the planned seqs.

use contract::SampleRow;
use contract::meter::{Meter, Slot};
use std::ops::Range;
use tick::Sample;

/// Running counts. The meter always shows them in an order that balances:
/// generated is stored before written, written before acknowledged.
#[derive(Debug)]
pub struct Books {
    meter: Meter,
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
    /// Time that ticks waited while a socket took nothing, in ns.
    pub blocked_ns: u64,
    /// Time spun away, in ns.
    pub spun_ns: u64,
}

impl Books {
    /// Empty books, shown in that meter.
    #[must_use]
    pub fn new(meter: Meter) -> Self {
        Self {
            meter,
            generated: 0,
            written: 0,
            acknowledged: 0,
            confirmed: 0,
            written_bytes: 0,
            blocked_ns: 0,
            spun_ns: 0,
        }
    }

    /// Shows what was made; before any of it is written.
    #[inline]
    pub fn show_generated(&self) {
        self.meter.set(Slot::GENERATED, self.generated);
    }

    /// Books ticks that a write call has taken, and shows them at once: one turn
    /// can make many such calls, and the client reads meanwhile.
    #[inline]
    pub fn wrote(&mut self, ticks: u64) {
        self.written += ticks;
        self.meter.set(Slot::WRITTEN, self.written);
    }

    /// Shows what became of it.
    #[inline]
    pub fn show_written(&self, log_bytes: u64) {
        self.meter.set(Slot::WRITTEN, self.written);
        self.meter.set(Slot::WRITTEN_BYTES, self.written_bytes);
        self.meter.set(Slot::ACKNOWLEDGED, self.acknowledged);
        self.meter.set(Slot::CONFIRMED, self.confirmed);
        self.meter.set(Slot::BLOCKED_NS, self.blocked_ns);
        self.meter.set(Slot::SPUN_NS, self.spun_ns);
        self.meter.set(Slot::LOG_BYTES, log_bytes);
    }
}

/// The stamps of the planned seqs.
#[derive(Debug)]
pub struct Stamps {
    sample: Sample,
    /// `(seq, encoded_ns)`, the same for all connections.
    made: Vec<(u64, u64)>,
    /// For each connection the instants at which they were written.
    written_ns: Vec<Vec<u64>>,
}

/// Rows for which memory is set aside; only touched memory counts.
const MOST_ROWS: u64 = 1 << 20;

impl Stamps {
    /// Stamps for a run of about `ticks` ticks, if that is known, to so many
    /// connections.
    #[must_use]
    pub fn new(sample: Sample, ticks: Option<u64>, connections: usize) -> Self {
        let rows = ticks.map_or(MOST_ROWS, |n| sample.count_below(n).min(MOST_ROWS)) as usize;
        let written_ns = (0..connections).map(|_| Vec::with_capacity(rows)).collect();
        Self { sample, made: Vec::with_capacity(rows), written_ns }
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

    /// All ticks below `ticks` were written to a connection, by a call that
    /// began then.
    #[inline]
    pub fn written(&mut self, connection: usize, ticks: u64, at_ns: u64) {
        let Some(written_ns) = self.written_ns.get_mut(connection) else { return };
        while self.made.get(written_ns.len()).is_some_and(|&(seq, _)| seq < ticks) {
            written_ns.push(at_ns);
        }
    }

    /// The rows of all ticks that were written to a connection.
    pub fn rows(&self, connection: usize) -> impl Iterator<Item = SampleRow> {
        let written = self.written_ns.get(connection).map_or(&[][..], Vec::as_slice);
        self.made
            .iter()
            .zip(written)
            .map(|(&(seq, made_ns), &written_ns)| [seq, made_ns, written_ns])
    }
}
