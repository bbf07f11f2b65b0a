//! What an engine sends, and when.

use std::num::NonZeroU64;
use tick::Timetable;

/// The load of one engine.
#[derive(Debug, Clone)]
pub struct Load {
    /// When each tick is due.
    pub timetable: Timetable,
    /// When tick 0 is due, in ns of the monotonic clock.
    pub start_ns: u64,
    /// How long the load lasts, in ns; `None`: for ever.
    pub duration_ns: Option<u64>,
    /// Whether the engine may spin before due times.
    pub spin: bool,
    /// Ticks that become due within each such interval are made together at its end;
    /// `None`: each tick is made at its due time.
    pub batch_ns: Option<NonZeroU64>,
}

impl Load {
    /// Whether the load is over at `at_ns`; its last batch may end later.
    #[must_use]
    pub fn is_over(&self, at_ns: u64) -> bool {
        at_ns >= self.end_ns()
    }

    /// When the load is over, in ns of the monotonic clock; `u64::MAX`: never.
    #[must_use]
    pub fn end_ns(&self) -> u64 {
        self.duration_ns.map_or(u64::MAX, |ns| self.start_ns.saturating_add(ns))
    }

    /// How many ticks have to be made by `now`; `None` under a flood.
    #[must_use]
    pub fn due_count(&self, now: u64) -> Option<u64> {
        let elapsed_ns = now - self.start_ns;
        let elapsed_ns = self.batch_ns.map_or(elapsed_ns, |batch| elapsed_ns - elapsed_ns % batch);
        match self.duration_ns {
            Some(ns) if elapsed_ns >= ns => self.timetable.ticks_within(ns),
            _ => self.timetable.due_count(elapsed_ns),
        }
    }

    /// When tick `seq` is to be made; `None` if the load does not have it, or under a flood.
    #[must_use]
    pub fn due_ns(&self, seq: u64) -> Option<u64> {
        let offset_ns = self.timetable.due_offset_ns(seq)?;
        let within = self.duration_ns.is_none_or(|ns| offset_ns < ns);
        let batched = |batch: NonZeroU64| offset_ns.next_multiple_of(batch.get());
        within.then_some(self.start_ns + self.batch_ns.map_or(offset_ns, batched))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tick::Schedule;

    proptest! {
        /// At that time and not before.
        #[test]
        fn a_tick_is_made_at_the_end_of_its_batch(
            rate_per_s in 1u64..2_000_000,
            batch_ns in 1u64..50_000_000,
            seq in 0u64..100_000,
        ) {
            let timetable = Timetable::new(Schedule::Rate { rate_per_s }, None).unwrap();
            let each = Load {
                timetable, start_ns: 7, duration_ns: None, spin: false, batch_ns: None,
            };
            let batched = Load { batch_ns: NonZeroU64::new(batch_ns), ..each.clone() };
            let (due_ns, made_ns) = (each.due_ns(seq).unwrap(), batched.due_ns(seq).unwrap());
            prop_assert!((due_ns..due_ns + batch_ns).contains(&made_ns));
            prop_assert!(batched.due_count(made_ns).unwrap() > seq);
            prop_assert!(made_ns == 7 || batched.due_count(made_ns - 1).unwrap() <= seq);
        }
    }

    /// The last batch is made although its interval ends after the load.
    #[test]
    fn a_load_that_ends_within_a_batch_is_completely_made() {
        let timetable = Timetable::new(Schedule::Rate { rate_per_s: 1_000 }, None).unwrap();
        let load = Load {
            timetable,
            start_ns: 0,
            duration_ns: Some(25_000_000),
            spin: false,
            batch_ns: NonZeroU64::new(10_000_000),
        };
        assert_eq!((load.due_count(24_999_999), load.due_ns(24)), (Some(21), Some(30_000_000)));
        assert_eq!((load.due_count(30_000_000), load.due_ns(25)), (Some(25), None));
    }
}
