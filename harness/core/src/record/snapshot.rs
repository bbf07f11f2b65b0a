//! All counters of a round at one instant.

use schemars::JsonSchema;

use serde::{Deserialize, Serialize};

/// What the kernel holds of a connection at one instant, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Queues {
    /// Written by the server, not yet in the client's kernel.
    pub send_bytes: u64,
    /// In the client's kernel, not yet read by the client.
    pub receive_bytes: u64,
}

impl std::iter::Sum for Queues {
    fn sum<I: Iterator<Item = Self>>(all: I) -> Self {
        all.fold(Self::default(), |sum, one| Self {
            send_bytes: sum.send_bytes + one.send_bytes,
            receive_bytes: sum.receive_bytes + one.receive_bytes,
        })
    }
}

/// How the queues are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Method {
    /// `sock_diag` netlink, by the exact four-tuple.
    SockDiag,
    /// `/proc/net/tcp`, a walk over every socket of the machine.
    ProcNetTcp,
}

/// All that was read at one instant. Counts are ticks since the start, summed over all
/// connections: a generated tick counts once for each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The instant at which the reading began, ns of the monotonic clock.
    pub at_ns: u64,
    /// How long the reading took, in ns.
    pub took_ns: u64,
    /// Client: decoded, checked and worked on.
    pub processed: u64,
    /// Client: taken from the library.
    pub received: u64,
    /// The kernel's queues; `None` where they were not read, and once a connection is gone.
    pub queues: Option<Queues>,
    /// Server: acknowledged by the client's kernel.
    pub acknowledged: u64,
    /// Server: confirmed by a pong.
    pub confirmed: u64,
    /// Server: handed to the kernel.
    pub written: u64,
    /// Server: bytes handed to the kernel.
    pub written_bytes: u64,
    /// Server: generated.
    pub generated: u64,
    /// Server: dropped or conflated by its policy, and never written.
    pub dropped: u64,
    /// Server: time in which ticks waited while a socket took nothing, in ns.
    pub blocked_ns: u64,
    /// Server: time spent spinning before due times, in ns.
    pub spun_ns: u64,
    /// CPU time of the client, in ns.
    pub client_cpu_ns: u64,
    /// CPU time of the server, in ns.
    pub server_cpu_ns: u64,
    /// Resident memory of the client, in bytes: that of the last full snapshot.
    pub client_rss_bytes: u64,
    /// Resident memory of the server, in bytes: that of the last full snapshot.
    pub server_rss_bytes: u64,
}
