//! The pauses of an idle CPU: a loop looks at the clock as often as it can, and a long time
//! between two looks is time that the kernel or the hypervisor took. As `sysjitter` of Solarflare
//! and `jHiccup` of Azul do it.

use crate::host::affinity;
use bench_core::record::cpus::CpuList;
use bench_core::record::jitter::{Jitter, SHORTEST_PAUSE_NS};
use std::time::Duration;
use tick::clock::now_ns;

/// Probes each of these CPUs, all at the same time. What cannot be moved to a CPU is left out.
#[must_use]
pub fn probe(cpus: &CpuList, lasts: Duration) -> Vec<Jitter> {
    let one = |cpu: usize| {
        affinity::apply(&[cpu].into_iter().collect()).ok()?;
        Some(observe(cpu, lasts.as_nanos() as u64))
    };
    std::thread::scope(|scope| {
        let all: Vec<_> = cpus.iter().map(|cpu| scope.spawn(move || one(cpu))).collect();
        all.into_iter().filter_map(|thread| thread.join().ok()?).collect()
    })
}

fn observe(cpu: usize, lasts_ns: u64) -> Jitter {
    let mut pauses_ns = Vec::with_capacity(1024);
    let begin_ns = now_ns();
    let mut at_ns = begin_ns;
    while at_ns < begin_ns + lasts_ns {
        let before_ns = std::mem::replace(&mut at_ns, now_ns());
        if at_ns - before_ns >= SHORTEST_PAUSE_NS {
            pauses_ns.push(at_ns - before_ns);
        }
    }
    Jitter::of(cpu, at_ns - begin_ns, &pauses_ns)
}
