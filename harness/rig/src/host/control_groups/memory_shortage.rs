//! Whether the kernel ended processes as memory ran out.

use super::dirs_of;
use contract::fault::{ExitStatus, Fault, Peer};
use std::fs;
use std::path::{Path, PathBuf};

/// Counts of processes that were ended by the kernel's OOM killer.
#[derive(Debug)]
pub struct Shortage {
    /// In the control groups of this process, and so of its children: `oom_kill` of
    /// `memory.events` (version 2) or of `memory.oom_control` (version 1).
    groups: Vec<PathBuf>,
    of_groups: u64,
    /// On the whole machine: `oom_kill` of /proc/vmstat.
    of_machine: u64,
}

impl Shortage {
    /// Reads the counts.
    #[must_use]
    pub fn open() -> Self {
        let dirs = dirs_of(Path::new("/"), "memory");
        let groups: Vec<PathBuf> = dirs.iter().map(|dir| file_of(dir)).collect();
        Self { of_groups: total(&groups), of_machine: of_machine(), groups }
    }

    /// Which child was ended by the kernel as memory ran out, if that is why it failed.
    #[must_use]
    pub fn explains(&self, fault: &Fault) -> Option<Peer> {
        let in_groups = total(&self.groups) > self.of_groups;
        shortage(fault, in_groups, of_machine() > self.of_machine)
    }
}

/// A process that was killed may have been the victim of any group; whatever else happened to a
/// child, a process of its own group was (the helper of a browser, say).
fn shortage(fault: &Fault, in_groups: bool, on_machine: bool) -> Option<Peer> {
    match fault {
        Fault::Ended { peer, status: ExitStatus::Signal(signal), .. } if signal == "SIGKILL" => {
            (in_groups || on_machine).then_some(*peer)
        }
        Fault::Ended { peer, .. } | Fault::Late { peer, .. } => in_groups.then_some(*peer),
        Fault::Start { .. } | Fault::Line { .. } | Fault::Order { .. } => None,
    }
}

fn file_of(dir: &Path) -> PathBuf {
    let events = dir.join("memory.events");
    if events.exists() { events } else { dir.join("memory.oom_control") }
}

fn total(files: &[PathBuf]) -> u64 {
    files.iter().map(|file| count(&fs::read_to_string(file).unwrap_or_default())).sum()
}

fn of_machine() -> u64 {
    count(&fs::read_to_string("/proc/vmstat").unwrap_or_default())
}

/// The value of the line `oom_kill VALUE`.
fn count(text: &str) -> u64 {
    let value = text.lines().find_map(|line| line.strip_prefix("oom_kill "));
    value.and_then(|value| value.trim().parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use contract::fault::Awaited;

    #[test]
    fn a_child_that_was_ended_for_its_memory_is_recognised() {
        let ended = |signal: &str| Fault::Ended {
            peer: Peer::Client,
            status: ExitStatus::Signal(signal.into()),
            before: Awaited::Report,
            stderr: None,
        };
        let killed = ended("SIGKILL");
        assert_eq!(shortage(&killed, false, false), None);
        assert_eq!(shortage(&killed, false, true), Some(Peer::Client));
        assert_eq!(shortage(&killed, true, true), Some(Peer::Client));
        assert_eq!(shortage(&ended("SIGSEGV"), false, true), None, "another program's shortage");
        assert_eq!(shortage(&ended("SIGSEGV"), true, true), Some(Peer::Client));
        let line = Fault::Line { peer: Peer::Client, error: String::new() };
        assert_eq!(shortage(&line, true, true), None);
    }

    #[test]
    fn counts_of_both_versions_are_read() {
        assert_eq!(count("low 0\noom 3\noom_kill 2\noom_group_kill 0\n"), 2);
        assert_eq!(count("oom_kill_disable 0\nunder_oom 0\noom_kill 7\n"), 7);
        assert_eq!(count("nr_free_pages 5\n"), 0);
    }
}
