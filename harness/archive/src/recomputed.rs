//! Figures that are computed again from the stamps and snapshots of a campaign.

use crate::archive::Archive;
use crate::packed::GridRow;
use crate::rounds::Round;
use crate::sampled;
use anyhow::{Context, Result, bail};
use bench_core::analysis::round::journey::Stamps;
use bench_core::analysis::round::latency::shadow::Shadows;
use bench_core::analysis::round::latency::slowest::{Known, Slowest};
use bench_core::analysis::round::latency::stalls::Stalls;
use bench_core::analysis::round::latency::tail::Tail;
use bench_core::analysis::round::latency::typical::Typical;
use bench_core::analysis::round::latency::windows::{self, Window};
use bench_core::analysis::round::measure::Measurement;
use bench_core::analysis::round::run_delay::RunDelays;
use bench_core::analysis::statistics::times::Time;
use bench_core::record::disturbance::Disturbance;
use std::ops::Range;

/// The sampled ticks that were due within the window of a round, and its snapshots.
struct Ticks {
    stamps: Vec<Stamps>,
    /// Due times, and response times or bounds of them.
    responses: Vec<(u64, Time)>,
    shadows: Shadows,
    run_delays: RunDelays,
    start_ns: u64,
    ended_ns: u64,
    /// From `start_ns` on.
    window_ns: Range<u64>,
}

impl Ticks {
    fn windows(&self) -> Vec<Window> {
        windows::undisturbed(&self.responses, &self.shadows, self.start_ns, &self.window_ns)
    }

    fn slowest(&self, disturbances: &[Disturbance]) -> Option<Slowest> {
        let stamps = self.stamps.iter().copied();
        let Self { shadows, run_delays, .. } = self;
        let known = Known { shadows, disturbances, run_delays };
        Slowest::of(stamps, known, self.start_ns, self.ended_ns)
    }

    fn stalls(&self, typical: Typical, disturbances: &[Disturbance]) -> Stalls {
        let window_ns = self.start_ns + self.window_ns.start..self.start_ns + self.window_ns.end;
        Stalls::of(&self.responses, &window_ns, typical.p99, disturbances, self.start_ns)
    }
}

impl Archive {
    /// Computes the typical response times, stalls and tails of all rounds again from their stamps,
    /// and compares them with those that were saved. Of a campaign without stamps nothing is compared.
    ///
    /// # Errors
    /// When a file is damaged, or a saved figure is another one.
    pub fn check_stamps(&self) -> Result<()> {
        // Where the server has its own pacing, the files do not tell when a tick was generated.
        if self.lacks_stamps() || !self.campaign.server.keeps_due_times() {
            return Ok(());
        }
        for round in &self.rounds {
            let result = &round.result;
            let Some(m) = &result.measurement else { continue };
            let Some(saved) = m.typical_ns else { continue };
            let Some(wrong) = wrong(self.ticks(round)?.as_ref(), m, saved, &result.disturbances)
            else {
                continue;
            };
            bail!(
                "rounds.jsonl: the {wrong} of {} under {}, round {}, are not those of its stamps: one of them was changed afterwards; restore it",
                result.client,
                result.workload,
                result.round
            );
        }
        Ok(())
    }

    /// Whether it is from after the windows of typical response times, and what disturbed a round,
    /// were recorded.
    #[must_use]
    pub fn has_windows(&self) -> bool {
        let mut measured = self.rounds.iter().filter_map(|r| r.result.measurement.as_ref());
        measured.any(|measurement| measurement.window_to_ns.is_some())
    }

    /// The windows of a round that typical response times are medians over, from its stamps and
    /// snapshots; none where nothing was due, or nothing was measured.
    ///
    /// # Errors
    /// When a file is missing or damaged.
    pub fn windows(&self, round: &Round) -> Result<Vec<Window>> {
        Ok(self.ticks(round)?.map_or_else(Vec::new, |ticks| ticks.windows()))
    }

    fn ticks(&self, round: &Round) -> Result<Option<Ticks>> {
        let measurement = round.result.measurement.as_ref();
        let to_ns = measurement.and_then(|m| m.window_to_ns);
        let (Some(m), Some(to_ns), Some(evidence)) = (measurement, to_ns, &round.evidence) else {
            return Ok(None);
        };
        let sampled = sampled::of(self, round)?.unwrap_or_default();
        let within = sampled.ticks.iter().filter(|tick| tick.in_window && tick.is_due);
        let stamps: Vec<Stamps> = within.map(|tick| tick.stamps).collect();
        let response = |stamps: &Stamps| (stamps.due_ns, stamps.response(evidence.ended_ns));
        let responses = stamps.iter().map(response).collect();
        let grid = self.grid(evidence).with_context(|| evidence.grid.clone())?;
        let at_ns = |row: &GridRow| evidence.start_ns.saturating_add_signed(row.at_ns);
        let snapshots = grid.iter().filter_map(|row| Some((at_ns(row), row.took_ns?)));
        let waited = grid.iter().filter_map(|row| Some((at_ns(row), row.client_waited_ns?)));
        Ok(Some(Ticks {
            stamps,
            responses,
            shadows: Shadows::new(snapshots),
            run_delays: RunDelays::new(waited),
            start_ns: evidence.start_ns,
            ended_ns: evidence.ended_ns,
            window_ns: m.window_from_ns..to_ns,
        }))
    }
}

/// Which of the saved figures are not those of the stamps. Those that are absent are from before
/// they were saved.
fn wrong(
    ticks: Option<&Ticks>,
    m: &Measurement,
    typical: Typical,
    disturbances: &[Disturbance],
) -> Option<&'static str> {
    let windows = ticks.map_or_else(Vec::new, Ticks::windows);
    let differs = |saved: bool, same: bool| saved && !same;
    let stalls = ticks.map(|ticks| ticks.stalls(typical, disturbances));
    let slowest = ticks.and_then(|ticks| ticks.slowest(disturbances));
    let tail = ticks.and_then(|ticks| Tail::of(&ticks.responses));
    [
        ("typical response times", Typical::over(&windows) != Some(typical)),
        ("stalls", differs(m.stalls.is_some(), m.stalls == stalls)),
        ("longest response times", differs(m.tail.is_some(), m.tail == tail)),
        ("slowest ticks", differs(m.slowest.is_some(), m.slowest == slowest)),
    ]
    .into_iter()
    .find_map(|(name, is_wrong)| is_wrong.then_some(name))
}
