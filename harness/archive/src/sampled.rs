//! The sampled ticks of a saved round: those with a saved journey, and those that were due
//! within the window but never written, and so have none. Ticks that a policy dropped are
//! not among them: they count as loss and have no latency.

use crate::archive::Archive;
use crate::campaign::Evidence;
use crate::rounds::Round;
use anyhow::Result;
use bench_core::analysis::round::journey::Stamps;
use bench_core::analysis::round::measure::Measurement;
use bench_core::analysis::statistics::times::Time;
use std::collections::HashSet;
use std::ops::Range;
use tick::{Sample, Timetable};

/// A sampled tick on one connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tick {
    /// The number of its connection, from 0.
    pub connection: usize,
    /// When it reached each stage.
    pub stamps: Stamps,
    /// Whether it has a due time: under flood, none has.
    pub is_due: bool,
    /// Whether it counts in the latencies of its round.
    pub in_window: bool,
}

impl Tick {
    /// Processed − due, or a lower bound of it; `None` without a due time.
    #[must_use]
    pub fn response(&self, ended_ns: u64) -> Option<Time> {
        self.is_due.then(|| self.stamps.response(ended_ns))
    }
}

/// The sampled ticks of a round.
#[derive(Debug, Clone, Default)]
pub struct Sampled {
    /// By connection, then by seq.
    pub ticks: Vec<Tick>,
    /// The measured window, in ns from the start; `None` where nothing was due, or
    /// nothing measured.
    pub window_ns: Option<Range<u64>>,
}

/// Which sampled ticks are in the window, as indices of the sample plan, and the
/// window itself.
struct Window {
    indices: Range<u64>,
    ns: Range<u64>,
}

/// The sampled ticks of a round; `None` when it did not run.
///
/// # Errors
/// When its journeys are missing or damaged.
pub fn of(archive: &Archive, round: &Round) -> Result<Option<Sampled>> {
    let Some(evidence) = &round.evidence else { return Ok(None) };
    let name = &round.result.workload;
    let timetable = archive.timetable(round, evidence)?;
    let connections = archive.connections(name);
    let saved = archive.journeys(round, evidence)?;
    let is_dropped = |stamps: &Stamps| stamps.encoded_ns.is_none();
    let mut dropped: Vec<u64> = Vec::new();
    dropped.extend(
        saved.iter().filter(|(_, s)| is_dropped(s)).map(|(_, s)| index(evidence.sample, s.seq)),
    );
    dropped.sort_unstable();
    let measurement = round.result.measurement.as_ref();
    let window = measurement.and_then(|m| window(&timetable, evidence, m, (connections, &dropped)));
    let is_due = timetable.due_offset_ns(0).is_some();
    let is_within = |seq: u64| {
        window.as_ref().is_some_and(|w| w.indices.contains(&index(evidence.sample, seq)))
    };
    let mut seen: HashSet<(usize, u64)> = HashSet::new();
    let mut ticks = Vec::with_capacity(saved.len());
    for (connection, stamps) in saved {
        let in_window = is_within(stamps.seq);
        if in_window {
            seen.insert((connection, stamps.seq));
        }
        if !is_dropped(&stamps) {
            ticks.push(Tick { connection, stamps, is_due, in_window });
        }
    }
    if let Some(window) = &window {
        let planned = || window.indices.clone().map(|index| evidence.sample.nth(index));
        let all =
            (0..connections).flat_map(|connection| planned().map(move |seq| (connection, seq)));
        ticks.extend(all.filter(|place| !seen.contains(place)).map(|(connection, seq)| {
            let due_ns = evidence.start_ns + timetable.due_offset_ns(seq).unwrap_or(0);
            let stamps = Stamps { seq, due_ns, ..Stamps::default() };
            Tick { connection, stamps, is_due, in_window: true }
        }));
        ticks.sort_by_key(|tick| (tick.connection, tick.stamps.seq));
    }
    Ok(Some(Sampled { ticks, window_ns: window.map(|w| w.ns) }))
}

fn index(sample: Sample, seq: u64) -> u64 {
    sample.count_below(seq)
}

/// The window as it was measured. Its beginning is in the measurement. Where a backlog ended
/// the round early, its end follows from how many sampled ticks were due before it, without
/// the `dropped` ones (their indices, ascending, over all connections).
fn window(
    timetable: &Timetable,
    evidence: &Evidence,
    m: &Measurement,
    (connections, dropped): (usize, &[u64]),
) -> Option<Window> {
    let until = |ns| timetable.ticks_within(ns).map(|ticks| evidence.sample.count_below(ticks));
    let from = until(m.window_from_ns)?;
    let planned_ns = evidence.warmup_ns + evidence.measure_ns;
    let to = match kept(from, until(planned_ns)?, connections, dropped) == m.samples {
        true => until(planned_ns)?,
        false => (from..=until(planned_ns)?)
            .find(|&to| kept(from, to, connections, dropped) >= m.samples)?,
    };
    let end_ns = match until(planned_ns)? == to || to == from {
        true => planned_ns,
        // When the last of them was due: less than a snapshot interval early.
        false => timetable.due_offset_ns(evidence.sample.nth(to - 1))? + 1,
    };
    Some(Window { indices: from..to, ns: m.window_from_ns..end_ns.max(m.window_from_ns) })
}

/// How many of these sampled ticks were not dropped, over all connections.
fn kept(from: u64, to: u64, connections: usize, dropped: &[u64]) -> usize {
    let below = |index: u64| dropped.partition_point(|&one| one < index);
    (to.saturating_sub(from) as usize * connections).saturating_sub(below(to) - below(from))
}
