//! Which ticks of a connection its policy dropped, and which ones its client can have
//! received: from positions in the client's stream to seqs and back. Pure.

use schemars::JsonSchema;

use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Why the reported ranges of dropped ticks are invalid.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, JsonSchema, Serialize, Deserialize, thiserror::Error,
)]
#[serde(tag = "code", rename_all = "snake_case")]
#[allow(missing_docs)] // each message says what its fields are
pub enum DropFault {
    #[error(
        "the server's dropped ranges overlap or descend: {count} from tick {first} on, after tick {after}"
    )]
    RangesOverlap { first: u64, count: u64, after: u64 },
    #[error(
        "the server dropped ticks that it never generated: {count} from tick {first} on, of {generated}"
    )]
    NeverGenerated { first: u64, count: u64, generated: u64 },
}

/// Ticks that were generated and never written, of one connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Drops {
    ranges: Vec<Dropped>,
}

/// Consecutive dropped ticks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Dropped {
    first: u64,
    count: u64,
    /// How many were dropped before them.
    before: u64,
}

impl Dropped {
    fn end(self) -> u64 {
        self.first.saturating_add(self.count)
    }

    /// How many were dropped up to its end.
    fn through(self) -> u64 {
        self.before.saturating_add(self.count)
    }

    /// The position, in the client's stream, of the tick that follows it.
    fn place(self) -> u64 {
        self.first.saturating_sub(self.before)
    }
}

impl Drops {
    /// Adds ranges of `[first seq, count]` as a server reports them, valid or not
    /// ([`Drops::check`]).
    pub fn extend(&mut self, ranges: impl IntoIterator<Item = [u64; 2]>) {
        let mut before = self.total();
        self.ranges.extend(ranges.into_iter().map(|[first, count]| {
            let range = Dropped { first, count, before };
            before = before.saturating_add(count);
            range
        }));
    }

    /// Checks that the ranges ascend, are not adjacent, and are within `generated` ticks.
    ///
    /// # Errors
    /// The first range that does not fit.
    pub fn check(&self, generated: u64) -> Result<(), DropFault> {
        let mut from = 0;
        for (index, range) in self.ranges.iter().enumerate() {
            let Dropped { first, count, .. } = *range;
            if count == 0 || first < from || (first == from && index > 0) {
                return Err(DropFault::RangesOverlap {
                    first,
                    count,
                    after: from.saturating_sub(1),
                });
            }
            from = range.end();
            if from > generated {
                return Err(DropFault::NeverGenerated { first, count, generated });
            }
        }
        Ok(())
    }

    /// How many ranges there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ranges.len()
    }

    /// Whether nothing was dropped.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// How many ticks were dropped.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.ranges.last().map_or(0, |last| last.through())
    }

    /// How many ticks below `seq` were dropped.
    #[must_use]
    pub fn below(&self, seq: u64) -> u64 {
        let after = self.ranges.partition_point(|range| range.first < seq);
        let Some(last) = after.checked_sub(1).map(|index| self.ranges[index]) else { return 0 };
        last.before.saturating_add(last.count.min(seq - last.first))
    }

    /// How many ticks below `seq` were not dropped: the position of tick `seq` in the
    /// client's stream, from 0, unless it was dropped itself.
    #[must_use]
    pub fn place(&self, seq: u64) -> u64 {
        seq - self.below(seq).min(seq)
    }

    /// Whether tick `seq` was dropped.
    #[must_use]
    pub fn contains(&self, seq: u64) -> bool {
        let after = self.ranges.partition_point(|range| range.first <= seq);
        after.checked_sub(1).is_some_and(|index| seq < self.ranges[index].end())
    }

    /// The seq of the tick at that position of the client's stream, counted from 0.
    #[must_use]
    pub fn nth(&self, place: u64) -> u64 {
        place.saturating_add(self.passed(place).map_or(0, Dropped::through))
    }

    /// One more than the newest seq among the first `count` ticks that were not dropped;
    /// 0 without any.
    #[must_use]
    pub fn end_of(&self, count: u64) -> u64 {
        count.checked_sub(1).map_or(0, |last| self.nth(last).saturating_add(1))
    }

    /// The last range before the tick at that position.
    fn passed(&self, place: u64) -> Option<Dropped> {
        let after = self.ranges.partition_point(|range| range.place() <= place);
        after.checked_sub(1).map(|index| self.ranges[index])
    }

    /// The seqs at these positions of the client's stream, as ranges without a gap.
    pub fn stretches(&self, places: Range<u64>) -> impl Iterator<Item = Range<u64>> {
        let mut place = places.start;
        let mut next = self.ranges.partition_point(|range| range.place() <= place);
        std::iter::from_fn(move || {
            let left = places.end.checked_sub(place).filter(|&left| left > 0)?;
            let dropped = next.checked_sub(1).map_or(0, |last| self.ranges[last].through());
            let first = place.saturating_add(dropped);
            // Up to the next gap, or to the last position.
            let until = self.ranges.get(next).map_or(u64::MAX, |range| range.first.max(first));
            let end = until.min(first.saturating_add(left));
            (place, next) = (place + (end - first), next + 1);
            Some(first..end)
        })
    }

    /// The dropped ranges below `seq`; one that contains it ends there.
    pub fn ranges_below(&self, seq: u64) -> impl Iterator<Item = Range<u64>> {
        let below = self.ranges.iter().take_while(move |range| range.first < seq);
        below.map(move |range| range.first..range.end().min(seq))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn of(ranges: &[[u64; 2]]) -> Drops {
        let mut drops = Drops::default();
        drops.extend(ranges.iter().copied());
        drops
    }

    /// Of ticks 0 to 9, ticks 2, 3, 4 and 7 were dropped: a client gets 0 1 5 6 8 9.
    #[test]
    fn positions_and_seqs_agree_on_a_worked_example() {
        let drops = of(&[[2, 3], [7, 1]]);
        assert_eq!(drops.check(10), Ok(()));
        assert_eq!((drops.total(), drops.len()), (4, 2));
        assert_eq!([0, 1, 2, 3, 4, 5].map(|place| drops.nth(place)), [0, 1, 5, 6, 8, 9]);
        assert_eq!([0, 2, 3, 5, 7, 8, 10].map(|seq| drops.below(seq)), [0, 0, 1, 3, 3, 4, 4]);
        assert_eq!([0, 1, 5, 6, 8, 9].map(|seq| drops.place(seq)), [0, 1, 2, 3, 4, 5]);
        assert_eq!([0, 1, 2, 3, 6].map(|count| drops.end_of(count)), [0, 1, 2, 6, 10]);
        let stretches: Vec<_> = drops.stretches(1..5).collect();
        assert_eq!(stretches, [1..2, 5..7, 8..9]);
        assert_eq!(drops.ranges_below(8).collect::<Vec<_>>(), [2..5, 7..8]);
        assert!(drops.ranges_below(4).eq(std::iter::once(2..4)));
        assert!(drops.contains(4) && !drops.contains(5) && !drops.contains(1));
    }

    #[test]
    fn without_drops_every_position_is_its_seq() {
        let none = Drops::default();
        assert_eq!((none.nth(7), none.place(7), none.below(7), none.end_of(7)), (7, 7, 0, 7));
        assert_eq!(none.stretches(3..9).collect::<Vec<_>>(), std::slice::from_ref(&(3..9)));
        assert!(none.is_empty() && none.check(0).is_ok());
    }

    #[test]
    fn invalid_ranges_are_named() {
        let overlap = |first, count, after| DropFault::RangesOverlap { first, count, after };
        let never = |first, count, generated| DropFault::NeverGenerated { first, count, generated };
        for (ranges, generated, fault) in [
            (vec![[5, 2], [6, 1]], 10, overlap(6, 1, 6)),
            (vec![[5, 2], [3, 1]], 10, overlap(3, 1, 6)),
            (vec![[5, 2], [7, 1]], 10, overlap(7, 1, 6)),
            (vec![[5, 0]], 10, overlap(5, 0, 0)),
            (vec![[5, 6]], 10, never(5, 6, 10)),
            (vec![[u64::MAX, 2]], u64::MAX - 1, never(u64::MAX, 2, u64::MAX - 1)),
        ] {
            assert_eq!(of(&ranges).check(generated), Err(fault), "{ranges:?}");
        }
    }

    proptest! {
        #[test]
        fn any_ranges_agree_with_a_plain_list(
            steps in prop::collection::vec((0..5u64, 1..5u64), 0..20), places in 0..60u64,
        ) {
            let (mut ranges, mut seq) = (Vec::new(), 0);
            for (gap, count) in steps {
                // No gap is needed before the first range only.
                let first = seq + gap + u64::from(seq > 0);
                ranges.push([first, count]);
                seq = first + count;
            }
            let drops = of(&ranges);
            prop_assert_eq!(drops.check(seq), Ok(()));
            let is_dropped = |seq: u64| {
                ranges.iter().any(|&[first, count]| (first..first + count).contains(&seq))
            };
            let seen: Vec<u64> = (0..).filter(|&seq| !is_dropped(seq)).take(60).collect();
            for (place, &seq) in (0..).zip(&seen) {
                prop_assert_eq!((drops.nth(place), drops.place(seq)), (seq, place));
                prop_assert!(!drops.contains(seq));
                prop_assert_eq!(drops.below(seq), seq - place);
            }
            let from = places / 2;
            let walked: Vec<u64> = drops.stretches(from..places).flatten().collect();
            prop_assert_eq!(&walked[..], &seen[from as usize..places as usize]);
        }
    }
}
