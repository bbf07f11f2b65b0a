//! Who comes in, and when not: deadlines, places, numbers, tokens, origins.

mod asking;
mod common;
mod witness;

use asking::{asked, by_bytes, open, read_answer, target, with, without};
use common::{ByHand, connect};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tick_server::accept::dispatch::Spread;
use tick_server::accept::listener::{self, Tuning};
use witness::Witness;

/// A process that is ended when dropped, also by a failing test.
struct Ended(Child);

impl Drop for Ended {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// When it is closed, it resets the connection.
fn reset(socket: &TcpStream) {
    socket2::SockRef::from(socket).set_linger(Some(Duration::ZERO)).unwrap();
}

/// A request that comes byte by byte is one, and its cuts are none of its faults.
#[test]
fn a_request_may_come_in_pieces() {
    let server = ByHand::new(&["--rate", "2000"]);
    for (asked, status) in [(asked(), 101), (without("Upgrade"), 400)] {
        let mut socket = open(&server.address());
        socket.set_nodelay(true).unwrap();
        for byte in asked.to_bytes() {
            socket.write_all(&[byte]).unwrap();
        }
        assert_eq!(read_answer(&mut socket).status, status);
    }
}

/// What stands open is told so at the deadline, which is short here.
#[test]
fn half_a_request_and_silence_end_with_408() {
    let tuning = Tuning { handshake: Duration::from_millis(100), ..Tuning::default() };
    let poller = Arc::new(polling::Poller::new().unwrap());
    let (to, _seats) = Spread::over(&[poller]);
    let host = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let door = listener::open(host, 0, tuning, to).unwrap();
    let whole = asked().to_bytes();
    for len in [0, 1, 20, whole.len() - 1] {
        let mut socket = open(&door.address.to_string());
        socket.write_all(&whole[..len]).unwrap();
        let answer = read_answer(&mut socket);
        assert_eq!(answer.status, 408, "{len} bytes");
        assert_eq!(answer.body, b"no whole request came within 0.1 s\n");
    }
}

#[test]
fn whoever_leaves_in_the_middle_harms_nobody() {
    let server = ByHand::new(&["--rate", "2000"]);
    let witness = Witness::new(&server.url);
    let whole = asked().to_bytes();
    for len in [0, 1, 20, whole.len()] {
        for resets in [false, true] {
            let mut socket = open(&server.address());
            socket.write_all(&whole[..len]).unwrap();
            if resets {
                reset(&socket);
            }
        }
    }
    witness.is_served_after("all of them");
    witness.leave();
}

#[test]
fn no_more_connections_than_there_are_places() {
    let server = ByHand::new(&["--rate", "2000", "--max-connections", "3"]);
    let mut inside = vec![connect(&server.url), connect(&server.url), connect(&server.url)];
    let answer = by_bytes(&server.address(), &asked().to_bytes());
    assert_eq!(answer.status, 503);
    assert!(answer.headers.contains(&"retry-after: 1".to_owned()));
    assert!(inside.iter_mut().all(|client| client.read().is_ok()));
    // A broken request takes no place, and says what it is.
    assert_eq!(by_bytes(&server.address(), &without("Upgrade").to_bytes()).status, 400);
    // Each that leaves makes a place, in whichever way it leaves.
    for resets in [false, true] {
        let client = inside.remove(0);
        if resets {
            reset(client.get_ref());
        }
        drop(client);
        let limit = Instant::now() + Duration::from_secs(60);
        loop {
            let mut socket = open(&server.address());
            socket.write_all(&asked().to_bytes()).unwrap();
            match read_answer(&mut socket).status {
                101 => {
                    break inside.push(tungstenite::WebSocket::from_raw_socket(
                        socket,
                        tungstenite::protocol::Role::Client,
                        None,
                    ));
                }
                status => assert!(status == 503 && Instant::now() < limit, "{status}"),
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        assert_eq!(by_bytes(&server.address(), &asked().to_bytes()).status, 503);
    }
}

/// Under the harness each number comes once.
#[test]
fn a_number_that_is_not_to_come_is_refused() {
    let mut server = common::Served::new(&contract::ServerPlan {
        connections: 2,
        ..common::plan(common::rate(10_000), 100)
    });
    let url = server.url.clone();
    let mut first = connect(&format!("{url}?connection=1"));
    for number in ["1", "2"] {
        let asked = target(&format!("/ticks?connection={number}"));
        let answer = by_bytes(&server.address(), &asked.to_bytes());
        assert_eq!(answer.status, 409, "{number}");
    }
    let mut second = connect(&url);
    server.start_all(2);
    let other = std::thread::spawn(move || common::read_all(&mut second));
    assert_eq!(common::read_all(&mut first).0.len(), 1000);
    assert_eq!(other.join().unwrap().0.len(), 1000);
}

#[test]
fn a_token_and_an_origin_are_asked_for_and_the_token_is_in_no_log() {
    const TOKEN: &str = "a-token-that-nobody-may-see";
    let room = tempfile::tempdir().unwrap();
    let file = room.path().join("token");
    std::fs::write(&file, format!("{TOKEN}\n")).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o600)).unwrap();
    let origins = ["--allow-origin", "https://a.example", "https://b.example"];
    let server = Command::new(common::BINARY)
        .args(["--rate", "2000", "--port", "0", "--listen", "127.0.0.1", "--token-file"])
        .arg(&file)
        .args(origins)
        .stderr(Stdio::piped())
        .spawn();
    let mut server = Ended(server.unwrap());
    let mut said = BufReader::new(server.0.stderr.take().unwrap());
    let mut url = String::new();
    said.read_line(&mut url).unwrap();
    let address = url.trim().trim_start_matches("ws://").trim_end_matches("/ticks").to_owned();

    let bearer = |token: &str| with("Authorization", &format!("Bearer {token}"));
    let witness = Witness::new(&format!("{}?token={TOKEN}", url.trim()));
    for (asked, status) in [
        (asked(), 401),
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
        let mut socket = open(&address);
        socket.write_all(&asked.to_bytes()).unwrap();
        let answer = read_answer(&mut socket);
        assert_eq!(answer.status, status);
        let challenges = answer.headers.contains(&"www-authenticate: Bearer".to_owned());
        assert_eq!(challenges, status == 401);
        assert!(!String::from_utf8(answer.body).unwrap().contains(TOKEN));
        if status == 101 {
            // What it breaks then is told in the log, too.
            socket.write_all(&[0xff; 64]).unwrap();
        }
        witness.is_served_after("all of them");
    }
    witness.leave();
    drop(server);
    let mut log = String::new();
    said.read_to_string(&mut log).unwrap();
    assert!(log.contains("joined") && log.contains("left"), "{log}");
    assert!(!log.contains(TOKEN), "{log}");
}
