//! Processes as tests see them: who is below whom, and who is left.

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

/// What `check` finds, as soon as it finds it.
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

/// Processes below `parent`, by their ids: children and theirs.
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

/// Whether all of them end.
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

/// Waits until server, client and guard are there.
pub fn children(harness: &Child) -> Vec<i32> {
    wait_for(Duration::from_secs(120), || {
        let pids = below(harness.id());
        (pids.len() >= 3).then_some(pids)
    })
    .expect("a round under way")
}

/// The private folders that a harness's guards have made and not removed.
pub fn rooms_of(harness: u32) -> Vec<PathBuf> {
    let all = std::fs::read_dir("/dev/shm").into_iter().flatten().flatten();
    let own = format!("tick-bench-{harness}-");
    all.map(|entry| entry.path())
        .filter(|path| path.file_name().unwrap().to_string_lossy().starts_with(&own))
        .collect()
}

/// A variable that a test's harness and all that it starts have in their environment:
/// so none of them escapes a look, whatever it does with its parents and groups.
pub const MARK: &str = "TICK_BENCH_TEST_ROOM";

/// Processes that have this variable with this value, zombies left out.
pub fn marked(name: &str, value: &Path) -> Vec<i32> {
    let mark = format!("{name}={}", value.display());
    let all = procfs::process::all_processes().unwrap().flatten();
    let carries = |process: &procfs::process::Process| {
        let words = std::fs::read(format!("/proc/{}/environ", process.pid)).unwrap_or_default();
        words.split(|&byte| byte == 0).any(|word| word == mark.as_bytes())
    };
    all.filter(carries).map(|process| process.pid).collect()
}
