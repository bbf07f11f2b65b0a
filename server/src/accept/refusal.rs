//! Why a handshake is refused, and the HTTP answer to it.

use crate::connection::subscription;
use std::fmt;
use std::time::Duration;
use tungstenite::http::StatusCode;
use tungstenite::protocol::CloseFrame;
use tungstenite::protocol::frame::Frame;
use tungstenite::protocol::frame::coding::CloseCode;

/// The longest request head, in bytes.
pub const HEAD_BYTES: usize = 16 * 1024;
/// The most headers of a request.
pub const HEADERS: usize = 64;
/// Bytes of a `Sec-WebSocket-Key` once decoded (RFC 6455, 4.1).
pub const KEY_BYTES: usize = 16;

/// Why a request is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// Not an HTTP request.
    NotHttp(httparse::Error),
    /// Another version of HTTP than 1.1.
    HttpVersion,
    /// Another method than GET.
    Method,
    /// A request target that is not a URL.
    Url,
    /// Another path than `/ticks`.
    Path,
    /// A head of more than [`HEAD_BYTES`].
    HeadTooLong,
    /// More than [`HEADERS`] headers.
    TooManyHeaders,
    /// The client's side of the connection ended within the request.
    CutShort,
    /// Bytes after the request.
    EarlyBytes,
    /// A request with a body.
    Body,
    /// A header that has to be there.
    MissingHeader(&'static str),
    /// A header that may be there only once.
    RepeatedHeader(&'static str),
    /// A header that is not ASCII.
    HeaderNotAscii(&'static str),
    /// A header that asks for something else than a WebSocket.
    NoUpgrade {
        /// Its name.
        header: &'static str,
        /// What it has to contain.
        token: &'static str,
    },
    /// Another version of WebSocket than 13.
    WebSocketVersion,
    /// A `Sec-WebSocket-Key` that is not [`KEY_BYTES`] bytes in base64.
    Key,
    /// `connection=` without a number.
    ConnectionNumber,
    /// A subscription that is refused.
    Subscription(subscription::Refusal),
    /// A subscription in a run in which every connection gets every symbol.
    AllSymbolsOnly,
    /// A page that may not connect.
    Origin,
    /// No token.
    NoToken,
    /// Another token.
    WrongToken,
    /// No complete request in time.
    Timeout(Duration),
    /// A newer handshake took its place before the request was complete.
    Displaced,
    /// As many connections as there may be.
    Full,
    /// As many connections of one host as there may be.
    HostFull {
        /// How many.
        most: usize,
    },
    /// A connection number that the run does not have, or that has already connected.
    UnexpectedConnection(usize),
}

impl Refusal {
    /// The status of the answer.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::HttpVersion => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::Path => StatusCode::NOT_FOUND,
            Self::HeadTooLong | Self::TooManyHeaders => StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            Self::WebSocketVersion => StatusCode::UPGRADE_REQUIRED,
            Self::Origin => StatusCode::FORBIDDEN,
            Self::NoToken | Self::WrongToken => StatusCode::UNAUTHORIZED,
            Self::Timeout(_) => StatusCode::REQUEST_TIMEOUT,
            Self::Displaced | Self::Full | Self::HostFull { .. } => StatusCode::SERVICE_UNAVAILABLE,
            Self::UnexpectedConnection(_) => StatusCode::CONFLICT,
            Self::NotHttp(_)
            | Self::Url
            | Self::CutShort
            | Self::EarlyBytes
            | Self::Body
            | Self::MissingHeader(_)
            | Self::RepeatedHeader(_)
            | Self::HeaderNotAscii(_)
            | Self::NoUpgrade { .. }
            | Self::Key
            | Self::ConnectionNumber
            | Self::Subscription(_)
            | Self::AllSymbolsOnly => StatusCode::BAD_REQUEST,
        }
    }

    /// The code of the close frame, where the request is accepted and the connection closed at
    /// once: a page in a browser can read that reason, and not the answer to its request.
    #[must_use]
    pub fn close_code(&self) -> Option<CloseCode> {
        matches!(self, Self::HostFull { .. }).then_some(CloseCode::Again)
    }

    /// What the client sees: the close code, or else the status.
    #[must_use]
    pub fn code(&self) -> u16 {
        self.close_code().map_or_else(|| self.status().as_u16(), u16::from)
    }

    /// The frame that closes an accepted connection with this reason, if that is the answer.
    #[must_use]
    pub fn close_frame(&self) -> Option<Vec<u8>> {
        let frame = CloseFrame { code: self.close_code()?, reason: self.to_string().into() };
        let mut bytes = Vec::new();
        Frame::close(Some(frame)).format(&mut bytes).ok()?;
        Some(bytes)
    }

    /// The header that the status requires: RFC 9110, 15.5.6 and 11.6.1, RFC 6455, 4.2.2, and
    /// RFC 9110, 15.6.4.
    fn header(&self) -> Option<&'static str> {
        match self.status() {
            StatusCode::METHOD_NOT_ALLOWED => Some("Allow: GET"),
            StatusCode::UNAUTHORIZED => Some("WWW-Authenticate: Bearer"),
            StatusCode::UPGRADE_REQUIRED => Some("Sec-WebSocket-Version: 13"),
            StatusCode::SERVICE_UNAVAILABLE => Some("Retry-After: 1"),
            _ => None,
        }
    }

    /// The bytes of the answer; the connection is to be closed after them.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let (status, body) = (self.status(), format!("{self}\n"));
        let header = self.header().map_or(String::new(), |header| format!("{header}\r\n"));
        let length = body.len();
        let answer = format!(
            "HTTP/1.1 {status}\r\nConnection: close\r\n{header}\
             Content-Type: text/plain; charset=utf-8\r\nContent-Length: {length}\r\n\r\n{body}"
        );
        answer.into_bytes()
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotHttp(error) => write!(f, "not an HTTP request: {error}"),
            Self::HttpVersion => f.write_str("a WebSocket begins with HTTP/1.1 (RFC 6455, 4.1)"),
            Self::Method => f.write_str("request ticks by GET"),
            Self::Url => f.write_str("the request target is not a URL"),
            Self::Path => f.write_str("ticks are at /ticks"),
            Self::HeadTooLong => {
                write!(f, "the request head is longer than {HEAD_BYTES} bytes")
            }
            Self::TooManyHeaders => write!(f, "the request has more than {HEADERS} headers"),
            Self::CutShort => f.write_str("the connection ended within the request"),
            Self::EarlyBytes => f.write_str(
                "bytes came after the request: wait for the answer before sending (RFC 6455, 4.1)",
            ),
            Self::Body => f.write_str("the request of a WebSocket has no body"),
            Self::MissingHeader(name) => write!(f, "the header {name} is missing"),
            Self::RepeatedHeader(name) => write!(f, "the header {name} comes more than once"),
            Self::HeaderNotAscii(name) => write!(f, "the header {name} is not ASCII"),
            Self::NoUpgrade { header, token } => write!(
                f,
                "a WebSocket is requested by the header `{header}: {token}` (RFC 6455, 4.2.1)"
            ),
            Self::WebSocketVersion => {
                f.write_str("the server speaks version 13 of WebSocket (RFC 6455, 4.4)")
            }
            Self::Key => write!(f, "Sec-WebSocket-Key is not {KEY_BYTES} bytes in base64"),
            Self::ConnectionNumber => f.write_str("connection= takes a number from 0"),
            Self::Subscription(refusal) => refusal.fmt(f),
            Self::AllSymbolsOnly => f.write_str(
                "every connection of this run gets all symbols: leave `symbols=` out of the URL",
            ),
            Self::Origin => f.write_str("this Origin is not allowed"),
            Self::NoToken => {
                f.write_str("give the token as `Authorization: Bearer …` or `?token=…`")
            }
            Self::WrongToken => f.write_str("this is not the token of the server"),
            Self::Timeout(limit) => {
                write!(f, "no complete request came within {} s", limit.as_secs_f64())
            }
            Self::Displaced => f.write_str(
                "newer connections took the place of this one, whose request was not complete: try again",
            ),
            Self::HostFull { most } => write!(
                f,
                "your address has {most} connections, as many as it may have: close one before opening another"
            ),
            Self::Full => {
                f.write_str("the server has as many connections as it may: try again later")
            }
            Self::UnexpectedConnection(number) => {
                write!(f, "connection {number} is not expected, or has already connected")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::violation::CLOSE_REASON_BYTES;

    #[test]
    fn a_host_with_too_many_connections_is_told_so_in_a_close_frame() {
        let refusal = Refusal::HostFull { most: usize::MAX };
        assert_eq!(refusal.code(), 1013);
        let (frame, reason) = (refusal.close_frame().unwrap(), refusal.to_string());
        assert!(reason.len() <= CLOSE_REASON_BYTES, "{} bytes: {reason}", reason.len());
        assert_eq!(frame[..4], [0x88, 2 + reason.len() as u8, 0x03, 0xf5]);
        assert_eq!(frame[4..], *reason.as_bytes());
        assert_eq!((Refusal::Full.close_frame(), Refusal::Full.code()), (None, 503));
    }
}
