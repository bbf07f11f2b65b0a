//! What the kernel reports about a process: CPU time, memory, context switches.

use crate::host::processes::children;
use anyhow::{Context, Result};
use bench_core::record::cpus::CpuList;
use bench_core::record::watched::Switches;
use nix::time::{ClockId, clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;
use procfs::process::{Process, Task};
use std::cell::Cell;
use std::collections::BTreeSet;
use std::fs::File;
use tick::clock::now_ns;

/// Time between two searches for new children of a process that has some, in ns.
const SEARCH_NS: u64 = 1_000_000_000;

/// Reads the counters of a process and of all that it has started.
pub struct Gauge {
    /// The process itself first.
    members: Vec<Member>,
    page_bytes: u64,
    searched_ns: u64,
}

struct Member {
    cpu: ClockId,
    process: Process,
    /// Its CPU time at the last reading: it may end before the others.
    cpu_ns: Cell<u64>,
}

impl Member {
    fn new(pid: i32) -> Result<Self> {
        let cpu = clock_getcpuclockid(Pid::from_raw(pid)).context("its CPU clock")?;
        Ok(Self { cpu, process: Process::new(pid)?, cpu_ns: Cell::new(0) })
    }

    /// CPU time of all its threads, user and system, in ns.
    fn cpu_ns(&self) -> Result<u64> {
        let time = clock_gettime(self.cpu)?;
        self.cpu_ns.set(time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64);
        Ok(self.cpu_ns.get())
    }
}

impl Gauge {
    /// For process `pid` and all that it has started by now.
    ///
    /// # Errors
    /// When there is no such process.
    pub fn new(pid: Pid) -> Result<Self> {
        let own = Member::new(pid.as_raw())?;
        let mut gauge =
            Self { members: vec![own], page_bytes: procfs::page_size(), searched_ns: now_ns() };
        gauge.search();
        Ok(gauge)
    }

    /// Searches for new children once a second. That takes longer than a snapshot, so it is left
    /// out for a process that had none at the beginning.
    pub fn refresh(&mut self) {
        if self.members.len() > 1 && now_ns() - self.searched_ns > SEARCH_NS {
            self.search();
        }
    }

    fn search(&mut self) {
        let mut place = 0;
        while let Some(member) = self.members.get(place) {
            for child in children::of(&member.process) {
                let known = |other: &Member| other.process.pid == child;
                // It may have ended again.
                if !self.members.iter().any(known)
                    && let Ok(member) = Member::new(child)
                {
                    self.members.push(member);
                }
            }
            place += 1;
        }
        self.searched_ns = now_ns();
    }

    /// CPU time of all of them, user and system, in ns.
    ///
    /// # Errors
    /// When the process itself has ended.
    pub fn cpu_ns(&self) -> Result<u64> {
        let own = self.members[0].cpu_ns()?;
        let others = self.members[1..].iter();
        Ok(own + others.map(|m| m.cpu_ns().unwrap_or(m.cpu_ns.get())).sum::<u64>())
    }

    /// Resident memory of all of them in bytes. Memory that several processes may share (files and
    /// shared memory) counts once, by the process that has most of it: a lower bound, as they need
    /// not share the same.
    ///
    /// # Errors
    /// When the process itself has ended.
    pub fn rss_bytes(&self) -> Result<u64> {
        let own = self.members[0].process.statm()?;
        let (mut private, mut shared) = (own.resident.saturating_sub(own.shared), own.shared);
        for memory in self.members[1..].iter().filter_map(|m| m.process.statm().ok()) {
            private += memory.resident.saturating_sub(memory.shared);
            shared = shared.max(memory.shared);
        }
        Ok((private + shared) * self.page_bytes)
    }

    /// Peak resident memory of the process itself, in bytes (`VmHWM`).
    ///
    /// # Errors
    /// When it has ended.
    pub fn peak_rss_bytes(&self) -> Result<u64> {
        Ok(self.members[0].process.status()?.vmhwm.unwrap_or(0) * 1024)
    }

    /// The files with the scheduling statistics of all their threads.
    pub fn schedstats(&self) -> impl Iterator<Item = File> + '_ {
        let tasks = self.members.iter().filter_map(|member| member.process.tasks().ok()).flatten();
        let path = |task: Task| format!("/proc/{}/task/{}/schedstat", task.pid, task.tid);
        tasks.flatten().filter_map(move |task| File::open(path(task)).ok())
    }

    /// Context switches of all their threads, and the CPUs on which any of them may run.
    ///
    /// # Errors
    /// When the process itself has ended.
    pub fn threads(&self) -> Result<(Switches, CpuList)> {
        let mut sum = Switches::default();
        let mut cpus = BTreeSet::new();
        let tasks = self.members[0].process.tasks()?;
        let others = self.members[1..].iter().filter_map(|m| m.process.tasks().ok());
        for task in others.flatten().chain(tasks) {
            // A thread may end meanwhile.
            let Ok(status) = task.and_then(|task| task.status()) else { continue };
            sum.voluntary += status.voluntary_ctxt_switches.unwrap_or(0);
            sum.involuntary += status.nonvoluntary_ctxt_switches.unwrap_or(0);
            let ranges = status.cpus_allowed_list.unwrap_or_default();
            cpus.extend(
                ranges.into_iter().flat_map(|(first, last)| first as usize..=last as usize),
            );
        }
        Ok((sum, cpus.into_iter().collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::affinity;
    use std::os::unix::process::CommandExt;

    #[test]
    fn a_busy_process_has_cpu_time_memory_and_switches() {
        let gauge = Gauge::new(nix::unistd::getpid()).unwrap();
        let before = gauge.cpu_ns().unwrap();
        let memory = vec![1u8; 32 << 20];
        let sum: u64 = memory.iter().map(|&b| u64::from(b)).sum();
        assert_eq!(sum, 32 << 20);
        assert!(gauge.cpu_ns().unwrap() > before);
        assert!(gauge.rss_bytes().unwrap() >= 32 << 20);
        assert!(gauge.peak_rss_bytes().unwrap() >= 32 << 20);
        let (switches, cpus) = gauge.threads().unwrap();
        assert!(affinity::allowed().unwrap().without(&cpus).count() == 0);
        assert!(switches.voluntary + switches.involuntary > 0);
    }

    #[test]
    fn descendants_are_counted_even_after_they_have_ended() {
        let busy = "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done; read x";
        let child = r#"sh -c "$1"; echo gone; sleep 60"#;
        let own = r#"sh -c "$1" sh "$2"; sleep 60"#;
        let mut command = std::process::Command::new("sh");
        command.args(["-c", own, "sh", child, busy]).process_group(0);
        command.stdin(std::process::Stdio::piped());
        let mut parent = command.stdout(std::process::Stdio::piped()).spawn().unwrap();
        let pid = Pid::from_raw(parent.id() as i32);
        let mut gauge = Gauge::new(pid).unwrap();
        while gauge.members.len() < 3 {
            gauge.search();
        }
        let own_ns = || gauge.members[0].cpu_ns().unwrap();
        while gauge.cpu_ns().unwrap() < own_ns() + 30_000_000 {
            std::thread::yield_now();
        }
        let before_ns = gauge.cpu_ns().unwrap();
        drop(parent.stdin.take());
        let mut line = String::new();
        let stdout = parent.stdout.take().unwrap();
        std::io::BufRead::read_line(&mut std::io::BufReader::new(stdout), &mut line).unwrap();
        assert_eq!(line, "gone\n");
        assert!(gauge.cpu_ns().unwrap() >= before_ns);
        assert!(gauge.rss_bytes().unwrap() > gauge.page_bytes);
        nix::sys::signal::killpg(pid, nix::sys::signal::Signal::SIGKILL).unwrap();
        parent.wait().unwrap();
    }
}
