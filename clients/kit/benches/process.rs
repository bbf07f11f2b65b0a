//! The cost of the kit per tick, beside decoding alone, for each format; and the cost of
//! sampling. The kit may cost 10 ns per unsampled tick above decoding.

use client_kit::testing::{plan, session};
use client_kit::{ClientPlan, Processor};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;
use std::ops::Range;
use std::time::{Duration, Instant};
use tick::{Format, Market, Sample, Tick, cents};

const TICKS: u64 = 1 << 16;
/// Beyond the run: nothing is sampled.
const NEVER: Sample = Sample { first: 1 << 40, stride: 997 };

/// The payloads of one run, one after another, as in a read buffer.
struct Payloads {
    bytes: Vec<u8>,
    ranges: Vec<Range<usize>>,
}

impl Payloads {
    fn new(format: Format) -> Self {
        let market = Market::new(1);
        let (mut bytes, mut ranges) = (Vec::new(), Vec::new());
        for seq in 0..TICKS {
            let (symbol, cents) = market.tick(seq);
            let tick = Tick { symbol, price: cents as f64 / 100.0, ts: seq as i64 * 1000, seq };
            let from = bytes.len();
            format.encode(&tick, &mut bytes);
            ranges.push(from..bytes.len());
        }
        Self { bytes, ranges }
    }

    fn iter(&self) -> impl Iterator<Item = &[u8]> {
        self.ranges.iter().map(|range| &self.bytes[range.clone()])
    }
}

fn processor(format: Format, sample: Sample) -> Processor {
    session(ClientPlan { sample, ..plan("ws://127.0.0.1:1/", format) }).ready_without_output().1
}

/// Runs with a new processor each; only the processing is timed.
fn process(runs: u64, payloads: &Payloads, format: Format, sample: Sample) -> Duration {
    let mut spent = Duration::ZERO;
    for _ in 0..runs {
        let mut processor = processor(format, sample);
        let begin = Instant::now();
        for payload in payloads.iter() {
            let flow = match format.is_text() {
                true => processor.process_text(std::str::from_utf8(payload).expect("JSON")),
                false => processor.process_binary(payload),
            };
            if flow.is_break() {
                break;
            }
        }
        spent += begin.elapsed();
        black_box(&processor);
    }
    spent
}

fn per_format(c: &mut Criterion) {
    for format in Format::ALL {
        let payloads = Payloads::new(format);
        let mut group = c.benchmark_group(format.to_string());
        group.throughput(Throughput::Elements(TICKS));
        group.bench_function("decode", |b| {
            b.iter(|| {
                let decoded = payloads.iter().zip(0..).map(|(p, n)| format.decode(p, n));
                decoded.map(|tick| cents(tick.expect("a tick").price)).sum::<u64>()
            });
        });
        group.bench_function("process", |b| {
            b.iter_custom(|runs| process(runs, &payloads, format, NEVER));
        });
        group.finish();
    }
}

fn sampled(c: &mut Criterion) {
    let payloads = Payloads::new(Format::Binary);
    let mut group = c.benchmark_group("binary, sampled");
    group.throughput(Throughput::Elements(TICKS));
    for stride in [997, 23, 1] {
        let sample = Sample { first: 0, stride };
        group.bench_function(format!("every {stride}"), |b| {
            b.iter_custom(|runs| process(runs, &payloads, Format::Binary, sample));
        });
    }
    group.finish();
}

criterion_group!(benches, per_format, sampled);
criterion_main!(benches);
