//! Requests for a WebSocket, case by case after RFC 6455, section 4, and RFC 9112. Every
//! case is sent as raw bytes, and if hyper can send it, by hyper; after each, another client
//! still has to be served.

mod common;
mod reference_client;
mod requests;

use common::standalone::Standalone;
use http_body_util::{BodyExt, Empty};
use hyper::body::Bytes;
use reference_client::ReferenceClient;
use requests::{Answer, KEY, Request, answer_to, good, target, with, without};

/// What is sent.
enum Sent {
    /// A request, which hyper can send too.
    Request(Request),
    /// Raw bytes only.
    Bytes(Vec<u8>),
}

struct Case {
    name: &'static str,
    section: &'static str,
    sent: Sent,
    status: u16,
    /// A header that has to be in the answer.
    header: &'static str,
}

fn case(name: &'static str, section: &'static str, request: Request, status: u16) -> Case {
    Case { name, section, sent: Sent::Request(request), status, header: "" }
}

fn bytes(name: &'static str, section: &'static str, bytes: impl AsRef<[u8]>, status: u16) -> Case {
    let sent = Sent::Bytes(bytes.as_ref().to_vec());
    Case { name, section, sent, status, header: "" }
}

/// Requests that are accepted.
fn accepted() -> Vec<Case> {
    let accept = Case {
        header: "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
        ..case("the example of the RFC", "RFC 6455, 1.3", good(), 101)
    };
    let mut others = vec![
        case("a query", "RFC 6455, 3", target("/ticks?connection=7&x"), 101),
        case("a whole URL", "RFC 9112, 3.2.2", target("http://127.0.0.1/ticks?a=b"), 101),
        case("the token in another case", "RFC 6455, 4.2.1", with("Upgrade", "WebSocket"), 101),
        case("a list of tokens", "RFC 6455, 4.2.1", with("Connection", "keep-alive, upgrade"), 101),
        case("an origin", "RFC 6455, 10.2", with("Origin", "https://a.example"), 101),
        case("extensions", "RFC 6455, 9.1", with("Sec-WebSocket-Extensions", "x"), 101),
    ];
    let small = String::from_utf8(good().to_bytes()).unwrap().to_lowercase();
    let small = small.replace("get", "GET").replace("http/", "HTTP/");
    let small = small.replace(&KEY.to_lowercase(), KEY);
    others.push(bytes("lower case", "RFC 9110, 5.1", small, 101));
    others.push(accept);
    others
}

/// What lacks something that RFC 6455, 4.2.1, asks for.
fn headers() -> Vec<Case> {
    let version = |name, value| Case {
        header: "sec-websocket-version: 13",
        ..case(name, "RFC 6455, 4.4", with("Sec-WebSocket-Version", value), 426)
    };
    let key = |name, value| case(name, "RFC 6455, 4.1", with("Sec-WebSocket-Key", value), 400);
    let twice = |name, header, value| case(name, "RFC 6455, 11.3", good().and(header, value), 400);
    vec![
        case("no Host", "RFC 9112, 3.2", without("Host"), 400),
        case("no Upgrade", "RFC 6455, 4.2.1", without("Upgrade"), 400),
        case("another Upgrade", "RFC 6455, 4.2.1", with("Upgrade", "h2c"), 400),
        case("no Connection", "RFC 6455, 4.2.1", without("Connection"), 400),
        case("another Connection", "RFC 6455, 4.2.1", with("Connection", "keep-alive"), 400),
        case("no version", "RFC 6455, 4.2.1", without("Sec-WebSocket-Version"), 400),
        version("version 8", "8"),
        version("version 14", "14"),
        version("two versions in one", "13, 8"),
        version("a version that is not a number", "thirteen"),
        case("no key", "RFC 6455, 4.2.1", without("Sec-WebSocket-Key"), 400),
        key("an empty key", ""),
        key("a key that is not base64", "this is not base64 at all"),
        key("a key of 15 bytes", "AAAAAAAAAAAAAAAAAAAA"),
        key("a key of 17 bytes", "AAAAAAAAAAAAAAAAAAAAAAA="),
        key("a key with stray bits", "AAAAAAAAAAAAAAAAAAAAAB=="),
        twice("two hosts", "Host", "b"),
        twice("two keys", "Sec-WebSocket-Key", KEY),
        twice("two versions", "Sec-WebSocket-Version", "13"),
        case("two origins", "RFC 6454, 7.3", good().and("Origin", "a").and("Origin", "b"), 400),
        case("a body by length", "RFC 6455, 4.1", good().and("Content-Length", "5"), 400),
        case("a body in chunks", "RFC 6455, 4.1", good().and("Transfer-Encoding", "chunked"), 400),
    ]
}

/// Request lines.
fn lines() -> Vec<Case> {
    let method = |name, method| Case {
        header: "allow: GET",
        ..case(name, "RFC 9110, 15.5.6", Request { method, ..good() }, 405)
    };
    let version = |version| Request { version, ..good() }.to_bytes();
    vec![
        method("POST", "POST"),
        method("HEAD", "HEAD"),
        method("OPTIONS", "OPTIONS"),
        method("an unknown method", "BREW"),
        case("the root", "RFC 6455, 4.2.2", target("/"), 404),
        case("a path below", "RFC 6455, 4.2.2", target("/ticks/"), 404),
        case("the path in another case", "RFC 6455, 4.2.2", target("/TICKS"), 404),
        case("a path upwards", "RFC 6455, 4.2.2", target("/x/../ticks"), 404),
        case(
            "a connection that is not a number",
            "this server",
            target("/ticks?connection=one"),
            400,
        ),
        case("a negative connection", "this server", target("/ticks?connection=-1"), 400),
        bytes("HTTP/1.0", "RFC 6455, 4.1", version("HTTP/1.0"), 505),
        bytes("HTTP/2.0", "RFC 9110, 15.6.6", version("HTTP/2.0"), 505),
        bytes("HTTP/9.9", "RFC 9110, 15.6.6", version("HTTP/9.9"), 505),
        bytes(
            "HTTP/2 by prior knowledge",
            "RFC 9113, 3.4",
            "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
            505,
        ),
        bytes("no version", "RFC 1945, 4.1", "GET /ticks\r\n\r\n", 400),
        bytes("not a request", "RFC 9112, 3", "hello there\r\n\r\n", 400),
        bytes("a TLS handshake", "RFC 8446, 5.1", [22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3, 7, 7], 400),
        bytes("arbitrary bytes", "RFC 9112, 3", [0xff; 100], 400),
        bytes("a NUL", "RFC 9110, 5.5", "GET /ticks HTTP/1.1\r\nHost: \0\r\n\r\n", 400),
        bytes("a bare CR", "RFC 9112, 2.2", "GET /ticks HTTP/1.1\r\nHost: a\rb\r\n\r\n", 400),
        bytes(
            "a folded line",
            "RFC 9112, 5.2",
            "GET /ticks HTTP/1.1\r\nHost: a\r\n b\r\n\r\n",
            400,
        ),
        bytes(
            "a space before the colon",
            "RFC 9112, 5.1",
            "GET / HTTP/1.1\r\nHost : a\r\n\r\n",
            400,
        ),
        bytes(
            "a host that is not ASCII",
            "RFC 9112, 3.2",
            b"GET /ticks HTTP/1.1\r\nHost: \xff\r\n\r\n",
            400,
        ),
    ]
}

/// Lengths, and bytes after the request.
fn sizes() -> Vec<Case> {
    let many = |count| (0..count).fold(good(), |request, n| request.and(&format!("X-{n}"), "1"));
    let long = |bytes| with("X-Long", &"x".repeat(bytes));
    let early = |bytes: &[u8]| [&good().to_bytes(), bytes].concat();
    vec![
        case("the most headers", "RFC 6585, 5", many(64 - 5), 101),
        case("one header more", "RFC 6585, 5", many(64 - 4), 431),
        case("a thousand headers", "RFC 6585, 5", many(1000), 431),
        case("a long header", "RFC 6585, 5", long(15_000), 101),
        case("a header of 17 KiB", "RFC 6585, 5", long(17 * 1024), 431),
        case("a header of 1 MiB", "RFC 6585, 5", long(1024 * 1024), 431),
        case("a URL of 64 KiB", "RFC 9112, 3", target(&format!("/{}", "x".repeat(65_000))), 431),
        bytes("a frame after the request", "RFC 6455, 4.1", early(&[0x89, 0x80, 1, 2, 3, 4]), 400),
        bytes("a second request after it", "RFC 6455, 4.1", early(&good().to_bytes()), 400),
        bytes("one byte after it", "RFC 6455, 4.1", early(b"\n"), 400),
        bytes("a body with POST", "RFC 9110, 15.5.6", "POST /ticks HTTP/1.1\r\n\r\nbody", 405),
    ]
}

fn all() -> Vec<Case> {
    [accepted(), headers(), lines(), sizes()].into_iter().flatten().collect()
}

impl Answer {
    fn check(&self, case: &Case, by: &str) {
        let Case { name, section, status, header, .. } = case;
        let Self { status: got, headers, body } = self;
        assert_eq!(got, status, "{name} ({section}) by {by}");
        let has = |header: &str| headers.iter().any(|other| other == header);
        assert!(header.is_empty() || has(header), "{name} by {by}: {headers:?}");
        if *status != 101 {
            // One line of text, and the connection is closed.
            assert!(has("connection: close"), "{name} by {by}: {headers:?}");
            let text = str::from_utf8(body).unwrap();
            assert!(text.ends_with('\n') && text.lines().count() == 1, "{name} by {by}: {text}");
        }
    }
}

async fn answer_to_hyper(address: &str, sent: &Request) -> Answer {
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let stream = hyper_util::rt::TokioIo::new(stream);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(stream).await.unwrap();
    tokio::spawn(connection.with_upgrades());
    let mut request = hyper::Request::builder().method(sent.method).uri(&sent.target);
    for (name, value) in &sent.headers {
        request = request.header(name, value);
    }
    let request = request.body(Empty::<Bytes>::new()).unwrap();
    let response = sender.send_request(request).await.unwrap();
    let status = response.status().as_u16();
    let headers = response.headers().iter();
    let headers = headers.map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()));
    let headers = headers.collect();
    let body = match status {
        101 => Vec::new(),
        _ => response.into_body().collect().await.unwrap().to_bytes().to_vec(),
    };
    Answer { status, headers, body }
}

#[test]
fn every_request_gets_its_status() {
    let server = Standalone::new(&["--rate", "2000"]);
    let reference = ReferenceClient::new(&server.url);
    for case in all() {
        let bytes = match &case.sent {
            Sent::Request(request) => request.to_bytes(),
            Sent::Bytes(bytes) => bytes.clone(),
        };
        answer_to(server.address(), &bytes).check(&case, "bytes");
        reference.assert_served_after(case.name);
    }
    reference.leave();
}

#[test]
fn every_request_that_hyper_can_send_gets_its_status() {
    let server = Standalone::new(&["--rate", "2000"]);
    let reference = ReferenceClient::new(&server.url);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for case in all() {
        let Sent::Request(request) = &case.sent else { continue };
        // hyper decides about bodies itself, and answers to HEAD have none.
        let has_body = |(name, _): &(String, String)| {
            ["Content-Length", "Transfer-Encoding"].contains(&name.as_str())
        };
        if request.method == "HEAD" || request.headers.iter().any(has_body) {
            continue;
        }
        runtime.block_on(answer_to_hyper(server.address(), request)).check(&case, "hyper");
        reference.assert_served_after(case.name);
    }
    reference.leave();
}
