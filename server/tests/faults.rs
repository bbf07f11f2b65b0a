//! Faults around the standalone server: each costs only the connection that has it.

mod common;

use common::clients::{connect, connect_narrow, dial, next_seq, read_all, seq};
use common::events::Event;
use common::standalone::{Standalone, command, left, refusal_of};
use common::{BINARY, wait_until};
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::io::Write;
use std::net::Shutdown;
use std::os::unix::process::CommandExt;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;
use tungstenite::HandshakeError;

/// A client that reads until the server ends, in a thread of its own, and has to get every
/// tick from its first on. Gives how many that were.
fn read_to_the_end(url: &str) -> JoinHandle<usize> {
    let mut client = connect(url);
    let first = next_seq(&mut client);
    std::thread::spawn(move || {
        let (payloads, code) = read_all(&mut client);
        assert_eq!(code, 1001);
        for (payload, expected) in payloads.iter().zip(first + 1..) {
            assert_eq!(seq(payload), expected);
        }
        payloads.len()
    })
}

/// Raises the soft descriptor limit of this process to the hard one; false if that is less
/// than `wanted`, which is then printed.
fn allow_descriptors(wanted: u64) -> bool {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).unwrap();
    if hard < wanted {
        // Not by `eprintln`, which is captured in a test that passes.
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
    let server = Standalone::new(&["--rate", "2000"]);
    let good = read_to_the_end(&server.url);
    let before = server.descriptors();
    let crowd: Vec<_> = (0..1000).map(|_| connect(&server.url)).collect();
    wait_until("all have connected", || server.descriptors() >= before + 1000);
    // Connections with unread ticks are reset.
    drop(crowd);
    wait_until("all have left", || server.descriptors() == before);
    let events = server.end();
    assert!(good.join().unwrap() > 0);
    assert_eq!(left(&events).len(), 1001, "one event for each");
}

#[test]
fn the_counts_of_each_connection_and_their_sum_are_what_its_client_got() {
    let server = Standalone::new(&["--rate", "5000", "--duration", "1"]);
    let clients: Vec<_> = (0..3)
        .map(|_| {
            let mut client = connect(&server.url);
            let peer = client.get_ref().local_addr().unwrap();
            std::thread::spawn(move || (peer, read_all(&mut client)))
        })
        .collect();
    let clients: Vec<_> = clients.into_iter().map(|client| client.join().unwrap()).collect();
    let (status, events) = server.wait();
    assert!(status.success());
    let mut all = 0;
    for (peer, (payloads, code)) in clients {
        assert_eq!(code, 1000);
        let count = payloads.len() as u64;
        all += count;
        let left = left(&events);
        let left = left.iter().find(|left| left.peer == peer).unwrap();
        assert_eq!((left.reason.as_str(), left.written, left.dropped), ("closed", count, 0));
    }
    let total = Event::Total { generated: 5000, written: all, dropped: 0 };
    assert_eq!(events.last(), Some(&total));
}

/// A tick may be sent in part when the client closes: the rest of it comes before the close
/// frame, and it counts.
#[test]
fn a_close_frame_is_answered_between_two_ticks() {
    let args = ["--rate", "100000", "--format", "json", "--send-buffer", "8192"];
    let mut server = Standalone::new(&args);
    for _ in 0..20 {
        let mut client = connect_narrow(&server.url, 8192);
        // Time until the socket of the server is full.
        std::thread::sleep(Duration::from_millis(50));
        let peer = client.get_ref().local_addr().unwrap();
        client.close(None).unwrap();
        let (payloads, _) = read_all(&mut client);
        drop(client);
        let left = server.wait_for_left_of(peer);
        assert_eq!(left.reason, "closed_by_client");
        assert_eq!(left.written, payloads.len() as u64);
    }
}

/// A WebSocket does not end by closing one direction (RFC 6455, 7.1.1).
#[test]
fn a_half_closed_connection_is_ended_and_the_others_go_on() {
    let mut server = Standalone::new(&["--rate", "2000"]);
    let good = read_to_the_end(&server.url);
    let before = server.descriptors();
    let mut half = connect(&server.url);
    next_seq(&mut half);
    let peer = half.get_ref().local_addr().unwrap();
    half.get_ref().shutdown(Shutdown::Write).unwrap();
    assert_eq!(server.wait_for_left_of(peer).reason, "no_close_frame");
    assert_eq!(server.descriptors(), before);
    server.end();
    assert!(good.join().unwrap() > 0);
}

/// With few descriptors few clients can connect: those go on, and others are refused until
/// some leave.
#[test]
fn without_descriptors_no_connection_is_lost_and_others_can_connect_later() {
    const LIMIT: u64 = 64;
    const CROWD: usize = 40;
    let mut command = command(&["--rate", "2000"]);
    // SAFETY: between fork and exec only a system call is made.
    unsafe {
        command.pre_exec(|| Ok(setrlimit(Resource::RLIMIT_NOFILE, LIMIT, LIMIT)?));
    }
    let server = Standalone::from_command(command);
    let good = read_to_the_end(&server.url);
    let may_leave = Arc::new(AtomicBool::new(false));
    let refused = Arc::new(AtomicUsize::new(0));
    let crowd: Vec<_> = (0..CROWD)
        .map(|_| {
            let (address, url) = (server.address().to_owned(), server.url.clone());
            let (may_leave, refused) = (Arc::clone(&may_leave), Arc::clone(&refused));
            std::thread::spawn(move || {
                let mut client = loop {
                    match tungstenite::client(url.as_str(), dial(&address, None)) {
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
    wait_until("clients are refused", || refused.load(Ordering::Relaxed) > CROWD);
    may_leave.store(true, Ordering::Relaxed);
    crowd.into_iter().for_each(|client| client.join().unwrap());
    let events = server.end();
    assert!(good.join().unwrap() > 0);
    let joined = events.iter().filter(|event| matches!(event, Event::Joined { .. }));
    assert_eq!(joined.count(), CROWD + 1);
    let is_warning =
        |event: &&Event| matches!(event, Event::Other { level, .. } if level == "WARN");
    let warning = events.iter().find(is_warning);
    let Some(Event::Other { message, .. }) = warning else { panic!("no warning") };
    assert!(message.contains("descriptor limit"), "{message}");
}

#[test]
fn too_few_descriptors_to_start_are_reported_in_one_line() {
    let mut command = command(&["--rate", "2000"]);
    // SAFETY: between fork and exec only a system call is made.
    unsafe {
        command.pre_exec(|| Ok(setrlimit(Resource::RLIMIT_NOFILE, 5, 5)?));
    }
    let refusal = refusal_of(&mut command);
    assert!(refusal.contains("Too many open files"), "{refusal}");
    assert_eq!(refusal.trim().lines().count(), 1, "{refusal}");
}

/// Its clients see the end without a close frame, and its port is free at once.
#[test]
fn a_killed_server_can_be_started_again_on_its_port() {
    let mut server = Standalone::new(&["--rate", "2000"]);
    let address = server.address().to_owned();
    let mut client = connect(&server.url);
    next_seq(&mut client);
    server.process.child.kill().unwrap();
    server.process.wait();
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
    let again = Standalone::from_command(command);
    assert_eq!(again.address(), address);
    let good = read_to_the_end(&again.url);
    again.end();
    good.join().unwrap();
}
