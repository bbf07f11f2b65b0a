//! The pauses of the machine's CPUs while they were idle.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;

/// The shortest pause that counts, in ns.
pub const SHORTEST_PAUSE_NS: u64 = 100_000;
/// A pause of this length is a long one, in ns.
const LONG_NS: u64 = 1_000_000;

/// The pauses of one CPU while a loop spun on it and nothing of a round ran.
#[derive(Debug, Clone, PartialEq, JsonSchema, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Jitter {
    /// The number of the CPU.
    pub cpu: usize,
    /// How long it was probed, in s.
    pub seconds: f64,
    /// Share of that time that was spent in pauses of 0.1 ms or more.
    pub paused_share: f64,
    /// Pauses of 1 ms or more, per second.
    pub long_per_s: f64,
    /// The longest pause, in ns; 0 without any.
    pub longest_ns: u64,
}

impl Jitter {
    /// From the pauses of one CPU over a time, in ns.
    #[must_use]
    pub fn of(cpu: usize, lasted_ns: u64, pauses_ns: &[u64]) -> Self {
        let seconds = lasted_ns.max(1) as f64 / 1e9;
        let long = pauses_ns.iter().filter(|&&ns| ns >= LONG_NS).count();
        Self {
            cpu,
            seconds,
            paused_share: pauses_ns.iter().sum::<u64>() as f64 / lasted_ns.max(1) as f64,
            long_per_s: long as f64 / seconds,
            longest_ns: pauses_ns.iter().copied().max().unwrap_or(0),
        }
    }
}

impl fmt::Display for Jitter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { cpu, paused_share, long_per_s, longest_ns, .. } = self;
        write!(
            f,
            "CPU {cpu}: {:.2} % of its time in pauses, {long_per_s:.1} pauses above 1 ms a second, longest {:.1} ms",
            paused_share * 100.0,
            *longest_ns as f64 / 1e6
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_become_shares_and_counts() {
        let jitter = Jitter::of(1, 2_000_000_000, &[200_000, 3_000_000, 16_800_000]);
        assert_eq!(
            jitter.to_string(),
            "CPU 1: 1.00 % of its time in pauses, 1.0 pauses above 1 ms a second, longest 16.8 ms"
        );
        assert_eq!(Jitter::of(0, 0, &[]).longest_ns, 0);
    }
}
