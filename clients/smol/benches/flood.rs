//! The client's own loop beside a bare smol + async-tungstenite loop that only
//! counts, over loopback with the same bytes. The client has to reach 0.85 of
//! it.

#![allow(dead_code, unused_imports, reason = "the client's main and tests are not called here")]

#[path = "../src/main.rs"]
mod client;

use async_tungstenite::WebSocketStream;
use async_tungstenite::tungstenite::{Message, protocol::Role};
use client_kit::testing::{Flood, plan, session};
use client_kit::{ClientPlan, End};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use futures_util::StreamExt;
use smol::net::TcpStream;
use std::time::{Duration, Instant};
use tick::{Format, Sample};

const TICKS: u64 = 1_000_000;

async fn socket(stream: std::net::TcpStream) -> WebSocketStream<TcpStream> {
    let stream = TcpStream::try_from(stream).expect("a reactor");
    WebSocketStream::from_raw_socket(stream, Role::Client, Some(client::config())).await
}

/// Counts messages and does nothing with them.
fn bare(flood: &Flood) -> Duration {
    let begin = Instant::now();
    let (stream, writer) = flood.start();
    let reader = smol::spawn(async move {
        let (mut socket, mut count) = (socket(stream).await, 0);
        while let Some(Ok(message)) = socket.next().await {
            match message {
                Message::Close(_) => break,
                _ => count += 1,
            }
        }
        count
    });
    let count: u64 = smol::block_on(reader);
    let spent = begin.elapsed();
    writer.join().expect("the writer");
    assert_eq!(count, flood.ticks());
    spent
}

/// The client: every tick checked, every 997th stamped.
fn smol(flood: &Flood) -> Duration {
    let sample = Sample { first: 498, stride: 997 };
    let session = session(ClientPlan { sample, ..plan("ws://127.0.0.1:1/", Format::Binary) });
    let (_, mut taker) = session.quietly_ready();
    let begin = Instant::now();
    let (stream, writer) = flood.start();
    let reader = smol::spawn(async move {
        let end = client::read(&mut socket(stream).await, &mut taker).await;
        (end, taker)
    });
    let (end, taker) = smol::block_on(reader);
    let spent = begin.elapsed();
    writer.join().expect("the writer");
    let (_, books) = taker.finish(end.clone()).into_report().expect("a whole run");
    assert_eq!((end, books.processed, books.gaps), (End::Close(1000), flood.ticks(), 0));
    spent
}

fn flood(c: &mut Criterion) {
    let flood = Flood::new(TICKS);
    let mut group = c.benchmark_group("loopback flood");
    group.throughput(Throughput::Elements(TICKS)).sample_size(20);
    group.bench_function("bare smol + async-tungstenite", |b| {
        b.iter_custom(|runs| (0..runs).map(|_| bare(&flood)).sum());
    });
    group.bench_function("smol client", |b| {
        b.iter_custom(|runs| (0..runs).map(|_| smol(&flood)).sum());
    });
    group.finish();

    client_kit::testing::pairs("smol", || bare(&flood), || smol(&flood));
}

criterion_group!(benches, flood);
criterion_main!(benches);
