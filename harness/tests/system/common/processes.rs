//! Finds processes: descendants of a process, and those that are left behind.

use std::path::{Path, PathBuf};
use std::process::Child;
use std::time::{Duration, Instant};

/// A process that does not outlive a test that fails.
pub struct EndedWhenDropped(pub Child);

impl Drop for EndedWhenDropped {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Repeats `check` until it finds something; `None` after `limit`.
pub fn wait_for<T>(limit: Duration, mut check: impl FnMut() -> Option<T>) -> Option<T> {
    let until = Instant::now() + limit;
    while Instant::now() < until {
        if let Some(found) = check() {
            return Some(found);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    None
}

/// Process ids of all descendants of `parent`.
pub fn below(parent: u32) -> Vec<i32> {
    let all: Vec<(i32, i32)> = procfs::process::all_processes()
        .unwrap()
        .filter_map(|p| p.ok()?.stat().ok())
        .map(|stat| (stat.pid, stat.ppid))
        .collect();
    let mut found = vec![parent as i32];
    let mut next = 0;
    while next < found.len() {
        let parent = found[next];
        found.extend(all.iter().filter(|(_, ppid)| *ppid == parent).map(|(pid, _)| *pid));
        next += 1;
    }
    found.split_off(1)
}

/// Whether all of them end within a minute.
pub fn all_gone(pids: &[i32]) -> bool {
    let gone = || {
        let alive = |pid: &i32| {
            procfs::process::Process::new(*pid)
                .and_then(|p| p.stat())
                .is_ok_and(|stat| stat.state != 'Z')
        };
        (!pids.iter().any(alive)).then_some(())
    };
    wait_for(Duration::from_secs(60), gone).is_some()
}

/// Waits until server, client and guard run, and returns the harness's descendants.
pub fn children(harness: &Child) -> Vec<i32> {
    wait_for(Duration::from_secs(120), || {
        let pids = below(harness.id());
        (pids.len() >= 3).then_some(pids)
    })
    .expect("a round under way")
}

/// The private directories that a harness's guards have created and not removed.
pub fn rooms_of(harness: u32) -> Vec<PathBuf> {
    let all = std::fs::read_dir("/dev/shm").into_iter().flatten().flatten();
    let own = format!("tick-bench-{harness}-");
    all.map(|entry| entry.path())
        .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with(&own))
        .collect()
}

/// A variable that a test's harness and all that it starts have in their environment. It finds
/// each of them, whatever its parent and process group.
pub const MARK: &str = "TICK_BENCH_TEST_ROOM";

/// Processes that have this variable with this value, zombies left out.
pub fn marked(name: &str, value: &Path) -> Vec<i32> {
    let mark = format!("{name}={}", value.display());
    let all = procfs::process::all_processes().unwrap().flatten();
    let carries = |process: &procfs::process::Process| {
        let variables = std::fs::read(format!("/proc/{}/environ", process.pid)).unwrap_or_default();
        variables.split(|&byte| byte == 0).any(|variable| variable == mark.as_bytes())
    };
    all.filter(carries).map(|process| process.pid).collect()
}
