//! Which CPUs share a core, a cache and a memory, and which are faster: read from `/sys`.

use bench_core::record::cpus::CpuList;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::str::FromStr;

/// The kernel's names of the kinds of cores of a hybrid Intel processor, the fastest first: each
/// has a performance monitoring unit (Documentation/admin-guide/perf/intel-hybrid.rst).
const INTEL_KINDS: [&str; 3] = ["cpu_core", "cpu_atom", "cpu_lowpower"];
/// CPUs are of one kind if the slower one has at least this share of the faster one's speed: the
/// cores that a processor prefers for its highest turbo are a few per cent faster than their like,
/// and cores of another kind slower by a quarter or more.
const ALIKE: f64 = 0.8;

/// What is known of the CPUs that may be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topology {
    cpus: BTreeMap<usize, Cpu>,
}

/// What is known of one CPU; `None`: it is not reported.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Cpu {
    /// The hardware threads of its core, itself among them.
    threads: Option<CpuList>,
    /// The CPUs that share its last-level cache.
    cache: Option<CpuList>,
    /// Its NUMA node.
    node: Option<usize>,
    /// 0: of the fastest kind here.
    kind: usize,
}

/// A core, as far as it may be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Core {
    /// Its hardware threads.
    pub(super) cpus: CpuList,
    /// The CPUs that share its last-level cache, also those that may not be used.
    pub(super) cache: Option<CpuList>,
    /// Its NUMA node.
    pub(super) node: Option<usize>,
    /// 0: of the fastest kind here.
    pub(super) kind: usize,
}

impl Topology {
    /// Reads it for these CPUs from below `root`, which is `/` except in tests.
    #[must_use]
    pub fn read(root: &Path, cpus: &CpuList) -> Self {
        let devices = root.join("sys/devices");
        let (nodes, kinds) = (nodes(&devices), kinds(&devices, cpus));
        let of = |cpu: usize| {
            let dir = devices.join(format!("system/cpu/cpu{cpu}"));
            let has_it = |(_, list): &&(usize, CpuList)| list.has(cpu);
            let known = Cpu {
                threads: value(&dir.join("topology/thread_siblings_list"))
                    .filter(|threads: &CpuList| threads.has(cpu)),
                cache: last_level_cache(&dir).filter(|list| list.has(cpu)),
                node: nodes.iter().find(has_it).map(|(node, _)| *node),
                kind: kinds.get(&cpu).copied().unwrap_or(0),
            };
            (cpu, known)
        };
        Self { cpus: cpus.iter().map(of).collect() }
    }

    /// The cores of these CPUs, in the order of their lowest CPU. A CPU of which nothing is known
    /// counts as a core.
    pub(super) fn cores(&self, allowed: &CpuList) -> Vec<Core> {
        let mut cores: Vec<Core> = Vec::new();
        for cpu in allowed.iter() {
            if cores.iter().any(|core| core.cpus.has(cpu)) {
                continue;
            }
            let known = self.cpus.get(&cpu);
            let threads = known.and_then(|known| known.threads.as_ref());
            cores.push(Core {
                cpus: threads.map_or_else(|| [cpu].into_iter().collect(), |t| t.common(allowed)),
                cache: known.and_then(|known| known.cache.clone()),
                node: known.and_then(|known| known.node),
                kind: known.map_or(0, |known| known.kind),
            });
        }
        cores
    }

    /// Whether it is known for all CPUs which of them share a core.
    pub(super) fn knows_cores(&self) -> bool {
        self.cpus.values().all(|cpu| cpu.threads.is_some())
    }
}

/// The content of a file of one value.
fn value<T: FromStr>(path: &Path) -> Option<T> {
    fs::read_to_string(path).ok()?.trim().parse().ok()
}

/// The CPUs that share the cache of the highest level with the CPU of this directory.
fn last_level_cache(cpu: &Path) -> Option<CpuList> {
    let caches = (0..).map(|index| cpu.join(format!("cache/index{index}")));
    let levels = caches.map_while(|cache| Some((value::<u32>(&cache.join("level"))?, cache)));
    value(&levels.max_by_key(|(level, _)| *level)?.1.join("shared_cpu_list"))
}

/// The NUMA nodes with CPUs.
fn nodes(devices: &Path) -> Vec<(usize, CpuList)> {
    let entries = fs::read_dir(devices.join("system/node")).into_iter().flatten().flatten();
    let node = |entry: fs::DirEntry| {
        let number = entry.file_name().to_str()?.strip_prefix("node")?.parse().ok()?;
        Some((number, value(&entry.path().join("cpulist"))?))
    };
    entries.filter_map(node).collect()
}

/// The kind of each CPU, 0 being the fastest, by the first source in which they differ.
fn kinds(devices: &Path, cpus: &CpuList) -> BTreeMap<usize, usize> {
    let lists = INTEL_KINDS.map(|name| value::<CpuList>(&devices.join(name).join("cpus")));
    let of_intel =
        |cpu: usize| lists.iter().position(|list| list.as_ref().is_some_and(|list| list.has(cpu)));
    let named: Option<BTreeMap<usize, usize>> =
        cpus.iter().map(|cpu| Some((cpu, of_intel(cpu)?))).collect();
    // The capacity that the scheduler reckons with, on ARM above all; then the highest frequency.
    let by_speed = |file: &str| -> Option<BTreeMap<usize, usize>> {
        let speed = |cpu: usize| value(&devices.join(format!("system/cpu/cpu{cpu}/{file}")));
        let speeds: Option<BTreeMap<usize, u64>> =
            cpus.iter().map(|cpu| Some((cpu, speed(cpu)?))).collect();
        Some(ranked(&speeds?))
    };
    let differ = |kinds: &BTreeMap<usize, usize>| kinds.values().any(|kind| *kind > 0);
    let sources =
        [named.map(closed), by_speed("cpu_capacity"), by_speed("cpufreq/cpuinfo_max_freq")];
    sources.into_iter().flatten().find(differ).unwrap_or_default()
}

/// The same order of kinds, without those that no CPU here is of.
fn closed(kinds: BTreeMap<usize, usize>) -> BTreeMap<usize, usize> {
    let mut all: Vec<usize> = kinds.values().copied().collect();
    all.sort_unstable();
    all.dedup();
    let place = |kind: usize| all.partition_point(|&other| other < kind);
    kinds.into_iter().map(|(cpu, kind)| (cpu, place(kind))).collect()
}

/// Kinds by speed: a new one begins where a CPU has less than [`ALIKE`] of the fastest of its kind.
fn ranked(speeds: &BTreeMap<usize, u64>) -> BTreeMap<usize, usize> {
    let mut ordered: Vec<(usize, u64)> = speeds.iter().map(|(cpu, speed)| (*cpu, *speed)).collect();
    ordered.sort_by_key(|(_, speed)| std::cmp::Reverse(*speed));
    let (mut fastest, mut kind) = (ordered.first().map_or(0, |(_, speed)| *speed), 0);
    let mut kinds = BTreeMap::new();
    for (cpu, speed) in ordered {
        if (speed as f64) < fastest as f64 * ALIKE {
            (fastest, kind) = (speed, kind + 1);
        }
        kinds.insert(cpu, kind);
    }
    kinds
}
