//! The record of a round, before anything is computed from it.

use crate::record::drops::Drops;
use crate::record::environment::Padding;
use crate::record::snapshot::Method;
use crate::record::watched::Watched;
use contract::{ClientEnd, ClientFinal, ClientHello, Connected, SampleRow, ServerFinal};

/// All that was observed and reported in a round.
#[derive(Debug, Clone)]
pub struct Record {
    /// The hello of the first client process.
    pub hello: ClientHello,
    /// The first connection, as the server reported it.
    pub connected: Connected,
    /// The congestion control of all connections.
    pub congestion: Congestion,
    /// By how much the environments of its processes were lengthened.
    pub padding: Padding,
    /// The versions in the server's hello.
    pub server_versions: Vec<String>,
    /// How the kernel queues were read.
    pub queues_by: Method,
    /// When tick 0 was due, in ns of the monotonic clock.
    pub start_ns: u64,
    /// What was observed from outside.
    pub watched: Watched,
    /// The connections, by their numbers.
    pub connections: Vec<Connection>,
    /// The final counts of each client process.
    pub clients: Vec<ClientFinal>,
    /// The server's final counts; a generated tick counts once for each connection, as it
    /// does in all later stages.
    pub server: ServerFinal,
    /// The seqs at which the server generated a new message; empty where it did so for
    /// every tick.
    pub fresh: Vec<u64>,
}

/// The congestion control of the connections of a round, as read while they were open.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Congestion {
    /// At the server's end, which sends the ticks; `None`: it could not be read.
    pub server: Option<String>,
    /// At the client's end, which sends acknowledgements and pongs; `None`: as above.
    pub client: Option<String>,
}

/// What is known of one connection.
#[derive(Debug, Clone, Default)]
pub struct Connection {
    /// `[seq, received_ns, processed_ns]`.
    pub client_rows: Vec<SampleRow>,
    /// `[seq, encoded_ns, written_ns]`.
    pub server_rows: Vec<SampleRow>,
    /// Ticks received, by the client's meter at the end.
    pub received: u64,
    /// Ticks processed, by the client's meter at the end.
    pub processed: u64,
    /// The ticks that the server's policy dropped.
    pub drops: Drops,
}

impl Record {
    /// The maximum error of the client's stamps, in ns.
    #[must_use]
    pub fn clock_error_ns(&self) -> u64 {
        self.hello.clock_error_ns.unwrap_or(0)
    }

    /// How old the client's counts in the meter were at most, in ns.
    #[must_use]
    pub fn counts_age_ns(&self) -> u64 {
        self.clients.iter().filter_map(|client| client.counts_age_ns).max().unwrap_or(0)
    }

    /// The last snapshot at which all connections were open and the server was still
    /// generating ticks, in ns from the start.
    #[must_use]
    pub fn observed_ns(&self) -> u64 {
        let mut snapshots = self.watched.snapshots.iter().rev();
        let generated = self.server.generated;
        let last = snapshots.find(|s| s.queues.is_some() && s.generated < generated);
        last.map_or(0, |s| s.at_ns.saturating_sub(self.start_ns))
    }

    /// The client's final counts, summed over its processes, with the end of the first
    /// process that did not end as `closed`.
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
            sum.counts_age_ns = sum.counts_age_ns.max(one.counts_age_ns);
            if sum.ended == ClientEnd::Closed {
                (sum.ended, sum.detail) = (one.ended, one.detail);
            }
        }
        sum
    }
}
