//! Clients that begin a handshake and stay silent. The deadline of handshakes is an hour here, so
//! that only displacing them makes room.

use crate::common::clients::{connect, dial};
use crate::common::http::{request, scrape_until, serve_with_metrics};
use crate::dial_from;
use crate::requests::{answer_to, good, read_answer};
use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};
use tick_server::accept::counts::AcceptCounts;
use tick_server::accept::current::Current;
use tick_server::accept::dispatch::{Dispatcher, EngineInbox};
use tick_server::accept::listener::{self, Listener, ListenerConfig};
use tick_server::metrics::{http, page};

const HOUR: Duration = Duration::from_secs(3_600);

fn listen(config: ListenerConfig) -> (Listener, Vec<EngineInbox>, String) {
    let config = ListenerConfig { handshake_limit: HOUR, max_handshakes: 256, ..config };
    let poller = Arc::new(polling::Poller::new().unwrap());
    let (to, inboxes) = Dispatcher::new(&[poller]);
    let listener = listener::listen(IpAddr::V4(Ipv4Addr::LOCALHOST), 0, config, to).unwrap();
    let address = listener.address.to_string();
    (listener, inboxes, address)
}

/// Clients that have sent this much, and no more.
fn silent(address: &str, count: usize, sent: &[u8]) -> Vec<TcpStream> {
    let one = |_| {
        let mut socket = dial(address, None);
        socket.write_all(sent).unwrap();
        socket
    };
    (0..count).map(one).collect()
}

#[test]
fn an_honest_client_gets_in_under_three_hundred_and_a_thousand_silent_ones() {
    for count in [300, 1_000] {
        let (_listener, _inboxes, address) = listen(ListenerConfig::default());
        let clients = silent(&address, count, b"GET /ticks HT");
        let began = Instant::now();
        assert_eq!(answer_to(&address, &good().to_bytes()).status, 101);
        println!("under {count} silent clients: {:?}", began.elapsed());
        drop(clients);
    }
}

#[test]
fn clients_that_say_nothing_at_all_or_no_tls_keep_nobody_out() {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let dir = tempfile::tempdir().unwrap();
    let (cert, key) = (dir.path().join("cert"), dir.path().join("key"));
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let tls = tick_server::accept::certificate::load(&cert, &key).unwrap();
    let config = ListenerConfig { tls: Some(Current::new(tls)), ..ListenerConfig::default() };
    let (_listener, _inboxes, address) = listen(config);
    let _silent = silent(&address, 300, b"");
    // One that speaks no TLS is seen at once, and so is the end of its connection.
    let mut honest = dial(&address, None);
    honest.write_all(b"GET /ticks HTTP/1.1\r\n\r\n").unwrap();
    let mut answer = Vec::new();
    let _ = std::io::Read::read_to_end(&mut honest, &mut answer);
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
}

/// One that opens all of its connections before it sends a request must not displace itself.
#[test]
fn a_client_that_opens_all_expected_connections_at_once_keeps_them() {
    let config = ListenerConfig { expected: Some(400), ..ListenerConfig::default() };
    let (_listener, _inboxes, address) = listen(config);
    let mut clients = silent(&address, 400, b"GET /ticks?conn");
    // Longer than a place is safe from newer connections.
    std::thread::sleep(Duration::from_millis(100));
    for (number, socket) in clients.iter_mut().enumerate() {
        let request = String::from_utf8(good().to_bytes()).unwrap();
        let request = request.replacen("/ticks", &format!("/ticks?connection={number}"), 1);
        socket.write_all(&request.as_bytes()["GET /ticks?conn".len()..]).unwrap();
    }
    for socket in &mut clients {
        assert_eq!(read_answer(socket).status, 101);
    }
}

/// Whoever has taken the most places loses them first.
#[test]
fn a_slow_client_of_another_host_keeps_its_place() {
    let (_listener, _inboxes, address) = listen(ListenerConfig::default());
    let request = good().to_bytes();
    let mut slow = dial_from([127, 0, 0, 3], &address);
    slow.write_all(&request[..20]).unwrap();
    let greedy: Vec<TcpStream> = (0..600)
        .map(|_| {
            let mut socket = dial_from([127, 0, 0, 2], &address);
            socket.write_all(b"GET /ticks HT").unwrap();
            socket
        })
        .collect();
    // All of them have had their turn.
    assert_eq!(answer_to(&address, &request).status, 101);
    slow.write_all(&request[20..]).unwrap();
    assert_eq!(read_answer(&mut slow).status, 101);
    drop(greedy);
}

#[test]
fn a_displaced_client_is_told_so_and_counted() {
    let (server, address) = serve_with_metrics(&["--rate", "1000", "--max-handshakes", "256"]);
    let mut first = dial(server.address(), None);
    first.write_all(b"GET /ticks HT").unwrap();
    let _others = silent(server.address(), 300, b"GET /ticks HT");
    let answer = read_answer(&mut first);
    assert_eq!(answer.status, 503);
    let text = String::from_utf8(answer.body).unwrap();
    assert!(text.contains("newer connections took the place"), "{text}");
    let displaced = "handshakes_displaced_total";
    let page = scrape_until(&address, "it is counted", |page| page.get(displaced) >= 45);
    assert!(page.sum("tick_server_connections_refused_total", Some(("status", "503"))) >= 45);
    assert!(connect(&server.url).read().is_ok());
}

#[test]
fn silent_clients_of_the_metrics_keep_no_scrape_out() {
    let listener = http::bind("127.0.0.1:0".parse().unwrap(), false).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let registry = page::registry(Vec::new(), &AcceptCounts::default());
    http::serve(listener, registry, Arc::new(AtomicBool::new(true)), HOUR).unwrap();
    let clients = silent(&address, 200, b"GET /metr");
    assert_eq!(request(&address, "GET", "/metrics", "").status, 200);
    drop(clients);
}
