//! The figures of an engine at one instant.

use crate::connection::end::Reason;
use crate::engine::lateness::Lateness;

/// How a connection keeps up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// Nothing waits for it but what its next write will take.
    Current,
    /// Its socket is full, and something waits.
    Behind,
    /// Its socket is full, and has taken nothing for a second.
    Stalled,
}

impl Class {
    /// All of them, each at the place of its number.
    pub const ALL: [Self; 3] = [Self::Current, Self::Behind, Self::Stalled];

    /// The word that it is counted under.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Current => "current",
            Self::Behind => "behind",
            Self::Stalled => "stalled",
        }
    }
}

/// The connections of one class, and what waits for them in the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Backlog {
    /// How many there are.
    pub connections: u64,
    /// Ticks that are not wholly written; each counts once for each connection.
    pub ticks: u64,
    /// Bytes of the log that are not written; counted in the same way.
    pub bytes: u64,
}

/// The figures of one engine at one instant. At each,
/// `offered = written + dropped + abandoned + the backlog's ticks`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Reading {
    /// Ticks made.
    pub generated: u64,
    /// Ticks made, once for each connection that there was; so all that follow.
    pub offered: u64,
    /// Ticks that the kernel took.
    pub written: u64,
    /// Ticks that the clients' kernels acknowledged.
    pub acknowledged: u64,
    /// Ticks that a pong confirmed.
    pub confirmed: u64,
    /// Ticks that a policy for slow consumers passed over.
    pub dropped: u64,
    /// Ticks that still waited for a connection when it left, was cut off, or chose
    /// symbols that they do not have.
    pub abandoned: u64,
    /// Bytes that the kernel took, control frames included.
    pub written_bytes: u64,
    /// Bytes that the log holds.
    pub log_bytes: u64,
    /// Time that ticks waited while a socket took nothing, in ns.
    pub blocked_ns: u64,
    /// Time spun away, in ns.
    pub spun_ns: u64,
    /// Connections that have left, by [`Reason`].
    pub left: [u64; Reason::ALL.len()],
    /// Connections that stand, by [`Class`].
    pub classes: [Backlog; Class::ALL.len()],
    /// How late ticks were encoded; empty without due times.
    pub lateness: Lateness,
}

impl Reading {
    /// Every figure, always in the same order.
    pub(super) fn words(&mut self) -> impl Iterator<Item = &mut u64> {
        // Taken apart by name, so that none can be forgotten.
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

    /// Adds what another engine of the same server did.
    pub fn add(&mut self, mut other: Self) {
        // All engines send the same market: as much is made as the first has made.
        let generated = self.generated.max(other.generated);
        for (sum, word) in self.words().zip(other.words()) {
            *sum += *word;
        }
        self.generated = generated;
    }
}
