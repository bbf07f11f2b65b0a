"""Counts seqs that were skipped, came late or came again.

The same definitions and limits as in `clients/kit/src/ticks/sequence.rs`.
"""

from bisect import bisect_right

# At most this many ranges of skipped seqs are remembered.
MAX_RANGES = 1 << 20

# How a seq that was not expected came: higher than expected, skipped before, seen before.
AFTER_GAP, LATE, DUPLICATE = range(3)


class Sequence:
    """Checks the order of arrival."""

    def __init__(self):
        #: One more than the highest seq seen: what is expected next.
        self.next = 0
        #: Seqs below `next` that have never come.
        self.gaps = 0
        #: Seqs seen again.
        self.duplicates = 0
        #: Seqs that came after a higher one.
        self.reorders = 0
        # Ranges of skipped seqs, ascending: the first of each, and the first behind it.
        self._firsts = []
        self._ends = []

    def record_unexpected(self, seq):
        """Records a seq that is not `next`: AFTER_GAP, LATE or DUPLICATE."""
        if seq >= self.next:
            self.gaps += seq - self.next
            if seq > self.next and len(self._firsts) < MAX_RANGES:
                self._firsts.append(self.next)
                self._ends.append(seq)
            self.next = seq + 1
            return AFTER_GAP
        at = bisect_right(self._firsts, seq) - 1
        if at < 0 or seq >= self._ends[at]:
            self.duplicates += 1
            return DUPLICATE
        self._take_out_of_range(seq, at)
        return LATE

    def _take_out_of_range(self, seq, at):
        first, end = self._firsts[at], self._ends[at]
        left = [part for part in ((first, seq), (seq + 1, end)) if part[0] < part[1]]
        self._firsts[at : at + 1] = [part[0] for part in left]
        self._ends[at : at + 1] = [part[1] for part in left]
        self.gaps -= 1
        self.reorders += 1
