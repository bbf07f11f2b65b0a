//! What a server by hand says on stderr.

mod common;

use common::{BINARY, ByHand, by_hand, connect, read_all};
use nix::sys::signal::Signal;
use serde_json::Value;
use std::io::{BufRead, BufReader, Read};
use std::net::TcpStream;
use std::process::{Child, ChildStderr, Command};
use tungstenite::Message;

/// A process that does not outlive its test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Ended {
    fn signal(&self, signal: Signal) {
        let pid = nix::unistd::Pid::from_raw(self.0.id() as i32);
        nix::sys::signal::kill(pid, signal).unwrap();
    }

    fn succeeds(&mut self) -> bool {
        self.0.wait().unwrap().success()
    }
}

/// A server, its first line on stderr, and the rest of that.
fn spawn(args: &[&str]) -> (Ended, String, BufReader<ChildStderr>) {
    let (process, first, stderr) = by_hand(args);
    (Ended(process), first, stderr)
}

/// Asks for a path that there is not.
fn knock(url: &str) {
    let address = url.trim_start_matches("ws://").trim_end_matches("/ticks");
    let socket = TcpStream::connect(address).unwrap();
    assert!(tungstenite::client(url.replace("/ticks", "/other"), socket).is_err());
}

#[test]
fn text_begins_with_the_address_and_tells_what_each_connection_got() {
    let mut server = ByHand::new(&["--rate", "5000"]);
    assert!(server.url.starts_with("ws://127.0.0.1:") && server.url.ends_with("/ticks"));
    let mut client = connect(&server.url);
    let peer = client.get_ref().local_addr().unwrap();
    let mut count = 0;
    while count < 100 {
        count += u64::from(client.read().unwrap().is_binary());
    }
    client.close(None).unwrap();
    while let Ok(message) = client.read() {
        count += u64::from(message.is_binary());
    }
    assert!(server.hear("joined").starts_with(&format!("{peer} joined at tick ")));
    let said = server.hear("left");
    let why = "the client closed the connection";
    let written = said.strip_prefix(&format!("{peer} left: {why}; written ")).unwrap();
    let written: u64 = written.strip_suffix(" ticks, dropped 0").unwrap().parse().unwrap();
    // What was written behind the client's close frame is not read by anybody.
    assert!(written >= count, "{written} written, {count} read");
}

#[test]
fn json_has_one_object_on_each_line_with_fields() {
    let (mut process, first, stderr) = spawn(&["--log-format", "json", "--duration", "2"]);
    let first: Value = serde_json::from_str(&first).unwrap();
    let url = first["url"].as_str().unwrap();
    assert_eq!(first["message"], url);
    let mut client = connect(url);
    let peer = client.get_ref().local_addr().unwrap().to_string();
    let (payloads, code) = read_all(&mut client);
    assert_eq!(code, 1000);
    assert!(process.succeeds());
    let lines: Vec<Value> =
        stderr.lines().map(|line| serde_json::from_str(&line.unwrap()).unwrap()).collect();
    for line in &lines {
        assert_eq!(line["level"], "INFO", "{line}");
        assert!(line["target"].as_str().unwrap().starts_with("tick_server"), "{line}");
        assert!(line["timestamp"].is_string() && line["message"].is_string(), "{line}");
    }
    let of = |word: &str| {
        let found = lines.iter().find(|l| l["message"].as_str().unwrap().contains(word));
        found.unwrap_or_else(|| panic!("it never said `{word}`"))
    };
    let (joined, left, ended) = (of(" joined "), of(" left: "), of("in all: "));
    assert_eq!((&joined["peer"], &left["peer"]), (&peer.clone().into(), &peer.into()));
    assert_eq!(joined["tick"], left["tick"]);
    assert_eq!((&left["reason"], &left["why"]), (&"closed".into(), &"closed".into()));
    assert_eq!(left["written"], payloads.len());
    assert_eq!((&left["dropped"], &left["waiting"]), (&0.into(), &0.into()));
    assert_eq!(ended["written"], payloads.len());
    assert_eq!(ended["generated"], 200_000);
}

#[test]
fn a_filter_silences_all_but_the_address_and_opens_single_targets() {
    let said = |filter: &str| {
        let (mut process, url, mut stderr) = spawn(&["--log", filter, "--rate", "1000"]);
        knock(&url);
        let mut client = connect(&url);
        assert!(client.read().unwrap().is_binary());
        process.signal(Signal::SIGTERM);
        read_all(&mut client);
        assert!(process.succeeds());
        let mut rest = String::new();
        stderr.read_to_string(&mut rest).unwrap();
        (url, rest)
    };
    for filter in ["off", "error", "tick_server::accept=info"] {
        let (url, rest) = said(filter);
        assert!(url.starts_with("ws://127.0.0.1:"), "{url}");
        assert_eq!(rest, "", "under {filter}");
    }
    let (_, rest) = said("info");
    assert!(rest.contains(" joined ") && !rest.contains("turned away"), "{rest}");
    let (_, rest) = said("off,tick_server::accept=debug");
    assert!(!rest.contains(" joined ") && rest.contains("turned away: "), "{rest}");
}

#[test]
fn a_filter_that_fits_nothing_is_refused() {
    for (flag, value, words) in [
        ("--log", "loud", "`loud` is no filter: give off, error, warn, info, debug or trace"),
        ("--log", "info,hyper=debug", "`hyper` is no filter"),
        ("--log", "", "is no filter"),
        ("--log-format", "xml", "[possible values: text, json]"),
    ] {
        let output = Command::new(BINARY).args([flag, value]).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(words), "{said}");
    }
}

#[test]
fn a_closed_stderr_ends_nothing() {
    for format in ["text", "json"] {
        let (mut process, first, stderr) =
            spawn(&["--log", "trace", "--log-format", format, "--duration", "2"]);
        drop(stderr);
        let url = match serde_json::from_str::<Value>(&first) {
            Ok(line) => line["url"].as_str().unwrap().to_owned(),
            Err(_) => first,
        };
        let mut stays = connect(&url);
        for _ in 0..20 {
            knock(&url);
            drop(connect(&url));
        }
        let (payloads, code) = read_all(&mut stays);
        assert_eq!(code, 1000);
        assert!(!payloads.is_empty());
        assert!(process.succeeds());
    }
}

#[test]
fn a_stderr_that_nobody_reads_stops_no_tick() {
    let (mut process, first, stderr) = spawn(&["--log-format", "json", "--rate", "1000"]);
    let first: Value = serde_json::from_str(&first).unwrap();
    let url = first["url"].as_str().unwrap();
    let mut stays = connect(url);
    // Each says some 500 bytes in all, and a pipe takes 64 KiB.
    for _ in 0..400 {
        let mut client = connect(url);
        client.send(Message::Close(None)).unwrap();
        read_all(&mut client);
    }
    process.signal(Signal::SIGTERM);
    let (payloads, code) = read_all(&mut stays);
    assert_eq!(code, 1001);
    assert!(!payloads.is_empty());
    assert!(process.succeeds());
    let mut rest = Vec::new();
    { stderr }.read_to_end(&mut rest).unwrap();
    assert!(rest.len() >= 60_000, "the pipe was not full: {} bytes", rest.len());
}
