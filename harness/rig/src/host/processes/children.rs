//! The children of a process.

use procfs::process::{Process, all_processes};

/// Children of all its threads (proc_pid_task_children(5)). Some kernels and sandboxes lack that
/// file: then all processes are searched for those whose parent it is.
pub(super) fn of(process: &Process) -> Vec<i32> {
    let tasks = process.tasks().into_iter().flatten().flatten();
    let listed: Option<Vec<Vec<u32>>> = tasks.map(|task| task.children().ok()).collect();
    match listed {
        Some(listed) if !listed.is_empty() => {
            listed.into_iter().flatten().map(|pid| pid as i32).collect()
        }
        _ => by_parent(process.pid),
    }
}

fn by_parent(parent: i32) -> Vec<i32> {
    let all = all_processes().into_iter().flatten().flatten();
    let is_child = |process: &Process| process.stat().is_ok_and(|stat| stat.ppid == parent);
    all.filter(is_child).map(|process| process.pid).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::process::Command;

    #[test]
    fn children_are_found_with_and_without_their_file() {
        let mut child = Command::new("sleep").arg("60").spawn().unwrap();
        let (pid, own) = (child.id() as i32, Process::myself().unwrap());
        assert!(of(&own).contains(&pid));
        assert!(by_parent(own.pid).contains(&pid));
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(!by_parent(own.pid).contains(&pid));
    }
}
