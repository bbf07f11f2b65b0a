//! How a run ended, and its report.

use crate::rows::Rows;
use crate::watch::Cause;
use anyhow::{Result, bail};
use contract::{ClientEnd, ClientFinal, SampleRow};

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
    pub(crate) received: u64,
    pub(crate) processed: u64,
    pub(crate) queued: u64,
    pub(crate) gaps: u64,
    pub(crate) duplicates: u64,
    pub(crate) reorders: u64,
    pub(crate) undecodable: u64,
    pub(crate) checksum: u64,
    pub(crate) rows: Rows,
}

impl Outcome {
    /// This machine lacks something that the client needs: what, and how to
    /// mend it. To be returned before [`crate::Session::ready`].
    #[must_use]
    pub fn unavailable(reason: impl Into<String>) -> Self {
        Self(Kind::Unavailable(reason.into()))
    }

    pub(crate) fn ran(run: Run) -> Self {
        Self(Kind::Ran(Box::new(run)))
    }
}

impl Run {
    /// The rows and the last line. `cause` is what ended the run from outside,
    /// if anything did.
    pub(crate) fn report(self, cause: Option<Cause>) -> Result<(Vec<SampleRow>, ClientFinal)> {
        let (ended, detail) = match (&self.end, cause) {
            (_, Some(Cause::Fault(why))) => bail!(why),
            (End::Close(1000), _) if self.queued == 0 => (ClientEnd::Closed, None),
            (_, Some(Cause::Stopped)) => (ClientEnd::Stopped, None),
            (_, Some(Cause::Deadline)) => (ClientEnd::Deadline, None),
            (_, Some(Cause::MemoryCeiling)) => (ClientEnd::MemoryCeiling, None),
            (End::Close(1000), None) => bail!("it left {} ticks in its queue", self.queued),
            (End::Close(code), None) => {
                (ClientEnd::Disconnected, Some(format!("close code {code}")))
            }
            (End::Broken(how), None) => (ClientEnd::Disconnected, Some(how.clone())),
            (End::Asked, None) => bail!("it ended before it was asked to"),
        };
        let books = ClientFinal {
            received: self.received,
            processed: self.processed,
            queued: self.queued,
            gaps: self.gaps,
            duplicates: self.duplicates,
            reorders: self.reorders,
            undecodable: self.undecodable,
            checksum: self.checksum,
            ended,
            detail,
        };
        match self.rows.sorted() {
            Ok(rows) => Ok((rows, books)),
            Err(dropped) => bail!("no room for {dropped} samples: plan a larger sample.stride"),
        }
    }
}
