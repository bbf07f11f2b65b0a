//! The clients of the soak test: each counts the ticks that it gets by walking the frames
//! (RFC 6455, 5.2), and leaves in its own way.

use std::io::{ErrorKind, Read, Result, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How a client reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// All that has come, a few hundred times per second.
    Steady,
    /// Less than what comes: a backlog grows.
    Slow,
    /// Nothing.
    Stalled,
}

/// Between two reads.
const PAUSE: Duration = Duration::from_millis(3);
/// What a slow client takes between two of its pauses: about 3 MB/s.
const SLOW_BYTES: usize = 32 * 1024;
const SLOW_PAUSE: Duration = Duration::from_millis(10);
/// How soon a client that waits for bytes sees the signal to leave.
const WAIT: Duration = Duration::from_millis(100);
/// A server that does not answer a close frame within this time has failed.
const PATIENCE: Duration = Duration::from_secs(20);
/// The offset of the seq in the payload of a tick (format `binary`).
const SEQ_AT: usize = 20;

/// Tells clients to leave.
#[derive(Debug, Default)]
pub struct LeaveSignal(AtomicBool);

impl LeaveSignal {
    /// From now on.
    pub fn raise(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A client that is to connect.
#[derive(Debug, Clone, Copy)]
pub struct Client {
    pub kind: Kind,
    /// How long it stays.
    pub stay: Duration,
    /// Whether it leaves by a close handshake, or resets the connection.
    pub closes: bool,
}

/// What became of a client.
#[derive(Debug)]
pub struct Visit {
    /// Its address, which the server logs.
    pub local: SocketAddr,
    pub kind: Kind,
    /// Whether it leaves by a close handshake.
    pub closes: bool,
    /// Ticks that it got.
    pub received: u64,
    pub first_seq: Option<u64>,
    /// Seqs that were not one more than the seq before.
    pub gaps: u64,
    /// Whether the close frame came, and nothing after it.
    pub was_closed: bool,
    /// Any other error.
    pub fault: Option<String>,
}

impl Client {
    /// The client with a number: half of all are steady and close properly.
    pub fn drawn(seed: u64, number: u64) -> Self {
        let draw = |what: u64| mix(seed ^ mix(number ^ mix(what)));
        let kind = match draw(1) % 10 {
            0..=6 => Kind::Steady,
            7..=8 => Kind::Slow,
            _ => Kind::Stalled,
        };
        let stay = Duration::from_millis(200 + draw(2) % 7_800);
        Self { kind, stay, closes: kind != Kind::Stalled && !draw(3).is_multiple_of(4) }
    }

    /// Connects, stays and leaves.
    pub fn visit(self, address: &str, leave_signal: &LeaveSignal) -> Visit {
        let socket = TcpStream::connect(address).expect("the server listens");
        socket.set_read_timeout(Some(WAIT)).expect("a socket");
        let mut visit = Visit {
            local: socket.local_addr().expect("connected"),
            kind: self.kind,
            closes: self.closes,
            received: 0,
            first_seq: None,
            gaps: 0,
            was_closed: false,
            fault: None,
        };
        match self.stay(socket, leave_signal, &mut visit) {
            // Cut off, or the server has failed, which its exit code shows.
            Err(e) if matches!(e.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => {}
            Err(error) => visit.fault = Some(error.to_string()),
            Ok(()) => {}
        }
        visit
    }

    fn stay(
        self,
        mut socket: TcpStream,
        leave_signal: &LeaveSignal,
        visit: &mut Visit,
    ) -> Result<()> {
        handshake(&mut socket)?;
        let begin = Instant::now();
        let mut reader = Reader { bytes: Vec::new(), last_seq: None };
        let mut left: Option<Instant> = None;
        let mut buffer = vec![0; 256 * 1024];
        loop {
            let is_time = begin.elapsed() >= self.stay || leave_signal.0.load(Ordering::Relaxed);
            if is_time && left.is_none() {
                if !self.closes {
                    return abandon(&socket);
                }
                send(&mut socket, 8, &1000u16.to_be_bytes())?;
                left = Some(Instant::now());
            }
            if left.is_some_and(|since| since.elapsed() > PATIENCE) {
                return Err(std::io::Error::other("its close frame was not answered"));
            }
            let room = match (self.kind, left) {
                (Kind::Stalled, None) => {
                    std::thread::sleep(WAIT);
                    continue;
                }
                (Kind::Slow, None) => SLOW_BYTES,
                _ => buffer.len(),
            };
            match socket.read(&mut buffer[..room]) {
                // Cut off, or the server has ended.
                Ok(0) => return Ok(()),
                Ok(count) => reader.bytes.extend_from_slice(&buffer[..count]),
                Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(e) => return Err(e),
            }
            if reader.walk(&mut socket, left.is_some(), visit)? {
                return Ok(());
            }
            std::thread::sleep(if self.kind == Kind::Slow && left.is_none() {
                SLOW_PAUSE
            } else {
                PAUSE
            });
        }
    }
}

/// Ends a connection like a process that is killed: unread bytes are lost, and the kernel
/// sends a reset.
fn abandon(socket: &TcpStream) -> Result<()> {
    socket2::SockRef::from(socket).set_linger(Some(Duration::ZERO))
}

fn handshake(socket: &mut TcpStream) -> Result<()> {
    let request = "GET /ticks HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    socket.set_read_timeout(Some(PATIENCE))?;
    socket.write_all(request.as_bytes())?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        socket.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    socket.set_read_timeout(Some(WAIT))
}

/// A control frame, masked with zeros.
fn send(socket: &mut TcpStream, opcode: u8, payload: &[u8]) -> Result<()> {
    let head = [0x80 | opcode, 0x80 | payload.len() as u8, 0, 0, 0, 0];
    socket.write_all(&[&head, payload].concat())
}

/// Bytes that have come and are not yet a complete frame.
struct Reader {
    bytes: Vec<u8>,
    last_seq: Option<u64>,
}

impl Reader {
    /// Handles all complete frames; true after the close frame.
    fn walk(
        &mut self,
        socket: &mut TcpStream,
        is_leaving: bool,
        visit: &mut Visit,
    ) -> Result<bool> {
        let (mut at, mut closed) = (0, false);
        while let Some(&[first, second]) = self.bytes.get(at..at + 2).and_then(|b| b.first_chunk())
        {
            let Some(payload) = self.bytes.get(at + 2..at + 2 + usize::from(second)) else { break };
            match (first, second) {
                (0x82, 28) => {
                    let seq = payload[SEQ_AT..].try_into().map(u64::from_le_bytes).unwrap_or(0);
                    visit.gaps += u64::from(self.last_seq.is_some_and(|last| seq != last + 1));
                    visit.first_seq.get_or_insert(seq);
                    visit.received += 1;
                    self.last_seq = Some(seq);
                }
                // Nothing may follow the client's close frame (RFC 6455, 5.5.1).
                (0x89, _) if is_leaving => {}
                (0x89, 0..=125) => send(socket, 10, payload)?,
                (0x88, 0..=125) => {
                    if !is_leaving {
                        send(socket, 8, payload)?;
                    }
                    closed = true;
                }
                _ => {
                    let what = format!("a frame that begins {first:#x} {second:#x}");
                    return Err(std::io::Error::other(what));
                }
            }
            at += 2 + usize::from(second);
            if closed && at < self.bytes.len() {
                return Err(std::io::Error::other("bytes after the close frame"));
            }
        }
        self.bytes.drain(..at);
        visit.was_closed = closed;
        Ok(closed)
    }
}

/// The mixing step of `SplitMix64` (Steele, Lea, Flood 2014): a client depends on the seed
/// and its number only.
fn mix(n: u64) -> u64 {
    let n = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}
