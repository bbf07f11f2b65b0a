//! What the server's tests share: the real binary as a child or by hand, and
//! clients over real sockets.

#![allow(dead_code)] // each test file uses its own part

pub mod http;

use contract::{
    Empty, Fresh, FromServer, Lines, Samples, ServerFinal, ServerPlan, Start, ToServer, Version,
};
use socket2::{Domain, Socket, Type};
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::Receiver;
use std::time::{Duration, Instant};
use tick::{Format, Sample, Schedule};
use tungstenite::{Message, WebSocket};

pub mod noted;

pub const BINARY: &str = env!("CARGO_BIN_EXE_tick-server");

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

/// The server as a child under the contract. Ended when dropped.
pub struct Served {
    process: Child,
    pub stdin: Option<ChildStdin>,
    lines: Lines<BufReader<ChildStdout>>,
    pub url: String,
}

impl Served {
    pub fn spawn() -> (Child, ChildStdin, Lines<BufReader<ChildStdout>>) {
        Self::spawn_with(&[])
    }

    pub fn spawn_with(args: &[&str]) -> (Child, ChildStdin, Lines<BufReader<ChildStdout>>) {
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

    pub fn new(plan: &ServerPlan) -> Self {
        Self::with(plan, &[])
    }

    /// With arguments.
    pub fn with(plan: &ServerPlan, args: &[&str]) -> Self {
        let (process, mut stdin, mut lines) = Self::spawn_with(args);
        contract::write(&mut stdin, &ToServer::Plan(plan.clone())).unwrap();
        assert!(matches!(lines.next_line().unwrap(), Some(FromServer::Hello(_))));
        let Some(FromServer::Listening(at)) = lines.next_line().unwrap() else { panic!("no URL") };
        Self { process, stdin: Some(stdin), lines, url: at.url }
    }

    pub fn address(&self) -> String {
        self.url.trim_start_matches("ws://").trim_end_matches("/ticks").to_owned()
    }

    pub fn tell(&mut self, line: &ToServer) {
        contract::write(self.stdin.as_mut().unwrap(), line).unwrap();
    }

    pub fn hear(&mut self) -> Option<FromServer> {
        self.lines.next_line().unwrap()
    }

    /// After the client has connected: tick 0 is due in 20 ms.
    pub fn start(&mut self) -> u64 {
        self.start_all(1)
    }

    /// The same with several connections.
    pub fn start_all(&mut self, connections: usize) -> u64 {
        for _ in 0..connections {
            assert!(matches!(self.hear(), Some(FromServer::Connected(_))));
        }
        let at_ns = tick::clock::now_ns() + 20_000_000;
        self.tell(&ToServer::Start(Start { at_ns }));
        at_ns
    }

    pub fn stop(&mut self) {
        self.tell(&ToServer::Stop(Empty {}));
    }

    /// Its report, and its exit.
    pub fn report(self) -> (Vec<[u64; 3]>, ServerFinal) {
        let (rows, fresh, last) = self.whole_report();
        assert!(fresh.is_empty(), "it made every message anew");
        (rows, last)
    }

    /// The same with the seqs at which messages were made anew.
    pub fn whole_report(mut self) -> (Vec<[u64; 3]>, Vec<u64>, ServerFinal) {
        let (mut rows, mut fresh) = (Vec::new(), Vec::new());
        loop {
            match self.hear() {
                Some(FromServer::Samples(Samples { rows: more, .. })) => rows.extend(more),
                Some(FromServer::Fresh(Fresh { seqs })) => {
                    assert!(seqs.len() <= contract::SAMPLES_PER_LINE);
                    fresh.extend(seqs);
                }
                Some(FromServer::Final(last)) => {
                    assert_eq!(self.hear(), None);
                    assert!(self.process.wait().unwrap().success());
                    return (rows, fresh, last);
                }
                other => panic!("{other:?} in the report"),
            }
        }
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Starts the server by hand; with its first line on stderr, and the rest of that.
pub fn by_hand(args: &[&str]) -> (Child, String, BufReader<ChildStderr>) {
    let mut command = Command::new(BINARY);
    command.args(["--port", "0"]).args(args).stderr(Stdio::piped());
    let mut process = command.spawn().unwrap();
    let mut stderr = BufReader::new(process.stderr.take().unwrap());
    let mut first = String::new();
    stderr.read_line(&mut first).unwrap();
    (process, first.trim_end().to_owned(), stderr)
}

/// Ends a wait that has gone wrong; no test depends on how long one takes.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The server by hand. Ended when dropped.
pub struct ByHand {
    pub process: Child,
    pub url: String,
    /// What it says, line by line, as a thread of its own reads it.
    said: Receiver<String>,
}

impl ByHand {
    pub fn new(args: &[&str]) -> Self {
        let (process, url, stderr) = by_hand(args);
        let (say, said) = std::sync::mpsc::channel();
        std::thread::spawn(move || {
            let mut lines = stderr.lines().map_while(Result::ok);
            lines.all(|line| say.send(line).is_ok());
        });
        Self { process, url, said }
    }

    pub fn address(&self) -> String {
        self.url.trim_start_matches("ws://").trim_end_matches("/ticks").to_owned()
    }

    pub fn signal(&self, signal: nix::sys::signal::Signal) {
        let pid = nix::unistd::Pid::from_raw(self.process.id() as i32);
        nix::sys::signal::kill(pid, signal).unwrap();
    }

    /// Waits until it says a line with these words, and not for ever.
    pub fn hear(&mut self, words: &str) -> String {
        let deadline = Instant::now() + PATIENCE;
        let mut others = Vec::new();
        loop {
            match self.said.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) if line.contains(words) => return line,
                Ok(line) => others.push(line),
                Err(end) => panic!("it never said `{words}` ({end}), but {others:#?}"),
            }
        }
    }
}

impl Drop for ByHand {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        if std::thread::panicking() {
            eprintln!("the server said: {:#?}", self.said.iter().collect::<Vec<_>>());
        }
    }
}

/// A client that waits for something to read or write, and not for ever.
pub fn connect(url: &str) -> WebSocket<TcpStream> {
    open(url, None)
}

/// The same with little room in its kernel's queue.
pub fn narrow(url: &str, receive_buffer_bytes: usize) -> WebSocket<TcpStream> {
    open(url, Some(receive_buffer_bytes))
}

fn open(url: &str, receive_buffer_bytes: Option<usize>) -> WebSocket<TcpStream> {
    let address = url.trim_start_matches("ws://").split('/').next().unwrap();
    let socket = dial(address, receive_buffer_bytes);
    socket.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    socket.set_write_timeout(Some(PATIENCE)).unwrap();
    tungstenite::client(url, socket).unwrap().0
}

/// A socket whose receive buffer is set before it is connected. Were it made smaller
/// later, its kernel would have promised more room than there is: it would drop what
/// comes, and the acknowledgements of what was sent with it.
pub fn dial(address: &str, receive_buffer_bytes: Option<usize>) -> TcpStream {
    let address: SocketAddr = address.parse().unwrap();
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None).unwrap();
    receive_buffer_bytes.map_or(Ok(()), |n| socket.set_recv_buffer_size(n)).unwrap();
    socket.connect(&address.into()).unwrap();
    socket.into()
}

/// Reads to the close frame: the payloads, and the close code.
pub fn read_all(
    socket: &mut WebSocket<impl std::io::Read + std::io::Write>,
) -> (Vec<Vec<u8>>, u16) {
    let (mut payloads, mut code) = (Vec::new(), 0);
    loop {
        match socket.read() {
            Ok(Message::Binary(payload)) => payloads.push(payload.to_vec()),
            Ok(Message::Text(text)) => payloads.push(text.as_bytes().to_vec()),
            Ok(Message::Close(Some(frame))) => code = frame.code.into(),
            Ok(_) => {}
            Err(tungstenite::Error::ConnectionClosed) => return (payloads, code),
            Err(e) => panic!("after {} ticks: {e}", payloads.len()),
        }
    }
}
