//! Counters of the machine at one instant, from outside of the round's processes: plain data.

/// CPU times since they began to be counted, at one instant, in ns.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Signals {
    /// The instant, in ns of the monotonic clock.
    pub at_ns: u64,
    /// CPU time used on each CPU that the round uses, by whatever process, in the order of
    /// their numbers; `None` where it was not read.
    pub busy_ns: Option<Vec<u64>>,
    /// CPU time of the server.
    pub server_ns: u64,
    /// CPU time of the client, over all of its processes.
    pub client_ns: u64,
    /// CPU time of the harness; 0 where it runs on other CPUs.
    pub harness_ns: u64,
    /// Time for which the client's threads together waited for a CPU though they could have run:
    /// behind each other, or behind others; `None` where it was not read, as before the window.
    pub client_waited_ns: Option<u64>,
    /// For how long the machine has been suspended so far: the monotonic clock, and so every
    /// other instant of a round, leaves that out.
    pub suspended_ns: u64,
    /// What else the kernel counts; `None` where it was not read.
    pub kernel: Option<KernelTimes>,
}

/// Times that no process used.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KernelTimes {
    /// Given to other guests by the hypervisor, on each CPU that the round uses.
    pub stolen_ns: Vec<u64>,
    /// Spent in interrupts, on each of them.
    pub interrupts_ns: Vec<u64>,
    /// Waited by the control groups of the round, as their quota was used up.
    pub throttled_ns: u64,
}
