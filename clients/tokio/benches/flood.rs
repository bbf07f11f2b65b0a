//! The client's own loop beside a bare tokio-tungstenite loop that only
//! counts, over loopback with the same bytes. The client has to reach 0.85 of
//! it.

#![allow(dead_code, unused_imports, reason = "the client's main and tests are not called here")]

#[path = "../src/main.rs"]
mod client;

use client_kit::testing::{Flood, plan, session};
use client_kit::{ClientPlan, End};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use futures_util::StreamExt;
use std::time::{Duration, Instant};
use tick::{Format, Sample};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{Message, protocol::Role};

const TICKS: u64 = 1_000_000;

async fn socket(stream: std::net::TcpStream) -> WebSocketStream<TcpStream> {
    stream.set_nonblocking(true).expect("a socket option");
    let stream = TcpStream::from_std(stream).expect("a runtime");
    WebSocketStream::from_raw_socket(stream, Role::Client, Some(client::config())).await
}

/// Counts messages and does nothing with them.
fn bare(flood: &Flood, runtime: &Runtime) -> Duration {
    let begin = Instant::now();
    let (stream, writer) = flood.start();
    let reader = runtime.spawn(async move {
        let (mut socket, mut count) = (socket(stream).await, 0);
        while let Some(Ok(message)) = socket.next().await {
            match message {
                Message::Close(_) => break,
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
fn tokio(flood: &Flood, runtime: &Runtime) -> Duration {
    let sample = Sample { first: 498, stride: 997 };
    let session = session(ClientPlan { sample, ..plan("ws://127.0.0.1:1/", Format::Binary) });
    let (_, mut taker) = session.quietly_ready();
    let begin = Instant::now();
    let (stream, writer) = flood.start();
    let reader = runtime.spawn(async move {
        let end = client::read(&mut socket(stream).await, &mut taker).await;
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
    group.bench_function("bare tokio-tungstenite", |b| {
        b.iter_custom(|runs| (0..runs).map(|_| bare(&flood, &runtime)).sum());
    });
    group.bench_function("tokio client", |b| {
        b.iter_custom(|runs| (0..runs).map(|_| tokio(&flood, &runtime)).sum());
    });
    group.finish();

    client_kit::testing::pairs("tokio", || bare(&flood, &runtime), || tokio(&flood, &runtime));
}

criterion_group!(benches, flood);
criterion_main!(benches);
