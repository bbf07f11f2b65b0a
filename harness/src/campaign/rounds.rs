//! What plays the rounds of a campaign: real processes, or a fake in tests.

use anyhow::Result;
use bench_core::load::plan::Timing;
use bench_core::load::workload::Workload;
use bench_rig::programs::roster::Entry;
use bench_rig::round::runner::{Counted, Played, Runner};
use bench_rig::round::watch::OnSnapshot;

/// Plays one round after the other.
pub trait Rounds {
    /// Plays one round; `None`: the user interrupted it.
    ///
    /// # Errors
    /// When the harness itself cannot continue.
    fn play(
        &mut self,
        entry: &Entry,
        workload: &Workload,
        timing: Timing,
        live: &mut OnSnapshot<'_>,
    ) -> Result<Option<Played>>;

    /// Plays one round in which the client's events are counted, and nothing is timed; `None`:
    /// the user interrupted it.
    ///
    /// # Errors
    /// When the harness itself cannot continue.
    fn count(
        &mut self,
        entry: &Entry,
        workload: &Workload,
        timing: Timing,
        live: &mut OnSnapshot<'_>,
    ) -> Result<Option<Counted>>;
}

impl Rounds for Runner<'_> {
    fn play(
        &mut self,
        entry: &Entry,
        workload: &Workload,
        timing: Timing,
        live: &mut OnSnapshot<'_>,
    ) -> Result<Option<Played>> {
        Runner::play(self, entry, workload, timing, live)
    }

    fn count(
        &mut self,
        entry: &Entry,
        workload: &Workload,
        timing: Timing,
        live: &mut OnSnapshot<'_>,
    ) -> Result<Option<Counted>> {
        Runner::count(self, entry, workload, timing, live)
    }
}
