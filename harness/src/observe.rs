//! One look at everything at one instant, from outside: both meters, both
//! kernel queues, CPU time and memory.

use crate::kernel::{Probe, Queues};
use crate::process::Gauge;
use anyhow::{Context, Result};
use contract::meter::{MeterFile, Slot};

/// What was seen at one instant. Counts are ticks since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The instant at which the reading began, ns of the monotonic clock.
    pub at_ns: u64,
    /// Client: decoded, checked and worked on.
    pub processed: u64,
    /// Client: taken from the library.
    pub received: u64,
    /// The kernel's queues; `None` once the connection is gone.
    pub queues: Option<Queues>,
    /// Server: acknowledged by the client's kernel.
    pub acknowledged: u64,
    /// Server: confirmed by a pong.
    pub confirmed: u64,
    /// Server: handed to the kernel.
    pub written: u64,
    /// Server: the same in bytes.
    pub written_bytes: u64,
    /// Server: made.
    pub generated: u64,
    /// Server: time that ticks waited while the socket took nothing, in ns.
    pub blocked_ns: u64,
    /// Server: time spun away before due times, in ns.
    pub spun_ns: u64,
    /// CPU time of the client, in ns.
    pub client_cpu_ns: u64,
    /// CPU time of the server, in ns.
    pub server_cpu_ns: u64,
    /// Resident memory of the client.
    pub client_rss_bytes: u64,
    /// Resident memory of the server.
    pub server_rss_bytes: u64,
}

/// Everything that is looked at in a round.
pub struct Observer {
    /// The client's meter.
    pub client_meter: MeterFile,
    /// The server's meter.
    pub server_meter: MeterFile,
    /// The connection in the kernel.
    pub probe: Probe,
    /// The client's process.
    pub client: Gauge,
    /// The server's process.
    pub server: Gauge,
    /// What was seen last, for what can no longer be seen.
    pub last: Snapshot,
}

impl Observer {
    /// Looks once. Downstream comes first: a tick that moves on while it is
    /// being read is then counted upstream, and no difference of two counts
    /// can come out negative.
    ///
    /// # Errors
    /// When a child has damaged its meter.
    pub fn read(&mut self) -> Result<Snapshot> {
        let client = |slot| self.client_meter.read(slot).context("the client's meter");
        let server = |slot| self.server_meter.read(slot).context("the server's meter");
        let at_ns = tick::clock::now_ns();
        let processed = client(Slot::PROCESSED)?;
        let received = client(Slot::RECEIVED)?;
        let queues = self.probe.read().ok();
        let confirmed = server(Slot::CONFIRMED)?;
        let acknowledged = server(Slot::ACKNOWLEDGED)?;
        let written = server(Slot::WRITTEN)?;
        let written_bytes = server(Slot::WRITTEN_BYTES)?;
        let generated = server(Slot::GENERATED)?;
        // A process that has ended keeps what it had.
        let last = self.last;
        self.last = Snapshot {
            at_ns,
            processed,
            received,
            queues,
            acknowledged,
            confirmed,
            written,
            written_bytes,
            generated,
            blocked_ns: server(Slot::BLOCKED_NS)?,
            spun_ns: server(Slot::SPUN_NS)?,
            client_cpu_ns: self.client.cpu_ns().unwrap_or(last.client_cpu_ns),
            server_cpu_ns: self.server.cpu_ns().unwrap_or(last.server_cpu_ns),
            client_rss_bytes: self.client.rss_bytes().unwrap_or(last.client_rss_bytes),
            server_rss_bytes: self.server.rss_bytes().unwrap_or(last.server_rss_bytes),
        };
        Ok(self.last)
    }
}
