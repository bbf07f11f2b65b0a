//! Figures that are computed again from the stamps and snapshots of a campaign.

use crate::archive::Archive;
use crate::rounds::Round;
use crate::sampled;
use anyhow::{Context, Result, bail};
use bench_core::analysis::round::shadow::Shadows;
use bench_core::analysis::round::stalls::Stalls;
use bench_core::analysis::round::typical::Typical;
use bench_core::analysis::round::windows::{self, Window};
use bench_core::analysis::statistics::times::Time;
use bench_core::record::disturbance::Disturbance;
use std::ops::Range;

/// The sampled ticks that were due within the window of a round, and its snapshots.
struct Ticks {
    /// Due times, and response times or bounds of them.
    responses: Vec<(u64, Time)>,
    shadows: Shadows,
    start_ns: u64,
    /// From `start_ns` on.
    window_ns: Range<u64>,
}

impl Ticks {
    fn windows(&self) -> Vec<Window> {
        windows::undisturbed(&self.responses, &self.shadows, self.start_ns, &self.window_ns)
    }

    fn stalls(&self, typical: Typical, disturbances: &[Disturbance]) -> Stalls {
        let window_ns = self.start_ns + self.window_ns.start..self.start_ns + self.window_ns.end;
        Stalls::of(&self.responses, &window_ns, typical.p99, disturbances, self.start_ns)
    }
}

impl Archive {
    /// Computes the typical response times and stalls of all rounds again from their stamps, and
    /// compares them with those that were saved. Of a campaign without stamps nothing is compared.
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
            let ticks = self.ticks(round)?;
            let typical = ticks.as_ref().and_then(|ticks| Typical::over(&ticks.windows()));
            let stalls = ticks.as_ref().map(|ticks| ticks.stalls(saved, &result.disturbances));
            let wrong = match (typical == Some(saved), m.stalls.is_none() || m.stalls == stalls) {
                (false, _) => "typical response times",
                (true, false) => "stalls",
                (true, true) => continue,
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
        let within = sampled.ticks.iter().filter(|tick| tick.in_window);
        let responses = within
            .filter_map(|tick| Some((tick.stamps.due_ns, tick.response(evidence.ended_ns)?)))
            .collect();
        let grid = self.grid(evidence).with_context(|| evidence.grid.clone())?;
        let snapshots = grid.iter().filter_map(|row| {
            Some((evidence.start_ns.saturating_add_signed(row.at_ns), row.took_ns?))
        });
        Ok(Some(Ticks {
            responses,
            shadows: Shadows::new(snapshots),
            start_ns: evidence.start_ns,
            window_ns: m.window_from_ns..to_ns,
        }))
    }
}
