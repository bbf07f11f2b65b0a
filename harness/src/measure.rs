//! What a round's record says: rates, backlog by layer, latencies. Pure
//! arithmetic over what was observed and reported.

use crate::observe::Snapshot;
use crate::plan::Plan;
use crate::process::Switches;
use crate::round::Record;
use crate::stats::{self, Quantiles, Time, Times};
use serde::{Deserialize, Serialize};

/// Ticks in each layer, or ticks per tick-layer at one instant.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Backlog {
    /// Made, not yet taken by the server's kernel.
    pub server: f64,
    /// In the server's kernel or under way.
    pub kernel_send: f64,
    /// In the client's kernel.
    pub kernel_receive: f64,
    /// Read from the socket, not yet handed out by the library (the rest
    /// between what was written and the other layers).
    pub library: f64,
    /// In the client's own queue.
    pub client: f64,
}

impl Backlog {
    /// All layers together: generated − processed.
    #[must_use]
    pub fn total(&self) -> f64 {
        self.server + self.kernel_send + self.kernel_receive + self.library + self.client
    }

    /// The names and ticks of the layers, in the order of a tick's way.
    #[must_use]
    pub fn layers(&self) -> [(&'static str, f64); 5] {
        [
            ("server", self.server),
            ("kernel send", self.kernel_send),
            ("kernel receive", self.kernel_receive),
            ("library", self.library),
            ("client", self.client),
        ]
    }
}

/// How late the server was, in ns.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lateness {
    /// Half are below.
    pub p50: u64,
    /// 99 %.
    pub p99: u64,
    /// The latest.
    pub max: u64,
}

/// Ticks per second within the window, each stage apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct Rates {
    /// Due; `None` under flood.
    pub offered_per_s: Option<f64>,
    /// Made by the server.
    pub generated_per_s: f64,
    /// Taken by the server's kernel.
    pub written_per_s: f64,
    /// Acknowledged by the client's kernel.
    pub acknowledged_per_s: f64,
    /// Confirmed by a pong.
    pub confirmed_per_s: f64,
    /// Taken from the client's library.
    pub received_per_s: f64,
    /// Decoded, checked and worked on.
    pub processed_per_s: f64,
}

/// A round's measurement.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// Rates within the window.
    #[serde(flatten)]
    pub rates: Rates,
    /// Processed of what was offered (under flood: of what was generated).
    pub efficiency: f64,
    /// Growth of generated − processed over the window (Theil–Sen), ticks/s.
    pub backlog_growth_per_s: f64,
    /// At the end of the window.
    pub backlog_end: Backlog,
    /// Age of the oldest unprocessed tick at the end of the window, in ns;
    /// `None` under flood.
    pub oldest_age_ns: Option<u64>,
    /// Time to drain the final backlog at the processed rate, in s; `None`
    /// when nothing is processed.
    pub drain_s: Option<f64>,
    /// Processed − due, over the sampled ticks due within the window; `None`
    /// under flood.
    pub response_ns: Option<Quantiles>,
    /// Processed − written, over the same ticks as far as they were written.
    pub service_ns: Option<Quantiles>,
    /// CPU time of the client per processed tick, in ns.
    pub client_cpu_ns_per_tick: Option<f64>,
    /// CPU time of the server per generated tick without spinning, in ns.
    pub server_cpu_ns_per_tick: Option<f64>,
    /// Most resident memory of the client.
    pub client_peak_rss_bytes: u64,
    /// Most resident memory of the server.
    pub server_peak_rss_bytes: u64,
    /// Written − due, over the sampled ticks due within the window and written.
    pub server_lateness_ns: Option<Lateness>,
    /// Encoded − due, over the same: without a slow client's back-pressure.
    pub pacing_lateness_ns: Option<Lateness>,
    /// Context switches of the client within the window.
    pub client_switches: Switches,
    /// Context switches of the server within the window.
    pub server_switches: Switches,
    /// Share of the window in which ticks waited for the socket to take them.
    pub blocked_share: f64,
    /// Share of the window's instants at which both kernel queues were nearly empty.
    pub dry_share: f64,
    /// Sampled ticks behind the latencies.
    pub samples: usize,
}

/// Below this, the queues of a flood count as run dry, in bytes.
const DRY_BYTES: u64 = 64 * 1024;

/// Computes the measurement of a round. `None` when the window was not
/// observed from its first to its last instant.
#[must_use]
pub fn measure(record: &Record, plan: &Plan) -> Option<Measurement> {
    let window = window(record, plan)?;
    let (first, last) = (window.first()?, window.last()?);
    let seconds = (last.at_ns - first.at_ns) as f64 / 1e9;
    // A client's counters may do anything; the audit says so, this must not panic.
    let grown = |count: fn(&Snapshot) -> u64| count(last).saturating_sub(count(first));
    let rate = |count: fn(&Snapshot) -> u64| grown(count) as f64 / seconds;
    let rates = Rates {
        offered_per_s: plan.schedule().offered_per_s().map(|n| n as f64),
        generated_per_s: rate(|s| s.generated),
        written_per_s: rate(|s| s.written),
        acknowledged_per_s: rate(|s| s.acknowledged),
        confirmed_per_s: rate(|s| s.confirmed),
        received_per_s: rate(|s| s.received),
        processed_per_s: rate(|s| s.processed),
    };
    let backlogs: Vec<(f64, f64)> = window
        .iter()
        .map(|s| (s.at_ns as f64 / 1e9, s.generated as f64 - s.processed as f64))
        .collect();
    let backlog_end = layers(last, bytes_per_tick(record));
    let per_tick = |ns: u64, ticks: u64| (ticks > 0).then(|| ns as f64 / ticks as f64);
    let spun_ns = grown(|s| s.spun_ns);
    let server_cpu_ns = grown(|s| s.server_cpu_ns).saturating_sub(spun_ns);
    let peak = |highest: u64, seen: fn(&Snapshot) -> u64| {
        record.watched.snapshots.iter().map(seen).max().unwrap_or(0).max(highest)
    };
    let journey = Journey::new(record, plan);
    let (response, service) = (journey.response(), journey.service());
    let flood = rates.offered_per_s.is_none();
    Some(Measurement {
        efficiency: rates.processed_per_s / rates.offered_per_s.unwrap_or(rates.generated_per_s),
        backlog_growth_per_s: stats::slope(&backlogs),
        backlog_end,
        oldest_age_ns: oldest_age_ns(last, record.start_ns, plan),
        drain_s: (rates.processed_per_s > 0.0).then(|| backlog_end.total() / rates.processed_per_s),
        samples: response.len(),
        response_ns: Quantiles::of(&response),
        service_ns: Quantiles::of(&service).filter(|_| !flood),
        client_cpu_ns_per_tick: per_tick(grown(|s| s.client_cpu_ns), grown(|s| s.processed)),
        server_cpu_ns_per_tick: per_tick(server_cpu_ns, grown(|s| s.generated)),
        client_peak_rss_bytes: peak(record.watched.client_peak_rss_bytes, |s| s.client_rss_bytes),
        server_peak_rss_bytes: peak(record.watched.server_peak_rss_bytes, |s| s.server_rss_bytes),
        server_lateness_ns: lateness(journey.after_due(2)),
        pacing_lateness_ns: lateness(journey.after_due(1)),
        client_switches: record.watched.client_switches,
        server_switches: record.watched.server_switches,
        blocked_share: grown(|s| s.blocked_ns) as f64 / 1e9 / seconds,
        dry_share: window.iter().filter(|s| is_dry(s)).count() as f64 / window.len() as f64,
        rates,
    })
}

/// The snapshots of the window, both edges included; `None` if they are not
/// all there.
#[must_use]
pub fn window<'a>(record: &'a Record, plan: &Plan) -> Option<&'a [Snapshot]> {
    let edge = |ns: u64| usize::try_from(ns / plan.grid_ns).ok();
    let window_ns = plan.window_ns();
    record.watched.snapshots.get(edge(window_ns.start)?..=edge(window_ns.end)?)
}

/// Mean bytes of a tick on the wire, with its share of control frames.
#[must_use]
pub fn bytes_per_tick(record: &Record) -> f64 {
    match record.server.written {
        0 => 1.0,
        written => record.server.written_bytes as f64 / written as f64,
    }
}

/// The backlog at one instant, layer by layer. Server and client are exact
/// counts; the kernel's bytes are divided by the mean bytes of a tick; the
/// library's share is the rest, so that the sum is generated − processed.
#[must_use]
pub fn layers(snapshot: &Snapshot, bytes_per_tick: f64) -> Backlog {
    // A write is counted when its call returns; what has been received was
    // written in any case.
    let written = snapshot.written.max(snapshot.received) as f64;
    let between = written - snapshot.received as f64;
    let queues = snapshot.queues.unwrap_or_default();
    // At most what is there: the queues were read some µs after the counts.
    let kernel_receive = (queues.receive_bytes as f64 / bytes_per_tick).min(between);
    let kernel_send = (queues.send_bytes as f64 / bytes_per_tick).min(between - kernel_receive);
    Backlog {
        server: snapshot.generated as f64 - written,
        kernel_send: kernel_send.round(),
        kernel_receive: kernel_receive.round(),
        library: between - kernel_send.round() - kernel_receive.round(),
        client: snapshot.received as f64 - snapshot.processed as f64,
    }
}

fn is_dry(snapshot: &Snapshot) -> bool {
    snapshot.queues.is_some_and(|q| q.send_bytes + q.receive_bytes < DRY_BYTES)
}

fn oldest_age_ns(last: &Snapshot, start_ns: u64, plan: &Plan) -> Option<u64> {
    plan.schedule().offered_per_s()?;
    if last.processed >= last.generated {
        return Some(0);
    }
    let due_ns = start_ns + plan.schedule().due_offset_ns(last.processed)?;
    Some(last.at_ns.saturating_sub(due_ns))
}

fn lateness(ns: Vec<u64>) -> Option<Lateness> {
    let times = Times::new(ns.into_iter().map(Time::Exact).collect());
    let at = |q| times.quantile(q).map(Time::bound_ns);
    Some(Lateness { p50: at(0.5)?, p99: at(0.99)?, max: at(1.0)? })
}

/// The sampled ticks that are due within the window, from the server's and the
/// client's stamps joined by seq. Empty under flood.
struct Journey<'a> {
    record: &'a Record,
    plan: &'a Plan,
    /// Indices of the sample plan: due within the window.
    indices: std::ops::Range<u64>,
}

impl<'a> Journey<'a> {
    fn new(record: &'a Record, plan: &'a Plan) -> Self {
        let (sample, schedule) = (plan.sample(), plan.schedule());
        let index = |offset_ns| schedule.ticks_within(offset_ns).map(|n| sample.count_below(n));
        let window_ns = plan.window_ns();
        let from = index(window_ns.start).unwrap_or(0);
        let to = index(window_ns.end).unwrap_or(0);
        Self { record, plan, indices: from..to }
    }

    /// The row of a planned seq: rows are exactly the planned seqs in order
    /// where the audit passes, so the index is the place.
    fn row(rows: &'a [[u64; 3]], seq: u64, index: u64) -> Option<&'a [u64; 3]> {
        let row = rows.get(usize::try_from(index).ok()?)?;
        (row[0] == seq).then_some(row)
    }

    fn due_ns(&self, seq: u64) -> u64 {
        self.record.start_ns + self.plan.schedule().due_offset_ns(seq).unwrap_or(0)
    }

    fn waited(&self, from_ns: u64, processed: Option<&[u64; 3]>) -> Time {
        match processed {
            Some(row) => Time::Exact(row[2].saturating_sub(from_ns)),
            None => {
                Time::AtLeast { at_least: self.record.watched.ended_ns.saturating_sub(from_ns) }
            }
        }
    }

    fn response(&self) -> Times {
        let sample = self.plan.sample();
        let times = self.indices.clone().map(|index| {
            let seq = sample.nth(index);
            self.waited(self.due_ns(seq), Self::row(&self.record.client_rows, seq, index))
        });
        Times::new(times.collect())
    }

    fn service(&self) -> Times {
        let sample = self.plan.sample();
        let times = self.indices.clone().filter_map(|index| {
            let seq = sample.nth(index);
            let written = Self::row(&self.record.server_rows, seq, index)?;
            Some(self.waited(written[2], Self::row(&self.record.client_rows, seq, index)))
        });
        Times::new(times.collect())
    }

    /// Stamp `column` of the server's rows minus the due time.
    fn after_due(&self, column: usize) -> Vec<u64> {
        let sample = self.plan.sample();
        let times = self.indices.clone().filter_map(|index| {
            let seq = sample.nth(index);
            let row = Self::row(&self.record.server_rows, seq, index)?;
            Some(row[column].saturating_sub(self.due_ns(seq)))
        });
        times.collect()
    }
}
