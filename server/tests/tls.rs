//! The server under TLS: what a client gets and how it is counted, and what those cost
//! who cannot speak it.

mod common;

use common::{ByHand, Served, dial, plan, rate, read_all};
use contract::{Credentials, ServerEnd, ServerPlan, ToServer};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tick::{Format, Market, Schedule, cents};
use tungstenite::{Message, WebSocket};

type Secret = WebSocket<StreamOwned<ClientConnection, TcpStream>>;

/// A certificate and its key, in files that go when it does.
struct Room {
    _dir: TempDir,
    files: Credentials,
}

impl Room {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
        let files = Credentials { cert: dir.path().join("cert"), key: dir.path().join("key") };
        std::fs::write(&files.cert, made.cert.pem()).unwrap();
        std::fs::write(&files.key, made.signing_key.serialize_pem()).unwrap();
        Self { _dir: dir, files }
    }

    fn args(&self) -> [&str; 4] {
        let Credentials { cert, key } = &self.files;
        ["--cert", cert.to_str().unwrap(), "--key", key.to_str().unwrap()]
    }

    fn by_hand(&self, args: &[&str]) -> ByHand {
        ByHand::new(&[&self.args(), args].concat())
    }

    /// A TLS connection that believes nobody else.
    fn secret(&self, url: &str) -> StreamOwned<ClientConnection, TcpStream> {
        self.secret_on(dial(authority(url), None))
    }

    /// The same on a socket of one's own.
    fn secret_on(&self, socket: TcpStream) -> StreamOwned<ClientConnection, TcpStream> {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(&self.files.cert).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth();
        let name = ServerName::try_from("127.0.0.1").unwrap();
        let connection = ClientConnection::new(Arc::new(config), name).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        StreamOwned::new(connection, socket)
    }

    fn connect(&self, url: &str) -> Secret {
        tungstenite::client(url, self.secret(url)).unwrap().0
    }
}

fn authority(url: &str) -> &str {
    url.strip_prefix("wss://").unwrap().split('/').next().unwrap()
}

#[test]
fn a_client_under_tls_gets_every_tick() {
    let room = Room::new();
    let mut server = room.by_hand(&["--rate", "20000", "--duration", "1"]);
    assert!(server.url.starts_with("wss://127.0.0.1:") && server.url.ends_with("/ticks"));
    let mut client = room.connect(&server.url);
    let (payloads, code) = read_all(&mut client);
    assert_eq!(code, 1000);
    let market = Market::new(1);
    let ticks: Vec<_> = payloads.iter().map(|p| Format::Binary.decode(p, 0).unwrap()).collect();
    assert!(!ticks.is_empty());
    for (tick, seq) in ticks.iter().zip(ticks[0].seq..) {
        assert_eq!(tick.seq, seq);
        assert_eq!((tick.symbol, cents(tick.price)), market.tick(seq));
    }
    // The end is said, too: without `close_notify` this would be an error.
    assert_eq!(client.get_mut().read(&mut [0; 64]).unwrap(), 0);
    assert!(server.process.wait().unwrap().success());
}

/// Small socket buffers, so that most chunks wait for the socket.
#[test]
fn every_count_comes_to_the_same_under_tls() {
    let room = Room::new();
    for (schedule, connections, threads) in
        [(Schedule::Flood, 1, 1), (rate(200_000), 1, 1), (rate(20_000), 3, 2)]
    {
        let mut server = Served::new(&ServerPlan {
            tls: Some(room.files.clone()),
            send_buffer_bytes: Some(8192),
            connections,
            threads,
            ..plan(schedule, 300)
        });
        let url = server.url.clone();
        let clients: Vec<_> = (0..connections)
            .map(|number| room.connect(&format!("{url}?connection={number}")))
            .collect();
        server.start_all(connections);
        let clients: Vec<_> = clients
            .into_iter()
            .map(|mut client| std::thread::spawn(move || read_all(&mut client)))
            .collect();
        let read: Vec<_> = clients.into_iter().map(|client| client.join().unwrap()).collect();
        assert!(read.iter().all(|(_, code)| *code == 1000));
        let bytes: u64 =
            read.iter().flat_map(|(payloads, _)| payloads).map(|p| p.len() as u64).sum();
        let ticks: u64 = read.iter().map(|(payloads, _)| payloads.len() as u64).sum();
        let (rows, last) = server.report();
        assert_eq!(last.ended, ServerEnd::Complete);
        assert_eq!(last.generated * connections as u64, ticks);
        assert_eq!([last.written, last.acknowledged, last.confirmed], [ticks; 3]);
        // What the kernel got: frames, and what TLS adds to them.
        assert!(last.written_bytes > bytes + 2 * ticks, "{last:?}");
        assert!(rows.iter().all(|[_, encoded, written]| encoded <= written));
        assert!(!rows.is_empty());
    }
}

/// Ciphertext that the client has not taken counts as written at most by a chunk, and
/// never as acknowledged.
#[test]
fn nothing_counts_as_acknowledged_that_is_not() {
    let room = Room::new();
    let mut server = Served::new(&ServerPlan {
        tls: Some(room.files.clone()),
        send_buffer_bytes: Some(8192),
        ..plan(Schedule::Flood, 300)
    });
    let secret = room.secret_on(dial(authority(&server.url), Some(8192)));
    let (client, _) = tungstenite::client(&server.url, secret).unwrap();
    server.start();
    // It reads nothing: two small buffers are full soon, and that is all that comes.
    let ready = client.get_ref().sock.peek(&mut [0; 1]).unwrap();
    assert_eq!(ready, 1);
    server.tell(&ToServer::Stop(contract::Empty {}));
    let (_, last) = server.report();
    assert_eq!(last.ended, ServerEnd::Stopped);
    assert!(last.acknowledged <= last.written && last.written < last.generated, "{last:?}");
    assert_eq!(last.confirmed, 0);
    // What this kernel holds for the client cannot be less than what is acknowledged.
    let mut held = vec![0; 1 << 22];
    let mut secret = client;
    let socket = &mut secret.get_mut().sock;
    let mut bytes = 0;
    while let Ok(count @ 1..) = socket.read(&mut held) {
        bytes += count as u64;
    }
    assert!(last.acknowledged * 30 <= bytes, "{last:?}, {bytes} bytes came");
}

#[test]
fn who_breaks_the_protocol_is_told_under_tls_too() {
    let room = Room::new();
    let server = room.by_hand(&["--rate", "2000"]);
    let mut client = room.connect(&server.url);
    client.send(Message::Binary(vec![7; 10].into())).unwrap();
    let (_, code) = read_all(&mut client);
    assert_eq!(code, 1003);
    let mut pings = room.connect(&server.url);
    // A masked ping that announces 2^20 bytes, in a record of its own (RFC 6455, 5.5).
    let header = [&[0x89, 0xff][..], &(1u64 << 20).to_be_bytes(), &[0; 4]].concat();
    pings.get_mut().write_all(&header).unwrap();
    pings.get_mut().flush().unwrap();
    assert_eq!(read_all(&mut pings).1, 1002);
    let mut closes = room.connect(&server.url);
    assert!(matches!(closes.read().unwrap(), Message::Binary(_)));
    closes.close(None).unwrap();
    read_all(&mut closes);
}

#[test]
fn a_subscription_in_a_record_behind_the_request_is_heard() {
    let room = Room::new();
    let server = room.by_hand(&["--rate", "20000", "--format", "json"]);
    let mut client = room.connect(&server.url);
    client.send(Message::text(r#"{"type":"subscribe","symbols":["3"]}"#)).unwrap();
    let mut in_a_row = 0;
    while in_a_row < 100 {
        if let Message::Text(text) = client.read().unwrap() {
            in_a_row = if text.contains("\"symbol\":3,") { in_a_row + 1 } else { 0 };
        }
    }
}

#[test]
fn who_speaks_no_tls_harms_nobody() {
    let room = Room::new();
    let mut server = room.by_hand(&["--rate", "5000", "--duration", "2"]);
    let mut good = room.connect(&server.url);
    let address = authority(&server.url).to_owned();
    let _silent = TcpStream::connect(&address).unwrap();
    let mut half = TcpStream::connect(&address).unwrap();
    half.write_all(&[22, 3, 1, 2, 0, 1]).unwrap();
    for bytes in [&b"GET /ticks HTTP/1.1\r\nHost: x\r\n\r\n"[..], &[0xff; 4096], &[0; 4096]] {
        let mut plain = TcpStream::connect(&address).unwrap();
        plain.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        plain.write_all(bytes).unwrap();
        // An alert at most, and the end.
        let mut answer = Vec::new();
        let _ = plain.read_to_end(&mut answer);
        assert!(answer.len() < 64 && !answer.starts_with(b"HTTP"), "{answer:?}");
    }
    // Rubbish behind a sound handshake.
    let mut breaks = room.connect(&server.url);
    breaks.get_mut().sock.write_all(&[23, 3, 3, 0, 40].repeat(9)).unwrap();
    let mut end = Vec::new();
    let _ = breaks.get_mut().sock.read_to_end(&mut end);
    let (payloads, code) = read_all(&mut good);
    assert_eq!(code, 1000);
    let seqs: Vec<_> = payloads.iter().map(|p| Format::Binary.decode(p, 0).unwrap().seq).collect();
    assert!(seqs.is_sorted_by(|a, b| a + 1 == *b) && seqs.len() > 1000, "{}", seqs.len());
    assert!(server.process.wait().unwrap().success());
}

#[test]
fn a_refusal_comes_under_tls_too() {
    let room = Room::new();
    let server = room.by_hand(&["--rate", "10"]);
    let mut secret = room.secret(&server.url);
    secret.write_all(b"GET /elsewhere HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut answer = String::new();
    secret.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
}

#[test]
fn files_that_do_not_do_are_named_in_one_line() {
    let (room, other) = (Room::new(), Room::new());
    let [_, cert, _, key] = room.args();
    let [_, _, _, strange] = other.args();
    for (args, words) in [
        (&["--cert", cert][..], "--cert needs its private key: add --key PEM"),
        (&["--key", key], "--key needs its certificate: add --cert PEM"),
        (&["--cert", cert, "--key", strange], "give the key of that certificate"),
        (&["--cert", "no-such-file", "--key", key], "no-such-file"),
    ] {
        let ran = Command::new(common::BINARY).args(["--port", "0"]).args(args).output().unwrap();
        let said = String::from_utf8(ran.stderr).unwrap();
        assert_eq!(ran.status.code(), Some(2), "{said}");
        assert!(said.contains(words) && said.lines().count() == 1, "{said}");
    }
    // Under the harness, too.
    let (mut process, mut stdin, _lines) = Served::spawn();
    let files = Credentials { key: other.files.key.clone(), ..room.files.clone() };
    let bad = ServerPlan { tls: Some(files), ..plan(rate(10), 10) };
    contract::write(&mut stdin, &ToServer::Plan(bad)).unwrap();
    assert_eq!(process.wait().unwrap().code(), Some(2));
}

#[test]
fn a_handshake_that_stops_is_ended_in_time() {
    let room = Room::new();
    let server = room.by_hand(&["--rate", "5000"]);
    let address = authority(&server.url).to_owned();
    let silent = TcpStream::connect(&address).unwrap();
    let mut half = TcpStream::connect(&address).unwrap();
    half.write_all(&[22, 3, 1, 2, 0, 1]).unwrap();
    for mut socket in [silent, half] {
        socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        let ended = socket.read_to_end(&mut Vec::new());
        assert!(!ended.is_err_and(|e| e.kind() == std::io::ErrorKind::WouldBlock));
    }
    let mut good = room.connect(&server.url);
    assert!(matches!(good.read().unwrap(), Message::Binary(_)));
}
