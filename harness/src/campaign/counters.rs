//! The rounds with counters: one for each client and load, after all timed ones, so that no
//! timed round is lost for them. They change no figure but the rows' counters.

use super::order::counters_slots;
use super::progress::{Progress, RoundStart};
use super::rounds::Rounds;
use anyhow::Result;
use bench_archive::campaign::{Campaign, Status};
use bench_archive::store::Store;
use bench_core::analysis::rows::counters::{self, CountersRound};
use bench_core::load::plan::Timing;
use bench_core::load::server::Paces;
use bench_core::load::workload::Workload;
use bench_publish::tables::campaign::markdown;
use bench_rig::programs::roster::Entry;

/// Which rounds with counters a campaign has.
pub(super) struct CountersRounds<'a> {
    /// Clients and variants; empty if none has one.
    pub entries: &'a [Entry],
    /// The loads.
    pub workloads: &'a [Workload],
    /// Who decides when a tick is generated.
    pub paces: Paces,
    /// Seed of the market, of random gaps, and of the order of rounds.
    pub seed: u64,
    /// How long each round is.
    pub timing: Timing,
}

impl CountersRounds<'_> {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len() * self.workloads.len()
    }

    /// Runs them. Rows without numbers are left out: there is nothing to explain.
    ///
    /// # Errors
    /// When the harness itself cannot continue; what was measured is saved.
    pub fn run(
        &self,
        rounds: &mut dyn Rounds,
        store: &mut Store,
        campaign: &mut Campaign,
        progress: &mut dyn Progress,
    ) -> Result<()> {
        let mut all = Vec::new();
        for slot in counters_slots(self.workloads.len(), self.entries.len(), self.seed) {
            let (entry, workload) = (&self.entries[slot.entry], &self.workloads[slot.workload]);
            if !is_measured(campaign, entry, workload) {
                progress.left_out();
                continue;
            }
            progress.begin(RoundStart {
                load: slot.workload,
                entry: slot.entry,
                title: format!("{} · {} · counters", workload.name, entry.name),
                workload: workload.clone(),
                seed: self.seed,
                timing: self.timing,
                paces: self.paces,
            });
            let live = &mut |start_ns, snapshot: &_| progress.snapshot(start_ns, snapshot);
            let Some(counted) = rounds.count(entry, workload, self.timing, live)? else {
                campaign.status = Status::Interrupted;
                break;
            };
            let result = store.without_paths(&counted.result)?;
            let round = CountersRound {
                workload: result.workload,
                client: result.client,
                verdict: result.verdict,
                reasons: result.reasons,
                counts: counted.counts,
            };
            if let Err(error) = store.counters_round(&round) {
                campaign.status = Status::Interrupted;
                // Without this round, as in rounds.jsonl, if anything can be saved.
                drop(store.campaign(campaign, &markdown(campaign)));
                return Err(error);
            }
            progress.counted(&round);
            counters::add(&mut campaign.rows, &round);
            all.push(round);
            campaign.counters_notes = counters::notes(&all);
            store.campaign(campaign, &markdown(campaign))?;
        }
        Ok(())
    }
}

fn is_measured(campaign: &Campaign, entry: &Entry, workload: &Workload) -> bool {
    let mut rows = campaign.rows.iter();
    rows.any(|row| {
        row.workload == workload.name && row.client == entry.name && row.verdict.is_measured()
    })
}
