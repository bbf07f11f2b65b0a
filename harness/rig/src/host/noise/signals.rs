//! Reads the counters of the machine at the instant of a snapshot.

use super::cpu_use::CpuUse;
use super::kernel_times::{CpuTime, cpu_times, in_ns};
use super::quota::Quotas;
use bench_core::record::placement::Placement;
use bench_core::record::signals::{KernelTimes, Signals};
use bench_core::record::snapshot::Snapshot;
use nix::time::ClockId;
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;
use tick::clock::now_ns;

/// `/proc/stat` is read in every snapshot if that takes no longer than this, in ns: on a machine
/// of many CPUs it takes more.
const QUICK_NS: u64 = 30_000;

/// Reads the counters of the CPUs that server and client use, and of no others.
#[derive(Debug)]
pub struct SignalReader {
    cpus: Vec<usize>,
    harness_is_among: bool,
    used: CpuUse,
    stat: Option<File>,
    stat_is_quick: bool,
    quotas: Quotas,
    buffer: Vec<u8>,
}

impl SignalReader {
    /// Opens the counters of a round's CPUs.
    #[must_use]
    pub fn open(placement: &Placement) -> Self {
        let mut reader = Self {
            cpus: placement.in_use().iter().collect(),
            harness_is_among: !placement.harness_is_apart(),
            used: CpuUse::open(),
            stat: File::open("/proc/stat").ok(),
            stat_is_quick: false,
            quotas: Quotas::open(Path::new("/")),
            buffer: vec![0; 1 << 16],
        };
        // The second time, when its pages are in the caches.
        for _ in 0..2 {
            let began_ns = now_ns();
            reader.stat();
            reader.stat_is_quick = now_ns() - began_ns <= QUICK_NS;
        }
        reader
    }

    /// How far the CPU times may be off between two readings, in ns.
    #[must_use]
    pub fn error_ns(&self) -> u64 {
        self.used.error_ns()
    }

    /// The counters now, just after a snapshot, which has the CPU times of the children.
    pub fn read(&mut self, snapshot: &Snapshot, is_full: bool) -> Signals {
        let stat = (is_full || self.stat_is_quick).then(|| self.stat()).flatten();
        let times = |of: fn(&CpuTime) -> u64, stat: &[(usize, CpuTime)]| {
            let one = |cpu: &usize| stat.iter().find(|(number, _)| number == cpu);
            self.cpus.iter().map(|cpu| one(cpu).map_or(0, |(_, time)| in_ns(of(time)))).collect()
        };
        Signals {
            at_ns: snapshot.at_ns,
            busy_ns: self.used.read(&self.cpus, stat.as_deref()),
            server_ns: snapshot.server_cpu_ns,
            client_ns: snapshot.client_cpu_ns,
            harness_ns: if self.harness_is_among { own_cpu_ns() } else { 0 },
            client_waited_ns: None,
            suspended_ns: suspended_ns(),
            kernel: stat.map(|stat| KernelTimes {
                stolen_ns: times(|time| time.stolen, &stat),
                interrupts_ns: times(|time| time.interrupts, &stat),
                throttled_ns: self.quotas.throttled_ns(),
            }),
        }
    }

    /// CPU time used on all of its CPUs so far, in ns; `None`: not readable.
    pub fn busy_ns(&mut self) -> Option<u64> {
        let stat = self.stat();
        Some(self.used.read(&self.cpus, stat.as_deref())?.iter().sum())
    }

    fn stat(&mut self) -> Option<Vec<(usize, CpuTime)>> {
        let length = self.stat.as_ref()?.read_at(&mut self.buffer, 0).ok()?;
        // The lines of the CPUs are the first ones: what was cut off is not needed.
        let text = String::from_utf8_lossy(&self.buffer[..length]);
        Some(cpu_times(&text).filter(|(cpu, _)| self.cpus.contains(cpu)).collect())
    }
}

/// For how long the machine was suspended since it started, in ns.
fn suspended_ns() -> u64 {
    let boot = ClockId::CLOCK_BOOTTIME.now().map(Duration::from);
    boot.map_or(0, |boot| (boot.as_nanos() as u64).saturating_sub(now_ns()))
}

/// CPU time of this process, in ns.
pub(super) fn own_cpu_ns() -> u64 {
    let own = ClockId::CLOCK_PROCESS_CPUTIME_ID.now();
    own.map_or(0, |time| Duration::from(time).as_nanos() as u64)
}
