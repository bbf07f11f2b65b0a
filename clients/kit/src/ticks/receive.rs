//! The reading half of a client with a queue.

use crate::connection::Connection;
use crate::stop::StopSignal;
use contract::meter::{Meter, Slot};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tick::Sample;
use tick::clock::now_ns;

/// When a message came from the WebSocket library; travels with it through the client's
/// queue. Empty for a message whose tick is not sampled.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stamp {
    pub(super) received_ns: u64,
}

/// Counts and stamps the messages that come from the library, before they are decoded.
///
/// It decides by the count of messages which of them to stamp: without gaps, the count is
/// the seq. After a gap it gets the difference from the [`crate::Processor`]. A sampled tick
/// that was in the queue at that moment has no stamp: it gets the later instant at which it
/// left the queue, and ticks right behind it get no earlier one. So where ticks are
/// dropped, *received* errs late, and *processed* never does.
#[derive(Debug)]
pub struct ReceiveCounter {
    received: u64,
    /// The count at which to stamp next.
    next_stamp: u64,
    sample: Sample,
    /// Seq minus count, as the processor knows it.
    shift: Arc<AtomicU64>,
    /// The shift that `next_stamp` allows for.
    known_shift: u64,
    meter: Arc<Meter>,
    /// The meter's counter of this connection.
    slot: Slot,
    stop: Arc<StopSignal>,
}

impl ReceiveCounter {
    pub(crate) fn new(connection: &Connection, shift: Arc<AtomicU64>) -> Self {
        Self {
            received: 0,
            next_stamp: connection.plan.sample.first,
            sample: connection.plan.sample,
            shift,
            known_shift: 0,
            meter: Arc::clone(&connection.meter),
            slot: Slot::RECEIVED.of(connection.index),
            stop: Arc::clone(&connection.stop),
        }
    }

    /// Counts one data message, text or binary, that the library has handed over.
    #[inline]
    pub fn count_message(&mut self) -> Stamp {
        if self.shift.load(Ordering::Relaxed) != self.known_shift {
            self.follow_shift();
        }
        let mut stamp = Stamp::default();
        if self.received == self.next_stamp {
            stamp.received_ns = now_ns();
            self.next_stamp = self.next_stamp.wrapping_add(self.sample.stride);
        }
        self.received += 1;
        self.meter.set(self.slot, self.received);
        stamp
    }

    /// Whether to stop reading; to be asked after each message is in the queue.
    #[inline]
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.stop.is_set()
    }

    /// Messages so far.
    #[must_use]
    pub fn received(&self) -> u64 {
        self.received
    }

    #[cold]
    fn follow_shift(&mut self) {
        self.known_shift = self.shift.load(Ordering::Relaxed);
        let seq = self.received.wrapping_add(self.known_shift);
        self.next_stamp = self.sample.at_or_after(seq).wrapping_sub(self.known_shift);
    }
}
