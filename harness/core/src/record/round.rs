//! What a round leaves, before anything is computed from it.

use crate::record::drops::Drops;
use crate::record::snapshot::Method;
use crate::record::watched::Watched;
use contract::{ClientEnd, ClientFinal, ClientHello, Connected, SampleRow, ServerFinal};

/// All that a round gave.
#[derive(Debug, Clone)]
pub struct Record {
    /// What the client said of itself.
    pub hello: ClientHello,
    /// The first connection.
    pub connected: Connected,
    /// The server's versions.
    pub server_versions: Vec<String>,
    /// How the kernel queues were read.
    pub queues_by: Method,
    /// When tick 0 was due.
    pub start_ns: u64,
    /// What was seen from outside.
    pub watched: Watched,
    /// Each connection.
    pub connections: Vec<Connection>,
    /// The books of each of the client's processes.
    pub clients: Vec<ClientFinal>,
    /// The server's books; a tick that is made counts once for each connection,
    /// as it does in all later stages.
    pub server: ServerFinal,
    /// The seqs at which the server made a message anew; empty where it made every
    /// one anew.
    pub fresh: Vec<u64>,
}

/// What is known of one connection.
#[derive(Debug, Clone, Default)]
pub struct Connection {
    /// `[seq, received_ns, processed_ns]`.
    pub client_rows: Vec<SampleRow>,
    /// `[seq, encoded_ns, written_ns]`.
    pub server_rows: Vec<SampleRow>,
    /// What stood in the client's meter at the very end.
    pub received: u64,
    /// The same.
    pub processed: u64,
    /// What the server's policy kept from it.
    pub drops: Drops,
}

impl Record {
    /// How far the client's stamps may be off, in ns.
    #[must_use]
    pub fn clock_error_ns(&self) -> u64 {
        self.hello.clock_error_ns.unwrap_or(0)
    }

    /// The last snapshot at which every connection was still there and the server still
    /// generated ticks, in ns from the start.
    #[must_use]
    pub fn observed_ns(&self) -> u64 {
        let mut looks = self.watched.snapshots.iter().rev();
        let made = self.server.generated;
        let last = looks.find(|look| look.queues.is_some() && look.generated < made);
        last.map_or(0, |look| look.at_ns.saturating_sub(self.start_ns))
    }

    /// The client's books, summed up over its processes. It ended as the first
    /// of them did that was not simply closed.
    #[must_use]
    pub fn client(&self) -> ClientFinal {
        let mut all = self.clients.iter().cloned();
        let Some(mut sum) = all.next() else { unreachable!("a round has a client") };
        for one in all {
            for (total, part) in [
                (&mut sum.received, one.received),
                (&mut sum.processed, one.processed),
                (&mut sum.queued, one.queued),
                (&mut sum.gaps, one.gaps),
                (&mut sum.duplicates, one.duplicates),
                (&mut sum.reorders, one.reorders),
                (&mut sum.undecodable, one.undecodable),
                (&mut sum.checksum, one.checksum),
            ] {
                *total = total.wrapping_add(part);
            }
            if sum.ended == ClientEnd::Closed {
                (sum.ended, sum.detail) = (one.ended, one.detail);
            }
        }
        sum
    }
}
