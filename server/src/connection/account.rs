//! What became of a connection's ticks.

/// The counts of one connection: `offered = written + dropped + waiting + given_up`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Account {
    /// Made since it joined.
    pub offered: u64,
    /// Taken by its kernel socket, to the last byte.
    pub written: u64,
    /// Left out by its policy for slow consumers.
    pub dropped: u64,
    /// Not written yet; never written, if it has left.
    pub waiting: u64,
    /// Waited until it was cut off, or until it chose symbols that they do not have.
    pub given_up: u64,
}
