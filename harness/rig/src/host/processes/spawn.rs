//! Starts children pinned to their CPUs, and so that the kernel ends them with the harness.

use super::environment;
use crate::host::affinity;
use bench_core::record::cpus::CpuList;
use contract::child::{Child, Keeper};
use contract::fault::{Fault, Peer};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, FdFlag, fcntl};
use nix::sys::prctl;
use nix::sys::signal::Signal;
use nix::unistd::{Pid, getppid};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::net::TcpListener;
use std::os::fd::{AsRawFd, BorrowedFd, RawFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Command;

/// A program of a manifest.
#[derive(Debug, Clone, Copy)]
pub struct Program<'a> {
    /// The program and its arguments.
    pub argv: &'a [String],
    /// Its working directory.
    pub dir: &'a Path,
    /// The variables that its manifest sets.
    pub env: &'a BTreeMap<String, String>,
}

/// How it is started.
#[derive(Debug, Clone, Copy, Default)]
pub struct Launch<'a> {
    /// The CPUs that it may use; `None`: those of the harness.
    pub cpus: Option<&'a CpuList>,
    /// A socket that it inherits, under the same number.
    pub socket: Option<&'a TcpListener>,
    /// By how much its environment is lengthened.
    pub padding_bytes: u32,
}

/// Starts a child; `keeper` decides what else is in its environment. Call it from the main
/// thread: the kernel ends the child with the thread that forked.
///
/// # Errors
/// [`Fault::Start`] when it cannot be started or kept.
pub fn start<'k, L: DeserializeOwned + Send + 'static>(
    peer: Peer,
    program: Program<'_>,
    launch: Launch<'_>,
    keeper: &'k dyn Keeper,
) -> Result<Child<'k, L>, Fault> {
    let mut command = Command::new(&program.argv[0]);
    command.args(&program.argv[1..]).current_dir(program.dir).envs(program.env);
    command.env(environment::PADDING, environment::padding(launch.padding_bytes));
    bind(&mut command, launch.cpus.cloned());
    if let Some(socket) = launch.socket {
        inherit(&mut command, socket.as_raw_fd());
    }
    Child::spawn(peer, command, keeper)
}

/// Has a program that is about to be started inherit a descriptor, under the same number.
fn inherit(command: &mut Command, descriptor: RawFd) {
    let prepare = move || {
        // SAFETY: the caller keeps it open until the program has been started.
        let descriptor = unsafe { BorrowedFd::borrow_raw(descriptor) };
        fcntl(descriptor, FcntlArg::F_SETFD(FdFlag::empty()))?;
        Ok(())
    };
    // SAFETY: between fork and exec only a system call is made.
    unsafe { command.pre_exec(prepare) };
}

/// Pins a program that is about to be started to these CPUs, and has the kernel end it when
/// the harness ends in any way. [`crate::host::processes::guard::Guard`] ends what the program starts.
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
