//! The congestion control of connections: whether this machine has it, and which one is in
//! force, read from outside by `sock_diag`.

use crate::host::sockets::kernel_queues;
use anyhow::{Context, Result, bail};
use bench_core::load::workload::Workload;
use bench_core::record::round::Congestion;
use contract::fault::Misstep;
use contract::{Connected, listener};
use netlink_packet_core::{NetlinkMessage, NetlinkPayload};
use netlink_packet_sock_diag::SockDiagMessage;
use netlink_packet_sock_diag::inet::ExtensionFlags;
use netlink_packet_sock_diag::inet::nlas::Nla;
use netlink_sys::protocols::NETLINK_SOCK_DIAG;
use netlink_sys::{Socket, SocketAddr as NetlinkAddr};
use std::net::SocketAddr;

/// An answer about one socket is far smaller.
const ANSWER_BYTES: usize = 8192;

/// Checks that this machine has the congestion control of these workloads, before anything is
/// built or run.
///
/// # Errors
/// The first workload whose algorithm the kernel refuses, and what to do about it.
pub fn check(workloads: &[Workload]) -> Result<()> {
    for workload in workloads {
        if let Some(name) = &workload.congestion {
            let context = || {
                format!(
                    "workload {} (with `congestion = \"inherit\"` it takes this machine's default)",
                    workload.name
                )
            };
            listener::check(name).with_context(context)?;
        }
    }
    Ok(())
}

/// What is in force at both ends of these connections, which have to have the algorithm that
/// was `planned`. Where `sock_diag` is not available, the server's end is as it reports itself.
///
/// # Errors
/// The first connection with another one.
pub fn in_force(connections: &[Connected], planned: Option<&str>) -> Result<Congestion, Misstep> {
    let mut diag = Diag::new().ok();
    let mut found = Congestion::default();
    for one in connections {
        let mut read = |local, remote| diag.as_mut()?.congestion(local, remote).ok();
        let server = read(one.local, one.peer).or_else(|| one.congestion.clone());
        if let (Some(planned), Some(in_force)) = (planned, &server)
            && planned != in_force
        {
            let (planned, in_force) = (planned.to_owned(), in_force.clone());
            return Err(Misstep::OtherCongestion { connection: one.connection, planned, in_force });
        }
        if found.server.is_none() {
            found = Congestion { server, client: read(one.peer, one.local) };
        }
    }
    Ok(found)
}

/// A netlink socket for questions about TCP sockets.
struct Diag {
    socket: Socket,
    buffer: Vec<u8>,
}

impl Diag {
    fn new() -> Result<Self> {
        let mut socket = Socket::new(NETLINK_SOCK_DIAG)?;
        socket.bind_auto()?;
        socket.connect(&NetlinkAddr::new(0, 0))?;
        Ok(Self { socket, buffer: vec![0; ANSWER_BYTES] })
    }

    /// The algorithm of the socket with these addresses.
    fn congestion(&mut self, local: SocketAddr, remote: SocketAddr) -> Result<String> {
        let message = kernel_queues::request(local, remote, ExtensionFlags::CONG);
        message.serialize(&mut self.buffer);
        self.socket.send(&self.buffer[..message.buffer_len()], 0)?;
        let size = self.socket.recv(&mut &mut self.buffer[..], 0)?;
        let answer = <NetlinkMessage<SockDiagMessage>>::deserialize(&self.buffer[..size])?;
        let NetlinkPayload::InnerMessage(SockDiagMessage::InetResponse(response)) = answer.payload
        else {
            bail!("no such connection");
        };
        let name = response.nlas.iter().find_map(|nla| match nla {
            Nla::Congestion(name) => Some(name.clone()),
            _ => None,
        });
        name.context("no congestion control in the answer")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, TcpStream};

    /// A connection whose server's end uses `reno`, which every kernel has.
    fn connected(number: usize) -> (TcpStream, TcpStream, Connected) {
        let opened = listener::open((Ipv4Addr::LOCALHOST, 0).into(), Some("reno")).unwrap();
        opened.set_nonblocking(false).unwrap();
        let client = TcpStream::connect(opened.local_addr().unwrap()).unwrap();
        let (server, peer) = opened.accept().unwrap();
        let local = server.local_addr().unwrap();
        let connected =
            Connected { connection: number, peer, local, congestion: None, send_buffer_bytes: 1 };
        (server, client, connected)
    }

    #[test]
    fn both_ends_are_read_from_outside() {
        let (_server, _client, one) = connected(0);
        let found = in_force(std::slice::from_ref(&one), Some("reno")).unwrap();
        assert_eq!(found.server.as_deref(), Some("reno"));
        // The client's end has the default of the machine.
        let default = crate::host::machine::default_congestion();
        assert_eq!(found.client, default);
        // What a server reports itself does not hide what is in force.
        let claims = Connected { congestion: Some("cubic".into()), ..one };
        assert!(in_force(&[claims], Some("cubic")).is_err());
    }

    #[test]
    fn a_connection_with_another_algorithm_is_named() {
        let (_servers, _clients, all) = (0..2).map(connected).fold(
            (Vec::new(), Vec::new(), Vec::new()),
            |(mut servers, mut clients, mut all), (server, client, one)| {
                servers.push(server);
                clients.push(client);
                all.push(one);
                (servers, clients, all)
            },
        );
        let planned = Some("cubic");
        let misstep = in_force(&all[1..], planned).unwrap_err();
        let named = Misstep::OtherCongestion {
            connection: 1,
            planned: "cubic".into(),
            in_force: "reno".into(),
        };
        assert_eq!(misstep, named);
        assert!(in_force(&all, None).is_ok(), "nothing was planned");
    }

    #[test]
    fn a_workload_whose_algorithm_the_kernel_lacks_is_named() {
        let head = "name='w'\nwhy='w'\nread='r'\nrank_by='processed'\nrate_per_s=5\n";
        let with = |line: &str| toml::from_str::<Workload>(&format!("{head}{line}")).unwrap();
        check(&[with(""), with("congestion='reno'")]).unwrap();
        let error = format!("{:#}", check(&[with("congestion='nonsense'")]).unwrap_err());
        assert!(error.starts_with("workload w (with `congestion = \"inherit\"`"), "{error}");
        assert!(error.contains("congestion control `nonsense`: this kernel does not"), "{error}");
    }
}
