//! The end of a standalone server: what connections get before it.

mod common;

use common::clients::{connect, next_seq, read_all, seq};
use common::events::Event;
use common::http::{scrape_until, serve_with_metrics, wait_until_unhealthy};
use common::standalone::{Standalone, left};
use common::wait_until;
use nix::sys::signal::Signal;
use std::net::TcpStream;
use tungstenite::Message;

/// A server with small send buffers, so that ticks soon wait in it.
fn serve(args: &[&str]) -> (Standalone, String) {
    let always = ["--rate", "50000", "--send-buffer", "100000"];
    serve_with_metrics(&[&always, args].concat())
}

#[test]
fn a_slow_reader_gets_all_that_was_made_before_the_signal_then_1001() {
    for signal in [Signal::SIGTERM, Signal::SIGINT] {
        let (mut server, address) = serve(&["--drain-ms", "600000"]);
        let mut slow = connect(&server.url);
        scrape_until(&address, "ticks wait", |page| page.get("backlog_ticks") > 10_000);
        server.signal(signal);
        wait_until_unhealthy(&address);
        let page = scrape_until(&address, "it stays", |page| page.get("connections") == 1);
        let made = page.get("ticks_generated_total");
        let (payloads, code) = read_all(&mut slow);
        assert_eq!(code, 1001);
        let first = seq(&payloads[0]);
        assert!(payloads.iter().map(|payload| seq(payload)).eq(first..made));
        let left = server.wait_for_left();
        assert_eq!((left.reason.as_str(), left.dropped), ("closed", 0));
        assert_eq!(left.written, payloads.len() as u64);
        assert!(server.wait().0.success());
    }
}

#[test]
fn a_slow_reader_gets_all_of_a_load_that_is_over_then_1000() {
    let (server, address) = serve(&["--drain-ms", "600000", "--duration", "1"]);
    let mut slow = connect(&server.url);
    wait_until_unhealthy(&address);
    let (payloads, code) = read_all(&mut slow);
    assert_eq!(code, 1000);
    assert_eq!(seq(payloads.last().unwrap()), 49_999);
    assert!(server.wait().0.success());
}

/// No ping may follow the close frame, however late the answer is.
#[test]
fn a_client_that_answers_late_is_waited_for() {
    let (mut server, address) = serve(&["--drain-ms", "600000"]);
    let mut late = connect(&server.url);
    next_seq(&mut late);
    server.signal(Signal::SIGTERM);
    wait_until_unhealthy(&address);
    // Time for several pings, if there were any.
    std::thread::sleep(std::time::Duration::from_millis(500));
    assert_eq!(read_all(&mut late).1, 1001);
    assert_eq!(server.wait_for_left().reason, "closed");
    assert!(server.wait().0.success());
}

#[test]
fn a_stalled_client_delays_the_end_no_longer_than_the_limit() {
    let (server, address) = serve(&["--drain-ms", "300"]);
    let stalled = connect(&server.url);
    scrape_until(&address, "it is stalled", |page| page.class("stalled") == 1);
    server.signal(Signal::SIGTERM);
    let (status, events) = server.wait();
    assert!(status.success());
    let left = left(&events);
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].peer, stalled.get_ref().local_addr().unwrap());
    assert!(left[0].reason == "cut_off" && left[0].waiting > 0, "{left:?}");
    assert!(matches!(events.last(), Some(Event::Total { .. })));
}

#[test]
fn without_time_to_drain_a_close_frame_is_still_sent() {
    let (server, _) = serve(&["--drain-ms", "0"]);
    let mut client = connect(&server.url);
    next_seq(&mut client);
    server.signal(Signal::SIGTERM);
    // The server does not wait for the answer, so that the connection may end by a reset.
    let code = loop {
        if let Message::Close(frame) = client.read().unwrap() {
            break frame.map(|frame| u16::from(frame.code));
        }
    };
    assert_eq!(code, Some(1001));
    assert!(server.wait().0.success());
}

#[test]
fn while_it_drains_the_port_is_closed_and_a_second_signal_ends_it_at_once() {
    let (mut server, address) = serve(&["--drain-ms", "86400000"]);
    let stalled = connect(&server.url);
    scrape_until(&address, "it is stalled", |page| page.class("stalled") == 1);
    server.signal(Signal::SIGTERM);
    wait_until_unhealthy(&address);
    wait_until("its port is closed", || TcpStream::connect(server.address()).is_err());
    assert!(server.process.child.try_wait().unwrap().is_none());
    server.signal(Signal::SIGTERM);
    assert_eq!(server.wait().0.code(), Some(130));
    drop(stalled);
}
