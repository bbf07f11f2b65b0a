//! What a campaign consists of: clients, controls, loads, and how often they are played.

use super::counters::CountersRounds;
use super::order::{Blocks, Slot};
use super::progress::{Activity, Extent, Outline, RoundStart};
use bench_archive::campaign::{Campaign, Request};
use bench_core::analysis::rows::ranks::precision::Goal;
use bench_core::analysis::rows::ranks::rules::RowRules;
use bench_core::analysis::rows::result::RoundResult;
use bench_core::analysis::rows::summary::{self, Participants};
use bench_core::load::plan::Timing;
use bench_core::load::server::Paces;
use bench_core::load::workload::{Rate, Workload};
use bench_core::text::digits::short;
use bench_rig::programs::roster::Entry;
use std::time::Duration;

/// What a campaign runs, and how.
pub struct Scheme {
    /// Clients and variants.
    pub entries: Vec<Entry>,
    /// Who decides when a tick is generated.
    pub paces: Paces,
    /// Seed of the market, of random gaps, and of the order of rounds.
    pub seed: u64,
    /// The entries that run twice in every block, by their indexes.
    pub controls: Vec<usize>,
    /// The loads.
    pub workloads: Vec<Workload>,
    /// Rounds of each client under each load; with a goal, those before it is looked at.
    pub rounds: u32,
    /// How often a disturbed round is played again, at most.
    pub repeats: u32,
    /// How exact figures are meant to be; `None`: the number of rounds is given.
    pub goal: Option<Goal>,
    /// Time for all rounds, if it was given: bounds what is played again.
    pub budget: Option<Duration>,
    /// How long each round is.
    pub timing: Timing,
    /// What a block is.
    pub blocks: Blocks,
    /// Whether each client has a further round with counters under each load, after all others.
    pub counters: bool,
}

impl Scheme {
    /// Who takes part, in the order in which a saved campaign lists them: sums over all clients
    /// are then the same to their last digit.
    fn participants(&self, rules: RowRules) -> Participants {
        let mut clients: Vec<_> =
            self.entries.iter().map(|entry| (entry.name.clone(), entry.class)).collect();
        clients.sort_by(|a, b| a.0.cmp(&b.0));
        let mut controls: Vec<String> = self.control_names().map(str::to_owned).collect();
        controls.sort_unstable();
        Participants { clients, controls, rules }
    }

    /// The names of the clients that run twice.
    pub fn control_names(&self) -> impl Iterator<Item = &str> {
        self.controls.iter().map(|&index| self.entries[index].name.as_str())
    }

    /// What a comparison was asked for.
    #[must_use]
    pub fn comparison(&self) -> Request {
        let mut controls = self.control_names().map(str::to_owned);
        Request::Compare {
            control: controls.next().unwrap_or_default(),
            controls: controls.collect(),
            goal: self.goal,
            repeats: Some(self.repeats),
            counters: self.counters,
        }
    }

    /// The number of rounds of a block under one load: clients and controls.
    pub(super) fn block_len(&self) -> usize {
        self.entries.len() + self.controls.len()
    }

    /// The entries of a client in a block: its own, and that of its control.
    pub(super) fn entries_of(&self, client: &str) -> impl Iterator<Item = usize> {
        let indexes = (0..self.entries.len()).chain(self.controls.iter().copied());
        let all = indexes.enumerate();
        all.filter(move |(_, of)| self.entries[*of].name == client).map(|(entry, _)| entry)
    }

    /// Whose round it is, and whether as the control.
    pub(super) fn entry(&self, slot: Slot) -> (&Entry, bool) {
        match self.entries.get(slot.entry) {
            Some(entry) => (entry, false),
            None => (&self.entries[self.controls[slot.entry - self.entries.len()]], true),
        }
    }

    /// What is reported before the first round.
    pub(super) fn outline(&self) -> Outline {
        let load = |workload: &Workload| match (self.blocks, workload.rate_per_s) {
            (Blocks::OfAll, Some(Rate::PerSecond(rate))) => short(rate as f64),
            _ => workload.name.clone(),
        };
        let controls = self.control_names().map(|name| format!("{name} (control)"));
        Outline {
            title: match self.blocks {
                Blocks::OfAll => Activity::Sweep,
                Blocks::OfClients => Activity::Compare,
            },
            loads: self.workloads.iter().map(load).collect(),
            entries: self.entries.iter().map(|e| e.name.clone()).chain(controls).collect(),
            extent: Extent::Rounds {
                each: self.rounds,
                counters: self.counters_rounds().len(),
                round_ns: self.timing.warmup_ns + self.timing.measure_ns,
                budget_ns: self.goal.map_or(0, |goal| goal.budget_ns),
            },
        }
    }

    pub(super) fn counters_rounds(&self) -> CountersRounds<'_> {
        CountersRounds {
            entries: if self.counters { &self.entries } else { &[] },
            workloads: &self.workloads,
            paces: self.paces,
            seed: self.seed,
            timing: self.timing,
        }
    }

    pub(super) fn start(&self, slot: Slot) -> RoundStart {
        let workload = &self.workloads[slot.workload];
        let (entry, is_control) = self.entry(slot);
        let control = if is_control { " (control)" } else { "" };
        let again = if slot.repeat > 0 { ", again" } else { "" };
        RoundStart {
            load: slot.workload,
            entry: slot.entry,
            title: format!(
                "{} · {}{control} · round {}{again}",
                workload.name, entry.name, slot.round
            ),
            workload: workload.clone(),
            seed: self.seed,
            timing: self.timing,
            paces: self.paces,
        }
    }

    /// Computes the rows of one workload again.
    pub(super) fn sum_up(&self, index: usize, campaign: &mut Campaign, results: &[RoundResult]) {
        let workload = &self.workloads[index];
        let all: Vec<&RoundResult> = results.iter().collect();
        let (rows, noise) =
            summary::of_workload(workload, &self.participants(campaign.rules), &all);
        campaign.rows.retain(|row| row.workload != workload.name);
        campaign.noise.retain(|noise| noise.workload != workload.name);
        campaign.rows.extend(rows);
        campaign.noise.extend(noise);
        // In the order of the workloads, whichever was run last.
        let place = |name: &str| self.workloads.iter().position(|w| w.name == name);
        campaign.rows.sort_by_key(|row| place(&row.workload));
        campaign.noise.sort_by_key(|noise| place(&noise.workload));
    }

    pub(super) fn sum_up_all(&self, campaign: &mut Campaign, results: &[RoundResult]) {
        (0..self.workloads.len()).for_each(|index| self.sum_up(index, campaign, results));
    }
}
