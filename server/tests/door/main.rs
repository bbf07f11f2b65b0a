//! The server at its door: clients that take places and stay silent, hosts with many
//! connections, requests by text, HTTP of all kinds, files that are renewed, signals that the
//! parent ignores. Each case stands for a kind that was reported of some server in the field.

#[path = "../common/mod.rs"]
mod common;
#[path = "../reference_client/mod.rs"]
mod reference_client;
#[path = "../requests/mod.rs"]
mod requests;

mod answers;
mod hosts;
mod http_cases;
mod options;
mod renewal;
mod signals;
mod silent;

use socket2::{Domain, Socket, Type};
use std::net::{SocketAddr, TcpStream};

/// A connection from another address of this machine, which is another host to the server.
pub fn dial_from(host: [u8; 4], to: &str) -> TcpStream {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
    socket.bind(&SocketAddr::from((host, 0)).into()).unwrap();
    socket.connect(&to.parse::<SocketAddr>().unwrap().into()).unwrap();
    socket.set_read_timeout(Some(common::PATIENCE)).unwrap();
    socket.set_write_timeout(Some(common::PATIENCE)).unwrap();
    socket.into()
}
