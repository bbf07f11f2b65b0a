//! How a run ended, and its report.

use crate::counts::Counts;
use crate::rows::Rows;
use crate::watch::Cause;
use anyhow::{Result, bail};
use contract::{ClientEnd, ClientFinal, Samples};

/// How a client's reading ended, as the client saw it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// A close frame came, with this code (1005 when it had none, RFC 6455
    /// section 7.1.5).
    Close(u16),
    /// The kit broke off ([`std::ops::ControlFlow::Break`]).
    Asked,
    /// The connection ended in any other way: how.
    Broken(String),
}

/// What a client's run came to.
#[derive(Debug)]
pub struct Outcome(pub(crate) Kind);

#[derive(Debug)]
pub(crate) enum Kind {
    Unavailable(String),
    Ran(Box<Run>),
}

/// The books of one run.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) end: End,
    pub(crate) counts: Counts,
    /// Of each connection.
    pub(crate) rows: Vec<(usize, Rows)>,
}

impl Outcome {
    /// This machine lacks something that the client needs: what, and how to
    /// mend it. To be returned before [`crate::Session::ready`].
    #[must_use]
    pub fn unavailable(reason: impl Into<String>) -> Self {
        Self(Kind::Unavailable(reason.into()))
    }

    /// Of several connections together; whatever kept one of them from running
    /// counts for all. It ended as the first of them that was not simply closed.
    #[must_use]
    pub fn of_all(outcomes: impl IntoIterator<Item = Self>) -> Self {
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
    }

    /// The rows and the last line. `cause` is what ended the run from outside,
    /// if anything did.
    pub(crate) fn report(self, cause: Option<Cause>) -> Result<(Vec<Samples>, ClientFinal)> {
        let (ended, detail) = match (&self.end, cause) {
            (_, Some(Cause::Fault(why))) => bail!(why),
            (End::Close(1000), _) if self.counts.queued == 0 => (ClientEnd::Closed, None),
            (_, Some(Cause::Stopped)) => (ClientEnd::Stopped, None),
            (_, Some(Cause::Deadline)) => (ClientEnd::Deadline, None),
            (_, Some(Cause::MemoryCeiling)) => (ClientEnd::MemoryCeiling, None),
            (End::Close(1000), None) => bail!("it left {} ticks in its queue", self.counts.queued),
            (End::Close(code), None) => {
                (ClientEnd::Disconnected, Some(format!("close code {code}")))
            }
            (End::Broken(how), None) => (ClientEnd::Disconnected, Some(how.clone())),
            (End::Asked, None) => bail!("it ended before it was asked to"),
        };
        let mut samples = Vec::new();
        for (connection, rows) in self.rows {
            match rows.sorted() {
                Ok(rows) => samples.push(Samples { connection, rows }),
                Err(dropped) => bail!("no room for {dropped} samples: plan a larger sample.stride"),
            }
        }
        samples.sort_by_key(|samples| samples.connection);
        Ok((samples, self.counts.report(ended, detail)))
    }
}
