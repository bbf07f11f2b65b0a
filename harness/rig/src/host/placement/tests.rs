//! Placements on machines that are described in files, as `/sys` has them.

use super::choose::plan;
use super::topology::Topology;
use bench_core::record::cpus::CpuList;
use bench_core::record::placement::{Placement, PlacementReason};
use std::fs;
use std::path::Path;

fn list(text: &str) -> CpuList {
    text.parse().unwrap()
}

/// A machine below a temporary directory.
struct Machine(tempfile::TempDir);

impl Machine {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn file(&self, path: &str, text: &str) {
        let file = self.0.path().join("sys/devices").join(path);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, format!("{text}\n")).unwrap();
    }

    fn of_cpus(&self, cpus: &str, path: &str, text: &str) {
        for cpu in list(cpus).iter() {
            self.file(&format!("system/cpu/cpu{cpu}/{path}"), text);
        }
    }

    /// A core with these hardware threads, a private cache, and a last-level cache that it shares.
    fn core(self, threads: &str, cache: &str) -> Self {
        self.of_cpus(threads, "topology/thread_siblings_list", threads);
        for (index, level, shared) in [(0, "1", threads), (1, "2", threads), (2, "3", cache)] {
            self.of_cpus(threads, &format!("cache/index{index}/level"), level);
            self.of_cpus(threads, &format!("cache/index{index}/shared_cpu_list"), shared);
        }
        self
    }

    fn node(self, node: usize, cpus: &str) -> Self {
        self.file(&format!("system/node/node{node}/cpulist"), cpus);
        self
    }

    /// One property of these CPUs.
    fn with(self, cpus: &str, path: &str, value: &str) -> Self {
        self.of_cpus(cpus, path, value);
        self
    }

    /// The CPUs of a kind, as Intel's hybrid processors list them.
    fn kind(self, name: &str, cpus: &str) -> Self {
        self.file(&format!("{name}/cpus"), cpus);
        self
    }

    fn topology(&self, allowed: &str) -> Topology {
        Topology::read(self.0.path(), &list(allowed))
    }

    /// The placement by default.
    fn placed(&self, allowed: &str) -> Placement {
        plan(&self.topology(allowed), &list(allowed), None, None).unwrap()
    }

    fn given(&self, allowed: &str, server: Option<&str>, client: Option<&str>) -> Placement {
        plan(&self.topology(allowed), &list(allowed), server.map(list), client.map(list)).unwrap()
    }
}

/// Server, client, harness.
fn cpus(placement: &Placement) -> [String; 3] {
    [&placement.server, &placement.client, &placement.harness].map(ToString::to_string)
}

/// Six performance cores of two threads each, eight efficiency cores.
fn hybrid_laptop() -> Machine {
    let all = "0-19";
    let fast = ["0-1", "2-3", "4-5", "6-7", "8-9", "10-11"];
    let slow = ["12", "13", "14", "15", "16", "17", "18", "19"];
    let machine = fast.into_iter().chain(slow).fold(Machine::new(), |m, core| m.core(core, all));
    machine.node(0, all).kind("cpu_core", "0-11").kind("cpu_atom", "12-19")
}

/// 64 cores of two threads in two NUMA nodes; eight cores share a last-level cache.
fn large_server() -> Machine {
    let mut machine = Machine::new().node(0, "0-31,64-95").node(1, "32-63,96-127");
    for core in 0..64 {
        let first = core / 8 * 8;
        let cache = format!("{first}-{},{}-{}", first + 7, first + 64, first + 71);
        machine = machine.core(&format!("{core},{}", core + 64), &cache);
    }
    machine
}

#[test]
fn a_hybrid_laptop_uses_its_performance_cores() {
    let placement = hybrid_laptop().placed("0-19");
    assert_eq!(cpus(&placement), ["2-5", "6-11", "0-1"]);
    assert!(placement.spin && placement.harness_is_apart());
    assert!(placement.why.contains(&PlacementReason::FastCores), "{placement:?}");
    assert!(placement.why.contains(&PlacementReason::FirstCpuLeft), "{placement:?}");
    assert_eq!(placement.problems().count(), 0, "{placement}");
}

#[test]
fn two_performance_cores_are_for_server_and_client_and_an_efficiency_core_for_the_harness() {
    let placement = hybrid_laptop().placed("0-3,12-19");
    assert_eq!(cpus(&placement), ["1", "2-3", "12"]);
    // With a single one, it is the client's.
    let placement = hybrid_laptop().placed("4,12-15");
    assert_eq!(cpus(&placement), ["13", "4", "12"]);
    let slower = PlacementReason::SlowerCores { cpus: list("13") };
    assert_eq!(placement.problems().collect::<Vec<_>>(), [&slower]);
    // Where no other kind may be used, there is nothing slower.
    let placement = hybrid_laptop().placed("12-15");
    assert_eq!(cpus(&placement), ["13", "14-15", "12"]);
    assert_eq!(placement.problems().count(), 0, "{placement}");
}

#[test]
fn a_large_server_uses_cores_that_share_a_cache_and_none_of_their_siblings_for_two() {
    let placement = large_server().placed("0-127");
    assert_eq!(cpus(&placement), ["1-3,65-67", "4-7,68-71", "0,64"]);
    assert!(placement.why.contains(&PlacementReason::OneCache), "{placement:?}");
    assert_eq!(placement.problems().count(), 0, "{placement}");
}

#[test]
fn half_a_server_stays_on_its_node() {
    // One core of each of four caches: two on each node.
    let placement = large_server().placed("0,8,32,40,64,72,96,104");
    assert_eq!(cpus(&placement), ["32,96", "40,104", "0,64"]);
    assert!(placement.why.contains(&PlacementReason::SeveralCaches), "{placement:?}");
    // One core of each node.
    let placement = large_server().placed("0,32,64,96");
    assert_eq!(cpus(&placement), ["64", "32,96", "0"]);
    assert!(placement.to_string().contains("several NUMA nodes"), "{placement}");
}

#[test]
fn a_container_with_two_cpus_uses_both_by_their_numbers() {
    let placement = large_server().placed("5,9");
    assert_eq!(cpus(&placement), ["5", "9", "5"]);
    assert_eq!(placement.to_string(), "server and harness on CPU 5, client on CPU 9");
    assert_eq!(placement.in_use(), list("5,9"));
    assert!(placement.why.contains(&PlacementReason::SeveralCaches), "{placement:?}");
    assert!(placement.why.contains(&PlacementReason::HarnessWithServer), "{placement:?}");
}

/// The big cores are the last ones, as on boards with an RK3399.
#[test]
fn a_board_with_big_and_little_cores_uses_the_big_ones() {
    let little = ["0", "1", "2", "3"].into_iter();
    let board = little.fold(Machine::new(), |m, core| m.core(core, "0-3"));
    let board = board.core("4", "4-5").core("5", "4-5");
    let capacity = "cpu_capacity";
    let board = board.with("0-3", capacity, "485").with("4-5", capacity, "1024");
    let placement = board.placed("0-5");
    assert_eq!(cpus(&placement), ["4", "5", "0"]);
    assert!(placement.why.contains(&PlacementReason::FastCores), "{placement:?}");
}

#[test]
fn frequencies_tell_kinds_apart_where_nothing_else_does() {
    let six = ["0", "1", "2", "3", "4", "5"].into_iter();
    let machine = six.fold(Machine::new(), |m, core| m.core(core, "0-5"));
    let path = "cpufreq/cpuinfo_max_freq";
    let machine = machine.with("0-5", "cpu_capacity", "1024");
    let machine = machine.with("0-2", path, "3300000").with("3-5", path, "5100000");
    assert_eq!(cpus(&machine.placed("0-5")), ["3", "4-5", "0"]);
    // Cores that a processor prefers for its turbo are of the same kind.
    let machine = machine.with("0-2", path, "4900000");
    assert_eq!(cpus(&machine.placed("0-5")), ["1-2", "3-5", "0"]);
}

#[test]
fn one_cpu_is_for_all() {
    let placement = large_server().placed("4");
    assert_eq!(cpus(&placement), ["4", "4", "4"]);
    assert!(!placement.spin && placement.to_string().contains("one CPU for all"));
    assert_eq!(placement.in_use(), list("4"), "no other CPU disturbs it");
}

#[test]
fn siblings_are_used_where_there_is_no_other_core_and_that_is_said() {
    let siblings = Machine::new().core("0-1", "0-1");
    let placement = siblings.placed("0-1");
    assert_eq!(cpus(&placement), ["0", "1", "0"]);
    assert!(placement.to_string().contains("share the core of CPU 0-1"), "{placement}");
    let four = Machine::new().core("0-3", "0-3").placed("0-3");
    assert_eq!(cpus(&four), ["1", "2-3", "0"]);
}

#[test]
fn two_cores_of_two_threads_leave_a_thread_of_the_servers_core_to_the_harness() {
    let crossed = Machine::new().core("0,2", "0-3").core("1,3", "0-3");
    let placement = crossed.placed("0-3");
    assert_eq!(cpus(&placement), ["2", "1,3", "0"]);
    let own = PlacementReason::HarnessOnCoreInUse { cpus: list("0") };
    assert!(placement.harness_is_apart() && placement.why.contains(&own), "{placement:?}");
    let adjacent = Machine::new().core("4-5", "4-7").core("6-7", "4-7");
    assert_eq!(cpus(&adjacent.placed("4-7")), ["5", "6-7", "4"]);
}

/// As on the machine that the published campaigns were measured on.
#[test]
fn two_cores_are_used_as_before() {
    let machine = Machine::new().core("0", "0-1").core("1", "0-1").node(0, "0-1");
    let placement = machine.placed("0-1");
    assert_eq!(placement.to_string(), "server and harness on CPU 0, client on CPU 1");
    assert!(placement.spin && !placement.harness_is_apart());
}

#[test]
fn an_offline_cpu_leaves_a_hole() {
    // CPU 1 is offline: it has a directory without a topology, and the mask does not have it.
    let machine = Machine::new().core("0", "0,2-3").core("2", "0,2-3").core("3", "0,2-3");
    machine.file("system/cpu/cpu1/online", "0");
    assert_eq!(cpus(&machine.placed("0,2-3")), ["2", "3", "0"]);
}

#[test]
fn a_machine_without_topology_is_placed_by_numbers() {
    let nothing = Topology::read(Path::new("/nowhere"), &list("0-7"));
    let placement = plan(&nothing, &list("0-7"), None, None).unwrap();
    assert_eq!(cpus(&placement), ["1-3", "4-7", "0"]);
    assert!(placement.why.contains(&PlacementReason::UnknownCores), "{placement:?}");
}

#[test]
fn options_decide_and_the_rest_is_placed_beside_them() {
    let laptop = hybrid_laptop();
    let both = laptop.given("0-19", Some("0"), Some("1"));
    assert_eq!(cpus(&both), ["0", "1", "2-3"]);
    assert!(both.to_string().contains("share the core of CPU 0-1"), "{both}");
    let given = PlacementReason::Given { server: true, client: true };
    assert_eq!(both.why[0].to_string(), "given by --server-cpus and --client-cpus");
    assert_eq!(both.why[0], given);
    let client = laptop.given("0-19", None, Some("4-5"));
    assert_eq!(cpus(&client), ["2-3,6-11", "4-5", "0-1"]);
    let server = laptop.given("0-19", Some("0-11"), None);
    assert_eq!(cpus(&server), ["0-11", "13-19", "12"]);
    // On the same node as the server, and not on its core.
    let server = large_server().given("0-127", Some("40"), None);
    assert_eq!(cpus(&server), ["40", "42-47,106-111", "41,105"]);
}

#[test]
fn shared_cpus_are_reported_and_the_server_does_not_spin() {
    let two = Machine::new().core("0", "0-1").core("1", "0-1");
    let both = two.given("0-1", None, Some("0-1"));
    assert_eq!(cpus(&both), ["0", "0-1", "0"]);
    assert!(!both.spin && both.to_string().contains("server and client share CPU 0"), "{both}");
    let both = two.given("0-1", Some("0-1"), None);
    assert_eq!(cpus(&both), ["0-1", "1", "0-1"]);
}

#[test]
fn cpus_that_are_not_allowed_are_refused() {
    let topology = hybrid_laptop().topology("0-1");
    let error = plan(&topology, &list("0-1"), Some(list("5")), None).unwrap_err();
    assert!(error.to_string().contains("--server-cpus: CPU 5"), "{error}");
}
