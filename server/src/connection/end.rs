//! Why a connection has left, as a word to count by.

/// What ended a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Reason {
    /// It answered the server's close frame.
    Closed,
    /// The client closed it with a close frame.
    ClosedByClient,
    /// The client's end of the stream came without a close frame (RFC 6455, 7.1.7).
    Vanished,
    /// The kernel gave it up: a reset, or no answer any more.
    Broken,
    /// The client broke the protocol.
    Protocol,
    /// It was cut off for being too far behind.
    CutOff,
    /// It did not answer the server's close frame in time.
    Unanswered,
}

impl Reason {
    /// All of them, each at the place of its number.
    pub const ALL: [Self; 7] = [
        Self::Closed,
        Self::ClosedByClient,
        Self::Vanished,
        Self::Broken,
        Self::Protocol,
        Self::CutOff,
        Self::Unanswered,
    ];

    /// The word that it is counted under.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::ClosedByClient => "closed_by_client",
            Self::Vanished => "no_close_frame",
            Self::Broken => "broken",
            Self::Protocol => "protocol_error",
            Self::CutOff => "cut_off",
            Self::Unanswered => "unanswered",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_place_and_a_word_of_its_own() {
        let words: std::collections::HashSet<_> = Reason::ALL.iter().map(|r| r.label()).collect();
        assert_eq!(words.len(), Reason::ALL.len());
        for (place, reason) in Reason::ALL.into_iter().enumerate() {
            assert_eq!(place, reason as usize);
        }
    }
}
