//! Too many, too much, too slow: a good client gets on, and the server's memory
//! stays below a bound.

mod asking;
mod common;
mod witness;

use asking::{asked, open, read_answer, with};
use common::{ByHand, connect};
use std::io::{ErrorKind, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};
use tick_server::accept::request::HEAD_BYTES;
use tungstenite::Message;
use witness::{Witness, memory_kib};

/// What a siege may cost at its peak, beyond a server with one client.
const BOUND_KIB: u64 = 16 * 1024;
/// A masked ping with the longest payload, of zeros under the key 0.
const PING: [u8; 131] = {
    let mut frame = [0; 131];
    frame[0] = 0x89;
    frame[1] = 0x80 | 125;
    frame
};

struct Siege {
    server: ByHand,
    witness: Witness,
    before_kib: u64,
}

impl Siege {
    fn new() -> Self {
        let server = ByHand::new(&["--rate", "5000"]);
        let witness = Witness::new(&server.url);
        let before_kib = memory_kib(server.process.id(), "VmRSS");
        Self { server, witness, before_kib }
    }

    /// The good client gets on, another comes in, and the peak was within its bound.
    fn end_after(self, what: &str) {
        self.witness.is_served_after(what);
        assert!(connect(&self.server.url).read().is_ok());
        self.witness.leave();
        let grown = memory_kib(self.server.process.id(), "VmHWM") - self.before_kib;
        println!("{what}: {grown} KiB at the peak");
        assert!(grown < BOUND_KIB, "{what} took {grown} KiB");
    }
}

/// As fast as four threads can; half of them reset, the others just close.
#[test]
fn ten_thousand_connects_are_stood() {
    let siege = Siege::new();
    let address = siege.server.address();
    let began = Instant::now();
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for n in 0..2500 {
                    let socket = TcpStream::connect(&address).unwrap();
                    let linger = (n % 2 == 0).then_some(Duration::ZERO);
                    socket2::SockRef::from(&socket).set_linger(linger).unwrap();
                }
            });
        }
    });
    println!("{:.0} connects a second", 10_000.0 / began.elapsed().as_secs_f64());
    siege.end_after("10 000 connects");
}

/// The same with whole handshakes: each comes in, and leaves without a word.
#[test]
fn thousands_that_come_in_and_leave_are_stood() {
    let mut siege = Siege::new();
    let address = siege.server.address();
    let request = asked().to_bytes();
    let began = Instant::now();
    std::thread::scope(|scope| {
        // A server whose words nobody takes would have to wait with them.
        scope.spawn(|| (0..2_000).for_each(|_| drop(siege.server.hear("left"))));
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..500 {
                    let mut socket = open(&address);
                    socket.write_all(&request).unwrap();
                    assert_eq!(read_answer(&mut socket).status, 101);
                }
            });
        }
    });
    println!("{:.0} handshakes a second", 2_000.0 / began.elapsed().as_secs_f64());
    siege.end_after("2 000 handshakes");
}

/// As many as there are handshakes at a time, each one byte short of the most.
#[test]
fn half_requests_are_stood() {
    let siege = Siege::new();
    let half = [&b"GET /ticks HTTP/1.1\r\nX: "[..], &vec![b'x'; HEAD_BYTES - 30]].concat();
    let halves: Vec<TcpStream> = (0..256)
        .map(|_| {
            let mut socket = open(&siege.server.address());
            socket.write_all(&half).unwrap();
            socket
        })
        .collect();
    siege.witness.is_served_after("256 half requests");
    // Their deadline gives their places to others, though they stay.
    let mut newcomer = connect(&siege.server.url);
    assert!(newcomer.read().unwrap().is_binary());
    drop((halves, newcomer));
    siege.end_after("256 half requests");
}

#[test]
fn long_requests_are_stood() {
    let siege = Siege::new();
    let long = with("X", &"x".repeat(1024 * 1024)).to_bytes();
    let address = siege.server.address();
    std::thread::scope(|scope| {
        for _ in 0..64 {
            scope.spawn(|| {
                let mut socket = open(&address);
                socket.write_all(&long).unwrap();
                assert_eq!(read_answer(&mut socket).status, 431);
            });
        }
    });
    siege.end_after("64 requests of 1 MiB");
}

/// Pings without end, and no pong is read: the server ends it.
#[test]
fn a_ping_flood_whose_pongs_nobody_reads_is_ended() {
    unread_pongs(&PING.repeat(100));
}

/// A pong of two bytes has to be remembered until it is acknowledged, too.
#[test]
fn a_flood_of_empty_pings_takes_no_more_memory() {
    unread_pongs(&[0x89, 0x80, 0, 0, 0, 0].repeat(2_000));
}

fn unread_pongs(pings: &[u8]) {
    let mut siege = Siege::new();
    let mut socket = connect(&siege.server.url);
    let raw = socket.get_mut();
    raw.set_write_timeout(Some(Duration::from_secs(60))).unwrap();
    let limit = Instant::now() + Duration::from_secs(60);
    let error = loop {
        if let Err(error) = raw.write_all(pings) {
            break error;
        }
        assert!(Instant::now() < limit, "nobody ends it");
    };
    assert!([ErrorKind::BrokenPipe, ErrorKind::ConnectionReset].contains(&error.kind()), "{error}");
    let said = siege.server.hear("left");
    assert!(said.contains("1008") && said.contains("pongs wait"), "{said}");
    siege.end_after("a ping flood");
}

/// One that reads its pongs may ask as often as it likes.
#[test]
fn every_ping_of_a_flood_that_is_read_is_answered() {
    let siege = Siege::new();
    let mut socket = connect(&siege.server.url);
    let mut writer = socket.get_ref().try_clone().unwrap();
    let flood = std::thread::spawn(move || writer.write_all(&PING.repeat(20_000)));
    let mut pongs = 0;
    while pongs < 20_000 {
        pongs += usize::from(matches!(socket.read().unwrap(), Message::Pong(_)));
    }
    flood.join().unwrap().unwrap();
    siege.end_after("20 000 pings");
}

/// Fragments that never make a message: no turn is spent on them alone.
#[test]
fn a_flood_of_empty_fragments_is_only_read() {
    let siege = Siege::new();
    let mut socket = connect(&siege.server.url);
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
    siege.witness.is_served_after("its begin");
    assert_eq!(common::read_all(&mut socket).1, 1008);
    flood.join().unwrap();
    siege.end_after("500 000 empty fragments");
}

/// Each is sent away at its first text, and what is behind it is thrown away.
#[test]
fn text_floods_are_stood() {
    let siege = Siege::new();
    let text = [&[0x81, 0xfe, 0xff, 0xff, 0, 0, 0, 0][..], &[b'x'; 0xffff]].concat();
    let address = siege.server.url.clone();
    std::thread::scope(|scope| {
        for _ in 0..32 {
            scope.spawn(|| {
                let mut socket = connect(&address);
                let mut writer = socket.get_ref().try_clone().unwrap();
                // Until the server has had enough of it.
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
    siege.end_after("32 text floods");
}
