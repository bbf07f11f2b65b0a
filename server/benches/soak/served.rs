//! The server by hand as a process: its address, what it says, what it uses.

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
pub struct Served {
    process: Child,
    address: String,
    words: Option<JoinHandle<Vec<String>>>,
}

impl Served {
    /// Starts it, and reads all that it says.
    pub fn start(rate: u64, log_ceiling: u64) -> Self {
        let mut process = Command::new(env!("CARGO_BIN_EXE_tick-server"))
            .args(["--port", "0", "--rate", &rate.to_string()])
            .args(["--log-ceiling", &log_ceiling.to_string()])
            .stdin(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the server");
        let mut lines = BufReader::new(process.stderr.take().expect("piped")).lines();
        let url = lines.next().expect("its address").expect("text");
        let address = url.trim_start_matches("ws://").trim_end_matches("/ticks").to_owned();
        let words = std::thread::spawn(move || lines.map_while(Result::ok).collect());
        Self { process, address, words: Some(words) }
    }

    /// Where it listens.
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

    /// Tells it to go away, and gives all that it said.
    pub fn end(&mut self) -> Vec<String> {
        kill(Pid::from_raw(self.process.id() as i32), Signal::SIGINT).expect("it runs");
        let status = self.process.wait().expect("it ends");
        let words = self.words.take().expect("ended once").join().expect("a reader");
        assert!(status.success(), "the server ended with {status}; it said: {:?}", words.last());
        words
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
