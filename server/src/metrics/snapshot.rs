//! The figures of an engine at one instant.

use crate::connection::end::EndReason;
use crate::engine::lateness::Lateness;
use std::fmt;

/// How a connection keeps up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Its next write takes all that waits for it.
    Current,
    /// Its socket is full, and something waits.
    Behind,
    /// Its socket is full, and has taken nothing for a second.
    Stalled,
}

impl Class {
    /// All of them, each at the index of its number.
    pub const ALL: [Self; 3] = [Self::Current, Self::Behind, Self::Stalled];
}

/// The label in metrics.
impl fmt::Display for Class {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Current => "current",
            Self::Behind => "behind",
            Self::Stalled => "stalled",
        })
    }
}

/// The connections of one class, and what waits for them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    /// How many connections there are.
    pub connections: u64,
    /// Ticks that are not completely written, once for each connection.
    pub ticks: u64,
    /// Bytes that are not written, once for each connection.
    pub bytes: u64,
}

/// The figures of one engine at one instant, at which
/// `offered = written + dropped + abandoned + the backlog's ticks`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Ticks made.
    pub generated: u64,
    /// Ticks made, once for each connection that was to get them, as in all that follow.
    pub offered: u64,
    /// Ticks that the kernel took.
    pub written: u64,
    /// Ticks that the clients' kernels acknowledged.
    pub acknowledged: u64,
    /// Ticks that a pong confirmed.
    pub confirmed: u64,
    /// Ticks that a policy for slow consumers dropped.
    pub dropped: u64,
    /// Ticks that still waited for a connection when it left, was cut off, or chose symbols
    /// that they do not have.
    pub abandoned: u64,
    /// Bytes that the kernel took, control frames included.
    pub written_bytes: u64,
    /// Bytes that the log holds.
    pub log_bytes: u64,
    /// Time in which ticks waited and a socket took nothing, in ns.
    pub blocked_ns: u64,
    /// Time spent spinning, in ns.
    pub spun_ns: u64,
    /// Connections that have left, by [`EndReason`].
    pub left: [u64; EndReason::ALL.len()],
    /// Open connections, by [`Class`].
    pub classes: [Backlog; Class::ALL.len()],
    /// How late ticks were encoded; empty without due times.
    pub lateness: Lateness,
}

impl Snapshot {
    /// Every figure, always in the same order.
    pub(super) fn figures(&mut self) -> impl Iterator<Item = &mut u64> {
        // Destructured, so that none can be forgotten.
        let Self {
            generated,
            offered,
            written,
            acknowledged,
            confirmed,
            dropped,
            abandoned,
            written_bytes,
            log_bytes,
            blocked_ns,
            spun_ns,
            left,
            classes,
            lateness: Lateness { counts, sum_ns },
        } = self;
        [generated, offered, written, acknowledged, confirmed, dropped, abandoned]
            .into_iter()
            .chain([written_bytes, log_bytes, blocked_ns, spun_ns])
            .chain(left)
            .chain(
                classes
                    .iter_mut()
                    .flat_map(|Backlog { connections, ticks, bytes }| [connections, ticks, bytes]),
            )
            .chain(counts)
            .chain([sum_ns])
    }

    /// Adds the figures of another engine of the same server.
    pub fn add(&mut self, mut other: Self) {
        // All engines send the same market: the server has made what one of them has made.
        let generated = self.generated.max(other.generated);
        for (sum, figure) in self.figures().zip(other.figures()) {
            *sum += *figure;
        }
        self.generated = generated;
    }
}
