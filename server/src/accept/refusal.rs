//! What is answered to a request that is turned away.

use tungstenite::http::StatusCode;

/// Why a request is turned away.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The status that it is answered with.
    pub status: StatusCode,
    /// A header that this status asks for.
    header: Option<&'static str>,
    /// What is wrong, for people.
    line: String,
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, {}", self.status, self.line)
    }
}

impl Refusal {
    /// A refusal whose body is that line.
    #[must_use]
    pub fn new(status: StatusCode, line: impl Into<String>) -> Self {
        // Each of these statuses promises a header: RFC 9110, 15.5.6 and 11.6.1,
        // RFC 6455, 4.2.2, and RFC 9110, 15.6.4.
        let header = match status {
            StatusCode::METHOD_NOT_ALLOWED => Some("Allow: GET"),
            StatusCode::UNAUTHORIZED => Some("WWW-Authenticate: Bearer"),
            StatusCode::UPGRADE_REQUIRED => Some("Sec-WebSocket-Version: 13"),
            StatusCode::SERVICE_UNAVAILABLE => Some("Retry-After: 1"),
            _ => None,
        };
        Self { status, header, line: line.into() }
    }

    /// A request that cannot be understood (400).
    #[must_use]
    pub fn bad(line: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, line)
    }

    /// The answer's bytes; the connection is to be closed behind them.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let Self { status, header, line } = self;
        let header = header.map_or(String::new(), |header| format!("{header}\r\n"));
        let length = line.len() + 1;
        let answer = format!(
            "HTTP/1.1 {status}\r\nConnection: close\r\n{header}\
             Content-Type: text/plain; charset=utf-8\r\nContent-Length: {length}\r\n\r\n{line}\n"
        );
        answer.into_bytes()
    }
}
