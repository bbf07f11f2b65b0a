//! Whether memory stays flat: the slope after Theil and Sen over the second half, with
//! its distribution-free interval (Sen 1968, "Estimates of the regression coefficient
//! based on Kendall's tau"), against a bound that is told beforehand.

use crate::served::Usage;
use std::time::Duration;

/// Memory may grow by no more than this within the second half of a run, in bytes.
const GROWTH_BYTES: f64 = 4.0 * 1024.0 * 1024.0;
/// Points that the slope is taken of, at most. Each is the least of a stretch: what
/// stays when the log of the moment has gone again.
const POINTS: usize = 60;
/// The normal quantile of an interval of 95 %.
const Z: f64 = 1.96;
/// Descriptors that a handshake under way may take besides.
const HANDSHAKES: usize = 8;

/// What the server used, second by second.
pub struct Memory {
    before: Usage,
    taken: Vec<(f64, Usage)>,
}

impl Memory {
    /// `before`: with nobody connected yet.
    pub fn new(before: Usage) -> Self {
        Self { before, taken: Vec::new() }
    }

    /// Notes what it uses.
    pub fn take(&mut self, at: Duration, usage: Usage) {
        self.taken.push((at.as_secs_f64(), usage));
    }

    /// Prints what was seen, and says whether memory is flat and descriptors are where
    /// they should be. `settled`: with nobody connected any more.
    pub fn judge(&self, settled: Usage, crowd: usize) -> bool {
        let (is_flat, words) = self.slope();
        println!("memory: {words}");
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
            if holds { "none is kept" } else { "NOT as they should be" }
        );
        is_flat && holds
    }

    fn slope(&self) -> (bool, String) {
        let half = &self.taken[self.taken.len() / 2..];
        let points = floors(half);
        if points.len() < 10 {
            return (true, "too short to tell a slope".to_owned());
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
        let words = format!(
            "{:+.1} KiB/s [{:+.1}, {:+.1}] over the last {seconds:.0} s ({} points), bound {:+.1} KiB/s: {verdict}",
            kib(slope),
            kib(low),
            kib(high),
            points.len(),
            kib(bound)
        );
        (low <= bound, words)
    }
}

/// The least of each stretch, at its middle.
fn floors(taken: &[(f64, Usage)]) -> Vec<(f64, f64)> {
    let stretch = taken.len().div_ceil(POINTS).max(1);
    let whole = taken.chunks_exact(stretch);
    whole
        .map(|part| {
            let least = part.iter().map(|(_, usage)| usage.memory_bytes).min().unwrap_or(0);
            (part[part.len() / 2].0, least as f64)
        })
        .collect()
}

/// The median of the slopes of all pairs, and its interval.
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
