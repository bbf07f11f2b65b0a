//! One look at everything at one instant, from outside: all meters, all kernel
//! queues, CPU time and memory.

use crate::kernel::{Probe, Queues};
use crate::kernel_dump::Dump;
use crate::process::Gauge;
use anyhow::{Context, Result};
use contract::meter::{MeterFile, Slot};

/// What was seen at one instant. Counts are ticks since the start, summed over
/// all connections: a tick that is made counts once for each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// The instant at which the reading began, ns of the monotonic clock.
    pub at_ns: u64,
    /// Client: decoded, checked and worked on.
    pub processed: u64,
    /// Client: taken from the library.
    pub received: u64,
    /// The kernel's queues; `None` once a connection is gone.
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
    /// Server: dropped or conflated by its policy, and never written.
    pub dropped: u64,
    /// Server: time that ticks waited while a socket took nothing, in ns.
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
    /// The meter of each of the client's processes.
    pub client_meters: Vec<MeterFile>,
    /// Connections of each of them.
    pub connections: usize,
    /// The server's meter.
    pub server_meter: MeterFile,
    /// The connections in the kernel.
    pub probes: Vec<Probe>,
    /// All of them at once, where they are many.
    pub dump: Option<Dump>,
    /// The client's processes.
    pub clients: Vec<Gauge>,
    /// The server's process.
    pub server: Gauge,
    /// What was seen last, for what can no longer be seen.
    pub last: Snapshot,
    /// What each connection had processed then.
    pub processed_each: Vec<u64>,
}

impl Observer {
    /// Looks once. Downstream comes first: a tick that moves on while it is
    /// being read is then counted upstream, and no difference of two counts
    /// can come out negative.
    ///
    /// # Errors
    /// When a child has damaged its meter.
    pub fn read(&mut self) -> Result<Snapshot> {
        self.clients.iter_mut().for_each(Gauge::refresh);
        let at_ns = tick::clock::now_ns();
        self.processed_each = self.counts(Slot::PROCESSED)?;
        let processed = sum(&self.processed_each);
        let received = sum(&self.counts(Slot::RECEIVED)?);
        let queues = match &mut self.dump {
            Some(dump) => dump.read().ok(),
            None => self.probes.iter_mut().map(|probe| probe.read().ok()).sum(),
        };
        let server = |slot| self.server_meter.read(slot).context("the server's meter");
        let confirmed = server(Slot::CONFIRMED)?;
        let acknowledged = server(Slot::ACKNOWLEDGED)?;
        let written = server(Slot::WRITTEN)?;
        let written_bytes = server(Slot::WRITTEN_BYTES)?;
        // A tick is counted as made before it is as written or as dropped.
        let dropped = server(Slot::DROPPED)?;
        let generated = server(Slot::GENERATED)?.saturating_mul(self.probes.len() as u64);
        // A process that has ended keeps what it had.
        let last = self.last;
        let all = |one: fn(&Gauge) -> Result<u64>| {
            self.clients.iter().map(|client| one(client).ok()).sum::<Option<u64>>()
        };
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
            dropped,
            blocked_ns: server(Slot::BLOCKED_NS)?,
            spun_ns: server(Slot::SPUN_NS)?,
            client_cpu_ns: all(Gauge::cpu_ns).unwrap_or(last.client_cpu_ns),
            server_cpu_ns: self.server.cpu_ns().unwrap_or(last.server_cpu_ns),
            client_rss_bytes: all(Gauge::rss_bytes).unwrap_or(last.client_rss_bytes),
            server_rss_bytes: self.server.rss_bytes().unwrap_or(last.server_rss_bytes),
        };
        Ok(self.last)
    }

    /// One of the clients' counters, connection by connection.
    ///
    /// # Errors
    /// When a child has damaged its meter.
    pub fn counts(&self, slot: Slot) -> Result<Vec<u64>> {
        let mut all = Vec::with_capacity(self.probes.len());
        for meter in &self.client_meters {
            all.extend(meter.read_each(slot, self.connections).context("the client's meter")?);
        }
        Ok(all)
    }
}

/// A client may have written anything.
fn sum(counts: &[u64]) -> u64 {
    counts.iter().copied().fold(0, u64::saturating_add)
}
