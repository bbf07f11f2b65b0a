//! Connections that ask for some symbols only, by their URL or by a message.

mod common;

use common::PATIENCE;
use common::child::{ChildServer, plan, rate};
use common::clients::{
    REQUEST, connect, connect_narrow, dial, is_ascending_without_gaps, read_all,
};
use common::standalone::Standalone;
use nix::sys::signal::Signal;
use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;
use tick::{Format, Market, Tick, cents, symbol};
use tungstenite::{Message, WebSocket};

fn ticks(payloads: &[Vec<u8>], format: Format) -> Vec<Tick> {
    payloads.iter().map(|payload| format.decode(payload, 0).unwrap()).collect()
}

/// Asserts that these are all ticks of some symbols, from the first of them to the last.
fn assert_all_of(ticks: &[Tick], symbols: &[&str]) {
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
fn a_url_selects_symbols() {
    for format in [Format::Binary, Format::Json] {
        let args = ["--rate", "20000", "--duration", "1", "--format", &format.to_string()];
        let server = Standalone::new(&args);
        let mut all = connect(&server.url);
        let mut two = connect(&format!("{}?symbols=AAPL,MSFT", server.url));
        let mut one = connect(&format!("{}?symbols=NVDA", server.url));
        let all = std::thread::spawn(move || read_all(&mut all).0);
        let two = std::thread::spawn(move || read_all(&mut two).0);
        let one = ticks(&read_all(&mut one).0, format);
        assert_all_of(&one, &["NVDA"]);
        assert_all_of(&ticks(&two.join().unwrap(), format), &["AAPL", "MSFT"]);
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

/// From all symbols to one, to two others, and back to all.
#[test]
fn a_message_changes_the_symbols() {
    let server = Standalone::new(&["--rate", "20000"]);
    let mut client = connect(&server.url);
    next_tick(&mut client);
    let mut newest = 0;
    for (json, names) in [("\"AAPL\"", vec!["AAPL"]), ("\"MSFT\",\"AMZN\"", vec!["MSFT", "AMZN"])] {
        subscribe(&mut client, json);
        let numbers: Vec<u32> = names.iter().map(|name| symbol::by_name(name).unwrap()).collect();
        // What was already sent comes first; then only these symbols.
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
        assert_all_of(&run, &names);
    }
    subscribe(&mut client, "\"*\"");
    let mut seen = BTreeSet::new();
    while seen.len() < 64 {
        seen.insert(next_tick(&mut client).symbol);
    }
}

#[test]
fn a_refused_subscription_is_answered_with_400_or_an_error_message() {
    let server = Standalone::new(&["--rate", "1000"]);
    let mut socket = dial(server.address(), None);
    let request = String::from_utf8(REQUEST.to_vec()).unwrap();
    let request = request.replace("/ticks", "/ticks?symbols=AAPL,NOPE");
    socket.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("NOPE"), "{answer}");

    let mut client = connect(&server.url);
    subscribe(&mut client, "\"NOPE\"");
    let answer = next_text(&mut client);
    assert_eq!((&answer["type"], &answer["code"]), (&"error".into(), &"unknown_symbol".into()));
    assert!(answer["message"].as_str().unwrap().contains("NOPE"), "{answer}");
    // It goes on with the symbols that it had.
    let mut seen = BTreeSet::new();
    while seen.len() < 8 {
        seen.insert(next_tick(&mut client).symbol);
    }
}

/// The next message that is not a tick.
fn next_text(client: &mut WebSocket<TcpStream>) -> serde_json::Value {
    loop {
        if let Message::Text(text) = client.read().unwrap() {
            return serde_json::from_str(&text).unwrap();
        }
    }
}

/// Under the contract every connection gets every tick, and is counted by that.
#[test]
fn a_run_of_the_harness_refuses_subscriptions() {
    let mut server = ChildServer::new(&plan(rate(2_000), 10_000));
    let url = format!("{}?symbols=AAPL", server.url);
    assert!(tungstenite::client(url, dial(server.address(), None)).is_err());
    let mut client = connect(&server.url);
    server.start();
    subscribe(&mut client, "\"AAPL\"");
    let (_, code) = read_all(&mut client);
    assert_eq!(code, 1008);
    drop(client);
    assert_eq!(server.report().last.ended, contract::ServerEnd::Abandoned);
}

/// The slowest connection sets the pace by the symbols that it has asked for.
#[test]
fn a_flood_goes_on_beside_a_subscription() {
    let server = Standalone::new(&["--rate", "flood"]);
    let mut all = connect(&server.url);
    let mut one = connect(&format!("{}?symbols=AAPL", server.url));
    let all = std::thread::spawn(move || read_all(&mut all).0);
    // One symbol of 64: these are more than a few segments of the log with all symbols.
    let mut payloads: Vec<Vec<u8>> = Vec::new();
    while payloads.len() < 1_000 {
        if let Message::Binary(payload) = one.read().unwrap() {
            payloads.push(payload.to_vec());
        }
    }
    server.signal(Signal::SIGTERM);
    payloads.extend(read_all(&mut one).0);
    assert_all_of(&ticks(&payloads, Format::Binary), &["AAPL"]);
    let all = all.join().unwrap();
    assert!(is_ascending_without_gaps(&all));
    assert!(all.len() > 50_000, "{}", all.len());
}

/// A masked frame, with the key 0.
fn frame(opcode: u8, payload: &[u8]) -> Vec<u8> {
    [&[0x80 | opcode, 0x80 | payload.len() as u8, 0, 0, 0, 0], payload].concat()
}

/// Of a client that is behind, asks for symbols and closes, in one segment.
#[test]
fn nothing_follows_a_close_frame_that_follows_a_subscription() {
    let server = Standalone::new(&["--rate", "100000", "--send-buffer", "8192"]);
    let mut socket = dial(server.address(), Some(8192));
    socket.write_all(REQUEST).unwrap();
    std::thread::sleep(Duration::from_millis(400));
    let text = br#"{"type":"subscribe","symbols":["*"]}"#;
    socket.write_all(&[frame(1, text), frame(8, &1000u16.to_be_bytes())].concat()).unwrap();
    let mut bytes = Vec::new();
    socket.read_to_end(&mut bytes).unwrap();
    let mut at = bytes.windows(4).position(|end| end == b"\r\n\r\n").unwrap() + 4;
    let mut opcodes = Vec::new();
    while at < bytes.len() {
        opcodes.push(bytes[at] & 0x0f);
        at += tick::frame_len_at(&bytes[at..]);
    }
    assert_eq!(opcodes.iter().position(|&opcode| opcode == 8), Some(opcodes.len() - 1));
}

/// What waits for a client is searched and copied when it asks for other symbols. That work
/// is bounded, and so are the copies. At this rate, it would take many seconds until so much
/// waits that the client is cut off for that.
#[test]
fn a_client_that_asks_for_other_symbols_all_the_time_is_cut_off() {
    let args = ["--rate", "20000", "--format", "json", "--send-buffer", "8192"];
    let mut server = Standalone::new(&args);
    let mut good = connect(&server.url);
    let mut asks_often = connect_narrow(&server.url, 8192);
    let peer = asks_often.get_ref().local_addr().unwrap();
    let all = Message::text(r#"{"type":"subscribe","symbols":["*"]}"#);
    let pause = Duration::from_millis(20);
    let most = (PATIENCE.as_millis() / pause.as_millis()) as usize;
    let asked = (0..most).take_while(|_| {
        std::thread::sleep(pause);
        asks_often.send(all.clone()).is_ok()
    });
    assert!(asked.count() < most, "it was not cut off");
    let left = server.wait_for_left_of(peer);
    assert_eq!(left.reason, "cut_off");
    assert!(left.why.contains("symbols changed again"), "{left:?}");
    // The others are served as before.
    assert!(matches!(good.read().unwrap(), Message::Text(_)));
}

/// A client for which too much waits: more than another has read meanwhile.
#[test]
fn a_client_that_is_far_behind_cannot_change_symbols() {
    let args = ["--rate", "1000000", "--send-buffer", "200000"];
    let mut server = Standalone::new(&args);
    let mut behind = connect_narrow(&server.url, 8192);
    let peer = behind.get_ref().local_addr().unwrap();
    let mut good = dial(server.address(), None);
    good.write_all(REQUEST).unwrap();
    let (mut buffer, mut read_bytes) = (vec![0; 1 << 20], 0);
    while read_bytes < 20 << 20 {
        read_bytes += good.read(&mut buffer).unwrap();
    }
    subscribe(&mut behind, "\"*\"");
    assert_eq!(read_all(&mut behind).1, 1013);
    drop(behind);
    let left = server.wait_for_left_of(peer);
    assert_eq!(left.reason, "cut_off");
    assert!(left.why.contains("too far behind to change symbols"), "{left:?}");
    assert!(good.read(&mut buffer).unwrap() > 0);
}
