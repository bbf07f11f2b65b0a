//! The CPUs that the calling thread may use.

use bench_core::record::cpus::{CpuList, MOST};
use nix::sched::{CpuSet, sched_getaffinity, sched_setaffinity};
use nix::unistd::Pid;

/// The CPUs that it may use: those of its affinity mask that are in its cpuset and online
/// (sched_getaffinity(2)).
///
/// # Errors
/// When the kernel does not report them.
pub fn allowed() -> nix::Result<CpuList> {
    let set = sched_getaffinity(Pid::from_raw(0))?;
    Ok((0..CpuSet::count().min(MOST)).filter(|&cpu| set.is_set(cpu) == Ok(true)).collect())
}

/// Restricts it, and what it spawns, to these CPUs. Allocates nothing: safe between fork and exec.
///
/// # Errors
/// When none of them may be used.
pub fn apply(cpus: &CpuList) -> nix::Result<()> {
    let mut set = CpuSet::new();
    for cpu in cpus.iter() {
        set.set(cpu)?;
    }
    sched_setaffinity(Pid::from_raw(0), &set)
}
