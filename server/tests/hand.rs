//! The server by hand, with several clients of all kinds.

mod common;

use common::{ByHand, connect, narrow, read_all};
use nix::sys::signal::Signal;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;
use tick::{Format, Market, cents};
use tungstenite::Message;

#[test]
fn ctrl_c_closes_every_client_with_1001() {
    let server = ByHand::new(&["--rate", "2000", "--format", "json"]);
    let mut clients = [connect(&server.url), connect(&server.url)];
    for client in &mut clients {
        assert!(matches!(client.read().unwrap(), Message::Text(_)));
    }
    server.signal(Signal::SIGINT);
    for client in &mut clients {
        assert_eq!(read_all(client).1, 1001);
    }
    let mut server = server;
    assert!(server.process.wait().unwrap().success());
}

#[test]
fn a_duration_ends_with_1000() {
    let mut server = ByHand::new(&["--rate", "1000", "--duration", "1"]);
    let (payloads, code) = read_all(&mut connect(&server.url));
    assert_eq!(code, 1000);
    assert!(!payloads.is_empty());
    assert!(server.process.wait().unwrap().success());
}

#[test]
fn nobody_harms_the_others() {
    let server = ByHand::new(&["--rate", "20000", "--send-buffer", "200000", "--duration", "2"]);
    let mut good = connect(&server.url);
    let never_reads = connect(&server.url);
    let vanishes = connect(&server.url);
    drop(vanishes);
    let resets = connect(&server.url);
    socket2::SockRef::from(resets.get_ref()).set_linger(Some(Duration::ZERO)).unwrap();
    drop(resets);
    let mut rubbish = connect(&server.url);
    rubbish.get_mut().write_all(&[0xff; 4096]).unwrap();
    let mut chatty = connect(&server.url);
    chatty.send(Message::Binary(vec![7; 1000].into())).unwrap();
    let chatty = std::thread::spawn(move || read_all(&mut chatty));
    let mut huge = connect(&server.url);
    let _ = huge.send(Message::Binary(vec![7; 70_000].into()));
    let _silent = TcpStream::connect(server.address()).unwrap();

    let (payloads, code) = read_all(&mut good);
    assert_eq!(code, 1000);
    let ticks: Vec<_> = payloads.iter().map(|p| Format::Binary.decode(p, 0).unwrap()).collect();
    let market = Market::new(1);
    for tick in &ticks {
        assert_eq!((tick.symbol, cents(tick.price)), market.tick(tick.seq));
    }
    assert!(ticks.windows(2).all(|pair| pair[0].seq + 1 == pair[1].seq));
    assert!(ticks.last().unwrap().seq == 39_999);
    assert_eq!(chatty.join().unwrap().1, 1003);
    drop(never_reads);
}

#[test]
fn a_laggard_is_cut_off_at_the_ceiling_and_the_others_go_on() {
    let mut server = ByHand::new(&[
        "--rate",
        "50000",
        "--send-buffer",
        "200000",
        "--log-ceiling",
        "3000000",
        "--duration",
        "4",
    ]);
    let mut good = connect(&server.url);
    let laggard = connect(&server.url);
    let who = laggard.get_ref().local_addr().unwrap().to_string();
    let reader = std::thread::spawn(move || read_all(&mut good));
    assert!(server.hear("cut off").contains(&who));
    let (payloads, code) = reader.join().unwrap();
    assert_eq!(code, 1000);
    let last = Format::Binary.decode(payloads.last().unwrap(), 0).unwrap();
    assert_eq!(last.seq, 199_999);
}

#[test]
fn a_late_comer_joins_at_the_head() {
    let server = ByHand::new(&["--rate", "10000", "--duration", "30"]);
    let mut first = connect(&server.url);
    std::thread::sleep(Duration::from_millis(300));
    let mut second = connect(&server.url);
    let seq = |message: Message| Format::Binary.decode(&message.into_data(), 0).unwrap().seq;
    let early = seq(first.read().unwrap());
    assert!(seq(second.read().unwrap()) >= early + 500);
}

fn seq(payload: &[u8]) -> u64 {
    Format::Binary.decode(payload, 0).unwrap().seq
}

/// Ticks in a stretch of bytes that holds whole frames of less than 126 bytes.
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
fn a_batch_is_what_became_due_in_its_stretch() {
    let server = ByHand::new(&["--rate", "1000", "--batch-us", "100000"]);
    let mut client = connect(&server.url);
    // Up to the end of a batch: what the handshake has read ahead is behind us then.
    while !matches!(client.read().unwrap(), Message::Binary(p) if seq(&p).is_multiple_of(100)) {}
    let mut batches = 0;
    while batches < 4 {
        let mut bytes = vec![0; 1 << 20];
        let count = client.get_mut().read(&mut bytes).unwrap();
        let seqs = ticks_in(&bytes[..count]);
        let Some(first) = seqs.first() else { continue };
        // Tick 0 is due at the start, where a stretch ends; a late reader gets several.
        assert_eq!((first % 100, seqs.len() % 100), (1, 0), "{} from {first}", seqs.len());
        batches += seqs.len() / 100;
    }
    for pace in [["--rate", "flood"], ["--slow-consumer", "block"]] {
        let refused = std::process::Command::new(common::BINARY)
            .args(["--port", "0", "--batch-us", "1000"])
            .args(pace)
            .output()
            .unwrap();
        let said = String::from_utf8(refused.stderr).unwrap();
        assert_eq!(refused.status.code(), Some(2), "{said}");
        assert!(said.contains("leave --batch-us out") && said.lines().count() == 1, "{said}");
    }
}

#[test]
fn who_sets_the_pace_is_alone() {
    let server = ByHand::new(&["--rate", "2000", "--slow-consumer", "block"]);
    let mut first = connect(&server.url);
    assert!(first.read().unwrap().is_binary());
    let socket = TcpStream::connect(server.address()).unwrap();
    let refused = tungstenite::client(&server.url, socket).unwrap_err();
    assert!(refused.to_string().contains("503"), "{refused}");
    assert!(first.read().unwrap().is_binary());
}

/// A client that reads nothing for a while, with little room in both kernel queues.
fn late_reader(server: &ByHand) -> tungstenite::WebSocket<TcpStream> {
    let client = narrow(&server.url, 16_384);
    std::thread::sleep(Duration::from_millis(1_000));
    client
}

#[test]
fn who_is_too_old_is_cut_off_by_hand_too() {
    let mut server = ByHand::new(&[
        "--rate",
        "20000",
        "--send-buffer",
        "16384",
        "--slow-consumer",
        "disconnect",
        "--behind-ms",
        "50",
    ]);
    let mut client = late_reader(&server);
    assert_eq!(read_all(&mut client).1, 1008);
    assert!(server.hear(" left: ").contains("cut off by the policy"));
}

#[test]
fn what_each_connection_does_not_get_is_said_when_it_leaves() {
    let mut server = ByHand::new(&[
        "--rate",
        "20000",
        "--send-buffer",
        "16384",
        "--slow-consumer",
        "conflate",
        "--behind-bytes",
        "10000",
    ]);
    let mut client = late_reader(&server);
    server.signal(Signal::SIGTERM);
    let (payloads, code) = read_all(&mut client);
    assert_eq!(code, 1001);
    let seqs: Vec<u64> = payloads.iter().map(|payload| seq(payload)).collect();
    assert!(seqs.windows(2).all(|pair| pair[0] < pair[1]));
    let missed = seqs.last().unwrap() + 1 - seqs[0] - seqs.len() as u64;
    assert!(missed > 1_000, "{missed} were conflated");
    let said = server.hear(" left: ");
    // It joined before the first that it got; what it missed until then is not among these.
    let dropped: u64 = said.trim_end().rsplit(' ').next().unwrap().parse().unwrap();
    assert!(said.contains(&format!("written {} ticks", seqs.len())), "{said}");
    assert!(dropped >= missed && dropped < missed + 200, "{said}, missed {missed}");
}

#[test]
fn only_ticks_has_ticks() {
    let server = ByHand::new(&["--rate", "10"]);
    let socket = TcpStream::connect(server.address()).unwrap();
    let url = server.url.replace("/ticks", "/other");
    let refused = tungstenite::client(url, socket).unwrap_err();
    assert!(refused.to_string().contains("404"), "{refused}");

    let mut plain = TcpStream::connect(server.address()).unwrap();
    plain.write_all(b"GET /ticks HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP/1.1 101"));
}

#[test]
fn bad_arguments_are_refused() {
    for (args, words) in [
        (["--rate", "0"], "between 1 and 100000000"),
        (["--rate", "fast"], "or `flood`"),
        (["--format", "xml"], "unknown format `xml`"),
        (["--host", "192.0.2.1"], "--listen 192.0.2.1 and --token-file"),
        (["--listen", "192.0.2.1"], "add --token-file"),
        (["--token-file", "/nowhere"], "--token-file /nowhere"),
        (["--allow-origin", "example.com"], "https://example.com"),
        (["--max-connections", "0"], "between 1 and 1000000"),
    ] {
        let output = std::process::Command::new(common::BINARY).args(args).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn a_taken_port_is_named() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output =
        std::process::Command::new(common::BINARY).args(["--port", &port]).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert!(said.contains(&format!("cannot listen on 127.0.0.1:{port}")), "{said}");
}
