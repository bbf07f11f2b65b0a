//! A client's own loop beside a bare loop of its library.

use super::loopback::Flood;
use criterion::{Criterion, Throughput};
use std::time::Duration;

/// Measures both loops with criterion, then in turns, so that a machine that changes its
/// speed changes both, and prints the median of the ratios of their times.
pub fn compare_with_bare_loop(
    criterion: &mut Criterion,
    flood: &Flood,
    client: &str,
    bare: impl Fn() -> Duration,
    own: impl Fn() -> Duration,
) {
    let mut group = criterion.benchmark_group("loopback flood");
    group.throughput(Throughput::Elements(flood.ticks())).sample_size(20);
    group.bench_function(format!("bare loop for {client}"), |b| {
        b.iter_custom(|runs| (0..runs).map(|_| bare()).sum());
    });
    group.bench_function(client, |b| {
        b.iter_custom(|runs| (0..runs).map(|_| own()).sum());
    });
    group.finish();
    print_ratio(client, bare, own);
}

fn print_ratio(client: &str, bare: impl Fn() -> Duration, own: impl Fn() -> Duration) {
    const PAIRS: usize = 15;
    let pair = |_| bare().as_secs_f64() / own().as_secs_f64();
    let mut ratios: Vec<f64> = (0..PAIRS).map(pair).collect();
    ratios.sort_by(f64::total_cmp);
    let median = ratios[PAIRS / 2];
    println!("{client} reaches {median:.2} of the bare loop (median of {PAIRS} pairs)");
}
