//! The end of a connection before its time.

use crate::connection::end::End;
use std::time::Duration;
use tick::clock::now_ns;

/// How long a client has to read its close frame and to leave.
const LIMIT: Duration = Duration::from_secs(2);

/// The last phase of a connection: its close frame is on the way, input is discarded, and
/// it is over when the client leaves, or after 2 s.
#[derive(Debug)]
pub struct Closing {
    /// Why it ends.
    pub end: End,
    /// When it is over at the latest, in ns of the monotonic clock.
    until_ns: u64,
    /// The server sends nothing any more.
    pub is_shut_down: bool,
    /// The client sends nothing any more.
    pub client_has_left: bool,
}

impl Closing {
    /// A last phase that begins now.
    #[must_use]
    pub fn new(end: End) -> Self {
        let until_ns = now_ns() + LIMIT.as_nanos() as u64;
        Self { end, until_ns, is_shut_down: false, client_has_left: false }
    }

    /// Whether its time is over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        now_ns() >= self.until_ns
    }
}
