//! Both kernel socket queues of one connection, read from outside: `sock_diag`
//! by the exact four-tuple, or `/proc/net/tcp` where that is not available.

use anyhow::{Context, Result, bail};
use bench_core::record::snapshot::{Method, Queues};
use netlink_packet_core::{NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload};
use netlink_packet_sock_diag::SockDiagMessage;
use netlink_packet_sock_diag::constants::{AF_INET, AF_INET6, IPPROTO_TCP};
use netlink_packet_sock_diag::inet::nlas::Nla;
use netlink_packet_sock_diag::inet::{
    ExtensionFlags, InetRequest, InetResponse, SocketId, StateFlags,
};
use netlink_sys::protocols::NETLINK_SOCK_DIAG;
use netlink_sys::{Socket, SocketAddr as NetlinkAddr};
use std::net::SocketAddr;

/// Offsets in `struct tcp_info` (include/uapi/linux/tcp.h, since Linux 4.1).
const BYTES_ACKED_AT: usize = 120;
const BYTES_RECEIVED_AT: usize = 128;

/// Reads the queues of one connection, repeatedly.
pub struct Probe {
    pub(crate) server: SocketAddr,
    pub(crate) client: SocketAddr,
    /// `None`: read /proc instead.
    netlink: Option<Socket>,
    /// Bytes that the client's kernel had received while nothing was in transit, minus those that
    /// had been acknowledged to the server's: its handshake and the like.
    pub(crate) base: i64,
    buffer: Vec<u8>,
}

/// One end as `sock_diag` reports it, in bytes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct End {
    receive_queue: u64,
    send_queue: u64,
    acked: u64,
    received: u64,
}

impl End {
    /// Reads an answer.
    ///
    /// # Errors
    /// When it has no counters, as for a closed connection.
    pub(crate) fn of(response: &InetResponse) -> Result<Self> {
        let info = response.nlas.iter().find_map(|nla| match nla {
            Nla::TcpInfo(bytes) => Some(bytes.as_slice()),
            _ => None,
        });
        let field = |at: usize| {
            let bytes = info.and_then(|info| info.get(at..at + 8)).context("a short tcp_info")?;
            Ok::<u64, anyhow::Error>(u64::from_ne_bytes(bytes.try_into()?))
        };
        Ok(Self {
            receive_queue: response.header.recv_queue.into(),
            send_queue: response.header.send_queue.into(),
            acked: field(BYTES_ACKED_AT)?,
            received: field(BYTES_RECEIVED_AT)?,
        })
    }
}

/// Both queues of a connection from its two ends.
pub(crate) fn queues(client: End, server: End, base: i64) -> Queues {
    // Not simply the server's send queue: bytes stay in it until their
    // acknowledgement is back, while the client's kernel has them already.
    let written = (server.acked + server.send_queue) as i64;
    let send = written + base - client.received as i64;
    Queues { send_bytes: send.max(0) as u64, receive_bytes: client.receive_queue }
}

impl Probe {
    /// A probe of the connection between `server` and `client`, created while nothing is in
    /// transit between them.
    #[must_use]
    pub fn new(server: SocketAddr, client: SocketAddr) -> Self {
        let mut probe = Self { server, client, netlink: None, base: 0, buffer: vec![0; 4096] };
        if let Ok(base) = probe.calibrate() {
            probe.base = base;
        } else {
            probe.netlink = None;
        }
        probe
    }

    /// How it reads the queues.
    #[must_use]
    pub fn method(&self) -> Method {
        match self.netlink {
            Some(_) => Method::SockDiag,
            None => Method::ProcNetTcp,
        }
    }

    /// Reads both queues. The client's end comes first, so that no byte that moves on in between
    /// is missed.
    ///
    /// # Errors
    /// When the connection is no longer there.
    pub fn read(&mut self) -> Result<Queues> {
        if self.netlink.is_none() {
            return self.read_proc();
        }
        let client = self.diag(self.client, self.server)?;
        let server = self.diag(self.server, self.client)?;
        Ok(queues(client, server, self.base))
    }

    fn calibrate(&mut self) -> Result<i64> {
        let mut socket = Socket::new(NETLINK_SOCK_DIAG)?;
        socket.bind_auto()?;
        socket.connect(&NetlinkAddr::new(0, 0))?;
        self.netlink = Some(socket);
        let client = self.diag(self.client, self.server)?;
        let server = self.diag(self.server, self.client)?;
        Ok(client.received as i64 - (server.acked + server.send_queue) as i64)
    }

    fn diag(&mut self, local: SocketAddr, remote: SocketAddr) -> Result<End> {
        let socket = self.netlink.as_ref().context("no netlink socket")?;
        let message = request(local, remote, ExtensionFlags::INFO);
        message.serialize(&mut self.buffer);
        socket.send(&self.buffer[..message.buffer_len()], 0)?;
        let size = socket.recv(&mut &mut self.buffer[..], 0)?;
        let answer = <NetlinkMessage<SockDiagMessage>>::deserialize(&self.buffer[..size])?;
        let NetlinkPayload::InnerMessage(SockDiagMessage::InetResponse(response)) = answer.payload
        else {
            bail!("no such connection");
        };
        End::of(&response)
    }

    fn read_proc(&self) -> Result<Queues> {
        let table = match self.server.is_ipv4() {
            true => procfs::net::tcp()?,
            false => procfs::net::tcp6()?,
        };
        let find = |local, remote| {
            table.iter().find(|e| e.local_address == local && e.remote_address == remote)
        };
        let client = find(self.client, self.server).context("no such connection")?;
        let server = find(self.server, self.client).context("no such connection")?;
        Ok(Queues { send_bytes: server.tx_queue.into(), receive_bytes: client.rx_queue.into() })
    }
}

/// Asks for the socket with exactly these addresses (sock_diag(7)).
pub(super) fn request(
    local: SocketAddr,
    remote: SocketAddr,
    extensions: ExtensionFlags,
) -> NetlinkMessage<SockDiagMessage> {
    let request = InetRequest {
        family: if local.is_ipv4() { AF_INET } else { AF_INET6 },
        protocol: IPPROTO_TCP,
        extensions,
        states: StateFlags::all(),
        socket_id: SocketId {
            source_port: local.port(),
            destination_port: remote.port(),
            source_address: local.ip(),
            destination_address: remote.ip(),
            interface_id: 0,
            cookie: [0xff; 8],
        },
    };
    let mut header = NetlinkHeader::default();
    header.flags = NLM_F_REQUEST;
    let mut message = NetlinkMessage::new(header, SockDiagMessage::InetRequest(request).into());
    message.finalize();
    message
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};

    fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (listener.accept().unwrap().0, client)
    }

    fn probe(server: &TcpStream) -> Probe {
        Probe::new(server.local_addr().unwrap(), server.peer_addr().unwrap())
    }

    #[test]
    fn both_methods_report_bytes_that_were_not_read() {
        let (mut server, mut client) = pair();
        let mut diag = probe(&server);
        assert_eq!(diag.method(), Method::SockDiag);
        let mut proc = probe(&server);
        proc.netlink = None;
        assert_eq!(proc.method(), Method::ProcNetTcp);

        server.write_all(&[7; 5000]).unwrap();
        let mut first = [0; 1000];
        client.read_exact(&mut first).unwrap();
        // Loopback delivers at once, but acknowledgements may take a moment.
        let settled = |probe: &mut Probe| {
            (0..200).any(|_| {
                std::thread::sleep(std::time::Duration::from_millis(5));
                probe.read().unwrap() == Queues { send_bytes: 0, receive_bytes: 4000 }
            })
        };
        assert!(settled(&mut diag));
        assert!(settled(&mut proc));
    }

    #[test]
    fn bytes_in_the_servers_kernel_count_as_its_send_queue() {
        let (mut server, client) = pair();
        let mut probe = probe(&server);
        server.set_nonblocking(true).unwrap();
        let mut written = 0u64;
        while let Ok(n) = server.write(&[1; 65536]) {
            written += n as u64;
        }
        let queues = probe.read().unwrap();
        assert_eq!(queues.send_bytes + queues.receive_bytes, written);
        assert!(queues.send_bytes > 0 && queues.receive_bytes > 0);
        drop(client);
    }

    #[test]
    fn a_closed_connection_is_an_error() {
        let (server, client) = pair();
        let mut probe = probe(&server);
        drop(client);
        drop(server);
        assert!((0..200).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(5));
            probe.read().is_err()
        }));
    }
}
