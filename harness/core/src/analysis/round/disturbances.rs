//! Locates what took CPU time from a round, from the counters of the machine at the snapshots
//! and the pauses of the server's own loop. Pure.

use crate::record::cpus::CpuList;
use crate::record::disturbance::{Cause, Disturbance};
use crate::record::placement::Placement;
use crate::record::round::Record;
use crate::record::signals::{KernelTimes, Signals};

/// Other processes that used less than this between two readings are not listed, in ns: kernel
/// threads always do.
const LEAST_NS: u64 = 500_000;
/// Two clocks that are read one after the other may differ by less than this, in ns.
const SUSPENDED_NS: u64 = 1_000_000;
/// Interrupts are listed from this share of a CPU on: they serve the round's own packets too.
const INTERRUPTS_SHARE: f64 = 0.5;
/// They are counted over at least this time, in ns: their counter has steps of 10 ms.
const INTERRUPTS_NS: u64 = 200_000_000;

/// The disturbances of a round, in the order of time.
#[must_use]
pub fn locate(record: &Record, placement: &Placement) -> Vec<Disturbance> {
    let watched = &record.watched;
    let mut found = of_processes(&watched.signals, placement, watched.busy_error_ns);
    found.extend(of_kernel(&watched.signals, placement));
    found.extend(suspensions(&watched.signals, placement));
    found.extend(record.server.pauses.iter().map(|&[at_ns, length_ns]| {
        let cpus = placement.server.clone();
        let (within_ns, took_ns) = (length_ns, length_ns);
        Found { at_ns, within_ns, took_ns, cpus, cause: Cause::ServerPaused }
    }));
    found.sort_by_key(|one| one.at_ns);
    found.into_iter().map(|one| one.since(record.start_ns)).collect()
}

/// A disturbance whose instant is one of the monotonic clock.
struct Found {
    at_ns: u64,
    within_ns: u64,
    took_ns: u64,
    cpus: CpuList,
    cause: Cause,
}

impl Found {
    fn since(self, start_ns: u64) -> Disturbance {
        let Self { at_ns, within_ns, took_ns, cpus, cause } = self;
        Disturbance { at_ns: at_ns as i64 - start_ns as i64, within_ns, took_ns, cpus, cause }
    }
}

/// CPUs whose processes can be told apart from those of others, and the round's own CPU time on
/// them.
struct Group<'a> {
    cpus: CpuList,
    own_ns: Box<dyn Fn(&Signals) -> u64 + 'a>,
}

/// The CPUs of the server and those of the client: of a process, only the total over its CPUs is
/// known. Where both share a CPU, it is all of them.
fn groups(placement: &Placement) -> Vec<Group<'_>> {
    let Placement { server, client, harness, .. } = placement;
    if server.overlaps(client) {
        let own_ns = Box::new(|s: &Signals| s.server_ns + s.client_ns + s.harness_ns);
        return vec![Group { cpus: placement.in_use(), own_ns }];
    }
    let harness_ns = |cpus: &CpuList, s: &Signals| match harness.overlaps(cpus) {
        true => s.harness_ns,
        false => 0,
    };
    let of_server = Box::new(move |s: &Signals| s.server_ns + harness_ns(server, s));
    let of_client = Box::new(move |s: &Signals| s.client_ns + harness_ns(client, s));
    vec![
        Group { cpus: server.clone(), own_ns: of_server },
        Group { cpus: client.clone(), own_ns: of_client },
    ]
}

/// CPU time that was used and is neither the children's nor the harness's. Of a thread that has
/// run for a while, some counters learn only when it stops, so that the time used so far may be
/// less than that of the round's own processes: what others used is the most by which it was more.
fn of_processes(signals: &[Signals], placement: &Placement, error_ns: u64) -> Vec<Found> {
    let in_use: Vec<usize> = placement.in_use().iter().collect();
    let read: Vec<(&Signals, &[u64])> =
        signals.iter().filter_map(|s| Some((s, s.busy_ns.as_deref()?))).collect();
    let mut found = Vec::new();
    for group in groups(placement) {
        let others_ns = |(signals, busy): &(&Signals, &[u64])| {
            let of_group = in_use.iter().zip(*busy).filter(|(cpu, _)| group.cpus.has(**cpu));
            of_group.map(|(_, ns)| ns).sum::<u64>() as i64 - (group.own_ns)(signals) as i64
        };
        let Some(mut most_ns) = read.first().map(others_ns) else { break };
        for pair in read.windows(2) {
            let [(before, _), after] = pair else { continue };
            let took_ns = others_ns(after).saturating_sub(most_ns);
            if took_ns > 0 {
                most_ns += took_ns;
            }
            if took_ns > (LEAST_NS + error_ns) as i64 {
                let (at_ns, within_ns) = (before.at_ns, after.0.at_ns - before.at_ns);
                let (cpus, took_ns) = (group.cpus.clone(), took_ns as u64);
                found.push(Found { at_ns, within_ns, took_ns, cpus, cause: Cause::OtherProcesses });
            }
        }
    }
    found
}

/// When the machine was suspended: on the clock of the round that takes no time.
fn suspensions(signals: &[Signals], placement: &Placement) -> Vec<Found> {
    let between = |pair: &[Signals]| {
        let [before, after] = pair else { return None };
        let took_ns = after.suspended_ns.saturating_sub(before.suspended_ns);
        let (at_ns, within_ns) = (before.at_ns, after.at_ns - before.at_ns);
        let (cpus, cause) = (placement.in_use(), Cause::Suspended);
        (took_ns >= SUSPENDED_NS).then_some(Found { at_ns, within_ns, took_ns, cpus, cause })
    };
    signals.windows(2).filter_map(between).collect()
}

/// What the kernel counts by itself: stolen time, throttling, and interrupts.
fn of_kernel(signals: &[Signals], placement: &Placement) -> Vec<Found> {
    let in_use = placement.in_use();
    let read: Vec<(u64, &KernelTimes)> =
        signals.iter().filter_map(|s| Some((s.at_ns, s.kernel.as_ref()?))).collect();
    let mut found = Vec::new();
    let Some(&(mut interrupts_at_ns, mut interrupts)) = read.first() else { return found };
    for pair in read.windows(2) {
        let [(at_ns, before), (until_ns, after)] = pair else { continue };
        let (at_ns, within_ns) = (*at_ns, until_ns - at_ns);
        for (cpus, took_ns) in by_cpu(&in_use, &before.stolen_ns, &after.stolen_ns) {
            found.push(Found { at_ns, within_ns, took_ns, cpus, cause: Cause::Stolen });
        }
        let took_ns = after.throttled_ns.saturating_sub(before.throttled_ns);
        if took_ns > 0 {
            let (cpus, cause) = (in_use.clone(), Cause::Throttled);
            found.push(Found { at_ns, within_ns, took_ns, cpus, cause });
        }
        let (at_ns, within_ns) = (interrupts_at_ns, until_ns - interrupts_at_ns);
        if within_ns >= INTERRUPTS_NS {
            let all = by_cpu(&in_use, &interrupts.interrupts_ns, &after.interrupts_ns);
            let much = all.filter(|(_, ns)| *ns as f64 >= INTERRUPTS_SHARE * within_ns as f64);
            found.extend(much.map(|(cpus, took_ns)| Found {
                at_ns,
                within_ns,
                took_ns,
                cpus,
                cause: Cause::Interrupts,
            }));
            (interrupts_at_ns, interrupts) = (*until_ns, after);
        }
    }
    found
}

/// By how much the counter of each CPU has grown, where it has.
fn by_cpu<'a>(
    cpus: &'a CpuList,
    before: &'a [u64],
    after: &'a [u64],
) -> impl Iterator<Item = (CpuList, u64)> + 'a {
    let each = cpus.iter().zip(before).zip(after);
    each.filter(|((_, before), after)| after > before)
        .map(|((cpu, before), after)| ([cpu].into_iter().collect(), after - before))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_rounds;

    const MS: u64 = 1_000_000;
    /// Between two readings.
    const GRID_NS: u64 = 20 * MS;

    /// The server on CPU 0 spins for as long as the harness leaves it, which takes 1 %; the client
    /// on CPU 1 uses a fifth of it.
    fn quiet() -> Vec<Signals> {
        let at = |index: u64| Signals {
            at_ns: test_rounds::START_NS + index * GRID_NS,
            busy_ns: Some(vec![index * 20 * MS, index * 4 * MS]),
            server_ns: index * (20 * MS - MS / 5),
            client_ns: index * 4 * MS,
            harness_ns: index * MS / 5,
            client_waited_ns: None,
            suspended_ns: 0,
            kernel: Some(KernelTimes {
                stolen_ns: vec![0; 2],
                interrupts_ns: vec![index * MS; 2],
                throttled_ns: 0,
            }),
        };
        (0..100).map(at).collect()
    }

    fn placement() -> Placement {
        let list = |text: &str| text.parse().unwrap();
        let (server, client, harness) = (list("0"), list("1"), list("0"));
        Placement { server, client, harness, spin: true, why: Vec::new() }
    }

    fn found(signals: Vec<Signals>, pauses: Vec<[u64; 2]>) -> Vec<Disturbance> {
        let plan = test_rounds::usual_plan(8000);
        let mut record = test_rounds::record(&plan, &[&[]], 10_000);
        record.watched.signals = signals;
        record.server.pauses = pauses;
        locate(&record, &placement())
    }

    fn disturbance(
        at_ms: i64,
        within_ms: u64,
        took_ms: u64,
        cpu: &str,
        cause: Cause,
    ) -> Disturbance {
        Disturbance {
            at_ns: at_ms * MS as i64,
            within_ns: within_ms * MS,
            took_ns: took_ms * MS,
            cpus: cpu.parse().unwrap(),
            cause,
        }
    }

    #[test]
    fn a_quiet_machine_has_none() {
        assert_eq!(found(quiet(), Vec::new()), []);
    }

    #[test]
    fn a_suspended_machine_is_named() {
        let mut signals = quiet();
        signals[30..].iter_mut().for_each(|one| one.suspended_ns = 3_600_000 * MS);
        let expected = disturbance(580, 20, 3_600_000, "0-1", Cause::Suspended);
        assert_eq!(found(signals, Vec::new()), [expected]);
    }

    #[test]
    fn other_processes_are_found_on_the_cpus_that_they_used() {
        let mut signals = quiet();
        // From reading 10 on, a process used 12 ms on CPU 1.
        for one in &mut signals[11..] {
            one.busy_ns.as_mut().unwrap()[1] += 12 * MS;
        }
        // At CPU 0, 0.4 ms are those of kernel threads.
        signals[50..].iter_mut().for_each(|s| s.busy_ns.as_mut().unwrap()[0] += 4 * MS / 10);
        let expected = disturbance(200, 20, 12, "1", Cause::OtherProcesses);
        assert_eq!(found(signals, Vec::new()), [expected]);
    }

    /// As `/proc/schedstat` counts: the server's time only when it stops, here every half second.
    #[test]
    fn counters_that_lag_are_no_other_processes() {
        let mut signals = quiet();
        for (index, one) in signals.iter_mut().enumerate() {
            one.busy_ns.as_mut().unwrap()[0] = (index as u64 / 25) * 25 * 20 * MS;
        }
        assert_eq!(found(signals, Vec::new()), []);
    }

    #[test]
    fn a_client_that_uses_its_own_cpu_more_is_not_disturbed() {
        let mut signals = quiet();
        for one in &mut signals[11..] {
            one.busy_ns.as_mut().unwrap()[1] += 16 * MS;
            one.client_ns += 16 * MS;
        }
        assert_eq!(found(signals, Vec::new()), []);
    }

    #[test]
    fn stolen_time_throttling_and_interrupts_are_located() {
        let mut signals = quiet();
        for one in &mut signals[30..] {
            let kernel = one.kernel.as_mut().unwrap();
            kernel.stolen_ns[1] += 10 * MS;
            kernel.interrupts_ns[0] += 112 * MS;
            kernel.throttled_ns += 5 * MS;
        }
        assert_eq!(
            found(signals, Vec::new()),
            [
                disturbance(400, 200, 122, "0", Cause::Interrupts),
                disturbance(580, 20, 10, "1", Cause::Stolen),
                disturbance(580, 20, 5, "0-1", Cause::Throttled),
            ]
        );
    }

    #[test]
    fn readings_may_be_rare() {
        let mut signals = quiet();
        for (index, one) in signals.iter_mut().enumerate() {
            if index >= 42 {
                one.kernel.as_mut().unwrap().stolen_ns[0] += 90 * MS;
            }
            if index % 5 != 0 {
                one.kernel = None;
                one.busy_ns = None;
            }
        }
        let stolen = disturbance(800, 100, 90, "0", Cause::Stolen);
        assert_eq!(found(signals, Vec::new()), [stolen]);
    }

    #[test]
    fn pauses_of_the_server_are_those_of_its_cpu() {
        let pause = [test_rounds::START_NS + 700 * MS, 3 * MS];
        let expected = disturbance(700, 3, 3, "0", Cause::ServerPaused);
        assert_eq!(found(quiet(), vec![pause]), [expected]);
    }
}
