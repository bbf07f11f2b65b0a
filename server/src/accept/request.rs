//! The request of a handshake, judged and answered as RFC 6455, section 4.2
//! asks. Bytes in, bytes out: no sockets here.

use crate::accept::refusal::Refusal;
use crate::connection::subscription;
use crate::log::symbols::Symbols;
use tungstenite::handshake::derive_accept_key;
use tungstenite::http::{StatusCode, Uri};

/// The longest request head, in bytes.
pub const HEAD_BYTES: usize = 16 * 1024;
/// The most headers of a request.
pub const HEADERS: usize = 64;
/// Bytes of a `Sec-WebSocket-Key` once decoded (RFC 6455, 4.1).
const KEY_BYTES: usize = 16;

/// A request that may come in, as far as this file can tell. It holds secrets:
/// nothing here prints it.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// What stands behind the `?` of its URL; empty: nothing.
    pub query: String,
    /// `connection=N` of the query; without one it is 0.
    pub connection: usize,
    /// `symbols=…` of the query; `None`: it has none.
    pub symbols: Option<Symbols>,
    /// Where the page was from that asks; `None`: not a browser (RFC 6455, 10.2).
    pub origin: Option<String>,
    /// `Authorization`, as it came.
    pub authorization: Option<String>,
    /// What answers its key (RFC 6455, 4.2.2, item 5.4).
    accept: String,
}

impl Request {
    /// Reads what has come of a request; `None`: it is not whole yet.
    ///
    /// # Errors
    /// What is wrong with it. Also bytes behind the head: a client "MUST wait
    /// for a response from the server before sending any further data" (RFC
    /// 6455, 4.1), and one that does not may be a page that makes a proxy take
    /// its bytes for a request of their own (10.3).
    pub fn parse(bytes: &[u8]) -> Result<Option<Self>, Refusal> {
        let mut room = [httparse::EMPTY_HEADER; HEADERS];
        let mut request = httparse::Request::new(&mut room);
        let head_bytes = match request.parse(bytes).map_err(not_http)? {
            httparse::Status::Complete(head_bytes) => head_bytes,
            httparse::Status::Partial => return Ok(None),
        };
        if request.version != Some(1) {
            return Err(not_http(httparse::Error::Version));
        }
        if request.method != Some("GET") {
            return Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "ticks are asked for by GET"));
        }
        let query = ticks_query(request.path.unwrap_or_default())?;
        let accept = upgrade(&Headers(request.headers))?;
        let headers = Headers(request.headers);
        if bytes.len() > head_bytes {
            return Err(Refusal::bad(
                "bytes came behind the request: a client waits for the answer (RFC 6455, 4.1)",
            ));
        }
        Ok(Some(Self {
            connection: connection(&query)?,
            symbols: subscription::from_query(&query)
                .map_err(|refusal| Refusal::bad(refusal.to_string()))?,
            query,
            origin: headers.at_most_one("Origin")?.map(str::to_owned),
            authorization: headers.at_most_one("Authorization")?.map(str::to_owned),
            accept,
        }))
    }

    /// The value of a key of the query, as it stands there.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<&str> {
        value(&self.query, key)
    }

    /// The answer's bytes that let it in.
    #[must_use]
    pub fn welcome(&self) -> Vec<u8> {
        let accept = &self.accept;
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Accept: {accept}\r\n\r\n"
        );
        answer.into_bytes()
    }
}

/// The head is longer than [`HEAD_BYTES`].
#[must_use]
pub fn head_too_long() -> Refusal {
    let line = format!("the request head is longer than {HEAD_BYTES} bytes");
    Refusal::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, line)
}

fn not_http(error: httparse::Error) -> Refusal {
    match error {
        httparse::Error::Version => Refusal::new(
            StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            "a WebSocket begins with HTTP/1.1 (RFC 6455, 4.1)",
        ),
        httparse::Error::TooManyHeaders => Refusal::new(
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE,
            format!("the request has more than {HEADERS} headers"),
        ),
        other => Refusal::bad(format!("this is no HTTP request: {other}")),
    }
}

/// The query of a request target, which may be a path or a whole URL (RFC 9112, 3.2).
fn ticks_query(target: &str) -> Result<String, Refusal> {
    let uri: Uri = target.parse().map_err(|_| Refusal::bad("the request's URL is not one"))?;
    match uri.path() {
        "/ticks" => Ok(uri.query().unwrap_or_default().to_owned()),
        _ => Err(Refusal::new(StatusCode::NOT_FOUND, "ticks are at /ticks")),
    }
}

fn connection(query: &str) -> Result<usize, Refusal> {
    let number = value(query, "connection").unwrap_or("0");
    number.parse().map_err(|_| Refusal::bad("connection= takes a number from 0"))
}

fn value<'a>(query: &'a str, key: &str) -> Option<&'a str> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.filter(|(name, _)| *name == key).map(|(_, value)| value).next()
}

/// Checks the headers of RFC 6455, 4.2.1, and gives the answer to the key.
fn upgrade(headers: &Headers) -> Result<String, Refusal> {
    headers.one("Host")?;
    if headers.at_most_one("Transfer-Encoding")?.is_some()
        || headers.at_most_one("Content-Length")?.is_some_and(|length| length != "0")
    {
        return Err(Refusal::bad("a WebSocket's request has no body"));
    }
    for (name, token) in [("Upgrade", "websocket"), ("Connection", "Upgrade")] {
        if !headers.has_token(name, token) {
            return Err(Refusal::bad(format!(
                "a WebSocket is asked for by the header `{name}: {token}` (RFC 6455, 4.2.1)"
            )));
        }
    }
    if headers.one("Sec-WebSocket-Version")? != "13" {
        let line = "the server speaks version 13 of WebSocket (RFC 6455, 4.4)";
        return Err(Refusal::new(StatusCode::UPGRADE_REQUIRED, line));
    }
    let key = headers.one("Sec-WebSocket-Key")?;
    match data_encoding::BASE64.decode(key.as_bytes()) {
        Ok(bytes) if bytes.len() == KEY_BYTES => Ok(derive_accept_key(key.as_bytes())),
        _ => Err(Refusal::bad(format!("Sec-WebSocket-Key is not {KEY_BYTES} bytes in base64"))),
    }
}

/// The headers of a request.
struct Headers<'a>(&'a [httparse::Header<'a>]);

impl<'a> Headers<'a> {
    fn all(&self, name: &'a str) -> impl Iterator<Item = &'a [u8]> {
        let named = self.0.iter().filter(move |header| header.name.eq_ignore_ascii_case(name));
        named.map(|header| header.value)
    }

    /// The value of a header that may not come twice.
    fn at_most_one(&self, name: &'a str) -> Result<Option<&'a str>, Refusal> {
        let mut values = self.all(name);
        let Some(value) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return Err(Refusal::bad(format!("the header {name} comes more than once")));
        }
        let text = str::from_utf8(value).ok().filter(|text| text.is_ascii());
        let text = text.ok_or_else(|| Refusal::bad(format!("the header {name} is not ASCII")))?;
        Ok(Some(text.trim()))
    }

    /// The value of a header that has to come once.
    fn one(&self, name: &'a str) -> Result<&'a str, Refusal> {
        let value = self.at_most_one(name)?;
        value.ok_or_else(|| Refusal::bad(format!("the header {name} is missing")))
    }

    /// Whether a list header, which may come in several lines, has that token.
    fn has_token(&self, name: &'a str, token: &str) -> bool {
        let lists = self.all(name).filter_map(|value| str::from_utf8(value).ok());
        lists.flat_map(|list| list.split(',')).any(|item| item.trim().eq_ignore_ascii_case(token))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "GET /ticks?connection=3&symbols=AAPL HTTP/1.1\r\nHost: x\r\n\
        Upgrade: WebSocket\r\nConnection: keep-alive\r\nConnection: upgrade\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

    #[test]
    fn the_example_of_the_rfc_gets_its_answer() {
        let request = Request::parse(GOOD.as_bytes()).ok().flatten().unwrap();
        assert_eq!((request.connection, request.value("symbols")), (3, Some("AAPL")));
        let answer = String::from_utf8(request.welcome()).unwrap();
        assert!(answer.contains("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
    }

    #[test]
    fn half_a_request_is_no_request_yet() {
        for len in 0..GOOD.len() {
            assert!(matches!(Request::parse(&GOOD.as_bytes()[..len]), Ok(None)), "{len} bytes");
        }
    }

    #[test]
    fn any_bytes_are_a_refusal_and_never_a_panic() {
        proptest::proptest!(|(bytes: Vec<u8>, at in 0..GOOD.len())| {
            let _ = Request::parse(&bytes);
            let _ = Request::parse(&[&GOOD.as_bytes()[..at], &bytes].concat());
        });
    }
}
