//! What the kernel tells of a process from outside: CPU time, memory, context
//! switches.

use anyhow::{Context, Result};
use nix::time::{ClockId, clock_getcpuclockid, clock_gettime};
use nix::unistd::Pid;
use procfs::process::Process;
use serde::{Deserialize, Serialize};

/// A process to look at.
pub struct Gauge {
    cpu: ClockId,
    process: Process,
    page_bytes: u64,
}

/// Context switches of all threads of a process since it began.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Switches {
    /// It waited for something.
    pub voluntary: u64,
    /// It was put off its CPU.
    pub involuntary: u64,
}

impl std::ops::AddAssign for Switches {
    fn add_assign(&mut self, other: Self) {
        self.voluntary += other.voluntary;
        self.involuntary += other.involuntary;
    }
}

impl Gauge {
    /// Looks at process `pid`.
    ///
    /// # Errors
    /// When it is not there.
    pub fn new(pid: Pid) -> Result<Self> {
        let cpu = clock_getcpuclockid(pid).context("its CPU clock")?;
        Ok(Self { cpu, process: Process::new(pid.as_raw())?, page_bytes: procfs::page_size() })
    }

    /// CPU time of all its threads, user and system, in ns.
    ///
    /// # Errors
    /// When it has gone.
    pub fn cpu_ns(&self) -> Result<u64> {
        let time = clock_gettime(self.cpu)?;
        Ok(time.tv_sec() as u64 * 1_000_000_000 + time.tv_nsec() as u64)
    }

    /// Resident memory in bytes.
    ///
    /// # Errors
    /// When it has gone.
    pub fn rss_bytes(&self) -> Result<u64> {
        Ok(self.process.statm()?.resident * self.page_bytes)
    }

    /// The most resident memory that it ever had, in bytes (`VmHWM`).
    ///
    /// # Errors
    /// When it has gone.
    pub fn peak_rss_bytes(&self) -> Result<u64> {
        Ok(self.process.status()?.vmhwm.unwrap_or(0) * 1024)
    }

    /// Context switches of all its threads.
    ///
    /// # Errors
    /// When it has gone.
    pub fn switches(&self) -> Result<Switches> {
        let mut sum = Switches::default();
        for task in self.process.tasks()? {
            let status = task?.status()?;
            sum.voluntary += status.voluntary_ctxt_switches.unwrap_or(0);
            sum.involuntary += status.nonvoluntary_ctxt_switches.unwrap_or(0);
        }
        Ok(sum)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_busy_process_shows() {
        let gauge = Gauge::new(nix::unistd::getpid()).unwrap();
        let before = gauge.cpu_ns().unwrap();
        let memory = vec![1u8; 32 << 20];
        let sum: u64 = memory.iter().map(|&b| u64::from(b)).sum();
        assert_eq!(sum, 32 << 20);
        assert!(gauge.cpu_ns().unwrap() > before);
        assert!(gauge.rss_bytes().unwrap() >= 32 << 20);
        assert!(gauge.peak_rss_bytes().unwrap() >= 32 << 20);
        let switches = gauge.switches().unwrap();
        assert!(switches.voluntary + switches.involuntary > 0);
    }
}
