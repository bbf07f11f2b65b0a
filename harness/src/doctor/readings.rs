//! What a machine reports about itself. Nothing is judged here.

use bench_core::record::counters::Availability;
use bench_core::record::cpus::CpuList;
use bench_core::record::jitter::Jitter;
use bench_core::record::machine::Virtualisation;
use bench_core::record::placement::Placement;
use bench_core::record::snapshot::Method;
use serde::Serialize;
use std::collections::BTreeMap;

/// What a machine reports about itself; `None`: it cannot be read.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Readings {
    /// CPUs that this process may use.
    pub allowed: Option<CpuList>,
    /// Which CPUs server, client and harness would run on, and why.
    pub placement: Option<Placement>,
    /// The frequency governors of these CPUs, each once.
    pub governors: Option<Vec<String>>,
    /// Whether turbo frequencies are allowed.
    pub turbo: Option<bool>,
    /// The hardware threads of each of their cores.
    pub cores: Option<Vec<CpuList>>,
    /// CPUs that are isolated from the scheduler.
    pub isolated: Option<CpuList>,
    /// CPUs without a timer tick.
    pub tickless: Option<CpuList>,
    /// CPU time that the control group grants, in CPUs.
    pub quota_cpus: Option<Limit<f64>>,
    /// The pauses of each CPU over a second in which a loop spun on it.
    pub jitter: Option<Vec<Jitter>>,
    /// What ran while nothing was measured.
    pub activity: Option<Activity>,
    /// Load average over one minute.
    pub load: Option<f32>,
    /// Whether irqbalance runs.
    pub irqbalance: Option<bool>,
    /// Size of the swap, in bytes.
    pub swap_bytes: Option<u64>,
    /// Swap in use, in bytes.
    pub swap_used_bytes: Option<u64>,
    /// `vm.swappiness`.
    pub swappiness: Option<u32>,
    /// The mode of transparent huge pages.
    pub huge_pages: Option<String>,
    /// Free shared memory, in bytes; 0: there is no /dev/shm.
    pub shared_memory_bytes: Option<u64>,
    /// Memory that may be locked, in bytes.
    pub memlock_bytes: Option<Limit<u64>>,
    /// Files that may be open.
    pub open_files: Option<Limit<u64>>,
    /// Whether `io_uring` may be used.
    pub io_uring: Option<IoUring>,
    /// Default TCP congestion control.
    pub congestion: Option<String>,
    /// Whether connections can be given the one that workloads ask for.
    pub workloads_congestion: Option<Settable>,
    /// The largest `SO_RCVBUF`, in bytes.
    pub receive_buffer_bytes: Option<u64>,
    /// The largest `SO_SNDBUF`, in bytes.
    pub send_buffer_bytes: Option<u64>,
    /// The limit of autotuned receive buffers, in bytes.
    pub receive_autotuning_bytes: Option<u64>,
    /// The limit of autotuned send buffers, in bytes.
    pub send_autotuning_bytes: Option<u64>,
    /// How the kernel's socket queues can be read.
    pub queues_by: Option<Method>,
    /// Whether it is a virtual machine, and of which hypervisor.
    pub virtualisation: Option<Virtualisation>,
    /// Which counters of clients are available.
    pub counters: Option<Availability>,
    /// Vendor and product, from the firmware.
    pub product: Option<String>,
    /// The kernel's clock source.
    pub clocksource: Option<String>,
    /// The clock sources that it could use.
    pub clocksources: Option<Vec<String>>,
    /// Vulnerabilities of the CPU that the kernel mitigates.
    pub mitigated: Option<Vec<String>>,
    /// Defaults of the kernel and the processor that move results, as campaigns record them;
    /// `None`: not readable.
    pub kernel_settings: BTreeMap<String, Option<String>>,
}

/// Whether this process may use a setting.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Settable {
    /// It may.
    Yes,
    /// The kernel refuses it, for this reason.
    Refused(String),
}

/// A limit, if there is one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Limit<T> {
    /// This value at most.
    Most(T),
    /// No limit.
    Unlimited,
}

/// The kernel's answer to a request for an `io_uring`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum IoUring {
    /// Rings can be created.
    Available,
    /// The kernel refuses to create one.
    Forbidden,
    /// A seccomp filter refuses to, and nothing else.
    Filtered,
    /// The kernel does not have it.
    Absent,
}

/// What ran during half a second.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Activity {
    /// CPU time used on the CPUs of server and client, in CPUs.
    pub others_cpus: f64,
    /// The number of those CPUs.
    pub cpus: usize,
    /// Share of these CPUs' time that the hypervisor took.
    pub stolen_share: f64,
    /// The processes that used most CPU time, on any CPU.
    pub busiest: Vec<Task>,
    /// Whether those of other users are hidden.
    pub are_others_hidden: bool,
}

/// A process and its CPU time.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Task {
    /// The name of its command.
    pub name: String,
    /// Its process id.
    pub pid: i32,
    /// CPU time, in CPUs.
    pub cpus: f64,
}
