//! What the slowest ticks of a round waited for, as far as it is known from outside of the
//! client. Pure.

use crate::analysis::round::journey::Stamps;
use crate::analysis::round::latency::explained::is_explained;
use crate::analysis::round::latency::shadow::Shadows;
use crate::analysis::round::run_delay::RunDelays;
use crate::record::disturbance::Disturbance;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::cmp::Reverse;
use std::fmt;

/// One of so many ticks is among the slowest.
const ONE_OF: usize = 1000;

/// The slowest 0.1 % of the ticks of a round, by what explains them: each counts once, by the
/// first that does.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Slowest {
    /// How many there are.
    pub ticks: usize,
    /// A disturbance took at least half of their response time.
    pub disturbed: usize,
    /// The server wrote them after at least half of it.
    pub late_write: usize,
    /// They were due during a snapshot.
    pub snapshot: usize,
    /// The client's threads waited for a CPU for at least half of their response time.
    #[serde(default)]
    pub preempted: usize,
}

/// What can explain the slowest ticks of a round.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// What was due during a snapshot.
    pub shadows: &'a Shadows,
    /// What was taken from outside.
    pub disturbances: &'a [Disturbance],
    /// When the client's threads waited for a CPU.
    pub run_delays: &'a RunDelays,
}

impl Known<'_> {
    fn is_preempted(&self, due_ns: u64, took_ns: u64) -> bool {
        let waited_ns = self.run_delays.within_ns(&(due_ns..due_ns.saturating_add(took_ns)));
        waited_ns > 0 && waited_ns >= took_ns / 2
    }
}

impl Slowest {
    /// From the stamps of the ticks due within the window of a round that began at `start_ns` and
    /// ended at `ended_ns`; `None` without any.
    #[must_use]
    pub fn of(
        stamps: impl Iterator<Item = Stamps>,
        known: Known<'_>,
        start_ns: u64,
        ended_ns: u64,
    ) -> Option<Self> {
        let mut all: Vec<(u64, Stamps)> =
            stamps.map(|stamps| (stamps.response(ended_ns).bound_ns(), stamps)).collect();
        let ticks = all.len().div_ceil(ONE_OF);
        all.sort_by_key(|(took_ns, stamps)| (Reverse(*took_ns), stamps.due_ns, stamps.seq));
        let mut found = Self { ticks, ..Self::default() };
        for (took_ns, stamps) in all.into_iter().take(ticks) {
            let from_ns = stamps.due_ns as i64 - start_ns as i64;
            let wait_ns = from_ns..from_ns.saturating_add_unsigned(took_ns);
            let late_ns = stamps.written_ns.map_or(0, |ns| ns.saturating_sub(stamps.due_ns));
            if is_explained(known.disturbances, &wait_ns) {
                found.disturbed += 1;
            } else if late_ns > 0 && late_ns >= took_ns / 2 {
                found.late_write += 1;
            } else if known.shadows.contain(stamps.due_ns) {
                found.snapshot += 1;
            } else if known.is_preempted(stamps.due_ns, took_ns) {
                found.preempted += 1;
            }
        }
        (ticks > 0).then_some(found)
    }

    /// Those of all rounds together; `None` without rounds.
    #[must_use]
    pub fn sum(rounds: impl Iterator<Item = Self>) -> Option<Self> {
        rounds.reduce(|sum, round| Self {
            ticks: sum.ticks.saturating_add(round.ticks),
            disturbed: sum.disturbed.saturating_add(round.disturbed),
            late_write: sum.late_write.saturating_add(round.late_write),
            snapshot: sum.snapshot.saturating_add(round.snapshot),
            preempted: sum.preempted.saturating_add(round.preempted),
        })
    }

    /// Those that nothing of it explains.
    #[must_use]
    pub fn unexplained(&self) -> usize {
        let parts = [self.disturbed, self.late_write, self.snapshot, self.preempted];
        parts.into_iter().fold(self.ticks, usize::saturating_sub)
    }

    /// A part of them as a share.
    #[must_use]
    pub fn share(&self, part: usize) -> f64 {
        part as f64 / self.ticks.max(1) as f64
    }
}

impl fmt::Display for Slowest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let percent = |part: usize| 100.0 * self.share(part);
        write!(
            f,
            "of the slowest 0.1 % of its ticks ({}), {:.0} % waited in a disturbance, {:.0} % for a late write of the server, {:.0} % were due during a snapshot, {:.0} % waited for a CPU of the client, {:.0} % are not explained",
            self.ticks,
            percent(self.disturbed),
            percent(self.late_write),
            percent(self.snapshot),
            percent(self.preempted),
            percent(self.unexplained()),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::disturbance::Cause;

    const MS: u64 = 1_000_000;
    const START_NS: u64 = 9_000 * MS;

    /// 4 000 ticks a ms apart take 40 µs, but for those of these numbers: `(written, processed)`
    /// after they were due.
    fn slowest(slow: &[(u64, u64, u64)], disturbances: &[Disturbance]) -> Slowest {
        let stamps = (0..4_000).map(|seq| {
            let due_ns = START_NS + seq * MS;
            let one = slow.iter().find(|(number, ..)| *number == seq);
            let (written, processed) = one.map_or((1_000, 40_000), |one| (one.1, one.2));
            Stamps {
                seq,
                due_ns,
                encoded_ns: Some(due_ns),
                written_ns: Some(due_ns + written),
                received_ns: Some(due_ns + processed),
                processed_ns: Some(due_ns + processed),
            }
        });
        let shadows = Shadows::new([(START_NS + 3_000 * MS, MS)]);
        let run_delays = RunDelays::new([
            (START_NS, 0),
            (START_NS + 1_990 * MS, 0),
            (START_NS + 2_010 * MS, 3 * MS),
        ]);
        let known = Known { shadows: &shadows, disturbances, run_delays: &run_delays };
        Slowest::of(stamps, known, START_NS, START_NS + 4_000 * MS).unwrap()
    }

    #[test]
    fn each_of_the_slowest_ticks_counts_for_what_explains_it() {
        let hog = Disturbance {
            at_ns: 100 * MS as i64,
            within_ns: 20 * MS,
            took_ns: 8 * MS,
            cpus: "0".parse().unwrap(),
            cause: Cause::OtherProcesses,
        };
        let slow = [
            (105, 6 * MS, 9 * MS),
            (1_000, 2 * MS, 3 * MS),
            (2_000, 1_000, 5 * MS),
            (3_000, 1_000, 2 * MS),
            (3_500, 1_000, MS),
        ];
        let found = slowest(&slow, &[hog]);
        let expected = Slowest { ticks: 4, disturbed: 1, late_write: 1, snapshot: 1, preempted: 1 };
        assert_eq!((found, found.unexplained()), (expected, 0));
        let alone = slowest(&slow, &[]);
        assert_eq!((alone.disturbed, alone.late_write), (0, 2), "by the next that explains it");
        assert_eq!(found.share(found.disturbed), 0.25);
        assert!(found.to_string().contains("(4), 25 % waited in a disturbance"), "{found}");
        assert_eq!(Slowest::sum([found, alone].into_iter()).unwrap().ticks, 8);
        assert_eq!(Slowest::sum(std::iter::empty()), None);
    }

    #[test]
    fn a_round_without_ticks_has_none() {
        let none = Slowest::of(
            std::iter::empty(),
            Known {
                shadows: &Shadows::default(),
                disturbances: &[],
                run_delays: &RunDelays::default(),
            },
            0,
            0,
        );
        assert_eq!(none, None);
    }
}
