//! A rate that changes linearly, in closed form. With rates a and b and the ramp's
//! length T, `(a*t + (b-a)*t^2/(2T)) / 10^9` ticks are due at t; the
//! comparison is exact in wide integers, so that count and due time agree.

/// A ramp.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ramp {
    pub(crate) from_per_s: u64,
    pub(crate) to_per_s: u64,
    pub(crate) over_ns: u64,
}

impl Ramp {
    /// Ticks due at `ns`, times [`Self::unit`].
    fn area(&self, ns: u64) -> i128 {
        let [a, b, over, t] = [self.from_per_s, self.to_per_s, self.over_ns, ns].map(i128::from);
        match ns < self.over_ns {
            true => 2 * a * over * t + (b - a) * t * t,
            false => (a + b) * over * over + 2 * over * b * (t - over),
        }
    }

    fn unit(&self) -> i128 {
        2 * i128::from(self.over_ns) * 1_000_000_000
    }

    /// The first time at which `seq` ticks were due before.
    pub(crate) fn due_offset_ns(&self, seq: u64) -> u64 {
        let wanted = i128::from(seq) * self.unit();
        // By floating point to within a few ns, then exactly.
        let mut ns = self.estimate_ns(seq);
        while ns > 0 && self.area(ns - 1) >= wanted {
            ns -= 1;
        }
        while self.area(ns) < wanted {
            ns += 1;
        }
        ns
    }

    fn estimate_ns(&self, seq: u64) -> u64 {
        let [a, b, over_s] =
            [self.from_per_s as f64, self.to_per_s as f64, self.over_ns as f64 / 1e9];
        let on_ramp = f64::midpoint(a, b) * over_s;
        let n = seq as f64;
        let seconds = match n < on_ramp {
            // The root that does not cancel, for rising and falling ramps.
            true => 2.0 * n / (a + (a * a + 2.0 * (b - a) / over_s * n).max(0.0).sqrt()),
            false => over_s + (n - on_ramp) / b,
        };
        (seconds * 1e9) as u64
    }

    pub(crate) fn due_count(&self, elapsed_ns: u64) -> u64 {
        (self.area(elapsed_ns) / self.unit()) as u64 + 1
    }
}
