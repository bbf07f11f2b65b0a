//! An executor on a CPU that this process may use, or why there can be none.

use client_kit::IoUringUnavailable;
use glommio::{LocalExecutor, LocalExecutorBuilder, Placement};
use nix::errno::Errno;
use nix::sched::{CpuSet, sched_getaffinity};
use nix::sys::resource::{Resource, getrlimit};
use nix::unistd::Pid;
use std::panic::catch_unwind;

/// What glommio 0.9 asks for, in bytes (`Reactor::new` in its `sys/uring.rs`).
const MEMLOCK_BYTES: u64 = 512 << 10;

/// What this machine lacks, and what to do about it.
#[derive(Debug, thiserror::Error)]
pub enum NoExecutor {
    /// The limit of locked memory is too low.
    #[error(
        "RLIMIT_MEMLOCK is {} KiB, glommio needs {}: raise it with `ulimit -l {}`, or in \
         /etc/security/limits.conf",
        .soft_bytes >> 10, MEMLOCK_BYTES >> 10, MEMLOCK_BYTES >> 10
    )]
    LockedMemory {
        /// The limit in force.
        soft_bytes: u64,
    },
    /// The affinity mask names no CPU.
    #[error("no CPU in the affinity mask of this process")]
    NoCpu,
    /// A system call failed.
    #[error(transparent)]
    System(#[from] Errno),
    /// glommio got no ring.
    #[error(transparent)]
    Ring(#[from] IoUringUnavailable),
}

/// An executor pinned to the first CPU of this process's affinity mask.
///
/// # Errors
/// What this machine lacks.
pub fn pinned() -> Result<LocalExecutor, NoExecutor> {
    let (soft_bytes, _) = getrlimit(Resource::RLIMIT_MEMLOCK)?;
    check_memlock(soft_bytes)?;
    let allowed = sched_getaffinity(Pid::from_raw(0))?;
    let cpu = (0..CpuSet::count()).find(|&cpu| allowed.is_set(cpu).unwrap_or(false));
    let placement = Placement::Fixed(cpu.ok_or(NoExecutor::NoCpu)?);
    // glommio panics in some of these cases, instead of returning an error.
    match catch_unwind(|| LocalExecutorBuilder::new(placement).make()) {
        Ok(Ok(executor)) => Ok(executor),
        Ok(Err(error)) => Err(IoUringUnavailable::new(&error).into()),
        Err(_) => Err(IoUringUnavailable::new("glommio panicked").into()),
    }
}

fn check_memlock(soft_bytes: u64) -> Result<(), NoExecutor> {
    match soft_bytes >= MEMLOCK_BYTES {
        true => Ok(()),
        false => Err(NoExecutor::LockedMemory { soft_bytes }),
    }
}
