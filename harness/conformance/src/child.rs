//! A client program as a child process that is told what to do.

use crate::{PATIENCE, Unavailable};
use anyhow::{Context, Result, bail, ensure};
use contract::{
    ClientFinal, ClientHello, ClientPlan, Empty, FromClient, Lines, SampleRow, ToClient,
};
use nix::sys::signal::{Signal, killpg};
use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
use nix::unistd::Pid;
use std::io::{BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::thread::{JoinHandle, sleep, spawn};
use std::time::{Duration, Instant};

/// A client program and its arguments.
#[derive(Debug, Clone, Copy)]
pub struct Program<'a> {
    /// Where it is.
    pub path: &'a str,
    /// Its arguments.
    pub args: &'a [&'a str],
    /// The folder to run it in; `None`: this one.
    pub folder: Option<&'a Path>,
}

impl Program<'_> {
    /// How to start it.
    #[must_use]
    pub fn command(self) -> Command {
        let mut command = Command::new(self.path);
        command.args(self.args);
        if let Some(folder) = self.folder {
            command.current_dir(folder);
        }
        command
    }
}

/// Is told of every process group that is started, so that none outlives a
/// program that is killed.
pub trait Keeper {
    /// Marks a program that is about to be started, so that what it leaves behind can
    /// be found.
    fn prepare(&self, _command: &mut Command) {}
    /// Where meters are made, by somebody who removes what a killed program leaves
    /// there; `None`: among the machine's temporary files.
    fn room(&self) -> Option<&Path> {
        None
    }
    /// A group has been started.
    ///
    /// # Errors
    /// When it cannot be kept: the client is ended then.
    fn started(&self, group: Pid) -> Result<()>;
    /// It is about to end.
    fn ending(&self, group: Pid);
}

/// Nobody needs to be told.
impl Keeper for () {
    fn started(&self, _group: Pid) -> Result<()> {
        Ok(())
    }

    fn ending(&self, _group: Pid) {}
}

/// A running client, in a process group of its own. It ends with its case,
/// whatever happens, and all that it started with it.
pub struct Child<'a> {
    process: std::process::Child,
    keeper: &'a dyn Keeper,
    stdin: Option<ChildStdin>,
    lines: Receiver<Result<FromClient, String>>,
    stderr: Option<JoinHandle<String>>,
}

/// What is left of a client.
#[derive(Debug, PartialEq, Eq)]
pub struct Exit {
    /// Its exit code; `None` after a signal.
    pub code: Option<i32>,
    /// Its last line on stderr.
    pub last_words: String,
}

impl<'a> Child<'a> {
    /// Starts a program that has not been told anything yet.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn spawn(mut command: Command, keeper: &'a dyn Keeper) -> Result<Self> {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        keeper.prepare(&mut command);
        let mut process = command.process_group(0).spawn().context("cannot start it")?;
        let (sender, lines) = channel();
        let stdin = process.stdin.take();
        let stdout = process.stdout.take().context("no stdout")?;
        let mut stderr = process.stderr.take().context("no stderr")?;
        let told = keeper.started(Pid::from_raw(process.id() as i32));
        spawn(move || {
            let mut from = Lines::new(BufReader::new(stdout));
            while let Some(line) = from.next_line().transpose() {
                let line = line.map_err(|error| error.to_string());
                let broken = line.is_err();
                if sender.send(line).is_err() || broken {
                    return;
                }
            }
        });
        let stderr = spawn(move || {
            let mut words = Vec::new();
            let _ = stderr.read_to_end(&mut words);
            String::from_utf8_lossy(&words).into_owned()
        });
        let child = Self { process, keeper, stdin, lines, stderr: Some(stderr) };
        told.map(|()| child)
    }

    /// Writes one line to its stdin; one that has gone is found out when it is
    /// listened to.
    pub fn tell(&mut self, line: &ToClient) {
        if let Some(stdin) = &mut self.stdin {
            let _ = contract::write(stdin, line);
        }
    }

    /// Gives it its plan.
    pub fn plan(&mut self, plan: &ClientPlan) {
        self.tell(&ToClient::Plan(plan.clone()));
    }

    /// Writes anything to its stdin; it may have hung up already.
    pub fn tell_text(&mut self, text: &str) {
        if let Some(stdin) = &mut self.stdin {
            let _ = stdin.write_all(text.as_bytes());
        }
    }

    /// Tells it to stop.
    pub fn stop(&mut self) {
        self.tell(&ToClient::Stop(Empty {}));
    }

    /// Ends its stdin.
    pub fn hang_up(&mut self) {
        self.stdin = None;
    }

    /// Its next line if there is one now.
    ///
    /// # Errors
    /// When it has ended, or writes what is no line.
    pub(crate) fn overhear(&mut self) -> Result<Option<FromClient>> {
        self.next(Duration::ZERO, "it was connected")
    }

    fn next(&mut self, limit: Duration, before: &str) -> Result<Option<FromClient>> {
        match self.lines.recv_timeout(limit) {
            Ok(line) => line.map(Some).map_err(|error| anyhow::anyhow!("on stdout: {error}")),
            Err(RecvTimeoutError::Timeout) => Ok(None),
            Err(RecvTimeoutError::Disconnected) => {
                let exit = self.exit()?;
                let code = exit.code.map_or("a signal".into(), |code| format!("exit code {code}"));
                bail!("it ended ({code}) before {before}; it said: {}", exit.last_words)
            }
        }
    }

    /// Its next line.
    ///
    /// # Errors
    /// When it says nothing, has ended, or writes what is no line.
    pub fn hear(&mut self, what: &str) -> Result<FromClient> {
        let line = self.next(PATIENCE, &format!("its {what}"))?;
        line.with_context(|| format!("no {what} within {} s", PATIENCE.as_secs()))
    }

    /// That its next line is a hello.
    ///
    /// # Errors
    /// When it is not.
    pub fn hello(&mut self) -> Result<ClientHello> {
        match self.hear("hello")? {
            FromClient::Hello(hello) => Ok(hello),
            other => bail!("{other:?} instead of its hello"),
        }
    }

    /// That its next line is `ready`.
    ///
    /// # Errors
    /// When it is not, or the client is not available here.
    pub fn ready(&mut self) -> Result<()> {
        match self.hear("`ready`")? {
            FromClient::Ready(_) => Ok(()),
            FromClient::Unavailable { reason } => Err(Unavailable(reason).into()),
            other => bail!("{other:?} instead of `ready`"),
        }
    }

    /// Why its connection broke: its own end, if that comes within a moment.
    pub(crate) fn last_words(&mut self, error: anyhow::Error) -> anyhow::Error {
        match self.next(Duration::from_secs(1), "the server closed") {
            Err(end) => end,
            Ok(Some(line)) => error.context(format!("it says {line:?} in the middle")),
            Ok(None) => error,
        }
    }

    /// Its samples by connection, and its last line; then it exits with 0.
    ///
    /// # Errors
    /// When it says anything else.
    pub fn reports(&mut self, connections: usize) -> Result<(Vec<Vec<SampleRow>>, ClientFinal)> {
        let mut rows = vec![Vec::new(); connections];
        let books = loop {
            match self.hear("report")? {
                FromClient::Samples(samples) => {
                    let of = rows.get_mut(samples.connection);
                    of.context("samples of a connection that it was not given")?
                        .extend(samples.rows);
                }
                FromClient::Final(books) => break books,
                other => bail!("{other:?} instead of a report"),
            }
        };
        match self.lines.recv_timeout(PATIENCE) {
            Err(RecvTimeoutError::Disconnected) => {}
            Err(RecvTimeoutError::Timeout) => bail!("it does not end after its `final`"),
            Ok(line) => bail!("another line after its `final`: {line:?}"),
        }
        let exit = self.exit()?;
        ensure!(
            exit.code == Some(0),
            "it exits with {:?} after its report: {}",
            exit.code,
            exit.last_words
        );
        Ok((rows, books))
    }

    /// The same with one connection.
    ///
    /// # Errors
    /// As [`Child::reports`].
    pub fn report(&mut self) -> Result<(Vec<SampleRow>, ClientFinal)> {
        let (mut rows, books) = self.reports(1)?;
        Ok((rows.remove(0), books))
    }

    /// That it ends with this code and some words, and without a further line, or
    /// with its hello alone.
    ///
    /// # Errors
    /// When it does not.
    pub fn gives_up(&mut self, code: i32) -> Result<Exit> {
        match self.lines.recv_timeout(PATIENCE) {
            Ok(Ok(FromClient::Hello(_))) => self.refuses(code),
            Ok(line) => bail!("{line:?} instead of its hello"),
            Err(_) => self.refuses(code),
        }
    }

    /// That it ends with this code and some words, and without a further line.
    ///
    /// # Errors
    /// When it does not.
    pub fn refuses(&mut self, code: i32) -> Result<Exit> {
        if let Ok(line) = self.lines.recv_timeout(PATIENCE) {
            if let Ok(FromClient::Unavailable { reason }) = line {
                return Err(Unavailable(reason).into());
            }
            bail!("it goes on with {line:?}");
        }
        let exit = self.exit()?;
        let words = &exit.last_words;
        ensure!(exit.code == Some(code), "exit code {:?} instead of {code}: {words}", exit.code);
        ensure!(!words.is_empty(), "it says nothing on stderr");
        Ok(exit)
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When it does not end.
    pub fn exit(&mut self) -> Result<Exit> {
        let begin = Instant::now();
        let look = WaitPidFlag::WEXITED | WaitPidFlag::WNOHANG | WaitPidFlag::WNOWAIT;
        while waitid(Id::Pid(self.group()), look)? == WaitStatus::StillAlive {
            ensure!(begin.elapsed() < PATIENCE, "it does not end");
            sleep(Duration::from_millis(2));
        }
        // What it started may hold its stderr open for longer. Not yet reaped, so
        // the group's number is its own.
        self.end_group();
        let status = self.process.wait()?;
        let words = self.stderr.take().and_then(|thread| thread.join().ok());
        let last = words.unwrap_or_default().lines().last().unwrap_or_default().to_owned();
        Ok(Exit { code: status.code(), last_words: last })
    }

    fn group(&self) -> Pid {
        Pid::from_raw(self.process.id() as i32)
    }

    fn end_group(&self) {
        self.keeper.ending(self.group());
        let _ = killpg(self.group(), Signal::SIGKILL);
    }
}

impl Drop for Child<'_> {
    fn drop(&mut self) {
        if self.stderr.is_some() {
            self.end_group();
        }
        let _ = self.process.wait();
    }
}
