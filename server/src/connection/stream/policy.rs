//! When a consumer is behind, and what becomes of the ticks that wait for it then. Pure
//! arithmetic; the stream carries it out.

use contract::{Policy, SlowConsumer};
use tick::{Format, Schedule};

/// The limit of a policy on the command line that gives none, in bytes.
const DEFAULT_BYTES: u64 = 1 << 20;

/// A policy with its limits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Limits {
    /// What happens to a consumer that is behind.
    pub policy: Policy,
    /// Behind is who has more waiting, in bytes.
    pub bytes: Option<u64>,
    /// Behind is whose oldest waiting tick was made so long ago, in ns.
    pub age_ns: Option<u64>,
}

/// What waits for a consumer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Waiting {
    /// In bytes.
    pub bytes: u64,
    /// Since when the oldest of it waits, in ns; 0: nothing does.
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
    /// A policy that cannot be carried out under such a load, in words.
    pub fn of_plan(
        slow: Option<SlowConsumer>,
        schedule: Schedule,
        format: Format,
        connections: usize,
    ) -> Result<Self, String> {
        let Some(SlowConsumer { policy, bytes, ms }) = slow else { return Ok(Self::default()) };
        let limits = Self { policy, bytes, age_ns: ms.map(|ms| ms.saturating_mul(1_000_000)) };
        let acts = policy.is_lossy() || policy == Policy::Disconnect;
        if acts && bytes.is_none() && ms.is_none() {
            return Err(
                "a policy needs a limit: give slow_consumer.bytes or slow_consumer.ms".into()
            );
        }
        if policy == Policy::Block && connections != 1 {
            return Err(format!(
                "the policy `block` is for one connection, which sets the pace, but the plan has {connections}"
            ));
        }
        limits.fits(schedule, format)
    }

    /// The limits of a command line: 1 MiB where neither is given.
    ///
    /// # Errors
    /// As above, and for limits of a policy that has none.
    pub fn by_hand(
        policy: Policy,
        bytes: Option<u64>,
        ms: Option<u64>,
        schedule: Schedule,
        format: Format,
    ) -> Result<Self, String> {
        let acts = policy.is_lossy() || policy == Policy::Disconnect;
        if !acts && (bytes.is_some() || ms.is_some()) {
            return Err("queue and block have no limit: leave out --behind-bytes and --behind-ms, or choose another policy".into());
        }
        let age_ns = ms.map(|ms| ms.saturating_mul(1_000_000));
        let bytes = bytes.or(age_ns.is_none().then_some(DEFAULT_BYTES));
        Self { policy, bytes, age_ns }.fits(schedule, format)
    }

    fn fits(self, schedule: Schedule, format: Format) -> Result<Self, String> {
        if self.policy != Policy::Queue && !schedule.is_open_loop() {
            return Err("under a flood nobody falls behind, for the slowest sets the pace: choose a rate, or leave the policy at `queue`".into());
        }
        let counts = matches!(format, Format::ClassicBinary | Format::ClassicJson);
        if self.policy.is_lossy() && counts {
            return Err("the classic formats have no seq, so that a drop could not be told from what comes next: choose binary or json".into());
        }
        Ok(self)
    }

    /// Whether a consumer is behind.
    #[must_use]
    pub fn is_behind(&self, waiting: Waiting) -> bool {
        self.bytes.is_some_and(|most| waiting.bytes > most)
            || self.age_ns.is_some_and(|most| waiting.age_ns > most)
    }

    /// Whether one that was behind has caught up: to half of the limits, so that one
    /// drop follows another only after some time.
    #[must_use]
    pub fn is_caught_up(&self, waiting: Waiting) -> bool {
        self.bytes.is_none_or(|most| waiting.bytes <= most / 2)
            && self.age_ns.is_none_or(|most| waiting.age_ns <= most / 2)
    }
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
    fn what_cannot_be_carried_out_is_refused() {
        let of = |slow, schedule, format, connections| {
            Limits::of_plan(slow, schedule, format, connections)
                .map_err(|error| error.split([',', ':']).next().unwrap_or_default().to_owned())
        };
        let binary = Format::Binary;
        let drops = slow(Policy::DropNewest, Some(5), None);
        assert_eq!(of(None, Schedule::Flood, binary, 9), Ok(Limits::default()));
        assert!(of(drops, RATE, binary, 9).is_ok());
        assert!(of(slow(Policy::Block, None, None), RATE, binary, 1).is_ok());
        for (error, slow, schedule, format) in [
            ("under a flood nobody falls behind", drops, Schedule::Flood, binary),
            ("the classic formats have no seq", drops, RATE, Format::ClassicJson),
            ("a policy needs a limit", slow(Policy::Conflate, None, None), RATE, binary),
            (
                "the policy `block` is for one connection",
                slow(Policy::Block, None, None),
                RATE,
                binary,
            ),
        ] {
            assert_eq!(of(slow, schedule, format, 2), Err(error.to_owned()));
        }
        let cuts = slow(Policy::Disconnect, Some(5), None);
        assert!(of(cuts, RATE, Format::ClassicJson, 2).is_ok(), "nothing is missed before the end");
    }

    #[test]
    fn by_hand_a_megabyte_is_the_limit_where_none_is_given() {
        let by_hand =
            |bytes, ms| Limits::by_hand(Policy::Conflate, bytes, ms, RATE, Format::Json).unwrap();
        assert_eq!(by_hand(None, None).bytes, Some(DEFAULT_BYTES));
        for policy in [Policy::Queue, Policy::Block] {
            let of = |bytes, ms| Limits::by_hand(policy, bytes, ms, RATE, Format::Json);
            assert!(of(None, None).is_ok());
            assert!(of(Some(1), None).is_err() && of(None, Some(1)).is_err(), "no such limits");
        }
        let timed = by_hand(None, Some(3));
        assert_eq!((timed.bytes, timed.age_ns), (None, Some(3_000_000)));
    }
}
