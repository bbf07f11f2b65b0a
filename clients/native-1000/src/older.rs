//! What the older benchmark's native client did with its messages: it parsed every 1000th,
//! computed its latency by the wall clock, and sent its page a report once a second.

use client_kit::{ClientPlan, Format, unix_ms};
use serde::Serialize;
use std::hint::black_box;
use tokio_tungstenite::tungstenite::Message;

/// It parsed every 1000th message.
const EVERY: u64 = 1000;
/// The time between two reports.
const REPORT_MS: i64 = 1000;

/// What it sent to its page.
#[derive(Debug, Serialize, PartialEq)]
pub(crate) struct Report {
    /// Received since the last report.
    messages_per_s: f64,
    /// Of the parsed messages; null where their stamps are not those of the wall clock.
    mean_latency_ms: Option<f64>,
    symbol: u32,
    price: f64,
}

/// The older client's own counts.
pub(crate) struct Older {
    format: Format,
    messages: u64,
    reported: u64,
    reported_ms: i64,
    latency_sum_ms: i64,
    parsed: u64,
}

impl Older {
    pub(crate) fn new(plan: &ClientPlan) -> Self {
        Self {
            format: plan.format,
            messages: 0,
            reported: 0,
            reported_ms: unix_ms(),
            latency_sum_ms: 0,
            parsed: 0,
        }
    }

    /// Counts a message, and parses every 1000th.
    #[inline]
    pub(crate) fn process(&mut self, message: &Message) {
        match message {
            Message::Binary(payload) => self.count(payload),
            Message::Text(text) => self.count(text.as_bytes()),
            _ => {}
        }
    }

    #[inline]
    fn count(&mut self, payload: &[u8]) {
        if self.messages.is_multiple_of(EVERY) {
            // A JSON text for the page, as in the older client; there is no page here.
            let report = self.parse(payload, unix_ms());
            black_box(report.and_then(|report| serde_json::to_string(&report).ok()));
        }
        self.messages += 1;
    }

    /// Parses a message; returns a report if it is time for one.
    #[cold]
    fn parse(&mut self, payload: &[u8], now_ms: i64) -> Option<Report> {
        let tick = self.format.decode(payload, self.messages).ok()?;
        self.parsed += 1;
        self.latency_sum_ms += now_ms - tick.ts;
        let since_ms = now_ms - self.reported_ms;
        if since_ms < REPORT_MS {
            return None;
        }
        let is_wall_clock = matches!(self.format, Format::ClassicBinary | Format::ClassicJson);
        let report = Report {
            messages_per_s: (self.messages - self.reported) as f64 * 1e3 / since_ms as f64,
            mean_latency_ms: is_wall_clock.then(|| self.latency_sum_ms as f64 / self.parsed as f64),
            symbol: tick.symbol,
            price: tick.price,
        };
        (self.reported, self.reported_ms) = (self.messages, now_ms);
        (self.latency_sum_ms, self.parsed) = (0, 0);
        Some(report)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn older(format: Format) -> Older {
        Older { format, messages: 0, reported: 0, reported_ms: 5_000, latency_sum_ms: 0, parsed: 0 }
    }

    #[test]
    fn a_report_is_made_once_a_second() {
        let mut older = older(Format::ClassicJson);
        let text = br#"{"symbol":7,"price":412.55,"ts":5100}"#;
        assert_eq!(older.parse(text, 5_110), None);
        older.messages = 30_000;
        assert_eq!(
            older.parse(text, 6_500),
            Some(Report {
                messages_per_s: 20_000.0,
                mean_latency_ms: Some(705.0),
                symbol: 7,
                price: 412.55
            })
        );
        assert_eq!(older.parse(text, 7_000), None, "the next second has not passed");
    }

    #[test]
    fn stamps_of_another_clock_give_no_latency() {
        let mut older = older(Format::Json);
        let report = older.parse(br#"{"symbol":7,"price":1,"ts":9,"seq":0}"#, 6_500).unwrap();
        assert_eq!(report.mean_latency_ms, None);
        assert_eq!(older.parse(b"no tick", 9_000), None);
    }

    #[test]
    fn only_every_1000th_message_is_parsed() {
        let mut older = older(Format::ClassicJson);
        (0..2001).for_each(|_| older.count(br#"{"symbol":7,"price":1,"ts":9}"#));
        // The first parse made a report, which reset the count: the clock is far past 5000 ms.
        assert_eq!((older.messages, older.parsed), (2001, 2));
    }
}
