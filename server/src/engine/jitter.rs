//! Lengths of time that differ from one to the next.

use tick::mix;

/// A length between three quarters and five quarters of `mean_ns`, which follows from `key`: what
/// the server does besides writing ticks is at no fixed phase of the schedule.
#[must_use]
pub fn jittered(mean_ns: u64, key: u64) -> u64 {
    mean_ns - mean_ns / 4 + mix(key) % (mean_ns / 2).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_about_their_mean_and_follow_from_their_key() {
        let all: Vec<u64> = (0..1000).map(|key| jittered(5_000_000, key)).collect();
        assert!(all.iter().all(|ns| (3_750_000..6_250_000).contains(ns)));
        let mean_ns = all.iter().sum::<u64>() / 1000;
        assert!((4_900_000..5_100_000).contains(&mean_ns), "{mean_ns}");
        assert_eq!(jittered(5_000_000, 7), all[7]);
        assert_eq!(jittered(1, 7), 1);
    }
}
