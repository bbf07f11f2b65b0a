//! What else happened on the CPUs of a round: time taken by the hypervisor and by other
//! processes, and the CPU's frequency.

use super::kernel_times::{cpu_times, in_ns};
use super::signals::own_cpu_ns;
use crate::host::affinity;
use bench_core::record::cpus::CpuList;
use bench_core::record::placement::Placement;
use bench_core::record::watched::HostUse;

/// The counters since boot, at one instant.
#[derive(Debug, Clone, Default)]
pub struct Surroundings {
    /// CPU time that processes used, in ns.
    busy_ns: u64,
    /// CPU time that the hypervisor gave to others, in ns.
    stolen_ns: u64,
    /// CPU time of this process, in ns.
    harness_ns: u64,
    /// Whether this process runs on the same CPUs.
    harness_is_among: bool,
    /// Frequency of the first of the client's CPUs, in kHz; `None` if it is not reported.
    frequency_khz: Option<u64>,
    at_ns: u64,
    cpus: usize,
}

impl Surroundings {
    /// Reads the counters of the CPUs that server and client use, and of no others.
    #[must_use]
    pub fn now(placement: &Placement) -> Self {
        let in_use = placement.in_use();
        let mut now = Self {
            harness_ns: own_cpu_ns(),
            harness_is_among: runs_on(&in_use),
            frequency_khz: frequency_khz(&placement.client),
            at_ns: tick::clock::now_ns(),
            ..Self::default()
        };
        let stat = std::fs::read_to_string("/proc/stat").unwrap_or_default();
        for (_, time) in cpu_times(&stat).filter(|(cpu, _)| in_use.has(*cpu)) {
            now.cpus += 1;
            now.busy_ns += in_ns(time.busy);
            now.stolen_ns += in_ns(time.stolen);
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
    pub fn since(&self, earlier: &Self, children_ns: u64) -> HostUse {
        let elapsed_ns = (self.at_ns - earlier.at_ns).max(1) as f64;
        let harness_ns = match self.harness_is_among {
            true => self.harness_ns.saturating_sub(earlier.harness_ns),
            false => 0,
        };
        let own_ns = children_ns + harness_ns;
        let busy_ns = self.busy_ns.saturating_sub(earlier.busy_ns);
        let stolen_ns = self.stolen_ns.saturating_sub(earlier.stolen_ns);
        let frequency_khz = earlier.frequency_khz.zip(self.frequency_khz);
        HostUse {
            stolen_share: stolen_ns as f64 / elapsed_ns / self.cpus.max(1) as f64,
            others_cpus: busy_ns.saturating_sub(own_ns) as f64 / elapsed_ns,
            cpus: self.cpus,
            frequency_khz: frequency_khz.map(|(a, b)| [a.min(b), a.max(b)]),
        }
    }
}

/// Whether this thread may run on one of these CPUs.
fn runs_on(cpus: &CpuList) -> bool {
    affinity::allowed().map_or(true, |allowed| allowed.overlaps(cpus))
}

fn frequency_khz(cpus: &CpuList) -> Option<u64> {
    let cpu = cpus.first()?;
    let path = format!("/sys/devices/system/cpu/cpu{cpu}/cpufreq/scaling_cur_freq");
    std::fs::read_to_string(path).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::super::kernel_times::CpuTime;
    use super::super::kernel_times::tests::STAT;
    use super::*;
    use nix::time::ClockId;
    use std::time::Duration;

    #[test]
    fn cpu_time_not_used_by_the_round_is_that_of_others() {
        let earlier = Surroundings { cpus: 2, ..Surroundings::default() };
        let later = Surroundings {
            busy_ns: 1_500_000_000,
            stolen_ns: 100_000_000,
            harness_ns: 50_000_000,
            harness_is_among: true,
            at_ns: 1_000_000_000,
            cpus: 2,
            ..Surroundings::default()
        };
        let seen = later.since(&earlier, 1_250_000_000);
        assert!((seen.others_cpus - 0.2).abs() < 1e-9);
        assert!((seen.stolen_share - 0.05).abs() < 1e-9);
    }

    fn on(cpus: CpuList) -> Placement {
        let (server, harness) = (cpus.clone(), cpus.clone());
        Placement { server, client: cpus, harness, spin: false, why: Vec::new() }
    }

    /// As under `taskset -c 2` with a busy loop on CPU 3.
    #[test]
    fn a_cpu_that_server_and_client_do_not_use_disturbs_nothing() {
        let in_use = on("2".parse().unwrap()).in_use();
        let used: Vec<CpuTime> =
            cpu_times(STAT).filter(|(cpu, _)| in_use.has(*cpu)).map(|(_, time)| time).collect();
        assert_eq!(used, [CpuTime { busy: 0, stolen: 10, interrupts: 0 }]);
    }

    #[test]
    fn only_the_cpus_in_use_are_counted() {
        let allowed = affinity::allowed().unwrap();
        let one: CpuList = allowed.iter().take(1).collect();
        assert_eq!(Surroundings::now(&on(one)).cpus, 1);
        assert_eq!(Surroundings::now(&on(allowed.clone())).cpus, allowed.count());
        // This process never runs on a CPU that it may not use.
        let other: CpuList = (0..1024).filter(|&cpu| !allowed.has(cpu)).take(1).collect();
        assert!(!Surroundings::now(&on(other)).harness_is_among);
    }

    #[test]
    fn a_busy_harness_is_counted() {
        let placement = on(affinity::allowed().unwrap());
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
