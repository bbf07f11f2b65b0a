//! A process under measurement: where it runs, what it uses.

use anyhow::{Context, Result};
use nix::sched::{CpuSet, sched_setaffinity};
use nix::time::{ClockId, clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;
use procfs::process::Process;

/// Pins the calling thread, and what it starts, to one CPU. Allocates nothing: safe between
/// fork and exec.
///
/// # Errors
/// When this CPU may not be used.
pub fn pin(cpu: usize) -> nix::Result<()> {
    let mut set = CpuSet::new();
    set.set(cpu)?;
    sched_setaffinity(Pid::from_raw(0), &set)
}

/// CPU time that this thread has used, user and system, in ns.
///
/// # Errors
/// When the kernel has no such clock.
pub fn own_cpu_ns() -> Result<u64> {
    cpu_ns(ClockId::CLOCK_THREAD_CPUTIME_ID)
}

/// CPU time that all threads of a process have used, user and system, in ns: more precise
/// than /proc/PID/stat, which counts in steps of 10 ms.
///
/// # Errors
/// When the process has ended.
pub fn cpu_ns_of(pid: u32) -> Result<u64> {
    let clock = clock_getcpuclockid(Pid::from_raw(i32::try_from(pid)?));
    cpu_ns(clock.context("the server has ended")?)
}

fn cpu_ns(clock: ClockId) -> Result<u64> {
    let time = clock_gettime(clock)?;
    Ok(time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64)
}

/// The memory of a process, in bytes, without that of the kernel for its sockets.
#[derive(Debug, Clone, Copy)]
pub struct Memory {
    /// Resident pages.
    pub rss_bytes: u64,
    /// The same, with its share of pages that other processes have too.
    pub pss_bytes: u64,
}

/// The memory of a process (`smaps_rollup` of proc(5)).
///
/// # Errors
/// When the process has ended.
pub fn memory_of(pid: u32) -> Result<Memory> {
    let rollup = Process::new(i32::try_from(pid)?)?.smaps_rollup()?;
    let map = rollup.memory_map_rollup.0.first().context("smaps_rollup is empty")?;
    let of = |key: &str| map.extension.map.get(key).copied();
    let (rss_bytes, pss_bytes) =
        of("Rss").zip(of("Pss")).context("smaps_rollup without Rss or Pss")?;
    Ok(Memory { rss_bytes, pss_bytes })
}
