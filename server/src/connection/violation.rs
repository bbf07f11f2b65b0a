//! What a client may send in, and how one that may not is told: the close code
//! of RFC 6455, section 7.4.1, then the end of the connection (7.1.1, 7.1.7).

use tungstenite::Error;
use tungstenite::error::ProtocolError;
use tungstenite::protocol::WebSocketConfig;
use tungstenite::protocol::frame::coding::CloseCode;

/// The largest message that a client may send in.
pub const MESSAGE_BYTES: usize = 64 * 1024;
/// Bytes that are read from a connection in one turn: a chatty client must not
/// hold up the schedule, neither with messages nor with fragments that never
/// make one.
pub const TURN_BYTES: usize = 4 * 1024;
/// Answers that may wait for a client that asks, and does not read.
pub const ANSWER_BYTES: usize = 16 * 1024;
/// The longest reason of a close frame (RFC 6455, 5.5: 125 bytes with the code).
const REASON_BYTES: usize = 123;

/// Why a client is sent away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breach {
    /// What its close frame says.
    pub code: CloseCode,
    /// The same for people.
    pub reason: String,
}

impl Breach {
    fn new(code: CloseCode, reason: impl Into<String>) -> Self {
        let mut reason = reason.into();
        while reason.len() > REASON_BYTES {
            reason.pop();
        }
        Self { code, reason }
    }

    /// What an error of the library says about the client; `None`: nothing that
    /// it could still be told, for the connection has ended. Whether it came at a control
    /// frame that is too long, the library does not say.
    #[must_use]
    pub fn of(error: &Error, is_long_control: bool) -> Option<Self> {
        match error {
            Error::Capacity(_) if is_long_control => {
                Some(Self::new(CloseCode::Protocol, ProtocolError::ControlFrameTooBig.to_string()))
            }
            Error::ConnectionClosed | Error::AlreadyClosed | Error::Io(_) => None,
            Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => None,
            Error::Protocol(what) => Some(Self::new(CloseCode::Protocol, what.to_string())),
            // The library tells the bytes, too: they are not for repeating.
            Error::Utf8(_) => Some(Self::new(CloseCode::Invalid, "this text is not UTF-8")),
            Error::Capacity(_) => Some(Self::new(
                CloseCode::Size,
                format!("a message may have {MESSAGE_BYTES} bytes and no more"),
            )),
            // Of handshakes and URLs: nothing that reading a frame can give.
            other => Some(Self::new(CloseCode::Error, other.to_string())),
        }
    }

    /// A binary message came.
    #[must_use]
    pub fn binary() -> Self {
        Self::new(CloseCode::Unsupported, "the server takes text messages, and no binary ones")
    }

    /// A text came that the server cannot follow, for that reason.
    #[must_use]
    pub fn words(reason: impl Into<String>) -> Self {
        Self::new(CloseCode::Policy, reason)
    }

    /// More pings came than pongs are read.
    #[must_use]
    pub fn pings() -> Self {
        let reason = format!("{ANSWER_BYTES} bytes of pongs wait: read them, or ping less often");
        Self::new(CloseCode::Policy, reason)
    }
}

/// What inbound frames are held to.
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
    fn every_fault_has_the_close_code_of_the_rfc() {
        let protocol = |what| Breach::of(&Error::Protocol(what), false).unwrap().code;
        for what in [
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
            assert_eq!(protocol(what), CloseCode::Protocol);
        }
        let text = Breach::of(&Error::Utf8("\u{fffd}secret".into()), false).unwrap();
        assert_eq!(text.code, CloseCode::Invalid);
        assert!(!text.reason.contains("secret"));
        let long = CapacityError::MessageTooLong { size: usize::MAX, max_size: MESSAGE_BYTES };
        let long = Error::Capacity(long);
        assert_eq!(Breach::of(&long, false).unwrap().code, CloseCode::Size);
        assert_eq!(Breach::of(&long, true).unwrap().code, CloseCode::Protocol);
    }

    #[test]
    fn a_connection_that_has_ended_is_told_nothing() {
        let reset = std::io::Error::from(std::io::ErrorKind::ConnectionReset);
        for error in [
            Error::ConnectionClosed,
            Error::AlreadyClosed,
            Error::Io(reset),
            Error::Protocol(ProtocolError::ResetWithoutClosingHandshake),
        ] {
            assert_eq!(Breach::of(&error, false), None);
        }
    }

    #[test]
    fn a_reason_fits_into_a_close_frame() {
        let reason = Breach::new(CloseCode::Error, "é".repeat(100)).reason;
        assert_eq!(reason, "é".repeat(61));
        for breach in [Breach::binary(), Breach::words("ü".repeat(99)), Breach::pings()] {
            assert!(breach.reason.len() <= REASON_BYTES && !breach.reason.is_empty());
        }
    }
}
