//! What is counted of a run: each key of the contract's report but for how it ended.

use contract::{ClientEnd, ClientFinal};

/// The counts of one connection, or their sum over all.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Counts {
    pub(crate) received: u64,
    pub(crate) processed: u64,
    pub(crate) queued: u64,
    pub(crate) gaps: u64,
    pub(crate) duplicates: u64,
    pub(crate) reorders: u64,
    pub(crate) undecodable: u64,
    pub(crate) checksum: u64,
}

impl Counts {
    /// The sum of both.
    pub(crate) fn plus(self, other: Self) -> Self {
        Self {
            received: self.received + other.received,
            processed: self.processed + other.processed,
            queued: self.queued + other.queued,
            gaps: self.gaps + other.gaps,
            duplicates: self.duplicates + other.duplicates,
            reorders: self.reorders + other.reorders,
            undecodable: self.undecodable + other.undecodable,
            checksum: self.checksum.wrapping_add(other.checksum),
        }
    }

    /// The last line of a client.
    pub(crate) fn report(self, ended: ClientEnd, detail: Option<String>) -> ClientFinal {
        let Self { received, processed, queued, gaps, duplicates, reorders, undecodable, checksum } =
            self;
        ClientFinal {
            received,
            processed,
            queued,
            gaps,
            duplicates,
            reorders,
            undecodable,
            checksum,
            ended,
            detail,
        }
    }
}
