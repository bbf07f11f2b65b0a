//! The guard: a second process that outlives the harness by a moment. It holds
//! the list of the children's process groups, and when its input ends – the
//! harness is gone, even by SIGKILL – it kills those that are left, and removes
//! the private folder of the meters.

use anyhow::{Context, Result};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::collections::BTreeSet;
use std::io::{BufRead, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};

/// The harness's end of the guard.
#[derive(Debug)]
pub struct Guard {
    process: Child,
    lines: Option<ChildStdin>,
}

impl Guard {
    /// Starts the guard: this same program, in a process group of its own, so
    /// that a Ctrl-C at the terminal does not reach it. It removes `room` in the
    /// end, if the harness could not.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(room: Option<&Path>) -> Result<Self> {
        let program = std::env::current_exe().context("the harness's own program")?;
        let mut process = Command::new(program)
            .arg("guard")
            .args(room)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn()
            .context("cannot start the guard")?;
        let lines = process.stdin.take();
        Ok(Self { process, lines })
    }

    /// Puts a process group under guard.
    ///
    /// # Errors
    /// When the guard has gone.
    pub fn watch(&mut self, group: Pid) -> Result<()> {
        self.tell('+', group)
    }

    /// Takes it from guard, before its leader is reaped: its number may be
    /// given to another process after that.
    ///
    /// # Errors
    /// When the guard has gone.
    pub fn release(&mut self, group: Pid) -> Result<()> {
        self.tell('-', group)
    }

    fn tell(&mut self, sign: char, group: Pid) -> Result<()> {
        let lines = self.lines.as_mut().context("the guard has ended")?;
        writeln!(lines, "{sign}{group}").context("the guard has gone")
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.lines = None;
        let _ = self.process.wait();
    }
}

/// The guard's whole life (`harness guard`).
///
/// # Errors
/// When a line is not one of the harness's.
pub fn serve(room: Option<&Path>) -> Result<()> {
    let mut groups = BTreeSet::new();
    for line in std::io::stdin().lock().lines() {
        let Ok(line) = line else { break };
        let number: i32 = line[1..].parse().with_context(|| format!("guard: `{line}`"))?;
        match line.starts_with('+') {
            true => groups.insert(number),
            false => groups.remove(&number),
        };
    }
    for group in groups {
        let _ = killpg(Pid::from_raw(group), Signal::SIGKILL);
    }
    if let Some(room) = room {
        // Gone already, unless the harness was killed.
        let _ = std::fs::remove_dir_all(room);
    }
    Ok(())
}
