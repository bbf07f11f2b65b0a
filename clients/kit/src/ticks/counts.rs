//! What is counted of a run: each key of the contract's report but for how it ended.

use contract::{ClientEnd, ClientFinal};

/// The counts of one connection, or their sum over all.
#[derive(Debug, Clone, Copy, Default)]
pub struct Counts {
    /// Messages taken from the WebSocket library.
    pub received: u64,
    /// Ticks decoded, checked and worked on.
    pub processed: u64,
    /// Ticks left in the client's own queue.
    pub queued: u64,
    /// Seqs that never came.
    pub gaps: u64,
    /// Seqs that came again.
    pub duplicates: u64,
    /// Seqs that came after a higher one, other than duplicates.
    pub reorders: u64,
    /// Messages that are not ticks of the plan's format.
    pub undecodable: u64,
    /// The sum of the prices of the processed ticks, in cents.
    pub checksum: u64,
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
            counts_age_ns: None,
        }
    }
}
