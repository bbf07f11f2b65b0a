//! Chooses the CPUs of server, client and harness: a pure function of the topology, the CPUs that
//! may be used, and the options.

use super::describe::describe;
use super::topology::{Core, Topology};
use anyhow::{Result, bail};
use bench_core::record::cpus::CpuList;
use bench_core::record::placement::Placement;

/// Most interrupts are served by this CPU, unless something moves them.
const INTERRUPTED: usize = 0;

/// The CPUs asked for, or those that fit best:
///
/// - server and client never on hardware threads of one core, if there are two cores;
/// - cores of the fastest kind, if there are two of them;
/// - one last-level cache, or at least one NUMA node;
/// - a core of its own for the harness, preferably with CPU 0, if a third one is left.
///
/// Of the cores that remain, the server has the first half and the client the rest. With two CPUs,
/// the harness shares the server's; with one, all share it.
///
/// # Errors
/// When a CPU is asked for that this process may not use.
pub fn plan(
    topology: &Topology,
    allowed: &CpuList,
    server: Option<CpuList>,
    client: Option<CpuList>,
) -> Result<Placement> {
    for (option, list) in [("--server-cpus", &server), ("--client-cpus", &client)] {
        if let Some(cpu) = list.as_ref().and_then(|list| allowed.lacks(list)) {
            bail!("{option}: CPU {cpu} is not among those allowed here ({allowed})");
        }
    }
    let cores = topology.cores(allowed);
    let given = (server.is_some(), client.is_some());
    let (server, client) = match (server, client) {
        (Some(server), Some(client)) => (server, client),
        (Some(server), None) => {
            let client = beside(&cores, allowed, &server);
            (server, client.unwrap_or_else(|| halves(allowed).1))
        }
        (None, Some(client)) => {
            (beside(&cores, allowed, &client).unwrap_or_else(|| halves(allowed).0), client)
        }
        (None, None) => pair(&cores, allowed),
    };
    let harness = spare(&cores, allowed, &server, &client).unwrap_or_else(|| server.clone());
    let spin = !server.overlaps(&client);
    let mut placement = Placement { server, client, harness, spin, why: Vec::new() };
    placement.why = describe(topology, &cores, allowed, &placement, given);
    Ok(placement)
}

/// The first half of these CPUs, and the rest; with one CPU, that one for both.
fn halves(allowed: &CpuList) -> (CpuList, CpuList) {
    match allowed.count() {
        0 | 1 => (allowed.clone(), allowed.clone()),
        count => {
            (allowed.iter().take(count / 2).collect(), allowed.iter().skip(count / 2).collect())
        }
    }
}

/// The CPUs of server and client.
fn pair(cores: &[Core], allowed: &CpuList) -> (CpuList, CpuList) {
    if let [core] = cores {
        return threads(core);
    }
    if cores.is_empty() {
        return halves(allowed);
    }
    let (server, client) = workers(cores);
    let (mut server, client) = (joined(&server), joined(&client));
    let is_any_left = allowed.count() > server.count() + client.count();
    // A hardware thread of the server's core for the harness, where there is nothing better.
    if !is_any_left && server.count() > 1 {
        server = server.iter().skip(1).collect();
    }
    (without_first(server), without_first(client))
}

/// Server and client on one core: a hardware thread for each, and the first for the harness, if
/// there are three.
fn threads(core: &Core) -> (CpuList, CpuList) {
    match core.cpus.count() {
        0..=2 => halves(&core.cpus),
        _ => (core.cpus.iter().skip(1).take(1).collect(), core.cpus.iter().skip(2).collect()),
    }
}

/// The cores of server and client, which are two or more.
fn workers(cores: &[Core]) -> (Vec<&Core>, Vec<&Core>) {
    let of_kind = |kind: Option<usize>| -> Vec<&Core> {
        cores.iter().filter(|core| Some(core.kind) == kind).collect()
    };
    let fastest = cores.iter().map(|core| core.kind).min();
    let fast = of_kind(fastest);
    if let [fast] = fast[..] {
        // A single fast core is the client's.
        let next = cores.iter().map(|core| core.kind).filter(|kind| Some(*kind) != fastest).min();
        let slower = of_kind(next);
        let near = with_one_left(nearest(slower, fast), &[]);
        return (near.into_iter().take(1).collect(), vec![fast]);
    }
    let others: Vec<&Core> = cores.iter().collect();
    let close = close(fast);
    let mut chosen = if close.len() < 3 { close } else { with_one_left(close, &others) };
    let client = chosen.split_off(chosen.len() / 2);
    (chosen, client)
}

/// The largest group of cores with a common last-level cache, else on one NUMA node; all of them
/// where no group has two. At best one that has two without CPU 0.
fn close<'a>(pool: Vec<&'a Core>) -> Vec<&'a Core> {
    let groups = |same: fn(&Core, &Core) -> bool| {
        let mut groups: Vec<Vec<&'a Core>> = Vec::new();
        for &core in &pool {
            match groups.iter_mut().find(|group| same(group[0], core)) {
                Some(group) => group.push(core),
                None => groups.push(vec![core]),
            }
        }
        let usable = |group: &&Vec<&Core>| {
            group.iter().filter(|core| !core.cpus.has(INTERRUPTED)).count() >= 2
        };
        // `max_by_key` takes the last of equals, and the first is wanted.
        let size = |group: &Vec<&Core>| (usable(&group), group.len());
        groups.into_iter().rev().filter(|group| group.len() >= 2).max_by_key(size)
    };
    groups(share_cache).or_else(|| groups(share_node)).unwrap_or(pool)
}

fn share_cache(a: &Core, b: &Core) -> bool {
    a.cache.is_some() && a.cache == b.cache
}

fn share_node(a: &Core, b: &Core) -> bool {
    a.node.is_some() && a.node == b.node
}

/// Those that are nearest to another core.
fn nearest<'a>(pool: Vec<&'a Core>, to: &Core) -> Vec<&'a Core> {
    let distance = |core: &Core| distance(core, to);
    let least = pool.iter().map(|core| distance(core)).min();
    pool.into_iter().filter(|core| Some(distance(core)) == least).collect()
}

/// 0: the same last-level cache, 1: the same NUMA node, 2: neither, or it is not known.
fn distance(a: &Core, b: &Core) -> u8 {
    match (share_cache(a, b), share_node(a, b)) {
        (true, _) => 0,
        (false, true) => 1,
        (false, false) => 2,
    }
}

/// These cores, if there are several, without one for the harness: that of CPU 0, else the first,
/// unless it can have one of the `others`: a slower one, or one with the same cache.
fn with_one_left<'a>(mut group: Vec<&'a Core>, others: &[&Core]) -> Vec<&'a Core> {
    let [first, _, ..] = group[..] else { return group };
    let would_do = |other: &&Core| {
        !group.contains(other) && (other.kind > first.kind || share_cache(other, first))
    };
    let interrupted = group.iter().position(|core| core.cpus.has(INTERRUPTED));
    match interrupted {
        Some(index) => drop(group.remove(index)),
        None if others.iter().any(would_do) => {}
        None => drop(group.remove(0)),
    }
    group
}

/// CPUs for the other of server and client, where options give those of one: cores that it does
/// not use, else hardware threads that it does not use. `None`: it uses all.
fn beside(cores: &[Core], allowed: &CpuList, given: &CpuList) -> Option<CpuList> {
    let (used, free): (Vec<&Core>, Vec<&Core>) =
        cores.iter().partition(|core| core.cpus.overlaps(given));
    let fastest = free.iter().map(|core| core.kind).min();
    let fast: Vec<&Core> = free.iter().filter(|core| Some(core.kind) == fastest).copied().collect();
    let near = match used.first() {
        Some(used) => nearest(fast, used),
        None => fast,
    };
    let found = match near.is_empty() {
        false => joined(&with_one_left(near, &free)),
        true => allowed.without(given),
    };
    (found.count() > 0).then_some(found)
}

/// CPUs for the harness that neither server nor client uses: the core nearest to the client, else
/// a hardware thread that does not slow the client.
fn spare(cores: &[Core], allowed: &CpuList, server: &CpuList, client: &CpuList) -> Option<CpuList> {
    let of_client = cores.iter().find(|core| core.cpus.overlaps(client));
    let far = |core: &Core| of_client.map_or(0, |of_client| distance(core, of_client));
    let in_use = server.with(client);
    let unused = cores.iter().filter(|core| !core.cpus.overlaps(&in_use));
    if let Some(core) = unused.min_by_key(|core| (far(core), core.cpus.first())) {
        return Some(core.cpus.clone());
    }
    let slows_client = |cpu: usize| {
        let core = cores.iter().find(|core| core.cpus.has(cpu));
        core.is_some_and(|core| core.cpus.overlaps(client) && !core.cpus.overlaps(server))
    };
    let thread = allowed.without(&in_use).iter().find(|&cpu| !slows_client(cpu))?;
    Some([thread].into_iter().collect())
}

fn joined(cores: &[&Core]) -> CpuList {
    cores.iter().flat_map(|core| core.cpus.iter()).collect()
}

/// Without CPU 0, if there are others.
fn without_first(cpus: CpuList) -> CpuList {
    match cpus.count() {
        0 | 1 => cpus,
        _ => cpus.iter().filter(|&cpu| cpu != INTERRUPTED).collect(),
    }
}
