//! The order of a campaign's rounds.

use rand::SeedableRng;
use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom;

/// Rounds are run in blocks, each shuffled anew: a drift of the machine then affects all
/// clients of a block alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blocks {
    /// Workload by workload; a block has each client once.
    OfClients,
    /// A block has each client with each workload once.
    OfAll,
}

/// A round to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// Index of the workload.
    pub workload: usize,
    /// Index of the entry; those after the last are the controls.
    pub entry: usize,
    /// Number of the round, from 1.
    pub round: u32,
    /// How often it was played before.
    pub repeat: u32,
}

/// The blocks of all rounds in their order, workload by workload or, where a block has all of
/// them, in one group; `entries` counts the controls.
#[must_use]
pub fn groups(
    workloads: usize,
    entries: usize,
    rounds: u32,
    seed: u64,
    blocks: Blocks,
) -> Vec<Vec<Vec<Slot>>> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let groups: Vec<Vec<usize>> = match blocks {
        Blocks::OfClients => (0..workloads).map(|workload| vec![workload]).collect(),
        Blocks::OfAll => vec![(0..workloads).collect()],
    };
    let mut block = |group: &[usize], round: u32| {
        let each = group.iter().flat_map(|&workload| {
            (0..entries).map(move |entry| Slot { workload, entry, round, repeat: 0 })
        });
        let mut block: Vec<Slot> = each.collect();
        block.shuffle(&mut random);
        block
    };
    groups.iter().map(|group| (1..=rounds).map(|round| block(group, round)).collect()).collect()
}

/// The order of the rounds with counters, after all others: workload by workload, each client
/// once. They are round 0. Their shuffles leave those of the timed rounds as they are.
#[must_use]
pub fn counters_slots(workloads: usize, clients: usize, seed: u64) -> Vec<Slot> {
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    random.set_stream(1);
    let mut slots = Vec::new();
    for workload in 0..workloads {
        let mut block: Vec<Slot> =
            (0..clients).map(|entry| Slot { workload, entry, round: 0, repeat: 0 }).collect();
        block.shuffle(&mut random);
        slots.extend(block);
    }
    slots
}

#[cfg(test)]
mod tests {
    use super::*;

    fn slots(
        workloads: usize,
        entries: usize,
        rounds: u32,
        seed: u64,
        blocks: Blocks,
    ) -> Vec<Slot> {
        groups(workloads, entries, rounds, seed, blocks).concat().concat()
    }

    #[test]
    fn every_client_has_one_round_with_counters_under_each_workload() {
        let order = counters_slots(2, 5, 7);
        assert_eq!(order, counters_slots(2, 5, 7));
        assert_ne!(order, counters_slots(2, 5, 8));
        for (workload, block) in order.chunks(5).enumerate() {
            let mut clients: Vec<usize> = block.iter().map(|slot| slot.entry).collect();
            clients.sort_unstable();
            assert_eq!(clients, [0, 1, 2, 3, 4]);
            assert!(block.iter().all(|slot| slot.workload == workload));
        }
        assert_eq!(counters_slots(2, 0, 7), []);
    }

    #[test]
    fn every_client_has_every_round_and_the_seed_decides_the_order() {
        let order = slots(2, 5, 3, 7, Blocks::OfClients);
        assert_eq!(order.len(), 30);
        assert_eq!(order, slots(2, 5, 3, 7, Blocks::OfClients));
        assert_ne!(order, slots(2, 5, 3, 8, Blocks::OfClients));
        for (index, round) in order.chunks(5).enumerate() {
            let mut clients: Vec<usize> = round.iter().map(|slot| slot.entry).collect();
            clients.sort_unstable();
            assert_eq!(clients, [0, 1, 2, 3, 4]);
            assert!(round.iter().all(|slot| slot.workload == index / 3));
        }
    }

    #[test]
    fn a_block_of_a_sweep_has_every_client_at_every_rate() {
        let order = slots(4, 3, 2, 7, Blocks::OfAll);
        for (index, block) in order.chunks(12).enumerate() {
            let mut pairs: Vec<_> = block.iter().map(|slot| (slot.workload, slot.entry)).collect();
            pairs.sort_unstable();
            pairs.dedup();
            assert_eq!(pairs.len(), 12);
            assert!(block.iter().all(|slot| slot.round as usize == index + 1));
        }
    }
}
