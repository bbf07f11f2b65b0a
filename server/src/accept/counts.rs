//! How many connections were accepted and refused.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use tungstenite::http::StatusCode;

/// The counts of a listener, shared by all clones. The listener is not on the path of a
/// tick, so that its counts may lock.
#[derive(Debug, Clone, Default)]
pub struct AcceptCounts {
    /// Connections that completed their handshake.
    pub accepted: Counter,
    /// The others, by the status of the answer.
    pub refused: Family<[(&'static str, String); 1], Counter>,
}

impl AcceptCounts {
    /// A connection has completed its handshake.
    pub fn accept(&self) {
        self.accepted.inc();
    }

    /// A connection was refused with an HTTP status, or without any answer.
    pub fn refuse(&self, status: Option<StatusCode>) {
        let status = status.map_or_else(|| "none".to_owned(), |status| status.as_str().to_owned());
        self.refused.get_or_create(&[("status", status)]).inc();
    }
}
