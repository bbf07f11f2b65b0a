//! Ticks that this process receives and passes on to the page, where they are processed.

use crate::ticks::PageConnection;
use contract::ClientPlan;
use std::collections::HashMap;
use std::ops::ControlFlow;
use tick::clock::now_ns;
use tick::{Format, Sample};
use tungstenite::Message;

/// A decoded tick for the page.
#[derive(Debug, Clone, Copy, PartialEq, serde::Serialize)]
pub struct RelayedTick {
    /// Which instrument.
    pub symbol: u32,
    /// In currency units.
    pub price: f64,
    /// As on the wire.
    pub ts: i64,
    /// The place in the stream.
    pub seq: u64,
}

/// Decodes and counts the messages of one connection, and stamps those whose ticks are sampled.
/// Everything else that is to be done for a tick is done in the page.
#[derive(Debug)]
pub struct Relay {
    connection: PageConnection,
    format: Format,
    symbols: u32,
    sample: Sample,
    /// The seq that is expected next.
    next: u64,
    relayed: Relayed,
}

/// What was received of one connection.
#[derive(Debug, Default)]
pub struct Relayed {
    /// Messages.
    pub(super) received: u64,
    /// Of those, messages that are not ticks.
    pub(super) undecodable: u64,
    /// When sampled ticks were received, by seq.
    pub(super) received_ns: HashMap<u64, u64>,
}

impl Relay {
    /// For a connection that is ready.
    #[must_use]
    pub fn new(connection: PageConnection) -> Self {
        let ClientPlan { format, symbols, sample, .. } = *connection.plan();
        Self { connection, format, symbols, sample, next: 0, relayed: Relayed::default() }
    }

    /// The tick of a message, if it is one.
    #[inline]
    pub fn take(&mut self, message: &Message) -> Option<RelayedTick> {
        let payload = match message {
            Message::Binary(payload) => &payload[..],
            Message::Text(text) => text.as_bytes(),
            _ => return None,
        };
        let stamp_ns = if self.is_sampled(self.next) { now_ns() } else { 0 };
        self.relayed.received += 1;
        self.connection.set_received(self.relayed.received);
        let decoded = match message.is_text() == self.format.is_text() {
            true => self.format.decode(payload, self.next).ok(),
            false => None,
        };
        let Some(tick) = decoded.filter(|tick| tick.symbol < self.symbols) else {
            self.relayed.undecodable += 1;
            return None;
        };
        if self.is_sampled(tick.seq) {
            // One that was not expected is stamped after it was decoded.
            let stamp_ns = if tick.seq == self.next { stamp_ns } else { now_ns() };
            self.relayed.received_ns.entry(tick.seq).or_insert(stamp_ns);
        }
        self.next = self.next.max(tick.seq.saturating_add(1));
        let tick::Tick { symbol, price, ts, seq } = tick;
        Some(RelayedTick { symbol, price, ts, seq })
    }

    /// Whether to go on reading.
    #[inline]
    pub fn flow(&self) -> ControlFlow<()> {
        match self.connection.is_stopped() {
            false => ControlFlow::Continue(()),
            true => ControlFlow::Break(()),
        }
    }

    /// What was received.
    #[must_use]
    pub fn finish(self) -> Relayed {
        self.relayed
    }

    fn is_sampled(&self, seq: u64) -> bool {
        self.sample.at_or_after(seq) == seq
    }
}
