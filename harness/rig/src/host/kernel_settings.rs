//! Defaults of the kernel and of the processor that move results over loopback and differ
//! between machines. METHODOLOGY says what each one does.

use std::collections::BTreeMap;
use std::path::Path;

/// Settings of `sysctl`, by their names.
const SYSCTLS: &[&str] = &[
    "kernel.nmi_watchdog",
    "kernel.numa_balancing",
    "kernel.randomize_va_space",
    "kernel.sched_autogroup_enabled",
    "kernel.sched_rt_runtime_us",
    "kernel.timer_migration",
    "kernel.version",
    "net.core.busy_poll",
    "net.core.busy_read",
    "net.core.default_qdisc",
    "net.core.netdev_budget",
    "net.core.netdev_budget_usecs",
    "net.core.netdev_max_backlog",
    "net.core.rmem_default",
    "net.core.rmem_max",
    "net.core.wmem_default",
    "net.core.wmem_max",
    "net.ipv4.tcp_adv_win_scale",
    "net.ipv4.tcp_allowed_congestion_control",
    "net.ipv4.tcp_autocorking",
    "net.ipv4.tcp_available_congestion_control",
    "net.ipv4.tcp_backlog_ack_defer",
    "net.ipv4.tcp_congestion_control",
    "net.ipv4.tcp_ecn",
    "net.ipv4.tcp_limit_output_bytes",
    "net.ipv4.tcp_mem",
    "net.ipv4.tcp_min_tso_segs",
    "net.ipv4.tcp_moderate_rcvbuf",
    "net.ipv4.tcp_no_metrics_save",
    "net.ipv4.tcp_notsent_lowat",
    "net.ipv4.tcp_pacing_ca_ratio",
    "net.ipv4.tcp_pacing_ss_ratio",
    "net.ipv4.tcp_rmem",
    "net.ipv4.tcp_shrink_window",
    "net.ipv4.tcp_slow_start_after_idle",
    "net.ipv4.tcp_timestamps",
    "net.ipv4.tcp_tso_rtt_log",
    "net.ipv4.tcp_tso_win_divisor",
    "net.ipv4.tcp_window_scaling",
    "net.ipv4.tcp_wmem",
    "vm.compaction_proactiveness",
    "vm.stat_interval",
];

/// Other settings: names, and their files.
const FILES: &[(&str, &str)] = &[
    ("cpu.boost", "sys/devices/system/cpu/cpufreq/boost"),
    ("cpu.energy_preference", "sys/devices/system/cpu/cpu0/cpufreq/energy_performance_preference"),
    ("cpu.frequency_driver", "sys/devices/system/cpu/cpu0/cpufreq/scaling_driver"),
    ("cpu.frequency_governor", "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
    ("cpu.idle_driver", "sys/devices/system/cpu/cpuidle/current_driver"),
    ("cpu.idle_governor", "sys/devices/system/cpu/cpuidle/current_governor"),
    ("cpu.no_turbo", "sys/devices/system/cpu/intel_pstate/no_turbo"),
    ("cpu.smt", "sys/devices/system/cpu/smt/control"),
    ("hugepages.defrag", "sys/kernel/mm/transparent_hugepage/defrag"),
    ("hugepages.enabled", "sys/kernel/mm/transparent_hugepage/enabled"),
    ("lo.gro_flush_timeout", "sys/class/net/lo/gro_flush_timeout"),
    ("lo.mtu", "sys/class/net/lo/mtu"),
    ("lo.rps_cpus", "sys/class/net/lo/queues/rx-0/rps_cpus"),
    ("lo.tx_queue_len", "sys/class/net/lo/tx_queue_len"),
    ("sched.base_slice_ns", "sys/kernel/debug/sched/base_slice_ns"),
    ("sched.preempt", "sys/kernel/debug/sched/preempt"),
];

/// Options of the kernel's command line that matter; others may name disks and networks.
const BOOT_OPTIONS: &[&str] = &[
    "clocksource",
    "cpufreq.default_governor",
    "idle",
    "intel_idle.max_cstate",
    "isolcpus",
    "mitigations",
    "nohz",
    "nohz_full",
    "nosmt",
    "preempt",
    "processor.max_cstate",
    "rcu_nocbs",
    "skew_tick",
    "spectre_v2",
    "threadirqs",
    "transparent_hugepage",
    "tsc",
];

/// More is no setting.
const MOST_LETTERS: usize = 300;

/// Reads all of them below `root`, which is `/` but in tests; `None`: not readable.
#[must_use]
pub fn read(root: &Path) -> BTreeMap<String, Option<String>> {
    let sysctl = |name: &&str| {
        let path = format!("proc/sys/{}", name.replace('.', "/"));
        ((*name).to_owned(), text(&root.join(path)))
    };
    let file = |(name, path): &(&str, &str)| ((*name).to_owned(), text(&root.join(path)));
    let mut settings: BTreeMap<_, _> =
        SYSCTLS.iter().map(sysctl).chain(FILES.iter().map(file)).collect();
    settings.insert("boot.options".to_owned(), boot_options(&root.join("proc/cmdline")));
    let mitigated = mitigated(&root.join("sys/devices/system/cpu/vulnerabilities"));
    settings.insert("cpu.mitigated".to_owned(), mitigated);
    settings
}

fn text(path: &Path) -> Option<String> {
    let text = std::fs::read_to_string(path).ok()?;
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    Some(line.chars().take(MOST_LETTERS).collect())
}

fn boot_options(path: &Path) -> Option<String> {
    let all = text(path)?;
    let matters = |option: &&str| {
        let name = option.split_once('=').map_or(*option, |(name, _)| name);
        BOOT_OPTIONS.contains(&name)
    };
    let found: Vec<&str> = all.split(' ').filter(matters).collect();
    Some(if found.is_empty() { "none of interest".to_owned() } else { found.join(" ") })
}

/// The vulnerabilities that the kernel mitigates, which costs time in each system call.
fn mitigated(dir: &Path) -> Option<String> {
    let files = std::fs::read_dir(dir).ok()?.flatten();
    let is_mitigated = |path: &Path| text(path).is_some_and(|line| line.contains("Mitigation"));
    let found = files.filter(|file| is_mitigated(&file.path()));
    let mut names: Vec<String> =
        found.filter_map(|file| file.file_name().into_string().ok()).collect();
    names.sort();
    Some(if names.is_empty() { "none".to_owned() } else { names.join(" ") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_and_missing_ones_are_unknown() {
        let room = tempfile::tempdir().unwrap();
        let write = |path: &str, text: &str| {
            let path = room.path().join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        write("proc/sys/net/ipv4/tcp_rmem", "4096\t131072\t6291456\n");
        write("sys/class/net/lo/mtu", "65536\n");
        write("proc/cmdline", "root=UUID=secret mitigations=off isolcpus=1 quiet\n");
        write("sys/devices/system/cpu/vulnerabilities/mds", "Not affected\n");
        write("sys/devices/system/cpu/vulnerabilities/spectre_v2", "Mitigation: Retpolines\n");
        let settings = read(room.path());
        let of = |name: &str| settings[name].as_deref();
        assert_eq!(of("net.ipv4.tcp_rmem"), Some("4096 131072 6291456"));
        assert_eq!(of("lo.mtu"), Some("65536"));
        assert_eq!(of("boot.options"), Some("mitigations=off isolcpus=1"));
        assert_eq!(of("cpu.mitigated"), Some("spectre_v2"));
        assert_eq!(of("net.core.rmem_max"), None);
        assert_eq!(settings.len(), SYSCTLS.len() + FILES.len() + 2, "each name once");
    }

    #[test]
    fn every_linux_has_some_of_them() {
        let settings = read(Path::new("/"));
        assert!(settings["net.ipv4.tcp_wmem"].is_some() && settings["lo.mtu"].is_some());
    }
}
