//! Faults around the server by hand: each costs whom it befalls, and nobody else.

mod common;

use common::noted::Noted;
use common::{BINARY, PATIENCE, connect, narrow, read_all};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::io::Write;
use std::net::{Shutdown, TcpStream};
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use tick::Format;
use tungstenite::{HandshakeError, Message, WebSocket};

fn wait_until(what: &str, mut holds: impl FnMut() -> bool) {
    let begin = Instant::now();
    while !holds() {
        assert!(begin.elapsed() < PATIENCE, "it never came that {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// The seq of the next tick.
fn next_seq(client: &mut WebSocket<TcpStream>) -> u64 {
    loop {
        if let Message::Binary(payload) = client.read().unwrap() {
            return Format::Binary.decode(&payload, 0).unwrap().seq;
        }
    }
}

/// A client that reads until the server goes away, in a thread of its own, and gets
/// every tick from its first on. Gives how many that were.
fn steady(url: &str) -> JoinHandle<usize> {
    let mut client = connect(url);
    let first = next_seq(&mut client);
    std::thread::spawn(move || {
        let (payloads, code) = read_all(&mut client);
        assert_eq!(code, 1001);
        for (payload, seq) in payloads.iter().zip(first + 1..) {
            assert_eq!(Format::Binary.decode(payload, 0).unwrap().seq, seq);
        }
        payloads.len()
    })
}

/// Lets this process have as many descriptors as its hard limit says; false where that
/// is less than `wanted`, and then says so.
fn allow_descriptors(wanted: u64) -> bool {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).unwrap();
    if hard < wanted {
        // Not by `eprintln`: of a test that passes, nobody would see it.
        let why = format!("{wanted} descriptors are needed, the hard limit (ulimit -Hn) is {hard}");
        let mut stderr = std::io::stderr();
        writeln!(stderr, "SKIPPED: {why}").unwrap();
    }
    hard >= wanted
}

#[test]
fn a_thousand_clients_that_leave_at_once_cost_the_others_nothing() {
    if !allow_descriptors(2200) {
        return;
    }
    let mut server = Noted::new(&["--rate", "2000"]);
    let words = server.words();
    let good = steady(&server.url);
    let before = server.descriptors();
    let crowd: Vec<_> = (0..1000).map(|_| connect(&server.url)).collect();
    wait_until("all are in", || server.descriptors() >= before + 1000);
    // Unread ticks make resets of it.
    drop(crowd);
    wait_until("all are out", || server.descriptors() == before);
    server.end();
    assert!(good.join().unwrap() > 0);
    let said = words.join().unwrap();
    let left = said.lines().filter(|line| line.contains(" left: "));
    assert_eq!(left.count(), 1001, "a line for each:\n{said}");
}

/// Its books of each connection, and their sum, are what its clients have got.
#[test]
fn it_tells_of_each_connection_what_was_written_to_it() {
    let mut server = Noted::new(&["--rate", "5000", "--duration", "1"]);
    let words = server.words();
    let clients: Vec<_> = (0..3)
        .map(|_| {
            let mut client = connect(&server.url);
            let local = client.get_ref().local_addr().unwrap();
            std::thread::spawn(move || (local, read_all(&mut client)))
        })
        .collect();
    let mut all = 0;
    let mut told = Vec::new();
    for client in clients {
        let (local, (payloads, code)) = client.join().unwrap();
        assert_eq!(code, 1000);
        all += payloads.len();
        told.push(format!("{local} left: closed; written {} ticks, dropped 0", payloads.len()));
    }
    assert!(server.process.wait().unwrap().success());
    let said = words.join().unwrap();
    for line in told {
        assert!(said.contains(&line), "no {line}:\n{said}");
    }
    assert!(said.contains(&format!("in all: made 5000 ticks; written {all} ticks, dropped 0")));
}

/// A tick may be written in part when the client closes: the rest of it comes before
/// the close frame, and it counts.
#[test]
fn a_close_frame_is_answered_between_two_ticks() {
    let args = ["--rate", "100000", "--format", "json", "--send-buffer", "8192"];
    let mut server = Noted::new(&args);
    let words = server.words();
    let mut told = Vec::new();
    for _ in 0..20 {
        let mut client = narrow(&server.url, 8192);
        // It does not read until the server is stuck.
        std::thread::sleep(Duration::from_millis(50));
        let local = client.get_ref().local_addr().unwrap();
        client.close(None).unwrap();
        let (payloads, _) = read_all(&mut client);
        let count = payloads.len();
        told.push(format!("{local} left: the client closed the connection; written {count} ticks"));
    }
    server.end();
    let said = words.join().unwrap();
    for line in told {
        assert!(said.contains(&line), "no {line}:\n{said}");
    }
}

/// Whoever looks at its words may have stopped: a pager, a full pipe.
#[test]
fn a_reader_of_its_words_that_has_stopped_stops_no_tick() {
    let server = Noted::new(&["--rate", "2000"]);
    let mut good = connect(&server.url);
    let mut newest = next_seq(&mut good);
    let mut follow = |count: u64| {
        for _ in 0..count {
            let seq = next_seq(&mut good);
            assert_eq!(seq, newest + 1);
            newest = seq;
        }
    };
    // A line when one joins and one when it leaves: more than a pipe holds (64 KiB).
    for _ in 0..1000 {
        drop(connect(&server.url));
        follow(1);
    }
    // More than there is in all buffers.
    follow(20_000);
}

#[test]
fn closed_words_end_nothing() {
    let mut server = Noted::new(&["--rate", "2000"]);
    server.stderr = None;
    let good = steady(&server.url);
    for _ in 0..20 {
        drop(connect(&server.url));
    }
    server.end();
    assert!(good.join().unwrap() > 0);
}

/// The other half stays open for what is on its way, and the server needs to hear
/// nothing: but a WebSocket does not end so (RFC 6455, 7.1.1), and it is let go.
#[test]
fn a_half_closed_connection_is_let_go_and_the_others_go_on() {
    let mut server = Noted::new(&["--rate", "2000"]);
    let words = server.words();
    let good = steady(&server.url);
    let before = server.descriptors();
    let mut half = connect(&server.url);
    next_seq(&mut half);
    let local = half.get_ref().local_addr().unwrap();
    half.get_ref().shutdown(Shutdown::Write).unwrap();
    wait_until("it is let go", || server.descriptors() == before);
    server.end();
    assert!(good.join().unwrap() > 0);
    let said = words.join().unwrap();
    let line = format!("{local} left: the connection ended without a close frame; written ");
    assert!(said.contains(&line), "{said}");
}

/// With few descriptors there are few places: whoever is there goes on, and whoever
/// comes is told to come again, and gets in as soon as others leave.
#[test]
fn without_descriptors_nobody_is_lost_and_others_come_again() {
    const LIMIT: u64 = 64;
    const CROWD: usize = 40;
    let mut command = Command::new(BINARY);
    command.args(["--port", "0", "--rate", "2000"]);
    // SAFETY: between fork and exec only a system call is made.
    unsafe {
        command.pre_exec(|| Ok(setrlimit(Resource::RLIMIT_NOFILE, LIMIT, LIMIT)?));
    }
    let mut server = Noted::started(command);
    let words = server.words();
    let good = steady(&server.url);
    let may_leave = Arc::new(AtomicBool::new(false));
    let refused = Arc::new(AtomicUsize::new(0));
    let crowd: Vec<_> = (0..CROWD)
        .map(|_| {
            let (address, url) = (server.address().to_owned(), server.url.clone());
            let (may_leave, refused) = (Arc::clone(&may_leave), Arc::clone(&refused));
            std::thread::spawn(move || {
                let mut client = loop {
                    let socket = TcpStream::connect(&address).unwrap();
                    socket.set_read_timeout(Some(PATIENCE)).unwrap();
                    match tungstenite::client(url.as_str(), socket) {
                        Ok((client, _)) => break client,
                        Err(HandshakeError::Failure(tungstenite::Error::Http(answer))) => {
                            assert_eq!(answer.status().as_u16(), 503);
                            refused.fetch_add(1, Ordering::Relaxed);
                            std::thread::sleep(Duration::from_millis(50));
                        }
                        Err(other) => panic!("{other}"),
                    }
                };
                next_seq(&mut client);
                while !may_leave.load(Ordering::Relaxed) {
                    next_seq(&mut client);
                }
            })
        })
        .collect();
    wait_until("it is full", || refused.load(Ordering::Relaxed) > CROWD);
    may_leave.store(true, Ordering::Relaxed);
    crowd.into_iter().for_each(|client| client.join().unwrap());
    server.end();
    assert!(good.join().unwrap() > 0);
    let said = words.join().unwrap();
    let joined = said.lines().filter(|line| line.contains(" joined at ")).count();
    assert_eq!(joined, CROWD + 1, "{said}");
    assert!(said.contains("raise the descriptor limit"), "{said}");
}

#[test]
fn too_few_descriptors_to_begin_are_told_in_one_line() {
    let mut command = Command::new(BINARY);
    command.args(["--port", "0", "--rate", "2000"]);
    // SAFETY: between fork and exec only a system call is made.
    unsafe {
        command.pre_exec(|| Ok(setrlimit(Resource::RLIMIT_NOFILE, 5, 5)?));
    }
    let output = command.output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("Too many open files") && said.trim().lines().count() == 1, "{said}");
}

/// Its clients see the end without a close frame, and its port is free at once.
#[test]
fn a_killed_server_can_be_started_again_in_its_place() {
    let mut server = Noted::new(&["--rate", "2000"]);
    let address = server.address().to_owned();
    let mut client = connect(&server.url);
    next_seq(&mut client);
    server.process.kill().unwrap();
    server.process.wait().unwrap();
    let end = loop {
        match client.read() {
            Ok(message) => assert!(!message.is_close()),
            Err(error) => break error,
        }
    };
    assert!(!matches!(end, tungstenite::Error::ConnectionClosed), "{end}");
    let port = address.rsplit(':').next().unwrap();
    let mut command = Command::new(BINARY);
    command.args(["--port", port, "--rate", "2000"]);
    let mut again = Noted::started(command);
    assert_eq!(again.address(), address);
    let good = steady(&again.url);
    again.end();
    good.join().unwrap();
}
