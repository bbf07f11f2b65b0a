//! Stress tests with hostile clients: another client is still served, and the memory of the
//! server stays within a bound.

mod common;
mod reference_client;
mod requests;

use common::PATIENCE;
use common::clients::{connect, connect_narrow, dial, reset_on_drop};
use common::standalone::Standalone;
use reference_client::{ReferenceClient, memory_kib};
use requests::{good, read_answer, with};
use std::io::{ErrorKind, Write};
use std::net::TcpStream;
use std::time::Instant;
use tick_server::accept::refusal::HEAD_BYTES;
use tungstenite::Message;

/// The memory that a test may take at its peak, beyond that of a server with one client.
const BOUND_KIB: u64 = 16 * 1024;
/// A masked ping with the longest payload, of zeros under the key 0.
const PING: [u8; 131] = {
    let mut frame = [0; 131];
    frame[0] = 0x89;
    frame[1] = 0x80 | 125;
    frame
};

struct StressTest {
    server: Standalone,
    reference: ReferenceClient,
    before_kib: u64,
}

impl StressTest {
    fn new(args: &[&str]) -> Self {
        let server = Standalone::new(&[&["--rate", "5000"], args].concat());
        let reference = ReferenceClient::new(&server.url);
        let before_kib = memory_kib(server.process.child.id(), "VmRSS");
        Self { server, reference, before_kib }
    }

    /// The reference client is served, another client can connect, and the peak of memory
    /// is within its bound.
    fn finish(self, what: &str) {
        self.reference.assert_served_after(what);
        assert!(connect(&self.server.url).read().is_ok());
        self.reference.leave();
        let grown = memory_kib(self.server.process.child.id(), "VmHWM") - self.before_kib;
        println!("{what}: {grown} KiB at the peak");
        assert!(grown < BOUND_KIB, "{what} took {grown} KiB");
    }
}

/// As fast as four threads can; half of the connections are reset, the others closed.
#[test]
fn ten_thousand_connects_without_a_request() {
    let test = StressTest::new(&[]);
    let address = test.server.address().to_owned();
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for n in 0..2500 {
                    let socket = TcpStream::connect(&address).unwrap();
                    if n % 2 == 0 {
                        reset_on_drop(&socket);
                    }
                }
            });
        }
    });
    println!("{:.0} connects per second", 10_000.0 / began.elapsed().as_secs_f64());
    test.finish("10 000 connects");
}

/// Each client leaves without a close frame.
#[test]
fn two_thousand_handshakes() {
    let test = StressTest::new(&[]);
    let address = test.server.address().to_owned();
    let request = good().to_bytes();
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..500 {
                    let mut socket = dial(&address, None);
                    socket.write_all(&request).unwrap();
                    assert_eq!(read_answer(&mut socket).status, 101);
                }
            });
        }
    });
    println!("{:.0} handshakes per second", 2_000.0 / began.elapsed().as_secs_f64());
    test.finish("2 000 handshakes");
}

/// As many as there may be handshakes at a time, each almost as long as a request may be.
#[test]
fn incomplete_requests() {
    let test = StressTest::new(&[]);
    let incomplete = [&b"GET /ticks HTTP/1.1\r\nX: "[..], &vec![b'x'; HEAD_BYTES - 30]].concat();
    let clients: Vec<TcpStream> = (0..256)
        .map(|_| {
            let mut socket = dial(test.server.address(), None);
            socket.write_all(&incomplete).unwrap();
            socket
        })
        .collect();
    test.reference.assert_served_after("256 incomplete requests");
    drop(clients);
    test.finish("256 incomplete requests");
}

#[test]
fn requests_of_a_mebibyte() {
    let test = StressTest::new(&[]);
    let long = with("X", &"x".repeat(1024 * 1024)).to_bytes();
    let address = test.server.address().to_owned();
    std::thread::scope(|scope| {
        for _ in 0..64 {
            scope.spawn(|| {
                let mut socket = dial(&address, None);
                socket.write_all(&long).unwrap();
                assert_eq!(read_answer(&mut socket).status, 431);
            });
        }
    });
    test.finish("64 requests of 1 MiB");
}

#[test]
fn a_client_that_sends_pings_and_reads_no_pongs_is_closed() {
    send_unread_pings(&PING.repeat(100));
}

/// Pongs of two bytes take no more memory than long ones, though each has to be remembered
/// until it is acknowledged.
#[test]
fn a_client_that_sends_empty_pings_and_reads_no_pongs_is_closed() {
    send_unread_pings(&[0x89, 0x80, 0, 0, 0, 0].repeat(2_000));
}

/// With small buffers, so that the pongs soon wait in the server.
fn send_unread_pings(pings: &[u8]) {
    let mut test = StressTest::new(&["--send-buffer", "100000"]);
    let mut socket = connect_narrow(&test.server.url, 16_384);
    let peer = socket.get_ref().local_addr().unwrap();
    let raw = socket.get_mut();
    let limit = Instant::now() + PATIENCE;
    let error = loop {
        if let Err(error) = raw.write_all(pings) {
            break error;
        }
        assert!(Instant::now() < limit, "it is not closed");
    };
    assert!([ErrorKind::BrokenPipe, ErrorKind::ConnectionReset].contains(&error.kind()), "{error}");
    let left = test.server.wait_for_left_of(peer);
    assert!(
        left.reason == "protocol_error" && left.why.contains("pongs and answers wait"),
        "{left:?}"
    );
    test.finish("a ping flood");
}

#[test]
fn every_ping_of_a_client_that_reads_pongs_is_answered() {
    let test = StressTest::new(&[]);
    let mut socket = connect(&test.server.url);
    let mut writer = socket.get_ref().try_clone().unwrap();
    let flood = std::thread::spawn(move || writer.write_all(&PING.repeat(20_000)));
    let mut pongs = 0;
    while pongs < 20_000 {
        pongs += usize::from(matches!(socket.read().unwrap(), Message::Pong(_)));
    }
    flood.join().unwrap().unwrap();
    test.finish("20 000 pings");
}

/// The schedule goes on while they are read.
#[test]
fn half_a_million_empty_fragments_of_one_message() {
    let test = StressTest::new(&[]);
    let mut socket = connect(&test.server.url);
    let mut writer = socket.get_ref().try_clone().unwrap();
    let flood = std::thread::spawn(move || {
        let begin = [0x01, 0x80, 0, 0, 0, 0];
        let middle = [0x00, 0x80, 0, 0, 0, 0].repeat(1000);
        writer.write_all(&begin).unwrap();
        for _ in 0..500 {
            writer.write_all(&middle).unwrap();
        }
        writer.write_all(&[0x80, 0x80, 0, 0, 0, 0]).unwrap();
    });
    test.reference.assert_served_after("the first fragments");
    let answer = loop {
        if let Message::Text(answer) = socket.read().unwrap() {
            break answer;
        }
    };
    assert!(answer.contains("unknown_request"), "{answer}");
    flood.join().unwrap();
    test.finish("500 000 empty fragments");
}

/// Each client is closed when it has sent too many, and what it sends afterwards is discarded.
#[test]
fn clients_that_send_long_texts_without_end() {
    let test = StressTest::new(&[]);
    let text = [&[0x81, 0xfe, 0xff, 0xff, 0, 0, 0, 0][..], &[b'x'; 0xffff]].concat();
    let address = test.server.url.clone();
    std::thread::scope(|scope| {
        for _ in 0..32 {
            scope.spawn(|| {
                let mut socket = connect(&address);
                let mut writer = socket.get_ref().try_clone().unwrap();
                // Until the server closes the socket.
                let text = &text;
                let flood = scope.spawn(move || while writer.write_all(text).is_ok() {});
                let mut code = 0;
                while let Ok(message) = socket.read() {
                    if let Message::Close(Some(frame)) = message {
                        code = frame.code.into();
                    }
                }
                assert_eq!(code, 1008);
                drop(socket);
                flood.join().unwrap();
            });
        }
    });
    test.finish("32 text floods");
}
