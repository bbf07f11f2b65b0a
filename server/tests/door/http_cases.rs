//! HTTP of all kinds, sent as raw bytes to the port of ticks and to that of metrics: each case
//! with its answer. After each, another client is still served.

use crate::common::PATIENCE;
use crate::common::clients::dial;
use crate::common::http::{request, serve_with_metrics};
use crate::reference_client::ReferenceClient;
use crate::requests::good;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::time::{Duration, Instant};

/// A request, and how its client goes on.
struct Case {
    name: &'static str,
    sent: Vec<u8>,
    /// The client closes its side after the request.
    half_closed: bool,
    /// Status; 0: the connection is closed without an answer.
    status: u16,
}

fn case(name: &'static str, sent: impl AsRef<[u8]>, status: u16) -> Case {
    Case { name, sent: sent.as_ref().to_vec(), half_closed: false, status }
}

fn half_closed(name: &'static str, sent: impl AsRef<[u8]>, status: u16) -> Case {
    Case { half_closed: true, ..case(name, sent, status) }
}

/// The status of the answer, and the answer; 0 without one.
fn answer(address: &str, case: &Case) -> (u16, String) {
    let mut socket = dial(address, None);
    // The server may close before the end of what is sent.
    let _ = socket.write_all(&case.sent);
    if case.half_closed {
        let _ = socket.shutdown(Shutdown::Write);
    }
    read_head(&mut socket)
}

/// Reads to the end of the head, or of the connection.
fn read_head(socket: &mut TcpStream) -> (u16, String) {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") && matches!(socket.read(&mut byte), Ok(1)) {
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let status = head.split(' ').nth(1).map_or(0, |status| status.parse().unwrap());
    (status, head)
}

fn ticks_cases() -> Vec<Case> {
    let good = String::from_utf8(good().to_bytes()).unwrap();
    let with = |line: &str| good.replace("\r\n\r\n", &format!("\r\n{line}\r\n\r\n"));
    let line = |line: &str| good.replace("GET /ticks HTTP/1.1", line);
    let mixed = good.replace("Upgrade:", "uPGRADE:").replace("Host:", "hOsT:");
    let mixed = mixed.replace("Sec-WebSocket-Key:", "SEC-WEBSOCKET-KEY:");
    vec![
        case("a request", &good, 101),
        half_closed("a request of a client that then closes its side", &good, 101),
        half_closed("a part of a request, then the end", &good[..40], 400),
        half_closed("the end before a request", "", 0),
        case("Expect: 100-continue", with("Expect: 100-continue"), 101),
        case("HTTP/1.0", line("GET /ticks HTTP/1.0"), 505),
        case("CONNECT", line("CONNECT 127.0.0.1:443 HTTP/1.1"), 405),
        case("OPTIONS *", line("OPTIONS * HTTP/1.1"), 405),
        case("an absolute target", line("GET http://x/ticks HTTP/1.1"), 101),
        case("an absolute target of a WebSocket", line("GET ws://x:1/ticks HTTP/1.1"), 101),
        case("an absolute target with another path", line("GET http://x/other HTTP/1.1"), 404),
        case("a target that is an authority", line("GET 127.0.0.1:443 HTTP/1.1"), 404),
        case("header names in any case", mixed, 101),
        case("empty lines before it", format!("\r\n\r\n{good}"), 101),
        case("line feeds alone", good.replace("\r\n", "\n"), 101),
        case("64 kB of headers", with(&format!("X: {}", "x".repeat(64_000))), 431),
        case("a scrape", "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", 404),
    ]
}

fn metrics_cases() -> Vec<Case> {
    let get = |target: &str| format!("GET {target} HTTP/1.1\r\nHost: x\r\n\r\n");
    let long = format!("GET /metrics HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(64_000));
    let many: String = (0..200).map(|n| format!("X-{n}: 1\r\n")).collect();
    vec![
        case("a scrape", get("/metrics"), 200),
        half_closed("a scrape of a client that then closes its side", get("/metrics"), 200),
        half_closed("a part of a request, then the end", &get("/metrics")[..20], 0),
        case("HTTP/1.0", "GET /metrics HTTP/1.0\r\n\r\n", 200),
        case("HTTP/1.0 without the version", "GET /metrics\r\n\r\n", 400),
        case("HTTP/2 by prior knowledge", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 0),
        case(
            "Expect: 100-continue",
            "GET /metrics HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\n\r\n",
            200,
        ),
        case(
            "Expect: 100-continue with a body",
            "POST /metrics HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 9\r\n\r\n",
            405,
        ),
        case("CONNECT", "CONNECT 127.0.0.1:443 HTTP/1.1\r\nHost: x\r\n\r\n", 405),
        case("OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: x\r\n\r\n", 405),
        case("an absolute target", get("http://example.com/metrics"), 200),
        case("an absolute target with another path", get("http://example.com/other"), 404),
        case("a query", get("/metrics?name[]=x"), 200),
        case(
            "header names in any case",
            "GET /metrics HTTP/1.1\r\nhOST: x\r\naCCEPT: */*\r\n\r\n",
            200,
        ),
        case("64 kB of headers", long, 431),
        case("200 headers", format!("GET /metrics HTTP/1.1\r\n{many}\r\n"), 431),
        case(
            "a length and chunks",
            "GET /metrics HTTP/1.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
            400,
        ),
        case("a WebSocket", good().to_bytes(), 404),
        case("a TLS handshake", [22, 3, 1, 2, 0, 1, 0, 1, 252, 3, 3, 7, 7], 400),
    ]
}

#[test]
fn every_request_gets_its_answer_at_both_ports() {
    let (server, metrics) = serve_with_metrics(&["--rate", "2000"]);
    let reference = ReferenceClient::new(&server.url);
    let mut wrong = Vec::new();
    let ticks = server.address().to_owned();
    for (address, cases) in [(&ticks, ticks_cases()), (&metrics, metrics_cases())] {
        for case in cases {
            let (status, head) = answer(address, &case);
            // A length and chunks at once may be refused, or the length be ignored (RFC 9112, 6.3).
            let allowed = case.name == "a length and chunks" && status == 200;
            if status != case.status && !allowed {
                wrong.push(format!("{}: {status}, not {}: {head}", case.name, case.status));
            }
            assert!(!head.contains("100 Continue"), "{}: {head}", case.name);
            reference.assert_served_after(case.name);
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    assert_eq!(request(&metrics, "GET", "/metrics", "").status, 200);
    reference.leave();
}

/// Until the server has had enough: at the deadline of the handshake, or of the connection.
#[test]
fn headers_that_come_byte_by_byte_end_at_the_deadline() {
    let (server, metrics) = serve_with_metrics(&["--rate", "2000"]);
    let reference = ReferenceClient::new(&server.url);
    let drip = |address: &str| {
        let mut socket = dial(address, None);
        socket.write_all(b"GET /ticks HTTP/1.1\r\nX: ").unwrap();
        let limit = Instant::now() + PATIENCE;
        socket.set_read_timeout(Some(Duration::from_millis(20))).unwrap();
        let mut byte = [0];
        loop {
            assert!(Instant::now() < limit, "it is not ended");
            // The answer may come at any time.
            match socket.read(&mut byte) {
                Ok(0) => return (0, String::new()),
                Ok(_) => break,
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(_) => return (0, String::new()),
            }
            let _ = socket.write_all(b"x");
        }
        socket.set_read_timeout(Some(PATIENCE)).unwrap();
        let (status, head) = read_head(&mut socket);
        (status, format!("{}{head}", byte[0] as char))
    };
    assert_eq!(drip(server.address()).0, 408);
    assert_eq!(drip(&metrics).0, 0);
    reference.assert_served_after("bytes one by one");
    reference.leave();
}

/// As many as a careless script sends: nobody else is kept out, and the ticks go on.
#[test]
fn a_hundred_thousand_scrapes_are_answered() {
    let (server, metrics) = serve_with_metrics(&["--rate", "2000"]);
    let reference = ReferenceClient::new(&server.url);
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                let mut answered = 0;
                while answered < 25_000 {
                    answered += pipelined(&metrics, (25_000 - answered).min(1_000));
                    assert!(began.elapsed() < 4 * PATIENCE, "{answered} answered");
                }
            });
        }
    });
    println!("100 000 scrapes in {:?}", began.elapsed());
    reference.assert_served_after("100 000 scrapes");
    assert_eq!(request(&metrics, "GET", "/metrics", "").status, 200);
    reference.leave();
}

/// Sends requests without waiting for answers; gives how many were answered before the server
/// closed the connection, at its deadline.
fn pipelined(address: &str, count: usize) -> usize {
    let mut socket = dial(address, None);
    let mut writer = socket.try_clone().unwrap();
    let requests = b"HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n".repeat(count);
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let _ = writer.write_all(&requests);
            let _ = writer.shutdown(Shutdown::Write);
        });
        let mut answers = Vec::new();
        let _ = socket.read_to_end(&mut answers);
        answers.windows(15).filter(|bytes| *bytes == b"HTTP/1.1 200 OK").count()
    })
}
