//! The receiver, the same for all contenders: one thread that waits for all connections,
//! reads into one large buffer and walks the frame headers (RFC 6455, section 5.2), so that
//! messages are counted instead of bytes, and missing ones are detected.

use anyhow::{Context, Result, bail, ensure};
use hdrhistogram::Histogram;
use polling::{Event, Events, PollMode, Poller};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;
use tick::clock::now_ns;

/// The most bytes of one read.
const READ_BYTES: usize = 256 * 1024;
/// Handshakes at a time: fewer than the backlog of a listener takes.
const BATCH: usize = 64;
/// How long an answer in the handshake may take.
const HANDSHAKE: Duration = Duration::from_secs(30);
/// The response time of every 7th tick is kept: a prime.
const STRIDE: u64 = 7;
/// The longest response time that is recorded exactly, in ns.
const LONGEST_NS: u64 = 60_000_000_000;
/// A tick in the format `binary`.
const TICK_BYTES: usize = 28;

/// The connections that are read.
pub struct Receiver {
    poller: Poller,
    events: Events,
    streams: Vec<Stream>,
    buffer: Vec<u8>,
}

struct Stream {
    socket: TcpStream,
    /// The beginning of a frame that is not complete yet.
    rest: Vec<u8>,
    next_seq: Option<u64>,
    open: bool,
}

/// What was received within a window.
pub struct Count {
    /// Ticks, over all connections.
    pub ticks: u64,
    /// Ticks that are missing, over all connections.
    pub gaps: u64,
    /// Connections that ended.
    pub lost: u64,
    /// When a tick was received minus its `ts` (its due time), in ns, of every 7th tick.
    pub response_ns: Histogram<u64>,
}

impl Count {
    fn new() -> Result<Self> {
        let response_ns = Histogram::new_with_bounds(1, LONGEST_NS, 3)?;
        Ok(Self { ticks: 0, gaps: 0, lost: 0, response_ns })
    }
}

impl Receiver {
    /// Opens WebSocket connections.
    ///
    /// # Errors
    /// A server that refuses one.
    pub fn connect(address: SocketAddr, connections: u64) -> Result<Self> {
        let mut receiver = Self {
            poller: Poller::new()?,
            events: Events::new(),
            streams: Vec::new(),
            buffer: vec![0; READ_BYTES],
        };
        let mut left = usize::try_from(connections)?;
        while left > 0 {
            let opened = open(address, left.min(BATCH), |_| Ok(()));
            for (socket, rest) in
                opened.with_context(|| format!("after {} connections", receiver.streams.len()))?
            {
                socket.set_nonblocking(true)?;
                let event = Event::readable(receiver.streams.len());
                // SAFETY: sockets and poller are dropped together, the poller first.
                unsafe { receiver.poller.add_with_mode(&socket, event, PollMode::Level)? };
                receiver.streams.push(Stream { socket, rest, next_seq: None, open: true });
                left -= 1;
            }
        }
        Ok(receiver)
    }

    /// Reads all connections for some time; gives what came.
    ///
    /// # Errors
    /// A server that sends something else than ticks.
    pub fn read_for(&mut self, time: Duration) -> Result<Count> {
        self.read_first(usize::MAX, time)
    }

    /// The same with response times of the first `measured` connections only.
    ///
    /// # Errors
    /// A server that sends something else than ticks.
    pub fn read_first(&mut self, measured: usize, time: Duration) -> Result<Count> {
        let mut count = Count::new()?;
        let mut others = Count::new()?;
        let until_ns = now_ns() + time.as_nanos() as u64;
        loop {
            let left_ns = until_ns.saturating_sub(now_ns());
            if left_ns == 0 {
                count.ticks += others.ticks;
                count.gaps += others.gaps;
                count.lost += others.lost;
                return Ok(count);
            }
            self.events.clear();
            self.poller.wait(&mut self.events, Some(Duration::from_nanos(left_ns)))?;
            for event in self.events.iter() {
                let stream = &mut self.streams[event.key];
                let to = if event.key < measured { &mut count } else { &mut others };
                stream.read(&mut self.buffer, to)?;
                if !stream.open {
                    to.lost += 1;
                    self.poller.delete(&stream.socket)?;
                }
            }
        }
    }
}

impl Stream {
    /// Reads once, and handles all complete frames.
    fn read(&mut self, buffer: &mut [u8], count: &mut Count) -> Result<()> {
        let begun = self.rest.len();
        buffer[..begun].copy_from_slice(&self.rest);
        let read = match self.socket.read(&mut buffer[begun..]) {
            Ok(read) => read,
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => {
                return Ok(());
            }
            Err(_) => 0,
        };
        self.open = read > 0;
        let received_ns = now_ns();
        let mut bytes = &buffer[..begun + read];
        while let Some((opcode, payload, after)) = frame(bytes)? {
            match (opcode, payload.len()) {
                (2, TICK_BYTES) => self.take(payload, received_ns, count),
                (9, 0..126) => self.pong(payload)?,
                (8, _) => self.open = false,
                _ => bail!("opcode {opcode} with {} bytes is not a tick", payload.len()),
            }
            bytes = after;
        }
        self.rest.clear();
        self.rest.extend_from_slice(bytes);
        Ok(())
    }

    fn take(&mut self, payload: &[u8], received_ns: u64, count: &mut Count) {
        let word = |at: usize| payload[at..at + 8].try_into().map(u64::from_le_bytes);
        let (ts, seq) = (word(12).unwrap_or(0), word(20).unwrap_or(0));
        // A server that repeats or reorders ticks would be counted as losing nearly all.
        count.gaps += seq.wrapping_sub(self.next_seq.unwrap_or(seq));
        count.ticks += 1;
        self.next_seq = Some(seq + 1);
        if seq % STRIDE == 0 {
            count.response_ns.saturating_record(received_ns.saturating_sub(ts));
        }
    }

    /// Answers a ping. The mask is all zeros, which leaves the payload as it is.
    fn pong(&self, payload: &[u8]) -> Result<()> {
        let head = [0x8a, 0x80 | payload.len() as u8, 0, 0, 0, 0];
        let frame = [&head, payload].concat();
        // If it fails, the server has ended, which the next read detects.
        if let Ok(sent) = (&self.socket).write(&frame) {
            ensure!(sent == frame.len(), "the server reads no pongs");
        }
        Ok(())
    }
}

/// Opens connections at once and completes the handshake of each; `prepare` may set socket
/// options before. Gives each socket with the bytes after its handshake.
///
/// # Errors
/// A server that refuses one.
pub fn open(
    address: SocketAddr,
    count: usize,
    prepare: impl Fn(&socket2::Socket) -> std::io::Result<()>,
) -> Result<Vec<(TcpStream, Vec<u8>)>> {
    let mut sockets = Vec::with_capacity(count);
    for _ in 0..count {
        let socket = socket2::Socket::new(
            socket2::Domain::for_address(address),
            socket2::Type::STREAM,
            Some(socket2::Protocol::TCP),
        )?;
        prepare(&socket)?;
        socket.connect(&address.into()).context("connecting")?;
        let mut socket = TcpStream::from(socket);
        socket.set_nodelay(true)?;
        socket.set_read_timeout(Some(HANDSHAKE))?;
        write!(
            socket,
            "GET /ticks HTTP/1.1\r\nHost: {address}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        )?;
        sockets.push((socket, Vec::new()));
    }
    for (socket, rest) in &mut sockets {
        *rest = answer(socket)?;
    }
    Ok(sockets)
}

/// Reads the answer of the server; gives the bytes after it.
fn answer(socket: &mut TcpStream) -> Result<Vec<u8>> {
    let mut head = Vec::new();
    let mut bytes = [0; 4096];
    loop {
        let count = socket.read(&mut bytes).context("the handshake")?;
        ensure!(count > 0, "the server closed the connection within the handshake");
        head.extend_from_slice(&bytes[..count]);
        if let Some(at) = head.windows(4).position(|four| four == b"\r\n\r\n") {
            ensure!(head.starts_with(b"HTTP/1.1 101 "), "the server refused a connection");
            return Ok(head.split_off(at + 4));
        }
    }
}

/// Opcode, payload, and the bytes after the frame.
type Frame<'a> = (u8, &'a [u8], &'a [u8]);

/// The first frame of a server; `None` if it is not complete yet.
fn frame(bytes: &[u8]) -> Result<Option<Frame<'_>>> {
    let &[first, second, ref after @ ..] = bytes else { return Ok(None) };
    ensure!(
        first & 0xf0 == 0x80 && second < 126,
        "a fragmented, masked or long frame is not a tick"
    );
    let split = after.split_at_checked(usize::from(second));
    Ok(split.map(|(payload, after)| (first & 0x0f, payload, after)))
}
