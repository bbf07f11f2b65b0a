//! The opening handshake (RFC 6455, section 4.1), by hand: one request, one
//! response head.

use anyhow::{Context, Result, bail, ensure};
use std::io::{Read, Write};
use tungstenite::handshake::{client::generate_key, derive_accept_key};

/// A response head has to end within so many bytes.
const MAX_HEAD_BYTES: usize = 16 << 10;

/// Asks for `url` (`ws://HOST/PATH`) and checks the answer. Returns what the
/// server sent after its head: the beginning of the frames.
pub fn shake_hands(stream: &mut (impl Read + Write), url: &str) -> Result<Vec<u8>> {
    let (host, path) = url
        .strip_prefix("ws://")
        .and_then(|rest| rest.split_once('/'))
        .context("the URL has to be ws://HOST/PATH")?;
    let key = generate_key();
    let request = format!(
        "GET /{path} HTTP/1.1\r\nHost: {host}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n\r\n"
    );
    stream.write_all(request.as_bytes())?;

    let mut head = Vec::new();
    loop {
        ensure!(head.len() < MAX_HEAD_BYTES, "the server's answer has no end");
        let from = head.len();
        head.resize(from + 1024, 0);
        let count = stream.read(&mut head[from..])?;
        ensure!(count > 0, "the server hung up");
        head.truncate(from + count);
        if let Some(len) = check_head(&head, &key)? {
            return Ok(head.split_off(len));
        }
    }
}

/// The length of a whole and right response head; `None` when it goes on.
fn check_head(bytes: &[u8], key: &str) -> Result<Option<usize>> {
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(len) = response.parse(bytes).context("not an HTTP answer")?
    else {
        return Ok(None);
    };
    match response.code {
        Some(101) => {}
        code => bail!("the server answered {}, not 101", code.unwrap_or(0)),
    }
    let header = |name: &str| {
        let found = response.headers.iter().find(|header| header.name.eq_ignore_ascii_case(name));
        found.and_then(|header| std::str::from_utf8(header.value).ok()).unwrap_or_default()
    };
    let upgrades =
        header("Connection").split(',').any(|t| t.trim().eq_ignore_ascii_case("upgrade"));
    ensure!(upgrades, "the answer's Connection header does not say `Upgrade`");
    let is_websocket = header("Upgrade").eq_ignore_ascii_case("websocket");
    ensure!(is_websocket, "the answer's Upgrade header does not say `websocket`");
    let accept = derive_accept_key(key.as_bytes());
    ensure!(header("Sec-WebSocket-Accept") == accept, "the answer is to another key");
    ensure!(header("Sec-WebSocket-Extensions").is_empty(), "an extension that nobody asked for");
    Ok(Some(len))
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
    /// The example of RFC 6455, section 1.3.
    const ANSWER: &str = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
        Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

    #[test]
    fn the_example_of_the_standard_is_right() {
        assert_eq!(check_head(ANSWER.as_bytes(), KEY).unwrap(), Some(ANSWER.len()));
    }

    #[test]
    fn every_beginning_of_it_goes_on() {
        for len in 0..ANSWER.len() {
            assert_eq!(check_head(&ANSWER.as_bytes()[..len], KEY).unwrap(), None, "{len}");
        }
    }

    #[test]
    fn what_is_wrong_is_told() {
        let faults = [
            ("101 Switching Protocols", "404 Not Found", "answered 404"),
            ("s3pPLM", "s3pPLN", "another key"),
            ("websocket", "h2c", "Upgrade header"),
            ("Connection: Upgrade", "Connection: close", "Connection header"),
            ("HTTP/1.1", "SSH-2.0", "not an HTTP answer"),
        ];
        for (right, wrong, words) in faults {
            let error = check_head(ANSWER.replace(right, wrong).as_bytes(), KEY).unwrap_err();
            assert!(format!("{error:#}").contains(words), "{error:#}");
        }
    }
}
