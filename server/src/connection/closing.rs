//! The end of a connection before its time.

use crate::connection::end::Reason;
use std::time::Duration;
use tick::clock::now_ns;

/// Time for a client to take its close frame and to leave.
const FAREWELL: Duration = Duration::from_secs(2);

/// The last stretch of a connection: its close frame is on the way, what comes
/// in is thrown away, and it is over when the client leaves, or in time.
#[derive(Debug)]
pub struct Ending {
    /// The word that it is counted under.
    pub reason: Reason,
    /// Why it ends, for people.
    pub why: String,
    /// When it is over at the latest, in ns of the monotonic clock.
    until_ns: u64,
    /// Nothing is sent any more.
    pub is_shut: bool,
    /// The client sends nothing any more.
    pub is_left: bool,
}

impl Ending {
    /// An ending that begins now.
    #[must_use]
    pub fn new(reason: Reason, why: impl Into<String>) -> Self {
        let until_ns = now_ns() + FAREWELL.as_nanos() as u64;
        Self { reason, why: why.into(), until_ns, is_shut: false, is_left: false }
    }

    /// Whether its time is over.
    #[must_use]
    pub fn is_over(&self) -> bool {
        now_ns() >= self.until_ns
    }
}
