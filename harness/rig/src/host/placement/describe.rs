//! Says why CPUs are those of a placement, from the CPUs alone: however they were chosen.

use super::topology::{Core, Topology};
use bench_core::record::cpus::CpuList;
use bench_core::record::placement::{Placement, PlacementReason};

/// What there is to say about a placement; `given`: whether options gave the CPUs of the server,
/// and of the client.
pub(super) fn describe(
    topology: &Topology,
    cores: &[Core],
    allowed: &CpuList,
    placement: &Placement,
    given: (bool, bool),
) -> Vec<PlacementReason> {
    if allowed.count() < 2 {
        return vec![PlacementReason::OneCpu];
    }
    let (server, client) = (&placement.server, &placement.client);
    let in_use = placement.in_use();
    let of_both: Vec<&Core> = cores.iter().filter(|core| core.cpus.overlaps(&in_use)).collect();
    let mut why = Vec::new();
    if let (server, client @ true) | (server @ true, client) = given {
        why.push(PlacementReason::Given { server, client });
    }
    let shared_core = |core: &&&Core| core.cpus.overlaps(server) && core.cpus.overlaps(client);
    let shared: CpuList =
        of_both.iter().filter(shared_core).flat_map(|core| core.cpus.iter()).collect();
    if server.overlaps(client) {
        why.push(PlacementReason::SharedCpus { cpus: server.common(client) });
    } else if shared.count() > 0 {
        why.push(PlacementReason::SharedCore { cpus: shared });
    } else if !topology.knows_cores() {
        why.push(PlacementReason::UnknownCores);
    }
    why.extend(speed(cores, &of_both, &in_use));
    why.extend(distance(cores, &of_both));
    match (allowed.has(0), in_use.has(0)) {
        (true, false) => why.push(PlacementReason::FirstCpuLeft),
        (_, true) => why.push(PlacementReason::FirstCpuInUse),
        (false, false) => {}
    }
    let cpus = placement.harness.clone();
    why.push(match placement.harness_is_apart() {
        false => PlacementReason::HarnessWithServer,
        true if of_both.iter().any(|core| core.cpus.overlaps(&cpus)) => {
            PlacementReason::HarnessOnCoreInUse { cpus }
        }
        true => PlacementReason::HarnessApart { cpus },
    });
    why
}

/// Whether the fastest cores are in use, where there are several kinds.
fn speed(cores: &[Core], of_both: &[&Core], in_use: &CpuList) -> Option<PlacementReason> {
    if cores.iter().all(|core| core.kind == 0) {
        return None;
    }
    let slower = of_both.iter().filter(|core| core.kind > 0).flat_map(|core| core.cpus.iter());
    let cpus = slower.collect::<CpuList>().common(in_use);
    Some(match cpus.count() {
        0 => PlacementReason::FastCores,
        _ => PlacementReason::SlowerCores { cpus },
    })
}

/// How far apart the CPUs in use are, where the machine has several caches or nodes.
fn distance(cores: &[Core], of_both: &[&Core]) -> Option<PlacementReason> {
    let is_one = |cores: &mut dyn Iterator<Item = Option<usize>>| {
        let mut all: Vec<Option<usize>> = cores.collect();
        all.sort_unstable();
        all.dedup();
        all.len() < 2
    };
    let cache = |core: &Core| core.cache.as_ref().and_then(CpuList::first);
    let one_node = is_one(&mut of_both.iter().map(|core| core.node));
    if !one_node {
        return Some(PlacementReason::SeveralNodes);
    }
    if is_one(&mut cores.iter().map(cache)) {
        return None;
    }
    Some(match is_one(&mut of_both.iter().map(|core| cache(core))) {
        true => PlacementReason::OneCache,
        false => PlacementReason::SeveralCaches,
    })
}
