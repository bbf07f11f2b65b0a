//! Further rounds of a workload, for the clients that are not exact enough yet.

use super::order::Slot;
use super::running::{Flow, Running, save};
use anyhow::Result;
use bench_core::analysis::rows::ranks::precision::{self, Ended, Goal, Next};
use std::time::Duration;

/// Plays blocks of those clients that [`precision::next`] names, until it names none. Controls
/// play along with their clients.
pub(super) fn play(running: &mut Running<'_>, load: usize, goal: Goal) -> Result<Flow> {
    let scheme = running.scheme;
    let workload = &scheme.workloads[load];
    let until = running.spent + share(running, load, goal);
    for round in scheme.rounds + 1.. {
        let (rows, _) = running.campaign.of_workload(&workload.name);
        let left = until.saturating_sub(running.spent);
        let cost = |client: &str| running.cost(scheme.entries_of(client).count());
        match precision::next(&rows, workload.rank_by, goal.half_width, left, &cost) {
            Next::End(by) => {
                let ended = Ended { workload: workload.name.clone(), goal, by };
                running.campaign.endings.push(ended);
                save(running.store, running.campaign)?;
                break;
            }
            Next::Block(clients) => {
                let entries = clients.iter().flat_map(|client| scheme.entries_of(client));
                let slot = |entry| Slot { workload: load, entry, round, repeat: 0 };
                let mut block: Vec<Slot> = entries.map(slot).collect();
                running.shuffle(&mut block);
                running.progress.more(block.len());
                if running.block(block)? == Flow::Interrupted {
                    return Ok(Flow::Interrupted);
                }
            }
        }
    }
    Ok(Flow::GoesOn)
}

/// The time for further rounds of a workload: an equal share of what is left of the budget for it
/// and those after it, without the rounds that those have in any case.
fn share(running: &Running<'_>, load: usize, goal: Goal) -> Duration {
    let scheme = running.scheme;
    let after = scheme.workloads.len() - load - 1;
    let reserved = running.cost(after * scheme.block_len() * scheme.rounds as usize);
    let left = Duration::from_nanos(goal.budget_ns).saturating_sub(running.spent + reserved);
    left / (after as u32 + 1)
}
