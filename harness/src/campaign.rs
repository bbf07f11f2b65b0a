//! Runs a campaign: all rounds in their shuffled order, saved one by one.

use crate::nearest;
use crate::plan::Timing;
use crate::rows::RoundResult;
use crate::runner::{Runner, Stage};
use crate::saved::{Campaign, Status};
use crate::store::Store;
use crate::summary::{self, Cast};
use crate::view::View;
use crate::view::live::{Extent, Outline, Turn as Begun};
use crate::view::words;
use crate::workload::{Rate, Workload};
use anyhow::Result;
use contract::Class;
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;
use std::sync::atomic::AtomicBool;

/// What a campaign runs, and how.
pub struct Scheme {
    /// Who, with what, where.
    pub stage: Stage,
    /// The entry that runs twice in every block, by its index.
    pub control: usize,
    /// Loads.
    pub workloads: Vec<Workload>,
    /// Rounds of each.
    pub rounds: u32,
    /// How long each is.
    pub timing: Timing,
    /// What a block is.
    pub blocks: Blocks,
}

impl Scheme {
    fn cast(&self) -> Cast {
        let entries = &self.stage.entries;
        Cast {
            clients: entries.iter().map(|entry| (entry.name.clone(), entry.class)).collect(),
            control: Some(entries[self.control].name.clone()),
        }
    }
}

/// Rounds are run in blocks, each in an order shuffled anew: what drifts on the
/// machine then meets all of a block alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blocks {
    /// Workload by workload; a block has each client once.
    OfClients,
    /// A block has each client with each workload once.
    OfAll,
}

/// A round to come: indices of workload and client (one more than there are is
/// the control), and its number from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Turn {
    workload: usize,
    client: usize,
    round: u32,
}

/// The order of all rounds.
fn turns(workloads: usize, clients: usize, rounds: u32, seed: u64, blocks: Blocks) -> Vec<Turn> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut turns = Vec::new();
    let groups: Vec<Vec<usize>> = match blocks {
        Blocks::OfClients => (0..workloads).map(|workload| vec![workload]).collect(),
        Blocks::OfAll => vec![(0..workloads).collect()],
    };
    for group in groups {
        for round in 1..=rounds {
            let each = group.iter().flat_map(|&workload| {
                (0..clients).map(move |client| Turn { workload, client, round })
            });
            let mut block: Vec<Turn> = each.collect();
            block.shuffle(&mut random);
            turns.extend(block);
        }
    }
    turns
}

/// Which client is the control, by its index: the one asked for, else the first
/// yardstick, else the first.
///
/// # Errors
/// When the one asked for does not take part.
pub fn control(entries: &[crate::roster::Entry], asked: Option<&str>) -> Result<usize> {
    if let Some(name) = asked {
        let found = entries.iter().position(|entry| entry.name == name);
        return found.ok_or_else(|| {
            let names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
            anyhow::anyhow!(
                "--control {name}: it does not take part; {}name one of the clients compared: {}",
                nearest::question(name, &names, "; "),
                names.join(", ")
            )
        });
    }
    Ok(entries.iter().position(|entry| entry.class == Class::Reference).unwrap_or(0))
}

/// Runs everything, and closes the view at its end. The campaign's rows are up to
/// date, and stored, after every round.
///
/// # Errors
/// When the harness itself cannot go on; what was measured is stored.
pub fn run(
    scheme: &Scheme,
    store: &mut Store,
    campaign: &mut Campaign,
    interrupted: &AtomicBool,
    mut view: View,
) -> Result<()> {
    let mut runner = Runner::new(&scheme.stage, interrupted)?;
    let entries = &scheme.stage.entries;
    let seats = entries.len() + 1;
    let turns =
        turns(scheme.workloads.len(), seats, scheme.rounds, scheme.stage.seed, scheme.blocks);
    view.plan(outline(scheme));
    let mut results: Vec<RoundResult> = Vec::new();
    // Who takes part is saved before anything else, so that the rounds alone give the
    // tables, wherever it breaks off.
    update_all(scheme, campaign, &results);
    store.campaign(campaign)?;
    for turn in turns {
        let workload = &scheme.workloads[turn.workload];
        let is_control = turn.client == entries.len();
        let entry = &entries[if is_control { scheme.control } else { turn.client }];
        view.begin(begun(scheme, turn));
        let live = &mut |start_ns, look: &_| view.look(start_ns, look);
        let Some(mut played) = runner.play(entry, workload, scheme.timing, live)? else {
            campaign.status = Status::Interrupted;
            break;
        };
        let result = &mut played.result;
        result.control = is_control;
        result.round = turn.round;
        result.reason = result.reason.take().map(|reason| store.without_paths(&reason));
        campaign.took_part(&entry.name, played.record.as_deref());
        if let Err(error) = store.round(&played) {
            update_all(scheme, campaign, &results);
            campaign.status = Status::Interrupted;
            // Saved without this round, as rounds.jsonl is, if anything still can be;
            // shown with it.
            drop(store.campaign(campaign));
            results.push(played.result);
            update(scheme, campaign, turn.workload, &results);
            return Err(error);
        }
        view.end(&played.result);
        results.push(played.result);
        update(scheme, campaign, turn.workload, &results);
        store.campaign(campaign)?;
    }
    update_all(scheme, campaign, &results);
    Ok(())
}

fn update_all(scheme: &Scheme, campaign: &mut Campaign, results: &[RoundResult]) {
    for index in 0..scheme.workloads.len() {
        update(scheme, campaign, index, results);
    }
}

/// What the view is told of it beforehand.
fn outline(scheme: &Scheme) -> Outline {
    let load = |workload: &Workload| match (scheme.blocks, workload.rate_per_s) {
        (Blocks::OfAll, Some(Rate::PerSecond(rate))) => words::short(rate as f64),
        _ => workload.name.clone(),
    };
    let seats = 0..=scheme.stage.entries.len();
    Outline {
        kind: if scheme.blocks == Blocks::OfAll { "sweep" } else { "compare" },
        loads: scheme.workloads.iter().map(load).collect(),
        seats: seats.map(|client| seat(scheme, client)).collect(),
        extent: Extent::Rounds {
            each: scheme.rounds,
            round_ns: scheme.timing.warmup_ns + scheme.timing.measure_ns,
        },
    }
}

fn seat(scheme: &Scheme, client: usize) -> String {
    match scheme.stage.entries.get(client) {
        Some(entry) => entry.name.clone(),
        None => format!("{} (control)", scheme.stage.entries[scheme.control].name),
    }
}

/// A turn as the view is told of it.
fn begun(scheme: &Scheme, turn: Turn) -> Begun {
    let workload = &scheme.workloads[turn.workload];
    let client = seat(scheme, turn.client);
    Begun {
        load: turn.workload,
        seat: turn.client,
        title: format!("{} · {client} · round {}", workload.name, turn.round),
        workload: workload.clone(),
        seed: scheme.stage.seed,
        timing: scheme.timing,
        paces: scheme.stage.served_by.paces,
    }
}

/// Sums up one workload anew.
fn update(scheme: &Scheme, campaign: &mut Campaign, index: usize, results: &[RoundResult]) {
    let workload = &scheme.workloads[index];
    let all: Vec<&RoundResult> = results.iter().collect();
    let (rows, noise) = summary::of_workload(workload, &scheme.cast(), &all);
    campaign.rows.retain(|row| row.workload != workload.name);
    campaign.noise.retain(|noise| noise.workload != workload.name);
    campaign.rows.extend(rows);
    campaign.noise.extend(noise);
    // In the order of the workloads, whichever was run last.
    let place = |name: &str| scheme.workloads.iter().position(|w| w.name == name);
    campaign.rows.sort_by_key(|row| place(&row.workload));
    campaign.noise.sort_by_key(|noise| place(&noise.workload));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_client_has_every_round_and_the_seed_decides_the_order() {
        let order = turns(2, 5, 3, 7, Blocks::OfClients);
        assert_eq!(order.len(), 30);
        assert_eq!(order, turns(2, 5, 3, 7, Blocks::OfClients));
        assert_ne!(order, turns(2, 5, 3, 8, Blocks::OfClients));
        for (index, round) in order.chunks(5).enumerate() {
            let mut clients: Vec<usize> = round.iter().map(|turn| turn.client).collect();
            clients.sort_unstable();
            assert_eq!(clients, [0, 1, 2, 3, 4]);
            assert!(round.iter().all(|turn| turn.workload == index / 3));
        }
    }

    #[test]
    fn a_block_of_a_sweep_has_every_client_at_every_rate() {
        let order = turns(4, 3, 2, 7, Blocks::OfAll);
        for (index, block) in order.chunks(12).enumerate() {
            let mut pairs: Vec<_> = block.iter().map(|turn| (turn.workload, turn.client)).collect();
            pairs.sort_unstable();
            pairs.dedup();
            assert_eq!(pairs.len(), 12);
            assert!(block.iter().all(|turn| turn.round as usize == index + 1));
        }
    }
}
