//! Which ticks a consumer did not get, as ranges.

use std::ops::Range;

/// The seqs between those that were written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gaps {
    /// `[first, count]`, ascending and apart.
    ranges: Vec<[u64; 2]>,
    /// The seq after the last one that was written.
    next: u64,
}

impl Gaps {
    /// These ticks were written; their seqs are above all seqs before.
    pub fn written(&mut self, seqs: Range<u64>) {
        if seqs.start > self.next {
            self.ranges.push([self.next, seqs.start - self.next]);
        }
        self.next = self.next.max(seqs.end);
    }

    /// All ranges of `made` ticks; those in `waiting` (ascending) still wait, and are not
    /// missing.
    #[must_use]
    pub fn finish(mut self, waiting: impl Iterator<Item = Range<u64>>, made: u64) -> Vec<[u64; 2]> {
        for seqs in waiting {
            self.written(seqs);
        }
        self.written(made..made);
        self.ranges
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tick_that_is_neither_written_nor_waiting_was_dropped() {
        let mut gaps = Gaps::default();
        gaps.written(0..10);
        gaps.written(12..13);
        gaps.written(13..20);
        let waiting = || [22..23, 23..24, 30..35].into_iter();
        assert_eq!(gaps.clone().finish(waiting(), 40), [[10, 2], [20, 2], [24, 6], [35, 5]]);
        assert_eq!(gaps.clone().finish(std::iter::empty(), 20), [[10, 2]]);
        assert_eq!(gaps.finish(std::iter::once(20..25), 25), [[10, 2]]);
    }
}
