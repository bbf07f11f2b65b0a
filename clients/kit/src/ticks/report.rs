//! How a connection or a run ended, and the report of it.

use super::counts::Counts;
use super::samples::SampleRows;
use crate::stop::{Cause, HarnessFault};
use contract::{ClientEnd, ClientFinal, Samples};

/// How the reading of a connection ended, as the client saw it. Its text is the `detail`
/// of the report.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum End {
    /// A close frame came, with this code (1005 when it had none, RFC 6455
    /// section 7.1.5).
    #[error("close code {0}")]
    Close(u16),
    /// The kit stopped it ([`std::ops::ControlFlow::Break`]).
    #[error("stopped")]
    Stopped,
    /// The stream ended without a close frame.
    #[error("the stream ended without a close frame")]
    StreamEnded,
    /// The connection failed: the message of the library or the kernel.
    #[error("{0}")]
    Failed(String),
}

/// Why a run that has ended cannot be reported.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ReportError {
    #[error(transparent)]
    Harness(#[from] HarnessFault),
    #[error("the server closed the connection, but the client left {0} ticks in its queue")]
    QueueNotDrained(u64),
    #[error("the client ended before it was asked to")]
    EndedTooEarly,
    #[error("no room for {0} samples: plan a larger sample.stride")]
    TooManySamples(u64),
}

/// How a client's run ended, with what it counted: of one connection, or of all.
#[derive(Debug)]
pub struct Outcome(pub(crate) Kind);

#[derive(Debug)]
pub(crate) enum Kind {
    Unavailable(String),
    Ran(Box<Run>),
}

/// A run that took place.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) end: End,
    pub(crate) counts: Counts,
    /// The samples of each connection, with its index.
    pub(crate) rows: Vec<(usize, SampleRows)>,
    /// The maximum age of the counts in the meter, where a page sends them.
    pub(crate) counts_age_ns: Option<u64>,
}

impl Outcome {
    /// This machine lacks something that the client needs; `reason` says what, and what to do
    /// about it. To be returned before [`crate::Session::ready`].
    #[must_use]
    pub fn unavailable(reason: impl Into<String>) -> Self {
        Self(Kind::Unavailable(reason.into()))
    }

    /// The outcome of several connections. If one is unavailable, all are. It ended as the
    /// first connection that was not closed with code 1000.
    #[must_use]
    pub fn combine(outcomes: impl IntoIterator<Item = Self>) -> Self {
        let mut outcomes = outcomes.into_iter();
        let Some(mut all) = outcomes.next() else {
            return Self::unavailable("a plan without connections");
        };
        for outcome in outcomes {
            match (&mut all.0, outcome.0) {
                (Kind::Unavailable(_), _) => {}
                (_, reason @ Kind::Unavailable(_)) => all.0 = reason,
                (Kind::Ran(sum), Kind::Ran(run)) => sum.add(*run),
            }
        }
        all
    }

    /// The same, whose counts in the meter were at most so old, in ns.
    #[cfg(feature = "page")]
    #[must_use]
    pub(crate) fn with_counts_age(mut self, age_ns: u64) -> Self {
        if let Kind::Ran(run) = &mut self.0 {
            run.counts_age_ns = Some(age_ns);
        }
        self
    }

    pub(crate) fn ran(run: Run) -> Self {
        Self(Kind::Ran(Box::new(run)))
    }
}

impl Run {
    fn add(&mut self, other: Self) {
        self.counts = self.counts.plus(other.counts);
        if self.end == End::Close(1000) {
            self.end = other.end;
        }
        self.rows.extend(other.rows);
        self.counts_age_ns = self.counts_age_ns.max(other.counts_age_ns);
    }

    /// The samples and the last line. `cause` is what ended the run from outside, if
    /// anything did.
    pub(crate) fn report(
        self,
        cause: Option<Cause>,
    ) -> Result<(Vec<Samples>, ClientFinal), ReportError> {
        let cause = cause.map(Cause::ended).transpose()?;
        let queued = self.counts.queued;
        let (ended, detail) = match (self.end, cause) {
            (End::Close(1000), _) if queued == 0 => (ClientEnd::Closed, None),
            (_, Some(cause)) => (cause, None),
            (End::Close(1000), None) => return Err(ReportError::QueueNotDrained(queued)),
            (End::Stopped, None) => return Err(ReportError::EndedTooEarly),
            (end, None) => (ClientEnd::Disconnected, Some(end.to_string())),
        };
        let mut samples = Vec::new();
        for (connection, rows) in self.rows {
            match rows.sorted() {
                Ok(rows) => samples.push(Samples { connection, rows }),
                Err(dropped) => return Err(ReportError::TooManySamples(dropped)),
            }
        }
        samples.sort_by_key(|samples| samples.connection);
        let report = self.counts.report(ended, detail);
        Ok((samples, ClientFinal { counts_age_ns: self.counts_age_ns, ..report }))
    }
}
