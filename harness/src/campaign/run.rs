//! Runs a comparison or a sweep: all rounds in their shuffled order, saved one by one.

use super::counters::CountersRounds;
use super::order::{Blocks, Slot, slots};
use super::progress::{Activity, Extent, Outline, Progress, RoundStart};
use super::rounds::Rounds;
use anyhow::{Result, anyhow};
use bench_archive::campaign::{Campaign, Status};
use bench_archive::store::Store;
use bench_core::analysis::rows::result::RoundResult;
use bench_core::analysis::rows::summary::{self, Participants};
use bench_core::load::plan::Timing;
use bench_core::load::server::Paces;
use bench_core::load::workload::{Rate, Workload};
use bench_core::text::digits::short;
use bench_core::text::nearest;
use bench_publish::tables::campaign::markdown;
use bench_rig::programs::roster::Entry;
use contract::Class;

/// What a campaign runs, and how.
pub struct Scheme {
    /// Clients and variants.
    pub entries: Vec<Entry>,
    /// Who decides when a tick is generated.
    pub paces: Paces,
    /// Seed of the market, of random gaps, and of the order of rounds.
    pub seed: u64,
    /// The entry that runs twice in every block, by its index.
    pub control: usize,
    /// The loads.
    pub workloads: Vec<Workload>,
    /// Rounds of each client under each load.
    pub rounds: u32,
    /// How long each round is.
    pub timing: Timing,
    /// What a block is.
    pub blocks: Blocks,
    /// Whether each client has a further round with counters under each load, after all others.
    pub counters: bool,
}

impl Scheme {
    fn participants(&self) -> Participants {
        Participants {
            clients: self.entries.iter().map(|entry| (entry.name.clone(), entry.class)).collect(),
            control: Some(self.entries[self.control].name.clone()),
        }
    }

    /// Whose round it is, and whether as the control.
    fn entry(&self, slot: Slot) -> (&Entry, bool) {
        match self.entries.get(slot.entry) {
            Some(entry) => (entry, false),
            None => (&self.entries[self.control], true),
        }
    }

    /// What is reported before the first round.
    fn outline(&self) -> Outline {
        let load = |workload: &Workload| match (self.blocks, workload.rate_per_s) {
            (Blocks::OfAll, Some(Rate::PerSecond(rate))) => short(rate as f64),
            _ => workload.name.clone(),
        };
        let control = format!("{} (control)", self.entries[self.control].name);
        Outline {
            title: match self.blocks {
                Blocks::OfAll => Activity::Sweep,
                Blocks::OfClients => Activity::Compare,
            },
            loads: self.workloads.iter().map(load).collect(),
            entries: self.entries.iter().map(|e| e.name.clone()).chain([control]).collect(),
            extent: Extent::Rounds {
                each: self.rounds,
                counters: self.counters_rounds().len(),
                round_ns: self.timing.warmup_ns + self.timing.measure_ns,
            },
        }
    }

    fn counters_rounds(&self) -> CountersRounds<'_> {
        CountersRounds {
            entries: if self.counters { &self.entries } else { &[] },
            workloads: &self.workloads,
            paces: self.paces,
            seed: self.seed,
            timing: self.timing,
        }
    }

    fn start(&self, slot: Slot) -> RoundStart {
        let workload = &self.workloads[slot.workload];
        let (entry, is_control) = self.entry(slot);
        let control = if is_control { " (control)" } else { "" };
        RoundStart {
            load: slot.workload,
            entry: slot.entry,
            title: format!("{} · {}{control} · round {}", workload.name, entry.name, slot.round),
            workload: workload.clone(),
            seed: self.seed,
            timing: self.timing,
            paces: self.paces,
        }
    }

    /// Computes the rows of one workload again.
    fn sum_up(&self, index: usize, campaign: &mut Campaign, results: &[RoundResult]) {
        let workload = &self.workloads[index];
        let all: Vec<&RoundResult> = results.iter().collect();
        let (rows, noise) = summary::of_workload(workload, &self.participants(), &all);
        campaign.rows.retain(|row| row.workload != workload.name);
        campaign.noise.retain(|noise| noise.workload != workload.name);
        campaign.rows.extend(rows);
        campaign.noise.extend(noise);
        // In the order of the workloads, whichever was run last.
        let place = |name: &str| self.workloads.iter().position(|w| w.name == name);
        campaign.rows.sort_by_key(|row| place(&row.workload));
        campaign.noise.sort_by_key(|noise| place(&noise.workload));
    }

    fn sum_up_all(&self, campaign: &mut Campaign, results: &[RoundResult]) {
        (0..self.workloads.len()).for_each(|index| self.sum_up(index, campaign, results));
    }
}

/// Which client is the control, by its index: the one asked for, else the first of class
/// `reference`, else the first.
///
/// # Errors
/// When the one asked for does not take part.
pub fn control(entries: &[Entry], asked: Option<&str>) -> Result<usize> {
    if let Some(name) = asked {
        let found = entries.iter().position(|entry| entry.name == name);
        return found.ok_or_else(|| {
            let names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
            anyhow!(
                "--control {name}: it does not take part; {}name one of the clients compared: {}",
                nearest::question(name, &names, "; "),
                names.join(", ")
            )
        });
    }
    Ok(entries.iter().position(|entry| entry.class == Class::Reference).unwrap_or(0))
}

/// Runs everything. The campaign's rows are up to date, and saved, after every round.
///
/// # Errors
/// When the harness itself cannot continue; what was measured is saved.
pub fn run(
    scheme: &Scheme,
    rounds: &mut dyn Rounds,
    store: &mut Store,
    campaign: &mut Campaign,
    progress: &mut dyn Progress,
) -> Result<()> {
    let entries = scheme.entries.len() + 1;
    let order = slots(scheme.workloads.len(), entries, scheme.rounds, scheme.seed, scheme.blocks);
    progress.plan(scheme.outline());
    let mut results: Vec<RoundResult> = Vec::new();
    // The participants are saved first, so that the tables can be computed from the rounds,
    // wherever the campaign ends.
    scheme.sum_up_all(campaign, &results);
    save(store, campaign)?;
    for slot in order {
        let (entry, is_control) = scheme.entry(slot);
        progress.begin(scheme.start(slot));
        let live = &mut |start_ns, snapshot: &_| progress.snapshot(start_ns, snapshot);
        let workload = &scheme.workloads[slot.workload];
        let Some(played) = rounds.play(entry, workload, scheme.timing, live)? else {
            campaign.status = Status::Interrupted;
            break;
        };
        let mut result = store.without_paths(&played.result)?;
        (result.control, result.round) = (is_control, slot.round);
        campaign.took_part(&entry.name, played.record.as_deref());
        if let Err(error) = store.round(&result, &played.plan, played.record.as_deref()) {
            scheme.sum_up_all(campaign, &results);
            campaign.status = Status::Interrupted;
            // Saved without this round, as in rounds.jsonl, if anything can be saved; printed
            // with it.
            drop(save(store, campaign));
            results.push(result);
            scheme.sum_up(slot.workload, campaign, &results);
            return Err(error);
        }
        progress.end(&result);
        results.push(result);
        scheme.sum_up(slot.workload, campaign, &results);
        save(store, campaign)?;
    }
    scheme.sum_up_all(campaign, &results);
    if campaign.status == Status::Interrupted {
        return Ok(());
    }
    scheme.counters_rounds().run(rounds, store, campaign, progress)
}

/// Saves a campaign with its table.
///
/// # Errors
/// When a file cannot be written, as on a full disk.
pub fn save(store: &Store, campaign: &Campaign) -> Result<()> {
    store.campaign(campaign, &markdown(campaign))
}
