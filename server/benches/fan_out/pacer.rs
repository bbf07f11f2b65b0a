//! The pace of the servers that are part of this program: the schedule, payload and market
//! of the suite, without its server.

use tick::clock::now_ns;
use tick::{Format, Market, Schedule, Tick, Timetable};

/// Gives the ticks that are due.
pub struct Pacer {
    timetable: Timetable,
    market: Market,
    start_ns: u64,
    next: u64,
}

impl Pacer {
    /// A pacer whose tick 0 is due now.
    ///
    /// # Errors
    /// When the rate cannot be carried out.
    pub fn new(rate_per_s: u64) -> anyhow::Result<Self> {
        let timetable = Timetable::new(Schedule::Rate { rate_per_s }, None)?;
        Ok(Self { timetable, market: Market::new(1), start_ns: now_ns(), next: 0 })
    }

    /// The payload of the next tick in the format `binary`, if it is due.
    pub fn due(&mut self) -> Option<Vec<u8>> {
        if self.next_due_ns() > now_ns() {
            return None;
        }
        let (symbol, cents) = self.market.tick(self.next);
        let (price, ts) = (cents as f64 / 100.0, self.next_due_ns() as i64);
        let mut payload = Vec::with_capacity(28);
        Format::Binary.encode(&Tick { symbol, price, ts, seq: self.next }, &mut payload);
        self.next += 1;
        Some(payload)
    }

    /// When the next tick is due, on the monotonic clock in ns.
    #[must_use]
    pub fn next_due_ns(&self) -> u64 {
        self.start_ns + self.timetable.due_offset_ns(self.next).unwrap_or(u64::MAX / 2)
    }
}
