//! What every client has to do, one scenario each. A client that is not
//! available on this machine is let off, after it has said so properly.
#![allow(missing_docs, clippy::missing_panics_doc, reason = "the names say what is tested")]

use super::checks::{check_rows, connect, is_unavailable, whole};
use super::server::market;
use super::{Child, Connection, Program, Server, plan};
use contract::meter::{MeterFile, Slot};
use contract::{Class, ClientEnd, ClientFinal, ClientPlan, FromClient};
use std::path::Path;
use std::thread::sleep;
use std::time::Duration;
use tick::Format;
use tungstenite::Message;

/// So many ticks make a run, unless the scenario is about something else.
const TICKS: u64 = 12_000;

pub fn delivers_binary(program: Program) {
    delivers(program, Format::Binary);
}

pub fn delivers_json(program: Program) {
    delivers(program, Format::Json);
}

pub fn delivers_classic_binary(program: Program) {
    delivers(program, Format::ClassicBinary);
}

pub fn delivers_classic_json(program: Program) {
    delivers(program, Format::ClassicJson);
}

/// All ticks, pings in between, and the close frame; the meter says the same.
fn delivers(program: Program, format: Format) {
    let (folder, server) = (tempfile::tempdir().unwrap(), Server::bind());
    let path = folder.path().join("meter");
    let meter = MeterFile::create(&path, 1).unwrap();
    let plan = ClientPlan { meter: Some(path), ..plan(&server.url(), format) };
    let Some((child, mut connection)) = connect(program, &plan, &server) else {
        return;
    };
    for piece in 0..10 {
        connection.ticks(piece * TICKS / 10..(piece + 1) * TICKS / 10).unwrap();
        connection.ping(&piece.to_le_bytes());
    }
    connection.close(1000);
    let (rows, books) = child.report();
    assert_eq!(books, whole(TICKS, ClientEnd::Closed));
    check_rows(&rows, &plan, 0..TICKS);
    assert_eq!(meter.read(Slot::RECEIVED).unwrap(), TICKS);
    assert_eq!(meter.read(Slot::PROCESSED).unwrap(), TICKS);
}

pub fn answers_pings_while_idle(program: Program) {
    let server = Server::bind();
    let plan = plan(&server.url(), Format::Binary);
    let Some((child, mut connection)) = connect(program, &plan, &server) else {
        return;
    };
    for count in 0..20u64 {
        connection.ping(&count.to_le_bytes());
    }
    connection.ping(&[7; 125]);
    connection.close(1000);
    assert_eq!(child.report().1, whole(0, ClientEnd::Closed));
}

/// 0..10, 20..30, 12, 25, 40..50: a gap, one late, one again, another gap.
pub fn counts_irregular_seqs(program: Program) {
    let server = Server::bind();
    let plan = plan(&server.url(), Format::Binary);
    let Some((child, mut connection)) = connect(program, &plan, &server) else {
        return;
    };
    let pieces = [0..10, 20..30, 17..18, 24..25, 40..50];
    for piece in pieces.clone() {
        connection.ticks(piece).unwrap();
    }
    connection.close(1000);
    let (rows, books) = child.report();
    let checksum = pieces.into_iter().map(|piece| market().checksum(piece)).sum();
    let expected = ClientFinal {
        gaps: 19,
        duplicates: 1,
        reorders: 1,
        checksum,
        ..whole(32, ClientEnd::Closed)
    };
    assert_eq!(books, expected);
    let seqs: Vec<u64> = rows.iter().map(|row| row[0]).collect();
    assert_eq!(seqs, [3, 17, 24, 45]);
    assert!(rows.iter().all(|row| row[1] <= row[2]), "{rows:?}");
}

pub fn counts_what_is_no_tick(program: Program) {
    let server = Server::bind();
    let plan = plan(&server.url(), Format::Binary);
    let Some((child, mut connection)) = connect(program, &plan, &server) else {
        return;
    };
    connection.ticks(0..100).unwrap();
    connection.message(Message::Binary(vec![0; 27].into()));
    connection.message(Message::Text("as long as a tick: 28 chars.".into()));
    connection.message(Message::Binary(vec![0xff; 28].into()));
    connection.ticks(100..200).unwrap();
    connection.close(1000);
    let (rows, books) = child.report();
    let ticks = whole(200, ClientEnd::Closed);
    assert_eq!(books, ClientFinal { received: 203, undecodable: 3, ..ticks });
    check_rows(&rows, &plan, 0..200);
}

pub fn reports_a_vanished_server(program: Program) {
    let server = Server::bind();
    let plan = plan(&server.url(), Format::Binary);
    let Some((child, mut connection)) = connect(program, &plan, &server) else {
        return;
    };
    connection.ticks(0..1000).unwrap();
    drop(connection);
    let (rows, books) = child.report();
    assert!(books.detail.is_some());
    assert_eq!(ClientFinal { detail: None, ..books }, whole(1000, ClientEnd::Disconnected));
    check_rows(&rows, &plan, 0..1000);
}

pub fn reports_another_close_code(program: Program) {
    let server = Server::bind();
    let plan = plan(&server.url(), Format::Binary);
    let Some((child, mut connection)) = connect(program, &plan, &server) else {
        return;
    };
    connection.ticks(0..10).unwrap();
    connection.close(1011);
    let (_, books) = child.report();
    assert_eq!(books.detail.as_deref(), Some("close code 1011"));
    assert_eq!(books.ended, ClientEnd::Disconnected);
}

pub fn stops_while_the_server_is_silent(program: Program) {
    let server = Server::bind();
    let plan = plan(&server.url(), Format::Binary);
    let Some((mut child, _connection)) = connect(program, &plan, &server) else {
        return;
    };
    child.stop();
    assert_eq!(child.report(), (Vec::new(), whole(0, ClientEnd::Stopped)));
}

pub fn stops_at_the_end_of_stdin(program: Program) {
    let server = Server::bind();
    let plan = plan(&server.url(), Format::Binary);
    let Some((mut child, _connection)) = connect(program, &plan, &server) else {
        return;
    };
    child.hang_up();
    assert_eq!(child.report(), (Vec::new(), whole(0, ClientEnd::Stopped)));
}

/// Whatever was processed by then is a whole beginning, and the books balance.
pub fn stops_during_a_flood(program: Program) {
    let (folder, server) = (tempfile::tempdir().unwrap(), Server::bind());
    let path = folder.path().join("meter");
    let meter = MeterFile::create(&path, 1).unwrap();
    let plan = ClientPlan { meter: Some(path), ..plan(&server.url(), Format::Binary) };
    let Some((mut child, mut connection)) = connect(program, &plan, &server) else {
        return;
    };
    let flood = std::thread::spawn(move || {
        let mut seq = 0;
        while connection.ticks(seq..seq + 1000).is_ok() {
            seq += 1000;
        }
    });
    while meter.read(Slot::PROCESSED).unwrap() < 2000 {
        sleep(Duration::from_millis(1));
    }
    child.stop();
    let (rows, books) = child.report();
    flood.join().unwrap();
    let expected = whole(books.processed, ClientEnd::Stopped);
    let queued = books.received - books.processed;
    assert_eq!(books, ClientFinal { received: books.received, queued, ..expected });
    check_rows(&rows, &plan, 0..books.processed);
    assert_eq!(meter.read(Slot::RECEIVED).unwrap(), books.received);
    assert_eq!(meter.read(Slot::PROCESSED).unwrap(), books.processed);
}

pub fn ends_at_its_deadline(program: Program) {
    let server = Server::bind();
    let plan = ClientPlan { deadline_ms: 700, ..plan(&server.url(), Format::Binary) };
    let child = Child::with_plan(program, &plan);
    // A machine so busy that it is not even connected by then is let off.
    let connection = std::thread::spawn(move || server.accept(Format::Binary));
    let mut child = child;
    assert!(matches!(child.hear(), Some(FromClient::Hello(_))));
    let next = child.hear();
    if matches!(next, Some(FromClient::Ready(_))) {
        let _connection = connection.join().unwrap();
        assert_eq!(child.report().1, whole(0, ClientEnd::Deadline));
    } else if let Some(FromClient::Final(books)) = next {
        assert_eq!(books.ended, ClientEnd::Deadline);
    } else {
        assert!(matches!(next, Some(FromClient::Unavailable { .. })), "{next:?}");
    }
}

pub fn reports_when_stopped_before_the_handshake(program: Program) {
    let server = Server::bind();
    let mut child = Child::with_plan(program, &plan(&server.url(), Format::Binary));
    assert!(matches!(child.hear(), Some(FromClient::Hello(_))));
    if is_unavailable(program) {
        return;
    }
    let _mute = server.accept_tcp();
    child.stop();
    let (rows, books) = child.report();
    assert!(rows.is_empty());
    assert_eq!(ClientFinal { detail: None, ..books }, whole(0, ClientEnd::Stopped));
}

pub fn fails_without_a_handshake_in_time(program: Program) {
    let server = Server::bind();
    let plan = ClientPlan { connect_deadline_ms: 300, ..plan(&server.url(), Format::Binary) };
    let mut child = Child::with_plan(program, &plan);
    if is_unavailable(program) {
        return;
    }
    let exit = child.exit();
    assert_eq!(exit.code, Some(1));
    assert!(exit.last_words.contains("not connected to ws://127.0.0.1:"), "{exit:?}");
}

pub fn fails_without_a_server(program: Program) {
    let url = Server::bind().url();
    let mut child = Child::with_plan(program, &plan(&url, Format::Binary));
    if is_unavailable(program) {
        return;
    }
    let exit = child.exit();
    assert_eq!(exit.code, Some(1));
    assert!(exit.last_words.contains("cannot connect"), "{exit:?}");
}

/// So many connections at once.
const CONNECTIONS: usize = 3;

/// A client with several connections, ready, and the servers' ends.
fn connect_several(program: Program, meter: &Path) -> Option<(ClientPlan, Child, Vec<Connection>)> {
    let servers: Vec<Server> = (0..CONNECTIONS).map(|_| Server::bind()).collect();
    let plan = ClientPlan {
        urls: servers.iter().map(Server::url).collect(),
        meter: Some(meter.to_owned()),
        ..plan("", Format::Binary)
    };
    let mut child = Child::with_plan(program, &plan);
    assert!(matches!(child.hear(), Some(FromClient::Hello(_))));
    if is_unavailable(program) {
        return None;
    }
    let connections = servers.iter().map(|server| server.accept(Format::Binary)).collect();
    assert_eq!(child.hear(), Some(FromClient::Ready(contract::Empty {})));
    Some((plan, child, connections))
}

/// Each connection has its own order, counters and samples; the books are sums.
pub fn serves_several_connections(program: Program) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("meter");
    let meter = MeterFile::create(&path, CONNECTIONS).unwrap();
    let Some((plan, mut child, mut connections)) = connect_several(program, &path) else {
        return;
    };
    let ticks = [500, 1000, 1500];
    for (connection, count) in connections.iter_mut().zip(ticks) {
        connection.ticks(0..count).unwrap();
        connection.ping(b"still there");
    }
    connections.into_iter().for_each(|connection| connection.close(1000));
    let mut rows = vec![Vec::new(); CONNECTIONS];
    let books = loop {
        match child.hear() {
            Some(FromClient::Samples(samples)) => rows[samples.connection].extend(samples.rows),
            Some(FromClient::Final(books)) => break books,
            other => panic!("{other:?} in the report"),
        }
    };
    let checksum = ticks.iter().map(|&count| market().checksum(0..count)).sum();
    assert_eq!(books, ClientFinal { checksum, ..whole(3000, ClientEnd::Closed) });
    for (rows, count) in rows.iter().zip(ticks) {
        check_rows(rows, &plan, 0..count);
    }
    assert_eq!(meter.read_each(Slot::RECEIVED, CONNECTIONS).unwrap(), ticks);
    assert_eq!(meter.read_each(Slot::PROCESSED, CONNECTIONS).unwrap(), ticks);
    assert_eq!(child.exit().code, Some(0));
}

pub fn stops_several_connections(program: Program) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("meter");
    let _meter = MeterFile::create(&path, CONNECTIONS).unwrap();
    let Some((_, mut child, _connections)) = connect_several(program, &path) else {
        return;
    };
    child.stop();
    assert_eq!(child.report(), (Vec::new(), whole(0, ClientEnd::Stopped)));
}

pub fn refuses_a_bad_plan(program: Program) {
    let sound =
        serde_json::to_value(contract::ToClient::Plan(plan("ws://127.0.0.1:1/", Format::Json)));
    let sound = sound.unwrap();
    let with = |key: &str, value: serde_json::Value| {
        let mut plan = sound.clone();
        plan[key] = value;
        format!("{plan}\n")
    };
    let faults = [
        (with("contract", 1.into()), "contract version 1"),
        (with("surprise", 1.into()), "surprise"),
        (with("urls", serde_json::json!(["ws://example.com/"])), "plan: urls"),
        (with("urls", serde_json::json!([])), "plan: urls"),
        (with("symbols", 0.into()), "plan: symbols is 0"),
        (with("sample", serde_json::json!({"first": 0, "stride": 0})), "plan: sample.stride is 0"),
        (with("meter", "/dev/null".into()), "plan: meter"),
        ("hello?\n".to_owned(), "not a contract line"),
        ("{\"type\":\"stop\"}\n".to_owned(), "`stop` came before a plan"),
        (String::new(), "no plan on stdin"),
    ];
    for (line, words) in faults {
        let mut child = Child::spawn(program.command());
        child.tell_text(&line);
        child.hang_up();
        assert_eq!(child.hear(), None, "{line}");
        let exit = child.exit();
        assert_eq!(exit.code, Some(2), "{line}: {exit:?}");
        assert!(exit.last_words.contains(words), "{words}: {exit:?}");
    }
}

/// The name and class of the hello are those of the `client.toml` beside it.
pub fn says_hello_as_its_manifest(program: Program) {
    let mut child = Child::with_plan(program, &plan("ws://127.0.0.1:1/", Format::Binary));
    let Some(FromClient::Hello(hello)) = child.hear() else { panic!("no hello") };
    assert!(!hello.versions.is_empty());
    let folder = std::env::var("CARGO_MANIFEST_DIR").unwrap();
    let Ok(manifest) = std::fs::read_to_string(Path::new(&folder).join("client.toml")) else {
        panic!("no client.toml in the client's folder");
    };
    let class = match hello.class {
        Class::Reference => "reference",
        Class::Library => "library",
        Class::Tuned => "tuned",
        Class::Simulated => "simulated",
        Class::Application => "application",
    };
    assert!(manifest.contains(&format!("name = \"{}\"\n", hello.name)));
    assert!(manifest.contains(&format!("class = \"{class}\"\n")));
}
