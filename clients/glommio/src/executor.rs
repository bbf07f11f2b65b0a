//! An executor on a CPU that this process may use, or why there can be none.

use client_kit::no_io_uring;
use glommio::{LocalExecutor, LocalExecutorBuilder, Placement};
use nix::sched::{CpuSet, sched_getaffinity};
use nix::sys::resource::{Resource, getrlimit};
use nix::unistd::Pid;
use std::panic::catch_unwind;

/// What glommio 0.9 asks for, in bytes (`Reactor::new` in its `sys/uring.rs`).
const MEMLOCK_BYTES: u64 = 512 << 10;

/// An executor pinned to the first CPU of this process's affinity mask.
///
/// # Errors
/// What this machine lacks, and how to mend it.
pub fn pinned() -> Result<LocalExecutor, String> {
    check_memlock()?;
    let allowed = sched_getaffinity(Pid::from_raw(0)).map_err(|e| e.to_string())?;
    let cpu = (0..CpuSet::count()).find(|&cpu| allowed.is_set(cpu).unwrap_or(false));
    let placement = Placement::Fixed(cpu.ok_or("no CPU in the affinity mask of this process")?);
    // glommio panics at some of what it lacks, instead of saying so.
    match catch_unwind(|| LocalExecutorBuilder::new(placement).make()) {
        Ok(Ok(executor)) => Ok(executor),
        Ok(Err(error)) => Err(no_io_uring(&error.to_string())),
        Err(_) => Err(no_io_uring("glommio panicked")),
    }
}

fn check_memlock() -> Result<(), String> {
    let (soft, _) = getrlimit(Resource::RLIMIT_MEMLOCK).map_err(|e| e.to_string())?;
    if soft >= MEMLOCK_BYTES {
        return Ok(());
    }
    Err(format!(
        "RLIMIT_MEMLOCK is {} KiB, glommio needs 512: raise it with `ulimit -l 512`, or in \
         /etc/security/limits.conf",
        soft >> 10
    ))
}
