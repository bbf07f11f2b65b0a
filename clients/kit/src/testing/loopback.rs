//! A flood over loopback for benches: frames as fast as the reader takes them.

use super::session::session;
use crate::ticks::{End, Processor};
use conformance::plan;
use contract::ClientPlan;
use std::io::Write;
use std::net::{TcpListener, TcpStream};
use std::thread::{JoinHandle, spawn};
use std::time::{Duration, Instant};
use tick::{Format, Framer, Sample};

/// Frames are written in chunks of about this size.
const CHUNK_BYTES: usize = 128 << 10;
/// Which ticks the client stamps, about as many as in a round.
const SAMPLE: Sample = Sample { first: 498, stride: 997 };

/// A number of ticks, encoded once.
#[derive(Debug)]
pub struct Flood {
    bytes: &'static [u8],
    ticks: u64,
}

impl Flood {
    /// `ticks` binary ticks as frames, then a close frame with code 1000. Kept in memory
    /// until the process ends.
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

    /// How long `read` takes for all of it, on a connection without a handshake.
    ///
    /// # Panics
    /// When there is no loopback, or `read` ends too early.
    pub fn time<T>(&self, read: impl FnOnce(TcpStream) -> T) -> (Duration, T) {
        let begin = Instant::now();
        let (stream, writer) = self.start();
        let result = read(stream);
        let spent = begin.elapsed();
        writer.join().expect("the writer");
        (spent, result)
    }

    /// How long a loop takes that only counts the messages.
    ///
    /// # Panics
    /// When it does not count all of them.
    pub fn time_bare(&self, count: impl FnOnce(TcpStream) -> u64) -> Duration {
        let (spent, count) = self.time(count);
        assert_eq!(count, self.ticks);
        spent
    }

    /// How long a client's own loop takes: every tick checked, every 997th stamped.
    ///
    /// # Panics
    /// When it does not process all of them to the close frame.
    pub fn time_client(
        &self,
        read: impl FnOnce(TcpStream, Processor) -> (End, Processor),
    ) -> Duration {
        let plan = ClientPlan { sample: SAMPLE, ..plan("ws://127.0.0.1:1/", Format::Binary) };
        let (_, processor) = session(plan).ready_without_output();
        let (spent, (end, processor)) = self.time(|stream| read(stream, processor));
        let (_, report) = processor.finish(end.clone()).into_report().expect("a whole run");
        assert_eq!((end, report.processed, report.gaps), (End::Close(1000), self.ticks, 0));
        spent
    }

    /// A connection on which all of it comes, and the thread that writes it.
    fn start(&self) -> (TcpStream, JoinHandle<()>) {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
        let stream = TcpStream::connect(listener.local_addr().expect("bound")).expect("loopback");
        let (mut to, _) = listener.accept().expect("the connection above");
        stream.set_nodelay(true).expect("a socket option");
        to.set_nodelay(true).expect("a socket option");
        let bytes = self.bytes;
        let writer = spawn(move || {
            for chunk in bytes.chunks(CHUNK_BYTES) {
                to.write_all(chunk).expect("the reader reads to the end");
            }
        });
        (stream, writer)
    }
}
