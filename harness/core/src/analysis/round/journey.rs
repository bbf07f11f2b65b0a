//! The journeys of the sampled ticks: due, encoded, written, received,
//! processed, joined by seq and connection. Pure.

use crate::analysis::statistics::times::{Time, Times};
use crate::load::plan::Plan;
use crate::record::round::{Connection, Record};
use crate::record::snapshot::Snapshot;
use contract::SampleRow;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::Range;

/// How late the server was, in ns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Lateness {
    /// Half are below.
    pub p50: u64,
    /// 99 %.
    pub p99: u64,
    /// The highest.
    pub max: u64,
}

/// One part of the response time, over the sampled ticks.
#[derive(Debug, Clone, Copy, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Stage {
    /// Half took less, in ns.
    pub p50: Time,
    /// 99 % took less, in ns.
    pub p99: Time,
    /// Its share of the sum of all response times.
    pub share: f64,
}

/// The parts of the response time. A tick that was still under way at the end counts in the
/// part that it had reached, with its time there as a lower bound.
#[derive(Debug, Clone, Copy, PartialEq, JsonSchema, Serialize, Deserialize)]
pub struct Waterfall {
    /// From due to encoded: the server's pacing.
    pub schedule_lag: Stage,
    /// From encoded to written: the server's queue.
    pub server_queue: Stage,
    /// From written to received: both kernels, the wire, the library.
    pub kernel_and_library: Stage,
    /// From received to processed: the client's own queue and work.
    pub client: Stage,
}

impl Waterfall {
    /// The stages in the order in which a tick passes them.
    #[must_use]
    pub fn stages(&self) -> [(Part, Stage); 4] {
        [
            (Part::ScheduleLag, self.schedule_lag),
            (Part::ServerQueue, self.server_queue),
            (Part::KernelAndLibrary, self.kernel_and_library),
            (Part::Client, self.client),
        ]
    }
}

/// A part of the response time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// From due to encoded.
    ScheduleLag,
    /// From encoded to written.
    ServerQueue,
    /// From written to received.
    KernelAndLibrary,
    /// From received to processed.
    Client,
}

impl Part {
    /// In the order in which a tick passes them.
    pub const ALL: [Self; 4] =
        [Self::ScheduleLag, Self::ServerQueue, Self::KernelAndLibrary, Self::Client];
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ScheduleLag => "schedule lag",
            Self::ServerQueue => "server queue",
            Self::KernelAndLibrary => "kernel + library",
            Self::Client => "client queue + work",
        })
    }
}

/// When sampled ticks were generated: by its stamp if a tick was written, otherwise at the
/// first snapshot that counts it as generated, so that its age is a lower bound.
#[derive(Debug, Clone, Copy)]
pub struct Generated<'a> {
    /// The server's rows of the connection that has most.
    rows: &'a [SampleRow],
    snapshots: &'a [Snapshot],
    generated: u64,
    connections: u64,
}

impl<'a> Generated<'a> {
    /// From the record of a round.
    #[must_use]
    pub fn new(record: &'a Record) -> Self {
        let rows = record.connections.iter().map(|connection| connection.server_rows.as_slice());
        Self {
            rows: rows.max_by_key(|rows| rows.len()).unwrap_or_default(),
            snapshots: &record.watched.snapshots,
            generated: record.server.generated,
            connections: record.connections.len() as u64,
        }
    }

    /// How many ticks were generated, each counted once.
    #[must_use]
    pub fn ticks(&self) -> u64 {
        self.generated / self.connections
    }

    /// When tick `seq`, the sampled one of number `index`, was generated; `None`: it was
    /// not, or not before the last snapshot.
    #[must_use]
    pub fn at_ns(&self, seq: u64, index: usize) -> Option<u64> {
        row(self.rows, seq, index).map(|row| row[1]).or_else(|| self.counted_ns(seq))
    }

    /// The time of the first snapshot that counts tick `seq` as generated.
    #[must_use]
    pub fn counted_ns(&self, seq: u64) -> Option<u64> {
        let at = self.snapshots.partition_point(|s| s.generated <= seq * self.connections);
        Some(self.snapshots.get(at)?.at_ns)
    }
}

/// The journeys of the sampled ticks that were due within the window of a round; where the
/// server has its own pacing, of those that were generated within it. Empty under flood.
pub struct Journeys<'a> {
    record: &'a Record,
    plan: &'a Plan,
    arrivals: Arrivals<'a>,
    /// Indices of the sample plan, and their due times.
    due: Vec<(usize, u64)>,
}

/// One tick's stamps in ns; `None` for stages that it did not reach.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, JsonSchema, Serialize, Deserialize)]
pub struct Stamps {
    /// Its sequence number.
    pub seq: u64,
    /// When it should have been sent.
    pub due_ns: u64,
    /// When the server encoded it.
    pub encoded_ns: Option<u64>,
    /// When the write call that carried its last byte began.
    pub written_ns: Option<u64>,
    /// When the client's library handed it over; of a tick that was not processed, an
    /// estimate from the meter ([`Arrivals`]).
    pub received_ns: Option<u64>,
    /// When the work on it was done.
    pub processed_ns: Option<u64>,
}

impl Stamps {
    /// How long each part took; of the part in which it still was at `ended_ns`, a lower
    /// bound.
    #[must_use]
    pub fn parts(&self, ended_ns: u64) -> [Option<Time>; 4] {
        let stamps = [
            Some(self.due_ns),
            self.encoded_ns,
            self.written_ns,
            self.received_ns,
            self.processed_ns,
        ];
        let part = |from: Option<u64>, to: Option<u64>| match (from, to) {
            (Some(from), Some(to)) => Some(Time::Exact(to.saturating_sub(from))),
            (Some(from), None) => Some(Time::AtLeast { at_least: ended_ns.saturating_sub(from) }),
            _ => None,
        };
        [0, 1, 2, 3].map(|i| part(stamps[i], stamps[i + 1]))
    }

    /// Processed − due; a lower bound if it was not processed by `ended_ns`.
    #[must_use]
    pub fn response(&self, ended_ns: u64) -> Time {
        match self.processed_ns {
            Some(ns) => Time::Exact(ns.saturating_sub(self.due_ns)),
            None => Time::AtLeast { at_least: ended_ns.saturating_sub(self.due_ns) },
        }
    }
}

/// Estimates when ticks were received that were never processed and so have no stamp: the
/// received count is interpolated linearly between snapshots; with several connections, all
/// are assumed to be equally far.
#[derive(Debug, Clone, Copy)]
pub struct Arrivals<'a> {
    snapshots: &'a [Snapshot],
    connections: u64,
}

impl<'a> Arrivals<'a> {
    /// From the record of a round.
    #[must_use]
    pub fn new(record: &'a Record) -> Self {
        Self { snapshots: &record.watched.snapshots, connections: record.connections.len() as u64 }
    }

    /// When tick `seq` was received on a connection, in ns; `None`: it was not, or
    /// not before the last snapshot.
    #[must_use]
    pub fn received_ns(&self, connection: &Connection, seq: u64) -> Option<u64> {
        let place = connection.drops.place(seq);
        if place >= connection.received {
            return None;
        }
        let place = place.saturating_mul(self.connections);
        let after = self.snapshots.partition_point(|s| s.received <= place);
        let next = self.snapshots.get(after)?;
        let Some(last) = after.checked_sub(1).and_then(|index| self.snapshots.get(index)) else {
            return Some(next.at_ns);
        };
        let share = (place - last.received) as f64 / (next.received - last.received) as f64;
        Some(last.at_ns + ((next.at_ns - last.at_ns) as f64 * share) as u64)
    }
}

impl<'a> Journeys<'a> {
    /// The journeys within `window_ns`, counted from the start.
    #[must_use]
    pub fn new(record: &'a Record, plan: &'a Plan, window_ns: &Range<u64>) -> Self {
        let due = match plan.keeps_due_times() {
            true => due(record, plan, window_ns),
            false => generated(record, plan, window_ns),
        };
        Self { record, plan, arrivals: Arrivals::new(record), due }
    }

    /// The stamps of every tick on every connection, except those that its policy dropped:
    /// they count as loss.
    pub fn iter(&self) -> impl Iterator<Item = Stamps> {
        let sample = self.plan.sample();
        self.record.connections.iter().flat_map(move |connection| {
            let kept = move |&&(index, _): &&(usize, u64)| {
                !connection.drops.contains(sample.nth(index as u64))
            };
            self.due
                .iter()
                .filter(kept)
                .map(move |&(index, due_ns)| self.stamps(connection, index, due_ns))
        })
    }

    fn stamps(&self, connection: &Connection, index: usize, due_ns: u64) -> Stamps {
        let seq = self.plan.sample().nth(index as u64);
        let server = row(&connection.server_rows, seq, index);
        let client = row(&connection.client_rows, seq, index);
        let by_meter = || {
            self.arrivals.received_ns(connection, seq).zip(server).map(|(ns, row)| ns.max(row[2]))
        };
        Stamps {
            seq,
            due_ns,
            encoded_ns: server.map(|row| row[1]),
            written_ns: server.map(|row| row[2]),
            received_ns: client.map(|row| row[1]).or_else(by_meter),
            processed_ns: client.map(|row| row[2]),
        }
    }

    /// Due times, and processed − due, in ns.
    #[must_use]
    pub fn responses(&self) -> Vec<(u64, Time)> {
        let ended_ns = self.record.watched.ended_ns;
        self.iter().map(|stamps| (stamps.due_ns, stamps.response(ended_ns))).collect()
    }

    /// Processed − written, over the ticks that were written.
    #[must_use]
    pub fn service(&self) -> Times {
        let ended_ns = self.record.watched.ended_ns;
        let waited = |stamps: Stamps| {
            let due_ns = stamps.written_ns?;
            Some(Stamps { due_ns, ..stamps }.response(ended_ns))
        };
        Times::new(self.iter().filter_map(waited).collect())
    }

    /// One of the server's stamps minus the due time; `None` without due times.
    #[must_use]
    pub fn lateness(&self, stamp: fn(&Stamps) -> Option<u64>) -> Option<Lateness> {
        if !self.plan.keeps_due_times() {
            return None;
        }
        let late =
            |stamps: Stamps| Some(Time::Exact(stamp(&stamps)?.saturating_sub(stamps.due_ns)));
        let times = Times::new(self.iter().filter_map(late).collect());
        let at = |q| times.quantile(q).map(Time::bound_ns);
        Some(Lateness { p50: at(0.5)?, p99: at(0.99)?, max: at(1.0)? })
    }

    /// The parts of the response time; `None` without ticks.
    #[must_use]
    pub fn waterfall(&self) -> Option<Waterfall> {
        let ended_ns = self.record.watched.ended_ns;
        let mut parts: [Vec<Time>; 4] = Default::default();
        for stamps in self.iter() {
            for (part, time) in parts.iter_mut().zip(stamps.parts(ended_ns)) {
                part.extend(time);
            }
        }
        let parts = parts.map(Times::new);
        let all_ns: u128 = parts.iter().map(Times::sum_ns).sum();
        let stage = |times: &Times| {
            let (p50, p99) = (times.quantile(0.5), times.quantile(0.99));
            // No tick got to this part.
            let none = Time::Exact(0);
            Stage {
                p50: p50.unwrap_or(none),
                p99: p99.unwrap_or(none),
                share: times.sum_ns() as f64 / all_ns.max(1) as f64,
            }
        };
        (!parts[0].is_empty()).then(|| Waterfall {
            schedule_lag: stage(&parts[0]),
            server_queue: stage(&parts[1]),
            kernel_and_library: stage(&parts[2]),
            client: stage(&parts[3]),
        })
    }
}

/// Indices of the sampled ticks that are due within a window, with their due times.
fn due(record: &Record, plan: &Plan, window_ns: &Range<u64>) -> Vec<(usize, u64)> {
    let (sample, timetable) = (plan.sample(), &plan.timetable);
    let index = |offset_ns| timetable.ticks_within(offset_ns).map_or(0, |n| sample.count_below(n));
    let within = index(window_ns.start)..index(window_ns.end);
    let due_ns = |index| plan.due_offset_ns(sample.nth(index));
    within.filter_map(|n| Some((n as usize, record.start_ns + due_ns(n)?))).collect()
}

/// The same for ticks that were generated within it; none under flood, where a tick is
/// generated only when the connection takes it.
fn generated(record: &Record, plan: &Plan, window_ns: &Range<u64>) -> Vec<(usize, u64)> {
    if !plan.timetable.schedule().is_open_loop() {
        return Vec::new();
    }
    let (sample, generated) = (plan.sample(), Generated::new(record));
    let window = record.start_ns + window_ns.start..record.start_ns + window_ns.end;
    let all = 0..sample.count_below(generated.ticks());
    let at = all.filter_map(|n| Some((n as usize, generated.at_ns(sample.nth(n), n as usize)?)));
    at.filter(|(_, at_ns)| window.contains(at_ns)).collect()
}

/// The row of a planned seq. Where the audit passes, the rows are the planned seqs in order,
/// so that it is at `index`; where a policy dropped some of them, it is before that.
pub(crate) fn row(rows: &[SampleRow], seq: u64, index: usize) -> Option<&SampleRow> {
    let before = &rows[..rows.len().min(index + 1)];
    match before.last().filter(|row| row[0] <= seq) {
        Some(last) if last[0] == seq => Some(last),
        Some(_) => None,
        None => before.binary_search_by_key(&seq, |row| row[0]).ok().map(|at| &rows[at]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_add_up_to_the_response() {
        let stamps = Stamps {
            seq: 1,
            due_ns: 100,
            encoded_ns: Some(110),
            written_ns: Some(140),
            received_ns: Some(200),
            processed_ns: Some(205),
        };
        let parts = stamps.parts(999).map(|part| part.unwrap().bound_ns());
        assert_eq!(parts, [10, 30, 60, 5]);
        assert_eq!(stamps.response(999), Time::Exact(105));
    }

    #[test]
    fn what_waits_in_the_client_was_received_between_two_snapshots() {
        let at = |at_ns, received| Snapshot { at_ns, received, ..Snapshot::default() };
        let snapshots = [at(1000, 0), at(2000, 10), at(3000, 10), at(4000, 20)];
        let arrivals = Arrivals { snapshots: &snapshots, connections: 1 };
        let connection = Connection { received: 20, ..Connection::default() };
        assert_eq!(
            [0, 5, 10, 15].map(|seq| arrivals.received_ns(&connection, seq)),
            [1000, 1500, 3000, 3500].map(Some)
        );
        assert_eq!(arrivals.received_ns(&connection, 20), None);
    }

    #[test]
    fn a_row_is_found_behind_dropped_ones() {
        // Of the planned 2, 7, 12, 17, 22 the second and the fourth were dropped.
        let rows = [[2, 1, 1], [12, 2, 2], [22, 3, 3]];
        let found = [(2, 0), (7, 1), (12, 2), (17, 3), (22, 4), (27, 5)]
            .map(|(seq, index)| row(&rows, seq, index).map(|row| row[1]));
        assert_eq!(found, [Some(1), None, Some(2), None, Some(3), None]);
        assert_eq!(row(&[], 2, 0), None);
    }

    #[test]
    fn what_was_never_written_was_generated_by_a_snapshot() {
        let at = |at_ns, generated| Snapshot { at_ns, generated, ..Snapshot::default() };
        let snapshots = [at(1000, 0), at(2000, 20), at(3000, 40)];
        let rows = [[3, 1500, 1600]];
        let generated =
            Generated { rows: &rows, snapshots: &snapshots, generated: 40, connections: 2 };
        assert_eq!(generated.ticks(), 20);
        let ns = [(3, 0), (9, 1), (10, 2), (20, 3)].map(|(seq, index)| generated.at_ns(seq, index));
        assert_eq!(ns, [Some(1500), Some(2000), Some(3000), None]);
    }

    #[test]
    fn a_tick_under_way_counts_where_it_is() {
        let stamps = Stamps {
            seq: 1,
            due_ns: 100,
            encoded_ns: Some(110),
            written_ns: Some(140),
            ..Stamps::default()
        };
        let parts = stamps.parts(1000);
        assert_eq!(parts[2], Some(Time::AtLeast { at_least: 860 }));
        assert_eq!(parts[3], None);
        assert_eq!(stamps.response(1000), Time::AtLeast { at_least: 900 });
    }
}
