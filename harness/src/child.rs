//! A child program under the contract: spawned into a process group of its own,
//! fed lines, listened to with a deadline, and ended with all it started.

use crate::affinity::CpuList;
use crate::guard::Guard;
use crate::strays;
use anyhow::{Context, Result};
use contract::{LineError, Lines};
use nix::errno::Errno;
use nix::sys::prctl;
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::{Pid, getppid, setpgid};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// More lines than any honest child writes in a round: a child's lines are
/// read no further until they are used, and it then blocks on its own pipe.
const LINES_AHEAD: usize = 16;

/// A process that dies is seen dead some time after its sockets.
const CRASH: Duration = Duration::from_millis(50);

/// Time for the last words of a child that has ended to be read.
const WORDS: Duration = Duration::from_millis(500);

/// Lines of stderr that are kept for the reason of a failed row.
const LAST_WORDS: usize = 8;

/// How a child broke the contract.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// It ended before it should.
    #[error("{who} ended ({status}) before {before}{}", said(.words))]
    Ended {
        /// Which child.
        who: &'static str,
        /// How.
        status: String,
        /// The line that was awaited.
        before: &'static str,
        /// The last line of its stderr.
        words: Option<String>,
    },
    /// It said nothing in time.
    #[error("{who} did not {what} within {:.1} s{}", .limit.as_secs_f64(), said(.words))]
    Late {
        /// Which child.
        who: &'static str,
        /// What was awaited.
        what: &'static str,
        /// How long.
        limit: Duration,
        /// The last line of its stderr.
        words: Option<String>,
    },
    /// It wrote what is no line of the contract.
    #[error("{who} broke the contract: {error}")]
    Line {
        /// Which child.
        who: &'static str,
        /// What was wrong.
        error: LineError,
    },
    /// It wrote a line of the contract at the wrong time, or a wrong one.
    #[error("{who} broke the contract: {what}")]
    Order {
        /// Which child.
        who: &'static str,
        /// What was wrong.
        what: String,
    },
}

fn said(words: &Option<String>) -> String {
    words.as_ref().map_or(String::new(), |words| format!("; it said: {words}"))
}

/// A running child that speaks lines of type `L`.
pub struct Child<L> {
    who: &'static str,
    process: std::process::Child,
    stdin: Option<ChildStdin>,
    lines: Receiver<Result<L, LineError>>,
    words: Arc<Mutex<VecDeque<String>>>,
    /// Ends when its stderr does.
    saying: Receiver<()>,
}

impl<L: DeserializeOwned + Send + 'static> Child<L> {
    /// Starts a program. Call it from the main thread: the kernel ends the
    /// child when the thread that started it ends.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn spawn(
        who: &'static str,
        words: &[String],
        dir: &Path,
        cpus: Option<&CpuList>,
        guard: &mut Guard,
    ) -> Result<Self> {
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]).current_dir(dir);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command.env(strays::MARK, guard.room());
        bind_to_parent(&mut command, cpus.cloned());
        let mut process = command.spawn().with_context(|| format!("cannot start {who}"))?;
        if let Err(error) = guard.watch(Pid::from_raw(process.id() as i32)) {
            let _ = process.kill();
            return Err(error);
        }
        let stdin = process.stdin.take();
        let (sender, lines) = sync_channel(LINES_AHEAD);
        let stdout = process.stdout.take().context("no stdout")?;
        let stderr = process.stderr.take().context("no stderr")?;
        let last_words = Arc::new(Mutex::new(VecDeque::new()));
        let kept = Arc::clone(&last_words);
        let (says, saying) = sync_channel(0);
        // Never joined: a stray grandchild may hold these pipes open for longer.
        std::thread::spawn(move || read_lines(stdout, &sender));
        std::thread::spawn(move || {
            keep_last_words(stderr, &kept);
            drop::<SyncSender<()>>(says);
        });
        Ok(Self { who, process, stdin, lines, words: last_words, saying })
    }

    /// Its process id, which is that of its group too.
    #[must_use]
    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.process.id() as i32)
    }

    /// Sends one line. A child that has gone is found out by the next
    /// [`Child::expect`], which can say more about it.
    pub fn send(&mut self, line: &impl Serialize) {
        if let Some(stdin) = &mut self.stdin {
            let _ = contract::write(stdin, line);
        }
    }

    /// Waits for the next line.
    ///
    /// # Errors
    /// [`Fault`] when it ends, is late, or writes anything else.
    pub fn expect(&mut self, what: &'static str, limit: Duration) -> Result<L, Fault> {
        match self.lines.recv_timeout(limit) {
            Ok(line) => line.map_err(|error| Fault::Line { who: self.who, error }),
            Err(RecvTimeoutError::Timeout) => {
                Err(Fault::Late { who: self.who, what, limit, words: self.last_words() })
            }
            Err(RecvTimeoutError::Disconnected) => Err(self.ended(what)),
        }
    }

    /// The next line, if there is one already.
    ///
    /// # Errors
    /// As [`Child::expect`].
    pub fn poll(&mut self, what: &'static str) -> Result<Option<L>, Fault> {
        self.poll_for(what, Duration::ZERO)
    }

    /// The next line, if it comes within `limit`.
    ///
    /// # Errors
    /// As [`Child::expect`].
    pub fn poll_for(&mut self, what: &'static str, limit: Duration) -> Result<Option<L>, Fault> {
        match self.expect(what, limit) {
            Err(Fault::Late { .. }) => Ok(None),
            other => other.map(Some),
        }
    }

    /// Waits for its exit after its last line.
    ///
    /// # Errors
    /// [`Fault`] when it writes more, exits with an error or not in time.
    pub fn finish(mut self, limit: Duration, guard: &mut Guard) -> Result<(), Fault> {
        let who = self.who;
        self.stdin = None;
        let result = match self.lines.recv_timeout(limit) {
            Ok(_) => Err(self.order("a line after its final")),
            Err(RecvTimeoutError::Timeout) => match self.status(Duration::ZERO) {
                Some(_) => {
                    Err(self.order("it ended, and what it has started holds its stdout open"))
                }
                None => Err(Fault::Late { who, what: "exit", limit, words: self.last_words() }),
            },
            Err(RecvTimeoutError::Disconnected) => match self.status(limit) {
                Some(WaitStatus::Exited(_, 0)) => Ok(()),
                Some(_) => Err(self.ended("a clean exit")),
                None => Err(Fault::Late { who, what: "exit", limit, words: self.last_words() }),
            },
        };
        self.kill(guard);
        result
    }

    /// Ends it with everything that it started.
    pub fn kill(mut self, guard: &mut Guard) {
        // The group outlives its leader while anyone is left in it.
        let _ = killpg(self.pid(), Signal::SIGKILL);
        let _ = guard.release(self.pid());
        let _ = self.process.wait();
    }

    /// How it came to an end that was none of its own, if it did.
    pub fn crash(&mut self) -> Option<Fault> {
        match self.status(CRASH)? {
            WaitStatus::Exited(_, 0) => None,
            _ => Some(self.ended("the end of the round")),
        }
    }

    /// A [`Fault::Order`] of this child.
    #[must_use]
    pub fn order(&self, what: impl Into<String>) -> Fault {
        Fault::Order { who: self.who, what: what.into() }
    }

    fn ended(&mut self, before: &'static str) -> Fault {
        let status = match self.status(Duration::from_secs(1)) {
            Some(WaitStatus::Exited(_, code)) => format!("exit code {code}"),
            Some(WaitStatus::Signaled(_, signal, _)) => format!("killed by {signal}"),
            Some(other) => format!("{other:?}"),
            None => "it closed its stdout but runs on".into(),
        };
        // They tell why, and may be on their way still; something that it started may
        // hold its stderr for longer.
        let _ = self.saying.recv_timeout(WORDS);
        Fault::Ended { who: self.who, status, before, words: self.last_words() }
    }

    /// How it ended, without reaping it: as long as it is a zombie, its number
    /// cannot be given to another group, and killing the group is safe.
    fn status(&self, limit: Duration) -> Option<WaitStatus> {
        let until = Instant::now() + limit;
        let look = WaitPidFlag::WEXITED | WaitPidFlag::WNOWAIT | WaitPidFlag::WNOHANG;
        loop {
            match waitid(Id::Pid(self.pid()), look) {
                Ok(WaitStatus::StillAlive) if Instant::now() < until => {
                    std::thread::sleep(Duration::from_millis(2));
                }
                Ok(WaitStatus::StillAlive) | Err(_) => return None,
                Ok(status) => return Some(status),
            }
        }
    }

    fn last_words(&self) -> Option<String> {
        self.words.lock().ok()?.back().cloned()
    }
}

/// Makes the child the leader of its own group, and ends it when the harness
/// ends in any way. [`Guard`] does the same for what the child itself starts.
fn bind_to_parent(command: &mut Command, cpus: Option<CpuList>) {
    let harness = nix::unistd::getpid();
    let prepare = move || {
        setpgid(Pid::from_raw(0), Pid::from_raw(0))?;
        end_with(harness)?;
        if let Some(cpus) = &cpus {
            cpus.apply()?;
        }
        Ok(())
    };
    // SAFETY: between fork and exec only system calls are made; nothing
    // allocates or takes a lock.
    unsafe { command.pre_exec(prepare) };
}

/// Ends a program that is about to be started when the harness ends in any way. It
/// stays in the harness's group, so that a Ctrl-C at the terminal reaches it.
pub(crate) fn end_with_harness(command: &mut Command) {
    let harness = nix::unistd::getpid();
    // SAFETY: as above.
    unsafe { command.pre_exec(move || end_with(harness)) };
}

/// Has the kernel end this process with its parent, the harness.
fn end_with(harness: Pid) -> std::io::Result<()> {
    prctl::set_pdeathsig(Signal::SIGKILL)?;
    // It may have ended before that.
    if getppid() == harness { Ok(()) } else { Err(Errno::ESRCH.into()) }
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

fn keep_last_words(stderr: ChildStderr, kept: &Mutex<VecDeque<String>>) {
    let mut from = BufReader::new(stderr);
    let mut line = Vec::new();
    while let Ok(1..) = from.by_ref().take(4096).read_until(b'\n', &mut line) {
        let text: String = String::from_utf8_lossy(&line).trim().chars().take(300).collect();
        line.clear();
        if let (Ok(mut kept), false) = (kept.lock(), text.is_empty()) {
            if kept.len() == LAST_WORDS {
                kept.pop_front();
            }
            kept.push_back(text);
        }
    }
}
