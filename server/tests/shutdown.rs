//! The end of a server by hand: what connections get before it.

mod common;

use common::http::{fetch_until, metrics_address, wait_for_the_end};
use common::{ByHand, PATIENCE, connect, read_all};
use nix::sys::signal::Signal;
use std::net::TcpStream;
use std::process::ExitStatus;
use std::time::{Duration, Instant};
use tick::Format;
use tungstenite::Message;

/// Waits for the process; a server that never ends fails the test.
fn wait(server: &mut ByHand) -> ExitStatus {
    let began = Instant::now();
    loop {
        if let Some(status) = server.process.try_wait().unwrap() {
            return status;
        }
        assert!(began.elapsed() < PATIENCE, "it does not end");
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A server whose metrics are at the address, with little room in the kernel.
fn serve(args: &[&str]) -> (ByHand, String) {
    let always = ["--metrics", "127.0.0.1:0", "--rate", "50000", "--send-buffer", "100000"];
    let mut server = ByHand::new(&[&always, args].concat());
    let address = metrics_address(&mut server);
    (server, address)
}

#[test]
fn a_slow_reader_gets_all_that_was_made_before_the_signal_then_1001() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let (mut server, address) = serve(&["--drain-ms", "600000"]);
        let mut slow = connect(&server.url);
        fetch_until(&address, |page| page.get("backlog_ticks") > 10_000);
        server.signal(signal);
        wait_for_the_end(&address);
        let page = fetch_until(&address, |page| page.get("connections") == 1);
        let made = page.get("ticks_generated_total");
        let (payloads, code) = read_all(&mut slow);
        assert_eq!(code, 1001);
        let seq = |payload: &Vec<u8>| Format::Binary.decode(payload, 0).unwrap().seq;
        let first = seq(&payloads[0]);
        assert!(payloads.iter().map(seq).eq(first..made));
        let said = server.hear("left: closed");
        assert!(said.contains(&format!("; written {} ticks, dropped 0", payloads.len())), "{said}");
        assert!(wait(&mut server).success());
    }
}

#[test]
fn a_slow_reader_gets_all_of_a_load_that_ended_then_1000() {
    let (mut server, address) = serve(&["--drain-ms", "600000", "--duration", "2"]);
    let mut slow = connect(&server.url);
    wait_for_the_end(&address);
    let (payloads, code) = read_all(&mut slow);
    assert_eq!(code, 1000);
    let last = Format::Binary.decode(payloads.last().unwrap(), 0).unwrap();
    assert_eq!(last.seq, 99_999);
    assert!(wait(&mut server).success());
}

#[test]
fn one_that_answers_late_is_waited_for() {
    let (mut server, address) = serve(&["--drain-ms", "600000"]);
    let mut late = connect(&server.url);
    assert!(late.read().unwrap().is_binary());
    server.signal(Signal::SIGTERM);
    wait_for_the_end(&address);
    // Several pings' time, of which none may follow the close frame.
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(read_all(&mut late).1, 1001);
    server.hear("left: closed; ");
    assert!(wait(&mut server).success());
}

#[test]
fn a_stalled_one_does_not_hold_up_the_end_beyond_its_bound() {
    let (mut server, address) = serve(&["--drain-ms", "300"]);
    let stalled = connect(&server.url);
    fetch_until(&address, |page| page.class("stalled") == 1);
    server.signal(Signal::SIGTERM);
    let said = server.hear("took too long for what waited for it, cut off");
    assert!(said.contains(&stalled.get_ref().local_addr().unwrap().to_string()), "{said}");
    server.hear("in all: ");
    assert!(wait(&mut server).success());
}

#[test]
fn a_drain_of_no_time_still_says_goodbye() {
    let (mut server, _) = serve(&["--drain-ms", "0"]);
    let mut client = connect(&server.url);
    assert!(client.read().unwrap().is_binary());
    server.signal(Signal::SIGTERM);
    // The server does not wait for its answer, so the end may be a reset one.
    let code = loop {
        if let Message::Close(frame) = client.read().unwrap() {
            break frame.map(|frame| u16::from(frame.code));
        }
    };
    assert_eq!(code, Some(1001));
    assert!(wait(&mut server).success());
}

#[test]
fn nobody_comes_in_while_it_drains_and_a_second_signal_ends_it_at_once() {
    let (mut server, address) = serve(&["--drain-ms", "86400000"]);
    let stalled = connect(&server.url);
    fetch_until(&address, |page| page.class("stalled") == 1);
    server.signal(Signal::SIGTERM);
    wait_for_the_end(&address);
    let began = Instant::now();
    while TcpStream::connect(server.address()).is_ok() {
        assert!(began.elapsed() < PATIENCE, "its door is still open");
        std::thread::sleep(Duration::from_millis(5));
    }
    assert!(server.process.try_wait().unwrap().is_none());
    server.signal(Signal::SIGTERM);
    assert_eq!(wait(&mut server).code(), Some(130));
    drop(stalled);
}
