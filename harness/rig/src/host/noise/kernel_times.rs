//! The CPU times that the kernel reports for each CPU (proc_stat(5)).

/// The time of one CPU since boot, in clock ticks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct CpuTime {
    /// Used by processes. Without interrupts: they are the cost of a round's own packets.
    pub busy: u64,
    /// Given to other guests by the hypervisor.
    pub stolen: u64,
    /// Spent in interrupts.
    pub interrupts: u64,
}

/// The time of each CPU by its number: those that are offline have no line.
pub(super) fn cpu_times(stat: &str) -> impl Iterator<Item = (usize, CpuTime)> + '_ {
    stat.lines().take_while(|line| line.starts_with("cpu")).filter_map(|line| {
        let mut parts = line.strip_prefix("cpu")?.split_ascii_whitespace();
        // The line of all CPUs has no number.
        let cpu = parts.next().filter(|_| !line.starts_with("cpu "))?.parse().ok()?;
        let times: Vec<u64> = parts.map_while(|time| time.parse().ok()).collect();
        let at = |index: usize| times.get(index).copied().unwrap_or(0);
        let (busy, interrupts) = (at(0) + at(1) + at(2), at(5) + at(6));
        Some((cpu, CpuTime { busy, stolen: at(7), interrupts }))
    })
}

/// Clock ticks in ns.
pub(super) fn in_ns(ticks: u64) -> u64 {
    ticks * (1_000_000_000 / procfs::ticks_per_second().max(1))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// CPU 1 is offline, and CPU 3 is busy.
    pub const STAT: &str = "cpu  400 0 100 900 0 0 0 30 0 0
cpu0 100 10 30 300 5 6 7 20 0 0
cpu2 0 0 0 400 0 0 0 10 0 0
cpu3 300 0 70 100 0 0 0 0 0 0
intr 5 0
ctxt 7
";

    #[test]
    fn times_belong_to_the_cpu_of_their_number_where_numbers_have_holes() {
        let times: Vec<(usize, CpuTime)> = cpu_times(STAT).collect();
        let time = |busy, stolen, interrupts| CpuTime { busy, stolen, interrupts };
        assert_eq!(times, [(0, time(140, 20, 13)), (2, time(0, 10, 0)), (3, time(370, 0, 0))]);
    }
}
