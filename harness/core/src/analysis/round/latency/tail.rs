//! The slowest ticks of a round, kept one by one, so that those of several rounds can be put
//! together. Pure.

use crate::analysis::statistics::times::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One of so many ticks is kept.
const ONE_OF: usize = 200;
/// At least so many, if there are as many.
const LEAST: usize = 10;

/// The upper tail of the response times of a round.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Tail {
    /// Of so many ticks.
    pub samples: usize,
    /// The longest response times in ns, descending; of a tick that still waited its lower bound.
    pub longest_ns: Vec<u64>,
    /// The shortest of those lower bounds; `None`: no tick still waited. From there on all
    /// quantiles are lower bounds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub least_waiting_ns: Option<u64>,
}

impl Tail {
    /// Of these response times; `None` without any.
    #[must_use]
    pub fn of(responses: &[(u64, Time)]) -> Option<Self> {
        let samples = responses.len();
        let mut longest_ns: Vec<u64> = responses.iter().map(|(_, time)| time.bound_ns()).collect();
        longest_ns.sort_unstable_by(|a, b| b.cmp(a));
        longest_ns.truncate((samples / ONE_OF).max(LEAST));
        let waiting = responses.iter().filter(|(_, time)| time.is_censored());
        let least_waiting_ns = waiting.map(|(_, time)| time.bound_ns()).min();
        (samples > 0).then_some(Self { samples, longest_ns, least_waiting_ns })
    }

    /// Whether all of its ticks are kept.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        self.longest_ns.len() == self.samples
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_are_kept_in_order() {
        let all: Vec<_> = (0..20_000).map(|ns| (ns, Time::Exact(ns * 7 % 20_000))).collect();
        let tail = Tail::of(&all).unwrap();
        let expected: Vec<u64> = (0..100).map(|index| 19_999 - index).collect();
        assert_eq!((tail.longest_ns.clone(), tail.samples), (expected, 20_000));
        assert!(!tail.is_whole() && tail.least_waiting_ns.is_none());
        let few = [(0, Time::Exact(3)), (1, Time::AtLeast { at_least: 2 })];
        let tail = Tail::of(&few).unwrap();
        assert!(tail.is_whole());
        assert_eq!((tail.longest_ns, tail.least_waiting_ns), (vec![3, 2], Some(2)));
        assert_eq!(Tail::of(&[]), None);
    }
}
