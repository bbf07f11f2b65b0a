//! When the threads of a client waited for a CPU though they could have run: behind each other, or
//! behind others. It explains, and excuses nothing. Pure.

use std::ops::Range;

/// The stretches between two readings in which they waited, ascending, and how long, in ns.
#[derive(Debug, Clone, Default)]
pub struct RunDelays(Vec<(Range<u64>, u64)>);

impl RunDelays {
    /// From the total at each instant, in ns, ascending.
    #[must_use]
    pub fn new(readings: impl IntoIterator<Item = (u64, u64)>) -> Self {
        let readings: Vec<(u64, u64)> = readings.into_iter().collect();
        let stretch = |pair: &[(u64, u64)]| {
            let &[(from_ns, before), (to_ns, after)] = pair else { return None };
            let waited_ns = after.saturating_sub(before);
            (waited_ns > 0).then_some((from_ns..to_ns, waited_ns))
        };
        Self(readings.windows(2).filter_map(stretch).collect())
    }

    /// How long they waited in the stretches that a time has a part in, in ns.
    #[must_use]
    pub fn within_ns(&self, time_ns: &Range<u64>) -> u64 {
        let first = self.0.partition_point(|(stretch, _)| stretch.end <= time_ns.start);
        let meanwhile = self.0[first..].iter().take_while(|(one, _)| one.start < time_ns.end);
        meanwhile.fold(0, |sum, (_, waited_ns)| sum.saturating_add(*waited_ns))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_those_of_the_stretches_that_a_time_touches() {
        let delays = RunDelays::new([(0, 5), (20, 5), (40, 12), (60, 12), (80, 15)]);
        for (time_ns, expected) in
            [(0..20, 0), (19..21, 7), (39..41, 7), (40..60, 0), (30..70, 10), (80..90, 0)]
        {
            assert_eq!(delays.within_ns(&time_ns), expected, "{time_ns:?}");
        }
        assert_eq!(RunDelays::default().within_ns(&(0..9)), 0);
    }
}
