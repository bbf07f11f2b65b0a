//! The plan of a round: one load and its timing, the same for every client.

use crate::load::server::Paces;
use crate::load::workload::Workload;
use crate::text::digits;
use anyhow::Result;
use contract::{Class, ClientPlan, Credentials, ServerPlan, Version};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt as _, SeedableRng};
use std::ops::Range;
use std::path::PathBuf;
use tick::{Sample, Timetable};

/// The approximate number of sampled ticks per round: 20 are above a p99.9.
pub const SAMPLES: u64 = 20_000;
/// The same for the many short rounds of a search or a sweep: 100 are above a p99.
pub const FEW_SAMPLES: u64 = 10_000;
/// The stride under flood, where the number of ticks is not known beforehand: five thousand
/// samples per second at 10 M ticks/s. A full read of a client (128 KiB, 4 369 binary ticks)
/// has two of them, so that the audit sees whether they share a stamp.
const FLOOD_STRIDE: u64 = 1999;
/// A window with fewer snapshots is too short to be measured.
const MIN_SNAPSHOTS: u64 = 5;
/// Between two snapshots lies at least the reciprocal of this of a cell of the grid.
const APART_SHARE: u64 = 4;
/// From one full snapshot to the next, in ns, per [`MANY`] connections (and at least).
const FULL_NS: u64 = 100_000_000;
/// Connections whose queues take about one ms to read.
const MANY: usize = 128;
/// Time to connect, in ms …
const CONNECT_DEADLINE_MS: u64 = 5_000;
/// … and for each connection, as clients may open them one after the other.
const CONNECT_EACH_MS: u64 = 20;
/// Time after the end of the load within which a child has to report, in ms.
const REPORT_DEADLINE_MS: u64 = 15_000;

/// One load and its timing.
#[derive(Debug, Clone)]
pub struct Plan {
    /// What is sent.
    pub workload: Workload,
    /// The class that the client's hello has to have.
    pub class: Class,
    /// The market's seed.
    pub seed: u64,
    /// From tick 0 to the window, in ns; a multiple of the grid.
    pub warmup_ns: u64,
    /// The measured window, in ns; a multiple of the grid.
    pub measure_ns: u64,
    /// From one snapshot to the next, in ns.
    pub grid_ns: u64,
    /// Which seqs are stamped.
    sample: Sample,
    /// The offered load: when each tick is due, if the server keeps to it.
    pub timetable: Timetable,
    /// Who decides when a tick is generated.
    pub paces: Paces,
    /// The server's certificate and key; `None` without TLS.
    credentials: Option<Credentials>,
}

/// The timing of a round, in ns; each time is a multiple of the grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// From tick 0 to the window, at least.
    pub warmup_ns: u64,
    /// The measured window.
    pub measure_ns: u64,
    /// From one snapshot to the next.
    pub grid_ns: u64,
    /// The approximate number of sampled ticks.
    pub samples: u64,
}

impl Plan {
    /// The plan of one workload for clients of one class.
    ///
    /// # Errors
    /// When the workload has no valid timetable.
    pub fn new(workload: &Workload, class: Class, seed: u64, timing: Timing) -> Result<Self> {
        let timetable = workload.timetable(seed)?;
        let connections = (workload.connections * workload.clients) as u64;
        let ticks = timetable.ticks_within(timing.warmup_ns + timing.measure_ns);
        let sample = match (workload.sample_stride, ticks) {
            (Some(stride), _) => Sample { first: 0, stride },
            (None, Some(ticks)) => Sample::about(ticks, timing.samples / connections),
            (None, None) => Sample { first: FLOOD_STRIDE / 2, stride: FLOOD_STRIDE },
        };
        Ok(Self {
            workload: workload.clone(),
            class,
            seed,
            warmup_ns: timing.warmup_ns,
            measure_ns: timing.measure_ns,
            grid_ns: timing.grid_ns,
            sample,
            timetable,
            paces: Paces::Schedule,
            credentials: None,
        })
    }

    /// The same plan under TLS with this certificate; `None`: without TLS.
    #[must_use]
    pub fn secured_by(self, credentials: Option<Credentials>) -> Self {
        Self { credentials, ..self }
    }

    /// The same plan for a server that paces in this way.
    #[must_use]
    pub fn paced_by(self, paces: Paces) -> Self {
        Self { paces, ..self }
    }

    /// Whether every tick has a due time. Otherwise, under flood and where the server has
    /// its own pacing, a tick counts as due when it was generated.
    #[must_use]
    pub fn keeps_due_times(&self) -> bool {
        self.paces == Paces::Schedule && self.timetable.schedule().is_open_loop()
    }

    /// The same plan for a round that ended early, `end_ns` after its start: with a window
    /// that ends on the grid before that. `None` if too little of the window is left.
    #[must_use]
    pub fn until(&self, end_ns: u64) -> Option<Self> {
        let observed_ns = end_ns.checked_sub(self.warmup_ns)? / self.grid_ns * self.grid_ns;
        (observed_ns >= MIN_SNAPSHOTS * self.grid_ns)
            .then(|| Self { measure_ns: observed_ns.min(self.measure_ns), ..self.clone() })
    }

    /// One line for the log.
    #[must_use]
    pub fn describe(&self) -> String {
        let offered = self
            .offered_per_s()
            .map_or("a flood".into(), |per_s| format!("{} ticks/s offered", digits::count(per_s)));
        format!(
            "{}: {offered}, {}, at least {} s of warm-up, {} s measured, one tick in {} stamped",
            self.workload.name,
            self.workload.format,
            self.warmup_ns as f64 / 1e9,
            self.measure_ns as f64 / 1e9,
            self.sample.stride,
        )
    }

    /// The total number of connections: each gets every tick, and all counts of a round
    /// are sums over them.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.workload.connections * self.workload.clients
    }

    /// The offered load within the window over all connections, in ticks per
    /// second; `None` under flood.
    #[must_use]
    pub fn offered_per_s(&self) -> Option<f64> {
        Some(self.timetable.offered_per_s(&self.window_ns())? * self.connections() as f64)
    }

    /// When a tick is due, in ns from the start; `None` without due times.
    #[must_use]
    pub fn due_offset_ns(&self, seq: u64) -> Option<u64> {
        self.timetable.due_offset_ns(seq).filter(|_| self.keeps_due_times())
    }

    /// The measured window, in ns from tick 0.
    #[must_use]
    pub fn window_ns(&self) -> Range<u64> {
        self.warmup_ns..self.duration_ns()
    }

    /// How long the load lasts, in ns.
    #[must_use]
    pub fn duration_ns(&self) -> u64 {
        self.warmup_ns + self.measure_ns
    }

    /// When snapshot `index` is taken, in ns from tick 0. Each cell of the grid has one, at an
    /// instant that the seed decides, so that no phase of the load is always disturbed; at least
    /// [`APART_SHARE`] of a cell lies between two of them. The ends of the window have theirs
    /// exactly. All clients of a campaign have the same instants.
    #[must_use]
    pub fn snapshot_ns(&self, index: u64) -> u64 {
        let cell_ns = index * self.grid_ns;
        if index == 0 || self.is_edge(cell_ns) {
            return cell_ns;
        }
        let mut random = ChaCha8Rng::seed_from_u64(self.seed ^ index.rotate_left(32));
        cell_ns + random.random_range(0..(self.grid_ns / APART_SHARE * (APART_SHARE - 1)).max(1))
    }

    /// Whether a snapshot also reads what costs more than counters in shared memory: kernel
    /// queues and resident memory.
    #[must_use]
    pub fn is_full_snapshot(&self, index: u64) -> bool {
        let every = (full_every_ns(self.connections()) / self.grid_ns).max(1);
        let window = self.window_ns();
        // Counted from the window's begin on, so that none lies just after that one.
        index.abs_diff(window.start / self.grid_ns).is_multiple_of(every)
            || [0, window.end].contains(&(index * self.grid_ns))
    }

    /// The snapshot before the window at which all that takes longer than a snapshot is read, so
    /// that it disturbs no measured tick: with a thousand connections, tens of ms before it.
    #[must_use]
    pub fn before_window(&self) -> u64 {
        let cells = 1 + (self.connections() / MANY) as u64;
        (self.window_ns().start / self.grid_ns).saturating_sub(cells)
    }

    fn is_edge(&self, offset_ns: u64) -> bool {
        let window = self.window_ns();
        offset_ns == window.start || offset_ns == window.end
    }

    /// The number of snapshots until the end of the load.
    #[must_use]
    pub fn instants(&self) -> usize {
        usize::try_from(self.duration_ns() / self.grid_ns).unwrap_or(0) + 1
    }

    /// Which seqs are stamped.
    #[must_use]
    pub fn sample(&self) -> Sample {
        self.sample
    }

    /// Time to connect, in ms.
    #[must_use]
    pub fn connect_deadline_ms(&self) -> u64 {
        CONNECT_DEADLINE_MS + CONNECT_EACH_MS * self.connections() as u64
    }

    fn deadline_ms(&self) -> u64 {
        self.duration_ns() / 1_000_000 + self.connect_deadline_ms() + REPORT_DEADLINE_MS
    }

    /// The plan as the server gets it.
    #[must_use]
    pub fn for_server(&self, spin: bool, meter: Option<PathBuf>) -> ServerPlan {
        ServerPlan {
            contract: Version,
            format: self.workload.format,
            seed: self.seed,
            schedule: self.timetable.schedule(),
            tape: self.workload.tape.as_ref().map(|recording| recording.path.clone()),
            connections: self.connections(),
            duration_ns: self.duration_ns(),
            sample: self.sample(),
            send_buffer_bytes: self.workload.send_buffer(),
            congestion: self.workload.congestion.clone(),
            listener_fd: None,
            spin,
            log_ceiling_bytes: self.workload.log_ceiling_bytes,
            slow_consumer: self.workload.slow_consumer,
            threads: self.workload.server_threads,
            tls: self.credentials.clone(),
            meter,
            // The client gets its plan later, with a connect deadline of its own.
            connect_deadline_ms: 2 * self.connect_deadline_ms(),
            deadline_ms: self.deadline_ms() + self.connect_deadline_ms(),
        }
    }

    /// The plan as client process `number` (from 0) gets it.
    #[must_use]
    pub fn for_client(&self, number: usize, url: &str, meter: Option<PathBuf>) -> ClientPlan {
        let first = number * self.workload.connections;
        let connections = first..first + self.workload.connections;
        ClientPlan {
            contract: Version,
            urls: connections.map(|connection| format!("{url}?connection={connection}")).collect(),
            ca: self.credentials.as_ref().map(|shown| shown.cert.clone()),
            format: self.workload.format,
            symbols: tick::SYMBOLS,
            schedule: self.timetable.schedule(),
            duration_ns: self.duration_ns(),
            sample: self.sample(),
            work_ns: self.workload.work_ns,
            queue_bound: self.workload.queue_bound,
            receive_buffer_bytes: self.workload.receive_buffer(),
            memory_ceiling_bytes: self.workload.memory_ceiling_bytes,
            meter,
            connect_deadline_ms: self.connect_deadline_ms(),
            deadline_ms: self.deadline_ms(),
        }
    }
}

/// From one full snapshot to the next, in ns, unless the grid is coarser: in proportion to the
/// connections, so that they take the same share of the time however many these are.
#[must_use]
pub fn full_every_ns(connections: usize) -> u64 {
    FULL_NS * connections.div_ceil(MANY).max(1) as u64
}

/// Seconds in ns, rounded to a multiple of the grid (to at least one unless they are 0), so
/// that a window begins and ends with a snapshot.
#[must_use]
pub fn on_grid(seconds: f64, grid_ns: u64) -> u64 {
    let instants = (seconds * 1e9 / grid_ns as f64).round() as u64;
    if seconds > 0.0 { instants.max(1) * grid_ns } else { 0 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plan(seed: u64, connections: usize) -> Plan {
        let workload = format!(
            "name='w'\nwhy='w'\nread='r'\nrate_per_s=1000\nrank_by='typical_p99'\nconnections={connections}\n"
        );
        let timing = Timing {
            warmup_ns: 500_000_000,
            measure_ns: 2_000_000_000,
            grid_ns: 20_000_000,
            samples: SAMPLES,
        };
        let workload: Workload = toml::from_str(&workload).unwrap();
        Plan::new(&workload, Class::Library, seed, timing).unwrap()
    }

    #[test]
    fn snapshots_are_taken_once_in_each_cell_at_no_fixed_phase() {
        let instants = |seed| -> Vec<u64> {
            let plan = plan(seed, 1);
            (0..150).map(|index| plan.snapshot_ns(index)).collect()
        };
        let all = instants(7);
        assert_eq!(all, instants(7), "the seed decides");
        assert_ne!(all, instants(8));
        assert!(all.windows(2).all(|pair| pair[1] - pair[0] >= 5_000_000));
        assert!(all.iter().zip(0..).all(|(ns, index)| ns / 20_000_000 == index));
        assert_eq!((all[0], all[25], all[125]), (0, 500_000_000, 2_500_000_000), "exact edges");
        // Of 150 random phases, each of 15 ms has some.
        for ms in 0..15 {
            assert!(all.iter().any(|ns| ns % 20_000_000 / 1_000_000 == ms), "{ms}");
        }
    }

    #[test]
    fn what_is_dear_is_read_seldom_and_at_the_edges_of_the_window() {
        let full = |connections| -> Vec<u64> {
            let plan = plan(7, connections);
            (0..=126).filter(|&index| plan.is_full_snapshot(index)).collect()
        };
        assert_eq!(full(1), (0..=125).step_by(5).collect::<Vec<_>>());
        assert_eq!(full(128), full(1));
        assert_eq!(full(1000), [0, 25, 65, 105, 125]);
    }

    #[test]
    fn windows_lie_on_the_grid() {
        assert_eq!(on_grid(2.0, 20_000_000), 2_000_000_000);
        assert_eq!(on_grid(1.013, 20_000_000), 1_020_000_000);
        assert_eq!(on_grid(0.001, 20_000_000), 20_000_000);
        assert_eq!(on_grid(0.0, 20_000_000), 0);
    }
}
