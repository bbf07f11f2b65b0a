//! Why a connection has ended.

use crate::connection::stream::policy::Waiting;
use crate::connection::violation::Violation;
use std::fmt;
use std::io;
use std::sync::Arc;
use tungstenite::protocol::frame::coding::CloseCode;

/// What ended a connection.
#[derive(Debug, Clone)]
pub enum End {
    /// It answered the server's close frame.
    Closed,
    /// The client closed it with a close frame.
    ClosedByClient,
    /// The client's end of the stream came without a close frame (RFC 6455, 7.1.7).
    NoCloseFrame,
    /// Reading failed: a reset, or a timeout.
    ReadFailed(Arc<io::Error>),
    /// Writing failed.
    WriteFailed(Arc<io::Error>),
    /// The client broke the protocol.
    Violation(Violation),
    /// The server cut it off.
    CutOff(CutOff),
    /// It did not answer the server's close frame in time.
    Unanswered,
}

/// Why the server cut a connection off before its client had everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CutOff {
    /// Its policy closes it: this much waited for it.
    Policy(Waiting),
    /// More waited for it than for others, when the log reached its ceiling.
    Ceiling,
    /// Too much waited for it to be searched for other symbols.
    FarBehind,
    /// It asked for other symbols again before it had taken what waited for it.
    AsksTooOften,
    /// It did not take what waited for it before the server ended.
    Drain,
}

/// The kind of an [`End`], by which metrics count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EndReason {
    /// [`End::Closed`]
    Closed,
    /// [`End::ClosedByClient`]
    ClosedByClient,
    /// [`End::NoCloseFrame`]
    NoCloseFrame,
    /// [`End::ReadFailed`], [`End::WriteFailed`]
    Broken,
    /// [`End::Violation`]
    Protocol,
    /// [`End::CutOff`]
    CutOff,
    /// [`End::Unanswered`]
    Unanswered,
}

impl End {
    /// Its kind.
    #[must_use]
    pub fn reason(&self) -> EndReason {
        match self {
            Self::Closed => EndReason::Closed,
            Self::ClosedByClient => EndReason::ClosedByClient,
            Self::NoCloseFrame => EndReason::NoCloseFrame,
            Self::ReadFailed(_) | Self::WriteFailed(_) => EndReason::Broken,
            Self::Violation(_) => EndReason::Protocol,
            Self::CutOff(_) => EndReason::CutOff,
            Self::Unanswered => EndReason::Unanswered,
        }
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("closed"),
            Self::ClosedByClient => f.write_str("the client closed the connection"),
            Self::NoCloseFrame => f.write_str("the connection ended without a close frame"),
            Self::ReadFailed(error) => write!(f, "reading from the connection failed: {error}"),
            Self::WriteFailed(error) => write!(f, "writing to the connection failed: {error}"),
            Self::Violation(violation) => {
                write!(f, "the client broke the protocol: {violation} ({})", violation.code())
            }
            Self::CutOff(cut_off) => write!(f, "cut off: {cut_off}"),
            Self::Unanswered => f.write_str("did not answer the close frame in time"),
        }
    }
}

impl CutOff {
    /// The code of the close frame (RFC 6455, 7.4.1).
    #[must_use]
    pub fn code(self) -> CloseCode {
        match self {
            Self::Policy(_) | Self::AsksTooOften => CloseCode::Policy,
            Self::Ceiling | Self::FarBehind => CloseCode::Again,
            Self::Drain => CloseCode::Away,
        }
    }
}

/// Also the reason of the close frame, which takes 123 bytes.
impl fmt::Display for CutOff {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Policy(waiting) => write!(f, "too far behind: {waiting}"),
            Self::Ceiling => f.write_str("too far behind: reconnect later"),
            Self::FarBehind => f.write_str("too far behind to change symbols: reconnect"),
            Self::AsksTooOften => {
                f.write_str("symbols changed again before the waiting ticks were read")
            }
            Self::Drain => f.write_str("did not read what waited for it before the server ended"),
        }
    }
}

impl EndReason {
    /// All of them, each at the index of its number.
    pub const ALL: [Self; 7] = [
        Self::Closed,
        Self::ClosedByClient,
        Self::NoCloseFrame,
        Self::Broken,
        Self::Protocol,
        Self::CutOff,
        Self::Unanswered,
    ];
}

/// The label in metrics and logs.
impl fmt::Display for EndReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Closed => "closed",
            Self::ClosedByClient => "closed_by_client",
            Self::NoCloseFrame => "no_close_frame",
            Self::Broken => "broken",
            Self::Protocol => "protocol_error",
            Self::CutOff => "cut_off",
            Self::Unanswered => "unanswered",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::violation::CLOSE_REASON_BYTES;
    use std::collections::HashSet;

    #[test]
    fn every_end_reason_has_its_own_index_and_label() {
        let labels: HashSet<_> = EndReason::ALL.iter().map(ToString::to_string).collect();
        assert_eq!(labels.len(), EndReason::ALL.len());
        for (index, reason) in EndReason::ALL.into_iter().enumerate() {
            assert_eq!(index, reason as usize);
        }
    }

    #[test]
    fn why_a_client_is_cut_off_fits_into_a_close_frame() {
        let most = Waiting { bytes: u64::MAX, age_ns: u64::MAX };
        let cut_offs = [
            CutOff::Policy(most),
            CutOff::Ceiling,
            CutOff::FarBehind,
            CutOff::AsksTooOften,
            CutOff::Drain,
        ];
        for cut_off in cut_offs {
            let text = cut_off.to_string();
            assert!(text.len() <= CLOSE_REASON_BYTES, "{} bytes: {text}", text.len());
        }
    }
}
