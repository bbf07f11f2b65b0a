//! Takes snapshots from outside: all meters, all kernel queues, CPU time and memory.

use crate::host::noise::signals::SignalReader;
use crate::host::processes::process::Gauge;
use crate::host::sockets::kernel_dump::Dump;
use crate::host::sockets::kernel_queues::Probe;
use anyhow::{Context, Result};
use bench_core::record::snapshot::Snapshot;
use contract::meter::{MeterFile, Slot};
use tick::clock::now_ns;

/// What a snapshot is read from.
pub struct Observer {
    /// The meter of each of the client's processes.
    pub client_meters: Vec<MeterFile>,
    /// Connections of each of the client's processes.
    pub connections: usize,
    /// The server's meter.
    pub server_meter: MeterFile,
    /// The kernel queues, a probe for each connection.
    pub probes: Vec<Probe>,
    /// All kernel queues at once; `None` if there are few connections.
    pub dump: Option<Dump>,
    /// CPU time and memory of each of the client's processes.
    pub clients: Vec<Gauge>,
    /// CPU time and memory of the server.
    pub server: Gauge,
    /// The last snapshot: a process that has ended keeps its values there.
    pub last: Snapshot,
    /// The counters of the machine.
    pub signals: SignalReader,
    /// Ticks processed on each connection at the last snapshot.
    pub processed_each: Vec<u64>,
    /// What meters are read into.
    pub bytes: Vec<u8>,
}

impl Observer {
    /// Takes a snapshot. Downstream counts are read first: a tick that moves on meanwhile is then
    /// counted upstream, and no difference of two counts is negative. Kernel queues and resident
    /// memory take most of the time, and are read in full snapshots only.
    ///
    /// # Errors
    /// When a child has damaged its meter.
    pub fn read(&mut self, full: bool) -> Result<Snapshot> {
        if full {
            self.clients.iter_mut().for_each(Gauge::refresh);
        }
        let at_ns = now_ns();
        let mut each = std::mem::take(&mut self.processed_each);
        each.clear();
        self.counts(Slot::PROCESSED, |processed| each.push(processed))?;
        let processed = each.iter().copied().fold(0, u64::saturating_add);
        self.processed_each = each;
        let mut received = 0_u64;
        self.counts(Slot::RECEIVED, |count| received = received.saturating_add(count))?;
        let queues = match &mut self.dump {
            _ if !full => None,
            Some(dump) => dump.read().ok(),
            None => self.probes.iter_mut().map(|probe| probe.read().ok()).sum(),
        };
        let server = |slot| self.server_meter.read(slot).context("the server's meter");
        let confirmed = server(Slot::CONFIRMED)?;
        let acknowledged = server(Slot::ACKNOWLEDGED)?;
        let written = server(Slot::WRITTEN)?;
        let written_bytes = server(Slot::WRITTEN_BYTES)?;
        // The server counts a tick as generated before it counts it as written or dropped.
        let dropped = server(Slot::DROPPED)?;
        let generated = server(Slot::GENERATED)?.saturating_mul(self.probes.len() as u64);
        let last = self.last;
        let all = |one: fn(&Gauge) -> Result<u64>| {
            self.clients.iter().map(|client| one(client).ok()).sum::<Option<u64>>()
        };
        self.last = Snapshot {
            at_ns,
            took_ns: 0,
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
            client_rss_bytes: full
                .then(|| all(Gauge::rss_bytes))
                .flatten()
                .unwrap_or(last.client_rss_bytes),
            server_rss_bytes: full
                .then(|| self.server.rss_bytes().ok())
                .flatten()
                .unwrap_or(last.server_rss_bytes),
        };
        self.last.took_ns = now_ns() - at_ns;
        Ok(self.last)
    }

    /// One of the clients' counters, connection by connection. Sums of them saturate: a client
    /// may have written anything.
    ///
    /// # Errors
    /// When a child has damaged its meter.
    pub fn counts(&mut self, slot: Slot, mut add: impl FnMut(u64)) -> Result<()> {
        for meter in &self.client_meters {
            let each = meter.read_each(slot, self.connections, &mut self.bytes);
            each.context("the client's meter")?.for_each(&mut add);
        }
        Ok(())
    }
}
