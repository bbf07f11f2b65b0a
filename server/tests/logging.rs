//! What a standalone server logs to stderr.

mod common;

use common::clients::{connect, dial, read_all};
use common::standalone::{Process, command, refusal_of};
use common::{BINARY, PATIENCE};
use nix::sys::signal::Signal;
use serde_json::Value;
use std::io::{BufRead, Read};
use std::process::Command;
use std::time::Instant;
use tungstenite::Message;

/// A server, and the first line that it logs.
fn spawn(args: &[&str]) -> (Process, String) {
    let mut process = Process::spawn(command(args));
    let first = process.next_line();
    (process, first)
}

/// A request that is refused, because its path does not exist.
fn send_refused_request(url: &str) {
    let socket = dial(common::clients::address(url), None);
    assert!(tungstenite::client(url.replace("/ticks", "/other"), socket).is_err());
}

#[test]
fn text_begins_with_the_address_and_has_the_counts_of_each_connection() {
    let (mut process, url) = spawn(&["--rate", "5000"]);
    assert!(url.starts_with("ws://127.0.0.1:") && url.ends_with("/ticks"));
    let mut client = connect(&url);
    let peer = client.get_ref().local_addr().unwrap();
    let mut count = 0;
    while count < 100 {
        count += u64::from(client.read().unwrap().is_binary());
    }
    client.close(None).unwrap();
    while let Ok(message) = client.read() {
        count += u64::from(message.is_binary());
    }
    drop(client);
    assert!(process.next_line().starts_with(&format!("{peer} joined at tick ")));
    let left = process.next_line();
    let why = "the client closed the connection";
    let written = left.strip_prefix(&format!("{peer} left: {why}; written ")).unwrap();
    let written: u64 = written.strip_suffix(" ticks, dropped 0").unwrap().parse().unwrap();
    // What was written after the close frame of the client is not read by anybody.
    assert!(written >= count, "{written} written, {count} read");
}

#[test]
fn json_has_one_object_per_line_with_fields() {
    let (mut process, first) = spawn(&["--log-format", "json", "--duration", "1"]);
    let first: Value = serde_json::from_str(&first).unwrap();
    let url = first["url"].as_str().unwrap();
    assert_eq!(first["message"], url);
    let mut client = connect(url);
    let peer = client.get_ref().local_addr().unwrap().to_string();
    let (payloads, code) = read_all(&mut client);
    assert_eq!(code, 1000);
    assert!(process.wait().success());
    let stderr = process.stderr.take().unwrap();
    let lines: Vec<Value> =
        stderr.lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
    for line in &lines {
        assert_eq!(line["level"], "INFO", "{line}");
        assert!(line["target"].as_str().unwrap().starts_with("tick_server"), "{line}");
        assert!(line["timestamp"].is_string() && line["message"].is_string(), "{line}");
    }
    let [joined, _ending, left, total] = &lines[..] else { panic!("{lines:#?}") };
    assert_eq!((&joined["peer"], &left["peer"]), (&peer.clone().into(), &peer.into()));
    assert_eq!(joined["tick"], left["tick"]);
    assert_eq!((&left["reason"], &left["why"]), (&"closed".into(), &"closed".into()));
    assert_eq!(left["written"], payloads.len());
    assert_eq!((&left["dropped"], &left["waiting"]), (&0.into(), &0.into()));
    assert_eq!(total["written"], payloads.len());
    assert_eq!(total["generated"], 100_000);
}

#[test]
fn a_filter_silences_everything_but_the_address_and_can_enable_one_target() {
    let rest_under = |filter: &str| {
        let (mut process, url) = spawn(&["--log", filter, "--rate", "1000"]);
        assert!(url.starts_with("ws://127.0.0.1:"), "{url}");
        send_refused_request(&url);
        let mut client = connect(&url);
        assert!(client.read().unwrap().is_binary());
        process.signal(Signal::SIGTERM);
        read_all(&mut client);
        assert!(process.wait().success());
        let mut rest = String::new();
        process.stderr.take().unwrap().read_to_string(&mut rest).unwrap();
        rest
    };
    for filter in ["off", "error", "tick_server::accept=info"] {
        assert_eq!(rest_under(filter), "", "under {filter}");
    }
    let rest = rest_under("info");
    assert!(rest.contains(" joined ") && !rest.contains("was refused"), "{rest}");
    let rest = rest_under("off,tick_server::accept=debug");
    assert!(!rest.contains(" joined ") && rest.contains("was refused: 404"), "{rest}");
}

#[test]
fn a_filter_that_matches_nothing_is_refused() {
    for (flag, value, text) in [
        ("--log", "loud", "`loud` is not a filter: give off, error, warn, info, debug or trace"),
        ("--log", "info,hyper=debug", "`hyper` is not a filter"),
        ("--log", "", "is not a filter"),
        ("--log-format", "xml", "[possible values: text, json]"),
    ] {
        let refusal = refusal_of(Command::new(BINARY).args([flag, value]));
        assert!(refusal.contains(text), "{refusal}");
    }
}

#[test]
fn a_closed_stderr_ends_nothing() {
    for format in ["text", "json"] {
        let (mut process, first) = spawn(&["--log", "trace", "--log-format", format]);
        process.stderr = None;
        let url = match serde_json::from_str::<Value>(&first) {
            Ok(line) => line["url"].as_str().unwrap().to_owned(),
            Err(_) => first,
        };
        let mut stays = connect(&url);
        for _ in 0..20 {
            send_refused_request(&url);
            drop(connect(&url));
        }
        process.signal(Signal::SIGTERM);
        let (payloads, code) = read_all(&mut stays);
        assert_eq!(code, 1001);
        assert!(!payloads.is_empty());
        assert!(process.wait().success());
    }
}

/// The pipe of stderr takes 64 KiB, and each connection logs some 500 bytes.
#[test]
fn a_stderr_that_nobody_reads_stops_no_tick() {
    let (mut process, first) = spawn(&["--log-format", "json", "--rate", "2000"]);
    let first: Value = serde_json::from_str(&first).unwrap();
    let url = first["url"].as_str().unwrap();
    let mut stays = connect(url);
    for _ in 0..400 {
        let mut client = connect(url);
        client.send(Message::Close(None)).unwrap();
        read_all(&mut client);
    }
    // Ticks that are made after the pipe is full still come.
    let full_ns = tick::clock::now_ns() as i64;
    let deadline = Instant::now() + PATIENCE;
    let mut newest: Option<tick::Tick> = None;
    while newest.is_none_or(|tick| tick.ts <= full_ns) {
        assert!(Instant::now() < deadline, "no tick came after the pipe was full");
        let Message::Binary(payload) = stays.read().unwrap() else { continue };
        let tick = tick::Format::Binary.decode(&payload, 0).unwrap();
        assert!(newest.is_none_or(|newest| newest.seq + 1 == tick.seq));
        newest = Some(tick);
    }
    process.signal(Signal::SIGTERM);
    let (payloads, code) = read_all(&mut stays);
    assert_eq!(code, 1001);
    assert!(common::clients::is_ascending_without_gaps(&payloads));
    assert!(process.wait().success());
    let mut rest = Vec::new();
    process.stderr.take().unwrap().read_to_end(&mut rest).unwrap();
    assert!(rest.len() >= 60_000, "the pipe was not full: {} bytes", rest.len());
}
