//! Takes all readings.

use super::probes::{activity, io_uring, is_running, queues_by};
use super::readings::{Limit, Readings, Settable};
use super::sysfs::{
    chosen, cores, cpu_list, governors, last_number, mitigated, number, product, quota_cpus,
    shared_memory_bytes, text, turbo,
};
use anyhow::Result;
use bench_core::load::congestion;
use bench_core::record::cpus::CpuList;
use bench_rig::host::counters::Counters;
use bench_rig::host::noise::jitter;
use bench_rig::host::placement::choose;
use bench_rig::host::placement::topology::Topology;
use bench_rig::host::{affinity, kernel_settings, virtualisation};
use contract::listener;
use procfs::process::{LimitValue, Process};
use procfs::{Current, LoadAverage, Meminfo};
use std::path::Path;
use std::time::Duration;

/// How long each CPU is probed for pauses.
const PROBE: Duration = Duration::from_secs(1);

/// Reads everything; takes a second and a half. `server` and `client` are their CPUs in the rounds
/// to come; `None`: as the harness chooses them.
///
/// # Errors
/// When a CPU is not allowed.
pub fn take(server: Option<CpuList>, client: Option<CpuList>) -> Result<Readings> {
    let allowed = affinity::allowed().ok();
    let placement = match &allowed {
        Some(all) => Some(choose::plan(&Topology::read(Path::new("/"), all), all, server, client)?),
        None => None,
    };
    let memory = Meminfo::current().ok();
    let limits = Process::myself().and_then(|me| me.limits()).ok();
    let limit = |value: LimitValue| match value {
        LimitValue::Unlimited => Limit::Unlimited,
        LimitValue::Value(most) => Limit::Most(most),
    };
    let cpus = Path::new("/sys/devices/system/cpu");
    Ok(Readings {
        governors: allowed.as_ref().and_then(|all| governors(cpus, all)),
        turbo: turbo(cpus),
        cores: allowed.as_ref().and_then(|all| cores(cpus, all)),
        isolated: cpu_list(&cpus.join("isolated")),
        tickless: cpu_list(&cpus.join("nohz_full")),
        quota_cpus: quota_cpus(),
        jitter: allowed.as_ref().map(|all| jitter::probe(all, PROBE)),
        activity: placement.as_ref().and_then(activity),
        load: LoadAverage::current().ok().map(|load| load.one),
        irqbalance: is_running("irqbalance"),
        swap_bytes: memory.as_ref().map(|m| m.swap_total),
        swap_used_bytes: memory.map(|m| m.swap_total.saturating_sub(m.swap_free)),
        swappiness: number("/proc/sys/vm/swappiness"),
        huge_pages: text("/sys/kernel/mm/transparent_hugepage/enabled").as_deref().and_then(chosen),
        shared_memory_bytes: shared_memory_bytes(),
        memlock_bytes: limits.as_ref().map(|all| limit(all.max_locked_memory.soft_limit)),
        open_files: limits.map(|all| limit(all.max_open_files.soft_limit)),
        io_uring: io_uring(),
        congestion: text("/proc/sys/net/ipv4/tcp_congestion_control"),
        workloads_congestion: Some(match listener::check(congestion::DEFAULT) {
            Ok(()) => Settable::Yes,
            Err(error) => Settable::Refused(error.to_string()),
        }),
        receive_buffer_bytes: number("/proc/sys/net/core/rmem_max"),
        send_buffer_bytes: number("/proc/sys/net/core/wmem_max"),
        receive_autotuning_bytes: last_number("/proc/sys/net/ipv4/tcp_rmem"),
        send_autotuning_bytes: last_number("/proc/sys/net/ipv4/tcp_wmem"),
        queues_by: queues_by(),
        virtualisation: virtualisation::detect(Path::new("/")),
        counters: Some(Counters::open().availability()),
        product: product(),
        clocksource: text("/sys/devices/system/clocksource/clocksource0/current_clocksource"),
        clocksources: text("/sys/devices/system/clocksource/clocksource0/available_clocksource")
            .map(|all| all.split_whitespace().map(str::to_owned).collect()),
        mitigated: mitigated(&cpus.join("vulnerabilities")),
        kernel_settings: kernel_settings::read(Path::new("/")),
        allowed,
        placement,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn readings_of_this_machine_are_plausible() {
        let readings = take(None, None).unwrap();
        let allowed = readings.allowed.unwrap();
        assert!(allowed.count() > 0);
        let activity = readings.activity.unwrap();
        assert!((0.0..=1.01).contains(&activity.stolen_share), "{activity:?}");
        assert!(readings.swap_used_bytes.unwrap() <= readings.swap_bytes.unwrap());
        assert!(readings.counters.is_some());
        assert!(readings.open_files.is_some() && readings.memlock_bytes.is_some());
        for core in readings.cores.into_iter().flatten() {
            assert!(core.overlaps(&allowed), "{core}");
        }
    }
}
