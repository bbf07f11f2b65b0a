//! Certificates and tokens that are renewed on disk while the server runs.

use crate::common::clients::dial;
use crate::common::events::Event;
use crate::common::standalone::{Standalone, command, ignoring};
use crate::common::wait_until;
use crate::requests::{answer_to, with};
use nix::sys::signal::Signal;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use tempfile::TempDir;
use tungstenite::WebSocket;

struct Files {
    dir: TempDir,
    cert: PathBuf,
    key: PathBuf,
}

/// A certificate and its key, as PEM.
type Pair = (String, String);

fn pair() -> Pair {
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    (made.cert.pem(), made.signing_key.serialize_pem())
}

impl Files {
    fn new(pair: &Pair) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let files = Self { cert: dir.path().join("cert"), key: dir.path().join("key"), dir };
        files.write(pair);
        files
    }

    /// As tools do that renew certificates: a new file in place of the old one.
    fn write(&self, (cert, key): &Pair) {
        for (path, text) in [(&self.cert, cert), (&self.key, key)] {
            let new = self.dir.path().join("new");
            std::fs::write(&new, text).unwrap();
            std::fs::rename(&new, path).unwrap();
        }
    }

    fn command(&self) -> Command {
        let mut command = command(&["--rate", "2000", "--cert"]);
        command.arg(&self.cert).arg("--key").arg(&self.key);
        command
    }
}

type Client = WebSocket<StreamOwned<ClientConnection, TcpStream>>;

/// A client that trusts only this certificate; `None`: the server has another one.
fn connect(server: &Standalone, pair: &Pair) -> Option<Client> {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(pair.0.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let name = ServerName::try_from("127.0.0.1").unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let stream = StreamOwned::new(connection, dial(server.address(), None));
    tungstenite::client(&server.url, stream).ok().map(|(client, _)| client)
}

/// Waits for a message that has all of these.
fn wait_for_message(server: &mut Standalone, parts: &[&str]) {
    server.wait_for(|event| match event {
        Event::Other { message, .. } => parts.iter().all(|p| message.contains(p)).then_some(()),
        _ => None,
    });
}

#[test]
fn a_renewed_certificate_is_read_on_sighup_and_the_old_connections_go_on() {
    let (old, new) = (pair(), pair());
    let files = Files::new(&old);
    let mut server = Standalone::from_command(files.command());
    let mut early = connect(&server, &old).unwrap();
    files.write(&new);
    server.signal(Signal::SIGHUP);
    wait_for_message(&mut server, &["read again"]);
    let mut late = connect(&server, &new).expect("the new certificate");
    assert!(connect(&server, &old).is_none());
    for _ in 0..200 {
        assert!(early.read().is_ok() && late.read().is_ok());
    }
}

/// Also where the parent ignores SIGHUP.
#[test]
fn a_renewed_certificate_is_read_when_it_has_changed() {
    let (old, new) = (pair(), pair());
    let files = Files::new(&old);
    let command = ignoring(files.command(), Signal::SIGHUP);
    let server = Standalone::from_command(command);
    server.signal(Signal::SIGHUP);
    assert!(connect(&server, &old).is_some());
    files.write(&new);
    wait_until("the new certificate", || connect(&server, &new).is_some());
}

#[test]
fn a_broken_certificate_leaves_the_old_one_in_use() {
    let (old, other, new) = (pair(), pair(), pair());
    let files = Files::new(&old);
    let mut server = Standalone::from_command(files.command());
    for broken in [("", old.1.as_str()), (&old.0, &other.1), ("-----BEGIN CERTIFICATE-----", "")] {
        files.write(&(broken.0.to_owned(), broken.1.to_owned()));
        server.signal(Signal::SIGHUP);
        wait_for_message(&mut server, &["stays in use"]);
        assert!(connect(&server, &old).is_some());
    }
    std::fs::remove_file(&files.key).unwrap();
    server.signal(Signal::SIGHUP);
    wait_for_message(&mut server, &["stays in use"]);
    files.write(&new);
    wait_until("the new certificate", || connect(&server, &new).is_some());
}

#[test]
fn a_renewed_token_is_read_too() {
    const OLD: &str = "the-token-from-before";
    const NEW: &str = "the-token-from-now-on";
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("token");
    std::fs::write(&file, OLD).unwrap();
    let mut command = command(&["--rate", "2000", "--token-file"]);
    command.arg(&file);
    let mut server = Standalone::from_command(command);
    let status = |server: &Standalone, token: &str| {
        let request = with("Authorization", &format!("Bearer {token}"));
        answer_to(server.address(), &request.to_bytes()).status
    };
    assert_eq!((status(&server, OLD), status(&server, NEW)), (101, 401));
    std::fs::write(&file, "short").unwrap();
    server.signal(Signal::SIGHUP);
    wait_for_message(&mut server, &["openssl rand", "stays in use"]);
    assert_eq!(status(&server, OLD), 101);
    std::fs::write(&file, NEW).unwrap();
    server.signal(Signal::SIGHUP);
    wait_for_message(&mut server, &["read again"]);
    assert_eq!((status(&server, OLD), status(&server, NEW)), (401, 101));
}
