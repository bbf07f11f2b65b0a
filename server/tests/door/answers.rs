//! What clients ask by text, as they ask public feeds.

use crate::common::PATIENCE;
use crate::common::clients::{connect, connect_narrow, read_all};
use crate::common::standalone::Standalone;
use serde_json::{Value, json};
use std::net::TcpStream;
use std::time::Instant;
use tick::{Format, symbol};
use tungstenite::{Message, WebSocket};

fn ask(client: &mut WebSocket<TcpStream>, text: &str) -> String {
    client.send(Message::text(text)).unwrap();
    loop {
        match client.read().unwrap() {
            Message::Text(answer) => return answer.to_string(),
            Message::Close(frame) => panic!("{text}: closed: {frame:?}"),
            _ => {}
        }
    }
}

/// The connection has to get ticks after all of them.
#[test]
fn pings_are_answered_in_kind_and_unknown_requests_by_an_error_with_their_id() {
    let server = Standalone::new(&["--rate", "2000"]);
    let mut client = connect(&server.url);
    for (ping, pong) in [
        ("ping", "pong"),
        (r#"{"op":"ping"}"#, r#"{"op":"pong"}"#),
        (r#"{"method":"ping","req_id":101}"#, r#"{"method":"pong","req_id":101}"#),
        (r#"{"ping":1492420473027}"#, r#"{"pong":1492420473027}"#),
    ] {
        assert_eq!(ask(&mut client, ping), pong);
    }
    for (request, id) in [
        (r#"{"id":1,"method":"SUBSCRIBE","params":["btcusdt@trade"]}"#, json!(1)),
        (r#"{"id":"a","op":"login","args":[]}"#, json!("a")),
        (r#"{"id":null,"type":"subscribe","symbols":["NOPE"]}"#, Value::Null),
        ("hello", Value::Null),
        ("", Value::Null),
    ] {
        let answer: Value = serde_json::from_str(&ask(&mut client, request)).unwrap();
        assert_eq!((&answer["type"], &answer["id"]), (&json!("error"), &id), "{answer}");
    }
    while !client.read().unwrap().is_binary() {}
}

#[test]
fn a_subscription_with_an_id_is_confirmed_before_its_first_tick() {
    let server = Standalone::new(&["--rate", "20000"]);
    let mut client = connect(&server.url);
    let text = r#"{"type":"subscribe","symbols":["AAPL"],"id":7}"#;
    let answer = ask(&mut client, text);
    assert_eq!(answer, r#"{"type":"subscribed","symbols":["AAPL"],"id":7}"#);
    let wanted = symbol::by_name("AAPL").unwrap();
    let mut ticks = 0;
    while ticks < 50 {
        if let Message::Binary(payload) = client.read().unwrap() {
            assert_eq!(Format::Binary.decode(&payload, 0).unwrap().symbol, wanted);
            ticks += 1;
        }
    }
}

/// In a text format, answers come between ticks.
#[test]
fn answers_come_between_ticks_of_a_text_format() {
    let server = Standalone::new(&["--rate", "5000", "--format", "json", "--duration", "1"]);
    let mut client = connect(&server.url);
    for n in 0..20 {
        client.send(Message::text(format!("{{\"op\":\"ping\",\"id\":{n}}}"))).unwrap();
    }
    let (texts, code) = read_all(&mut client);
    assert_eq!(code, 1000);
    let (mut pongs, mut next) = (Vec::new(), None);
    for text in texts {
        match Format::Json.decode(&text, 0) {
            Ok(tick) => {
                assert_eq!(tick.seq, next.unwrap_or(tick.seq));
                next = Some(tick.seq + 1);
            }
            Err(_) => pongs.push(serde_json::from_slice::<Value>(&text).unwrap()["id"].clone()),
        }
    }
    assert_eq!(pongs, (0..20).map(Value::from).collect::<Vec<_>>());
}

#[test]
fn a_flood_of_unknown_requests_is_closed_though_its_answers_are_read() {
    let mut server = Standalone::new(&["--rate", "2000"]);
    let mut client = connect(&server.url);
    let peer = client.get_ref().local_addr().unwrap();
    let limit = Instant::now() + PATIENCE;
    let mut answers = 0;
    let frame = loop {
        assert!(Instant::now() < limit, "{answers} answers");
        // The server may have closed it.
        let _ = client.send(Message::text("what?"));
        match client.read().unwrap() {
            Message::Text(_) => answers += 1,
            Message::Close(frame) => break frame.unwrap(),
            _ => {}
        }
    };
    assert_eq!(u16::from(frame.code), 1008);
    assert!(frame.reason.contains("read the answers"), "{}", frame.reason);
    assert!(answers >= 90, "{answers}");
    assert_eq!(server.wait_for_left_of(peer).reason, "protocol_error");
}

#[test]
fn answers_that_nobody_reads_close_the_connection() {
    let mut server = Standalone::new(&["--rate", "5000", "--send-buffer", "100000"]);
    let mut client = connect_narrow(&server.url, 16_384);
    let peer = client.get_ref().local_addr().unwrap();
    let ping = format!("{{\"op\":\"ping\",\"x\":\"{}\"}}", "x".repeat(3_000));
    let limit = Instant::now() + PATIENCE;
    while client.send(Message::text(ping.clone())).is_ok() {
        assert!(Instant::now() < limit, "it is not closed");
    }
    let left = server.wait_for_left_of(peer);
    assert!(left.why.contains("pongs and answers wait"), "{left:?}");
}
