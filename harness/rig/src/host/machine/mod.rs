//! The properties of the machine that affect the numbers.

pub mod checkout;
mod processor;

use super::kernel_settings;
use super::virtualisation;
use bench_core::record::machine::Machine;
use nix::sys::utsname::uname;
use procfs::{Current, CurrentSI, LoadAverage, Meminfo};
use std::path::Path;

/// Reads them; what cannot be read is absent.
#[must_use]
pub fn read(cpus_allowed: String) -> Machine {
    let name = uname().ok();
    let text = |os: &std::ffi::OsStr| os.to_string_lossy().into_owned();
    let cpu = procfs::CpuInfo::current().ok();
    Machine {
        host: host(),
        kernel: name.as_ref().map_or(String::new(), |n| text(n.release())),
        architecture: name.as_ref().map_or(String::new(), |n| text(n.machine())),
        cpu_model: processor::name(Path::new("/")),
        cpu_flags: cpu
            .as_ref()
            .and_then(|c| c.flags(0))
            .map_or(Vec::new(), |flags| flags.into_iter().map(str::to_owned).collect()),
        cpus_allowed,
        cpus_online: cpu.as_ref().map_or(0, procfs::CpuInfo::num_cores),
        memory_bytes: Meminfo::current().ok().map(|m| m.mem_total),
        governor: setting("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
        congestion_control: default_congestion(),
        tcp_rmem_bytes: setting("/proc/sys/net/ipv4/tcp_rmem"),
        tcp_wmem_bytes: setting("/proc/sys/net/ipv4/tcp_wmem"),
        clocksource: setting("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
        kernel_settings: kernel_settings::read(Path::new("/")),
        load_before: LoadAverage::current().ok().map(|load| load.one),
        virtualisation: virtualisation::detect(Path::new("/")),
    }
}

/// The congestion control of connections for which none is set.
#[must_use]
pub fn default_congestion() -> Option<String> {
    setting("/proc/sys/net/ipv4/tcp_congestion_control")
}

/// The host name without its domain, in characters that are safe in the name of a directory.
#[must_use]
pub fn host() -> String {
    let name = nix::unistd::gethostname().unwrap_or_default();
    let name = name.to_string_lossy();
    let simple = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '-' };
    match name.split('.').next() {
        Some(short) if !short.is_empty() => short.chars().map(simple).collect(),
        _ => "unnamed".into(),
    }
}

/// CPU time of the whole machine since boot, and how much of it the hypervisor gave to others.
#[derive(Debug, Clone, Copy, Default)]
pub struct CpuTime {
    all: u64,
    stolen: u64,
}

impl CpuTime {
    /// The time from boot until now; zero if it cannot be read.
    #[must_use]
    pub fn now() -> Self {
        let Ok(stat) = procfs::KernelStats::current() else { return Self::default() };
        let t = stat.total;
        let stolen = t.steal.unwrap_or(0);
        let waited = t.iowait.unwrap_or(0) + t.irq.unwrap_or(0) + t.softirq.unwrap_or(0);
        Self { all: t.user + t.nice + t.system + t.idle + waited + stolen, stolen }
    }

    /// The share of all CPU time since `earlier` that was stolen.
    #[must_use]
    pub fn stolen_since(self, earlier: Self) -> f64 {
        let all = self.all.saturating_sub(earlier.all);
        self.stolen.saturating_sub(earlier.stolen) as f64 / all.max(1) as f64
    }
}

fn setting(path: &str) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    Some(text.split_whitespace().collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_properties_of_this_machine_are_read() {
        let machine = read("0".into());
        assert!(!machine.kernel.is_empty() && machine.cpus_online > 0);
        assert!(machine.memory_bytes.unwrap() > 1 << 20);
        assert!(machine.tcp_rmem_bytes.unwrap().split(' ').count() == 3);
        assert!(!machine.host.contains(['/', '.', ' ']));
    }

    #[test]
    fn stolen_time_is_a_share_of_all_cpu_time() {
        let earlier = CpuTime { all: 1000, stolen: 10 };
        let later = CpuTime { all: 1200, stolen: 60 };
        assert!((later.stolen_since(earlier) - 0.25).abs() < 1e-9);
        assert_eq!(earlier.stolen_since(earlier), 0.0);
    }
}
