//! The rounds: each has every case once, in a newly shuffled order.

use crate::contender::{Contender, Load};
use crate::process::{self, Memory};
use crate::receiver::Receiver;
use anyhow::{Context, Result};
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;
use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// How cases are measured.
pub struct Setup {
    /// Where servers run; the receiver has a CPU of its own.
    pub server_cpu: usize,
    /// From the last handshake to the window.
    pub warm_up: Duration,
    /// The time in which ticks are counted.
    pub window: Duration,
    /// How often each case is measured.
    pub rounds: usize,
    /// The seed of the order.
    pub seed: u64,
}

/// A contender under a load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Case {
    /// Connections that are read.
    pub connections: u64,
    /// Ticks per second, each to every connection.
    pub rate_per_s: u64,
    /// The server.
    pub contender: Contender,
}

/// One window.
#[derive(Debug, Clone, Copy)]
pub struct Delivery {
    /// Ticks received on all connections together, per second.
    pub ticks_per_s: f64,
    /// Missing ticks per tick that came.
    pub gaps: f64,
    /// Connections that ended.
    pub lost: u64,
    /// CPU seconds of the server per second.
    pub server_cpu: f64,
    /// CPU seconds of the receiver per second.
    pub receiver_cpu: f64,
    /// The median of the response time (received − due), in ns.
    pub response_p50_ns: f64,
    /// The 99th percentile of the response time, in ns.
    pub response_p99_ns: f64,
}

/// The result or error of each case, round by round.
pub type Results<K, T> = BTreeMap<K, Vec<Result<T>>>;

/// Rates for both regimes: one tick at a time, and more than what one write per tick and
/// connection can sustain.
fn default_rates(connections: u64) -> &'static [u64] {
    match connections {
        0..=9 => &[1_000, 100_000],
        10..=99 => &[1_000, 50_000],
        100..=999 => &[1_000, 10_000, 50_000],
        _ => &[100, 1_000, 5_000],
    }
}

/// Each contender under each load; empty lists stand for the defaults.
#[must_use]
pub fn cases(contenders: &[Contender], connections: &[u64], rates: &[u64]) -> Vec<Case> {
    let connections = if connections.is_empty() { &[1, 10, 100, 1000] } else { connections };
    let mut cases = Vec::new();
    for &connections in connections {
        let rates = if rates.is_empty() { default_rates(connections) } else { rates };
        for &rate_per_s in rates {
            cases.extend(contenders.iter().map(|&contender| Case {
                connections,
                rate_per_s,
                contender,
            }));
        }
    }
    cases
}

/// Measures what is delivered, and its CPU time.
///
/// # Errors
/// When the order cannot be carried out at all; what fails for a case is in its results.
pub fn delivered(setup: &Setup, cases: &[Case]) -> Result<Results<Case, Delivery>> {
    each(setup, cases, |case| measure_delivery(setup, case))
}

/// Measures memory per idle connection, in bytes, under one tick a second.
///
/// # Errors
/// As [`delivered`].
pub fn idle(
    setup: &Setup,
    contenders: &[Contender],
    sizes: &[u64],
) -> Result<Results<Case, Memory>> {
    each(setup, &cases(contenders, sizes, &[1]), |case| measure_idle(setup, case))
}

/// Runs `measure` once for each case in each round.
fn each<T>(
    setup: &Setup,
    cases: &[Case],
    measure: impl Fn(&Case) -> Result<T>,
) -> Result<Results<Case, T>> {
    let mut random = ChaCha8Rng::seed_from_u64(setup.seed);
    let mut results: Results<Case, T> = BTreeMap::new();
    let mut block = cases.to_vec();
    for round in 1..=setup.rounds {
        let began = Instant::now();
        block.shuffle(&mut random);
        for case in &block {
            let result = measure(case);
            if let Err(error) = &result {
                eprintln!("{}: {error:#}", case.contender.name());
            }
            results.entry(*case).or_default().push(result);
        }
        eprintln!("round {round} of {}: {:.0} s", setup.rounds, began.elapsed().as_secs_f64());
    }
    Ok(results)
}

fn measure_delivery(setup: &Setup, case: &Case) -> Result<Delivery> {
    let server = case.contender.start(load(case), setup.server_cpu)?;
    let mut receiver = Receiver::connect(server.address, case.connections)?;
    receiver.read_for(setup.warm_up)?;
    let before = (process::cpu_ns_of(server.pid())?, process::own_cpu_ns()?);
    let began = Instant::now();
    let count = receiver.read_for(setup.window)?;
    let seconds = began.elapsed().as_secs_f64();
    let after = (process::cpu_ns_of(server.pid())?, process::own_cpu_ns()?);
    Ok(Delivery {
        ticks_per_s: count.ticks as f64 / seconds,
        gaps: count.gaps as f64 / count.ticks.max(1) as f64,
        lost: count.lost,
        server_cpu: (after.0 - before.0) as f64 / 1e9 / seconds,
        receiver_cpu: (after.1 - before.1) as f64 / 1e9 / seconds,
        response_p50_ns: count.response_ns.value_at_quantile(0.5) as f64,
        response_p99_ns: count.response_ns.value_at_quantile(0.99) as f64,
    })
}

/// Memory with all connections minus memory without, per connection.
fn measure_idle(setup: &Setup, case: &Case) -> Result<Memory> {
    let server = case.contender.start(load(case), setup.server_cpu)?;
    std::thread::sleep(setup.warm_up);
    let none = process::memory_of(server.pid())?;
    let mut receiver = Receiver::connect(server.address, case.connections)?;
    let count = receiver.read_for(setup.window)?;
    anyhow::ensure!(count.lost == 0, "{} connections were lost", count.lost);
    let all = process::memory_of(server.pid()).context("with all connections")?;
    let each = |all: u64, none: u64| all.saturating_sub(none) / case.connections;
    Ok(Memory {
        rss_bytes: each(all.rss_bytes, none.rss_bytes),
        pss_bytes: each(all.pss_bytes, none.pss_bytes),
    })
}

fn load(case: &Case) -> Load {
    let Case { connections, rate_per_s, .. } = *case;
    Load { rate_per_s, connections, send_buffer_bytes: None }
}
