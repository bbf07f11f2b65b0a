//! What became of a connection's ticks.

/// What became of the ticks that were made while a connection stood:
/// `offered = written + dropped + waiting + given_up`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Account {
    /// Made since it joined.
    pub offered: u64,
    /// Taken whole by its kernel socket.
    pub written: u64,
    /// Passed over by a policy for slow consumers.
    pub dropped: u64,
    /// Not written yet, or never if it has left.
    pub waiting: u64,
    /// Waited until it was cut off, or chose symbols that they do not have.
    pub given_up: u64,
}
