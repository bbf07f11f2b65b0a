//! The server as a child that speaks the contract.

use super::BINARY;
use contract::{
    Empty, Fresh, FromServer, Lines, Samples, ServerFinal, ServerPlan, Start, ToServer, Version,
};
use std::io::BufReader;
use std::process::{Child, ChildStdin, ChildStdout, Command, Output, Stdio};
use tick::{Format, Sample, Schedule};

/// A plan of a short, light run.
pub fn plan(schedule: Schedule, duration_ms: u64) -> ServerPlan {
    ServerPlan {
        contract: Version,
        format: Format::Binary,
        seed: 11,
        schedule,
        tape: None,
        connections: 1,
        duration_ns: duration_ms * 1_000_000,
        sample: Sample { first: 3, stride: 7 },
        send_buffer_bytes: None,
        congestion: None,
        listener_fd: None,
        spin: false,
        slow_consumer: None,
        threads: 1,
        tls: None,
        log_ceiling_bytes: 1 << 30,
        meter: None,
        connect_deadline_ms: 5_000,
        deadline_ms: 20_000,
    }
}

pub fn rate(rate_per_s: u64) -> Schedule {
    Schedule::Rate { rate_per_s }
}

/// Everything that a server reports after a run, for all connections together.
pub struct Report {
    /// `[seq, encoded_ns, written_ns]` of sampled ticks.
    pub rows: Vec<[u64; 3]>,
    /// The seqs at which messages were made anew.
    pub fresh: Vec<u64>,
    /// `[first, count]` of dropped ticks.
    pub dropped: Vec<[u64; 2]>,
    pub last: ServerFinal,
}

/// A running child, which is killed when dropped.
pub struct ChildServer {
    process: Child,
    pub stdin: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStdout>>,
    pub url: String,
}

impl ChildServer {
    pub fn new(plan: &ServerPlan) -> Self {
        Self::with_args(plan, &[])
    }

    pub fn with_args(plan: &ServerPlan, args: &[&str]) -> Self {
        let (process, mut stdin, mut lines) = spawn(args);
        contract::write(&mut stdin, &ToServer::Plan(plan.clone())).unwrap();
        assert!(matches!(lines.next_line().unwrap(), Some(FromServer::Hello(_))));
        let Some(FromServer::Listening(at)) = lines.next_line().unwrap() else { panic!("no URL") };
        Self { process, stdin: Some(stdin), lines, url: at.url }
    }

    /// `HOST:PORT`.
    pub fn address(&self) -> &str {
        super::clients::address(&self.url)
    }

    /// The URL of one connection of several.
    pub fn url_of(&self, connection: usize) -> String {
        format!("{}?connection={connection}", self.url)
    }

    pub fn send(&mut self, line: &ToServer) {
        contract::write(self.stdin.as_mut().unwrap(), line).unwrap();
    }

    pub fn receive(&mut self) -> Option<FromServer> {
        self.lines.next_line().unwrap()
    }

    /// Starts the run once its client has connected: tick 0 is due in 20 ms.
    pub fn start(&mut self) -> u64 {
        self.start_all(1)
    }

    /// The same with several connections.
    pub fn start_all(&mut self, connections: usize) -> u64 {
        for _ in 0..connections {
            assert!(matches!(self.receive(), Some(FromServer::Connected(_))));
        }
        let at_ns = tick::clock::now_ns() + 20_000_000;
        self.send(&ToServer::Start(Start { at_ns }));
        at_ns
    }

    pub fn stop(&mut self) {
        self.send(&ToServer::Stop(Empty {}));
    }

    /// Its report; then it has to end with 0.
    pub fn report(mut self) -> Report {
        let (mut rows, mut fresh, mut dropped) = (Vec::new(), Vec::new(), Vec::new());
        loop {
            match self.receive() {
                Some(FromServer::Samples(Samples { rows: more, .. })) => rows.extend(more),
                Some(FromServer::Fresh(Fresh { seqs })) => {
                    assert!(seqs.len() <= contract::SAMPLES_PER_LINE);
                    fresh.extend(seqs);
                }
                Some(FromServer::Dropped(contract::Dropped { connection: 0, ranges })) => {
                    assert!(ranges.len() <= contract::SAMPLES_PER_LINE);
                    dropped.extend(ranges);
                }
                Some(FromServer::Final(last)) => {
                    assert_eq!(self.receive(), None);
                    assert!(self.process.wait().unwrap().success());
                    return Report { rows, fresh, dropped, last };
                }
                other => panic!("{other:?} in the report"),
            }
        }
    }
}

impl Drop for ChildServer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Starts a child that has no plan yet.
fn spawn(args: &[&str]) -> (Child, ChildStdin, Lines<BufReader<ChildStdout>>) {
    let mut process = Command::new(BINARY)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let stdin = process.stdin.take().unwrap();
    let lines = Lines::new(BufReader::new(process.stdout.take().unwrap()));
    (process, stdin, lines)
}

/// What the server writes to stderr when the first line is not a plan that it can use: one
/// line. It has to write nothing to stdout, and to end with 2.
pub fn refusal_of_line(line: &str, args: &[&str]) -> String {
    let (process, mut stdin, mut lines) = spawn(args);
    std::io::Write::write_all(&mut stdin, line.as_bytes()).unwrap();
    drop(stdin);
    assert_eq!(lines.next_line::<FromServer>().unwrap(), None);
    let Output { status, stderr, .. } = process.wait_with_output().unwrap();
    let text = String::from_utf8(stderr).unwrap();
    assert_eq!(status.code(), Some(2), "{text}");
    assert_eq!(text.trim().lines().count(), 1, "{text}");
    text
}

/// The same for a plan.
pub fn refusal_of_plan(plan: &ServerPlan, args: &[&str]) -> String {
    refusal_of_line(&serde_json::to_string(&ToServer::Plan(plan.clone())).unwrap(), args)
}
