//! The cost of a tick: generating, encoding and decoding it.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use tick::{Format, Framer, Market};

const BATCH: u64 = 4096;

fn encode(c: &mut Criterion) {
    let mut group = c.benchmark_group("encode");
    group.throughput(Throughput::Elements(BATCH));
    for format in Format::ALL {
        let framer = Framer::new(format, Market::new(1), 0);
        let mut out = Vec::with_capacity(BATCH as usize * framer.max_frame_len());
        group.bench_function(format.to_string(), |b| {
            b.iter(|| {
                out.clear();
                framer.append(0..BATCH, |seq| 1_000_000_000_000 + seq, &mut out);
                black_box(out.len())
            });
        });
    }
    group.finish();
}

fn decode(c: &mut Criterion) {
    let mut group = c.benchmark_group("decode");
    group.throughput(Throughput::Elements(BATCH));
    for format in Format::ALL {
        let framer = Framer::new(format, Market::new(1), 0);
        let payloads: Vec<Vec<u8>> = (0..BATCH)
            .map(|seq| {
                let mut frame = Vec::new();
                framer.append(seq..seq + 1, |seq| 1_000_000_000_000 + seq, &mut frame);
                frame.split_off(tick::FRAME_HEADER_BYTES)
            })
            .collect();
        group.bench_function(format.to_string(), |b| {
            b.iter(|| {
                let mut sum = 0;
                for (payload, arrival) in payloads.iter().zip(0..) {
                    sum += format.decode(black_box(payload), arrival).expect("a tick").seq;
                }
                sum
            });
        });
    }
    group.finish();
}

fn market(c: &mut Criterion) {
    let mut group = c.benchmark_group("market");
    group.throughput(Throughput::Elements(1_000_000));
    group.bench_function("checksum", |b| {
        b.iter(|| Market::new(1).checksum(black_box(0..1_000_000)));
    });
    group.finish();
}

criterion_group!(benches, encode, decode, market);
criterion_main!(benches);
