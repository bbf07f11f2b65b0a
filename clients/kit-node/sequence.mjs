// Counts seqs that were skipped, came late or came again. The same definitions and limits
// as in `clients/kit/src/ticks/sequence.rs`.

/** At most this many ranges of skipped seqs are remembered. */
const MAX_RANGES = 1 << 20;

/** How a seq that was not expected came: higher than expected, skipped before, or seen before. */
export const AFTER_GAP = 1;
export const LATE = 2;
export const DUPLICATE = 3;

/** Checks the order of arrival. */
export class Sequence {
  constructor() {
    /** One more than the highest seq seen: what is expected next. */
    this.next = 0;
    /** Seqs below `next` that have never come. */
    this.gaps = 0;
    /** Seqs seen again. */
    this.duplicates = 0;
    /** Seqs that came after a higher one. */
    this.reorders = 0;
    // Ranges of skipped seqs, ascending: the first of each, and the first behind it.
    this.firsts = [];
    this.ends = [];
  }

  /** Records a seq that is not `next`: AFTER_GAP, LATE or DUPLICATE. */
  record_unexpected(seq) {
    if (seq >= this.next) {
      this.gaps += seq - this.next;
      if (seq > this.next && this.firsts.length < MAX_RANGES) {
        this.firsts.push(this.next);
        this.ends.push(seq);
      }
      this.next = seq + 1;
      return AFTER_GAP;
    }
    const at = this.range_of(seq);
    if (at < 0 || seq >= this.ends[at]) {
      this.duplicates += 1;
      return DUPLICATE;
    }
    this.take_out_of_range(seq, at);
    return LATE;
  }

  /** The last range that begins at or before this seq; -1 when there is none. */
  range_of(seq) {
    let [low, high] = [0, this.firsts.length];
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.firsts[middle] <= seq) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  take_out_of_range(seq, at) {
    const [first, end] = [this.firsts[at], this.ends[at]];
    const left = [];
    if (first < seq) left.push([first, seq]);
    if (seq + 1 < end) left.push([seq + 1, end]);
    this.firsts.splice(at, 1, ...left.map((range) => range[0]));
    this.ends.splice(at, 1, ...left.map((range) => range[1]));
    this.gaps -= 1;
    this.reorders += 1;
  }
}
