//! How many connections were accepted and refused.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;

/// The counts of a listener, shared by all clones. The listener is not on the path of a
/// tick, so that its counts may lock.
#[derive(Debug, Clone, Default)]
pub struct AcceptCounts {
    /// Connections that completed their handshake.
    pub accepted: Counter,
    /// The others, by the status of the answer.
    pub refused: Family<[(&'static str, String); 1], Counter>,
    /// Those of them that made room for newer ones within their handshake.
    pub displaced: Counter,
}

impl AcceptCounts {
    /// A connection has completed its handshake.
    pub fn accept(&self) {
        self.accepted.inc();
    }

    /// A connection was refused with an HTTP status or a close code, or without any answer.
    pub fn refuse(&self, code: Option<u16>) {
        let status = code.map_or_else(|| "none".to_owned(), |code| code.to_string());
        self.refused.get_or_create(&[("status", status)]).inc();
    }

    /// A handshake made room for a newer one.
    pub fn displace(&self) {
        self.displaced.inc();
    }
}
