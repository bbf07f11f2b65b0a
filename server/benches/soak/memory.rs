//! Whether memory stays flat: the Theil–Sen slope over the second half of the run, with its
//! distribution-free interval (Sen 1968, "Estimates of the regression coefficient based on
//! Kendall's tau"), against a bound that is fixed beforehand.

use crate::server::Usage;
use std::time::Duration;

/// Memory may grow by no more than this within the second half of a run, in bytes.
const GROWTH_BYTES: f64 = 4.0 * 1024.0 * 1024.0;
/// The most points for the slope. Each is the minimum of an interval: what is left when
/// the log is freed.
const POINTS: usize = 60;
/// The normal quantile of a 95 % interval.
const Z: f64 = 1.96;
/// Descriptors that handshakes in progress may take in addition.
const HANDSHAKES: usize = 8;

/// What the server used, second by second.
pub struct Memory {
    before: Usage,
    taken: Vec<(f64, Usage)>,
}

impl Memory {
    /// `before`: without connections.
    pub fn new(before: Usage) -> Self {
        Self { before, taken: Vec::new() }
    }

    /// Adds what the server uses at an instant.
    pub fn take(&mut self, at: Duration, usage: Usage) {
        self.taken.push((at.as_secs_f64(), usage));
    }

    /// Prints the results; gives whether memory is flat and no descriptor is leaked.
    /// `settled`: after all connections have ended.
    pub fn judge(&self, settled: Usage, crowd: usize) -> bool {
        let (is_flat, text) = self.slope();
        println!("memory: {text}");
        let peak = self.taken.iter().map(|(_, usage)| usage.memory_bytes).max().unwrap_or(0);
        println!(
            "  before the first client {} KiB, most {} KiB, after the last {} KiB",
            self.before.memory_bytes / 1024,
            peak / 1024,
            settled.memory_bytes / 1024
        );
        let most = self.taken.iter().map(|(_, usage)| usage.descriptors).max().unwrap_or(0);
        let (first, last) = (self.before.descriptors, settled.descriptors);
        let holds = last == first && most <= first + crowd + HANDSHAKES;
        println!(
            "descriptors: {first} before, most {most}, {last} after: {}",
            if holds { "none is leaked" } else { "LEAKED" }
        );
        is_flat && holds
    }

    fn slope(&self) -> (bool, String) {
        let half = &self.taken[self.taken.len() / 2..];
        let points = minima(half);
        if points.len() < 10 {
            return (true, "too short for a slope".to_owned());
        }
        let (slope, [low, high]) = theil_sen(&points);
        let seconds = half[half.len() - 1].0 - half[0].0;
        let bound = GROWTH_BYTES / seconds;
        let verdict = match () {
            () if low > bound => "it GROWS",
            () if high <= bound => "flat",
            () => "no growth seen, but too short to be sure",
        };
        let kib = |bytes: f64| bytes / 1024.0;
        let text = format!(
            "{:+.1} KiB/s [{:+.1}, {:+.1}] over the last {seconds:.0} s ({} points), bound {:+.1} KiB/s: {verdict}",
            kib(slope),
            kib(low),
            kib(high),
            points.len(),
            kib(bound)
        );
        (low <= bound, text)
    }
}

/// The minimum of each interval, at its middle.
fn minima(taken: &[(f64, Usage)]) -> Vec<(f64, f64)> {
    let interval = taken.len().div_ceil(POINTS).max(1);
    let whole = taken.chunks_exact(interval);
    whole
        .map(|part| {
            let least = part.iter().map(|(_, usage)| usage.memory_bytes).min().unwrap_or(0);
            (part[part.len() / 2].0, least as f64)
        })
        .collect()
}

/// The median of the slopes of all pairs of points, and its interval.
fn theil_sen(points: &[(f64, f64)]) -> (f64, [f64; 2]) {
    let pairs = points
        .iter()
        .enumerate()
        .flat_map(|(i, a)| points[i + 1..].iter().map(move |b| (b.1 - a.1) / (b.0 - a.0)));
    let mut slopes: Vec<f64> = pairs.collect();
    slopes.sort_by(f64::total_cmp);
    let (n, count) = (points.len() as f64, slopes.len() as f64);
    let reach = Z * (n * (n - 1.0) * (2.0 * n + 5.0) / 18.0).sqrt();
    let at = |place: f64| slopes[(place.max(0.0) as usize).min(slopes.len() - 1)];
    (at(count / 2.0), [at((count - reach) / 2.0), at((count + reach) / 2.0)])
}
