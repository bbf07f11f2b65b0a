//! Findings from made-up machines.

use super::examine::examine;
use super::finding::{Finding, Severity, UNKNOWN};
use super::readings::{Activity, IoUring, Limit, Readings, Settable, Task};
use bench_core::record::counters::{Availability, Counter, Missing, NotCounted};
use bench_core::record::cpus::CpuList;
use bench_core::record::jitter::Jitter;
use bench_core::record::machine::Virtualisation;
use bench_core::record::placement::{Placement, PlacementReason};
use bench_core::record::snapshot::Method;
use bench_rig::host::placement::choose;
use bench_rig::host::placement::topology::Topology;
use std::collections::BTreeMap;
use std::path::Path;

fn list(text: &str) -> CpuList {
    text.parse().unwrap()
}

/// On CPUs of which nothing else is known.
fn placed(allowed: &CpuList) -> Option<Placement> {
    let topology = Topology::read(Path::new("/nowhere"), allowed);
    choose::plan(&topology, allowed, None, None).ok()
}

/// A machine on which nothing disturbs measurements.
fn ideal() -> Readings {
    let allowed = list("0-3");
    Readings {
        placement: placed(&allowed),
        allowed: Some(allowed),
        governors: Some(vec!["performance".into()]),
        turbo: Some(false),
        cores: Some(["0", "1", "2", "3"].map(list).to_vec()),
        isolated: Some(list("2-3")),
        tickless: Some(list("2-3")),
        quota_cpus: Some(Limit::Unlimited),
        jitter: Some(vec![Jitter::of(0, 1_000_000_000, &[150_000])]),
        activity: Some(Activity {
            cpus: 2,
            others_cpus: 0.01,
            stolen_share: 0.0,
            busiest: Vec::new(),
            are_others_hidden: false,
        }),
        load: Some(0.1),
        irqbalance: Some(false),
        swap_bytes: Some(1 << 30),
        swap_used_bytes: Some(0),
        swappiness: Some(60),
        huge_pages: Some("madvise".into()),
        shared_memory_bytes: Some(1 << 30),
        memlock_bytes: Some(Limit::Unlimited),
        open_files: Some(Limit::Most(4096)),
        io_uring: Some(IoUring::Available),
        congestion: Some("cubic".into()),
        workloads_congestion: Some(Settable::Yes),
        receive_buffer_bytes: Some(212_992),
        send_buffer_bytes: Some(212_992),
        receive_autotuning_bytes: Some(6 << 20),
        send_autotuning_bytes: Some(4 << 20),
        queues_by: Some(Method::SockDiag),
        virtualisation: Some(Virtualisation::BareMetal),
        counters: Some(Availability { all: Counter::ALL.to_vec(), ..Availability::default() }),
        product: None,
        clocksource: Some("tsc".into()),
        clocksources: Some(vec!["tsc".into(), "hpet".into()]),
        mitigated: Some(Vec::new()),
        kernel_settings: BTreeMap::new(),
    }
}

/// The finding of one check when the ideal machine is changed.
fn found(check: &str, change: impl FnOnce(&mut Readings)) -> Finding {
    let mut readings = ideal();
    change(&mut readings);
    let all = examine(&readings);
    all.into_iter().find(|finding| finding.check == check).expect(check)
}

#[test]
fn an_ideal_machine_passes_every_check() {
    let found = examine(&ideal());
    assert!(found.len() > 20);
    for finding in found {
        assert_eq!((finding.severity, &finding.advice), (Severity::Fine, &None), "{finding:?}");
    }
}

#[test]
fn a_missing_reading_is_reported_as_unknown() {
    let mut names = Vec::new();
    for finding in examine(&Readings::default()) {
        assert_eq!((finding.severity, finding.seen.as_str()), (Severity::Note, UNKNOWN));
        assert!(finding.advice.is_some_and(|advice| !advice.is_empty()), "{}", finding.check);
        names.push(finding.check);
    }
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count, "a name for each check");
}

#[test]
fn each_problem_has_its_severity_and_advice() {
    use Severity::{Note, Warning};
    type Change = fn(&mut Readings);
    let cases: &[(&str, Change, Severity, &str)] = &[
        ("CPUs for pinning", |r| r.allowed = Some(list("5")), Warning, "taskset"),
        ("CPU quota", |r| r.quota_cpus = Some(Limit::Most(1.5)), Warning, "CPUQuota="),
        ("isolated CPUs", |r| r.isolated = Some([].into_iter().collect()), Note, "isolcpus=2-3"),
        ("isolated CPUs", |r| r.isolated = Some(list("6-7")), Note, "taskset -c 0-3,6-7"),
        ("isolated CPUs", |r| r.isolated = Some(list("1")), Note, "--client-cpus 1"),
        ("isolated CPUs", |r| r.tickless = None, Note, "nohz_full=2-3"),
        (
            "frequency governor",
            |r| r.governors = Some(vec!["performance".into(), "powersave".into()]),
            Warning,
            "cpupower",
        ),
        ("turbo", |r| r.turbo = Some(true), Note, "no_turbo"),
        ("load", |r| r.load = Some(0.9), Note, "uptime"),
        ("load", |r| r.load = Some(7.0), Warning, "uptime"),
        ("irqbalance", |r| r.irqbalance = Some(true), Note, "systemctl stop"),
        ("virtual machine", |r| r.virtualisation = Some(Virtualisation::Kvm), Note, "bare metal"),
        ("mitigations", |r| r.mitigated = Some(vec!["meltdown".into()]), Note, "same"),
        ("swap", |r| r.swap_used_bytes = Some(1 << 20), Note, "swapoff"),
        ("swap", |r| r.swap_used_bytes = Some(1 << 29), Warning, "swapoff"),
        ("huge pages", |r| r.huge_pages = Some("always".into()), Note, "madvise"),
        ("/dev/shm", |r| r.shared_memory_bytes = Some(0), Warning, "mount"),
        ("/dev/shm", |r| r.shared_memory_bytes = Some(1 << 20), Warning, "--shm-size"),
        ("locked memory", |r| r.memlock_bytes = Some(Limit::Most(65_536)), Warning, "ulimit -l"),
        ("io_uring", |r| r.io_uring = Some(IoUring::Forbidden), Warning, "io_uring_disabled=0"),
        ("io_uring", |r| r.io_uring = Some(IoUring::Filtered), Warning, "seccomp profile"),
        ("io_uring", |r| r.io_uring = Some(IoUring::Absent), Warning, "Linux 5.8"),
        ("open files", |r| r.open_files = Some(Limit::Most(1024)), Note, "ulimit -n"),
        ("open files", |r| r.open_files = Some(Limit::Most(64)), Warning, "ulimit -n"),
        ("sock_diag", |r| r.queues_by = Some(Method::ProcNetTcp), Warning, "modprobe"),
        ("congestion control", |r| r.congestion = Some("bbr".into()), Note, "=cubic"),
        (
            "congestion of workloads",
            |r| r.workloads_congestion = Some(Settable::Refused("load its module".into())),
            Warning,
            "load its module",
        ),
        ("buffer limits", |r| r.send_buffer_bytes = Some(65_536), Warning, "wmem_max=212992"),
        ("buffer autotuning", |r| r.receive_autotuning_bytes = Some(1 << 20), Note, "tcp_rmem"),
    ];
    for (check, change, severity, advice) in cases {
        let finding = found(check, change);
        assert_eq!(finding.severity, *severity, "{finding:?}");
        assert!(finding.advice.as_ref().unwrap().contains(advice), "{finding:?}");
    }
}

#[test]
fn siblings_are_a_warning_if_server_and_client_share_a_core() {
    let pairs = |cores: &[&str]| Some(cores.iter().map(|core| list(core)).collect::<Vec<_>>());
    let neighbours = found("SMT siblings", |r| r.cores = pairs(&["0-1", "2-3"]));
    assert_eq!(neighbours.severity, Severity::Fine, "{neighbours:?}");
    let crossed = found("SMT siblings", |r| r.cores = pairs(&["0,2", "1,3"]));
    assert_eq!(crossed.severity, Severity::Warning);
    assert!(crossed.advice.unwrap().contains("--server-cpus 0,2 --client-cpus 1,3"));
    let alone = found("SMT siblings", |r| {
        r.allowed = Some(list("0-1"));
        r.placement = placed(&list("0-1"));
        r.cores = pairs(&["0-1"]);
    });
    assert!(alone.severity == Severity::Warning && alone.advice.unwrap().contains("two cores"));
}

#[test]
fn the_placement_is_named_with_its_reasons() {
    let two = found("placement", |r| r.placement = placed(&list("0-1")));
    assert_eq!(two.severity, Severity::Note);
    assert!(two.seen.starts_with("server and harness on CPU 0, client on CPU 1 ("), "{}", two.seen);
    assert!(two.seen.contains("no CPU is left for the harness"), "{}", two.seen);
    assert!(two.advice.unwrap().contains("a third core"));
    let siblings = found("placement", |r| {
        r.placement = placed(&list("0-1"));
        let why = &mut r.placement.as_mut().unwrap().why;
        why.push(PlacementReason::SharedCore { cpus: list("0-1") });
    });
    assert_eq!(siblings.severity, Severity::Warning);
    assert!(siblings.seen.contains("share the core of CPU 0-1"), "{}", siblings.seen);
}

#[test]
fn the_busiest_processes_are_named() {
    let busy = |others_cpus: f64, stolen_share: f64| {
        let task = Task { name: "backup".into(), pid: 77, cpus: 0.4 };
        let (busiest, are_others_hidden) = (vec![task], false);
        Some(Activity { cpus: 2, others_cpus, stolen_share, busiest, are_others_hidden })
    };
    let much = found("other processes", |r| r.activity = busy(0.4, 0.0));
    assert!(
        much.severity == Severity::Warning
            && much.advice.unwrap().contains("backup (pid 77, 0.40 CPUs)")
    );
    let hidden = found("other processes", |r| {
        r.activity = busy(0.4, 0.0);
        r.activity.as_mut().unwrap().are_others_hidden = true;
    });
    assert_eq!(hidden.seen, "0.40 CPUs in use; /proc hides by whom (hidepid)");
    assert!(hidden.advice.unwrap().starts_with("stop other processes, or"));
    let little = found("other processes", |r| r.activity = busy(0.07, 0.0));
    assert_eq!(little.severity, Severity::Note);
    assert_eq!(found("stolen time", |r| r.activity = busy(0.0, 0.02)).severity, Severity::Note);
    let stolen = found("stolen time", |r| r.activity = busy(0.0, 0.2));
    assert_eq!((stolen.severity, stolen.seen.as_str()), (Severity::Warning, "20.0 %"));
}

#[test]
fn the_advice_for_a_slow_clock_is_a_fast_one_if_there_is_one() {
    let slow = found("clock source", |r| r.clocksource = Some("hpet".into()));
    assert!(slow.severity == Severity::Warning && slow.advice.unwrap().contains("echo tsc"));
    let only = found("clock source", |r| {
        r.clocksource = Some("acpi_pm".into());
        r.clocksources = None;
    });
    assert!(only.advice.unwrap().contains("dmesg"));
}

#[test]
fn missing_counters_are_a_note_that_states_each_reason_once() {
    let missing = |counter: Counter| {
        let why = match counter.is_of_hardware() {
            true => NotCounted::NoHardware,
            false => NotCounted::NoTracefs,
        };
        Missing { counter, why }
    };
    let not_counted =
        [Counter::SystemCalls, Counter::Cycles, Counter::CacheMisses].map(missing).to_vec();
    let finding = found("counters", |r| {
        let all = vec![Counter::ContextSwitches];
        let user_space_only = vec![Counter::PageFaults];
        r.counters = Some(Availability { all, user_space_only, not_counted });
    });
    assert_eq!(finding.severity, Severity::Note);
    assert_eq!(finding.seen, "context switches; page faults outside of the kernel");
    let advice = finding.advice.unwrap();
    for expected in
        ["system calls: tracefs is not mounted", "cycles, cache misses: ", "perf_event_paranoid=1"]
    {
        assert_eq!(advice.matches(expected).count(), 1, "{expected}: {advice}");
    }
    let finding = found("counters", |r| {
        let not_counted = Counter::ALL.map(missing).to_vec();
        r.counters = Some(Availability { not_counted, ..Availability::default() });
    });
    assert_eq!(finding.seen, "none");
}
