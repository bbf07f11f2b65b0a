//! Who came through the door, and who was turned away with which status.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;

/// The door's counts; clones count together. (The door is not on the ticks'
/// path: its counts may lock.)
#[derive(Debug, Clone, Default)]
pub struct Admissions {
    /// Connections after their handshake.
    pub accepted: Counter,
    /// The others, by the status of the answer.
    pub refused: Family<[(&'static str, String); 1], Counter>,
}

impl Admissions {
    /// A connection has come through its handshake.
    pub fn accept(&self) {
        self.accepted.inc();
    }

    /// A connection was turned away with that HTTP status, or without any answer.
    pub fn refuse(&self, status: Option<u16>) {
        let status = status.map_or_else(|| "none".to_owned(), |status| status.to_string());
        self.refused.get_or_create(&[("status", status)]).inc();
    }
}
