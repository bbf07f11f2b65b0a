//! The guard: a second process that outlives the harness by a moment. It makes the
//! private folder of the meters and holds the list of the children's process groups,
//! and when its input ends – the harness is gone, even by SIGKILL – it ends those
//! that are left, with whatever they started, and removes the folder.

use crate::strays;
use anyhow::{Context, Result};
use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};

/// The harness's end of the guard.
#[derive(Debug)]
pub struct Guard {
    process: Child,
    lines: Option<ChildStdin>,
    room: PathBuf,
    /// Groups that were released since strays were last looked for.
    released: BTreeSet<Pid>,
}

impl Guard {
    /// Starts the guard: this same program, in a process group of its own, so
    /// that a Ctrl-C at the terminal does not reach it. The guard, not the harness,
    /// makes the private folder: there is no instant at which the harness could be
    /// killed and leave it behind.
    ///
    /// # Errors
    /// When it cannot be started, or cannot make the folder.
    pub fn start() -> Result<Self> {
        let program = std::env::current_exe().context("the harness's own program")?;
        let mut process = Command::new(program)
            .arg("guard")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot start the guard")?;
        let lines = process.stdin.take();
        let mut answer = String::new();
        let stdout = process.stdout.take().context("the guard's stdout")?;
        let heard = BufReader::new(stdout).read_line(&mut answer);
        let room = PathBuf::from(answer.trim_end_matches('\n'));
        if heard.is_err() || !room.is_dir() {
            drop(lines);
            let words = process.wait_with_output().map(|output| output.stderr);
            let words = String::from_utf8_lossy(&words.unwrap_or_default()).into_owned();
            let why = words.lines().last().unwrap_or("it said nothing");
            anyhow::bail!("the guard: {}", why.trim_start_matches("error: "));
        }
        Ok(Self { process, lines, room, released: BTreeSet::new() })
    }

    /// The private folder for meters, in memory where there is such a place.
    #[must_use]
    pub fn room(&self) -> &Path {
        &self.room
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
        self.released.insert(group);
        self.tell('-', group)
    }

    /// Ends what children have left behind outside of their groups, and says how many
    /// processes that were.
    pub fn end_strays(&mut self) -> usize {
        strays::end(&self.room, &std::mem::take(&mut self.released))
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
        // Gone already, unless the guard was killed.
        let _ = std::fs::remove_dir_all(&self.room);
    }
}

/// The guard's whole life (`harness guard`).
///
/// # Errors
/// When it cannot make the folder, or a line is not one of the harness's.
pub fn serve() -> Result<()> {
    let room = private_room()?;
    // A harness that is gone already is found out by the end of the input.
    let _ = writeln!(std::io::stdout(), "{}", room.path().display());
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
    strays::end(room.path(), &BTreeSet::new());
    Ok(())
}

/// A private folder for meters, named after the harness.
fn private_room() -> Result<tempfile::TempDir> {
    let shared_memory = PathBuf::from("/dev/shm");
    let place = if shared_memory.is_dir() { shared_memory } else { std::env::temp_dir() };
    // tempfile makes it for its owner only (0700).
    tempfile::Builder::new()
        .prefix(&format!("tick-bench-{}-", nix::unistd::getppid()))
        .tempdir_in(&place)
        .with_context(|| format!("a private folder in {}", place.display()))
}
