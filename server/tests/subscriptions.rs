//! Connections that want some symbols only, by their URL or by a message.

mod common;

use common::{ByHand, Served, connect, dial, narrow, plan, rate, read_all};
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use tick::{Format, Market, Tick, cents, symbol};
use tungstenite::{Message, WebSocket};

fn ticks(payloads: &[Vec<u8>], format: Format) -> Vec<Tick> {
    payloads.iter().map(|payload| format.decode(payload, 0).unwrap()).collect()
}

/// That these are all ticks of those symbols, from the first to the last of them.
fn whole(ticks: &[Tick], symbols: &[&str]) {
    let numbers: BTreeSet<u32> =
        symbols.iter().map(|name| symbol::by_name(name).unwrap()).collect();
    let market = Market::new(1);
    let (first, last) = (ticks[0].seq, ticks.last().unwrap().seq);
    let wanted: Vec<u64> =
        (first..=last).filter(|&seq| numbers.contains(&market.tick(seq).0)).collect();
    assert_eq!(ticks.iter().map(|tick| tick.seq).collect::<Vec<_>>(), wanted);
    for tick in ticks {
        assert_eq!((tick.symbol, cents(tick.price)), market.tick(tick.seq));
    }
}

#[test]
fn a_url_names_symbols() {
    for format in [Format::Binary, Format::Json] {
        let args = ["--rate", "20000", "--duration", "1", "--format", &format.to_string()];
        let server = ByHand::new(&args);
        let mut all = connect(&server.url);
        let mut two = connect(&format!("{}?symbols=AAPL,MSFT", server.url));
        let mut one = connect(&format!("{}?symbols=NVDA", server.url));
        let all = std::thread::spawn(move || read_all(&mut all).0);
        let two = std::thread::spawn(move || read_all(&mut two).0);
        let one = ticks(&read_all(&mut one).0, format);
        whole(&one, &["NVDA"]);
        whole(&ticks(&two.join().unwrap(), format), &["AAPL", "MSFT"]);
        let all = ticks(&all.join().unwrap(), format);
        assert!(all.windows(2).all(|pair| pair[0].seq + 1 == pair[1].seq));
    }
}

fn subscribe(client: &mut WebSocket<TcpStream>, symbols: &str) {
    let text = format!("{{\"type\":\"subscribe\",\"symbols\":[{symbols}]}}");
    client.send(Message::text(text)).unwrap();
}

fn next_tick(client: &mut WebSocket<TcpStream>) -> Tick {
    loop {
        if let Message::Binary(payload) = client.read().unwrap() {
            return Format::Binary.decode(&payload, 0).unwrap();
        }
    }
}

/// From one set to another and back to everything, on a stream that goes on.
#[test]
fn a_message_changes_what_comes() {
    let server = ByHand::new(&["--rate", "20000"]);
    let mut client = connect(&server.url);
    next_tick(&mut client);
    let mut newest = 0;
    for (json, names) in [("\"AAPL\"", vec!["AAPL"]), ("\"MSFT\",\"AMZN\"", vec!["MSFT", "AMZN"])] {
        subscribe(&mut client, json);
        let numbers: Vec<u32> = names.iter().map(|name| symbol::by_name(name).unwrap()).collect();
        // What was under way comes first; then nothing but these.
        let mut run = Vec::new();
        while run.len() < 200 {
            let tick = next_tick(&mut client);
            assert!(tick.seq > newest || newest == 0, "seqs ascend");
            newest = tick.seq;
            match numbers.contains(&tick.symbol) {
                true => run.push(tick),
                false => run.clear(),
            }
        }
        whole(&run, &names);
    }
    subscribe(&mut client, "\"*\"");
    let mut seen = BTreeSet::new();
    while seen.len() < 64 {
        seen.insert(next_tick(&mut client).symbol);
    }
    drop(server);
}

#[test]
fn a_subscription_that_cannot_be_had_is_told_why() {
    let server = ByHand::new(&["--rate", "1000"]);
    let mut socket = TcpStream::connect(server.address()).unwrap();
    let request = "GET /ticks?symbols=AAPL,NOPE HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n\
        Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    socket.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("NOPE"), "{answer}");

    let mut client = connect(&server.url);
    subscribe(&mut client, "\"NOPE\"");
    let mut reason = None;
    while reason.is_none() {
        if let Message::Close(frame) = client.read().unwrap() {
            reason = frame;
        }
    }
    let frame = reason.unwrap();
    assert_eq!(u16::from(frame.code), 1008);
    assert!(frame.reason.contains("NOPE"), "{}", frame.reason);
}

/// Under the contract every connection gets every tick: the books are kept by that.
#[test]
fn a_run_of_the_harness_is_of_all_symbols() {
    let mut server = Served::new(&plan(rate(2_000), 300));
    let refused = tungstenite::client(
        format!("{}?symbols=AAPL", server.url).as_str(),
        TcpStream::connect(server.address()).unwrap(),
    );
    assert!(refused.is_err());
    let mut client = connect(&server.url);
    server.start();
    subscribe(&mut client, "\"AAPL\"");
    let (_, code) = read_all(&mut client);
    assert_eq!(code, 1008);
    assert_eq!(server.report().1.ended, contract::ServerEnd::Abandoned);
}

/// The slowest sets the pace by what it has asked for, and not by what others get.
#[test]
fn a_flood_goes_on_beside_a_subscription() {
    let server = ByHand::new(&["--rate", "flood", "--duration", "1"]);
    let mut all = connect(&server.url);
    let mut one = connect(&format!("{}?symbols=AAPL", server.url));
    let all = std::thread::spawn(move || read_all(&mut all).0);
    let one = ticks(&read_all(&mut one).0, Format::Binary);
    whole(&one, &["AAPL"]);
    let all = ticks(&all.join().unwrap(), Format::Binary);
    assert!(all.windows(2).all(|pair| pair[0].seq + 1 == pair[1].seq));
    // More than a few segments of the log.
    assert!(all.len() > 50_000 && one.len() > 400, "{} and {}", all.len(), one.len());
}

fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    [&[0x80 | opcode, 0x80 | payload.len() as u8, 0, 0, 0, 0], payload].concat()
}

/// A client that is behind asks for symbols and closes, in one segment.
#[test]
fn nothing_follows_a_close_frame_whatever_was_asked_before() {
    let server = ByHand::new(&["--rate", "100000", "--send-buffer", "8192"]);
    let mut socket = dial(&server.address(), Some(8192));
    socket.set_read_timeout(Some(std::time::Duration::from_secs(20))).unwrap();
    let request = "GET /ticks HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                   Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    socket.write_all(request.as_bytes()).unwrap();
    std::thread::sleep(std::time::Duration::from_millis(400));
    let text = br#"{"type":"subscribe","symbols":["*"]}"#;
    socket.write_all(&[frame(1, text), frame(8, &1000u16.to_be_bytes())].concat()).unwrap();
    let mut came = Vec::new();
    socket.read_to_end(&mut came).unwrap();
    let mut at = came.windows(4).position(|end| end == b"\r\n\r\n").unwrap() + 4;
    let mut opcodes = Vec::new();
    while at < came.len() {
        opcodes.push(came[at] & 0x0f);
        at += tick::frame_len_at(&came[at..]);
    }
    assert_eq!(opcodes.iter().position(|&opcode| opcode == 8), Some(opcodes.len() - 1));
}

/// What waits for a client is looked through and copied when it asks for other symbols.
/// Neither that work nor the copies are without bound: here of who asks again and again,
/// at a rate that takes many seconds to leave it too far behind.
#[test]
fn who_asks_all_the_time_is_closed() {
    let args = ["--rate", "20000", "--format", "json", "--send-buffer", "8192"];
    let mut server = ByHand::new(&args);
    let mut good = connect(&server.url);
    let mut often = narrow(&server.url, 8192);
    let all = Message::text(r#"{"type":"subscribe","symbols":["*"]}"#);
    let pause = std::time::Duration::from_millis(20);
    let most = (common::PATIENCE.as_millis() / pause.as_millis()) as usize;
    let asked = (0..most).take_while(|_| {
        std::thread::sleep(pause);
        often.send(all.clone()).is_ok()
    });
    assert!(asked.count() < most, "nobody stopped it");
    server.hear("left: other symbols again before what waits was taken; written ");
    // The others are served as before.
    assert!(matches!(good.read().unwrap(), Message::Text(_)));
}

/// The same of who asks once, when so much waits: what another has read in the meantime.
#[test]
fn who_is_far_behind_gets_no_other_symbols() {
    let args = ["--rate", "200000", "--format", "json", "--send-buffer", "8192"];
    let mut server = ByHand::new(&args);
    let mut late = narrow(&server.url, 8192);
    let mut good = connect(&server.url);
    let mut read_bytes = 0;
    while read_bytes < 20 << 20 {
        read_bytes += good.read().unwrap().len();
    }
    subscribe(&mut late, "\"*\"");
    server.hear("left: too far behind for other symbols: come again; written ");
    assert!(matches!(good.read().unwrap(), Message::Text(_)));
}
