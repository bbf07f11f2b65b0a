//! A fixed rate. All arithmetic is exact for rates up to 18 G/s and as long as the due
//! offset fits into 64 bits (584 years).

const SECOND_NS: u64 = 1_000_000_000;

/// When tick `seq` is due, in ns after the start.
#[inline]
pub(crate) fn due_offset_ns(rate_per_s: u64, seq: u64) -> u64 {
    let (seconds, rest) = (seq / rate_per_s, seq % rate_per_s);
    seconds * SECOND_NS + rest * SECOND_NS / rate_per_s
}

/// How many ticks are due at `elapsed_ns`: tick 0 is due at 0, so at least one.
#[inline]
pub(crate) fn due_count(rate_per_s: u64, elapsed_ns: u64) -> u64 {
    // due(n) = floor(n*10^9/rate) <= e  <=>  n < (e+1)*rate/10^9
    let edge = elapsed_ns + 1;
    let (seconds, rest) = (edge / SECOND_NS, edge % SECOND_NS);
    seconds * rate_per_s + (rest * rate_per_s).div_ceil(SECOND_NS)
}
