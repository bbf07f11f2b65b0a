//! Other harnesses on this machine: two that measure at once disturb each other.

use nix::sys::socket::{getsockopt, sockopt::PeerCredentials};
use std::io::ErrorKind;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener, UnixStream};

/// The name of the socket that a harness which measures has bound: an abstract one (unix(7)), of
/// which nothing is left when its process ends. Network namespaces have names of their own.
const NAME: &str = "tick-bench.measures";

/// The sign that this harness measures, until it is dropped.
#[derive(Debug)]
pub struct Presence {
    /// Held, not used: its name is the sign.
    _sign: Option<UnixListener>,
    /// The process that had set the sign before; 0: in another PID namespace.
    pub other_pid: Option<i32>,
}

/// Sets the sign, unless another harness has.
#[must_use]
pub fn announce() -> Presence {
    announce_as(NAME)
}

fn announce_as(name: &str) -> Presence {
    let none = Presence { _sign: None, other_pid: None };
    let Ok(address) = SocketAddr::from_abstract_name(name) else { return none };
    match UnixListener::bind_addr(&address) {
        Ok(sign) => Presence { _sign: Some(sign), other_pid: None },
        Err(error) if error.kind() == ErrorKind::AddrInUse => {
            let other = UnixStream::connect_addr(&address).ok();
            let credentials = other.and_then(|other| getsockopt(&other, PeerCredentials).ok());
            Presence { _sign: None, other_pid: Some(credentials.map_or(0, |peer| peer.pid())) }
        }
        Err(_) => none,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_harness_learns_of_the_first() {
        let name = format!("tick-bench.test.{}", std::process::id());
        let first = announce_as(&name);
        assert_eq!(first.other_pid, None);
        assert_eq!(announce_as(&name).other_pid, Some(std::process::id().cast_signed()));
        drop(first);
        assert_eq!(announce_as(&name).other_pid, None);
    }
}
