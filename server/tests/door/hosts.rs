//! Many connections of one host, all of which finish their handshakes.

use crate::common::clients::{connect, dial};
use crate::common::http::{scrape_until, serve_with_metrics};
use crate::common::wait_until;
use crate::dial_from;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::net::TcpStream;
use tungstenite::protocol::CloseFrame;
use tungstenite::{Message, WebSocket};

type Client = WebSocket<TcpStream>;

fn open(socket: TcpStream, url: &str) -> Client {
    tungstenite::client(url, socket).unwrap().0
}

/// The close frame of a connection that gets one at once; `None`: it gets a tick.
fn closed(client: &mut Client) -> Option<CloseFrame> {
    loop {
        match client.read().unwrap() {
            Message::Close(frame) => return Some(frame.unwrap()),
            Message::Binary(_) => return None,
            _ => {}
        }
    }
}

#[test]
fn a_host_has_at_most_so_many_connections_and_the_close_frame_says_so() {
    let args = ["--rate", "2000", "--max-connections-per-address", "3"];
    let (server, metrics) = serve_with_metrics(&args);
    let mut own: Vec<Client> = (0..3).map(|_| connect(&server.url)).collect();
    let mut fourth = connect(&server.url);
    let frame = closed(&mut fourth).unwrap();
    assert_eq!(u16::from(frame.code), 1013);
    assert!(frame.reason.contains("your address has 3 connections"), "{}", frame.reason);
    // Another host has its own.
    let mut other = open(dial_from([127, 0, 0, 2], server.address()), &server.url);
    assert!(closed(&mut other).is_none());
    let refused = [("status", "1013")];
    scrape_until(&metrics, "it is counted", |page| {
        page.sum("tick_server_connections_refused_total", Some(refused[0])) == 1
    });
    assert!(own.iter_mut().all(|client| closed(client).is_none()));
    // One that leaves makes room.
    drop(own.pop());
    wait_until("a connection is free", || closed(&mut connect(&server.url)).is_none());
}

/// More than one host may have by default; the rest of the server is for others.
#[test]
fn two_thousand_connections_of_one_host_leave_room_for_others() {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).unwrap();
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).unwrap();
    if hard < 6_000 {
        println!("only {hard} descriptors: not tested");
        return;
    }
    let (server, metrics) = serve_with_metrics(&["--rate", "1", "--max-connections", "2000"]);
    let open_one = |_| open(dial(server.address(), None), &server.url);
    let _greedy: Vec<Client> = (0..2_000).map(open_one).collect();
    let page = scrape_until(&metrics, "1 024 are open", |page| page.get("connections") == 1_024);
    assert_eq!(page.sum("tick_server_connections_refused_total", Some(("status", "1013"))), 976);
    let mut other = open(dial_from([127, 0, 0, 2], server.address()), &server.url);
    assert!(closed(&mut other).is_none());
}
