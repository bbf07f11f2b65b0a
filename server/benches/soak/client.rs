//! The clients of the soak: each comes, counts the ticks that it gets by walking the
//! frames (RFC 6455, 5.2), and leaves in its own way.

use std::io::{ErrorKind, Read, Result, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// How a client reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Whatever has come, a few hundred times a second.
    Steady,
    /// Less than what comes: a backlog grows.
    Slow,
    /// Nothing.
    Stalled,
}

/// Between two reads.
const NAP: Duration = Duration::from_millis(3);
/// What a slow client takes between two naps of its own: about 3 MB/s.
const SLOW_BYTES: usize = 32 * 1024;
const SLOW_NAP: Duration = Duration::from_millis(10);
/// How soon a client that waits for bytes sees that it is told to leave.
const WAIT: Duration = Duration::from_millis(100);
/// A server that does not answer a close frame for so long has failed.
const PATIENCE: Duration = Duration::from_secs(20);
/// Where the seq of a tick stands in its payload (format `binary`).
const SEQ_AT: usize = 20;

/// Tells clients to leave.
#[derive(Debug, Default)]
pub struct Orders(AtomicBool);

impl Orders {
    /// From now on.
    pub fn leave(&self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// A client to come.
#[derive(Debug, Clone, Copy)]
pub struct Client {
    pub kind: Kind,
    /// How long it stays.
    pub stay: Duration,
    /// By a close handshake, or by ending the connection without a word.
    pub closes: bool,
}

/// What became of a client.
#[derive(Debug)]
pub struct Visit {
    /// Its own address, as the server names it.
    pub local: SocketAddr,
    pub kind: Kind,
    /// Whether it meant to leave by a close handshake.
    pub closes: bool,
    /// Ticks that it got, the first seq of them, and seqs that were not one more than
    /// the one before.
    pub received: u64,
    pub first_seq: Option<u64>,
    pub gaps: u64,
    /// The close frame came, and nothing after it.
    pub was_closed: bool,
    /// What else went wrong.
    pub fault: Option<String>,
}

impl Client {
    /// The client with that number: half of all are steady and close properly.
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
    pub fn visit(self, address: &str, orders: &Orders) -> Visit {
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
        match self.stay(socket, orders, &mut visit) {
            // Cut off; or the server has failed: its words tell.
            Err(e) if matches!(e.kind(), ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => {}
            Err(error) => visit.fault = Some(error.to_string()),
            Ok(()) => {}
        }
        visit
    }

    fn stay(self, mut socket: TcpStream, orders: &Orders, visit: &mut Visit) -> Result<()> {
        shake_hands(&mut socket)?;
        let begin = Instant::now();
        let mut reader = Reader { bytes: Vec::new(), last_seq: None };
        let mut left: Option<Instant> = None;
        let mut buffer = vec![0; 256 * 1024];
        loop {
            let is_time = begin.elapsed() >= self.stay || orders.0.load(Ordering::Relaxed);
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
                // Cut off as a laggard, or the server has gone.
                Ok(0) => return Ok(()),
                Ok(count) => reader.bytes.extend_from_slice(&buffer[..count]),
                Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
                Err(e) => return Err(e),
            }
            if reader.walk(&mut socket, left.is_some(), visit)? {
                return Ok(());
            }
            std::thread::sleep(if self.kind == Kind::Slow && left.is_none() {
                SLOW_NAP
            } else {
                NAP
            });
        }
    }
}

/// Ends a connection as a process that is killed does: what was not read is lost, and
/// the kernel says so by a reset.
fn abandon(socket: &TcpStream) -> Result<()> {
    socket2::SockRef::from(socket).set_linger(Some(Duration::ZERO))
}

fn shake_hands(socket: &mut TcpStream) -> Result<()> {
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

/// What has come and is not yet a whole frame.
struct Reader {
    bytes: Vec<u8>,
    last_seq: Option<u64>,
}

impl Reader {
    /// Takes all whole frames; true after the close frame.
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
                // Nothing may follow one's own close frame (RFC 6455, 5.5.1).
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

/// The mixing step of `SplitMix64` (Steele, Lea, Flood 2014): seeded, and the same for a
/// client whenever it comes.
fn mix(n: u64) -> u64 {
    let n = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}
