//! How fast ticks are sent: the flood of the server to a client that only reads, with and
//! without metrics, beside a bare loop of `write_all` with the same bytes. The ratio is the
//! cost of pacing, encoding and counting. And the log by itself.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};
use tick::{Format, Framer, Market};
use tick_server::log::segments::{Log, SEGMENT_BYTES};

/// Ticks of one iteration.
const TICKS: u64 = 1_000_000;
const FRAME_BYTES: u64 = 30;
const READ_BYTES: usize = 256 * 1024;

/// Reads the bytes of so many iterations; gives how long that took.
fn read(socket: &mut TcpStream, buffer: &mut [u8], iterations: u64) -> Duration {
    let began = Instant::now();
    let mut left = iterations * TICKS * FRAME_BYTES;
    while left > 0 {
        let count = socket.read(buffer).expect("a live connection") as u64;
        assert!(count > 0, "the writer has ended");
        left = left.saturating_sub(count);
    }
    began.elapsed()
}

fn bare() -> TcpStream {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let reader = TcpStream::connect(listener.local_addr().expect("bound")).expect("loopback");
    let (mut writer, _) = listener.accept().expect("a client");
    let mut frames = Vec::new();
    Framer::new(Format::Binary, Market::new(1), 0).append(0..4000, |seq| seq, &mut frames);
    // Ends by itself when the reader is dropped.
    std::thread::spawn(move || while writer.write_all(&frames).is_ok() {});
    reader
}

fn handshake(address: &str) -> TcpStream {
    let mut socket = TcpStream::connect(address).expect("the server listens");
    let request = "GET /ticks HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    socket.write_all(request.as_bytes()).expect("a live connection");
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        socket.read_exact(&mut byte).expect("an answer");
        head.push(byte[0]);
    }
    socket
}

fn serve(more: &[&str]) -> Child {
    Command::new(env!("CARGO_BIN_EXE_tick-server"))
        .args(["--rate", "flood", "--port", "0", "--duration", "600"])
        .args(more)
        .stderr(Stdio::piped())
        .spawn()
        .expect("the server")
}

fn flood(c: &mut Criterion) {
    let mut group = c.benchmark_group("flood");
    group.throughput(Throughput::Elements(TICKS)).sample_size(20);
    let mut buffer = vec![0; READ_BYTES];

    let mut socket = bare();
    group.bench_function("bare write_all", |b| {
        b.iter_custom(|iterations| read(&mut socket, &mut buffer, iterations));
    });
    drop(socket);

    for (name, more) in [("server", &[][..]), ("with metrics", &["--metrics", "127.0.0.1:0"])] {
        let mut server = serve(more);
        let mut url = String::new();
        let mut stderr = BufReader::new(server.stderr.take().expect("piped"));
        stderr.read_line(&mut url).expect("the server logs its address");
        let address = url.trim().trim_start_matches("ws://").trim_end_matches("/ticks").to_owned();
        let mut socket = handshake(&address);
        group.bench_function(name, |b| {
            b.iter_custom(|iterations| read(&mut socket, &mut buffer, iterations));
        });
        server.kill().expect("it runs");
        server.wait().expect("it ends");
    }
    group.finish();
}

fn log(c: &mut Criterion) {
    let mut group = c.benchmark_group("log");
    for format in Format::ALL {
        let mut log = Log::new(Framer::new(format, Market::new(1), 0));
        let count = log.ticks_per_segment();
        group.throughput(Throughput::Elements(count));
        group.bench_function(format.to_string(), |b| {
            b.iter(|| {
                log.append(count, |seq| seq);
                log.free_before(log.end().saturating_sub(SEGMENT_BYTES as u64));
            });
        });
    }
    group.finish();
}

criterion_group!(benches, flood, log);
criterion_main!(benches);
