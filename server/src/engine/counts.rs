//! The counts of an engine: each stage of a tick apart, shown in the meter while it runs.

use contract::meter::{Meter, Slot};
use contract::{MOST_PAUSES, PAUSE_NS};
use std::sync::Arc;

/// Running counts of one engine. The meter always shows them in an order that reconciles:
/// generated is stored before written, written before acknowledged. Several engines share a
/// meter: it shows what the first of them has made, and the sums of the other counts.
#[derive(Debug)]
pub struct Counts {
    meter: Arc<Meter>,
    /// How many engines share the meter.
    engines: u64,
    published: Published,
    /// Ticks made.
    pub generated: u64,
    /// Ticks whose last byte the kernel took; this and what follows is summed over all
    /// connections.
    pub written: u64,
    /// Ticks that the peer's kernel acknowledged.
    pub acknowledged: u64,
    /// Ticks confirmed by a pong.
    pub confirmed: u64,
    /// Bytes that the kernel took, control frames included.
    pub written_bytes: u64,
    /// Ticks that a policy dropped.
    pub dropped: u64,
    /// Time in which ticks waited and a socket took nothing, in ns.
    pub blocked_ns: u64,
    /// Time spent spinning, in ns.
    pub spun_ns: u64,
    /// Pauses of the loop that spins: `[begin, length]` in ns; the first [`MOST_PAUSES`].
    pub pauses: Vec<[u64; 2]>,
}

/// What the meter has of these counts.
#[derive(Debug, Default)]
struct Published {
    written: u64,
    written_bytes: u64,
    acknowledged: u64,
    confirmed: u64,
    dropped: u64,
    blocked_ns: u64,
    spun_ns: u64,
    log_bytes: u64,
}

impl Counts {
    /// Counts of 0, shown in a meter that so many engines share.
    #[must_use]
    pub fn new(meter: Arc<Meter>, engines: usize) -> Self {
        Self {
            meter,
            engines: engines as u64,
            published: Published::default(),
            generated: 0,
            written: 0,
            acknowledged: 0,
            confirmed: 0,
            written_bytes: 0,
            dropped: 0,
            blocked_ns: 0,
            spun_ns: 0,
            pauses: Vec::new(),
        }
    }

    /// Counts the time from one look at the clock to the next while spinning: a long one means
    /// that the CPU was taken meanwhile.
    #[inline]
    pub fn spin(&mut self, from_ns: u64, to_ns: u64) {
        self.spun_ns += to_ns - from_ns;
        if to_ns - from_ns >= PAUSE_NS && self.pauses.len() < MOST_PAUSES {
            self.pauses.push([from_ns, to_ns - from_ns]);
        }
    }

    /// Shows what was made; to be called before any of it is written.
    #[inline]
    pub fn publish_generated(&self) {
        self.meter.raise(Slot::GENERATED, self.generated);
    }

    /// Counts ticks that a write call has taken, and shows them at once: one step can make
    /// many such calls, and the client reads meanwhile.
    #[inline]
    pub fn add_written(&mut self, ticks: u64) {
        self.written += ticks;
        publish(&self.meter, Slot::WRITTEN, &mut self.published.written, self.written);
    }

    /// Shows all other counts.
    #[inline]
    pub fn publish(&mut self, log_bytes: u64) {
        let blocked_ns = self.blocked_ns / self.engines;
        let published = &mut self.published;
        for (slot, published, count) in [
            (Slot::WRITTEN_BYTES, &mut published.written_bytes, self.written_bytes),
            (Slot::ACKNOWLEDGED, &mut published.acknowledged, self.acknowledged),
            (Slot::CONFIRMED, &mut published.confirmed, self.confirmed),
            (Slot::DROPPED, &mut published.dropped, self.dropped),
            (Slot::BLOCKED_NS, &mut published.blocked_ns, blocked_ns),
            (Slot::SPUN_NS, &mut published.spun_ns, self.spun_ns),
            (Slot::LOG_BYTES, &mut published.log_bytes, log_bytes),
        ] {
            publish(&self.meter, slot, published, count);
        }
    }
}

/// Adds the change of a count to the meter.
fn publish(meter: &Meter, slot: Slot, published: &mut u64, count: u64) {
    if *published != count {
        meter.add(slot, count.wrapping_sub(*published));
        *published = count;
    }
}
