//! Runs a campaign: all rounds in their shuffled order, saved one by one.

use crate::affinity::Placement;
use crate::builder::{Built, Programs};
use crate::guard::Guard;
use crate::measure;
use crate::plan::Plan;
use crate::progress::Progress;
use crate::roster::Entry;
use crate::round::{self, Outcome, Record, Setup};
use crate::rows::{self, RoundResult, Row, Verdict};
use crate::store::{Campaign, Store};
use crate::table::{self, Style};
use crate::verify::{self, Checksums};
use crate::workload::Workload;
use anyhow::{Context, Result};
use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

/// What a campaign runs, and how.
pub struct Scheme {
    /// Clients and variants.
    pub entries: Vec<Entry>,
    /// Loads.
    pub workloads: Vec<Workload>,
    /// Rounds of each.
    pub rounds: u32,
    /// In ns, a multiple of the grid.
    pub warmup_ns: u64,
    /// In ns, a multiple of the grid.
    pub measure_ns: u64,
    /// In ns.
    pub grid_ns: u64,
    /// Of the market and of the order.
    pub seed: u64,
    /// Who runs where.
    pub placement: Placement,
    /// What was built.
    pub programs: Programs,
}

/// A round to come: indices of workload and client, and its number from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Turn {
    workload: usize,
    client: usize,
    round: u32,
}

/// The order of all rounds: workload by workload, round by round, and within a
/// round the clients in an order shuffled anew: what drifts on the machine
/// then meets all of them alike.
fn turns(workloads: usize, clients: usize, rounds: u32, seed: u64) -> Vec<Turn> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut turns = Vec::new();
    for workload in 0..workloads {
        for round in 1..=rounds {
            let mut order: Vec<usize> = (0..clients).collect();
            order.shuffle(&mut random);
            turns.extend(order.into_iter().map(|client| Turn { workload, client, round }));
        }
    }
    turns
}

/// Runs everything. The campaign's rows are up to date, and stored, after
/// every round.
///
/// # Errors
/// When the harness itself cannot go on; what was measured is stored.
pub fn run(
    scheme: &Scheme,
    store: &mut Store,
    campaign: &mut Campaign,
    interrupted: &AtomicBool,
) -> Result<()> {
    let room = private_room()?;
    let mut guard = Guard::start(Some(room.path()))?;
    let checksums = Checksums::new(scheme.seed);
    let turns = turns(scheme.workloads.len(), scheme.entries.len(), scheme.rounds, scheme.seed);
    let mut progress = Progress::new(turns.len());
    let mut results: Vec<RoundResult> = Vec::new();
    for turn in turns {
        let (workload, entry) = (&scheme.workloads[turn.workload], &scheme.entries[turn.client]);
        progress.begin(&workload.name, &entry.name, turn.round);
        let plan = Plan {
            workload: workload.clone(),
            class: entry.class,
            seed: scheme.seed,
            warmup_ns: scheme.warmup_ns,
            measure_ns: scheme.measure_ns,
            grid_ns: scheme.grid_ns,
        };
        let outcome = match &scheme.programs.clients[&entry.name] {
            Built::Unavailable(reason) => Outcome::Unavailable(reason.clone()),
            Built::Program(words) => {
                let setup = Setup {
                    server: &scheme.programs.server,
                    client: words,
                    client_dir: &entry.dir,
                    plan: &plan,
                    placement: &scheme.placement,
                    room: room.path(),
                };
                round::run(&setup, &mut guard, interrupted, &mut |seen| progress.live(seen))?
            }
        };
        if matches!(outcome, Outcome::Interrupted) {
            campaign.status = "interrupted";
            break;
        }
        let (mut result, record) = judge(outcome, &plan, &checksums);
        result.client.clone_from(&entry.name);
        result.round = turn.round;
        result.reason = result.reason.map(|reason| store.without_paths(&reason));
        if let Some(record) = &record {
            campaign.server_versions.clone_from(&record.server_versions);
            campaign.clients.insert(entry.name.clone(), record.hello.clone());
        }
        store.round(&result, record.as_deref().map(|record| (record, &plan)))?;
        progress.end(&result);
        results.push(result);
        campaign.rows = all_rows(scheme, &results);
        store.campaign(campaign, &markdown(scheme, campaign))?;
    }
    progress.finish();
    campaign.rows = all_rows(scheme, &results);
    Ok(())
}

/// From what happened to what is said about it.
fn judge(
    outcome: Outcome,
    plan: &Plan,
    checksums: &Checksums,
) -> (RoundResult, Option<Box<Record>>) {
    let mut result = RoundResult {
        workload: plan.workload.name.clone(),
        client: String::new(),
        round: 0,
        verdict: Verdict::Failed,
        reason: None,
        remarks: Vec::new(),
        measurement: None,
    };
    match outcome {
        Outcome::Ran(record) => {
            let audit = verify::audit(&record, plan, checksums);
            result.measurement = measure::measure(&record, plan);
            result.verdict = match audit.failures.is_empty() {
                true => Verdict::Measured,
                false => Verdict::Invalid,
            };
            result.reason = (!audit.failures.is_empty()).then(|| audit.failures.join("; "));
            result.remarks = audit.remarks;
            (result, Some(record))
        }
        Outcome::Unavailable(reason) => {
            result.verdict = Verdict::Unavailable;
            result.reason = Some(reason);
            (result, None)
        }
        Outcome::Failed(reason) => {
            result.reason = Some(reason);
            (result, None)
        }
        Outcome::Interrupted => {
            result.verdict = Verdict::Interrupted;
            (result, None)
        }
    }
}

fn all_rows(scheme: &Scheme, results: &[RoundResult]) -> Vec<Row> {
    let mut all = Vec::new();
    for workload in &scheme.workloads {
        let mut rows: Vec<Row> = scheme
            .entries
            .iter()
            .map(|entry| {
                let of_row: Vec<RoundResult> = results
                    .iter()
                    .filter(|r| r.workload == workload.name && r.client == entry.name)
                    .cloned()
                    .collect();
                rows::row(&workload.name, workload.rank_by, &entry.name, entry.class, &of_row)
            })
            .collect();
        rows::sort(&mut rows, workload.rank_by);
        all.extend(rows);
    }
    all
}

/// All tables of a campaign, one after the other.
#[must_use]
pub fn tables(scheme: &Scheme, campaign: &Campaign, style: Style) -> String {
    let of = |workload: &Workload| {
        let rows: Vec<Row> =
            campaign.rows.iter().filter(|row| row.workload == workload.name).cloned().collect();
        table::render(workload, &rows, style)
    };
    scheme.workloads.iter().map(of).collect::<Vec<_>>().join("\n")
}

/// `table.md`.
#[must_use]
pub fn markdown(scheme: &Scheme, campaign: &Campaign) -> String {
    let commit = campaign.commit.as_deref().map_or("unknown", |hash| &hash[..hash.len().min(12)]);
    let dirty = if campaign.dirty == Some(true) { " with changes" } else { "" };
    format!(
        "# Campaign of {}, {}\n\n`{}`, commit {commit}{dirty}, seed {}\n\n{}\n{}: {} rounds of {} s warm-up and {} s measured\n\n{}",
        campaign.started,
        campaign.status,
        campaign.command,
        campaign.seed,
        campaign.machine.describe(),
        campaign.placement,
        campaign.rounds,
        campaign.warmup_s,
        campaign.measure_s,
        tables(scheme, campaign, Style::Markdown)
    )
}

/// A private folder for meters, in memory where there is such a place.
///
/// # Errors
/// When it cannot be made.
pub fn private_room() -> Result<tempfile::TempDir> {
    let shared_memory = PathBuf::from("/dev/shm");
    let place = if shared_memory.is_dir() { shared_memory } else { std::env::temp_dir() };
    // tempfile makes it for its owner only (0700).
    tempfile::Builder::new()
        .prefix("tick-bench-")
        .tempdir_in(&place)
        .with_context(|| format!("a private folder in {}", place.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_client_has_every_round_and_the_seed_decides_the_order() {
        let order = turns(2, 5, 3, 7);
        assert_eq!(order.len(), 30);
        assert_eq!(order, turns(2, 5, 3, 7));
        assert_ne!(order, turns(2, 5, 3, 8));
        for (index, round) in order.chunks(5).enumerate() {
            let mut clients: Vec<usize> = round.iter().map(|turn| turn.client).collect();
            clients.sort_unstable();
            assert_eq!(clients, [0, 1, 2, 3, 4]);
            assert!(round.iter().all(|turn| turn.workload == index / 3));
        }
    }
}
