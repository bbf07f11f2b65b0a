//! The client's own loop beside a bare nexus-web loop that only counts, over
//! loopback with the same bytes.

#![allow(dead_code, unused_imports, reason = "the client's main and tests are not called here")]

#[path = "../src/main.rs"]
mod client;

use client_kit::testing::{Flood, plan, session};
use client_kit::{ClientPlan, End, MAX_MESSAGE_BYTES, READ_BUFFER_BYTES};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use nexus_web::ws::{Client, FrameReader, FrameWriter, Message, Role};
use std::net::TcpStream;
use std::time::{Duration, Instant};
use tick::{Format, Sample};

const TICKS: u64 = 4_000_000;

/// With the settings of the client, for a stream that has shaken hands.
fn socket(stream: TcpStream) -> Client<TcpStream> {
    let reader = FrameReader::builder()
        .role(Role::Client)
        .buffer_capacity(READ_BUFFER_BYTES)
        .max_frame_size(MAX_MESSAGE_BYTES as u64)
        .max_message_size(MAX_MESSAGE_BYTES)
        .build();
    Client::from_parts(stream, reader, FrameWriter::new(Role::Client))
}

/// Counts messages and does nothing with them.
fn bare(flood: &Flood) -> Duration {
    let begin = Instant::now();
    let (stream, writer) = flood.start();
    let (mut socket, mut count) = (socket(stream), 0);
    while let Ok(Some(message)) = socket.recv() {
        match message {
            Message::Close(_) => break,
            _ => count += 1,
        }
    }
    let spent = begin.elapsed();
    writer.join().expect("the writer");
    assert_eq!(count, flood.ticks());
    spent
}

/// The client: every tick checked, every 997th stamped.
fn nexus_web(flood: &Flood) -> Duration {
    let sample = Sample { first: 498, stride: 997 };
    let session = session(ClientPlan { sample, ..plan("ws://127.0.0.1:1/", Format::Binary) });
    let (_, mut taker) = session.quietly_ready();
    let begin = Instant::now();
    let (stream, writer) = flood.start();
    let end = client::read(&mut socket(stream), &mut taker);
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
    group.bench_function("bare nexus-web", |b| {
        b.iter_custom(|runs| (0..runs).map(|_| bare(&flood)).sum());
    });
    group.bench_function("nexus-web client", |b| {
        b.iter_custom(|runs| (0..runs).map(|_| nexus_web(&flood)).sum());
    });
    group.finish();

    client_kit::testing::pairs("nexus-web", || bare(&flood), || nexus_web(&flood));
}

criterion_group!(benches, flood);
criterion_main!(benches);
