//! A host that vanishes: its interface goes down, so that neither FIN nor RST ever
//! comes. Played with two network namespaces and a pair of virtual interfaces between
//! them, which takes root and iproute2.

mod common;

use common::noted::Noted;
use common::{BINARY, connect, read_all};
use nix::sched::{CloneFlags, setns};
use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use tick::Format;

/// Runs `ip` with these words; `Err` is what it said.
fn ip(words: &str) -> Result<(), String> {
    let output = Command::new("ip").args(words.split(' ')).output();
    let output = output.map_err(|error| format!("ip (iproute2): {error}"))?;
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    if output.status.success() { Ok(()) } else { Err(format!("ip {words}: {said}")) }
}

/// Two hosts, and a wire between them: `here` at 10.0.0.1, `there` at 10.0.0.2.
/// Removed when dropped.
struct Hosts {
    here: String,
    there: String,
}

impl Hosts {
    fn new() -> Result<Self, String> {
        let name = |end: &str| format!("tick-{}-{end}", std::process::id());
        let hosts = Self { here: name("here"), there: name("there") };
        let (here, there) = (&hosts.here, &hosts.there);
        ip(&format!("netns add {here}"))?;
        ip(&format!("netns add {there}"))?;
        ip(&format!("-n {here} link add wire type veth peer name wire netns {there}"))?;
        for (host, address) in [(here, "10.0.0.1/24"), (there, "10.0.0.2/24")] {
            ip(&format!("-n {host} address add {address} dev wire"))?;
            ip(&format!("-n {host} link set wire up"))?;
            ip(&format!("-n {host} link set lo up"))?;
        }
        Ok(hosts)
    }

    /// Does something on a host: sockets belong to where they are made.
    fn on<T: Send>(host: &str, does: impl FnOnce() -> T + Send) -> T {
        let namespace = File::open(format!("/run/netns/{host}")).unwrap();
        std::thread::scope(|scope| {
            let thread = scope.spawn(|| {
                setns(namespace, CloneFlags::CLONE_NEWNET).unwrap();
                does()
            });
            thread.join().unwrap()
        })
    }
}

impl Drop for Hosts {
    fn drop(&mut self) {
        for host in [&self.here, &self.there] {
            let _ = ip(&format!("netns del {host}"));
        }
    }
}

#[test]
fn a_host_that_vanishes_is_cut_off_at_the_ceiling_and_the_others_go_on() {
    let hosts = match Hosts::new() {
        Ok(hosts) => hosts,
        Err(why) => {
            // Not by `eprintln`: of a test that passes, nobody would see it.
            let mut stderr = std::io::stderr();
            writeln!(stderr, "SKIPPED: a vanishing host takes root and iproute2: {why}").unwrap();
            return;
        }
    };
    let room = tempfile::tempdir().unwrap();
    let (token_file, token) = (room.path().join("token"), "0123456789abcdef");
    fs::write(&token_file, token).unwrap();
    fs::set_permissions(&token_file, fs::Permissions::from_mode(0o600)).unwrap();
    let mut command = Command::new("ip");
    command.args(["netns", "exec", &hosts.here, BINARY, "--listen", "10.0.0.1", "--port", "0"]);
    command.arg("--token-file").arg(&token_file);
    command.args(["--rate", "50000", "--log-ceiling", "3000000", "--duration", "6"]);
    let mut server = Noted::started(command);
    let words = server.words();
    // Both may have many bytes in the kernel: neither is slow before the wire is cut.
    let url = format!("{}?token={token}", server.url);
    let mut near = Hosts::on(&hosts.here, || connect(&url));
    let mut far = Hosts::on(&hosts.there, || connect(&url));
    let local = far.get_ref().local_addr().unwrap();
    let reader = std::thread::spawn(move || read_all(&mut near));
    for _ in 0..1000 {
        far.read().unwrap();
    }
    ip(&format!("-n {} link set wire down", hosts.there)).unwrap();
    let (payloads, code) = reader.join().unwrap();
    assert_eq!(code, 1000);
    let seqs = payloads.iter().map(|p| Format::Binary.decode(p, 0).unwrap().seq);
    let seqs: Vec<u64> = seqs.collect();
    assert!(seqs.windows(2).all(|pair| pair[0] + 1 == pair[1]));
    assert_eq!(seqs.last(), Some(&299_999));
    assert!(server.process.wait().unwrap().success());
    let said = words.join().unwrap();
    assert!(said.contains(&format!("{local} left: too far behind, cut off; written ")), "{said}");
    drop(far);
}
