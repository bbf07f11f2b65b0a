//! The request of a WebSocket handshake, read and answered as RFC 6455, section 4.2 says.
//! Bytes in, bytes out: no sockets.

use crate::accept::refusal::{HEADERS, KEY_BYTES, Refusal};
use crate::connection::subscription;
use crate::log::symbols::Symbols;
use tungstenite::handshake::derive_accept_key;
use tungstenite::http::Uri;

/// A request for a WebSocket. It holds secrets: nothing prints it.
#[derive(Clone, PartialEq, Eq)]
pub struct Request {
    /// What follows the `?` of its URL; empty: nothing.
    pub query: String,
    /// `connection=N` of the query; 0 without it.
    pub connection: usize,
    /// `symbols=…` of the query.
    pub symbols: Option<Symbols>,
    /// The origin of the page that asks; `None`: not a browser (RFC 6455, 10.2).
    pub origin: Option<String>,
    /// The header `Authorization`.
    pub authorization: Option<String>,
    /// The subprotocols that it offers, the preferred one first (RFC 6455, 4.1, item 10).
    pub subprotocols: Vec<String>,
    /// The answer to its key (RFC 6455, 4.2.2, item 5.4).
    accept: String,
}

impl Request {
    /// Reads what has come of a request; `None`: it is not complete yet.
    ///
    /// # Errors
    /// What is wrong with it. Bytes after the head are refused too: a client "MUST wait for
    /// a response from the server before sending any further data" (RFC 6455, 4.1), and
    /// one that does not may be a page that makes a proxy take these bytes for another
    /// request (10.3).
    pub fn parse(bytes: &[u8]) -> Result<Option<Self>, Refusal> {
        let mut headers = [httparse::EMPTY_HEADER; HEADERS];
        let mut request = httparse::Request::new(&mut headers);
        let head_bytes = match request.parse(bytes).map_err(not_http)? {
            httparse::Status::Complete(head_bytes) => head_bytes,
            httparse::Status::Partial => return Ok(None),
        };
        if request.version != Some(1) {
            return Err(not_http(httparse::Error::Version));
        }
        if request.method != Some("GET") {
            return Err(Refusal::Method);
        }
        let query = ticks_query(request.path.unwrap_or_default())?;
        let accept = upgrade(&Headers(request.headers))?;
        let headers = Headers(request.headers);
        if bytes.len() > head_bytes {
            return Err(Refusal::EarlyBytes);
        }
        Ok(Some(Self {
            connection: connection(&query)?,
            symbols: subscription::from_query(&query).map_err(Refusal::Subscription)?,
            query,
            origin: headers.at_most_one("Origin")?.map(str::to_owned),
            authorization: headers.at_most_one("Authorization")?.map(str::to_owned),
            subprotocols: headers.items("Sec-WebSocket-Protocol").map(str::to_owned).collect(),
            accept,
        }))
    }

    /// The value of a key of the query, still percent-encoded.
    #[must_use]
    pub fn value(&self, key: &str) -> Option<&str> {
        value(&self.query, key)
    }

    /// The bytes of the answer that accepts it, with the subprotocol that the server has chosen.
    /// Without one, browsers that have offered some fail the connection.
    #[must_use]
    pub fn acceptance(&self, subprotocol: Option<&str>) -> Vec<u8> {
        let accept = &self.accept;
        let chosen =
            subprotocol.map_or(String::new(), |name| format!("Sec-WebSocket-Protocol: {name}\r\n"));
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Accept: {accept}\r\n{chosen}\r\n"
        );
        answer.into_bytes()
    }
}

fn not_http(error: httparse::Error) -> Refusal {
    match error {
        httparse::Error::Version => Refusal::HttpVersion,
        httparse::Error::TooManyHeaders => Refusal::TooManyHeaders,
        other => Refusal::NotHttp(other),
    }
}

/// The query of a request target, which may be a path or a whole URL (RFC 9112, 3.2).
fn ticks_query(target: &str) -> Result<String, Refusal> {
    let uri: Uri = target.parse().map_err(|_| Refusal::Url)?;
    match uri.path() {
        "/ticks" => Ok(uri.query().unwrap_or_default().to_owned()),
        _ => Err(Refusal::Path),
    }
}

fn connection(query: &str) -> Result<usize, Refusal> {
    let number = value(query, "connection").unwrap_or("0");
    number.parse().map_err(|_| Refusal::ConnectionNumber)
}

fn value<'a>(query: &'a str, key: &str) -> Option<&'a str> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs.filter(|(name, _)| *name == key).map(|(_, value)| value).next()
}

/// Checks the headers of RFC 6455, 4.2.1; gives the answer to the key.
fn upgrade(headers: &Headers) -> Result<String, Refusal> {
    headers.one("Host")?;
    if headers.at_most_one("Transfer-Encoding")?.is_some()
        || headers.at_most_one("Content-Length")?.is_some_and(|length| length != "0")
    {
        return Err(Refusal::Body);
    }
    for (header, token) in [("Upgrade", "websocket"), ("Connection", "Upgrade")] {
        if !headers.has_token(header, token) {
            return Err(Refusal::NoUpgrade { header, token });
        }
    }
    if headers.one("Sec-WebSocket-Version")? != "13" {
        return Err(Refusal::WebSocketVersion);
    }
    let key = headers.one("Sec-WebSocket-Key")?;
    match data_encoding::BASE64.decode(key.as_bytes()) {
        Ok(bytes) if bytes.len() == KEY_BYTES => Ok(derive_accept_key(key.as_bytes())),
        _ => Err(Refusal::Key),
    }
}

/// The headers of a request.
struct Headers<'a>(&'a [httparse::Header<'a>]);

impl<'a> Headers<'a> {
    fn all(&self, name: &'static str) -> impl Iterator<Item = &'a [u8]> {
        let named = self.0.iter().filter(move |header| header.name.eq_ignore_ascii_case(name));
        named.map(|header| header.value)
    }

    /// The value of a header that may come once.
    fn at_most_one(&self, name: &'static str) -> Result<Option<&'a str>, Refusal> {
        let mut values = self.all(name);
        let Some(value) = values.next() else { return Ok(None) };
        if values.next().is_some() {
            return Err(Refusal::RepeatedHeader(name));
        }
        let text = str::from_utf8(value).ok().filter(|text| text.is_ascii());
        let text = text.ok_or(Refusal::HeaderNotAscii(name))?;
        Ok(Some(text.trim()))
    }

    /// The value of a header that has to come once.
    fn one(&self, name: &'static str) -> Result<&'a str, Refusal> {
        let value = self.at_most_one(name)?;
        value.ok_or(Refusal::MissingHeader(name))
    }

    /// The items of a list header, which may come in several lines.
    fn items(&self, name: &'static str) -> impl Iterator<Item = &'a str> {
        let lists = self.all(name).filter_map(|value| str::from_utf8(value).ok());
        lists.flat_map(|list| list.split(',')).map(str::trim).filter(|item| !item.is_empty())
    }

    /// Whether a list header has a token.
    fn has_token(&self, name: &'static str, token: &str) -> bool {
        self.items(name).any(|item| item.eq_ignore_ascii_case(token))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "GET /ticks?connection=3&symbols=AAPL HTTP/1.1\r\nHost: x\r\n\
        Upgrade: WebSocket\r\nConnection: keep-alive\r\nConnection: upgrade\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

    #[test]
    fn the_request_of_the_rfc_gets_the_answer_of_the_rfc() {
        let request = Request::parse(GOOD.as_bytes()).ok().flatten().unwrap();
        assert_eq!((request.connection, request.value("symbols")), (3, Some("AAPL")));
        let answer = |chosen| String::from_utf8(request.acceptance(chosen)).unwrap();
        let accept = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
        assert!(answer(None).ends_with(&format!("{accept}\r\n")));
        let chosen = "Sec-WebSocket-Protocol: ticks\r\n";
        assert!(answer(Some("ticks")).ends_with(&format!("{accept}{chosen}\r\n")));
    }

    #[test]
    fn subprotocols_come_in_one_header_or_in_several() {
        let offers = "Sec-WebSocket-Protocol: a , b\r\nX: y\r\nsec-websocket-protocol: ,c\r\n\r\n";
        let text = format!("{}{offers}", GOOD.strip_suffix("\r\n").unwrap());
        let request = Request::parse(text.as_bytes()).ok().flatten().unwrap();
        assert_eq!(request.subprotocols, ["a", "b", "c"]);
    }

    #[test]
    fn an_incomplete_request_is_not_refused() {
        for len in 0..GOOD.len() {
            assert!(matches!(Request::parse(&GOOD.as_bytes()[..len]), Ok(None)), "{len} bytes");
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic() {
        proptest::proptest!(|(bytes: Vec<u8>, at in 0..GOOD.len())| {
            let _ = Request::parse(&bytes);
            let _ = Request::parse(&[&GOOD.as_bytes()[..at], &bytes].concat());
        });
    }
}
