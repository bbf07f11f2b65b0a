//! Counts seqs that were skipped, came late or came again.

use std::collections::BTreeMap;

/// At most this many ranges of skipped seqs are remembered. A late seq of any other range
/// counts as a duplicate, and stays counted as skipped.
const MAX_RANGES: usize = 1 << 20;

/// How a seq that was not expected came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// Higher than expected: seqs were skipped.
    AfterGap,
    /// Skipped before.
    Late,
    /// Seen before.
    Duplicate,
}

/// Checks the order of arrival.
#[derive(Debug, Default)]
pub(crate) struct Sequence {
    /// One more than the highest seq seen: what is expected next.
    pub(crate) next: u64,
    /// Seqs below `next` that have never come.
    pub(crate) gaps: u64,
    /// Seqs seen again.
    pub(crate) duplicates: u64,
    /// Seqs that came after a higher one.
    pub(crate) reorders: u64,
    /// Ranges of skipped seqs: the first of each, and the first behind it.
    missing: BTreeMap<u64, u64>,
}

impl Sequence {
    /// Records a seq that is not [`Sequence::next`].
    #[cold]
    pub(crate) fn record_unexpected(&mut self, seq: u64) -> Arrival {
        if seq >= self.next {
            self.gaps += seq - self.next;
            if self.missing.len() < MAX_RANGES && seq > self.next {
                self.missing.insert(self.next, seq);
            }
            self.next = seq.saturating_add(1);
            return Arrival::AfterGap;
        }
        let range = self.missing.range(..=seq).next_back().map(|(&first, &end)| (first, end));
        match range.filter(|&(_, end)| seq < end) {
            Some((first, end)) => {
                self.take_out_of_range(seq, first, end);
                Arrival::Late
            }
            None => {
                self.duplicates += 1;
                Arrival::Duplicate
            }
        }
    }

    fn take_out_of_range(&mut self, seq: u64, first: u64, end: u64) {
        self.missing.remove(&first);
        if first < seq {
            self.missing.insert(first, seq);
        }
        if seq + 1 < end {
            self.missing.insert(seq + 1, end);
        }
        self.gaps -= 1;
        self.reorders += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    proptest! {
        #[test]
        fn agrees_with_a_plain_set(seqs in prop::collection::vec(0u64..60, 0..200)) {
            let mut sequence = Sequence::default();
            let mut seen = HashSet::new();
            let (mut highest, mut late, mut again) = (None, 0, 0);
            for seq in seqs {
                match seq == sequence.next {
                    true => sequence.next += 1,
                    false => { sequence.record_unexpected(seq); }
                }
                match seen.insert(seq) {
                    false => again += 1,
                    true if highest.is_some_and(|h| seq < h) => late += 1,
                    true => {}
                }
                highest = highest.max(Some(seq));
            }
            let next = highest.map_or(0, |h| h + 1);
            prop_assert_eq!(sequence.next, next);
            prop_assert_eq!(sequence.gaps, next - seen.len() as u64);
            prop_assert_eq!(sequence.duplicates, again);
            prop_assert_eq!(sequence.reorders, late);
        }
    }

    #[test]
    fn the_highest_possible_seq_does_not_overflow() {
        let mut sequence = Sequence::default();
        assert_eq!(sequence.record_unexpected(u64::MAX), Arrival::AfterGap);
        assert_eq!(sequence.record_unexpected(0), Arrival::Late);
        assert_eq!(sequence.record_unexpected(0), Arrival::Duplicate);
    }
}
