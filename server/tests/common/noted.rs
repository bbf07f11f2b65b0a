//! The server by hand, started by any command, with its words in the test's hands.

use super::BINARY;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::thread::JoinHandle;

/// A running server. Ended when dropped.
pub struct Noted {
    pub process: Child,
    pub url: String,
    /// What it says, unread.
    pub stderr: Option<BufReader<ChildStderr>>,
}

impl Noted {
    pub fn new(args: &[&str]) -> Self {
        let mut command = Command::new(BINARY);
        command.args(["--port", "0"]).args(args);
        Self::started(command)
    }

    pub fn started(mut command: Command) -> Self {
        let spawned = command.stdin(Stdio::null()).stderr(Stdio::piped()).spawn();
        let mut process = spawned.unwrap();
        let mut stderr = BufReader::new(process.stderr.take().unwrap());
        let mut url = String::new();
        stderr.read_line(&mut url).unwrap();
        Self { process, url: url.trim().to_owned(), stderr: Some(stderr) }
    }

    /// `HOST:PORT`.
    pub fn address(&self) -> &str {
        self.url.trim_start_matches("ws://").trim_end_matches("/ticks")
    }

    /// Reads all that it says until it ends.
    pub fn words(&mut self) -> JoinHandle<String> {
        let mut stderr = self.stderr.take().unwrap();
        std::thread::spawn(move || {
            let mut said = String::new();
            stderr.read_to_string(&mut said).unwrap();
            said
        })
    }

    /// Descriptors that it has open.
    pub fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.process.id())).unwrap().count()
    }

    /// Ctrl-C, and its end.
    pub fn end(&mut self) {
        kill(Pid::from_raw(self.process.id() as i32), Signal::SIGINT).unwrap();
        assert!(self.process.wait().unwrap().success());
    }
}

impl Drop for Noted {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
