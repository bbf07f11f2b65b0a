//! A comparison or a sweep under way: its blocks, what is played again, and what was measured.

use super::order::Slot;
use super::progress::Progress;
use super::rounds::Rounds;
use super::scheme::Scheme;
use anyhow::Result;
use bench_archive::campaign::{Campaign, Status};
use bench_archive::store::Store;
use bench_core::analysis::rows::result::RoundResult;
use bench_core::analysis::verdict::Verdict;
use bench_publish::tables::campaign::markdown;
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;
use std::time::{Duration, Instant};

/// A disturbed round is played again at most so many times. Where pauses hit one round in eight,
/// three repeats leave one round in four thousand disturbed; where they hit more than half, no
/// number of repeats makes a machine quiet.
pub const REPEATS: u32 = 3;

/// Whether a campaign goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flow {
    /// It does.
    GoesOn,
    /// The user interrupted it.
    Interrupted,
}

/// A campaign under way.
pub(super) struct Running<'a> {
    pub(super) scheme: &'a Scheme,
    pub(super) campaign: &'a mut Campaign,
    pub(super) progress: &'a mut dyn Progress,
    pub(super) store: &'a mut Store,
    rounds: &'a mut dyn Rounds,
    results: Vec<RoundResult>,
    /// Time of all rounds so far.
    pub(super) spent: Duration,
    /// Shuffles of rounds that are played again, and of further blocks: those of the others stay
    /// as they are.
    random: [ChaCha8Rng; 2],
}

impl<'a> Running<'a> {
    /// A campaign before its first round.
    pub(super) fn new(
        scheme: &'a Scheme,
        rounds: &'a mut dyn Rounds,
        store: &'a mut Store,
        campaign: &'a mut Campaign,
        progress: &'a mut dyn Progress,
    ) -> Self {
        let stream = |number| {
            let mut random = ChaCha8Rng::seed_from_u64(scheme.seed);
            random.set_stream(number);
            random
        };
        let (results, spent, random) = (Vec::new(), Duration::ZERO, [stream(2), stream(3)]);
        Self { scheme, campaign, progress, store, rounds, results, spent, random }
    }

    /// Computes all rows again.
    pub(super) fn sum_up_all(&mut self) {
        self.scheme.sum_up_all(self.campaign, &self.results);
    }

    /// Computes all rows again, and saves them.
    pub(super) fn save_all(&mut self) -> Result<()> {
        self.sum_up_all();
        save(self.store, self.campaign)
    }

    /// Plays a block, and then again those of its rounds that were disturbed, as long as there is
    /// time for them.
    pub(super) fn block(&mut self, mut slots: Vec<Slot>) -> Result<Flow> {
        for repeat in 0..=self.scheme.repeats {
            if repeat > 0 {
                slots.shuffle(&mut self.random[0]);
                slots.truncate(self.affordable(slots.len()));
                self.progress.more(slots.len());
            }
            let mut disturbed = Vec::new();
            for slot in slots {
                match self.play(Slot { repeat, ..slot })? {
                    Some(Verdict::Noisy) => disturbed.push(slot),
                    Some(_) => {}
                    None => return Ok(Flow::Interrupted),
                }
            }
            if disturbed.is_empty() {
                break;
            }
            slots = disturbed;
        }
        Ok(Flow::GoesOn)
    }

    /// Shuffles a further block.
    pub(super) fn shuffle(&mut self, slots: &mut [Slot]) {
        slots.shuffle(&mut self.random[1]);
    }

    /// How many of these rounds can be played again: within the budget, or, if none was given,
    /// within twice the time of the planned rounds.
    fn affordable(&self, rounds: usize) -> usize {
        let scheme = self.scheme;
        let planned = scheme.block_len() * scheme.workloads.len() * scheme.rounds as usize;
        let budget = scheme.budget.unwrap_or_else(|| self.cost(2 * planned));
        let left = budget.saturating_sub(self.spent).as_secs_f64();
        rounds.min((left / self.cost(1).as_secs_f64().max(1e-9)) as usize)
    }

    /// The time of that number of rounds, from those that were played.
    pub(super) fn cost(&self, rounds: usize) -> Duration {
        let timing = self.scheme.timing;
        let load = Duration::from_nanos(timing.warmup_ns + timing.measure_ns);
        let each = match self.results.len() {
            0 => load,
            played => (self.spent / played as u32).max(load),
        };
        each * rounds as u32
    }

    /// Plays and saves one round; `None`: the user interrupted it.
    fn play(&mut self, slot: Slot) -> Result<Option<Verdict>> {
        let scheme = self.scheme;
        let (entry, is_control) = scheme.entry(slot);
        self.progress.begin(scheme.start(slot));
        let began = Instant::now();
        let progress = &mut *self.progress;
        let live = &mut |start_ns, snapshot: &_| progress.snapshot(start_ns, snapshot);
        let workload = &scheme.workloads[slot.workload];
        let Some(played) = self.rounds.play(entry, workload, scheme.timing, live)? else {
            return Ok(None);
        };
        let load = Duration::from_nanos(scheme.timing.warmup_ns + scheme.timing.measure_ns);
        self.spent += began.elapsed().max(load);
        let mut result = self.store.without_paths(&played.result)?;
        (result.control, result.round, result.repeat) = (is_control, slot.round, slot.repeat);
        let verdict = result.verdict;
        self.campaign.took_part(&entry.name, played.record.as_deref());
        if let Err(error) = self.store.round(&result, &played.plan, played.record.as_deref()) {
            scheme.sum_up_all(self.campaign, &self.results);
            self.campaign.status = Status::Interrupted;
            // Saved without this round, as in rounds.jsonl, if anything can be saved; printed
            // with it.
            drop(save(self.store, self.campaign));
            self.results.push(result);
            scheme.sum_up(slot.workload, self.campaign, &self.results);
            return Err(error);
        }
        self.progress.end(&result);
        self.results.push(result);
        scheme.sum_up(slot.workload, self.campaign, &self.results);
        save(self.store, self.campaign)?;
        Ok(Some(verdict))
    }
}

/// Saves a campaign with its table.
///
/// # Errors
/// When a file cannot be written, as on a full disk.
pub fn save(store: &Store, campaign: &Campaign) -> Result<()> {
    store.campaign(campaign, &markdown(campaign))
}
