//! How long the threads of a client waited for a CPU though they could have run.

use crate::host::processes::process::Gauge;
use std::cell::Cell;
use std::fs::File;
use std::os::unix::fs::FileExt;

/// Up to this number of threads are read at every snapshot, …
const AT_EVERY_SNAPSHOT: usize = 16;
/// … and up to this number at full ones: a reading of one takes more than a microsecond.
const AT_FULL_SNAPSHOTS: usize = 64;

/// The threads of a client, as they were when it was opened.
#[derive(Debug, Default)]
pub struct RunDelay {
    threads: Vec<Thread>,
}

#[derive(Debug)]
struct Thread {
    schedstat: File,
    /// Its last value: it may end before the others.
    waited_ns: Cell<u64>,
}

impl RunDelay {
    /// Of all threads of these processes; of none if there are too many.
    #[must_use]
    pub fn open(clients: &[Gauge]) -> Self {
        let all = clients.iter().flat_map(Gauge::schedstats).take(AT_FULL_SNAPSHOTS + 1);
        let files = Some(all.collect::<Vec<_>>()).filter(|all| all.len() <= AT_FULL_SNAPSHOTS);
        let files = files.into_iter().flatten();
        Self {
            threads: files.map(|schedstat| Thread { schedstat, waited_ns: Cell::new(0) }).collect(),
        }
    }

    /// The time for which all of them together have waited so far, in ns; `None`: there are too
    /// many to be read at such a snapshot, or none.
    #[must_use]
    pub fn read_ns(&self, is_full: bool) -> Option<u64> {
        let most = if is_full { AT_FULL_SNAPSHOTS } else { AT_EVERY_SNAPSHOT };
        let is_read = !self.threads.is_empty() && self.threads.len() <= most;
        is_read.then(|| self.threads.iter().map(Thread::waited_ns).sum())
    }
}

impl Thread {
    /// The second number of its schedstat, in ns (scheduler/sched-stats.rst).
    fn waited_ns(&self) -> u64 {
        let mut buffer = [0; 128];
        let length = self.schedstat.read_at(&mut buffer, 0).unwrap_or(0);
        let text = std::str::from_utf8(&buffer[..length]).unwrap_or_default();
        if let Some(ns) = text.split_ascii_whitespace().nth(1).and_then(|ns| ns.parse().ok()) {
            self.waited_ns.set(ns);
        }
        self.waited_ns.get()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::affinity;
    use bench_core::record::cpus::CpuList;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[test]
    fn threads_that_share_a_cpu_wait_for_it() {
        let ended = AtomicBool::new(false);
        let one: CpuList = affinity::allowed().unwrap().iter().take(1).collect();
        std::thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    affinity::apply(&one).unwrap();
                    while !ended.load(Ordering::Relaxed) {
                        std::hint::spin_loop();
                    }
                });
            }
            let clients = [Gauge::new(nix::unistd::getpid()).unwrap()];
            let read_ns = || RunDelay::open(&clients).read_ns(true).unwrap();
            let before_ns = read_ns();
            while read_ns() < before_ns + 20_000_000 {
                std::thread::yield_now();
            }
            ended.store(true, Ordering::Relaxed);
        });
        assert_eq!(RunDelay::default().read_ns(true), None);
    }
}
