"""Which seqs came in their order, which were skipped, came late or came again.

As `clients/kit/src/sequence.rs`: the same definitions, the same limits.
"""

from bisect import bisect_right

# So many ranges of skipped seqs are remembered.
MAX_RANGES = 1 << 20

# How a seq stands to those before it.
AHEAD, LATE, AGAIN = range(3)


class Sequence:
    """Keeps the order of arrival."""

    def __init__(self):
        #: One more than the highest seq seen: what comes next in a whole stream.
        self.next = 0
        #: Seqs below `next` that have never come.
        self.gaps = 0
        #: Seqs seen again.
        self.duplicates = 0
        #: Seqs that came after a higher one.
        self.reorders = 0
        # Skipped seqs as ranges, ascending: the first of each, and its end.
        self._firsts = []
        self._ends = []

    def irregular(self, seq):
        """Notes a seq that is not `next`: AHEAD, LATE or AGAIN."""
        if seq >= self.next:
            self.gaps += seq - self.next
            if seq > self.next and len(self._firsts) < MAX_RANGES:
                self._firsts.append(self.next)
                self._ends.append(seq)
            self.next = seq + 1
            return AHEAD
        at = bisect_right(self._firsts, seq) - 1
        if at < 0 or seq >= self._ends[at]:
            self.duplicates += 1
            return AGAIN
        self._fill(seq, at)
        return LATE

    def _fill(self, seq, at):
        first, end = self._firsts[at], self._ends[at]
        left = [part for part in ((first, seq), (seq + 1, end)) if part[0] < part[1]]
        self._firsts[at : at + 1] = [part[0] for part in left]
        self._ends[at : at + 1] = [part[1] for part in left]
        self.gaps -= 1
        self.reorders += 1
