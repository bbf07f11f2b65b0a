//! The cost of handing a message from one thread to another through crossbeam, bounded and
//! unbounded, with the payload that the clients use.

use client_kit::Stamp;
use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use crossbeam_channel::{Receiver, Sender, bounded, unbounded};
use std::thread::scope;
use std::time::{Duration, Instant};
use tungstenite::{Bytes, Message};

type Item = (Stamp, Message);

const MESSAGES: usize = 200_000;
const TICK_BYTES: usize = 28;

/// Slices of shared blocks, as tungstenite cuts them out of its read buffer.
fn messages() -> Vec<Message> {
    let per_block = client_kit::READ_BUFFER_BYTES / TICK_BYTES;
    let mut block = Bytes::new();
    let cut = |index: usize| {
        let index = index % per_block;
        if index == 0 {
            block = Bytes::from(vec![1; client_kit::READ_BUFFER_BYTES]);
        }
        Message::Binary(block.slice(index * TICK_BYTES..(index + 1) * TICK_BYTES))
    };
    (0..MESSAGES).map(cut).collect()
}

fn hand_over((sender, receiver): (Sender<Item>, Receiver<Item>)) -> Duration {
    let messages = messages();
    let begin = Instant::now();
    let count = scope(|scope| {
        scope.spawn(move || {
            for message in messages {
                sender.send((Stamp::default(), message)).expect("the worker receives");
            }
        });
        receiver.iter().filter(|(_, message)| message.is_binary()).count()
    });
    assert_eq!(count, MESSAGES);
    begin.elapsed()
}

fn handoff(c: &mut Criterion) {
    let mut group = c.benchmark_group("hand-off between threads");
    group.throughput(Throughput::Elements(MESSAGES as u64)).sample_size(20);
    for bound in [256, 65_536] {
        group.bench_function(BenchmarkId::new("bounded", bound), |b| {
            b.iter_custom(|runs| (0..runs).map(|_| hand_over(bounded(bound))).sum());
        });
    }
    group.bench_function("unbounded", |b| {
        b.iter_custom(|runs| (0..runs).map(|_| hand_over(unbounded())).sum());
    });
    group.finish();
}

criterion_group!(benches, handoff);
criterion_main!(benches);
