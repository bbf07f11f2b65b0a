//! What a round's record says: rates, backlog by layer, latencies. Pure
//! arithmetic over what was observed and reported.

use super::backlog::{Backlog, bytes_per_tick, layers};
use super::growth::{ebb_growth, growth, waiting};
use super::journey::{Journeys, Lateness, Made, Waterfall};
use super::recovery::{self, Recovery};
use super::staleness::{self, Staleness};
use super::window::{self, Unsteady};
use crate::analysis::statistics::times::Quantiles;
use crate::load::plan::Plan;
use crate::record::round::Record;
use crate::record::snapshot::Snapshot;
use crate::record::watched::{Disturbance, Switches};
use contract::Policy;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Ticks per second within the window, each stage apart.
#[derive(Debug, Clone, Copy, Default, PartialEq, JsonSchema, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Default, PartialEq, JsonSchema, Serialize, Deserialize)]
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
    pub unsteady: Option<Unsteady>,
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
    /// Context switches of the client per tick that it processed, voluntary and
    /// involuntary, over the planned window; `None` in campaigns from before it was
    /// computed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_switches_per_tick: Option<f64>,
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
    let steady = window::steady(record, plan)?;
    let window = window::snapshots(record, plan, &steady.ns)?;
    let (first, last) = (window.first()?, window.last()?);
    let seconds = (last.at_ns - first.at_ns) as f64 / 1e9;
    // A client's counters may do anything; the audit says so, this must not panic.
    let grown = |count: fn(&Snapshot) -> u64| count(last).saturating_sub(count(first));
    let rate = |count: fn(&Snapshot) -> u64| grown(count) as f64 / seconds;
    let rates = Rates {
        offered_per_s: plan
            .timetable
            .offered_per_s(&steady.ns)
            .map(|n| n * plan.connections() as f64),
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
    let journeys = Journeys::new(record, plan, &steady.ns);
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
        staleness_ns: staleness::staleness(record, plan, &steady.ns),
        window_from_ns: steady.ns.start,
        unsteady: steady.unsteady,
        backlog_growth_per_s: growth.per_x,
        backlog_growth_interval_per_s: growth.interval,
        ebb_growth_per_s: match plan.timetable.schedule().is_stationary() {
            true => None,
            false => ebb_growth(window),
        },
        backlog_peak: window.iter().map(waiting).fold(0.0, f64::max),
        recovery: recovery::recovery(&record.connections, record.start_ns, plan, &steady.ns),
        backlog_end,
        oldest_age_ns: oldest_age_ns(last, record, plan),
        drain_s: (rates.processed_per_s > 0.0).then(|| backlog_end.total() / rates.processed_per_s),
        samples: response.len(),
        response_ns: Quantiles::of(&response),
        service_ns: Quantiles::of(&service).filter(|_| !flood),
        waterfall: journeys.waterfall(),
        client_cpus: grown(|s| s.client_cpu_ns) as f64 / 1e9 / seconds,
        client_cpu_ns_per_tick: per_tick(grown(|s| s.client_cpu_ns), grown(|s| s.processed)),
        client_switches_per_tick: switches_per_tick(record, plan),
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

/// The switches are counted at the ends of the planned window, even if the run became
/// steady only later.
fn switches_per_tick(record: &Record, plan: &Plan) -> Option<f64> {
    let window = window::snapshots(record, plan, &plan.window_ns())?;
    let processed = window.last()?.processed.saturating_sub(window.first()?.processed);
    let Switches { voluntary, involuntary } = record.watched.client_switches;
    share((voluntary + involuntary) as f64, processed as f64)
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
    let place = last.processed / plan.connections() as u64;
    let seq = record.connections.iter().map(|connection| connection.drops.nth(place)).min()?;
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
