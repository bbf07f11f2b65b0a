//! Which seqs came in their order, which were skipped, came late or came again.

use std::collections::BTreeMap;

/// So many ranges of skipped seqs are remembered. One of a later range that
/// comes after all counts as a duplicate, and stays counted as skipped.
const MAX_RANGES: usize = 1 << 20;

/// How a seq stands to those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Higher than all before it, with others skipped in between.
    Ahead,
    /// Skipped before: it comes late.
    Late,
    /// Seen before.
    Again,
}

/// Keeps the order of arrival.
#[derive(Debug, Default)]
pub(crate) struct Sequence {
    /// One more than the highest seq seen: what comes next in a whole stream.
    pub(crate) next: u64,
    /// Seqs below `next` that have never come.
    pub(crate) gaps: u64,
    /// Seqs seen again.
    pub(crate) duplicates: u64,
    /// Seqs that came after a higher one.
    pub(crate) reorders: u64,
    /// Skipped seqs: from the first of a range to the end of it.
    missing: BTreeMap<u64, u64>,
}

impl Sequence {
    /// Notes a seq that is not [`Sequence::next`].
    #[cold]
    pub(crate) fn irregular(&mut self, seq: u64) -> Place {
        if seq >= self.next {
            self.gaps += seq - self.next;
            if self.missing.len() < MAX_RANGES && seq > self.next {
                self.missing.insert(self.next, seq);
            }
            self.next = seq.saturating_add(1);
            return Place::Ahead;
        }
        let range = self.missing.range(..=seq).next_back().map(|(&first, &end)| (first, end));
        match range.filter(|&(_, end)| seq < end) {
            Some((first, end)) => {
                self.fill(seq, first, end);
                Place::Late
            }
            None => {
                self.duplicates += 1;
                Place::Again
            }
        }
    }

    fn fill(&mut self, seq: u64, first: u64, end: u64) {
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
                    false => { sequence.irregular(seq); }
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
    fn the_last_seq_of_all_does_not_overflow() {
        let mut sequence = Sequence::default();
        assert_eq!(sequence.irregular(u64::MAX), Place::Ahead);
        assert_eq!(sequence.irregular(0), Place::Late);
        assert_eq!(sequence.irregular(0), Place::Again);
    }
}
