//! From snapshots to metrics, with names as Prometheus recommends: base units, the unit
//! last, and `_total` at the end of counters.

use crate::accept::counts::AcceptCounts;
use crate::connection::end::EndReason;
use crate::engine::lateness::{BOUNDS_NS, Lateness};
use crate::metrics::gauges::Gauges;
use crate::metrics::snapshot::{Class, Snapshot};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue, MetricEncoder, NoLabelSet,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use std::fmt::Result;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

/// All metrics: the sums over the engines, and the counts of the listener.
#[must_use]
pub fn registry(engines: Vec<Arc<Gauges>>, accept: &AcceptCounts) -> Registry {
    let mut root = Registry::default();
    // The name that every Prometheus client library uses.
    let since_s = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let help = "When the server started, since 1970-01-01 UTC";
    root.register_with_unit("process_start_time", help, Unit::Seconds, ConstGauge::new(since_s));
    let own = root.sub_registry_with_prefix("tick_server");
    let profile = if cfg!(debug_assertions) { "debug" } else { "release" };
    let build = [("version", env!("CARGO_PKG_VERSION")), ("profile", profile)];
    own.register("build", "Version and profile of the build", Info::new(build));
    let help = "Connections that completed their handshake";
    own.register("connections_accepted", help, accept.accepted.clone());
    let help = "Connections refused, by the HTTP status of the answer or the close code";
    own.register("connections_refused", help, accept.refused.clone());
    let help = "Handshakes that made room for newer ones before they were complete";
    own.register("handshakes_displaced", help, accept.displaced.clone());
    own.register_collector(Box::new(Engines(engines)));
    root
}

/// The engines, with their newest snapshots at a scrape.
#[derive(Debug)]
struct Engines(Vec<Arc<Gauges>>);

impl Collector for Engines {
    fn encode(&self, encoder: DescriptorEncoder) -> Result {
        let mut snapshot = Snapshot::default();
        for gauges in &self.0 {
            snapshot.add(gauges.load());
        }
        let mut page = Page(encoder);
        ticks(&mut page, &snapshot)?;
        bytes_and_times(&mut page, &snapshot)?;
        connections(&mut page, &snapshot)?;
        lateness(&mut page, &snapshot.lateness)
    }
}

/// Writes metrics.
struct Page<'a>(DescriptorEncoder<'a>);

/// What a page says about a metric before its values.
struct Description<'s> {
    name: &'s str,
    unit: Option<&'s Unit>,
    /// Without the full stop at its end, as in a [`Registry`].
    help: &'s str,
}

/// A description without unit.
fn plain<'s>(name: &'s str, help: &'s str) -> Description<'s> {
    Description { name, unit: None, help }
}

fn bytes<'s>(name: &'s str, help: &'s str) -> Description<'s> {
    Description { name, unit: Some(&Unit::Bytes), help }
}

fn seconds<'s>(name: &'s str, help: &'s str) -> Description<'s> {
    Description { name, unit: Some(&Unit::Seconds), help }
}

impl Page<'_> {
    fn describe<'s>(
        &'s mut self,
        metric: &Description<'s>,
        kind: MetricType,
    ) -> std::result::Result<MetricEncoder<'s>, std::fmt::Error> {
        let Description { name, unit, help } = *metric;
        self.0.encode_descriptor(name, &format!("{help}."), unit, kind)
    }

    fn counter(&mut self, metric: &Description, value: &impl EncodeCounterValue) -> Result {
        let mut encoder = self.describe(metric, MetricType::Counter)?;
        encoder.encode_counter::<NoLabelSet, _, f64>(value, None)
    }

    fn gauge(&mut self, metric: &Description, value: &impl EncodeGaugeValue) -> Result {
        self.describe(metric, MetricType::Gauge)?.encode_gauge(value)
    }

    /// One gauge for each class of connections.
    fn gauge_by_class(&mut self, metric: &Description, value: impl Fn(Class) -> u64) -> Result {
        let mut encoder = self.describe(metric, MetricType::Gauge)?;
        for class in Class::ALL {
            let label = [("class", class.to_string())];
            encoder.encode_family(&label)?.encode_gauge(&value(class))?;
        }
        Ok(())
    }
}

fn ticks(page: &mut Page, snapshot: &Snapshot) -> Result {
    for (name, help, value) in [
        ("generated", "Ticks made", snapshot.generated),
        ("offered", "Ticks made, once for each connection that is to get them", snapshot.offered),
        ("written", "Ticks that the kernel took, over all connections", snapshot.written),
        ("acknowledged", "Ticks that the clients' kernels acknowledged", snapshot.acknowledged),
        ("confirmed", "Ticks that the clients confirmed by a pong", snapshot.confirmed),
        ("dropped", "Ticks that the policy for slow consumers dropped", snapshot.dropped),
        (
            "abandoned",
            "Ticks that waited when their connection left or chose other symbols",
            snapshot.abandoned,
        ),
    ] {
        page.counter(&plain(&format!("ticks_{name}"), help), &value)?;
    }
    Ok(())
}

fn bytes_and_times(page: &mut Page, snapshot: &Snapshot) -> Result {
    let written = bytes("written", "Bytes that the kernel took, control frames included");
    page.counter(&written, &snapshot.written_bytes)?;
    page.gauge(&bytes("log", "Bytes that the broadcast log holds"), &snapshot.log_bytes)?;
    let blocked = seconds("blocked", "Time in which ticks waited and a socket took nothing");
    page.counter(&blocked, &seconds_of(snapshot.blocked_ns))?;
    let spun = seconds("spun", "CPU time spent spinning before due times");
    page.counter(&spun, &seconds_of(snapshot.spun_ns))
}

fn connections(page: &mut Page, snapshot: &Snapshot) -> Result {
    let class = |class: Class| snapshot.classes[class as usize];
    let open = "Open connections: current, behind (the socket is full), stalled (and took nothing for 1 s)";
    page.gauge_by_class(&plain("connections", open), |c| class(c).connections)?;
    let ticks = plain("backlog_ticks", "Ticks that wait for connections");
    page.gauge_by_class(&ticks, |c| class(c).ticks)?;
    let waiting = bytes("backlog", "Bytes that wait for connections");
    page.gauge_by_class(&waiting, |c| class(c).bytes)?;
    let left = plain("connections_left", "Connections that have left, by the reason");
    let mut left = page.describe(&left, MetricType::Counter)?;
    for reason in EndReason::ALL {
        let (label, count) = ([("reason", reason.to_string())], snapshot.left[reason as usize]);
        left.encode_family(&label)?.encode_counter::<NoLabelSet, _, f64>(&count, None)?;
    }
    Ok(())
}

fn lateness(page: &mut Page, lateness: &Lateness) -> Result {
    let bounds = BOUNDS_NS.map(seconds_of).into_iter().chain([f64::INFINITY]);
    let buckets: Vec<(f64, u64)> = bounds.zip(lateness.counts).collect();
    let count = lateness.counts.iter().sum();
    let metric = seconds("tick_lateness", "How long after its due time a tick was encoded");
    page.describe(&metric, MetricType::Histogram)?.encode_histogram::<NoLabelSet>(
        seconds_of(lateness.sum_ns),
        count,
        &buckets,
        None,
    )
}

/// Prometheus wants base units.
fn seconds_of(ns: u64) -> f64 {
    ns as f64 / 1e9
}
