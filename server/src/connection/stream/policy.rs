//! When a consumer is behind, and what becomes of the ticks that wait for it then. Pure
//! arithmetic; the stream applies it.

use contract::{Policy, SlowConsumer};
use tick::{Format, Schedule};

/// The limit of a policy on a command line that gives none, in bytes.
const DEFAULT_BYTES: u64 = 1 << 20;

/// A policy with its limits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// What happens to a consumer that is behind.
    pub policy: Policy,
    /// Behind: more bytes wait than this.
    pub bytes: Option<u64>,
    /// Behind: the oldest waiting tick was made longer ago than this, in ns.
    pub age_ns: Option<u64>,
}

/// Why a policy cannot be applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    /// A plan with a policy that acts, but never would.
    #[error("a policy needs a limit: give slow_consumer.bytes or slow_consumer.ms")]
    NoLimit,
    /// Limits of a policy that never acts.
    #[error(
        "queue and block have no limit: leave out --behind-bytes and --behind-ms, or choose another policy"
    )]
    UnusedLimit,
    /// Several consumers that would all set the pace.
    #[error(
        "the policy `block` is for one connection, which sets the pace, but the plan has {connections}"
    )]
    SeveralBlock {
        /// How many the plan has.
        connections: usize,
    },
    /// A flood, in which the slowest consumer sets the pace.
    #[error(
        "under a flood nobody falls behind, because the slowest connection sets the pace: choose a rate, or leave the policy at `queue`"
    )]
    Flood,
    /// A lossy policy in a format in which clients cannot detect a loss.
    #[error(
        "the classic formats have no seq, so that clients could not detect a dropped tick: choose binary or json"
    )]
    NoSeq,
}

/// What waits for a consumer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waiting {
    /// In bytes.
    pub bytes: u64,
    /// How long ago the oldest of it was made, in ns; 0 when nothing waits.
    pub age_ns: u64,
}

impl std::fmt::Display for Waiting {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let ms = self.age_ns as f64 / 1e6;
        write!(f, "{} bytes waited for the client, the oldest for {ms:.1} ms", self.bytes)
    }
}

impl Limits {
    /// The limits of a plan.
    ///
    /// # Errors
    /// A policy that cannot be applied to this load.
    pub fn from_plan(
        slow: Option<SlowConsumer>,
        schedule: Schedule,
        format: Format,
        connections: usize,
    ) -> Result<Self, PolicyError> {
        let Some(SlowConsumer { policy, bytes, ms }) = slow else { return Ok(Self::default()) };
        if acts(policy) && bytes.is_none() && ms.is_none() {
            return Err(PolicyError::NoLimit);
        }
        if policy == Policy::Block && connections != 1 {
            return Err(PolicyError::SeveralBlock { connections });
        }
        Self::new(policy, bytes, ms).check(schedule, format)
    }

    /// The limits of a command line: 1 MiB where it gives none.
    ///
    /// # Errors
    /// A policy that cannot be applied to this load, or limits of a policy that has none.
    pub fn from_args(
        policy: Policy,
        bytes: Option<u64>,
        ms: Option<u64>,
        schedule: Schedule,
        format: Format,
    ) -> Result<Self, PolicyError> {
        if !acts(policy) && (bytes.is_some() || ms.is_some()) {
            return Err(PolicyError::UnusedLimit);
        }
        let bytes = bytes.or(ms.is_none().then_some(DEFAULT_BYTES));
        Self::new(policy, bytes, ms).check(schedule, format)
    }

    fn new(policy: Policy, bytes: Option<u64>, ms: Option<u64>) -> Self {
        Self { policy, bytes, age_ns: ms.map(|ms| ms.saturating_mul(1_000_000)) }
    }

    fn check(self, schedule: Schedule, format: Format) -> Result<Self, PolicyError> {
        if self.policy != Policy::Queue && !schedule.is_open_loop() {
            return Err(PolicyError::Flood);
        }
        let has_no_seq = matches!(format, Format::ClassicBinary | Format::ClassicJson);
        if self.policy.is_lossy() && has_no_seq {
            return Err(PolicyError::NoSeq);
        }
        Ok(self)
    }

    /// Whether a consumer is behind.
    #[must_use]
    pub fn is_behind(&self, waiting: Waiting) -> bool {
        self.bytes.is_some_and(|most| waiting.bytes > most)
            || self.age_ns.is_some_and(|most| waiting.age_ns > most)
    }

    /// Whether a consumer that was behind has caught up: to half of the limits, so that
    /// drops are some time apart.
    #[must_use]
    pub fn is_caught_up(&self, waiting: Waiting) -> bool {
        self.bytes.is_none_or(|most| waiting.bytes <= most / 2)
            && self.age_ns.is_none_or(|most| waiting.age_ns <= most / 2)
    }
}

/// Whether a policy does something to a consumer that is behind.
fn acts(policy: Policy) -> bool {
    policy.is_lossy() || policy == Policy::Disconnect
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Schedule = Schedule::Rate { rate_per_s: 5 };

    fn slow(policy: Policy, bytes: Option<u64>, ms: Option<u64>) -> Option<SlowConsumer> {
        Some(SlowConsumer { policy, bytes, ms })
    }

    #[test]
    fn behind_is_beyond_either_limit_and_caught_up_is_half_of_both() {
        let limits = Limits { policy: Policy::DropOldest, bytes: Some(100), age_ns: Some(60) };
        let waiting = |bytes, age_ns| Waiting { bytes, age_ns };
        assert!(!limits.is_behind(waiting(100, 60)));
        assert!(limits.is_behind(waiting(101, 0)) && limits.is_behind(waiting(0, 61)));
        assert!(limits.is_caught_up(waiting(50, 30)));
        assert!(!limits.is_caught_up(waiting(51, 0)) && !limits.is_caught_up(waiting(0, 31)));
        assert!(!Limits::default().is_behind(waiting(u64::MAX, u64::MAX)));
    }

    #[test]
    fn a_policy_that_does_not_fit_the_plan_is_refused() {
        let of = Limits::from_plan;
        let binary = Format::Binary;
        let drops = slow(Policy::DropNewest, Some(5), None);
        assert_eq!(of(None, Schedule::Flood, binary, 9), Ok(Limits::default()));
        assert!(of(drops, RATE, binary, 9).is_ok());
        assert!(of(slow(Policy::Block, None, None), RATE, binary, 1).is_ok());
        let blocks = slow(Policy::Block, None, None);
        let unlimited = slow(Policy::Conflate, None, None);
        for (error, slow, schedule, format) in [
            (PolicyError::Flood, drops, Schedule::Flood, binary),
            (PolicyError::NoSeq, drops, RATE, Format::ClassicJson),
            (PolicyError::NoLimit, unlimited, RATE, binary),
            (PolicyError::SeveralBlock { connections: 2 }, blocks, RATE, binary),
        ] {
            assert_eq!(of(slow, schedule, format, 2), Err(error));
        }
        let disconnects = slow(Policy::Disconnect, Some(5), None);
        let allowed = of(disconnects, RATE, Format::ClassicJson, 2);
        assert!(allowed.is_ok(), "no tick is missing before the end");
    }

    #[test]
    fn a_command_line_without_a_limit_gets_a_megabyte() {
        let of = |policy, bytes, ms| Limits::from_args(policy, bytes, ms, RATE, Format::Json);
        assert_eq!(of(Policy::Conflate, None, None).unwrap().bytes, Some(DEFAULT_BYTES));
        for policy in [Policy::Queue, Policy::Block] {
            assert!(of(policy, None, None).is_ok());
            assert_eq!(of(policy, Some(1), None), Err(PolicyError::UnusedLimit));
            assert_eq!(of(policy, None, Some(1)), Err(PolicyError::UnusedLimit));
        }
        let timed = of(Policy::Conflate, None, Some(3)).unwrap();
        assert_eq!((timed.bytes, timed.age_ns), (None, Some(3_000_000)));
    }
}
