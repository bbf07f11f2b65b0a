//! The reading half of a client with a queue.

use crate::Session;
use crate::watch::Shared;
use contract::meter::{Meter, Slot};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use tick::Sample;
use tick::clock::now_ns;

/// When a message left the WebSocket library; travels with it through the
/// client's queue. Empty for a message whose tick is not sampled.
#[derive(Debug, Clone, Copy, Default)]
pub struct Stamp {
    pub(crate) received_ns: u64,
}

/// Counts and stamps what comes from the library, before it is decoded.
///
/// Which messages to stamp it tells by their count, as in a whole stream the
/// count is the seq. After a gap the worker tells it how far the two are apart.
/// A sampled tick that was in the queue at that moment has no stamp, and gets
/// the later instant at which it left the queue; so do those right behind it, as far
/// as they would else have been received before it. So where ticks are dropped,
/// *received* errs late, and *processed* never does.
#[derive(Debug)]
pub struct Intake {
    received: u64,
    /// The count at which to stamp next.
    next_stamp: u64,
    sample: Sample,
    /// Seq minus count, and what of it `next_stamp` allows for.
    shift: Arc<AtomicU64>,
    known_shift: u64,
    meter: Arc<Meter>,
    /// The meter's counter of this connection.
    slot: Slot,
    shared: Arc<Shared>,
}

impl Intake {
    pub(crate) fn new(session: &Session, shift: Arc<AtomicU64>) -> Self {
        Self {
            received: 0,
            next_stamp: session.plan.sample.first,
            sample: session.plan.sample,
            shift,
            known_shift: 0,
            meter: Arc::clone(&session.meter),
            slot: Slot::RECEIVED.of(session.connection),
            shared: Arc::clone(&session.shared),
        }
    }

    /// Notes one data message, text or binary, that the library has handed over.
    #[inline]
    pub fn arrive(&mut self) -> Stamp {
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
        self.shared.is_stopped()
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
