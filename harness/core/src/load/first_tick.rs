//! Refuses rounds that would measure nothing: at low rates, no tick may be due within the
//! measured window.

use crate::load::plan::Timing;
use crate::load::workload::Workload;
use anyhow::Result;

/// Why a round would measure nothing.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum NoTick {
    /// The first tick of all is due after the end of the round.
    #[error(
        "workload {workload}: its first tick would be due {due_s:.3} s after the start, but the round ends after {end_s} s: give --seconds {enough_s} or more, or a workload with more ticks"
    )]
    InRound {
        /// The name of the workload.
        workload: String,
        /// When the first tick is due, in s from the start.
        due_s: f64,
        /// When the round ends, in s from the start.
        end_s: f64,
        /// A window with that tick in it, in s.
        enough_s: f64,
    },
    /// No tick is due between the warm-up and the end of the round.
    #[error(
        "workload {workload}: no tick is due within the measured window, from {start_s} to {end_s} s after the start: the next one would be due after {due_s:.3} s: give --seconds {enough_s} or more, or a workload with more ticks"
    )]
    InWindow {
        /// The name of the workload.
        workload: String,
        /// When the window begins, in s from the start.
        start_s: f64,
        /// When the window and the round end, in s from the start.
        end_s: f64,
        /// When the first tick after the warm-up is due, in s from the start.
        due_s: f64,
        /// A window with that tick in it, in s.
        enough_s: f64,
    },
}

impl NoTick {
    /// The same for rounds whose window is this share of `--seconds`.
    #[must_use]
    pub fn with_window_share(mut self, share: f64) -> Self {
        let (Self::InRound { enough_s, .. } | Self::InWindow { enough_s, .. }) = &mut self;
        *enough_s /= share;
        self
    }
}

/// Checks that at least one tick is due within the measured window of a round; `seed` is that
/// of random gaps.
///
/// # Errors
/// [`NoTick`], with the time at which the first tick would be due; or a workload without a
/// valid timetable.
pub fn check(workload: &Workload, seed: u64, timing: Timing) -> Result<()> {
    match find(workload, seed, timing)? {
        Some(no_tick) => Err(no_tick.into()),
        None => Ok(()),
    }
}

/// What [`check`] refuses; `None`: a tick is due within the window.
///
/// # Errors
/// A workload without a valid timetable.
pub fn find(workload: &Workload, seed: u64, timing: Timing) -> Result<Option<NoTick>> {
    let timetable = workload.timetable(seed)?;
    let (start_ns, end_ns) = (timing.warmup_ns, timing.warmup_ns + timing.measure_ns);
    // The first tick that is not before the window. Under a flood there is always one.
    let before = timetable.ticks_within(start_ns);
    let due_ns = before.and_then(|seq| timetable.due_offset_ns(seq));
    let (Some(before), Some(due_ns)) = (before, due_ns.filter(|&due_ns| due_ns >= end_ns)) else {
        return Ok(None);
    };
    let seconds = |ns: u64| ns as f64 / 1e9;
    // The next tenth of a second after it.
    let enough_s = ((due_ns - start_ns) / 100_000_000 + 1) as f64 / 10.0;
    let (due_s, end_s, workload) = (seconds(due_ns), seconds(end_ns), workload.name.clone());
    Ok(Some(match before {
        0 => NoTick::InRound { workload, due_s, end_s, enough_s },
        _ => NoTick::InWindow { workload, start_s: seconds(start_ns), end_s, due_s, enough_s },
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::load::workload::Recording;
    use std::path::PathBuf;
    use std::sync::Arc;
    use tick::Tape;

    fn workload(lines: &str) -> Workload {
        let head = "name='w'\nwhy='w'\nread='r'\nrank_by='processed'\n";
        toml::from_str(&format!("{head}{lines}")).unwrap()
    }

    fn found(workload: &Workload, seed: u64, warmup_ms: u64, measure_ms: u64) -> Option<NoTick> {
        let ns = |ms: u64| ms * 1_000_000;
        let timing = Timing {
            warmup_ns: ns(warmup_ms),
            measure_ns: ns(measure_ms),
            grid_ns: ns(20),
            samples: 1000,
        };
        find(workload, seed, timing).unwrap()
    }

    #[test]
    fn a_recording_that_begins_after_the_round_is_refused_with_its_time() {
        let tape = Tape::parse("gap_ns\n7250000000\n1000\n").unwrap();
        let tape = Recording { path: PathBuf::new(), tape: Arc::new(tape) };
        let late = Workload { tape: Some(tape), ..workload("replay='gaps.csv'") };
        let refused = found(&late, 1, 500, 2_000).unwrap();
        assert_eq!(
            refused.to_string(),
            "workload w: its first tick would be due 7.250 s after the start, but the round ends after 2.5 s: give --seconds 6.8 or more, or a workload with more ticks"
        );
        // With what it says, the round has that tick.
        assert_eq!(
            found(&late, 1, 500, 6_700),
            Some(NoTick::InRound { workload: "w".into(), due_s: 7.25, end_s: 7.2, enough_s: 6.8 })
        );
        assert_eq!(found(&late, 1, 500, 6_800), None);
    }

    #[test]
    fn random_gaps_are_refused_by_their_seed() {
        let poisson = workload("rate_per_s=1\npoisson=true");
        let first_ns = |seed| poisson.timetable(seed).unwrap().due_offset_ns(0).unwrap();
        let late = (0..).find(|&seed| first_ns(seed) >= 2_500_000_000).unwrap();
        assert!(matches!(found(&poisson, late, 500, 2_000), Some(NoTick::InRound { .. })));
        let early = (0..).find(|&seed| (600_000_000..2_000_000_000).contains(&first_ns(seed)));
        assert_eq!(found(&poisson, early.unwrap(), 500, 2_000), None);
    }

    #[test]
    fn a_window_between_two_ticks_is_refused() {
        let slow = workload("rate_per_s=1");
        assert_eq!(
            found(&slow, 1, 300, 600).unwrap().to_string(),
            "workload w: no tick is due within the measured window, from 0.3 to 0.9 s after the start: the next one would be due after 1.000 s: give --seconds 0.8 or more, or a workload with more ticks"
        );
        assert_eq!(found(&slow, 1, 300, 800), None);
        let halved = found(&slow, 1, 300, 600).unwrap().with_window_share(0.5);
        assert!(halved.to_string().contains("give --seconds 1.6 or more"), "{halved}");
        // A ramp begins with tick 0, and the next may be far.
        let ramp = workload("rate_per_s=1\nramp={to_per_s=2,over_ms=60000}");
        assert!(matches!(found(&ramp, 1, 100, 400), Some(NoTick::InWindow { .. })));
        assert_eq!(found(&ramp, 1, 0, 400), None);
    }

    #[test]
    fn every_rate_from_one_tick_a_second_on_and_a_flood_can_be_measured() {
        for rate in [1, 2, 5, 10, 25, 49, 50, 51, 100, 1000] {
            let steady = workload(&format!("rate_per_s={rate}"));
            assert_eq!(found(&steady, 1, 500, 2_000), None, "{rate} ticks/s");
        }
        assert_eq!(found(&workload("rate_per_s='flood'"), 1, 0, 20), None);
    }
}
