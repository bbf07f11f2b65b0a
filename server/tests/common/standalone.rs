//! The standalone server, and the events that it logs.

use super::events::{Event, Left};
use super::{BINARY, PATIENCE};
use nix::sys::signal::{SigHandler, Signal, kill, signal};
use nix::unistd::Pid;
use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::os::unix::process::CommandExt;
use std::process::{Child, ChildStderr, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Instant;

/// A process with its stderr, which is killed when dropped.
pub struct Process {
    pub child: Child,
    /// What it logs, unread.
    pub stderr: Option<BufReader<ChildStderr>>,
}

impl Process {
    /// With the default action of all signals, however the tests were started.
    pub fn spawn(command: Command) -> Self {
        let mut command = with_action(command, Signal::SIGHUP, SigHandler::SigDfl);
        command = with_action(command, Signal::SIGINT, SigHandler::SigDfl);
        Self::spawn_as_it_is(command)
    }

    fn spawn_as_it_is(mut command: Command) -> Self {
        let spawned = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn();
        let mut child = spawned.unwrap();
        let stderr = Some(BufReader::new(child.stderr.take().unwrap()));
        Self { child, stderr }
    }

    /// The next line that it logs.
    pub fn next_line(&mut self) -> String {
        let mut line = String::new();
        self.stderr.as_mut().unwrap().read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    pub fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id() as i32), signal).unwrap();
    }

    /// Waits for its end.
    pub fn wait(&mut self) -> ExitStatus {
        super::wait_until("the server ends", || self.child.try_wait().unwrap().is_some());
        self.child.wait().unwrap()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The same command, started by a parent that ignores a signal.
pub fn ignoring(command: Command, signal: Signal) -> Command {
    with_action(command, signal, SigHandler::SigIgn)
}

fn with_action(mut command: Command, number: Signal, action: SigHandler) -> Command {
    // SAFETY: `signal` may be called between fork and exec (man 7 signal-safety).
    unsafe {
        command.pre_exec(move || signal(number, action).map(drop).map_err(Into::into));
    }
    command
}

/// A command that starts the server on a free port.
pub fn command(args: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    command.args(["--port", "0"]).args(args);
    command
}

/// A running standalone server, whose events a thread reads. Killed when dropped.
pub struct Standalone {
    pub process: Process,
    pub url: String,
    events: Receiver<Event>,
    /// Events that were read while waiting for others.
    seen: Vec<Event>,
}

impl Standalone {
    /// With the default action of all signals, however the tests were started.
    pub fn new(args: &[&str]) -> Self {
        let command = with_action(command(args), Signal::SIGHUP, SigHandler::SigDfl);
        Self::from_command(with_action(command, Signal::SIGINT, SigHandler::SigDfl))
    }

    /// From a command as it is.
    pub fn from_command(mut command: Command) -> Self {
        command.args(["--log-format", "json"]);
        let mut process = Process::spawn_as_it_is(command);
        let Event::Url(url) = Event::parse(&process.next_line()) else { panic!("no URL") };
        let stderr = process.stderr.take().unwrap();
        let (send, events) = channel();
        std::thread::spawn(move || {
            let mut lines = stderr.lines().map_while(Result::ok);
            lines.all(|line| send.send(Event::parse(&line)).is_ok());
        });
        Self { process, url, events, seen: Vec::new() }
    }

    /// `HOST:PORT`.
    pub fn address(&self) -> &str {
        super::clients::address(&self.url)
    }

    pub fn signal(&self, signal: Signal) {
        self.process.signal(signal);
    }

    /// Waits for an event that has not been seen before.
    pub fn wait_for<T>(&mut self, wanted: impl Fn(&Event) -> Option<T>) -> T {
        let deadline = Instant::now() + PATIENCE;
        loop {
            match self.events.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(event) => {
                    let found = wanted(&event);
                    self.seen.push(event);
                    if let Some(found) = found {
                        return found;
                    }
                }
                Err(error) => panic!("the event never came ({error}), but {:#?}", self.seen),
            }
        }
    }

    /// Waits until a connection has left.
    pub fn wait_for_left(&mut self) -> Left {
        self.wait_for(|event| match event {
            Event::Left(left) => Some(left.clone()),
            _ => None,
        })
    }

    /// Waits until the connection of a client has left.
    pub fn wait_for_left_of(&mut self, client: SocketAddr) -> Left {
        self.wait_for(|event| match event {
            Event::Left(left) if left.peer == client => Some(left.clone()),
            _ => None,
        })
    }

    /// Waits until a connection has joined; gives how many ticks were made before.
    pub fn wait_for_joined(&mut self) -> u64 {
        self.wait_for(|event| match event {
            Event::Joined { tick, .. } => Some(*tick),
            _ => None,
        })
    }

    /// Waits for its end; gives all events, including those seen before.
    pub fn wait(mut self) -> (ExitStatus, Vec<Event>) {
        let status = self.process.wait();
        let mut events = std::mem::take(&mut self.seen);
        events.extend(self.events.iter());
        (status, events)
    }

    /// Ctrl-C, and its end, which has to be successful; gives all events.
    pub fn end(self) -> Vec<Event> {
        self.signal(Signal::SIGINT);
        let (status, events) = self.wait();
        assert!(status.success(), "{status}");
        events
    }

    /// How many descriptors it has open.
    pub fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.process.child.id())).unwrap().count()
    }
}

impl Drop for Standalone {
    fn drop(&mut self) {
        let _ = self.process.child.kill();
        if std::thread::panicking() {
            self.seen.extend(self.events.try_iter());
            eprintln!("the server logged: {:#?}", self.seen);
        }
    }
}

/// What the server writes to stderr about arguments that it cannot use; it has to end with 2.
pub fn refusal_of(command: &mut Command) -> String {
    let Output { status, stderr, .. } = command.output().unwrap();
    let text = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(2), "{text}");
    text
}

/// All connections that have left.
pub fn left(events: &[Event]) -> Vec<&Left> {
    let left = events.iter().filter_map(|event| match event {
        Event::Left(left) => Some(left),
        _ => None,
    });
    left.collect()
}
