//! Figures that are computed again from the stamps and snapshots of a campaign.

use crate::archive::Archive;
use crate::rounds::Round;
use crate::sampled;
use anyhow::{Context, Result, bail};
use bench_core::analysis::round::shadow::Shadows;
use bench_core::analysis::round::typical::Typical;
use bench_core::analysis::round::windows::{self, Window};

impl Archive {
    /// Computes the typical response times of all rounds again from their stamps, and compares
    /// them with those that were saved. Of a campaign without stamps nothing is compared.
    ///
    /// # Errors
    /// When a file is damaged, or a saved figure is another one.
    pub fn check_stamps(&self) -> Result<()> {
        // Where the server has its own pacing, the files do not tell when a tick was generated.
        if self.lacks_stamps() || !self.campaign.server.keeps_due_times() {
            return Ok(());
        }
        for round in &self.rounds {
            let saved = round.result.measurement.as_ref().and_then(|m| m.typical_ns);
            if saved.is_some() && Typical::over(&self.windows(round)?) != saved {
                let result = &round.result;
                bail!(
                    "rounds.jsonl: the typical response times of {} under {}, round {}, are not those of its stamps: one of them was changed afterwards; restore it",
                    result.client,
                    result.workload,
                    result.round
                );
            }
        }
        Ok(())
    }

    /// The windows of a round that typical response times are medians over, from its stamps and
    /// snapshots; none where nothing was due, or nothing was measured.
    ///
    /// # Errors
    /// When a file is missing or damaged.
    pub fn windows(&self, round: &Round) -> Result<Vec<Window>> {
        let measurement = round.result.measurement.as_ref();
        let to_ns = measurement.and_then(|m| m.window_to_ns);
        let (Some(m), Some(to_ns), Some(evidence)) = (measurement, to_ns, &round.evidence) else {
            return Ok(Vec::new());
        };
        let sampled = sampled::of(self, round)?.unwrap_or_default();
        let within = sampled.ticks.iter().filter(|tick| tick.in_window);
        let responses: Vec<_> = within
            .filter_map(|tick| Some((tick.stamps.due_ns, tick.response(evidence.ended_ns)?)))
            .collect();
        let grid = self.grid(evidence).with_context(|| evidence.grid.clone())?;
        let snapshots = grid.iter().filter_map(|row| {
            Some((evidence.start_ns.saturating_add_signed(row.at_ns), row.took_ns?))
        });
        let shadows = Shadows::new(snapshots);
        let window_ns = m.window_from_ns..to_ns;
        Ok(windows::undisturbed(&responses, &shadows, evidence.start_ns, &window_ns))
    }
}
