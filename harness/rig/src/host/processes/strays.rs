//! Processes that a child left behind outside of its process group (a daemon has a session of
//! its own). They are found by a variable in their environment, which children inherit, as
//! Jenkins finds what its jobs have left behind (`ProcessTreeKiller`).

use crate::host::processes::children;
use nix::sys::signal::{Signal, kill};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::{Pid, getpgid};
use procfs::process::Process;
use std::collections::BTreeSet;
use std::path::Path;
use std::time::Duration;

/// The variable that every child gets; its value is the private directory of the meters,
/// which no other harness has.
pub const MARK: &str = "TICK_BENCH_ROOM";

/// Scans at most: a process that is being ended may be starting others.
const SCANS: usize = 100;
const BETWEEN_SCANS: Duration = Duration::from_millis(2);
/// Scans without a process that end the search. One is not enough: amid execve(2), a process
/// has no environment yet (`environ_read` in fs/proc/base.c).
const LAST_SCANS: usize = 2;

/// Ends all processes that have the mark of this directory, and returns their number; those in
/// `dying` groups, which were killed just before, are not counted.
pub fn end(room: &Path, dying: &BTreeSet<Pid>) -> usize {
    let mark = format!("{MARK}={}", room.display());
    let mut ended = BTreeSet::new();
    let mut scans_without = 0;
    for _ in 0..SCANS {
        let found = marked(mark.as_bytes());
        scans_without = if found.is_empty() { scans_without + 1 } else { 0 };
        if scans_without == LAST_SCANS {
            break;
        }
        for pid in found {
            let pid = Pid::from_raw(pid);
            let is_dying = getpgid(Some(pid)).is_ok_and(|group| dying.contains(&group));
            // Its number cannot have been reused in this short time: the kernel goes through
            // all others first.
            let was_there = kill(pid, Signal::SIGKILL).is_ok();
            if was_there && !is_dying {
                ended.insert(pid);
            }
        }
        std::thread::sleep(BETWEEN_SCANS);
    }
    ended.len()
}

/// Waits for all children of this process that have ended, except one.
pub fn reap(except: u32) {
    let own = Process::myself().map(|own| children::of(&own)).unwrap_or_default();
    for child in own.into_iter().filter(|&child| child != except.cast_signed()) {
        // One that still ends is reaped in a later round.
        let _ = waitpid(Pid::from_raw(child), Some(WaitPidFlag::WNOHANG));
    }
}

/// Live processes with this variable in their environment. One that has ended has no
/// environment (proc_pid_environ(5)), and that of other users' processes cannot be read.
fn marked(mark: &[u8]) -> Vec<i32> {
    let own = std::process::id() as i32;
    let carries = |pid: i32| {
        let environment = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environment.split(|&byte| byte == 0).any(|variable| variable == mark)
    };
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter(|&pid| pid != own && carries(pid)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::process::CommandExt;
    use std::process::{Command, Stdio};

    fn sleep(room: &Path) -> std::process::Child {
        let mut command = Command::new("sleep");
        command.arg("600").env(MARK, room).stdin(Stdio::null()).process_group(0);
        command.spawn().unwrap()
    }

    #[test]
    fn only_processes_with_the_mark_are_ended() {
        let (room, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let none = BTreeSet::new();
        assert_eq!(end(room.path(), &none), 0);
        let (mut own, mut others) = (sleep(room.path()), sleep(other.path()));
        assert_eq!(end(room.path(), &none), 1);
        assert!(!own.wait().unwrap().success());
        assert!(others.try_wait().unwrap().is_none());
        // In a group that was killed just before: ended, and not counted.
        let group = BTreeSet::from([Pid::from_raw(others.id() as i32)]);
        assert_eq!(end(other.path(), &group), 0);
        assert!(!others.wait().unwrap().success());
    }
}
