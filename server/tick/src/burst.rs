//! Bursts over a base rate, in closed form: each period begins with the burst, and both
//! parts have a whole number of evenly spaced ticks.

/// A load of bursts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Bursts {
    period_ns: u64,
    length_ns: u64,
    /// Ticks of one burst.
    bursting: u64,
    /// Ticks of the rest of its period.
    quiet: u64,
}

impl Bursts {
    /// Bursts of `burst_per_s` for `length_ns` at the beginning of each period, and
    /// `base_per_s` for the rest of it.
    pub(crate) fn new(base_per_s: u64, burst_per_s: u64, period_ns: u64, length_ns: u64) -> Self {
        let within = |rate_per_s: u64, ns: u64| scaled(rate_per_s, ns, 1_000_000_000);
        let bursting = within(burst_per_s, length_ns);
        let quiet = within(base_per_s, period_ns.saturating_sub(length_ns));
        Self { period_ns, length_ns, bursting, quiet }
    }

    /// Whether both the burst and the rest of the period have a tick.
    pub(crate) fn has_ticks(&self) -> bool {
        self.bursting > 0 && self.quiet > 0
    }

    pub(crate) fn due_offset_ns(&self, seq: u64) -> u64 {
        let all = self.bursting + self.quiet;
        let (period, within) = (seq / all, seq % all);
        let offset_ns = match within.checked_sub(self.bursting) {
            None => scaled(within, self.length_ns, self.bursting),
            Some(n) => self.length_ns + scaled(n, self.period_ns - self.length_ns, self.quiet),
        };
        period * self.period_ns + offset_ns
    }

    pub(crate) fn due_count(&self, elapsed_ns: u64) -> u64 {
        let (period, within) = (elapsed_ns / self.period_ns, elapsed_ns % self.period_ns);
        // The inverse of floor(n*length/count) <= e: n < (e+1)*count/length.
        let inverse = |edge: u64, count: u64, length: u64| {
            (u128::from(edge) * u128::from(count)).div_ceil(u128::from(length)) as u64
        };
        let due = match within.checked_sub(self.length_ns) {
            None => inverse(within + 1, self.bursting, self.length_ns),
            Some(ns) => {
                self.bursting + inverse(ns + 1, self.quiet, self.period_ns - self.length_ns)
            }
        };
        period * (self.bursting + self.quiet) + due.min(self.bursting + self.quiet)
    }
}

/// `floor(a * b / c)`, exact; in 64 bits where the product fits.
#[inline]
fn scaled(a: u64, b: u64, c: u64) -> u64 {
    match a.checked_mul(b) {
        Some(product) => product / c,
        None => (u128::from(a) * u128::from(b) / u128::from(c)) as u64,
    }
}
