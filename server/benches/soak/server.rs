//! The standalone server as a process: its address, its events, what it uses.

use crate::events::Event;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;

/// What a process uses at an instant.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    /// Resident memory (`VmRSS`) in bytes.
    pub memory_bytes: u64,
    /// Open descriptors.
    pub descriptors: usize,
}

/// A running server.
pub struct Server {
    process: Child,
    address: String,
    events: Option<JoinHandle<Vec<Event>>>,
}

impl Server {
    /// Starts it, and reads all events that it logs.
    pub fn start(rate: u64, log_ceiling: u64) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_tick-server"))
            .args(["--port", "0", "--log-format", "json", "--rate", &rate.to_string()])
            .args(["--log-ceiling", &log_ceiling.to_string()])
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let stderr = BufReader::new(process.stderr.take().expect("stderr is piped"));
        let mut events = stderr.lines().map_while(Result::ok).map(|line| Event::parse(&line));
        let Some(Event::Url(url)) = events.next() else { panic!("the server logged no URL") };
        let address = url.split('/').nth(2).expect("a URL has a host").to_owned();
        let events = std::thread::spawn(move || events.collect());
        Self { process, address, events: Some(events) }
    }

    /// `HOST:PORT`.
    pub fn address(&self) -> String {
        self.address.clone()
    }

    /// What it uses now.
    pub fn usage(&self) -> Usage {
        let proc = format!("/proc/{}", self.process.id());
        let status = std::fs::read_to_string(format!("{proc}/status")).expect("it runs");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("proc(5)");
        let kib: u64 = line.split_whitespace().nth(1).expect("a number").parse().expect("in KiB");
        let descriptors = std::fs::read_dir(format!("{proc}/fd")).expect("it runs").count();
        Usage { memory_bytes: kib * 1024, descriptors }
    }

    /// Ends it by SIGINT; gives all events that it logged.
    pub fn end(&mut self) -> Vec<Event> {
        kill(Pid::from_raw(self.process.id() as i32), Signal::SIGINT).expect("it runs");
        let status = self.process.wait().expect("it ends");
        let events = self.events.take().expect("it is ended once").join().expect("a reader");
        assert!(status.success(), "the server ended with {status}; last: {:?}", events.last());
        events
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
