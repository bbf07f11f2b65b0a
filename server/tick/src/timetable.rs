//! When each tick is due, by its seq alone: no drift, the same answer in the
//! server that keeps the schedule and in the harness that checks it.

use crate::burst::Bursts;
use crate::poisson::Arrivals;
use crate::ramp::Ramp;
use crate::rate;
use crate::schedule::{Schedule, ScheduleError};
use crate::tape::Tape;
use std::ops::Range;
use std::sync::Arc;

/// Why a schedule has no timetable.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TimetableError {
    /// A schedule that cannot be carried out.
    #[error(transparent)]
    Schedule(#[from] ScheduleError),
    /// A replay, and no recording.
    #[error("a replay needs its recording")]
    NoRecording,
    /// Another recording than the schedule was made for.
    #[error("the recording has changed since the plan was made")]
    OtherRecording,
}

/// When each tick of a schedule is due. Offsets are in ns after the start.
#[derive(Debug, Clone)]
pub struct Timetable {
    schedule: Schedule,
    kind: Kind,
}

#[derive(Debug, Clone)]
enum Kind {
    Rate(u64),
    Flood,
    Burst(Bursts),
    Ramp(Ramp),
    Poisson(Arrivals),
    Replay(Arc<Tape>),
}

impl Timetable {
    /// The timetable of a schedule, with the recording if it replays one.
    ///
    /// # Errors
    /// A schedule that cannot be carried out ([`Schedule::check`]), or that was made for
    /// another recording.
    pub fn new(schedule: Schedule, tape: Option<Arc<Tape>>) -> Result<Self, TimetableError> {
        schedule.check()?;
        let kind = match schedule {
            Schedule::Rate { rate_per_s } => Kind::Rate(rate_per_s),
            Schedule::Flood => Kind::Flood,
            Schedule::Burst { base_per_s, burst_per_s, period_ns, length_ns } => {
                Kind::Burst(Bursts::new(base_per_s, burst_per_s, period_ns, length_ns))
            }
            Schedule::Ramp { from_per_s, to_per_s, over_ns } => {
                Kind::Ramp(Ramp { from_per_s, to_per_s, over_ns })
            }
            Schedule::Poisson { rate_per_s, seed } => {
                Kind::Poisson(Arrivals::new(rate_per_s, seed))
            }
            Schedule::Replay { ticks, span_ns } => {
                let tape = tape.ok_or(TimetableError::NoRecording)?;
                if (tape.ticks(), tape.span_ns()) != (ticks, span_ns) {
                    return Err(TimetableError::OtherRecording);
                }
                Kind::Replay(tape)
            }
        };
        Ok(Self { schedule, kind })
    }

    /// The schedule that it was made from.
    #[must_use]
    pub fn schedule(&self) -> Schedule {
        self.schedule
    }

    /// When tick `seq` is due; `None` under a flood.
    #[inline]
    #[must_use]
    pub fn due_offset_ns(&self, seq: u64) -> Option<u64> {
        Some(match &self.kind {
            Kind::Rate(rate_per_s) => rate::due_offset_ns(*rate_per_s, seq),
            Kind::Flood => return None,
            Kind::Burst(bursts) => bursts.due_offset_ns(seq),
            Kind::Ramp(ramp) => ramp.due_offset_ns(seq),
            Kind::Poisson(arrivals) => arrivals.due_offset_ns(seq),
            Kind::Replay(tape) => tape.due_offset_ns(seq),
        })
    }

    /// How many ticks are due at `elapsed_ns`, that instant included; `None` under a
    /// flood.
    #[inline]
    #[must_use]
    pub fn due_count(&self, elapsed_ns: u64) -> Option<u64> {
        Some(match &self.kind {
            Kind::Rate(rate_per_s) => rate::due_count(*rate_per_s, elapsed_ns),
            Kind::Flood => return None,
            Kind::Burst(bursts) => bursts.due_count(elapsed_ns),
            Kind::Ramp(ramp) => ramp.due_count(elapsed_ns),
            Kind::Poisson(arrivals) => arrivals.due_count(elapsed_ns),
            Kind::Replay(tape) => tape.due_count(elapsed_ns),
        })
    }

    /// How many ticks a load of `duration_ns` has: those due before its end; `None` under
    /// a flood, in which the clients decide.
    #[must_use]
    pub fn ticks_within(&self, duration_ns: u64) -> Option<u64> {
        match duration_ns {
            0 => self.schedule.is_open_loop().then_some(0),
            _ => self.due_count(duration_ns - 1),
        }
    }

    /// The offered load within a range of time, in ticks per second; `None` under a flood.
    #[must_use]
    pub fn offered_per_s(&self, ns: &Range<u64>) -> Option<f64> {
        if let Kind::Rate(rate_per_s) = self.kind {
            return Some(rate_per_s as f64);
        }
        let ticks = self.ticks_within(ns.end)? - self.ticks_within(ns.start)?;
        Some(ticks as f64 / (ns.end - ns.start) as f64 * 1e9)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RATES: [u64; 7] = [1, 3, 997, 100_000, 500_000, 9_999_991, 10_000_000];

    fn of(schedule: Schedule) -> Timetable {
        Timetable::new(schedule, None).unwrap()
    }

    #[test]
    fn a_rate_equals_128_bit_arithmetic_for_hours() {
        for rate_per_s in RATES {
            let timetable = of(Schedule::Rate { rate_per_s });
            for seq in [0, 1, 2, 999, 1_000_003, 360_000_000_000, 1 << 40] {
                let wide = u128::from(seq) * 1_000_000_000 / u128::from(rate_per_s);
                if wide > u128::from(u64::MAX) {
                    continue; // beyond the documented 584 years
                }
                assert_eq!(timetable.due_offset_ns(seq).map(u128::from), Some(wide));
            }
        }
    }

    /// Due times never fall, and the count at an instant is that of the ticks
    /// due by then.
    fn assert_count_inverts_due(timetable: &Timetable, seqs: impl Iterator<Item = u64>) {
        let mut last_ns = 0;
        for seq in seqs {
            let due_ns = timetable.due_offset_ns(seq).unwrap();
            assert!(due_ns >= last_ns, "tick {seq}");
            last_ns = due_ns;
            assert!(timetable.due_count(due_ns).unwrap() > seq, "tick {seq} at {due_ns}");
            if due_ns > 0 {
                assert!(timetable.due_count(due_ns - 1).unwrap() <= seq, "tick {seq} at {due_ns}");
            }
        }
    }

    #[test]
    fn the_count_is_the_inverse_of_the_due_time() {
        for rate_per_s in RATES {
            assert_count_inverts_due(
                &of(Schedule::Rate { rate_per_s }),
                [0, 1, 5, 1234, 77_777_777].into_iter(),
            );
        }
        let mut loads = vec![
            Schedule::Burst {
                base_per_s: 20_000,
                burst_per_s: 1_000_000,
                period_ns: 1_000_000_000,
                length_ns: 100_000_000,
            },
            Schedule::Burst {
                base_per_s: 7,
                burst_per_s: 100_000_000,
                period_ns: 60_000_000_000,
                length_ns: 59_000_000_001,
            },
            Schedule::Ramp { from_per_s: 1_000, to_per_s: 2_000_000, over_ns: 1_500_000_000 },
            Schedule::Ramp { from_per_s: 500_000, to_per_s: 1, over_ns: 333_333_333 },
            Schedule::Poisson { rate_per_s: 100_000, seed: 1 },
        ];
        loads.push(Schedule::Ramp {
            from_per_s: 1,
            to_per_s: 100_000_000,
            over_ns: 86_400_000_000_000,
        });
        for load in loads {
            let timetable = of(load);
            assert_count_inverts_due(&timetable, (0..3000).chain((3000..2_000_000).step_by(9973)));
        }
    }

    proptest! {
        #[test]
        fn the_count_inverts_the_due_time_of_any_burst_and_ramp(
            a in 1..2_000_000u64, b in 1..2_000_000u64, long in 1_000_000..2_000_000_000u64, part in 0.01..0.99f64,
        ) {
            let length_ns = ((long as f64 * part) as u64).max(1_000);
            let burst = Schedule::Burst { base_per_s: a, burst_per_s: b, period_ns: long, length_ns };
            if burst.check().is_ok() {
                assert_count_inverts_due(&of(burst), (0..100_000).step_by(499));
            }
            let ramp = Schedule::Ramp { from_per_s: a, to_per_s: b, over_ns: long };
            assert_count_inverts_due(&of(ramp), (0..100_000).step_by(499));
        }
    }

    #[test]
    fn bursts_and_ramps_have_their_number_of_ticks() {
        let burst = of(Schedule::Burst {
            base_per_s: 20_000,
            burst_per_s: 1_000_000,
            period_ns: 1_000_000_000,
            length_ns: 100_000_000,
        });
        assert_eq!(burst.ticks_within(100_000_000), Some(100_000));
        assert_eq!(burst.ticks_within(1_000_000_000), Some(118_000));
        assert_eq!(burst.offered_per_s(&(0..2_000_000_000)), Some(118_000.0));
        let ramp =
            of(Schedule::Ramp { from_per_s: 1_000, to_per_s: 3_000, over_ns: 2_000_000_000 });
        // 1000 + (3000 − 1000) / 2 · t over two seconds.
        assert_eq!(ramp.ticks_within(1_000_000_000), Some(1_500));
        assert_eq!(ramp.ticks_within(2_000_000_000), Some(4_000));
        assert_eq!(ramp.ticks_within(3_000_000_000), Some(7_000));
    }

    #[test]
    fn poisson_gaps_are_exponential_and_depend_on_the_seed_only() {
        let gaps = |seed| -> Vec<f64> {
            let timetable = of(Schedule::Poisson { rate_per_s: 100_000, seed });
            let due: Vec<u64> =
                (0..200_000).map(|seq| timetable.due_offset_ns(seq).unwrap()).collect();
            due.windows(2).map(|pair| (pair[1] - pair[0]) as f64).collect()
        };
        let one = gaps(1);
        assert_eq!(one, gaps(1));
        assert_ne!(one, gaps(2));
        let mean = one.iter().sum::<f64>() / one.len() as f64;
        assert!((mean / 10_000.0 - 1.0).abs() < 0.01, "{mean}");
        // Of an exponential distribution, exp(−1) are longer than the mean, exp(−3)
        // longer than three times that; and mean and deviation are the same.
        for times in [1.0, 3.0f64] {
            let longer = one.iter().filter(|&&gap| gap > times * mean).count() as f64;
            assert!((longer / one.len() as f64 - (-times).exp()).abs() < 0.005);
        }
        let variance = one.iter().map(|gap| (gap - mean).powi(2)).sum::<f64>() / one.len() as f64;
        assert!((variance.sqrt() / mean - 1.0).abs() < 0.02);
        // The order of questions changes nothing.
        let again = of(Schedule::Poisson { rate_per_s: 100_000, seed: 1 });
        let late = again.due_offset_ns(150_000);
        let early = again.due_offset_ns(3);
        let fresh = of(Schedule::Poisson { rate_per_s: 100_000, seed: 1 });
        assert_eq!((fresh.due_offset_ns(3), fresh.due_offset_ns(150_000)), (early, late));
    }

    #[test]
    fn one_second_of_a_rate_has_that_many_ticks() {
        for rate_per_s in RATES {
            let timetable = of(Schedule::Rate { rate_per_s });
            assert_eq!(timetable.ticks_within(1_000_000_000), Some(rate_per_s));
            assert_eq!(timetable.ticks_within(0), Some(0));
        }
    }

    #[test]
    fn a_flood_has_no_due_times() {
        let flood = of(Schedule::Flood);
        assert_eq!(flood.due_offset_ns(7), None);
        assert_eq!(flood.ticks_within(1_000_000_000), None);
        assert_eq!(flood.ticks_within(0), None);
    }

    #[test]
    fn the_estimate_of_ticks_is_never_far_too_low() {
        for load in [
            Schedule::Rate { rate_per_s: 100_000 },
            Schedule::Burst {
                base_per_s: 20_000,
                burst_per_s: 1_000_000,
                period_ns: 1_000_000_000,
                length_ns: 100_000_000,
            },
            Schedule::Ramp { from_per_s: 1_000, to_per_s: 9_000, over_ns: 1_000_000_000 },
            Schedule::Poisson { rate_per_s: 100_000, seed: 3 },
        ] {
            for ms in [100, 1100, 2500] {
                let ns = ms * 1_000_000;
                let exact = of(load).ticks_within(ns).unwrap();
                assert!(load.about_ticks(ns).unwrap() as f64 > exact as f64 * 0.98, "{load:?}");
            }
        }
    }

    #[test]
    fn schedules_that_cannot_be_carried_out_are_refused() {
        for load in [
            Schedule::Rate { rate_per_s: 0 },
            Schedule::Burst {
                base_per_s: 1,
                burst_per_s: 9,
                period_ns: 1_000_000,
                length_ns: 2_000_000,
            },
            Schedule::Burst {
                base_per_s: 1,
                burst_per_s: 1,
                period_ns: 1_000_000,
                length_ns: 2_000,
            },
            Schedule::Ramp { from_per_s: 0, to_per_s: 5, over_ns: 1_000_000 },
            Schedule::Replay { ticks: 1, span_ns: 1 },
        ] {
            assert!(Timetable::new(load, None).is_err(), "{load:?}");
        }
    }
}
