//! An executor on a CPU that this process may use, or why there can be none.

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
        Ok(Err(error)) => Err(no_ring(&error.to_string())),
        Err(_) => Err(no_ring("glommio panicked")),
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

/// Names the usual hindrance where there is one.
fn no_ring(error: &str) -> String {
    let setting = std::fs::read_to_string("/proc/sys/kernel/io_uring_disabled");
    let hindrance = match setting.as_deref().map(str::trim) {
        Ok("2") => "io_uring is switched off: sysctl -w kernel.io_uring_disabled=0".to_owned(),
        Ok("1") => "io_uring is for privileged users only: sysctl -w kernel.io_uring_disabled=0 \
                    or run as a member of kernel.io_uring_group"
            .to_owned(),
        _ => "io_uring cannot be used: it needs Linux 5.8 or newer, and a container runtime whose \
              seccomp filter allows io_uring_setup"
            .to_owned(),
    };
    format!("{hindrance} ({error})")
}
