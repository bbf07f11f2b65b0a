//! The client's own loop beside a bare fastwebsockets loop that only
//! counts, over loopback with the same bytes. The client has to reach 0.85 of
//! it.

#![allow(dead_code, unused_imports, reason = "the client's main and tests are not called here")]

#[path = "../src/main.rs"]
mod client;

use client_kit::testing::{Flood, plan, session};
use client_kit::{ClientPlan, End};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use fastwebsockets::{FragmentCollector, OpCode, Role, WebSocket};
use std::time::{Duration, Instant};
use tick::{Format, Sample};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};

const TICKS: u64 = 1_000_000;

fn socket(stream: std::net::TcpStream) -> FragmentCollector<TcpStream> {
    stream.set_nonblocking(true).expect("a socket option");
    let stream = TcpStream::from_std(stream).expect("a runtime");
    client::collector(WebSocket::after_handshake(stream, Role::Client))
}

/// Counts messages and does nothing with them.
fn bare(flood: &Flood, runtime: &Runtime) -> Duration {
    let begin = Instant::now();
    let (stream, writer) = flood.start();
    let reader = runtime.spawn(async move {
        let (mut socket, mut count) = (socket(stream), 0);
        while let Ok(frame) = socket.read_frame().await {
            match frame.opcode {
                OpCode::Close => break,
                _ => count += 1,
            }
        }
        count
    });
    let count: u64 = runtime.block_on(reader).expect("the reader");
    let spent = begin.elapsed();
    writer.join().expect("the writer");
    assert_eq!(count, flood.ticks());
    spent
}

/// The client: every tick checked, every 997th stamped.
fn fastwebsockets(flood: &Flood, runtime: &Runtime) -> Duration {
    let sample = Sample { first: 498, stride: 997 };
    let session = session(ClientPlan { sample, ..plan("ws://127.0.0.1:1/", Format::Binary) });
    let (_, mut taker) = session.quietly_ready();
    let begin = Instant::now();
    let (stream, writer) = flood.start();
    let reader = runtime.spawn(async move {
        let end = client::read(&mut socket(stream), &mut taker).await;
        (end, taker)
    });
    let (end, taker) = runtime.block_on(reader).expect("the reader");
    let spent = begin.elapsed();
    writer.join().expect("the writer");
    let (_, books) = taker.finish(end.clone()).into_report().expect("a whole run");
    assert_eq!((end, books.processed, books.gaps), (End::Close(1000), flood.ticks(), 0));
    spent
}

fn flood(c: &mut Criterion) {
    let flood = Flood::new(TICKS);
    let runtime = Builder::new_multi_thread().enable_io().build().expect("a runtime");
    let mut group = c.benchmark_group("loopback flood");
    group.throughput(Throughput::Elements(TICKS)).sample_size(20);
    group.bench_function("bare fastwebsockets", |b| {
        b.iter_custom(|runs| (0..runs).map(|_| bare(&flood, &runtime)).sum());
    });
    group.bench_function("fastwebsockets client", |b| {
        b.iter_custom(|runs| (0..runs).map(|_| fastwebsockets(&flood, &runtime)).sum());
    });
    group.finish();

    client_kit::testing::pairs(
        "fastwebsockets",
        || bare(&flood, &runtime),
        || fastwebsockets(&flood, &runtime),
    );
}

criterion_group!(benches, flood);
criterion_main!(benches);
