//! How a client can break the protocol, and the close code of each violation (RFC 6455,
//! section 7.4.1).

use crate::connection::subscription::{self, MAX_SUBSCRIPTION_BYTES};
use std::fmt;
use tungstenite::Error;
use tungstenite::error::ProtocolError;
use tungstenite::protocol::WebSocketConfig;
use tungstenite::protocol::frame::coding::CloseCode;

/// The largest message that a client may send.
pub const MESSAGE_BYTES: usize = 64 * 1024;
/// Pongs and other answers that may wait for a client that does not read.
pub const ANSWER_BYTES: usize = 16 * 1024;
/// Requests of a client that may be refused at once.
const REFUSED_REQUESTS: u64 = 100;
/// And how many in a second for ever.
const REFUSED_PER_S: u64 = 10;
const SECOND_NS: u64 = 1_000_000_000;
/// The longest reason of a close frame (RFC 6455, 5.5: 125 bytes with the code).
pub const CLOSE_REASON_BYTES: usize = 123;

/// Something that a client may not send.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Violation {
    /// Frames against RFC 6455.
    Protocol(ProtocolError),
    /// A text or a close reason that is not UTF-8.
    NotUtf8,
    /// A message of more than [`MESSAGE_BYTES`].
    MessageTooLong,
    /// A binary message.
    Binary,
    /// A text that is not a subscription, in a run.
    Subscription(subscription::Refusal),
    /// A subscription in a run in which every connection gets every symbol.
    AllSymbolsOnly,
    /// More pings and requests than it reads answers.
    UnreadAnswers,
    /// A flood of requests that were refused.
    RefusedRequests,
    /// Another error of the WebSocket library, which reading a frame does not give.
    Library(String),
}

impl Violation {
    /// The violation behind an error of the library; `None`: the connection has ended without
    /// one. The library does not distinguish a control frame that is too long from a message:
    /// `is_long_control` does.
    #[must_use]
    pub fn of(error: &Error, is_long_control: bool) -> Option<Self> {
        match error {
            Error::Capacity(_) if is_long_control => {
                Some(Self::Protocol(ProtocolError::ControlFrameTooBig))
            }
            Error::ConnectionClosed | Error::AlreadyClosed | Error::Io(_) => None,
            Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => None,
            Error::Protocol(error) => Some(Self::Protocol(error.clone())),
            // The library also gives the bytes, which are not to be repeated.
            Error::Utf8(_) => Some(Self::NotUtf8),
            Error::Capacity(_) => Some(Self::MessageTooLong),
            other => Some(Self::Library(other.to_string())),
        }
    }

    /// The code of the close frame.
    #[must_use]
    pub fn code(&self) -> CloseCode {
        match self {
            Self::Protocol(_) => CloseCode::Protocol,
            Self::NotUtf8 => CloseCode::Invalid,
            Self::MessageTooLong => CloseCode::Size,
            Self::Binary => CloseCode::Unsupported,
            Self::Subscription(_)
            | Self::AllSymbolsOnly
            | Self::UnreadAnswers
            | Self::RefusedRequests => CloseCode::Policy,
            Self::Library(_) => CloseCode::Error,
        }
    }

    /// The reason of the close frame: its text, as far as it fits.
    #[must_use]
    pub fn close_reason(&self) -> String {
        let mut reason = self.to_string();
        while reason.len() > CLOSE_REASON_BYTES {
            reason.pop();
        }
        reason
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Protocol(error) => error.fmt(f),
            Self::NotUtf8 => f.write_str("this text is not UTF-8"),
            Self::MessageTooLong => write!(f, "a message may have at most {MESSAGE_BYTES} bytes"),
            Self::Binary => f.write_str("the server reads text messages only, not binary ones"),
            Self::Subscription(refusal) => refusal.fmt(f),
            Self::AllSymbolsOnly => f.write_str("every connection of this run gets all symbols"),
            Self::UnreadAnswers => {
                write!(
                    f,
                    "{ANSWER_BYTES} bytes of pongs and answers wait: read them, or ask less often"
                )
            }
            Self::RefusedRequests => write!(
                f,
                "more than {REFUSED_REQUESTS} requests at once, or {REFUSED_PER_S} a second, were refused: read the answers"
            ),
            Self::Library(error) => f.write_str(error),
        }
    }
}

/// The refused requests of a connection: their answers tell a client what is wrong, and cost
/// little as long as it does not send them without end.
#[derive(Debug, Default)]
pub struct RefusedRequests {
    /// How many there were, less [`REFUSED_PER_S`] for each second since, in billionths.
    level: u64,
    /// When the last one came, in ns.
    last_ns: u64,
}

impl RefusedRequests {
    /// Counts one of so many bytes that came at `now`; false: they are too many. A long one
    /// counts as several.
    pub fn allows_another(&mut self, bytes: usize, now: u64) -> bool {
        let drained = now.saturating_sub(self.last_ns).saturating_mul(REFUSED_PER_S);
        self.last_ns = now;
        let cost = (1 + bytes / MAX_SUBSCRIPTION_BYTES) as u64 * SECOND_NS;
        self.level = self.level.saturating_sub(drained) + cost;
        self.level <= REFUSED_REQUESTS * SECOND_NS
    }
}

/// The limits of inbound messages, for the WebSocket library.
#[must_use]
pub fn limits() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(8 * 1024)
        .max_message_size(Some(MESSAGE_BYTES))
        .max_frame_size(Some(MESSAGE_BYTES))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tungstenite::error::CapacityError;

    /// RFC 6455: 5.1, 5.2, 5.4, 5.5 and 5.5.1 (1002), 8.1 (1007), 10.4 (1009).
    #[test]
    fn every_violation_has_the_close_code_of_the_rfc() {
        for error in [
            ProtocolError::UnmaskedFrameFromClient,
            ProtocolError::NonZeroReservedBits,
            ProtocolError::InvalidOpcode(3),
            ProtocolError::UnknownDataFrameType(3),
            ProtocolError::UnknownControlFrameType(11),
            ProtocolError::FragmentedControlFrame,
            ProtocolError::ControlFrameTooBig,
            ProtocolError::UnexpectedContinueFrame,
            ProtocolError::InvalidCloseSequence,
            ProtocolError::ReceivedAfterClosing,
        ] {
            let violation = Violation::of(&Error::Protocol(error), false).unwrap();
            assert_eq!(violation.code(), CloseCode::Protocol);
        }
        let text = Violation::of(&Error::Utf8("\u{fffd}secret".into()), false).unwrap();
        assert_eq!(text.code(), CloseCode::Invalid);
        assert!(!text.to_string().contains("secret"));
        let long = CapacityError::MessageTooLong { size: usize::MAX, max_size: MESSAGE_BYTES };
        let long = Error::Capacity(long);
        assert_eq!(Violation::of(&long, false).unwrap().code(), CloseCode::Size);
        assert_eq!(Violation::of(&long, true).unwrap().code(), CloseCode::Protocol);
    }

    #[test]
    fn the_end_of_a_connection_is_not_a_violation() {
        let reset = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        for error in [
            Error::ConnectionClosed,
            Error::AlreadyClosed,
            Error::Io(reset),
            Error::Protocol(ProtocolError::ResetWithoutClosingHandshake),
        ] {
            assert_eq!(Violation::of(&error, false), None);
        }
    }

    #[test]
    fn requests_are_refused_without_end_only_if_they_come_slowly() {
        let mut requests = RefusedRequests::default();
        assert!((0..10_000).all(|n| requests.allows_another(9, n * SECOND_NS / 10)));
        let now = 2_000 * SECOND_NS;
        assert_eq!((0..200).take_while(|_| requests.allows_another(9, now)).count(), 100);
        let later = now + 20 * SECOND_NS;
        let long = (0..200).take_while(|_| requests.allows_another(MESSAGE_BYTES, later));
        assert_eq!(long.count(), 5, "each of them counts as 17");
    }

    #[test]
    fn a_reason_fits_into_a_close_frame() {
        assert_eq!(Violation::Library("é".repeat(100)).close_reason(), "é".repeat(61));
        for violation in [
            Violation::NotUtf8,
            Violation::MessageTooLong,
            Violation::Binary,
            Violation::AllSymbolsOnly,
            Violation::UnreadAnswers,
            Violation::RefusedRequests,
        ] {
            assert_eq!(violation.close_reason(), violation.to_string());
        }
    }
}
