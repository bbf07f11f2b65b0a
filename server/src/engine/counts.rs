//! The server's books of one run: each stage of a tick counted apart, kept in
//! the meter while running, and the stamps of the planned seqs.

use contract::meter::{Meter, Slot};
use std::sync::Arc;

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
