//! The standalone server, with several clients of all kinds.

mod common;

use common::clients::{
    connect, connect_narrow, dial, is_ascending_without_gaps, next_seq, read_all, read_slowly,
    reset_on_drop, seq,
};
use common::events::Event;
use common::http::{scrape_until, serve_with_metrics};
use common::standalone::{Standalone, command, refusal_of};
use nix::sys::signal::Signal;
use std::io::{Read, Write};
use std::net::TcpStream;
use tick::{Format, Market, cents};
use tungstenite::{Message, WebSocket};

#[test]
fn ctrl_c_closes_every_client_with_1001() {
    let server = Standalone::new(&["--rate", "2000", "--format", "json"]);
    let mut clients = [connect(&server.url), connect(&server.url)];
    for client in &mut clients {
        assert!(matches!(client.read().unwrap(), Message::Text(_)));
    }
    server.signal(Signal::SIGINT);
    for client in &mut clients {
        assert_eq!(read_all(client).1, 1001);
    }
    assert!(server.wait().0.success());
}

#[test]
fn a_duration_ends_with_1000() {
    let server = Standalone::new(&["--rate", "1000", "--duration", "1"]);
    let (payloads, code) = read_all(&mut connect(&server.url));
    assert_eq!(code, 1000);
    assert!(!payloads.is_empty());
    assert!(server.wait().0.success());
}

#[test]
fn a_misbehaving_client_loses_only_its_own_connection() {
    let args = ["--rate", "20000", "--send-buffer", "200000", "--duration", "2"];
    let server = Standalone::new(&args);
    let mut good = connect(&server.url);
    let never_reads = connect(&server.url);
    let vanishes = connect(&server.url);
    drop(vanishes);
    let resets = connect(&server.url);
    reset_on_drop(resets.get_ref());
    drop(resets);
    let mut sends_noise = connect(&server.url);
    sends_noise.get_mut().write_all(&[0xff; 4096]).unwrap();
    let mut sends_binary = connect(&server.url);
    sends_binary.send(Message::Binary(vec![7; 1000].into())).unwrap();
    let sends_binary = std::thread::spawn(move || read_all(&mut sends_binary));
    let mut sends_too_much = connect(&server.url);
    let _ = sends_too_much.send(Message::Binary(vec![7; 70_000].into()));
    let _silent = TcpStream::connect(server.address()).unwrap();

    let (payloads, code) = read_all(&mut good);
    assert_eq!(code, 1000);
    let market = Market::new(1);
    for payload in &payloads {
        let tick = Format::Binary.decode(payload, 0).unwrap();
        assert_eq!((tick.symbol, cents(tick.price)), market.tick(tick.seq));
    }
    assert!(is_ascending_without_gaps(&payloads));
    assert_eq!(seq(payloads.last().unwrap()), 39_999);
    assert_eq!(sends_binary.join().unwrap().1, 1003);
    drop(never_reads);
}

#[test]
fn a_slow_consumer_is_cut_off_at_the_ceiling_and_the_others_go_on() {
    let ceiling = ["--rate", "50000", "--send-buffer", "100000", "--log-ceiling", "2000000"];
    let (mut server, address) = serve_with_metrics(&ceiling);
    let mut good = connect(&server.url);
    let mut slow = connect(&server.url);
    let peer = slow.get_ref().local_addr().unwrap();
    let reader = std::thread::spawn(move || read_all(&mut good));
    scrape_until(&address, "the log grows", |page| page.get("log_bytes") > 1_500_000);
    scrape_until(&address, "the log is freed", |page| page.get("log_bytes") < 1_000_000);
    // Its close frame comes after the ticks that the kernel had taken before.
    let (payloads, code) = read_all(&mut slow);
    assert_eq!(code, 1013);
    let left = server.wait_for_left_of(peer);
    assert!(left.reason == "cut_off" && left.waiting > 60_000, "{left:?}");
    assert_eq!(left.written, payloads.len() as u64);
    server.signal(Signal::SIGTERM);
    let (others, code) = reader.join().unwrap();
    assert_eq!(code, 1001);
    assert!(is_ascending_without_gaps(&others));
    let (_, events) = server.wait();
    let Some(&Event::Total { generated, .. }) = events.last() else { panic!("{events:?}") };
    assert_eq!(seq(others.last().unwrap()), generated - 1);
}

#[test]
fn a_client_joins_at_the_newest_tick() {
    let (server, address) = serve_with_metrics(&["--rate", "10000"]);
    let mut first = connect(&server.url);
    let early = next_seq(&mut first);
    let made = |ticks| {
        scrape_until(&address, "ticks are made", |page| page.get("ticks_generated_total") >= ticks)
    };
    made(early + 500);
    let mut second = connect(&server.url);
    assert!(next_seq(&mut second) >= early + 500);
}

/// Ticks in bytes that hold complete frames of less than 126 bytes.
fn ticks_in(mut bytes: &[u8]) -> Vec<u64> {
    let mut seqs = Vec::new();
    while let [first, len, rest @ ..] = bytes {
        let (payload, rest) = rest.split_at(usize::from(*len));
        if *first == 0x82 {
            seqs.push(seq(payload));
        }
        bytes = rest;
    }
    seqs
}

#[test]
fn a_batch_has_the_ticks_that_become_due_in_its_interval() {
    let server = Standalone::new(&["--rate", "1000", "--batch-us", "100000"]);
    let mut client = connect(&server.url);
    // Up to the end of a batch: then the client has read everything that came so far.
    while !matches!(client.read().unwrap(), Message::Binary(p) if seq(&p).is_multiple_of(100)) {}
    let mut batches = 0;
    while batches < 4 {
        let mut bytes = vec![0; 1 << 20];
        let count = client.get_mut().read(&mut bytes).unwrap();
        let seqs = ticks_in(&bytes[..count]);
        let Some(first) = seqs.first() else { continue };
        // Tick 0 is due at the start, at which an interval ends. A late reader gets several
        // batches at once.
        assert_eq!((first % 100, seqs.len() % 100), (1, 0), "{} from {first}", seqs.len());
        batches += seqs.len() / 100;
    }
}

#[test]
fn batches_are_refused_where_due_times_do_not_set_the_pace() {
    for pace in [["--rate", "flood"], ["--slow-consumer", "block"]] {
        let refusal = refusal_of(command(&["--batch-us", "1000"]).args(pace));
        assert!(refusal.contains("leave --batch-us out"), "{refusal}");
        assert_eq!(refusal.lines().count(), 1, "{refusal}");
    }
}

#[test]
fn only_one_connection_can_set_the_pace() {
    let server = Standalone::new(&["--rate", "2000", "--slow-consumer", "block"]);
    let mut first = connect(&server.url);
    assert!(first.read().unwrap().is_binary());
    let second = tungstenite::client(&server.url, dial(server.address(), None));
    assert_eq!(refused_status(second), 503);
    assert!(first.read().unwrap().is_binary());
}

type Handshake = tungstenite::handshake::client::ClientHandshake<TcpStream>;
type Client<T> = (WebSocket<TcpStream>, T);

/// The status with which a handshake was refused.
fn refused_status<T>(result: Result<Client<T>, tungstenite::HandshakeError<Handshake>>) -> u16 {
    match result {
        Err(tungstenite::HandshakeError::Failure(tungstenite::Error::Http(answer))) => {
            answer.status().as_u16()
        }
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("the handshake was not refused"),
    }
}

const SLOW: [&str; 4] = ["--rate", "20000", "--send-buffer", "16384"];

#[test]
fn a_consumer_whose_oldest_tick_is_too_old_is_disconnected() {
    let policy = ["--slow-consumer", "disconnect", "--behind-ms", "50"];
    let mut server = Standalone::new(&[&SLOW[..], &policy].concat());
    let mut client = connect_narrow(&server.url, 16_384);
    let (ticks, code, _) = read_slowly(&mut client);
    assert_eq!(code, 1008);
    drop(client);
    let left = server.wait_for_left();
    assert!(left.reason == "cut_off" && left.written == ticks, "{left:?}, {ticks} read");
}

#[test]
fn the_log_has_what_each_connection_did_not_get() {
    let policy = ["--slow-consumer", "conflate", "--behind-bytes", "10000"];
    let (mut server, address) = serve_with_metrics(&[&SLOW[..], &policy].concat());
    let mut client = connect_narrow(&server.url, 16_384);
    scrape_until(&address, "ticks are dropped", |page| page.get("ticks_dropped_total") > 2_000);
    server.signal(Signal::SIGTERM);
    let (payloads, code) = read_all(&mut client);
    assert_eq!(code, 1001);
    let seqs: Vec<u64> = payloads.iter().map(|payload| seq(payload)).collect();
    assert!(seqs.windows(2).all(|pair| pair[0] < pair[1]));
    let missed = seqs.last().unwrap() + 1 - seqs[0] - seqs.len() as u64;
    assert!(missed > 1_000, "{missed} were conflated");
    let left = server.wait_for_left();
    assert_eq!(left.written, seqs.len() as u64);
    assert!(left.dropped >= missed, "{left:?}, missed {missed}");
    // From the tick at which it joined to its last one, each was written or dropped.
    let last = seqs.last().unwrap() + 1;
    assert_eq!(left.written + left.dropped, last - left.tick, "{left:?}");
}

#[test]
fn only_the_path_ticks_is_served() {
    let server = Standalone::new(&["--rate", "10"]);
    let url = server.url.replace("/ticks", "/other");
    assert_eq!(refused_status(tungstenite::client(url, dial(server.address(), None))), 404);

    let mut plain = dial(server.address(), None);
    plain.write_all(b"GET /ticks HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP/1.1 101"));
}

#[test]
fn bad_arguments_are_refused() {
    for (args, text) in [
        (["--rate", "0"], "between 1 and 100M, such as 50000, 50k or 1.5M, or `flood`"),
        (["--rate", "fast"], "or `flood`"),
        (["--duration", "soon"], "such as 60, 2.5, 90s or 1m30s"),
        (["--log-ceiling", "much"], "such as 65536, 64KiB or 1MB"),
        (["--behind-bytes", "0"], "give at least 1"),
        (["--send-buffer", "4GiB"], "too large for a buffer"),
        (["--expose-metrics", "--rate=1"], "--metrics"),
        (["--format", "xml"], "unknown format `xml`"),
        (["--host", "192.0.2.1"], "--listen 192.0.2.1 and --token-file"),
        (["--listen", "192.0.2.1"], "add --token-file"),
        (["--token-file", "/nowhere"], "--token-file /nowhere"),
        (["--allow-origin", "example.com"], "https://example.com"),
        (["--max-connections", "0"], "between 1 and 1000000"),
        (["--slow-consumer", "wait"], "unknown variant `wait`"),
    ] {
        let refusal = refusal_of(std::process::Command::new(common::BINARY).args(args));
        assert!(refusal.contains(text), "{refusal}");
    }
}

#[test]
fn a_port_that_is_in_use_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let refusal = refusal_of(std::process::Command::new(common::BINARY).args(["--port", &port]));
    assert!(refusal.contains(&format!("cannot listen on 127.0.0.1:{port}")), "{refusal}");
}
