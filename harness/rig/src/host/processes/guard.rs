//! The guard: a second process that outlives the harness by a moment. It creates the
//! private directory of the meters and keeps the list of the children's process groups.
//! When its input ends – the harness is gone, even by SIGKILL – it kills the groups that
//! are left, with whatever they started, and removes the directory.

use crate::host::processes::environment::Environment;
use crate::host::processes::strays;
use anyhow::{Context, Result, anyhow};
use contract::child::Keeper;
use nix::sys::signal::{Signal, killpg};
use nix::sys::statvfs::statvfs;
use nix::unistd::Pid;
use std::collections::BTreeSet;
use std::io::{self, BufRead, BufReader, ErrorKind, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Room that the meters of a round need at most, in bytes: 128 for each of 10 000 connections,
/// at both ends, and what else is kept there.
const ROOM_BYTES: u64 = 4 << 20;

/// The harness's end of the guard.
#[derive(Debug)]
pub struct Guard {
    process: Child,
    /// What children get of the harness's own environment.
    environment: Environment,
    meter_dir: PathBuf,
    groups: Mutex<Groups>,
}

/// The process groups of the children, as reported to the guard.
#[derive(Debug)]
struct Groups {
    lines: Option<ChildStdin>,
    /// Groups that were released since the last search for strays.
    released: BTreeSet<Pid>,
}

impl Guard {
    /// Starts the guard: this same program, in a process group of its own, so that a
    /// Ctrl-C at the terminal does not reach it. The guard, not the harness, creates the
    /// private directory: there is no instant at which the harness could be killed and
    /// leave it behind.
    ///
    /// Children get `environment`.
    ///
    /// # Errors
    /// When it cannot be started, or cannot create the directory.
    pub fn start(environment: Environment) -> Result<Self> {
        // Processes that lose their parent become children of this one, which can then wait for
        // them: their CPU time belongs to the round's account (PR_SET_CHILD_SUBREAPER).
        nix::sys::prctl::set_child_subreaper(true).context("cannot adopt orphaned processes")?;
        let program = std::env::current_exe().context("the harness's own program")?;
        let mut process = Command::new(program)
            .arg("guard")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start the guard")?;
        let lines = process.stdin.take();
        let mut answer = String::new();
        let stdout = process.stdout.take().context("the guard's stdout")?;
        BufReader::new(stdout).read_line(&mut answer).context("the guard does not answer")?;
        let created: Result<PathBuf, String> =
            serde_json::from_str(&answer).context("the guard does not answer")?;
        let meter_dir = created.map_err(|error| anyhow!("the guard: {error}"))?;
        let groups = Mutex::new(Groups { lines, released: BTreeSet::new() });
        Ok(Self { process, environment, meter_dir, groups })
    }

    /// The private directory for meters, in memory if there is a /dev/shm.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.meter_dir
    }

    /// Ends the processes that children have left behind outside of their groups, and returns
    /// their number. To be called once all children of the round were waited for: what else this
    /// process has as a child has lost its own parent.
    pub fn end_strays(&self) -> usize {
        let released = std::mem::take(&mut self.groups().released);
        let count = strays::end(&self.meter_dir, &released);
        self.reap_orphans();
        count
    }

    /// Waits for the orphans that have ended. To be called before the account of a round is opened
    /// too: one that ended late would be taken for a process of the next round.
    pub fn reap_orphans(&self) {
        strays::reap(self.process.id());
    }

    fn groups(&self) -> MutexGuard<'_, Groups> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Groups {
    fn send(&mut self, sign: char, group: Pid) -> io::Result<()> {
        let lines = self.lines.as_mut().ok_or(ErrorKind::BrokenPipe)?;
        writeln!(lines, "{sign}{group}")
    }
}

/// Several threads may start children at once.
impl Keeper for Guard {
    fn prepare(&self, command: &mut Command) {
        self.environment.clean(command);
        command.env(strays::MARK, &self.meter_dir);
    }

    fn meter_dir(&self) -> Option<&Path> {
        Some(&self.meter_dir)
    }

    fn started(&self, group: Pid) -> io::Result<()> {
        self.groups().send('+', group)
    }

    /// Called before its leader is reaped: after that, its number may be reused.
    fn ending(&self, group: Pid) {
        let mut groups = self.groups();
        groups.released.insert(group);
        // The guard is gone only if the harness is ending, too.
        let _ = groups.send('-', group);
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.groups().lines = None;
        let _ = self.process.wait();
        // Removed already, unless the guard was killed.
        let _ = std::fs::remove_dir_all(&self.meter_dir);
    }
}

/// Runs the guard (`harness guard`). Its first line names the directory, or says why there is
/// none.
///
/// # Errors
/// When a line is not from the harness.
pub fn serve() -> Result<()> {
    let created = private_dir();
    let answer: Result<&Path, String> = match &created {
        Ok(dir) => Ok(dir.path()),
        Err(error) => Err(format!("{error:#}")),
    };
    // A harness that is gone already is noticed by the end of the input.
    let _ = writeln!(io::stdout(), "{}", serde_json::to_string(&answer)?);
    let Ok(dir) = created else { return Ok(()) };
    let mut groups = BTreeSet::new();
    for line in io::stdin().lock().lines() {
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
    strays::end(dir.path(), &BTreeSet::new());
    Ok(())
}

/// A private directory for meters, named after the harness: in memory if there is room.
fn private_dir() -> Result<tempfile::TempDir> {
    private_dir_in(Path::new("/dev/shm"), &std::env::temp_dir())
}

fn private_dir_in(shared_memory: &Path, temporary: &Path) -> Result<tempfile::TempDir> {
    let create = |place: &Path| {
        // tempfile creates it for its owner only (0700).
        let prefix = format!("tick-bench-{}-", nix::unistd::getppid());
        let dir = tempfile::Builder::new().prefix(&prefix).tempdir_in(place)?;
        let has_room = statvfs(dir.path())
            .is_ok_and(|fs| fs.blocks_available().saturating_mul(fs.fragment_size()) >= ROOM_BYTES);
        if has_room { Ok(dir) } else { Err(io::Error::from(ErrorKind::StorageFull)) }
    };
    create(shared_memory).or_else(|first| {
        create(temporary).map_err(|second| {
            anyhow!(
                "cannot create a private directory in {} ({first}) or in {} ({second}): free some space there, or set TMPDIR to a directory that you may write to",
                shared_memory.display(),
                temporary.display()
            )
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_private_directory_is_where_there_is_room() {
        let (memory, temporary) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let none = memory.path().join("none");
        let parent = |shared: &Path, temporary: &Path| {
            let dir = private_dir_in(shared, temporary)?;
            Ok::<_, anyhow::Error>(dir.path().parent().unwrap().to_owned())
        };
        assert_eq!(parent(memory.path(), temporary.path()).unwrap(), memory.path());
        assert_eq!(parent(&none, temporary.path()).unwrap(), temporary.path());
        // sysfs has no blocks, and nothing can be created there.
        assert_eq!(parent(Path::new("/sys"), temporary.path()).unwrap(), temporary.path());
        let error = parent(&none, &none).unwrap_err().to_string();
        assert!(error.contains("TMPDIR") && error.lines().count() == 1, "{error}");
    }
}
