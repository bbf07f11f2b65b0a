//! Both kernel socket queues of many connections of one server, by two `sock_diag` dumps. Two
//! requests for each connection would take half of the time between two snapshots.

use crate::host::sockets::kernel_queues::{End, Probe, queues};
use anyhow::{Context, Result, bail, ensure};
use bench_core::record::snapshot::{Method, Queues};
use netlink_packet_core::{
    NLM_F_DUMP, NLM_F_REQUEST, NetlinkHeader, NetlinkMessage, NetlinkPayload,
};
use netlink_packet_sock_diag::SockDiagMessage;
use netlink_packet_sock_diag::constants::{AF_INET, AF_INET6, IPPROTO_TCP};
use netlink_packet_sock_diag::inet::{ExtensionFlags, InetRequest, SocketId, StateFlags};
use netlink_sys::protocols::NETLINK_SOCK_DIAG;
use netlink_sys::{Socket, SocketAddr as NetlinkAddr};
use std::collections::HashMap;
use std::net::SocketAddr;

/// Dumps are used from this number of connections on. A dump walks the kernel's whole table of
/// connections, which takes about as long as requests for a hundred of them.
const LEAST: usize = 128;
/// Twice the largest answer of a dump (`netlink_dump` in net/netlink/af_netlink.c: 32 KiB).
const ANSWER_BYTES: usize = 64 * 1024;

/// Reads the queues of all connections of one server, repeatedly.
pub struct Dump {
    socket: Socket,
    server: SocketAddr,
    /// The index of each connection, by the address of its client's end.
    places: HashMap<SocketAddr, usize>,
    /// The `base` of each connection's [`Probe`].
    bases: Vec<i64>,
    buffer: Vec<u8>,
}

impl Dump {
    /// For the connections of these probes; `None` if single requests are better (there are few)
    /// or `sock_diag` is not available.
    #[must_use]
    pub fn of(probes: &[Probe]) -> Option<Self> {
        let [first, ..] = probes else { return None };
        let suits = |probe: &Probe| {
            probe.method() == Method::SockDiag && probe.server.port() == first.server.port()
        };
        (probes.len() >= LEAST && probes.iter().all(suits)).then(|| Self::new(probes).ok())?
    }

    fn new(probes: &[Probe]) -> Result<Self> {
        let server = probes.first().context("no connection")?.server;
        let mut socket = Socket::new(NETLINK_SOCK_DIAG)?;
        socket.bind_auto()?;
        socket.connect(&NetlinkAddr::new(0, 0))?;
        let clients = probes.iter().enumerate();
        Ok(Self {
            socket,
            server,
            places: clients.map(|(place, probe)| (probe.client, place)).collect(),
            bases: probes.iter().map(|probe| probe.base).collect(),
            buffer: vec![0; ANSWER_BYTES],
        })
    }

    /// Reads all queues and returns their sums. The clients' ends come first, so that no byte that
    /// moves on in between is missed.
    ///
    /// # Errors
    /// When a connection is no longer there.
    pub fn read(&mut self) -> Result<Queues> {
        let port = self.server.port();
        let clients =
            self.ends(0, port, |id| SocketAddr::new(id.source_address, id.source_port))?;
        let servers =
            self.ends(port, 0, |id| SocketAddr::new(id.destination_address, id.destination_port))?;
        let ends = clients.into_iter().zip(servers).zip(&self.bases);
        ends.map(|((client, server), &base)| Some(queues(client?, server?, base)))
            .sum::<Option<Queues>>()
            .context("a connection is no longer there")
    }

    /// The ends with these ports (0: any), each at the index of its connection; `client` extracts
    /// the address of the client's end.
    fn ends(
        &mut self,
        source_port: u16,
        destination_port: u16,
        client: impl Fn(&SocketId) -> SocketAddr,
    ) -> Result<Vec<Option<End>>> {
        self.ask(source_port, destination_port)?;
        let mut ends = vec![None; self.bases.len()];
        loop {
            let size = self.socket.recv(&mut &mut self.buffer[..], 0)?;
            let mut at = 0;
            while at < size {
                let message =
                    <NetlinkMessage<SockDiagMessage>>::deserialize(&self.buffer[at..size])?;
                let length = message.header.length as usize;
                ensure!(length > 0, "an empty answer");
                at += length.next_multiple_of(4);
                match message.payload {
                    NetlinkPayload::InnerMessage(SockDiagMessage::InetResponse(response)) => {
                        let place = self.places.get(&client(&response.header.socket_id));
                        if let Some(&place) = place {
                            // A closed connection has no counters.
                            ends[place] = End::of(&response).ok();
                        }
                    }
                    NetlinkPayload::Done(_) => return Ok(ends),
                    NetlinkPayload::Error(error) => bail!("no dump: {error}"),
                    _ => {}
                }
            }
        }
    }

    fn ask(&mut self, source_port: u16, destination_port: u16) -> Result<()> {
        let any = match self.server.is_ipv4() {
            true => SocketId::new_v4(),
            false => SocketId::new_v6(),
        };
        let request = InetRequest {
            family: if self.server.is_ipv4() { AF_INET } else { AF_INET6 },
            protocol: IPPROTO_TCP,
            extensions: ExtensionFlags::INFO,
            // The states in which bytes can be queued. Without them the kernel would also walk
            // its tables of listeners, and look at each connection of earlier rounds in TIME_WAIT.
            states: StateFlags::ESTABLISHED
                | StateFlags::FIN_WAIT1
                | StateFlags::FIN_WAIT2
                | StateFlags::CLOSE_WAIT
                | StateFlags::LAST_ACK
                | StateFlags::CLOSING,
            socket_id: SocketId { source_port, destination_port, ..any },
        };
        let mut header = NetlinkHeader::default();
        header.flags = NLM_F_REQUEST | NLM_F_DUMP;
        let mut message = NetlinkMessage::new(header, SockDiagMessage::InetRequest(request).into());
        message.finalize();
        message.serialize(&mut self.buffer);
        self.socket.send(&self.buffer[..message.buffer_len()], 0)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};

    fn pairs(count: usize) -> Vec<(TcpStream, TcpStream)> {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let pair = |_| {
            let client = TcpStream::connect(address).unwrap();
            (listener.accept().unwrap().0, client)
        };
        (0..count).map(pair).collect()
    }

    fn probes(pairs: &[(TcpStream, TcpStream)]) -> Vec<Probe> {
        let probe = |(server, _): &(TcpStream, TcpStream)| {
            Probe::new(server.local_addr().unwrap(), server.peer_addr().unwrap())
        };
        pairs.iter().map(probe).collect()
    }

    /// Retries, as acknowledgements may take a moment.
    fn settles(dump: &mut Dump, expected: Queues) -> bool {
        (0..200).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(5));
            dump.read().unwrap() == expected
        })
    }

    #[test]
    fn a_dump_adds_up_the_queues_of_all_connections() {
        let mut pairs = pairs(LEAST);
        let mut probes = probes(&pairs);
        assert!(Dump::of(&probes[1..]).is_none(), "few are read one by one");
        let mut dump = Dump::of(&probes).unwrap();
        let mut expected = Queues::default();
        for (place, (server, client)) in pairs.iter_mut().enumerate() {
            server.write_all(&vec![7; 100 + place]).unwrap();
            client.read_exact(&mut [0; 50]).unwrap();
            expected.receive_bytes += 50 + place as u64;
        }
        assert!(settles(&mut dump, expected));
        let one_by_one: Queues = probes.iter_mut().map(|probe| probe.read().unwrap()).sum();
        assert_eq!(one_by_one, expected);
    }

    #[test]
    fn bytes_in_the_servers_kernel_count_as_its_send_queue() {
        let mut pairs = pairs(LEAST);
        let mut dump = Dump::of(&probes(&pairs)).unwrap();
        let (server, _) = &mut pairs[LEAST / 2];
        server.set_nonblocking(true).unwrap();
        let mut written = 0;
        while let Ok(count) = server.write(&[1; 65536]) {
            written += count as u64;
        }
        let queues = dump.read().unwrap();
        assert_eq!(queues.send_bytes + queues.receive_bytes, written);
        assert!(queues.send_bytes > 0 && queues.receive_bytes > 0);
    }

    #[test]
    fn one_closed_connection_is_an_error() {
        let mut pairs = pairs(LEAST);
        let mut dump = Dump::of(&probes(&pairs)).unwrap();
        pairs.pop();
        assert!((0..200).any(|_| {
            std::thread::sleep(std::time::Duration::from_millis(5));
            dump.read().is_err()
        }));
    }
}
