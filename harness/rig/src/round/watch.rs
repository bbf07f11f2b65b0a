//! The measured part of a round: a snapshot in every cell of the grid, until the clients report
//! or are sent `stop`.

use super::observer::Observer;
use crate::host::counters::Counters;
use crate::host::noise::surroundings::Surroundings;
use crate::host::processes::process::Gauge;
use crate::host::processes::run_delay::RunDelay;
use anyhow::Result;
use bench_core::load::plan::Plan;
use bench_core::record::placement::Placement;
use bench_core::record::signals::Signals;
use bench_core::record::snapshot::Snapshot;
use bench_core::record::watched::{Switches, Watched};
use contract::child::Child;
use contract::fault::Awaited;
use contract::{Empty, FromClient, FromServer, ToClient, ToServer};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tick::clock::now_ns;

/// After the load: time to drain what is left, before `stop`.
const DRAIN_NS: u64 = 400_000_000;

/// Lines that arrived while snapshots were still being taken.
#[derive(Debug, Default)]
pub(super) struct Early {
    /// The first line of report of each of the client's processes.
    pub clients: Vec<Option<FromClient>>,
    /// The server's first line of report.
    pub server: Option<FromServer>,
}

/// What is watched.
pub(super) struct Scene<'a, 'g> {
    /// The load.
    pub plan: &'a Plan,
    /// When tick 0 is due.
    pub start_ns: u64,
    /// Takes the snapshots.
    pub observer: &'a mut Observer,
    /// The client's processes.
    pub clients: &'a mut [Child<'g, FromClient>],
    /// The server.
    pub server: &'a mut Child<'g, FromServer>,
    /// The CPUs of the round.
    pub placement: &'a Placement,
    /// Counters of the client, in a round that is not timed.
    pub counters: Option<&'a mut Counters>,
    /// Set by Ctrl-C.
    pub interrupted: &'a AtomicBool,
}

/// Receives each snapshot as it is taken, after the due time of tick 0. It has to be quick, as
/// the next snapshot waits for it.
pub type OnSnapshot<'a> = dyn FnMut(u64, &Snapshot) + 'a;

/// Watches a round from tick 0 on; `None`: the user interrupted it.
///
/// # Errors
/// When a child breaks the contract or ends.
pub(super) fn watch(
    scene: &mut Scene<'_, '_>,
    live: &mut OnSnapshot<'_>,
) -> Result<Option<(Watched, Early)>> {
    let window_ns = scene.plan.window_ns();
    let instants = scene.plan.instants() + 64;
    let mut watched = Watched {
        snapshots: Vec::with_capacity(instants),
        signals: Vec::with_capacity(instants),
        busy_error_ns: scene.observer.signals.error_ns(),
        ..Watched::default()
    };
    let mut early = Early { clients: scene.clients.iter().map(|_| None).collect(), server: None };
    let (mut before, mut run_delay) = (None, RunDelay::default());
    let before_window = scene.plan.before_window();
    for instant in 0.. {
        let offset_ns = scene.plan.snapshot_ns(instant);
        let due_ns = scene.start_ns + offset_ns;
        std::thread::sleep(Duration::from_nanos(due_ns.saturating_sub(now_ns())));
        if scene.interrupted.load(Ordering::Relaxed) {
            return Ok(None);
        }
        let is_full = scene.plan.is_full_snapshot(instant);
        let snapshot = scene.observer.read(is_full)?;
        watched.snapshots.push(snapshot);
        // After the window a client may end, and its last work would look like that of others.
        if offset_ns <= window_ns.end {
            watched.signals.push(Signals {
                client_waited_ns: run_delay.read_ns(is_full),
                ..scene.observer.signals.read(&snapshot, is_full)
            });
        }
        if scene.plan.connections() > 1 {
            watched.processed_each.push(scene.observer.processed_each.clone());
        }
        live(scene.start_ns, &snapshot);
        let cpu_ns = snapshot.client_cpu_ns + snapshot.server_cpu_ns;
        if instant == before_window {
            run_delay = RunDelay::open(&scene.observer.clients);
            scene.read_threads(&mut watched);
            before = Some((Surroundings::now(scene.placement), cpu_ns));
            if let Some(counters) = &mut scene.counters {
                counters.begin(snapshot.processed);
            }
        }
        if offset_ns == window_ns.end {
            scene.end_window(&mut watched, before.take(), cpu_ns);
        }
        if offset_ns >= window_ns.end {
            scene.read_peaks(&mut watched);
        }
        scene.listen(&mut early)?;
        if let Some(last) = watched.snapshots.last_mut() {
            // With all that the harness did at this instant.
            last.took_ns = now_ns() - last.at_ns;
        }
        let reports = early.clients.iter().all(Option::is_some);
        if reports || now_ns() >= scene.start_ns + window_ns.end + DRAIN_NS {
            watched.ended_ns = now_ns();
            // Within the window, if the clients reported early.
            scene.end_window(&mut watched, before.take(), cpu_ns);
            watched.told_to_stop = !reports;
            scene.stop(&early, reports && offset_ns >= window_ns.end);
            return Ok(Some((watched, early)));
        }
    }
    unreachable!("the grid has no end")
}

impl Scene<'_, '_> {
    /// Counts what happened since the snapshot before the window, unless that was done: `before`
    /// are the surroundings and the children's CPU time there.
    fn end_window(
        &mut self,
        watched: &mut Watched,
        before: Option<(Surroundings, u64)>,
        cpu_ns: u64,
    ) {
        let Some((surroundings, cpu_before_ns)) = before else { return };
        let processed = self.observer.last.processed;
        watched.counts = self.counters.as_mut().and_then(|counters| counters.end(processed));
        // Before what takes longest, so that this is not counted as within the window.
        let now = Surroundings::now(self.placement);
        self.read_threads(watched);
        watched.harness_cpus = now.harness_cpus_since(&surroundings);
        watched.disturbance = now.since(&surroundings, cpu_ns.saturating_sub(cpu_before_ns));
    }

    /// Called before the window and at its end: first stores the totals, then their difference.
    fn read_threads(&self, watched: &mut Watched) {
        let of_all = |gauges: &[Gauge]| {
            let (mut total, mut left_its_cpus) = (Switches::default(), false);
            for (switches, cpus) in gauges.iter().filter_map(|gauge| gauge.threads().ok()) {
                total += switches;
                left_its_cpus |= cpus.without(&self.placement.client).count() > 0;
            }
            (total, left_its_cpus)
        };
        let since = |total: Switches, before: Switches| Switches {
            voluntary: total.voluntary.saturating_sub(before.voluntary),
            involuntary: total.involuntary.saturating_sub(before.involuntary),
        };
        let (client, left_its_cpus) = of_all(&self.observer.clients);
        watched.client_switches = since(client, watched.client_switches);
        watched.client_left_its_cpus |= left_its_cpus;
        let (server, _) = of_all(std::slice::from_ref(&self.observer.server));
        watched.server_switches = since(server, watched.server_switches);
    }

    fn read_peaks(&self, watched: &mut Watched) {
        for (peak, gauges) in [
            (&mut watched.client_peak_rss_bytes, self.observer.clients.as_slice()),
            (&mut watched.server_peak_rss_bytes, std::slice::from_ref(&self.observer.server)),
        ] {
            let now: u64 = gauges.iter().map(|gauge| gauge.peak_rss_bytes().unwrap_or(0)).sum();
            *peak = now.max(*peak);
        }
    }

    /// Takes the first line of each report. Anything else is out of order.
    fn listen(&mut self, early: &mut Early) -> Result<()> {
        if early.server.is_none() {
            early.server = self.server.poll(Awaited::Report, Duration::ZERO)?;
        }
        for (client, line) in self.clients.iter_mut().zip(&mut early.clients) {
            if line.is_none() {
                *line = client.poll(Awaited::Report, Duration::ZERO)?;
            }
            match line {
                None | Some(FromClient::Samples(_) | FromClient::Final(_)) => {}
                Some(other) => return Err(client.unexpected(other, Awaited::Silence).into()),
            }
        }
        Ok(())
    }

    /// Sends `stop` to every child that has not begun to report; to the client first, so that it
    /// does not take the server's end for a lost connection. A server whose client has drained
    /// everything ends on its own.
    fn stop(&mut self, early: &Early, drained: bool) {
        for (client, line) in self.clients.iter_mut().zip(&early.clients) {
            if line.is_none() {
                client.send(&ToClient::Stop(Empty {}));
            }
        }
        if early.server.is_none() && !drained {
            self.server.send(&ToServer::Stop(Empty {}));
        }
    }
}
