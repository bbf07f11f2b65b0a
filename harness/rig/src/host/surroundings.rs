//! What else happened on the CPUs of a round: time taken by the hypervisor and by other
//! processes, and the CPU's frequency.

use crate::host::affinity::{CpuList, Placement};
use bench_core::record::watched::Disturbance;
use nix::time::ClockId;
use procfs::{CurrentSI, KernelStats};
use std::time::Duration;

/// The counters since boot, at one instant.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// CPU time that processes used, in ns.
    busy_ns: u64,
    /// CPU time that the hypervisor gave to others, in ns.
    stolen_ns: u64,
    /// CPU time of this process, in ns.
    harness_ns: u64,
    /// Frequency of the first of the client's CPUs, in kHz; `None` if it is not reported.
    frequency_khz: Option<u64>,
    at_ns: u64,
    cpus: usize,
}

impl Surroundings {
    /// Reads the counters of the CPUs that a round uses.
    #[must_use]
    pub fn now(placement: &Placement) -> Self {
        let ticks_per_s = procfs::ticks_per_second().max(1);
        let in_ns = |ticks: u64| ticks * (1_000_000_000 / ticks_per_s);
        let mut now = Self {
            harness_ns: ClockId::CLOCK_PROCESS_CPUTIME_ID
                .now()
                .map_or(0, |time| Duration::from(time).as_nanos() as u64),
            frequency_khz: frequency_khz(placement.client.as_ref()),
            at_ns: tick::clock::now_ns(),
            ..Self::default()
        };
        let Ok(stats) = KernelStats::current() else { return now };
        let lists = [&placement.server, &placement.client];
        for (cpu, time) in stats.cpu_time.iter().enumerate() {
            let pinned = lists.iter().all(|list| list.is_some());
            let used = lists.iter().filter_map(|list| list.as_ref()).any(|list| list.has(cpu));
            if pinned && !used {
                continue;
            }
            now.cpus += 1;
            // Without interrupts: they are the cost of a round's own packets.
            now.busy_ns += in_ns(time.user + time.nice + time.system);
            now.stolen_ns += in_ns(time.steal.unwrap_or(0));
        }
        now
    }

    /// CPU time of the harness since `earlier`, in CPUs.
    #[must_use]
    pub fn harness_cpus_since(&self, earlier: &Self) -> f64 {
        let elapsed_ns = (self.at_ns - earlier.at_ns).max(1) as f64;
        self.harness_ns.saturating_sub(earlier.harness_ns) as f64 / elapsed_ns
    }

    /// What disturbed the time since `earlier`, in which the round's own
    /// children used `children_ns` of CPU time.
    #[must_use]
    pub fn since(&self, earlier: &Self, children_ns: u64) -> Disturbance {
        let elapsed_ns = (self.at_ns - earlier.at_ns).max(1) as f64;
        let own_ns = children_ns + self.harness_ns.saturating_sub(earlier.harness_ns);
        let busy_ns = self.busy_ns.saturating_sub(earlier.busy_ns);
        let stolen_ns = self.stolen_ns.saturating_sub(earlier.stolen_ns);
        let frequency_khz = earlier.frequency_khz.zip(self.frequency_khz);
        Disturbance {
            stolen_share: stolen_ns as f64 / elapsed_ns / self.cpus.max(1) as f64,
            others_cpus: busy_ns.saturating_sub(own_ns) as f64 / elapsed_ns,
            frequency_khz: frequency_khz.map(|(a, b)| [a.min(b), a.max(b)]),
        }
    }
}

fn frequency_khz(cpus: Option<&CpuList>) -> Option<u64> {
    let cpu = cpus.and_then(CpuList::first).unwrap_or(0);
    let path = format!("/sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_cur_freq");
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cpu_time_not_used_by_the_round_is_that_of_others() {
        let earlier = Surroundings { cpus: 2, ..Surroundings::default() };
        let later = Surroundings {
            busy_ns: 1_500_000_000,
            stolen_ns: 100_000_000,
            harness_ns: 50_000_000,
            at_ns: 1_000_000_000,
            cpus: 2,
            ..Surroundings::default()
        };
        let seen = later.since(&earlier, 1_250_000_000);
        assert!((seen.others_cpus - 0.2).abs() < 1e-9);
        assert!((seen.stolen_share - 0.05).abs() < 1e-9);
    }

    #[test]
    fn a_busy_harness_is_counted() {
        let placement = Placement { server: None, client: None, spin: false };
        let before = Surroundings::now(&placement);
        // CPU time, because other work may share the CPUs.
        let cpu_time = || Duration::from(ClockId::CLOCK_THREAD_CPUTIME_ID.now().unwrap());
        let until = cpu_time() + Duration::from_millis(200);
        while cpu_time() < until {}
        let after = Surroundings::now(&placement);
        // This process is not a child: what it used counts as the harness's own.
        assert!(after.harness_ns >= before.harness_ns + 100_000_000);
        assert!(after.busy_ns > before.busy_ns);
    }
}
