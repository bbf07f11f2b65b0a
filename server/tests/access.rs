//! Who may connect, and when: deadlines, the number of connections, connection numbers,
//! tokens, origins.

mod common;
mod reference_client;
mod requests;

use common::child::{ChildServer, plan, rate};
use common::clients::{connect, dial, read_all, reset_on_drop};
use common::standalone::{Process, Standalone};
use common::{BINARY, PATIENCE};
use reference_client::ReferenceClient;
use requests::{answer_to, good, read_answer, target, with, without};
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tick_server::accept::dispatch::{Dispatcher, EngineInbox};
use tick_server::accept::listener::{self, Listener, ListenerConfig};

#[test]
fn a_request_may_come_byte_by_byte() {
    let server = Standalone::new(&["--rate", "2000"]);
    for (request, status) in [(good(), 101), (without("Upgrade"), 400)] {
        let mut socket = dial(server.address(), None);
        socket.set_nodelay(true).unwrap();
        for byte in request.to_bytes() {
            socket.write_all(&[byte]).unwrap();
        }
        assert_eq!(read_answer(&mut socket).status, status);
    }
}

/// A listener of this process with a short deadline.
fn listen() -> (Listener, Vec<EngineInbox>) {
    let limit = Duration::from_millis(100);
    let config = ListenerConfig { handshake_limit: limit, ..ListenerConfig::default() };
    let poller = Arc::new(polling::Poller::new().unwrap());
    let (to, inboxes) = Dispatcher::new(&[poller]);
    let host = IpAddr::V4(Ipv4Addr::LOCALHOST);
    (listener::listen(host, 0, config, to).unwrap(), inboxes)
}

#[test]
fn an_incomplete_request_is_refused_with_408_at_the_deadline() {
    let (listener, _inboxes) = listen();
    let request = good().to_bytes();
    for len in [0, 1, 20, request.len() - 1] {
        let answer = answer_to(&listener.address.to_string(), &request[..len]);
        assert_eq!(answer.status, 408, "{len} bytes");
        assert_eq!(answer.body, b"no complete request came within 0.1 s\n");
    }
}

/// As many as there may be handshakes at a time.
#[test]
fn incomplete_requests_make_room_at_their_deadline_though_their_clients_stay() {
    let (listener, _inboxes) = listen();
    let address = listener.address.to_string();
    let incomplete = &good().to_bytes()[..20];
    let clients: Vec<_> = (0..256)
        .map(|_| {
            let mut socket = dial(&address, None);
            socket.write_all(incomplete).unwrap();
            socket
        })
        .collect();
    assert_eq!(answer_to(&address, &good().to_bytes()).status, 101);
    drop(clients);
}

#[test]
fn clients_that_leave_within_their_handshake_disturb_nobody() {
    let server = Standalone::new(&["--rate", "2000"]);
    let reference = ReferenceClient::new(&server.url);
    let request = good().to_bytes();
    for len in [0, 1, 20, request.len()] {
        for resets in [false, true] {
            let mut socket = dial(server.address(), None);
            socket.write_all(&request[..len]).unwrap();
            if resets {
                reset_on_drop(&socket);
            }
        }
    }
    reference.assert_served_after("all of them");
    reference.leave();
}

#[test]
fn no_more_clients_are_accepted_than_the_most_connections() {
    let server = Standalone::new(&["--rate", "2000", "--max-connections", "3"]);
    let mut clients = vec![connect(&server.url), connect(&server.url), connect(&server.url)];
    let answer = answer_to(server.address(), &good().to_bytes());
    assert_eq!(answer.status, 503);
    assert!(answer.headers.contains(&"retry-after: 1".to_owned()));
    assert!(clients.iter_mut().all(|client| client.read().is_ok()));
    // A broken request takes no slot, and its answer says what is wrong.
    assert_eq!(answer_to(server.address(), &without("Upgrade").to_bytes()).status, 400);
    // Each client that leaves frees a slot, in whichever way it leaves.
    for resets in [false, true] {
        let client = clients.remove(0);
        if resets {
            reset_on_drop(client.get_ref());
        }
        drop(client);
        let limit = Instant::now() + PATIENCE;
        loop {
            let mut socket = dial(server.address(), None);
            socket.write_all(&good().to_bytes()).unwrap();
            match read_answer(&mut socket).status {
                101 => {
                    break clients.push(tungstenite::WebSocket::from_raw_socket(
                        socket,
                        tungstenite::protocol::Role::Client,
                        None,
                    ));
                }
                status => assert!(status == 503 && Instant::now() < limit, "{status}"),
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(answer_to(server.address(), &good().to_bytes()).status, 503);
    }
}

/// Under the harness each connection number comes once.
#[test]
fn an_unexpected_connection_number_is_refused() {
    let mut server =
        ChildServer::new(&contract::ServerPlan { connections: 2, ..plan(rate(10_000), 100) });
    let mut first = connect(&server.url_of(1));
    for number in ["1", "2"] {
        let request = target(&format!("/ticks?connection={number}"));
        let answer = answer_to(server.address(), &request.to_bytes());
        assert_eq!(answer.status, 409, "{number}");
    }
    let mut second = connect(&server.url);
    server.start_all(2);
    let other = std::thread::spawn(move || read_all(&mut second));
    assert_eq!(read_all(&mut first).0.len(), 1000);
    assert_eq!(other.join().unwrap().0.len(), 1000);
}

#[test]
fn a_token_and_an_origin_are_required_and_the_token_is_never_logged() {
    const TOKEN: &str = "a-token-that-nobody-may-see";
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("token");
    std::fs::write(&file, format!("{TOKEN}\n")).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let origins = ["--allow-origin", "https://a.example", "https://b.example"];
    let mut command = Command::new(BINARY);
    command.args(["--rate", "2000", "--port", "0", "--log", "debug"]);
    command.args(["--listen", "127.0.0.1", "--token-file"]).arg(&file).args(origins);
    let mut server = Process::spawn(command);
    let url = server.next_line();
    let address = common::clients::address(&url).to_owned();

    let bearer = |token: &str| with("Authorization", &format!("Bearer {token}"));
    let reference = ReferenceClient::new(&format!("{url}?token={TOKEN}"));
    for (request, status) in [
        (good(), 401),
        (bearer(TOKEN), 101),
        (target(&format!("/ticks?token={TOKEN}")), 101),
        (bearer("a-token-that-nobody-may-sef"), 401),
        (bearer("a-token-that-nobody-may-se"), 401),
        (target("/ticks?token=wrong"), 401),
        (bearer(TOKEN).and("Origin", "https://a.example"), 101),
        (bearer(TOKEN).and("Origin", "https://b.example"), 101),
        (bearer(TOKEN).and("Origin", "https://c.example"), 403),
        (bearer(TOKEN).and("Origin", "null"), 403),
    ] {
        let mut socket = dial(&address, None);
        socket.write_all(&request.to_bytes()).unwrap();
        let answer = read_answer(&mut socket);
        assert_eq!(answer.status, status);
        let challenges = answer.headers.contains(&"www-authenticate: Bearer".to_owned());
        assert_eq!(challenges, status == 401);
        assert!(!String::from_utf8(answer.body).unwrap().contains(TOKEN));
        if status == 101 {
            // A violation, which is logged too.
            socket.write_all(&[0xff; 64]).unwrap();
        }
        reference.assert_served_after("a request");
    }
    reference.leave();
    server.child.kill().unwrap();
    let mut log = String::new();
    server.stderr.take().unwrap().read_to_string(&mut log).unwrap();
    for event in ["joined", "left", "refused"] {
        assert!(log.contains(event), "{log}");
    }
    assert!(!log.contains(TOKEN), "{log}");
}
