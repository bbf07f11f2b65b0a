//! One child process: its lines, its stderr, its end.

use super::keeper::Keeper;
use crate::fault::{Awaited, ExitStatus, Fault, Misstep, Peer};
use crate::line::{LineError, Lines, write};
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::process::{ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A child's lines are read no further ahead than this; a child that writes more blocks
/// on its own pipe.
const LINES_AHEAD: usize = 16;
/// How long to wait for the exit of a crashed process: its sockets close some time before.
const CRASH: Duration = Duration::from_millis(50);
/// Time for the stderr of a child that has ended to be read to its end.
const STDERR: Duration = Duration::from_millis(500);
/// How many of the last lines of stderr are kept.
const STDERR_LINES: usize = 8;

/// A running child that writes lines of type `L`. Dropping it kills its process group.
pub struct Child<'k, L> {
    peer: Peer,
    process: std::process::Child,
    keeper: &'k dyn Keeper,
    stdin: Option<ChildStdin>,
    lines: Receiver<Result<L, LineError>>,
    stderr: Arc<Mutex<VecDeque<String>>>,
    /// Disconnects when its stderr ends.
    stderr_end: Receiver<()>,
    is_reaped: bool,
}

/// The end of a child.
#[derive(Debug, PartialEq, Eq)]
pub struct Exit {
    /// Its exit code, or the signal that killed it.
    pub status: ExitStatus,
    /// Its last line on stderr; empty without any.
    pub stderr: String,
}

impl<'k, L: DeserializeOwned + Send + 'static> Child<'k, L> {
    /// Starts a program as the leader of a new process group, with its standard streams
    /// piped. Where `command` asks the kernel to end the child with its parent, call this
    /// from the main thread: the kernel means the thread that forked.
    ///
    /// # Errors
    /// [`Fault::Start`] when it cannot be started or tracked.
    pub fn spawn(peer: Peer, mut command: Command, keeper: &'k dyn Keeper) -> Result<Self, Fault> {
        let failed = |error: std::io::Error| Fault::Start { peer, error: error.to_string() };
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        keeper.prepare(&mut command);
        let mut process = command.process_group(0).spawn().map_err(failed)?;
        let (stdin, stdout, stderr) =
            (process.stdin.take(), process.stdout.take(), process.stderr.take());
        let (Some(stdout), Some(stderr)) = (stdout, stderr) else {
            unreachable!("all streams are piped")
        };
        let (sender, lines) = sync_channel(LINES_AHEAD);
        let kept = Arc::new(Mutex::new(VecDeque::new()));
        let (end, stderr_end) = sync_channel::<()>(0);
        let last_lines = Arc::clone(&kept);
        // Never joined: a process that the child started may hold these pipes open.
        std::thread::spawn(move || read_lines(stdout, &sender));
        std::thread::spawn(move || {
            keep_last_lines(stderr, &last_lines);
            drop(end);
        });
        let child = Self {
            peer,
            process,
            keeper,
            stdin,
            lines,
            stderr: kept,
            stderr_end,
            is_reaped: false,
        };
        // On an error it is dropped, and so killed.
        keeper.started(child.pid()).map_err(failed)?;
        Ok(child)
    }

    /// Sends one line. That a child has ended is reported by the next [`Child::expect`], which
    /// knows more about it.
    pub fn send(&mut self, line: &impl Serialize) {
        if let Some(stdin) = &mut self.stdin {
            let _ = write(stdin, line);
        }
    }

    /// Writes any text to its stdin.
    pub fn send_text(&mut self, text: &str) {
        if let Some(stdin) = &mut self.stdin {
            let _ = stdin.write_all(text.as_bytes());
        }
    }

    /// Closes its stdin.
    pub fn close_stdin(&mut self) {
        self.stdin = None;
    }

    /// Waits for the next line.
    ///
    /// # Errors
    /// [`Fault`] when it ends, is late, or writes anything else.
    pub fn expect(&mut self, awaited: Awaited, limit: Duration) -> Result<L, Fault> {
        match self.lines.recv_timeout(limit) {
            Ok(Ok(line)) => Ok(line),
            Ok(Err(error)) => Err(Fault::Line { peer: self.peer, error: error.to_string() }),
            Err(RecvTimeoutError::Timeout) => Err(self.late(awaited, limit)),
            Err(RecvTimeoutError::Disconnected) => Err(self.ended(awaited)),
        }
    }

    /// The next line, if it comes within `limit`.
    ///
    /// # Errors
    /// As [`Child::expect`], apart from lateness.
    pub fn poll(&mut self, awaited: Awaited, limit: Duration) -> Result<Option<L>, Fault> {
        match self.expect(awaited, limit) {
            Err(Fault::Late { .. }) => Ok(None),
            other => other.map(Some),
        }
    }

    /// Whether a further line comes within `limit`; `None`: its stdout has ended.
    ///
    /// # Errors
    /// [`Fault::Late`] when neither happens in time.
    pub fn line_or_end(&mut self, limit: Duration) -> Result<Option<Result<L, LineError>>, Fault> {
        match self.lines.recv_timeout(limit) {
            Ok(line) => Ok(Some(line)),
            Err(RecvTimeoutError::Disconnected) => Ok(None),
            Err(RecvTimeoutError::Timeout) => Err(self.late(Awaited::Exit, limit)),
        }
    }

    /// Waits for its exit with code 0 after its last line, and kills what it started.
    ///
    /// # Errors
    /// [`Fault`] when it writes more, exits with an error or not in time.
    pub fn finish(mut self, limit: Duration) -> Result<(), Fault> {
        self.stdin = None;
        match self.lines.recv_timeout(limit) {
            Ok(_) => Err(self.order(Misstep::LineAfterFinal)),
            Err(RecvTimeoutError::Timeout) => match self.status(Duration::ZERO) {
                Some(_) => Err(self.order(Misstep::StdoutHeldOpen)),
                None => Err(self.late(Awaited::Exit, limit)),
            },
            Err(RecvTimeoutError::Disconnected) => match self.status(limit) {
                Some(WaitStatus::Exited(_, 0)) => Ok(()),
                Some(_) => Err(self.ended(Awaited::Exit)),
                None => Err(self.late(Awaited::Exit, limit)),
            },
        }
    }

    /// Waits for its end, whatever it is, and kills what it started.
    ///
    /// # Errors
    /// [`Fault::Late`] when it does not end.
    pub fn exit(&mut self, limit: Duration) -> Result<Exit, Fault> {
        let Some(status) = self.status(limit) else { return Err(self.late(Awaited::Exit, limit)) };
        self.kill();
        // The pipe may still hold a last line.
        let _ = self.stderr_end.recv_timeout(limit);
        Ok(Exit { status: exit_status(Some(status)), stderr: self.last_line().unwrap_or_default() })
    }

    /// The fault, if it has ended in another way than with code 0.
    pub fn crash(&mut self) -> Option<Fault> {
        match self.status(CRASH)? {
            WaitStatus::Exited(_, 0) => None,
            _ => Some(self.ended(Awaited::RoundEnd)),
        }
    }

    /// A [`Fault::Order`] of this child.
    #[must_use]
    pub fn order(&self, misstep: Misstep) -> Fault {
        Fault::Order { peer: self.peer, misstep }
    }

    /// The fault of a line that came in the place of another.
    #[must_use]
    pub fn unexpected(&self, line: &impl Serialize, instead_of: Awaited) -> Fault {
        self.order(Misstep::Unexpected { line: line_type(line), instead_of })
    }

    fn late(&self, awaited: Awaited, limit: Duration) -> Fault {
        let limit_ms = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
        Fault::Late { peer: self.peer, awaited, limit_ms, stderr: self.last_line() }
    }

    fn ended(&mut self, before: Awaited) -> Fault {
        let status = exit_status(self.status(Duration::from_secs(1)));
        // The last line says why, and may still be on its way; a process that the child
        // started may hold its stderr open for longer.
        let _ = self.stderr_end.recv_timeout(STDERR);
        Fault::Ended { peer: self.peer, status, before, stderr: self.last_line() }
    }
}

impl<L> Child<'_, L> {
    /// Its process id, which is that of its group too.
    #[must_use]
    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.process.id() as i32)
    }

    /// How it ended, without reaping it: as long as it is a zombie, its number cannot be
    /// given to another group, and killing the group is safe.
    fn status(&self, limit: Duration) -> Option<WaitStatus> {
        let until = Instant::now() + limit;
        let flags = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT | WaitPidFlag::WNOHANG;
        loop {
            match waitid(Id::Pid(self.pid()), flags) {
                Ok(WaitStatus::StillAlive) if Instant::now() < until => {
                    std::thread::sleep(Duration::from_millis(2));
                }
                Ok(WaitStatus::StillAlive) | Err(_) => return None,
                Ok(status) => return Some(status),
            }
        }
    }

    fn last_line(&self) -> Option<String> {
        self.stderr.lock().ok()?.back().cloned()
    }

    /// Kills it with everything in its group, and reaps it.
    fn kill(&mut self) {
        if self.is_reaped {
            return;
        }
        self.keeper.ending(self.pid());
        // The group outlives its leader while anyone is left in it.
        let _ = killpg(self.pid(), Signal::SIGKILL);
        let _ = self.process.wait();
        self.is_reaped = true;
    }
}

impl<L> Drop for Child<'_, L> {
    fn drop(&mut self) {
        self.kill();
    }
}

fn exit_status(status: Option<WaitStatus>) -> ExitStatus {
    match status {
        Some(WaitStatus::Exited(_, code)) => ExitStatus::Code(code),
        Some(WaitStatus::Signaled(_, signal, _)) => ExitStatus::Signal(signal.to_string()),
        Some(_) | None => ExitStatus::Running,
    }
}

/// The `type` of a line of the contract.
#[must_use]
pub fn line_type(line: &impl Serialize) -> String {
    let value = serde_json::to_value(line).unwrap_or_default();
    value["type"].as_str().unwrap_or("?").to_owned()
}

fn read_lines<L: DeserializeOwned>(stdout: ChildStdout, to: &SyncSender<Result<L, LineError>>) {
    let mut lines = Lines::new(BufReader::with_capacity(1 << 16, stdout));
    while let Some(line) = lines.next_line().transpose() {
        let failed = line.is_err();
        if to.send(line).is_err() || failed {
            return;
        }
    }
}

fn keep_last_lines(stderr: ChildStderr, kept: &Mutex<VecDeque<String>>) {
    let mut from = BufReader::new(stderr);
    let mut line = Vec::new();
    while let Ok(1..) = from.by_ref().take(4096).read_until(b'\n', &mut line) {
        let text: String = String::from_utf8_lossy(&line).trim().chars().take(300).collect();
        line.clear();
        if let (Ok(mut kept), false) = (kept.lock(), text.is_empty()) {
            if kept.len() == STDERR_LINES {
                kept.pop_front();
            }
            kept.push_back(text);
        }
    }
}
