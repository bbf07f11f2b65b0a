//! Runs a comparison or a sweep: block by block, saved round by round.

use super::further;
use super::order::{self, Blocks};
use super::progress::Progress;
use super::rounds::Rounds;
use super::running::{Flow, Running};
use super::scheme::Scheme;
use anyhow::Result;
use bench_archive::campaign::{Campaign, Status};
use bench_archive::store::Store;

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
    progress.plan(scheme.outline());
    let mut running = Running::new(scheme, rounds, store, campaign, progress);
    // The participants are saved first, so that the tables can be computed from the rounds,
    // wherever the campaign ends.
    running.save_all()?;
    let flow = timed(&mut running)?;
    running.sum_up_all();
    if flow == Flow::Interrupted {
        running.campaign.status = Status::Interrupted;
        return Ok(());
    }
    scheme.counters_rounds().run(rounds, store, campaign, progress)
}

/// All timed rounds.
fn timed(running: &mut Running<'_>) -> Result<Flow> {
    let scheme = running.scheme;
    let loads = scheme.workloads.len();
    let groups =
        order::groups(loads, scheme.block_len(), scheme.rounds, scheme.seed, scheme.blocks);
    for (load, blocks) in groups.into_iter().enumerate() {
        for block in blocks {
            if running.block(block)? == Flow::Interrupted {
                return Ok(Flow::Interrupted);
            }
        }
        if let (Some(goal), Blocks::OfClients) = (scheme.goal, scheme.blocks)
            && further::play(running, load, goal)? == Flow::Interrupted
        {
            return Ok(Flow::Interrupted);
        }
    }
    Ok(Flow::GoesOn)
}
