//! A connection whose ticks are decoded, counted and stamped in a page.

use super::counts::Counts;
use super::report::{End, Outcome, Run};
use super::samples::SampleRows;
use crate::connection::Connection;
use contract::meter::Slot;
use contract::{ClientPlan, SampleRow};

/// A connection whose ticks a page processes. What the page counts is passed on to the meter,
/// and what it reports at its end is the outcome.
#[derive(Debug, Clone)]
pub struct PageConnection(Connection);

impl PageConnection {
    pub(crate) fn new(connection: Connection) -> Self {
        Self(connection)
    }

    /// The plan, checked.
    #[must_use]
    pub fn plan(&self) -> &ClientPlan {
        &self.0.plan
    }

    /// Stores the count of messages that were taken from the WebSocket library; to be called
    /// before [`PageConnection::set_processed`].
    #[inline]
    pub fn set_received(&self, count: u64) {
        self.0.meter.set(Slot::RECEIVED.of(self.0.index), count);
    }

    /// Stores the count of processed ticks.
    #[inline]
    pub fn set_processed(&self, count: u64) {
        self.0.meter.set(Slot::PROCESSED.of(self.0.index), count);
    }

    /// Whether reading and processing has to stop.
    #[inline]
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.0.stop.is_set()
    }

    /// The end of the connection, with the counts and the stamped ticks that the page reports.
    #[must_use]
    pub fn finish(self, end: End, counts: Counts, rows: Vec<SampleRow>) -> Outcome {
        self.set_received(counts.received);
        self.set_processed(counts.processed);
        let rows = vec![(self.0.index, SampleRows::collected(rows))];
        Outcome::ran(Run { end, counts, rows, counts_age_ns: None })
    }
}
