//! The listening socket of a server, with the congestion control of its plan. A server opens
//! it itself, or inherits it from the harness.

use socket2::{Domain, Socket, Type};
use std::fs::read_to_string;
use std::io;
use std::net::{SocketAddr, TcpListener};

/// Connections that the kernel holds until they are accepted. Beyond them it drops
/// connection requests, and a client tries again after a second.
const BACKLOG: i32 = 4096;

/// Why there is no listening socket.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The kernel refuses the congestion control.
    #[error(transparent)]
    Congestion(#[from] CongestionError),
    /// The address cannot be listened on.
    #[error(transparent)]
    Address(#[from] io::Error),
}

/// Why the kernel refuses a congestion control.
#[derive(Debug, thiserror::Error)]
pub enum CongestionError {
    /// It is neither built in nor loaded.
    #[error(
        "congestion control `{name}`: this kernel does not have it: load its module (`sudo modprobe tcp_{name}`), or choose one of net.ipv4.tcp_available_congestion_control: {available}"
    )]
    Unknown {
        /// The algorithm.
        name: String,
        /// Those that it has.
        available: String,
    },
    /// It is kept for those who administer the network.
    #[error(
        "congestion control `{name}`: this kernel allows it to root only: `sudo sysctl net.ipv4.tcp_allowed_congestion_control='{allowed} {name}'`, or choose one of {allowed}"
    )]
    NotAllowed {
        /// The algorithm.
        name: String,
        /// Those that everyone may use.
        allowed: String,
    },
    /// Any other answer.
    #[error("congestion control `{name}`: the kernel cannot set it: {error}")]
    Refused {
        /// The algorithm.
        name: String,
        /// What the kernel answers.
        error: io::Error,
    },
}

impl CongestionError {
    fn of(name: &str, error: io::Error) -> Self {
        let name = name.to_owned();
        match error.kind() {
            io::ErrorKind::NotFound => {
                Self::Unknown { name, available: names("tcp_available_congestion_control") }
            }
            io::ErrorKind::PermissionDenied => {
                Self::NotAllowed { name, allowed: names("tcp_allowed_congestion_control") }
            }
            _ => Self::Refused { name, error },
        }
    }
}

/// The algorithms that a setting of the kernel lists.
fn names(setting: &str) -> String {
    let path = format!("/proc/sys/net/ipv4/{setting}");
    let text = read_to_string(&path).unwrap_or_else(|_| format!("those in {path}"));
    text.trim().to_owned()
}

/// Opens a listening socket, which is not blocking. Like `TcpListener::bind`, with a longer
/// backlog, and with a congestion control that all accepted connections inherit.
///
/// It is set before anything is accepted, because a switch comes too late for a connection
/// that has begun: BBR, where it is the default, has asked the kernel to pace it by then, and
/// the kernel goes on pacing under the other algorithm.
///
/// # Errors
/// When the kernel refuses the address or the algorithm.
pub fn open(address: SocketAddr, congestion: Option<&str>) -> Result<TcpListener, ListenError> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    if let Some(name) = congestion {
        set(&socket, name)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

/// Whether this process may use a congestion control here.
///
/// # Errors
/// Why not.
pub fn check(congestion: &str) -> Result<(), ListenError> {
    Ok(set(&Socket::new(Domain::IPV4, Type::STREAM, None)?, congestion)?)
}

fn set(socket: &Socket, name: &str) -> Result<(), CongestionError> {
    socket.set_tcp_congestion(name.as_bytes()).map_err(|error| CongestionError::of(name, error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, TcpStream};

    fn congestion(socket: &TcpStream) -> String {
        let name = socket2::SockRef::from(socket).tcp_congestion().unwrap();
        String::from_utf8_lossy(&name).trim_end_matches('\0').to_owned()
    }

    #[test]
    fn accepted_connections_inherit_the_congestion_control() {
        // Every kernel has it, and allows it to everyone.
        let listener = open((Ipv4Addr::LOCALHOST, 0).into(), Some("reno")).unwrap();
        listener.set_nonblocking(false).unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        let (accepted, _) = listener.accept().unwrap();
        assert_eq!(congestion(&accepted), "reno");
        drop(client);
        check("reno").unwrap();
    }

    #[test]
    fn an_unknown_algorithm_is_an_error_with_the_known_ones() {
        for error in [
            open((Ipv4Addr::LOCALHOST, 0).into(), Some("nonsense")).unwrap_err(),
            check("nonsense").unwrap_err(),
        ] {
            let error = error.to_string();
            assert!(error.starts_with("congestion control `nonsense`: "), "{error}");
            assert!(error.contains("reno") && error.lines().count() == 1, "{error}");
        }
    }

    #[test]
    fn a_refusal_says_how_to_allow_the_algorithm() {
        let denied = io::Error::from(io::ErrorKind::PermissionDenied);
        let error = CongestionError::of("cubic", denied).to_string();
        assert!(error.contains("sysctl net.ipv4.tcp_allowed_congestion_control='"), "{error}");
        assert!(error.contains(" cubic'`"), "{error}");
    }
}
