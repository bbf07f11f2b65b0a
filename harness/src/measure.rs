//! What a round's record says: rates, backlog by layer, latencies. Pure
//! arithmetic over what was observed and reported.

use crate::growth::{ebb_growth, growth, is_overloaded, processed_rates, waiting};
use crate::journey::{Journeys, Made, Waterfall};
use crate::observe::Snapshot;
use crate::plan::Plan;
use crate::process::Switches;
use crate::record::Record;
use crate::recovery::{self, Recovery};
use crate::staleness::{self, Staleness};
use crate::stats::{self, Quantiles};
use crate::steady;
use crate::surroundings::Disturbance;
use contract::Policy;
use serde::{Deserialize, Serialize};
use std::ops::Range;

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
    /// All layers together: generated − dropped − processed.
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
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// Rates within the window.
    #[serde(flatten)]
    pub rates: Rates,
    /// Processed of what was offered (under flood: of what was generated); `None` when
    /// that was nothing: a slow client may live on what its buffers hold.
    pub efficiency: Option<f64>,
    /// Where the window began, in ns from the start: behind the warm-up, and
    /// where the run had become steady.
    pub window_from_ns: u64,
    /// Why it never became steady, if so.
    pub unsteady: Option<String>,
    /// Under a policy that drops: what it dropped of what was made, within the window.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss: Option<f64>,
    /// Under the policy that blocks: what was never made of what was due, within the
    /// window, as the client held the source back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_back: Option<f64>,
    /// Age of the newest value of each symbol at the client; `None` without due times.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub staleness_ns: Option<Staleness>,
    /// Growth of generated − dropped − processed over the window (Theil–Sen), ticks/s.
    pub backlog_growth_per_s: f64,
    /// Its 95 % interval.
    pub backlog_growth_interval_per_s: [f64; 2],
    /// Under a load that changes by design: growth of the least backlog, from the
    /// first to the last third of the window, in ticks/s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ebb_growth_per_s: Option<f64>,
    /// The most that waited at one instant within the window, in ticks.
    pub backlog_peak: f64,
    /// How it came through bursts, where there were any.
    pub recovery: Option<Recovery>,
    /// At the end of the window.
    pub backlog_end: Backlog,
    /// Age of the oldest unprocessed tick at the end of the window, in ns;
    /// `None` under flood.
    pub oldest_age_ns: Option<u64>,
    /// Time to drain the final backlog at the processed rate, in s; `None`
    /// when nothing is processed.
    pub drain_s: Option<f64>,
    /// Processed − due, over the sampled ticks due within the window; where the
    /// server paces by itself processed − made; `None` under flood.
    pub response_ns: Option<Quantiles>,
    /// Processed − written, over the same ticks as far as they were written.
    pub service_ns: Option<Quantiles>,
    /// Where the response time went; `None` under flood.
    pub waterfall: Option<Waterfall>,
    /// CPU time of the client, in CPUs: 1 is one CPU all the time.
    pub client_cpus: f64,
    /// CPU time of the client per processed tick, in ns.
    pub client_cpu_ns_per_tick: Option<f64>,
    /// CPU time of the server per generated tick without spinning, in ns.
    pub server_cpu_ns_per_tick: Option<f64>,
    /// Most resident memory of the client.
    pub client_peak_rss_bytes: u64,
    /// Most resident memory of the server.
    pub server_peak_rss_bytes: u64,
    /// Written − due, over the sampled ticks due within the window and written;
    /// `None` without due times.
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
    /// What went on around it.
    pub disturbance: Disturbance,
    /// Sampled ticks behind the latencies.
    pub samples: usize,
}

/// Below this, the queues of a flood count as run dry, in bytes.
const DRY_BYTES: u64 = 64 * 1024;

fn share(part: f64, whole: f64) -> Option<f64> {
    (whole > 0.0).then(|| part / whole)
}

/// Computes the measurement of a round. `None` when the window was not
/// observed from its first to its last instant.
#[must_use]
pub fn measure(record: &Record, plan: &Plan) -> Option<Measurement> {
    let onset = onset(record, plan)?;
    let window = stretch(record, plan, &onset.window_ns)?;
    let (first, last) = (window.first()?, window.last()?);
    let seconds = (last.at_ns - first.at_ns) as f64 / 1e9;
    // A client's counters may do anything; the audit says so, this must not panic.
    let grown = |count: fn(&Snapshot) -> u64| count(last).saturating_sub(count(first));
    let rate = |count: fn(&Snapshot) -> u64| grown(count) as f64 / seconds;
    let rates = Rates {
        offered_per_s: plan
            .timetable
            .offered_per_s(&onset.window_ns)
            .map(|n| n * plan.links() as f64),
        generated_per_s: rate(|s| s.generated),
        written_per_s: rate(|s| s.written),
        acknowledged_per_s: rate(|s| s.acknowledged),
        confirmed_per_s: rate(|s| s.confirmed),
        received_per_s: rate(|s| s.received),
        processed_per_s: rate(|s| s.processed),
    };
    let growth = growth(window);
    let backlog_end = layers(last, bytes_per_tick(record));
    let per_tick = |ns: u64, ticks: u64| (ticks > 0).then(|| ns as f64 / ticks as f64);
    let spun_ns = grown(|s| s.spun_ns);
    let server_cpu_ns = grown(|s| s.server_cpu_ns).saturating_sub(spun_ns);
    let peak = |highest: u64, seen: fn(&Snapshot) -> u64| {
        record.watched.snapshots.iter().map(seen).max().unwrap_or(0).max(highest)
    };
    let journeys = Journeys::new(record, plan, &onset.window_ns);
    let (response, service) = (journeys.response(), journeys.service());
    let flood = rates.offered_per_s.is_none();
    let (policy, made) = (plan.workload.policy(), grown(|s| s.generated) as f64);
    Some(Measurement {
        efficiency: share(
            rates.processed_per_s,
            rates.offered_per_s.unwrap_or(rates.generated_per_s),
        ),
        // What is dropped within the window may have been made before it.
        loss: policy
            .is_lossy()
            .then(|| share(grown(|s| s.dropped) as f64, made))
            .flatten()
            .map(|share| share.min(1.0)),
        held_back: (policy == Policy::Block)
            .then(|| share(rates.generated_per_s, rates.offered_per_s?))
            .flatten()
            .map(|share| (1.0 - share).max(0.0)),
        staleness_ns: staleness::staleness(record, plan, &onset.window_ns),
        window_from_ns: onset.window_ns.start,
        unsteady: onset.unsteady,
        backlog_growth_per_s: growth.per_x,
        backlog_growth_interval_per_s: growth.interval,
        ebb_growth_per_s: match plan.timetable.schedule().is_stationary() {
            true => None,
            false => ebb_growth(window),
        },
        backlog_peak: window.iter().map(waiting).fold(0.0, f64::max),
        recovery: recovery::recovery(&record.links, record.start_ns, plan, &onset.window_ns),
        backlog_end,
        oldest_age_ns: oldest_age_ns(last, record, plan),
        drain_s: (rates.processed_per_s > 0.0).then(|| backlog_end.total() / rates.processed_per_s),
        samples: response.len(),
        response_ns: Quantiles::of(&response),
        service_ns: Quantiles::of(&service).filter(|_| !flood),
        waterfall: journeys.waterfall(),
        client_cpus: grown(|s| s.client_cpu_ns) as f64 / 1e9 / seconds,
        client_cpu_ns_per_tick: per_tick(grown(|s| s.client_cpu_ns), grown(|s| s.processed)),
        server_cpu_ns_per_tick: per_tick(server_cpu_ns, grown(|s| s.generated)),
        client_peak_rss_bytes: peak(record.watched.client_peak_rss_bytes, |s| s.client_rss_bytes),
        server_peak_rss_bytes: peak(record.watched.server_peak_rss_bytes, |s| s.server_rss_bytes),
        server_lateness_ns: journeys.lateness(|stamps| stamps.written_ns),
        pacing_lateness_ns: journeys.lateness(|stamps| stamps.encoded_ns),
        client_switches: record.watched.client_switches,
        server_switches: record.watched.server_switches,
        blocked_share: grown(|s| s.blocked_ns) as f64 / 1e9 / seconds,
        disturbance: record.watched.disturbance,
        dry_share: window.iter().filter(|s| is_dry(s)).count() as f64 / window.len() as f64,
        rates,
    })
}

/// Where measuring begins.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Onset {
    window_ns: Range<u64>,
    unsteady: Option<String>,
}

/// Differences of the backlog below what comes in so many ns do not keep a run
/// from being steady; nor do such shares of a processed rate.
pub const STEADY_NS: f64 = 1e6;
const STEADY_SHARE: f64 = 0.1;

/// Where the run has become steady, at the earliest behind the warm-up. With a
/// backlog that grows, or under flood, the processed rate has to be steady;
/// otherwise the backlog itself.
fn onset(record: &Record, plan: &Plan) -> Option<Onset> {
    let window_ns = plan.window_ns();
    let planned = window(record, plan)?;
    if !plan.timetable.schedule().is_stationary() {
        return Some(Onset { window_ns, unsteady: None });
    }
    let offered_per_s = plan.offered_per_s();
    let overloaded = offered_per_s.is_none_or(|offered| is_overloaded(&growth(planned), offered));
    let (series, tolerance, unit) = match offered_per_s.filter(|_| !overloaded) {
        Some(offered) => {
            let backlog: Vec<f64> = planned.iter().map(waiting).collect();
            (backlog, (offered * STEADY_NS / 1e9).max(5.0), "ticks waiting")
        }
        None => {
            let rates = processed_rates(planned);
            let median = stats::median(rates.clone()).unwrap_or(0.0);
            (rates, median * STEADY_SHARE, "ticks/s processed")
        }
    };
    Some(match steady::begin(&series, tolerance) {
        Ok(from) => {
            let start = window_ns.start + from as u64 * plan.grid_ns;
            Onset { window_ns: start..window_ns.end, unsteady: None }
        }
        // What falls behind does not have to do so evenly.
        Err(_) if overloaded && offered_per_s.is_some() => Onset { window_ns, unsteady: None },
        Err(found) => {
            let why = format!("from {:.0} to {:.0} {unit}", found.from, found.to);
            Onset { window_ns, unsteady: Some(why) }
        }
    })
}

/// The snapshots of the planned window, both edges included; `None` if they
/// are not all there.
#[must_use]
pub fn window<'a>(record: &'a Record, plan: &Plan) -> Option<&'a [Snapshot]> {
    stretch(record, plan, &plan.window_ns())
}

fn stretch<'a>(record: &'a Record, plan: &Plan, ns: &Range<u64>) -> Option<&'a [Snapshot]> {
    let edge = |ns: u64| usize::try_from(ns / plan.grid_ns).ok();
    record.watched.snapshots.get(edge(ns.start)?..=edge(ns.end)?)
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
/// library's share is the rest, so that the sum is generated − dropped − processed.
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
        server: snapshot.generated as f64 - snapshot.dropped as f64 - written,
        kernel_send: kernel_send.round(),
        kernel_receive: kernel_receive.round(),
        library: between - kernel_send.round() - kernel_receive.round(),
        client: snapshot.received as f64 - snapshot.processed as f64,
    }
}

fn is_dry(snapshot: &Snapshot) -> bool {
    snapshot.queues.is_some_and(|q| q.send_bytes + q.receive_bytes < DRY_BYTES)
}

fn oldest_age_ns(last: &Snapshot, record: &Record, plan: &Plan) -> Option<u64> {
    if last.processed >= last.generated.saturating_sub(last.dropped) {
        return plan.timetable.due_offset_ns(0).map(|_| 0);
    }
    // With several connections: as if all were equally far. What was dropped since then
    // waits no longer.
    let place = last.processed / plan.links() as u64;
    let seq = record.links.iter().map(|link| link.drops.nth(place)).min()?;
    let since_ns = match plan.keeps_due_times() {
        true => record.start_ns + plan.due_offset_ns(seq)?,
        false => plan.timetable.due_offset_ns(seq).and(Made::new(record).seen_ns(seq))?,
    };
    Some(last.at_ns.saturating_sub(since_ns))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A flood that a slow client's buffers have stopped: no number that no file can hold.
    #[test]
    fn of_nothing_there_is_no_share() {
        assert_eq!(share(20_000.0, 0.0), None);
        assert_eq!(share(1.0, 2.0), Some(0.5));
        let measured = Measurement { efficiency: share(20_000.0, 0.0), ..Measurement::default() };
        let text = serde_json::to_string(&measured).unwrap();
        assert_eq!(serde_json::from_str::<Measurement>(&text).unwrap(), measured);
    }
}
