//! Checks of the CPUs: how many, how fast, and what else runs on them.

use super::finding::{Check, Finding, Judged, Topic, fine, note, warning};
use super::readings::{Limit, Readings, Task};
use bench_core::analysis::verdict::disturbed::{LATENCY_SHARE, PAUSE_NS};
use bench_core::analysis::verdict::judge::{OTHERS_SHARE, STOLEN_SHARE};
use bench_core::record::cpus::CpuList;
use bench_core::record::machine::Virtualisation;

/// The checks, in the order of the table.
pub(super) const CHECKS: &[Check] = &[
    count,
    placed,
    quota,
    siblings,
    isolation,
    governor,
    turbo,
    busy,
    stolen,
    paused,
    load,
    interrupts,
    hypervisor,
    mitigations,
];

fn count(readings: &Readings) -> Finding {
    let topic = Topic {
        check: "CPUs for pinning",
        why: "server and client on one CPU wait for each other, so latencies show the scheduler",
        if_unknown: "pin both yourself with --server-cpus and --client-cpus",
    };
    topic.judge(readings.allowed.as_ref(), |allowed| match allowed.count() {
        1 => warning(
            format!("one ({allowed})"),
            "allow two: `taskset -c 0,1 harness …`, `docker run --cpuset-cpus 0,1`, or a larger machine",
        ),
        count => fine(format!("{count} ({allowed})")),
    })
}

fn placed(readings: &Readings) -> Finding {
    let topic = Topic {
        check: "placement",
        why: "latencies depend on what server and client share: a core, a cache, a memory, a CPU with the harness",
        if_unknown: "choose CPUs with --server-cpus and --client-cpus: see `lscpu -e`",
    };
    topic.judge(readings.placement.as_ref(), |placement| {
        let others = placement.why.iter().filter(|reason| !reason.is_problem());
        let others = others.map(ToString::to_string).collect::<Vec<_>>().join("; ");
        let seen = if others.is_empty() {
            placement.to_string()
        } else {
            format!("{placement} ({others})")
        };
        if placement.problems().next().is_some() {
            return warning(
                seen,
                "allow more CPUs (`taskset`, `docker run --cpuset-cpus`), or choose others with --server-cpus and --client-cpus: see `lscpu -e`",
            );
        }
        match placement.harness_is_apart() {
            true => fine(seen),
            false => note(seen, "allow a third core, so that the harness does not take time from the server"),
        }
    })
}

fn quota(readings: &Readings) -> Finding {
    let topic = Topic {
        check: "CPU quota",
        why: "a control group that has used its quota stops all its processes for tens of milliseconds",
        if_unknown: "check the CPU limit of the container or service",
    };
    topic.judge(readings.quota_cpus, |quota| match quota {
        Limit::Unlimited => fine("none"),
        Limit::Most(cpus) => warning(
            format!("{cpus:.2} CPUs"),
            "remove it (`docker run` without --cpus; systemd: CPUQuota=), and choose CPUs with --cpuset-cpus or AllowedCPUs= instead",
        ),
    })
}

fn siblings(readings: &Readings) -> Finding {
    let topic = Topic {
        check: "SMT siblings",
        why: "two threads of one core share its execution units and caches, so a busy server slows the client",
        if_unknown: "see `lscpu -e`, and give --server-cpus and --client-cpus different cores",
    };
    let placed = readings.placement.as_ref();
    let pair = placed.map(|p| (&p.server, &p.client));
    topic.judge(readings.cores.as_ref(), |cores| {
        let threads = cores.iter().map(CpuList::count).max().unwrap_or(1);
        if threads < 2 {
            return fine("one thread per core");
        }
        let shared = pair.and_then(|(server, client)| {
            cores.iter().find(|core| core.overlaps(server) && core.overlaps(client))
        });
        match shared {
            None => fine(format!("{threads} threads per core; server and client share none")),
            Some(core) => warning(
                format!("server and client share the core of CPUs {core}"),
                apart(cores, readings.allowed.as_ref()),
            ),
        }
    })
}

/// Options that give server and client cores of their own.
fn apart(cores: &[CpuList], allowed: Option<&CpuList>) -> String {
    if cores.len() < 2 {
        return "use a machine with two cores, or a virtual machine whose CPUs are whole cores"
            .into();
    }
    let (server, client) = cores.split_at(cores.len() / 2);
    let all = |cores: &[CpuList]| -> CpuList {
        let cpus = cores.iter().flat_map(CpuList::iter);
        cpus.filter(|&cpu| allowed.is_none_or(|list| list.has(cpu))).collect()
    };
    format!("give `--server-cpus {} --client-cpus {}`", all(server), all(client))
}

fn isolation(readings: &Readings) -> Finding {
    let topic = Topic {
        check: "isolated CPUs",
        why: "on other CPUs the kernel may run other processes between two ticks, and interrupts with its timer",
        if_unknown: "see isolcpus= and nohz_full= in /proc/cmdline",
    };
    let client = readings.placement.as_ref().map(|p| &p.client);
    topic.judge(readings.isolated.as_ref(), |isolated| {
        if isolated.count() == 0 {
            let cpus = client.map_or("LIST".into(), ToString::to_string);
            return note(
                "none",
                format!("for measurements to publish, boot with `isolcpus={cpus} nohz_full={cpus} rcu_nocbs={cpus}`"),
            );
        }
        if let Some(allowed) = &readings.allowed
            && allowed.lacks(isolated).is_some()
        {
            let both = allowed.with(isolated);
            return note(
                format!("{isolated}, but this process may not use them"),
                format!("start it with `taskset -c {both} harness …`, and give `--client-cpus {isolated}`"),
            );
        }
        if client.is_none_or(|client| isolated.lacks(client).is_some()) {
            return note(format!("{isolated}"), format!("give `--client-cpus {isolated}`"));
        }
        match readings.tickless.as_ref() {
            Some(tickless) if tickless.overlaps(isolated) => fine(format!("{isolated}, without a timer tick")),
            _ => note(format!("{isolated}, with a timer tick"), format!("also boot with `nohz_full={isolated}`")),
        }
    })
}

fn governor(readings: &Readings) -> Finding {
    let topic = Topic {
        check: "frequency governor",
        why: "a CPU that slows down when idle needs time to speed up again, so rounds differ",
        if_unknown: "in a virtual machine the host decides: ask whoever runs it for `performance`",
    };
    topic.judge(readings.governors.as_ref(), |governors| {
        let seen = governors.join(", ");
        match governors.iter().all(|governor| governor == "performance") {
            true => fine(seen),
            false => warning(seen, "`sudo cpupower frequency-set --governor performance`"),
        }
    })
}

fn turbo(readings: &Readings) -> Finding {
    let topic = Topic {
        check: "turbo",
        why: "the frequency depends on the temperature and on how many cores are busy",
        if_unknown: "in a virtual machine the host decides; otherwise see the firmware settings",
    };
    topic.judge(readings.turbo, |turbo| match turbo {
        false => fine("off"),
        true => note(
            "on",
            "`echo 1 | sudo tee /sys/devices/system/cpu/intel_pstate/no_turbo`, or `echo 0 | sudo tee /sys/devices/system/cpu/cpufreq/boost`",
        ),
    })
}

fn busy(readings: &Readings) -> Finding {
    let topic = Topic {
        check: "other processes",
        why: "processes on the CPUs of server and client take CPU time from them; such rounds get the verdict noisy",
        if_unknown: "see `top` for processes that use CPUs, and stop them",
    };
    topic.judge(readings.activity.as_ref(), |activity| {
        let hidden =
            if activity.are_others_hidden { "; /proc hides by whom (hidepid)" } else { "" };
        let seen = format!("{:.2} CPUs in use{hidden}", activity.others_cpus);
        let name = |task: &Task| format!("{} (pid {}, {:.2} CPUs)", task.name, task.pid, task.cpus);
        let busiest: Vec<String> = activity.busiest.iter().map(name).collect();
        let advice = match busiest.is_empty() || activity.are_others_hidden {
            true => {
                "stop other processes, or choose CPUs with --server-cpus and --client-cpus".into()
            }
            false => format!(
                "stop the busiest – {} – or choose CPUs with --server-cpus and --client-cpus",
                busiest.join(", ")
            ),
        };
        let share = activity.others_cpus / activity.cpus.max(1) as f64;
        grade(share, [OTHERS_SHARE, LATENCY_SHARE], seen, advice)
    })
}

fn stolen(readings: &Readings) -> Finding {
    let topic = Topic {
        check: "stolen time",
        why: "while the hypervisor runs other guests, this machine does not run; such rounds get the verdict noisy",
        if_unknown: "see the column `st` of `vmstat 1`",
    };
    topic.judge(readings.activity.as_ref(), |activity| {
        let seen = format!("{:.1} %", activity.stolen_share * 100.0);
        grade(
            activity.stolen_share,
            [STOLEN_SHARE, LATENCY_SHARE],
            seen,
            "use a quieter host, or dedicated CPUs".into(),
        )
    })
}

fn paused(readings: &Readings) -> Finding {
    let topic = Topic {
        check: "pauses of idle CPUs",
        why: "a pause of the kernel or the hypervisor delays every client: the slowest ticks cannot be faster",
        if_unknown: "run a jitter probe on each CPU: `cyclictest`, `sysjitter`",
    };
    topic.judge(readings.jitter.as_ref().filter(|all| !all.is_empty()), |all| {
        let seen = all.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ");
        let most = all.iter().map(|one| one.paused_share).fold(0.0, f64::max);
        let longest_ns = all.iter().map(|one| one.longest_ns).max().unwrap_or(0);
        let advice = "use dedicated CPUs or a quieter host, and isolate the CPUs of server and client (`isolcpus`, `nohz_full`)";
        if most > LATENCY_SHARE {
            return warning(seen, advice);
        }
        match most > OTHERS_SHARE || longest_ns >= PAUSE_NS {
            true => note(seen, advice),
            false => fine(seen),
        }
    })
}

fn grade(value: f64, [some, much]: [f64; 2], seen: String, advice: String) -> Judged {
    match value {
        value if value > much => warning(seen, advice),
        value if value > some => note(seen, advice),
        _ => fine(seen),
    }
}

fn load(readings: &Readings) -> Finding {
    let topic = Topic {
        check: "load",
        why: "a machine that was busy a moment ago may be busy again",
        if_unknown: "see `uptime`",
    };
    let cpus = readings.allowed.as_ref().map_or(1, CpuList::count) as f64;
    topic.judge(readings.load, |load| {
        let advice = "wait until it is below half a CPU: see `uptime`";
        grade(f64::from(load), [0.5, cpus], format!("{load:.2} over one minute"), advice.into())
    })
}

fn interrupts(readings: &Readings) -> Finding {
    let topic = Topic {
        check: "irqbalance",
        why: "it moves interrupts between CPUs, also to the client's",
        if_unknown: "see whether irqbalance runs, and stop it while measuring",
    };
    topic.judge(readings.irqbalance, |is_running| match is_running {
        false => fine("not running"),
        true => note("running", "`sudo systemctl stop irqbalance` while measuring"),
    })
}

fn hypervisor(readings: &Readings) -> Finding {
    let topic = Topic {
        check: "virtual machine",
        why: "other guests of the host, and exits to the hypervisor at timers and wake-ups, add to every latency",
        if_unknown: "see `systemd-detect-virt`; results to publish should come from bare metal",
    };
    topic.judge(readings.virtualisation, |found| match (found, &readings.product) {
        (Virtualisation::BareMetal, _) => fine("no"),
        (found, product) => note(
            product
                .as_ref()
                .map_or(format!("yes: {found}"), |name| format!("yes: {found}, {name}")),
            "measure on bare metal for results to publish, or say that it was a virtual machine",
        ),
    })
}

fn mitigations(readings: &Readings) -> Finding {
    let topic = Topic {
        check: "mitigations",
        why: "they make system calls slower, and differ between CPUs and kernels",
        if_unknown: "see `lscpu`",
    };
    topic.judge(readings.mitigated.as_ref(), |mitigated| match mitigated.len() {
        0 => fine("none"),
        count => note(
            format!("{count}: {}", mitigated.join(", ")),
            "keep those that your users have; compare only campaigns with the same ones",
        ),
    })
}
