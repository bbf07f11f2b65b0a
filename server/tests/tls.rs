//! The server under TLS: what clients get, how it is counted, and what clients cost that do
//! not speak TLS.

mod common;

use common::child::{ChildServer, Report, plan, rate, refusal_of_plan};
use common::clients::{REQUEST, address, dial, read_all};
use common::standalone::{Standalone, command, refusal_of};
use contract::{Credentials, ServerEnd, ServerPlan};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, TcpStream};
use std::sync::Arc;
use std::time::Duration;
use tempfile::TempDir;
use tick::{Format, Market, Schedule, cents};
use tick_server::accept::current::Current;
use tick_server::accept::dispatch::Dispatcher;
use tick_server::accept::listener::{self, ListenerConfig};
use tungstenite::{Message, WebSocket};

type TlsClient = WebSocket<StreamOwned<ClientConnection, TcpStream>>;

/// A certificate and its key, in files of a temporary directory.
struct Certificate {
    _dir: TempDir,
    files: Credentials,
}

impl Certificate {
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

    /// A standalone server with this certificate.
    fn serve(&self, args: &[&str]) -> Standalone {
        Standalone::new(&[&self.args(), args].concat())
    }

    /// A TLS connection that trusts only this certificate.
    fn open(&self, url: &str) -> StreamOwned<ClientConnection, TcpStream> {
        self.open_on(dial(address(url), None))
    }

    /// The same on a given socket.
    fn open_on(&self, socket: TcpStream) -> StreamOwned<ClientConnection, TcpStream> {
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
        StreamOwned::new(connection, socket)
    }

    fn connect(&self, url: &str) -> TlsClient {
        tungstenite::client(url, self.open(url)).unwrap().0
    }
}

#[test]
fn a_client_under_tls_gets_every_tick() {
    let certificate = Certificate::new();
    let server = certificate.serve(&["--rate", "20000", "--duration", "1"]);
    assert!(server.url.starts_with("wss://127.0.0.1:") && server.url.ends_with("/ticks"));
    let mut client = certificate.connect(&server.url);
    let (payloads, code) = read_all(&mut client);
    assert_eq!(code, 1000);
    let market = Market::new(1);
    let ticks: Vec<_> = payloads.iter().map(|p| Format::Binary.decode(p, 0).unwrap()).collect();
    assert!(!ticks.is_empty());
    for (tick, seq) in ticks.iter().zip(ticks[0].seq..) {
        assert_eq!(tick.seq, seq);
        assert_eq!((tick.symbol, cents(tick.price)), market.tick(seq));
    }
    // Without `close_notify` this would be an error.
    assert_eq!(client.get_mut().read(&mut [0; 64]).unwrap(), 0);
    assert!(server.wait().0.success());
}

/// With small send buffers, so that most chunks wait for the socket.
#[test]
fn all_counts_agree_under_tls() {
    let certificate = Certificate::new();
    for (schedule, connections, threads) in
        [(Schedule::Flood, 1, 1), (rate(200_000), 1, 1), (rate(20_000), 3, 2)]
    {
        let mut server = ChildServer::new(&ServerPlan {
            tls: Some(certificate.files.clone()),
            send_buffer_bytes: Some(8192),
            connections,
            threads,
            ..plan(schedule, 300)
        });
        let clients: Vec<_> =
            (0..connections).map(|number| certificate.connect(&server.url_of(number))).collect();
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
        let Report { rows, last, .. } = server.report();
        assert_eq!(last.ended, ServerEnd::Complete);
        assert_eq!(last.generated * connections as u64, ticks);
        assert_eq!([last.written, last.acknowledged, last.confirmed], [ticks; 3]);
        // The kernel got frames, and what TLS adds to them.
        assert!(last.written_bytes > bytes + 2 * ticks, "{last:?}");
        assert!(rows.iter().all(|[_, encoded, written]| encoded <= written));
        assert!(!rows.is_empty());
    }
}

/// Ciphertext that the client has not taken counts as written at most by a chunk, and
/// never as acknowledged.
#[test]
fn only_what_the_client_has_taken_counts_as_acknowledged() {
    let certificate = Certificate::new();
    let mut server = ChildServer::new(&ServerPlan {
        tls: Some(certificate.files.clone()),
        send_buffer_bytes: Some(8192),
        ..plan(Schedule::Flood, 300)
    });
    let tls = certificate.open_on(dial(server.address(), Some(8192)));
    let (client, _) = tungstenite::client(&server.url, tls).unwrap();
    server.start();
    // It reads nothing: only what fits into two small buffers is sent.
    let ready = client.get_ref().sock.peek(&mut [0; 1]).unwrap();
    assert_eq!(ready, 1);
    server.stop();
    let last = server.report().last;
    assert_eq!(last.ended, ServerEnd::Stopped);
    assert!(last.acknowledged <= last.written && last.written < last.generated, "{last:?}");
    assert_eq!(last.confirmed, 0);
    // What the client's kernel holds is at least what is acknowledged.
    let mut held = vec![0; 1 << 22];
    let mut client = client;
    let socket = &mut client.get_mut().sock;
    let mut bytes = 0;
    while let Ok(count @ 1..) = socket.read(&mut held) {
        bytes += count as u64;
    }
    assert!(last.acknowledged * 30 <= bytes, "{last:?}, {bytes} bytes came");
}

#[test]
fn a_violation_is_closed_with_its_code_under_tls_too() {
    let certificate = Certificate::new();
    let server = certificate.serve(&["--rate", "2000"]);
    let mut client = certificate.connect(&server.url);
    client.send(Message::Binary(vec![7; 10].into())).unwrap();
    let (_, code) = read_all(&mut client);
    assert_eq!(code, 1003);
    let mut sends_long_ping = certificate.connect(&server.url);
    // A masked ping that announces 2^20 bytes, in a record of its own (RFC 6455, 5.5).
    let header = [&[0x89, 0xff][..], &(1u64 << 20).to_be_bytes(), &[0; 4]].concat();
    sends_long_ping.get_mut().write_all(&header).unwrap();
    sends_long_ping.get_mut().flush().unwrap();
    assert_eq!(read_all(&mut sends_long_ping).1, 1002);
    let mut closes = certificate.connect(&server.url);
    assert!(matches!(closes.read().unwrap(), Message::Binary(_)));
    closes.close(None).unwrap();
    read_all(&mut closes);
}

#[test]
fn a_subscription_in_a_record_right_after_the_request_is_read() {
    let certificate = Certificate::new();
    let server = certificate.serve(&["--rate", "20000", "--format", "json"]);
    let mut client = certificate.connect(&server.url);
    client.send(Message::text(r#"{"type":"subscribe","symbols":["3"]}"#)).unwrap();
    let mut in_a_row = 0;
    while in_a_row < 100 {
        if let Message::Text(text) = client.read().unwrap() {
            in_a_row = if text.contains("\"symbol\":3,") { in_a_row + 1 } else { 0 };
        }
    }
}

#[test]
fn a_client_that_speaks_no_tls_disturbs_nobody() {
    let certificate = Certificate::new();
    let server = certificate.serve(&["--rate", "5000", "--duration", "2"]);
    let mut good = certificate.connect(&server.url);
    let address = server.address().to_owned();
    let _silent = TcpStream::connect(&address).unwrap();
    let mut half = TcpStream::connect(&address).unwrap();
    half.write_all(&[22, 3, 1, 2, 0, 1]).unwrap();
    for bytes in [&b"GET /ticks HTTP/1.1\r\nHost: x\r\n\r\n"[..], &[0xff; 4096], &[0; 4096]] {
        let mut plain = dial(&address, None);
        plain.write_all(bytes).unwrap();
        // At most an alert, then the end.
        let mut answer = Vec::new();
        let _ = plain.read_to_end(&mut answer);
        assert!(answer.len() < 64 && !answer.starts_with(b"HTTP"), "{answer:?}");
    }
    // Not TLS after a valid handshake.
    let mut breaks = certificate.connect(&server.url);
    breaks.get_mut().sock.write_all(&[23, 3, 3, 0, 40].repeat(9)).unwrap();
    let mut end = Vec::new();
    let _ = breaks.get_mut().sock.read_to_end(&mut end);
    let (payloads, code) = read_all(&mut good);
    assert_eq!(code, 1000);
    let seqs: Vec<_> = payloads.iter().map(|p| Format::Binary.decode(p, 0).unwrap().seq).collect();
    assert!(seqs.is_sorted_by(|a, b| a + 1 == *b) && seqs.len() > 1000, "{}", seqs.len());
    assert!(server.wait().0.success());
}

#[test]
fn a_refusal_comes_under_tls_too() {
    let certificate = Certificate::new();
    let server = certificate.serve(&["--rate", "10"]);
    let mut tls = certificate.open(&server.url);
    tls.write_all(b"GET /elsewhere HTTP/1.1\r\nHost: x\r\n\r\n").unwrap();
    let mut answer = String::new();
    tls.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 404"), "{answer}");
}

#[test]
fn files_that_cannot_be_used_are_named_in_one_line() {
    let (certificate, other) = (Certificate::new(), Certificate::new());
    let [_, cert, _, key] = certificate.args();
    let [_, _, _, other_key] = other.args();
    for (args, text) in [
        (&["--cert", cert][..], "--cert needs its private key: add --key PEM"),
        (&["--key", key], "--key needs its certificate: add --cert PEM"),
        (&["--cert", cert, "--key", other_key], "give the key of that certificate"),
        (&["--cert", "no-such-file", "--key", key], "no-such-file"),
    ] {
        let refusal = refusal_of(&mut command(args));
        assert!(refusal.contains(text) && refusal.lines().count() == 1, "{refusal}");
    }
    // Those of a plan, too.
    let files = Credentials { key: other.files.key.clone(), ..certificate.files.clone() };
    let bad = ServerPlan { tls: Some(files), ..plan(rate(10), 10) };
    let refusal = refusal_of_plan(&bad, &[]);
    assert!(refusal.contains("give the key of that certificate"), "{refusal}");
}

/// With a short deadline.
#[test]
fn an_incomplete_tls_handshake_ends_at_the_deadline() {
    let certificate = Certificate::new();
    let Credentials { cert, key } = &certificate.files;
    let tls = tick_server::accept::certificate::load(cert, key).unwrap();
    let tls = Some(Current::new(tls));
    let handshake_limit = Duration::from_millis(100);
    let config = ListenerConfig { handshake_limit, tls, ..ListenerConfig::default() };
    let (to, _inboxes) = Dispatcher::new(&[Arc::new(polling::Poller::new().unwrap())]);
    let host = IpAddr::V4(Ipv4Addr::LOCALHOST);
    let listener = listener::listen(host, 0, config, to).unwrap();
    let address = listener.address.to_string();
    let silent = dial(&address, None);
    let mut half = dial(&address, None);
    half.write_all(&[22, 3, 1, 2, 0, 1]).unwrap();
    for mut socket in [silent, half] {
        let ended = socket.read_to_end(&mut Vec::new());
        assert!(!ended.is_err_and(|e| e.kind() == std::io::ErrorKind::WouldBlock));
    }
    // Others can still connect.
    let mut good = certificate.open_on(dial(&address, None));
    good.write_all(REQUEST).unwrap();
    let mut status = [0; 12];
    good.read_exact(&mut status).unwrap();
    assert_eq!(&status, b"HTTP/1.1 101");
}
