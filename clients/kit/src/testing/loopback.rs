//! A flood over loopback for benches: frames as fast as the reader takes them.

use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::thread::{JoinHandle, spawn};
use std::time::Duration;
use tick::{Format, Framer};

/// Frames are written in pieces of about so many bytes.
const PIECE_BYTES: usize = 128 << 10;

/// A run of ticks, encoded once.
#[derive(Debug)]
pub struct Flood {
    bytes: &'static [u8],
    ticks: u64,
}

impl Flood {
    /// `ticks` binary ticks as frames, then a close frame with code 1000. Kept
    /// in memory until the process ends.
    #[must_use]
    pub fn new(ticks: u64) -> Self {
        let mut bytes = Vec::new();
        let framer = Framer::new(Format::Binary, conformance::market(), 0);
        framer.append(0..ticks, |seq| seq, &mut bytes);
        bytes.extend_from_slice(&[0x88, 2, 3, 232]);
        Self { bytes: bytes.leak(), ticks }
    }

    /// How many ticks.
    #[must_use]
    pub fn ticks(&self) -> u64 {
        self.ticks
    }

    /// How many bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes.len() as u64
    }

    /// A connection on which all of it comes, without a handshake, and the
    /// thread that writes it.
    ///
    /// # Panics
    /// When there is no loopback.
    #[must_use]
    pub fn start(&self) -> (TcpStream, JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
        let stream = TcpStream::connect(listener.local_addr().expect("bound")).expect("loopback");
        let (mut to, _) = listener.accept().expect("the connection above");
        stream.set_nodelay(true).expect("a socket option");
        to.set_nodelay(true).expect("a socket option");
        let bytes = self.bytes;
        let writer = spawn(move || {
            for piece in bytes.chunks(PIECE_BYTES) {
                to.write_all(piece).expect("the reader reads to the end");
            }
        });
        (stream, writer)
    }
}

/// Runs a bare loop and a client's own turn about, so that a machine that changes its
/// speed changes both, and prints the median of the ratios of their times.
pub fn pairs(client: &str, bare: impl Fn() -> Duration, own: impl Fn() -> Duration) {
    const PAIRS: usize = 15;
    let pair = |_| bare().as_secs_f64() / own().as_secs_f64();
    let mut ratios: Vec<f64> = (0..PAIRS).map(pair).collect();
    ratios.sort_by(f64::total_cmp);
    let median = ratios[PAIRS / 2];
    println!("{client} reaches {median:.2} of the bare loop (median of {PAIRS} pairs)");
}
