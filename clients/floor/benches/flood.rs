//! The floor's own loop beside a bare loop of `read`, over loopback with the
//! same bytes. The floor has to reach half of it.

#![allow(dead_code, unused_imports, reason = "the client's main and tests are not called here")]

#[path = "../src/main.rs"]
mod client;

use client::frames::FrameReader;
use client_kit::testing::{Flood, plan, session};
use client_kit::{ClientPlan, End, MAX_MESSAGE_BYTES};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::io::Read;
use std::time::{Duration, Instant};
use tick::{Format, Sample};

const TICKS: u64 = 4_000_000;

/// The bytes once through a loop that does not look at them.
fn bare(flood: &Flood) -> Duration {
    let mut buffer = vec![0; client::BUFFER_BYTES];
    let begin = Instant::now();
    let (mut stream, writer) = flood.start();
    let mut left = flood.bytes();
    while left > 0 {
        left -= stream.read(&mut buffer).expect("loopback") as u64;
    }
    let spent = begin.elapsed();
    writer.join().expect("the writer");
    spent
}

/// The same bytes through the client, every tick checked, every 997th stamped.
fn floor(flood: &Flood) -> Duration {
    let sample = Sample { first: 498, stride: 997 };
    let session = session(ClientPlan { sample, ..plan("ws://127.0.0.1:1/", Format::Binary) });
    let (_, mut taker) = session.quietly_ready();
    let frames = FrameReader::new(client::BUFFER_BYTES, MAX_MESSAGE_BYTES, &[]);
    let begin = Instant::now();
    let (mut stream, writer) = flood.start();
    let end = client::read(&mut stream, frames, &mut taker);
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
    group.bench_function("bare read loop", |b| {
        b.iter_custom(|runs| (0..runs).map(|_| bare(&flood)).sum());
    });
    group.bench_function("floor", |b| {
        b.iter_custom(|runs| (0..runs).map(|_| floor(&flood)).sum());
    });
    group.finish();

    client_kit::testing::pairs("floor", || bare(&flood), || floor(&flood));
}

criterion_group!(benches, flood);
criterion_main!(benches);
