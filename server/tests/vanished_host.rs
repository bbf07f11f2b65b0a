//! A host that vanishes: its interface goes down, so that neither FIN nor RST comes. This is
//! simulated by two network namespaces with a pair of virtual interfaces between them, which
//! needs root and iproute2.

mod common;

use common::BINARY;
use common::clients::{connect, is_ascending_without_gaps, read_all, seq};
use common::events::Event;
use common::standalone::Standalone;
use nix::sched::{CloneFlags, setns};
use nix::sys::signal::Signal;
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

/// Runs `ip` with these arguments; `Err` is its error.
fn ip(args: &str) -> Result<(), String> {
    let output = Command::new("ip").args(args.split(' ')).output();
    let output = output.map_err(|error| format!("ip (iproute2): {error}"))?;
    let error = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if output.status.success() { Ok(()) } else { Err(format!("ip {args}: {error}")) }
}

/// Two hosts with a link between them: `server` at 10.0.0.1, `client` at 10.0.0.2. Removed
/// when dropped.
struct Hosts {
    server: String,
    client: String,
}

impl Hosts {
    fn new() -> Result<Self, String> {
        let name = |end: &str| format!("tick-{}-{end}", std::process::id());
        let hosts = Self { server: name("server"), client: name("client") };
        let (server, client) = (&hosts.server, &hosts.client);
        ip(&format!("netns add {server}"))?;
        ip(&format!("netns add {client}"))?;
        ip(&format!("-n {server} link add link0 type veth peer name link0 netns {client}"))?;
        for (host, address) in [(server, "10.0.0.1/24"), (client, "10.0.0.2/24")] {
            ip(&format!("-n {host} address add {address} dev link0"))?;
            ip(&format!("-n {host} link set link0 up"))?;
            ip(&format!("-n {host} link set lo up"))?;
        }
        Ok(hosts)
    }

    /// Runs something on a host: sockets belong to the host on which they are made.
    fn on<T: Send>(host: &str, run: impl FnOnce() -> T + Send) -> T {
        let namespace = File::open(format!("/run/netns/{host}")).unwrap();
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                setns(namespace, CloneFlags::CLONE_NEWNET).unwrap();
                run()
            });
            thread.join().unwrap()
        })
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        for host in [&self.server, &self.client] {
            let _ = ip(&format!("netns del {host}"));
        }
    }
}

#[test]
fn a_host_that_vanishes_is_cut_off_at_the_ceiling_and_the_others_go_on() {
    let hosts = match Hosts::new() {
        Ok(hosts) => hosts,
        Err(why) => {
            // Not by `eprintln`, which is captured in a test that passes.
            let mut stderr = std::io::stderr();
            writeln!(stderr, "SKIPPED: a vanishing host needs root and iproute2: {why}").unwrap();
            return;
        }
    };
    let dir = tempfile::tempdir().unwrap();
    let (token_file, token) = (dir.path().join("token"), "0123456789abcdef");
    fs::write(&token_file, token).unwrap();
    fs::set_permissions(&token_file, fs::Permissions::from_mode(0o600)).unwrap();
    let mut command = Command::new("ip");
    command.args(["netns", "exec", &hosts.server, BINARY, "--listen", "10.0.0.1", "--port", "0"]);
    command.arg("--token-file").arg(&token_file);
    command.args(["--rate", "50000", "--log-ceiling", "3000000"]);
    let mut server = Standalone::from_command(command);
    // Both may have many bytes in the kernel: neither is slow before the link is cut.
    let url = format!("{}?token={token}", server.url);
    let mut near = Hosts::on(&hosts.server, || connect(&url));
    let mut far = Hosts::on(&hosts.client, || connect(&url));
    let peer = far.get_ref().local_addr().unwrap();
    let reader = std::thread::spawn(move || read_all(&mut near));
    for _ in 0..1000 {
        far.read().unwrap();
    }
    ip(&format!("-n {} link set link0 down", hosts.client)).unwrap();
    let left = server.wait_for_left_of(peer);
    assert_eq!(left.reason, "cut_off");
    server.signal(Signal::SIGTERM);
    let (payloads, code) = reader.join().unwrap();
    assert_eq!(code, 1001);
    assert!(is_ascending_without_gaps(&payloads));
    let (status, events) = server.wait();
    assert!(status.success());
    let Some(&Event::Total { generated, .. }) = events.last() else { panic!("{events:?}") };
    assert_eq!(seq(payloads.last().unwrap()), generated - 1);
    drop(far);
}
