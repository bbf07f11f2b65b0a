//! Starts children pinned to their CPUs, and so that the kernel ends them with the harness.

use super::affinity;
use bench_core::record::cpus::CpuList;
use contract::child::{Child, Keeper};
use contract::fault::{Fault, Peer};
use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::unistd::{Pid, getppid};
use serde::de::DeserializeOwned;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// Starts a child, whose program and arguments are `program`, in `dir` on these CPUs. Call it
/// from the main thread: the kernel ends the child with the thread that forked.
///
/// # Errors
/// [`Fault::Start`] when it cannot be started or kept.
pub fn start<'k, L: DeserializeOwned + Send + 'static>(
    peer: Peer,
    (program, dir): (&[String], &Path),
    cpus: Option<&CpuList>,
    keeper: &'k dyn Keeper,
) -> Result<Child<'k, L>, Fault> {
    let mut command = Command::new(&program[0]);
    command.args(&program[1..]).current_dir(dir);
    bind(&mut command, cpus.cloned());
    Child::spawn(peer, command, keeper)
}

/// Pins a program that is about to be started to these CPUs, and has the kernel end it when
/// the harness ends in any way. [`crate::host::guard::Guard`] ends what the program starts.
fn bind(command: &mut Command, cpus: Option<CpuList>) {
    let harness = nix::unistd::getpid();
    let prepare = move || {
        end_with(harness)?;
        if let Some(cpus) = &cpus {
            affinity::apply(cpus)?;
        }
        Ok(())
    };
    // SAFETY: between fork and exec only system calls are made; nothing allocates or takes
    // a lock.
    unsafe { command.pre_exec(prepare) };
}

/// Has the kernel end a program that is about to be started when the harness ends in any
/// way. It stays in the harness's process group, so that a Ctrl-C at the terminal reaches
/// it.
pub fn end_with_harness(command: &mut Command) {
    let harness = nix::unistd::getpid();
    // SAFETY: as above.
    unsafe { command.pre_exec(move || end_with(harness)) };
}

/// Has the kernel end this process with its parent, the harness.
fn end_with(harness: Pid) -> std::io::Result<()> {
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    // The harness may have ended before that.
    if getppid() == harness { Ok(()) } else { Err(Errno::ESRCH.into()) }
}
