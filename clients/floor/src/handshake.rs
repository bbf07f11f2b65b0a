//! The opening handshake (RFC 6455, section 4.1), without a library: one request, one response
//! head.

use std::io::{self, Read, Write};
use tungstenite::handshake::{client::generate_key, derive_accept_key};

/// The longest response head.
const MAX_HEAD_BYTES: usize = 16 << 10;

/// Why there is no WebSocket connection.
#[derive(Debug, thiserror::Error)]
pub enum HandshakeError {
    /// The URL has another form; the kit lets no such URL pass.
    #[error("the URL has to be ws://HOST/PATH")]
    Url,
    /// The connection failed.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The server ended the connection in the middle of its answer.
    #[error("the server closed the connection before it answered")]
    Closed,
    /// The head of the answer is too long.
    #[error("the head of the server's answer has more than {MAX_HEAD_BYTES} bytes")]
    TooLong,
    /// Not HTTP.
    #[error("not an HTTP answer: {0}")]
    NotHttp(#[from] httparse::Error),
    /// Another status than 101.
    #[error("the server answered with status {0}, not 101")]
    Status(u16),
    /// A header has a wrong value.
    #[error("the answer's header {name} has to be `{wanted}`")]
    Header {
        /// Which header.
        name: &'static str,
        /// What it has to be.
        wanted: String,
    },
    /// An extension, and none was offered.
    #[error("the answer names an extension that was not offered")]
    Extension,
}

/// Requests `url` (`ws://HOST/PATH`) and checks the answer. Returns what the server sent after
/// the head: the first bytes of the frames.
pub fn open_websocket(
    stream: &mut (impl Read + Write),
    url: &str,
) -> Result<Vec<u8>, HandshakeError> {
    let (host, path) = url
        .strip_prefix("ws://")
        .and_then(|rest| rest.split_once('/'))
        .ok_or(HandshakeError::Url)?;
    let key = generate_key();
    let request = format!(
        "GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
    );
    stream.write_all(request.as_bytes())?;

    let mut head = Vec::new();
    loop {
        if head.len() >= MAX_HEAD_BYTES {
            return Err(HandshakeError::TooLong);
        }
        let from = head.len();
        head.resize(from + 1024, 0);
        let count = stream.read(&mut head[from..])?;
        if count == 0 {
            return Err(HandshakeError::Closed);
        }
        head.truncate(from + count);
        if let Some(len) = check_head(&head, &key)? {
            return Ok(head.split_off(len));
        }
    }
}

/// The length of a complete and valid response head; `None` when it is incomplete.
fn check_head(bytes: &[u8], key: &str) -> Result<Option<usize>, HandshakeError> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(len) = response.parse(bytes)? else {
        return Ok(None);
    };
    let status = response.code.unwrap_or(0);
    if status != 101 {
        return Err(HandshakeError::Status(status));
    }
    let header = |name: &str| {
        let found = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        found.and_then(|header| std::str::from_utf8(header.value).ok()).unwrap_or_default()
    };
    let check = |name: &'static str, wanted: &str, holds: &dyn Fn(&str) -> bool| match holds(
        header(name),
    ) {
        true => Ok(()),
        false => Err(HandshakeError::Header { name, wanted: wanted.to_owned() }),
    };
    check("Connection", "Upgrade", &|value| {
        value.split(',').any(|token| token.trim().eq_ignore_ascii_case("upgrade"))
    })?;
    check("Upgrade", "websocket", &|value| value.eq_ignore_ascii_case("websocket"))?;
    let accept = derive_accept_key(key.as_bytes());
    check("Sec-WebSocket-Accept", &accept, &|value| value == accept)?;
    match header("Sec-WebSocket-Extensions").is_empty() {
        true => Ok(Some(len)),
        false => Err(HandshakeError::Extension),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
    /// The example of RFC 6455, section 1.3.
    const ANSWER: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
        Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

    #[test]
    fn the_example_of_the_standard_is_valid() {
        assert_eq!(check_head(ANSWER.as_bytes(), KEY).unwrap(), Some(ANSWER.len()));
    }

    #[test]
    fn every_prefix_of_it_is_incomplete() {
        for len in 0..ANSWER.len() {
            assert_eq!(check_head(&ANSWER.as_bytes()[..len], KEY).unwrap(), None, "{len}");
        }
    }

    fn refused(right: &str, wrong: &str) -> HandshakeError {
        check_head(ANSWER.replace(right, wrong).as_bytes(), KEY).unwrap_err()
    }

    #[test]
    fn a_wrong_answer_is_refused_with_its_fault() {
        use HandshakeError::{Extension, Header, NotHttp, Status};
        let found = refused("101 Switching Protocols", "404 Not Found");
        assert!(matches!(found, Status(404)), "{found}");
        let found = refused("HTTP/1.1", "SSH-2.0");
        assert!(matches!(found, NotHttp(_)), "{found}");
        let found = refused("\r\n\r\n", "\r\nSec-WebSocket-Extensions: x\r\n\r\n");
        assert!(matches!(found, Extension), "{found}");
        for (right, wrong, header) in [
            ("s3pPLM", "s3pPLN", "Sec-WebSocket-Accept"),
            ("websocket", "h2c", "Upgrade"),
            ("Connection: Upgrade", "Connection: close", "Connection"),
        ] {
            let found = refused(right, wrong);
            assert!(matches!(found, Header { name, .. } if name == header), "{found}");
        }
    }
}
