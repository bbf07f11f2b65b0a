//! CPU time used on each CPU, by whatever process, from the most exact counter that there is.

use super::kernel_times::{CpuTime, in_ns};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Where the root of the `cpuacct` hierarchy may be mounted. Any other control group counts only
/// its own processes.
const CPUACCT: [&str; 2] = ["/sys/fs/cgroup/cpuacct", "/sys/fs/cgroup/cpu,cpuacct"];
/// A file that only the root of a hierarchy has (cgroup-v1/cgroups.rst, section 1.4).
const ONLY_ROOT: &str = "release_agent";
/// How far CPU times in clock ticks may be off between two readings: two steps, as each reading
/// may be just before or after one, and the kernel samples who runs.
const SAMPLED_ERROR_TICKS: u64 = 2;

/// Which counter is read.
#[derive(Debug)]
pub(super) enum CpuUse {
    /// `cpuacct.usage_percpu` of control groups, version 1: exact, in ns.
    Cpuacct(File),
    /// `/proc/schedstat`: exact, in ns; counted when a CPU changes to another thread.
    Schedstat(File),
    /// `/proc/stat`: samples, in clock ticks.
    Stat,
}

impl CpuUse {
    pub fn open() -> Self {
        let roots = CPUACCT.iter().map(Path::new).filter(|dir| dir.join(ONLY_ROOT).exists());
        let mut found = roots.filter_map(|dir| File::open(dir.join("cpuacct.usage_percpu")).ok());
        if let Some(file) = found.next() {
            return Self::Cpuacct(file);
        }
        File::open("/proc/schedstat").map_or(Self::Stat, Self::Schedstat)
    }

    /// How far its values may be off between two readings, in ns.
    pub fn error_ns(&self) -> u64 {
        match self {
            Self::Cpuacct(_) | Self::Schedstat(_) => 0,
            Self::Stat => in_ns(SAMPLED_ERROR_TICKS),
        }
    }

    /// CPU time used on each of these CPUs, in ns. `stat` are the times of `/proc/stat`, where
    /// they were read; `None`: not readable at this instant.
    pub fn read(&self, cpus: &[usize], stat: Option<&[(usize, CpuTime)]>) -> Option<Vec<u64>> {
        let mut buffer = vec![0; 1 << 16];
        let mut text = |file: &File| {
            let length = file.read_at(&mut buffer, 0).ok()?;
            String::from_utf8(buffer[..length].to_vec()).ok()
        };
        match self {
            Self::Cpuacct(file) => cpuacct(&text(file)?, cpus),
            Self::Schedstat(file) => schedstat(&text(file)?, cpus),
            Self::Stat => {
                let of = |cpu: &usize| stat?.iter().find(|(number, _)| number == cpu);
                cpus.iter().map(|cpu| Some(in_ns(of(cpu)?.1.busy))).collect()
            }
        }
    }
}

/// One number for each possible CPU, in the order of their numbers
/// (`cpuacct_percpu_seq_show` in kernel/sched/cpuacct.c).
fn cpuacct(text: &str, cpus: &[usize]) -> Option<Vec<u64>> {
    let all: Vec<u64> = text.split_ascii_whitespace().map_while(|n| n.parse().ok()).collect();
    cpus.iter().map(|&cpu| all.get(cpu).copied()).collect()
}

/// The seventh number of a CPU's line: the time that its tasks ran, in ns
/// (scheduler/sched-stats.rst).
fn schedstat(text: &str, cpus: &[usize]) -> Option<Vec<u64>> {
    let of = |cpu: &usize| {
        let head = format!("cpu{cpu} ");
        let line = text.lines().find_map(|line| line.strip_prefix(&head))?;
        line.split_ascii_whitespace().nth(6)?.parse().ok()
    };
    cpus.iter().map(of).collect()
}

#[cfg(test)]
mod tests {
    use super::super::kernel_times::cpu_times;
    use super::*;

    #[test]
    fn each_counter_gives_the_times_of_the_cpus_asked_for() {
        assert_eq!(cpuacct("100 200 300 \n", &[0, 2]), Some(vec![100, 300]));
        assert_eq!(cpuacct("100 200\n", &[5]), None);
        let text = "version 16\ntimestamp 42\ncpu0 0 0 9 8 7 6 5000 4 3\ndomain0 3 1 2\ncpu12 0 0 9 8 7 6 700 4 3\n";
        assert_eq!(schedstat(text, &[0, 12]), Some(vec![5000, 700]));
        assert_eq!(schedstat(text, &[1]), None);
        let stat = [(0, CpuTime::default()), (3, CpuTime { busy: 2, ..CpuTime::default() })];
        assert_eq!(CpuUse::Stat.read(&[3], Some(&stat)), Some(vec![in_ns(2)]));
        assert_eq!(CpuUse::Stat.read(&[3], None), None);
    }

    #[test]
    fn cpu_time_of_this_machine_grows() {
        let counter = CpuUse::open();
        let read = || {
            let stat: Vec<_> = cpu_times(&std::fs::read_to_string("/proc/stat").unwrap()).collect();
            let cpus: Vec<usize> = stat.iter().map(|(cpu, _)| *cpu).collect();
            counter.read(&cpus, Some(&stat)).unwrap().iter().sum::<u64>()
        };
        let before = read();
        while read() < before + 10_000_000 {
            std::hint::black_box(before);
        }
    }
}
